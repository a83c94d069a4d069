//! Each way to end, with each shape of a method, on every wire, seen from both sides.

use std::time::Duration;

use futures_util::future::{Either, select};
use kitfox::contract::Shape;
use kitfox::record::{Ending, Side};
use kitfox::{Code, Context, Streaming};

use super::rig::{
    ANSWERED, Caller, DROPPED, EXPIRED, REFUSE, Told, ask, everywhere, failed, refusing, three,
    two_and,
};
use crate::suite::rig::{Outcome, Rig, until};
use crate::suite::service::{Item, SuiteError};
use crate::suite::ways::Way;
use crate::support::witness::End;

/// What a call ended with at both ends; in process both are one.
fn ends(told: &Told) -> (End, End) {
    (told.served.end, told.made.end)
}

/// What both ends must be told, where there are two.
async fn assert_ends(rig: &Rig, caller: &Caller, shape: Shape, served: End, made: End) {
    let told = caller.told(rig).await;
    let expected = if rig.way == Way::Local { (served, served) } else { (served, made) };
    assert_eq!(ends(&told), expected, "{shape:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer() {
    everywhere("an_answer", async |rig, caller| {
        rig.puppet.behave(async |_, mut items| {
            while items.try_next().await?.is_some() {}
            Ok(Streaming::of(three()))
        });
        for shape in rig.shapes() {
            caller.ask(rig, shape).await.good();
            assert_ends(rig, caller, shape, ANSWERED, ANSWERED).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_service() {
    everywhere("a_failure_of_the_service", async |rig, caller| {
        let code = Code::InvalidArgument;
        rig.puppet.behave(async |_, _| Err(SuiteError::Empty));
        for shape in rig.shapes() {
            caller.ask(rig, shape).await.bad();
            assert_ends(rig, caller, shape, failed(code), failed(code)).await;
        }
        rig.puppet.behave(async |_, _| Ok(two_and(async || Err(SuiteError::Empty))));
        for shape in rig.answering() {
            assert_eq!(caller.ask(rig, shape).await.items.len(), 2, "{shape:?}");
            assert_ends(rig, caller, shape, failed(code), failed(code)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic() {
    let panicked = (Ending::Panicked, Some(Code::Internal), Some("panic barrier"));
    everywhere("a_panic", async |rig, caller| {
        rig.puppet.behave(async |_, _| panic!("on purpose"));
        for shape in rig.shapes() {
            caller.ask(rig, shape).await.failure();
            assert_ends(rig, caller, shape, panicked, failed(Code::Internal)).await;
        }
        rig.puppet.behave(async |_, _| Ok(two_and(async || panic!("on purpose"))));
        for shape in rig.answering() {
            assert_eq!(caller.ask(rig, shape).await.items.len(), 2, "{shape:?}");
            assert_ends(rig, caller, shape, panicked, failed(Code::Internal)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_layer_of_the_server() {
    let refused = (Ending::Refused, Some(Code::ResourceExhausted), Some("quota"));
    everywhere("a_refusal_of_a_layer_of_the_server", async |rig, caller| {
        if rig.way == Way::Local {
            // A local client has no layers but those that every service has.
            return;
        }
        let cx = caller.cx.with_header(REFUSE, "yes").unwrap();
        for shape in rig.shapes() {
            rig.ask(shape, &cx, three()).await.failure();
            assert_ends(rig, caller, shape, refused, failed(Code::ResourceExhausted)).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_a_layer_of_the_client_that_reaches_no_wire() {
    let refused = (Ending::Refused, Some(Code::Unavailable), Some("breaker"));
    let (caller, client) = (Caller::default(), refusing());
    for shape in [Shape::Unary, Shape::ServerStream, Shape::ClientStream, Shape::BothStream] {
        ask(&client, shape, &caller.cx).await.failure();
        let made: Vec<_> = caller.made.take().iter().map(|seen| (seen.side, seen.end)).collect();
        assert_eq!(made, [(Side::Client, refused)], "{shape:?}");
        assert_eq!(caller.made.open(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_servers_deadline() {
    everywhere("the_servers_deadline", async |rig, caller| {
        if rig.way == Way::Local {
            // It is the caller's there.
            return;
        }
        let late = failed(Code::DeadlineExceeded);
        rig.puppet.behave(async |_, _| std::future::pending().await);
        for shape in rig.shapes() {
            caller.ask(rig, shape).await.failure();
            assert_ends(rig, caller, shape, EXPIRED, late).await;
        }
        rig.puppet.behave(async |_, _| Ok(two_and(std::future::pending)));
        for shape in rig.answering() {
            assert_eq!(caller.ask(rig, shape).await.items.len(), 2, "{shape:?}");
            assert_ends(rig, caller, shape, EXPIRED, late).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline() {
    /// The server may hear of it before its own clock says so.
    fn is_late(told: &Told, shape: Shape) {
        assert_eq!(told.made.end, EXPIRED, "{shape:?}");
        assert!([EXPIRED, DROPPED].contains(&told.served.end), "{shape:?}: {:?}", told.served.end);
    }
    everywhere("the_callers_deadline", async |rig, caller| {
        rig.puppet.behave(async |_, _| std::future::pending().await);
        for shape in rig.shapes() {
            let cx = caller.cx.with_timeout(Duration::from_secs(1));
            rig.ask(shape, &cx, three()).await.failure();
            is_late(&caller.told(rig).await, shape);
        }
        rig.puppet.behave(async |_, _| Ok(two_and(std::future::pending)));
        for shape in rig.answering() {
            let cx = caller.cx.with_timeout(Duration::from_secs(1));
            assert_eq!(rig.ask(shape, &cx, three()).await.items.len(), 2, "{shape:?}");
            is_late(&caller.told(rig).await, shape);
        }
    })
    .await;
}

/// Calls, and goes away as soon as the method has begun.
async fn leave_before_the_answer(rig: &Rig, cx: &Context, shape: Shape) {
    let begun = rig.puppet.begun();
    let call = std::pin::pin!(rig.call(shape, cx, Streaming::of(three())));
    let here = std::pin::pin!(until(|| rig.puppet.begun() > begun));
    assert!(matches!(select(call, here).await, Either::Right(_)), "{shape:?}: an answer");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away() {
    everywhere("a_caller_who_goes_away", async |rig, caller| {
        rig.puppet.behave(async |_, _| std::future::pending().await);
        for shape in rig.shapes() {
            leave_before_the_answer(rig, &caller.cx, shape).await;
            assert_ends(rig, caller, shape, DROPPED, DROPPED).await;
        }
        rig.puppet.behave(async |_, _| Ok(two_and(std::future::pending)));
        for shape in rig.answering() {
            let request = Streaming::of(three());
            let mut answer = rig.call(shape, &caller.cx, request).await.unwrap();
            assert_eq!(answer.try_next().await.unwrap(), Some(Item::numbered(1)), "{shape:?}");
            drop(answer);
            assert_ends(rig, caller, shape, DROPPED, DROPPED).await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_the_caller_that_breaks() {
    everywhere("a_stream_of_the_caller_that_breaks", async |rig, caller| {
        rig.puppet.behave(async |_, mut items| {
            while items.try_next().await?.is_some() {}
            Ok(Streaming::of(three()))
        });
        for shape in rig.asking() {
            let torn = two_and(async || Err(SuiteError::Empty));
            Outcome::of(rig.call(shape, &caller.cx, torn).await).await.bad();
            if rig.way.is_http1() {
                // What was not begun to be sent is no call there.
                let (served, made) = caller.all(rig).await;
                assert_eq!((served.len(), made.len()), (0, 2), "{shape:?}: {served:#?} {made:#?}");
                continue;
            }
            let told = caller.told(rig).await;
            let (served, made) = (told.served.end.0, told.made.end.0);
            assert!([Ending::Failed, Ending::Dropped].contains(&served), "{shape:?}: {served:?}");
            assert!([Ending::Failed, Ending::Dropped].contains(&made), "{shape:?}: {made:?}");
        }
    })
    .await;
}
