//! Bodies that are too large or too slow.

use kitfox::Host;
use kitfox::config::Environment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::exchange::{JSON, LIMIT, Port, begin, frame, grpc, read};
use super::service::{Real, Seen, WiredServer};

const PATHS: [&str; 2] = ["/wired.v1.Wired/Echo", "/v1/echo"];

#[tokio::test(start_paused = true)]
async fn a_body_at_the_limit_passes_and_one_above_does_not() {
    let port = Port::start().await;
    let text = |length: usize| format!("{{\"text\":\"{}\"}}", "x".repeat(length - 11));
    for path in PATHS {
        assert_eq!(port.post(path, JSON, text(LIMIT).as_bytes()).await.status, 200, "{path}");
        let answer = port.post(path, JSON, text(LIMIT + 1).as_bytes()).await;
        let (code, message) = answer.failure();
        assert_eq!((answer.status, code.as_str()), (413, "resource_exhausted"), "{path}");
        assert!(message.contains("1000 bytes"), "{message}");
    }
    let head = [("content-type", "application/grpc+json")];
    let answer = port.grpc("Echo", &head, &frame(text(LIMIT).as_bytes())).await;
    assert_eq!(answer.header("grpc-status"), "0");
    let answer = port.grpc("Echo", &head, &frame(text(LIMIT + 1).as_bytes())).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, "8"));
    assert!(answer.header("grpc-message").contains("1000 bytes"));
    assert_eq!(Seen::count(&port.real.0.called), 3);
}

#[tokio::test(start_paused = true)]
async fn an_announced_body_above_the_limit_is_refused_before_it_comes() {
    let port = Port::start().await;
    for path in PATHS {
        let mut connection = port.connect().await;
        let head = ["content-type: application/json", "content-length: 1001"];
        begin(&mut connection, &format!("POST {path}"), &head, b"").await;
        let answer = read(&mut connection).await;
        assert_eq!((answer.status, answer.header("connection")), (413, "close"), "{path}");
        // The body that never came is not waited for.
        let mut rest = Vec::new();
        assert_eq!(connection.read_to_end(&mut rest).await.unwrap(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_in_chunks_is_counted_while_it_comes() {
    let port = Port::start().await;
    for path in PATHS {
        let mut connection = port.connect().await;
        let head = ["content-type: application/json", "transfer-encoding: chunked"];
        begin(&mut connection, &format!("POST {path}"), &head, b"").await;
        for _ in 0..3 {
            let chunk = format!("190\r\n{}\r\n", "x".repeat(400));
            connection.write_all(chunk.as_bytes()).await.unwrap();
        }
        // Its end never comes.
        assert_eq!(read(&mut connection).await.status, 413, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_announces_too_much_is_refused_before_it_comes() {
    let port = Port::start().await;
    let mut sender = port.http2().await;
    let answer = grpc(&mut sender, PATHS[0], &[], b"\0\xff\xff\xff\xff").await;
    assert_eq!(answer.header("grpc-status"), "8");
    // The connection lives on.
    let answer = grpc(&mut sender, PATHS[0], &[], &frame(b"")).await;
    assert_eq!(answer.header("grpc-status"), "0");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let port = Port::start().await;
    for path in PATHS {
        let mut connection = port.connect().await;
        let head = ["content-type: application/json", "content-length: 9"];
        let before = Instant::now();
        begin(&mut connection, &format!("POST {path}"), &head, b"{").await;
        let answer = read(&mut connection).await;
        assert_eq!((answer.status, before.elapsed().as_secs()), (408, 30), "{path}");

        let mut connection = port.connect().await;
        let head = [head[0], head[1], "connect-timeout-ms: 2000"];
        let before = Instant::now();
        begin(&mut connection, &format!("POST {path}"), &head, b"{").await;
        let answer = read(&mut connection).await;
        assert_eq!((answer.status, before.elapsed().as_secs()), (504, 2), "{path}");
    }
    assert_eq!(Seen::count(&port.real.0.called), 0);
}

/// Over TCP a peer that is still sending must not lose the refusal to a reset.
#[tokio::test]
async fn a_refusal_arrives_while_the_body_is_still_being_sent() {
    let running = Host::new("wired")
        .serve(WiredServer::new(Real::default()))
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false)
        .start()
        .await
        .unwrap();
    let platform = kitfox::Platform::system();
    let address = running.address().to_string();
    for path in PATHS {
        let connection = platform.net().connect(&address).await.unwrap();
        let (mut reading, mut writing) = tokio::io::split(connection);
        let length = 64 * 1024 * 1024;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: {JSON}\r\ncontent-length: {length}\r\n\r\n"
        );
        let sending = platform.tasks().spawn(async move {
            writing.write_all(head.as_bytes()).await.unwrap();
            let piece = vec![b'x'; 64 * 1024];
            // Whoever is refused sends until it cannot.
            while writing.write_all(&piece).await.is_ok() {}
        });
        let mut said = Vec::new();
        let mut piece = [0; 4096];
        while !said.ends_with(b"}") {
            let read = reading.read(&mut piece).await.unwrap();
            assert_ne!(read, 0, "closed before the refusal was whole");
            said.extend_from_slice(&piece[..read]);
        }
        assert!(said.starts_with(b"HTTP/1.1 413 "), "{}", String::from_utf8_lossy(&said));
        drop(reading);
        let _ = sending.await;
    }
    running.shutdown();
    assert_eq!(running.wait().await, kitfox::Ending::Clean);
}
