//! Calls the strings service over each protocol:
//! `cargo run -p strings --example client [http://127.0.0.1:8080]`

#![expect(clippy::print_stdout, reason = "it shows its user what came back")]

use std::error::Error;
use std::time::Duration;

use kitfox::message::Codec;
use kitfox::{Context, HttpChannel, HttpVersion, Protocol};
use strings::{CountRequest, Strings, StringsClient, StringsError, UppercaseRequest};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8080".to_owned());
    let to = || HttpChannel::builder(&address);
    let channels = [
        ("Connect, protobuf over HTTP/2", to().build()?),
        ("Connect, JSON over HTTP/1.1", to().codec(Codec::Json).http(HttpVersion::Http1).build()?),
        ("gRPC", to().protocol(Protocol::Grpc).build()?),
    ];
    for (name, channel) in channels {
        println!("{name}");
        call(&StringsClient::new(&channel)).await?;
    }
    Ok(())
}

async fn call(strings: &impl Strings) -> Result<(), StringsError> {
    let cx = Context::background().with_timeout(Duration::from_secs(5));

    let upper = strings.uppercase(&cx, UppercaseRequest { text: "hello".into() }).await?;
    println!("  Uppercase(hello) = {}", upper.text);

    let count = strings.count(&cx, CountRequest { text: "hello".into() }).await?;
    println!("  Count(hello) = {}", count.count);

    // An error of the service arrives as its own variant, whatever the wire.
    match strings.uppercase(&cx, UppercaseRequest { text: String::new() }).await {
        Err(error @ StringsError::Empty) => println!("  Uppercase() = {error}"),
        other => println!("  Uppercase() = {other:?}, which nobody expected"),
    }
    Ok(())
}
