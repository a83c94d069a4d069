//! `bench -- wires`: what a message costs on each wire, in both profiles, and the aims.

use crate::aims::{self, Aims};
use crate::collector::Collector;
use crate::count::callgrind::{Counter, Work};
use crate::count::strace::{self, SystemCalls};
use crate::failure::Failure;
use crate::load::{Call, Shape, Wire};
use crate::profile::{self, Profile, Programs};
use crate::servers::Server;
use crate::subject::{Measured, SIZES, STREAMS, Subject, working};
use crate::table::{Table, thousands};
use crate::throughput;
use crate::tools::{self, H2LOAD, STRACE, VALGRIND, VGDB};

/// Builds, counts, prints; answers the aims with what came out.
pub(crate) fn run() -> Result<Aims, Failure> {
    tools::need(&[H2LOAD])?;
    let mut aims = counts()?;
    let speed = throughput::glance()?;
    println!("\ngRPC requests per second, profile `{}`\n", profile::SHIPPED.name);
    print!("{}", throughput::table(&speed, Wire::Grpc));
    throughput::judge(&mut aims, &speed);
    print!("\n{aims}");
    Ok(aims)
}

/// The same without what is timed, for a gate that may share its machine.
pub(crate) fn run_counts() -> Result<Aims, Failure> {
    let aims = counts()?;
    print!("\n{aims}");
    Ok(aims)
}

/// Counts some kinds of calls on a server of this very build.
pub(crate) fn count_here(server: Server, wire: Wire, shapes: &[&str]) -> Result<(), Failure> {
    tools::need(&[VALGRIND, VGDB])?;
    let programs = Programs::running()?;
    let mut start = Subject::unary(server, wire).start(&programs);
    let collector = server.is_exported().then(Collector::start).transpose()?;
    start.collector = collector.as_ref().map(|collector| collector.address);
    let mut counter = Counter::start(&start)?;
    for shape in shapes {
        let call = Call { wire, shape: shape.parse()? };
        counter.warm_up(call)?;
        let Work { instructions, allocations } = counter.count(call)?;
        println!("{server} {shape}: {} {allocations:.2}", thousands(instructions));
    }
    counter.end()
}

fn counts() -> Result<Aims, Failure> {
    tools::need(&[VALGRIND, VGDB, STRACE])?;
    let mut aims = Aims::default();
    for (profile, programs) in
        [profile::SHIPPED, profile::DEFAULT].into_iter().zip(profile::build_both()?)
    {
        let Profile { name, meaning } = profile;
        let (work, system) = (count_work(&programs)?, count_system(&programs)?);
        println!("\nPrice of a call, profile `{name}` ({meaning})\n\n{}", unary(&work, &system));
        println!("Texts of so many bytes, profile `{name}`\n\n{}", sizes(&work));
        println!("A message in a stream of 1,000, profile `{name}`\n\n{}", streams(&work));
        judge_unary(&mut aims, name, &work);
        judge_system(&mut aims, name, &system);
        judge_messages(&mut aims, name, &work);
    }
    Ok(aims)
}

fn count_work(programs: &Programs) -> Result<Measured<Work>, Failure> {
    let mut work = Measured::new();
    for server in Server::BARE {
        let subjects = working(programs, Subject::counted(server));
        let Some(first) = subjects.first() else { continue };
        // One process for all: it takes its time to start.
        let mut counter = Counter::start(&first.start(programs))?;
        counter.warm_up(first.call)?;
        for subject in subjects {
            eprintln!("counting {}, {}", subject.name(), subject.call.shape);
            work.add(subject, counter.count(subject.call)?);
        }
        counter.end()?;
    }
    Ok(work)
}

fn count_system(programs: &Programs) -> Result<Measured<SystemCalls>, Failure> {
    let mut system = Measured::new();
    for subject in working(programs, Subject::UNARY.to_vec()) {
        eprintln!("counting the system calls of {}", subject.name());
        system.add(subject, strace::count(&subject.start(programs), subject.call)?);
    }
    Ok(system)
}

