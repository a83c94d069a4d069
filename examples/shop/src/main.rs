//! One program for every process of the shop: see `shop --help`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to who started it")]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use shop::arguments::{Command, HELP};
use shop::customers::{Customers, Rate};
use shop::fleet::{Fleet, Plan};
use shop::registry::Registry;
use shop::tally::{HEADER, Second};
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Command::of_process() {
        Ok(command) => run(command).await,
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("shop: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Help => println!("{HELP}"),
        Command::Serve(role, settings) => role.run(settings).await?,
        Command::Traffic(data, rate) => {
            let (_, nothing) = mpsc::channel(1);
            traffic(&Registry::new(&data), rate, nothing).await?;
        }
        Command::Everything(plan, rate) => everything(&plan, rate).await?,
    }
    Ok(())
}

async fn everything(plan: &Plan, rate: Rate) -> Result<(), Box<dyn Error>> {
    println!("opening the shop, in {}", plan.data.display());
    let (fleet, news) = Fleet::start(plan).await?;
    println!("{fleet}");
    let ended = traffic(&Registry::new(&plan.data), rate, news).await;
    println!("closing the shop");
    fleet.stop().await;
    ended
}

/// Prints a line a second of what customers see, and news among them, until it is told to end.
async fn traffic(
    registry: &Registry,
    rate: Rate,
    mut news: mpsc::Receiver<String>,
) -> Result<(), Box<dyn Error>> {
    let crowd = Customers::new(registry)?.come(rate);
    let mut sum = Second::default();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    seconds.tick().await;
    let mut told = std::pin::pin!(told_to_end());
    'seconds: for second in 1_u64.. {
        if second % 20 == 1 {
            println!("{HEADER}");
        }
        loop {
            tokio::select! {
                biased;
                () = &mut told => break 'seconds,
                Some(news) = news.recv() => println!("  {news}"),
                _ = seconds.tick() => break,
            }
        }
        let seen = crowd.seen();
        println!("{second:6} {seen}");
        sum.absorb(seen);
    }
    sum.absorb(crowd.leave().await);
    println!("   all {sum}");
    Ok(())
}

/// Ctrl-C, or a polite `kill`.
async fn told_to_end() {
    #[cfg(unix)]
    if let Ok(mut terminate) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            biased;
            _ = terminate.recv() => return,
            heard = tokio::signal::ctrl_c() => if heard.is_ok() { return },
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
