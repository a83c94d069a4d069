//! `bench -- wires`: what a unary call costs on each wire, in both profiles, and the aims.

use crate::aims::{self, Aims};
use crate::count::callgrind::{self, Work};
use crate::count::strace::{self, SystemCalls};
use crate::failure::Failure;
use crate::load::Wire;
use crate::profile::{self, Profile};
use crate::subject::{Measured, Subject, working};
use crate::table::{Table, thousands};
use crate::throughput;
use crate::tools::{self, H2LOAD, STRACE, VALGRIND};

/// The price of one call.
#[derive(Debug)]
struct Price {
    work: Work,
    system: SystemCalls,
}

/// Builds, counts, prints; answers the aims with what came out.
pub(crate) fn run() -> Result<Aims, Failure> {
    tools::need(&[VALGRIND, STRACE, H2LOAD])?;
    let mut aims = Aims::default();
    for profile in [profile::SHIPPED, profile::DEFAULT] {
        let prices = count(profile)?;
        println!("\nPrice of a call, profile `{}` ({})\n", profile.name, profile.meaning);
        print!("{}", table(&prices));
        judge(&mut aims, profile, &prices);
    }
    let speed = throughput::glance()?;
    println!("\ngRPC requests per second, profile `{}`\n", profile::SHIPPED.name);
    print!("{}", throughput::table(&speed, Wire::Grpc));
    throughput::judge(&mut aims, &speed);
    print!("\n{aims}");
    Ok(aims)
}

fn count(profile: Profile) -> Result<Measured<Price>, Failure> {
    let program = profile.build()?;
    let mut prices = Measured::new();
    for subject in working(&program) {
        eprintln!("counting {}", subject.name());
        let start = subject.start(&program);
        let work = callgrind::count(&start, subject.wire)?;
        let system = strace::count(&start, subject.wire)?;
        prices.add(subject, Price { work, system });
    }
    Ok(prices)
}

fn table(prices: &Measured<Price>) -> Table {
    let mut table = Table::new(&[
        "server",
        "instructions",
        "of peer",
        "allocations",
        "system calls",
        "writes",
        "of peer",
    ]);
    for (subject, price) in Wire::ALL.into_iter().flat_map(|wire| prices.on(wire)) {
        let ratio = |number: fn(&Price) -> f64| {
            prices.ratio(*subject, number).map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        table.row([
            subject.name().to_owned(),
            thousands(price.work.instructions),
            ratio(instructions),
            format!("{:.1}", price.work.allocations),
            format!("{:.2}", price.system.all),
            format!("{:.2}", price.system.writes),
            ratio(writes),
        ]);
    }
    table
}

fn judge(aims: &mut Aims, profile: Profile, prices: &Measured<Price>) {
    let Profile { name, .. } = profile;
    let (json, grpc) = (Subject::kitfox(Wire::Json), Subject::kitfox(Wire::Grpc));
    let ratio = prices.ratio(json, instructions);
    aims.add(format!("JSON instructions of axum's, {name}"), aims::JSON_INSTRUCTIONS, ratio);
    let ratio = prices.ratio(grpc, instructions);
    aims.add(format!("gRPC instructions of tonic's, {name}"), aims::GRPC_INSTRUCTIONS, ratio);
    let ratio = prices.ratio(grpc, writes);
    aims.add(format!("gRPC writes of tonic's, {name}"), aims::GRPC_WRITES, ratio);
}

fn instructions(price: &Price) -> f64 {
    price.work.instructions
}

fn writes(price: &Price) -> f64 {
    price.system.writes
}
