//! What the program is told to do.

use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::customers::Rate;
use crate::fleet::Plan;
use crate::role::{Role, Settings};

/// What `--help` says.
pub const HELP: &str = "\
The shop: a storefront, a catalog, orders and payments, and their customers.

  shop                      starts several replicas of each, and customers; Ctrl-C ends them all
      --replicas N          of each service (2)
      --rate N              customers a second (50)
      --port N              of the first storefront; 0 takes free ones (8080)

  shop catalog              starts one replica more, in this terminal
  shop orders               the same, and so on
  shop payments
  shop storefront
      --leash               ends when standard input does, for whoever started it

  shop traffic              is only the customers
      --rate N              so many a second (50)

      --data FOLDER         where the shop keeps everything: its processes find each other there
                            (kitfox-shop in the folder for temporary files)";

/// What the program is told to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// To say what it can be told.
    Help,
    /// To be a replica.
    Serve(Role, Settings),
    /// To be the customers of the shop in this folder.
    Traffic(PathBuf, Rate),
    /// To be all of that.
    Everything(Plan, Rate),
}

impl Command {
    /// What this process was told.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn of_process() -> Result<Command, lexopt::Error> {
        Command::parse(Parser::from_env())
    }

    fn parse(mut parser: Parser) -> Result<Command, lexopt::Error> {
        let mut what = None;
        let mut data = std::env::temp_dir().join("kitfox-shop");
        let (mut replicas, mut rate, mut port, mut leash) = (2, Rate(50), 8080, false);
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
                Arg::Long("replicas") => replicas = parser.value()?.parse()?,
                Arg::Long("rate") => rate = Rate(parser.value()?.parse()?),
                Arg::Long("port") => port = parser.value()?.parse()?,
                Arg::Long("data") => data = parser.value()?.into(),
                Arg::Long("leash") => leash = true,
                Arg::Value(value) if what.is_none() => what = Some(value.string()?),
                other => return Err(other.unexpected()),
            }
        }
        let Some(what) = what else {
            return Ok(Command::Everything(Plan { replicas, port, data }, rate));
        };
        if what == "traffic" {
            return Ok(Command::Traffic(data, rate));
        }
        let role = Role::ALL.into_iter().find(|role| role.name() == what);
        let role = role.ok_or_else(|| format!("there is no `{what}`; see shop --help"))?;
        Ok(Command::Serve(role, Settings { data, leash }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        Command::parse(Parser::from_args(arguments)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_word_it_is_the_whole_shop() {
        let Ok(Command::Everything(plan, rate)) = parse(&["--rate", "7", "--data", "/d"]) else {
            panic!("everything");
        };
        assert_eq!(plan, Plan { replicas: 2, port: 8080, data: "/d".into() });
        assert_eq!(rate, Rate(7));
    }

    #[test]
    fn a_word_is_one_process_of_it() {
        let settings = Settings { data: "/d".into(), leash: true };
        let orders = parse(&["orders", "--leash", "--data", "/d"]);
        assert_eq!(orders, Ok(Command::Serve(Role::Orders, settings)));
        assert!(matches!(parse(&["traffic"]), Ok(Command::Traffic(..))));
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        assert!(parse(&["order"]).unwrap_err().contains("no `order`; see shop --help"));
        assert!(parse(&["--rate", "fast"]).is_err());
    }
}