/// A row for each server.
fn unary(work: &Measured<Work>, system: &Measured<SystemCalls>) -> Table {
    let mut table = Table::new(&[
        "server",
        "instructions",
        "of peer",
        "allocations",
        "system calls",
        "writes",
        "of peer",
    ]);
    for subject in Subject::UNARY {
        let (Some(price), Some(calls)) = (work.of(subject), system.of(subject)) else { continue };
        table.row([
            subject.name().to_owned(),
            thousands(price.instructions),
            ratio(work.ratio(subject, instructions)),
            format!("{:.1}", price.allocations),
            format!("{:.2}", calls.all),
            format!("{:.2}", calls.writes),
            ratio(system.ratio(subject, writes)),
        ]);
    }
    table
}

/// A row for each wire and size.
fn sizes(work: &Measured<Work>) -> Table {
    let calls = [Wire::Json, Wire::Grpc].into_iter().flat_map(|wire| {
        SIZES.map(|bytes| (size(bytes), Subject::kitfox(wire, Shape::Sized(bytes))))
    });
    beside_peer("text", calls, work)
}

/// A row for each wire and shape of a stream.
fn streams(work: &Measured<Work>) -> Table {
    let calls = STREAMS.map(|shape| (stream(shape).to_owned(), Subject::kitfox(Wire::Grpc, shape)));
    beside_peer("stream", calls, work)
}

fn beside_peer(
    head: &str,
    calls: impl IntoIterator<Item = (String, Subject)>,
    work: &Measured<Work>,
) -> Table {
    let mut table =
        Table::new(&[head, "server", "instructions", "peer's", "of peer", "allocations", "peer's"]);
    for (name, subject) in calls {
        let (own, peer) = (work.of(subject), work.of(subject.peer()));
        let cell =
            |work: Option<&Work>, cell: fn(&Work) -> String| work.map_or("-".to_owned(), cell);
        let instructions_of = |work: &Work| thousands(work.instructions);
        let allocations_of = |work: &Work| format!("{:.1}", work.allocations);
        table.row([
            name,
            subject.name().to_owned(),
            cell(own, instructions_of),
            cell(peer, instructions_of),
            ratio(work.ratio(subject, instructions)),
            cell(own, allocations_of),
            cell(peer, allocations_of),
        ]);
    }
    table
}

fn judge_unary(aims: &mut Aims, profile: &str, work: &Measured<Work>) {
    let ratio = |wire| work.ratio(Subject::kitfox(wire, Shape::Unary), instructions);
    let (json, grpc) = (ratio(Wire::Json), ratio(Wire::Grpc));
    aims.add(format!("JSON instructions of axum's, {profile}"), aims::JSON_INSTRUCTIONS, json);
    aims.add(format!("gRPC instructions of tonic's, {profile}"), aims::GRPC_INSTRUCTIONS, grpc);
}

fn judge_system(aims: &mut Aims, profile: &str, system: &Measured<SystemCalls>) {
    let ratio = system.ratio(Subject::kitfox(Wire::Grpc, Shape::Unary), writes);
    aims.add(format!("gRPC writes of tonic's, {profile}"), aims::GRPC_WRITES, ratio);
}

fn judge_messages(aims: &mut Aims, profile: &str, work: &Measured<Work>) {
    for (wire, of) in
        [(Wire::Json, "JSON instructions of axum's"), (Wire::Grpc, "gRPC instructions of tonic's")]
    {
        for bytes in SIZES {
            let ratio = work.ratio(Subject::kitfox(wire, Shape::Sized(bytes)), instructions);
            aims.add(format!("{of}, {}, {profile}", size(bytes)), aims::SIZE_INSTRUCTIONS, ratio);
        }
    }
    for shape in STREAMS {
        let ratio = work.ratio(Subject::kitfox(Wire::Grpc, shape), instructions);
        let aim = format!("gRPC instructions of tonic's, {}, {profile}", stream(shape));
        aims.add(aim, aims::STREAM_INSTRUCTIONS, ratio);
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1024 / 1024),
    }
}

fn stream(shape: Shape) -> &'static str {
    match shape {
        Shape::Unary | Shape::Sized(_) => "none",
        Shape::ServerStream => "from the server",
        Shape::ClientStream => "from the client",
        Shape::ClientSingles => "from the client, one by one",
        Shape::BothStream => "both ways, by turns",
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
}

fn instructions(work: &Work) -> f64 {
    work.instructions
}

fn writes(system: &SystemCalls) -> f64 {
    system.writes
}
