//! What stands around every method: a scope, a panic barrier, a deadline, and layers of one's own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use kitfox::message::Codec;
use kitfox::{BoxEndpoint, Channel, Code, Context, Layer, Method, Origin, Service, layer_fn};

use super::texts::{Real, Texts, TextsClient, TextsError, TextsServer, text};

fn failure(error: TextsError) -> kitfox::Error {
    match error {
        TextsError::Call(error) => error,
        other => panic!("a call's failure was wanted, not {other:?}"),
    }
}

#[tokio::test]
async fn a_panic_is_one_failed_call() {
    let cx = Context::background();
    let client = TextsClient::local(Real::default());
    let error = failure(client.uppercase(&cx, text("panic")).await.unwrap_err());
    assert_eq!(error.code(), Code::Internal);
    assert!(!error.message().contains("on purpose"), "why is for the log: {error}");
    assert!(client.uppercase(&cx, text("calm")).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_call_past_its_deadline_never_begins() {
    let real = Real::default();
    let client = TextsClient::local(real.clone());
    let cx = Context::background().with_timeout(Duration::ZERO);
    let error = failure(client.uppercase(&cx, text("late")).await.unwrap_err());
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(real.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let client = TextsClient::local(Real::default());
    let cx = Context::background().with_timeout(Duration::from_secs(3));
    let begun = tokio::time::Instant::now();
    let error = client.keep(&cx, text("")).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(begun.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_detached_method_finishes_after_its_caller_went_away() {
    let real = Real::default();
    let client = TextsClient::local(real.clone());
    let cx = Context::background();
    let gone = tokio::time::timeout(Duration::from_secs(1), client.keep(&cx, text(""))).await;
    assert!(gone.is_err(), "nobody told it to go on");
    assert_eq!(real.begun.load(Ordering::SeqCst), 1);
    real.go_on.notify_one();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(real.kept.load(Ordering::SeqCst), 1);
}

/// A service of this process behind a layer.
struct Layered<L>(TextsServer<Real>, L);

impl<L: Layer<BoxEndpoint>> Channel for Layered<L> {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        let methods = self.0.contract().methods;
        let index = methods.iter().position(|known| std::ptr::eq(known, method));
        let inner = self.0.endpoints().swap_remove(index.expect("a method of this contract"));
        BoxEndpoint::new(self.1.layer(method, inner))
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

#[tokio::test]
async fn a_closure_wraps_the_endpoints_of_a_service() {
    let real = Real::default();
    let guard = layer_fn(|request, next| async move {
        if request.context.metadata().text("x-tenant").is_none() {
            let why = "no x-tenant header";
            return Err(kitfox::Error::by_layer("tenant", Code::PermissionDenied, why));
        }
        next.call(request).await
    });
    let client = TextsClient::new(&Layered(TextsServer::new(real.clone()), guard));
    let cx = Context::background();
    let refused = failure(client.uppercase(&cx, text("abc")).await.unwrap_err());
    assert_eq!(refused.origin(), Origin::Layer("tenant"));
    assert_eq!(real.begun.load(Ordering::SeqCst), 0);

    let mut metadata = kitfox::Metadata::new();
    metadata.insert("x-tenant", "blue").unwrap();
    let answer = client.uppercase(&cx.with_metadata(metadata), text("abc")).await;
    assert_eq!(answer.unwrap(), text("ABC"));
}
