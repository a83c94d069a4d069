//! Calls over TLS: the version of HTTP is agreed on (ALPN), and nobody is believed without a
//! certificate.
//!
//! The certificate beside this file is for `localhost` and 127.0.0.1, for a hundred years.

use std::path::Path;
use std::time::Duration;

use kitfox::config::Environment;
use kitfox::tls::{Identity, Roots};
use kitfox::{Code, Context, Ending, Host, HttpChannel, HttpVersion, Protocol, Recovery, Running};
use strings::{Service, Strings, StringsClient, StringsError, StringsServer, UppercaseRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::foreign::{run, text};
use crate::support::memory::Memory;

pub(crate) fn directory() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls"))
}

pub(crate) fn roots() -> Roots {
    Roots::pem(&std::fs::read(directory().join("authority.pem")).unwrap()).unwrap()
}

async fn host() -> Running {
    let (certificate, key) = (directory().join("certificate.pem"), directory().join("key.pem"));
    let host = Host::new("strings")
        .serve(StringsServer::new(Service))
        .tls(Identity::files(certificate, key).unwrap())
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    host.start().await.unwrap()
}

async fn shout(channel: &HttpChannel) -> Result<String, StringsError> {
    let client = StringsClient::new(channel);
    let request = UppercaseRequest { text: "fox".into() };
    client.uppercase(&Context::background(), request).await.map(|answer| answer.text)
}

#[tokio::test]
async fn calls_go_over_tls_in_both_versions_of_http() {
    let running = host().await;
    let port = running.address().port();
    for name in ["localhost", "127.0.0.1"] {
        for (http, protocol) in [
            (HttpVersion::Http1, Protocol::Connect),
            (HttpVersion::Http2, Protocol::Connect),
            (HttpVersion::Http2, Protocol::Grpc),
        ] {
            let channel = HttpChannel::builder(format!("https://{name}:{port}"))
                .http(http)
                .protocol(protocol)
                .roots(roots())
                .build()
                .unwrap();
            assert_eq!(shout(&channel).await.unwrap(), "FOX", "{name} {http:?} {protocol:?}");
        }
    }
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_gets_no_call() {
    let running = host().await;
    let address = format!("https://{}", running.address());
    let stranger = HttpChannel::builder(address).build().unwrap();
    let Err(StringsError::Call(error)) = shout(&stranger).await else { panic!("it was believed") };
    assert_eq!((error.code(), error.recovery()), (Code::Unavailable, Recovery::NeverProcessed));
    assert!(error.message().contains("TLS") && error.message().contains("`roots`"), "{error}");

    let plain = HttpChannel::new(&format!("http://{}", running.address())).unwrap();
    assert!(shout(&plain).await.is_err(), "a call without TLS");
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
}

/// Half-open handshakes would otherwise take every place that a port has for connections.
#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_not_finished_has_ten_seconds() {
    let net = Memory::default();
    let (certificate, key) = (directory().join("certificate.pem"), directory().join("key.pem"));
    let host = Host::new("strings")
        .serve(StringsServer::new(Service))
        .tls(Identity::files(certificate, key).unwrap())
        .platform(net.platform())
        .environment(Environment::default())
        .listen("127.0.0.1:8443")
        .announce(false);
    let running = host.start().await.unwrap();
    // Nothing; the head of a record of 512 bytes, which is a client's first; and no TLS at all.
    for (first, dribble, seconds) in [
        (&b""[..], &b""[..], 10),
        (b"\x16\x03\x01\x02\x00\x01", b"\0", 10),
        (b"GET / HTTP/1.1\r\n", b"", 0),
    ] {
        let start = Instant::now();
        let mut peer = net.dial(running.address()).await.unwrap();
        peer.write_all(first).await.unwrap();
        let mut said = Vec::new();
        // A handshake that fails is told so by an alert.
        while tokio::time::timeout(Duration::from_secs(1), peer.read_to_end(&mut said))
            .await
            .is_err()
        {
            let _ = peer.write_all(dribble).await;
        }
        assert_eq!(start.elapsed().as_secs(), seconds, "{first:?}");
        assert!(!said.starts_with(b"HTTP/"), "{said:?}");
    }
    let channel = HttpChannel::builder("https://127.0.0.1:8443").roots(roots());
    let channel = channel.platform(net.platform()).build().unwrap();
    assert_eq!(shout(&channel).await.unwrap(), "FOX", "the others are served");
}

#[test]
fn curl_agrees_on_either_version() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let running = runtime.block_on(host());
    let url = format!("https://localhost:{}/v1/count/fox", running.address().port());
    let authority = directory().join("authority.pem");
    for (version, said) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let arguments = ["-s", "-m", "20", version, "-w", " %{http_version}", "--cacert"];
        let arguments = [&arguments[..], &[authority.to_str().unwrap(), &url]].concat();
        let Some(output) = run("curl", &arguments) else { break };
        assert_eq!(text(&output.stdout), format!("{{\"count\":\"3\"}} {said}"));
    }
    running.shutdown();
    assert_eq!(runtime.block_on(running.wait()), Ending::Clean);
}
