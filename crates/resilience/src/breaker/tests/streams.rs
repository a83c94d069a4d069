//! Calls that were answered by a stream.

use bytes::Bytes;
use futures_util::StreamExt;
use kitfox_core::message::Codec;
use kitfox_core::{MessageStream, Payload};

use super::*;
use crate::testing::STREAM;

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_counts_and_a_call_of_an_earlier_era_does_not() {
    let breaker = Breaker::new(Live::new(consecutive(2)));
    let breaking = breaker.layer(
        &STREAM,
        endpoint(|_| async {
            let messages = futures_util::stream::iter([Ok("{}".into()), Err(unavailable())]);
            Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(messages))))
        }),
    );
    let open = async || breaking.call(request(&context())).await;
    let streams = [open().await.unwrap(), open().await.unwrap(), open().await.unwrap()];
    let late = Box::pin(async {
        let inner = endpoint(|_| async {
            tokio::time::sleep(Duration::from_secs(6)).await;
            Err(unavailable())
        });
        breaker.layer(&METHOD, inner).call(request(&context())).await
    });
    let mut late = late;
    assert!(futures_util::poll!(&mut late).is_pending());
    for stream in streams {
        let read = stream.into_parts().0.into_stream().count().await;
        assert_eq!(read, 2);
    }
    assert!(open().await.is_err(), "two broke");
    tokio::time::advance(Duration::from_secs(5)).await;
    open().await.unwrap();
    late.await.unwrap_err();
    open().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_counts_in_the_era_it_began_in_and_a_probe_s_in_the_next() {
    let breaker = Breaker::new(Live::new(consecutive(1)));
    // Each stream breaks when its end is dropped.
    let ends = Arc::<Mutex<Vec<_>>>::default();
    let service = {
        let ends = Arc::clone(&ends);
        endpoint(move |_| {
            let (end, broken) = tokio::sync::oneshot::channel::<()>();
            ends.lock().unwrap().push(end);
            let breaks = async { broken.await.map(|()| Bytes::new()).map_err(|_| unavailable()) };
            let messages = MessageStream::new(futures_util::stream::once(breaks));
            async { Ok(Reply::new(Payload::stream(Codec::Json, messages))) }
        })
    };
    let service = breaker.layer(&STREAM, service);
    let open = async || service.call(request(&context())).await;
    let breaks = async |stream: Reply| {
        ends.lock().unwrap().remove(0);
        stream.into_parts().0.into_stream().next().await.unwrap().unwrap_err();
    };
    let [first, early] = [open().await.unwrap(), open().await.unwrap()];
    breaks(first).await;
    assert!(open().await.is_err(), "it is open");
    tokio::time::advance(Duration::from_secs(5)).await;
    let probe = open().await.unwrap();
    breaks(early).await;
    open().await.unwrap();
    breaks(probe).await;
    assert!(open().await.is_err(), "it is open again");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_says_nothing() {
    let breaker = Breaker::new(Live::new(consecutive(1)));
    let endless = breaker.layer(
        &STREAM,
        endpoint(|_| async {
            let messages = MessageStream::new(futures_util::stream::pending());
            Ok(Reply::new(Payload::stream(Codec::Json, messages)))
        }),
    );
    for _ in 0..10 {
        drop(endless.call(request(&context())).await.unwrap());
    }
}
