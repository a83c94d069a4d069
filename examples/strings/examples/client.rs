//! Calls the strings service over each protocol:
//! `cargo run -p strings --example client [http://127.0.0.1:8080]`

#![expect(clippy::print_stdout, reason = "it shows its user what came back")]

use std::error::Error;
use std::time::Duration;

use kitfox::message::Codec;
use kitfox::{Context, HttpChannel, HttpVersion, Protocol, Streaming};
use strings::{
    CountRequest, Strings, StringsClient, StringsError, UppercaseRequest, Word, WordsRequest,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8080".to_owned());
    let to = || HttpChannel::builder(&address);
    let channels = [
        ("Connect, protobuf over HTTP/2", to().build()?),
        ("Connect, JSON over HTTP/1.1", to().codec(Codec::Json).http(HttpVersion::Http1).build()?),
        ("gRPC", to().protocol(Protocol::Grpc).build()?),
        ("gRPC-Web", to().protocol(Protocol::GrpcWeb).build()?),
    ];
    for (name, channel) in channels {
        println!("{name}");
        let strings = StringsClient::new(&channel);
        call(&strings).await?;
        stream(&strings).await?;
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

async fn stream(strings: &impl Strings) -> Result<(), StringsError> {
    // The deadline of a stream holds from its first message to its last.
    let cx = Context::background().with_timeout(Duration::from_secs(5));
    let one_two = || Streaming::of(["one", "two"].map(|text| Word { text: text.into() }));

    let mut words = strings.words(&cx, WordsRequest { text: "one two".into() }).await?;
    while let Some(word) = words.try_next().await? {
        println!("  Words(one two) > {}", word.text);
    }

    let joined = strings.join(&cx, one_two()).await?;
    println!("  Join(one, two) = {}", joined.text);

    let mut answers = strings.chat(&cx, one_two()).await?;
    while let Some(word) = answers.try_next().await? {
        println!("  Chat(one, two) > {}", word.text);
    }
    Ok(())
}
