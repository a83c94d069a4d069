//! `docs/price.tsv`: the prices that somebody looked at.

use std::collections::HashMap;
use std::path::PathBuf;

use super::row::{Price, Row, Rows};
use crate::failure::{Failure, While};

/// A price may grow by this part of it, or by so many instructions, until somebody must look.
const PART: f64 = 0.10;
const INSTRUCTIONS: f64 = 100.0;

const HEAD: &str = "# row\tinstructions\tallocations\tbytes";

pub(super) fn write(rows: &Rows) -> Result<(), Failure> {
    let lines = rows.all().iter().map(|(row, price)| {
        let Price { instructions, allocations, bytes } = price;
        format!("{row}\t{instructions:.0}\t{allocations:.2}\t{bytes:.0}\n")
    });
    let text = format!("{HEAD}\n{}", lines.collect::<String>());
    let file = file();
    std::fs::write(&file, text).failed_while(format!("writing {}", file.display()))
}

/// Compares with the table, and prints what has changed much.
///
/// # Errors
/// With the rows of Kitfox that have grown, or are not there.
pub(super) fn compare(rows: &Rows) -> Result<(), Failure> {
    let file = file();
    let text =
        std::fs::read_to_string(&file).failed_while(format!("reading {}", file.display()))?;
    let known = read(&text);
    let grown: Vec<String> = rows
        .all()
        .iter()
        .filter_map(|(row, price)| grown(*row, *price, known.get(&row.to_string()).copied()))
        .collect();
    if grown.is_empty() {
        return Ok(());
    }
    let advice = "if that is meant, `bench -- price --write` writes the table anew";
    Err(Failure::new("comparing with docs/price.tsv", format!("{}; {advice}", grown.join("; "))))
}

/// What is to be said of a row that costs too much more than it did.
fn grown(row: Row, price: Price, before: Option<f64>) -> Option<String> {
    if !row.is_own() {
        return None;
    }
    let Some(before) = before else { return Some(format!("`{row}` is not in it")) };
    let now = price.instructions;
    let much = now > before * (1.0 + PART) && now > before + INSTRUCTIONS;
    much.then(|| format!("`{row}` has grown from {before:.0} to {now:.0} instructions"))
}

/// The instructions of each row.
fn read(text: &str) -> HashMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let mut cells = line.split('\t');
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    };
    lines.filter_map(row).collect()
}

fn file() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/price.tsv"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Wire;
    use crate::loops::Loop;
    use crate::servers::{Onion, Server};
    use crate::subject::Subject;

    fn price(instructions: f64) -> Price {
        Price { instructions, ..Price::default() }
    }

    #[test]
    fn a_row_may_grow_a_little_and_must_be_known() {
        let part = Row::Part(Loop::Counter);
        assert_eq!(grown(part, price(150.0), Some(60.0)), None, "few instructions");
        assert!(grown(part, price(161.0), Some(60.0)).unwrap().contains("from 60 to 161"));
        let call = Row::Call(Subject::unary(Server::Kitfox(Onion::Record), Wire::Json));
        assert_eq!(grown(call, price(19_700.0), Some(18_000.0)), None, "a small part");
        assert!(grown(call, price(19_900.0), Some(18_000.0)).is_some());
        assert!(grown(call, price(1.0), None).unwrap().contains("kitfox-record json"));
        let peer = Row::Call(Subject::unary(Server::Axum, Wire::Json));
        assert_eq!(grown(peer, price(99_999.0), None), None);
    }

    #[test]
    fn the_table_is_read() {
        let known =
            read("# row\tinstructions\nkitfox json\t15000\t8.00\t900\npart line\t900\t0\t0\n");
        assert_eq!(known["kitfox json"], 15_000.0);
        assert_eq!(known["part line"], 900.0);
    }
}
