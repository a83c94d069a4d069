//! Real sockets and threads: what only they can show.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use kitfox_core::Platform;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::harness::{Echo, seconds, text};
use crate::Limits;
use crate::serve::{Acceptor, Drain, Ended, serve};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_streams_on_many_threads_lose_no_wake_up() {
    let platform = Platform::system();
    let listener = platform.net().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_address().unwrap();
    let told = Arc::new(Semaphore::new(0));
    let handler = Echo { told: Arc::clone(&told) };
    let drain = Drain::new();
    let (plain, limits) = (Acceptor::Plain, Limits::default());
    let port = serve(listener, plain, handler, limits, platform.clone(), drain.clone());
    let port = platform.tasks().spawn(port);

    let mut clients = Vec::new();
    for _ in 0..4 {
        let io = platform.net().connect(&address.to_string()).await.unwrap();
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
                .await
                .unwrap();
        drop(platform.tasks().spawn(connection));
        for stream in 0..16 {
            let (mut sender, told) = (sender.clone(), Arc::clone(&told));
            clients.push(platform.tasks().spawn(async move {
                for call in 0..50 {
                    // Some are done at once, some wait, some have more to send than fits.
                    let path = if call % 5 == stream % 5 { "/wait" } else { "/at-once" };
                    let sent = format!("{stream}-{call}").repeat(1 + (call % 7) * 2000);
                    let request = Request::post(format!("http://test{path}"))
                        .body(Full::new(Bytes::from(sent.clone())))
                        .unwrap();
                    told.add_permits(usize::from(path == "/wait"));
                    let answer = text(sender.send_request(request).await.unwrap()).await;
                    assert!(answer.starts_with(path) && answer.ends_with(&sent));
                }
            }));
        }
    }
    let all = async {
        for client in clients {
            client.await.unwrap();
        }
    };
    tokio::time::timeout(seconds(300), all).await.expect("a wake-up was lost");
    drain.close(Instant::now() + seconds(20));
    assert_eq!(port.await.unwrap(), Ended { dropped: 0 });
}

#[tokio::test]
async fn a_caller_that_is_refused_while_it_sends_reads_why() {
    let platform = Platform::system();
    let listener = platform.net().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = listener.local_address().unwrap();
    let handler = Echo { told: Arc::new(Semaphore::new(0)) };
    let (drain, limits) = (Drain::new(), Limits::default());
    let port = serve(listener, Acceptor::Plain, handler, limits, platform.clone(), drain.clone());
    let port = platform.tasks().spawn(port);
    let mut client = platform.net().connect(&address.to_string()).await.unwrap();
    let head = "POST /unread HTTP/1.1\r\nhost: test\r\ncontent-length: 150000\r\n\r\n";
    let exchange = async {
        client.write_all(head.as_bytes()).await.unwrap();
        // It is listened to for a second: far longer than this takes, and more than one portion.
        for _ in 0..150 {
            client.write_all(&[b'x'; 1000]).await.expect("it is heard to the end");
        }
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("it is not reset");
        answer
    };
    let answer = tokio::time::timeout(seconds(60), exchange).await.unwrap();
    assert!(answer.ends_with("/unread"), "{answer}");
    drop(client);
    drain.close(Instant::now() + seconds(20));
    port.await.unwrap();
}
