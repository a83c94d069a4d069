//! What travels beside the messages.

use kitfox::{Context, Error, Metadata, Received, ResponseMetadata, Streaming};

use super::rig::{Outcome, Rig};
use super::service::{Item, SuiteError};

/// What a method says beside its answer.
fn respond(cx: &Context) {
    cx.respond(|ResponseMetadata { headers, trailers, .. }| {
        headers.append("x-shelf", "3").unwrap();
        headers.append("x-shelf", "4").unwrap();
        headers.insert("x-blob-bin", "AAEC/w").unwrap();
        trailers.append("x-weight", "5").unwrap();
        trailers.append("x-weight", "6").unwrap();
        trailers.insert("x-seal-bin", "/wIBAA").unwrap();
    });
}

fn values(metadata: &Metadata, name: &str) -> Vec<String> {
    metadata.all(name).map(str::to_owned).collect()
}

fn has_headers(metadata: &Metadata) -> bool {
    values(metadata, "x-shelf") == ["3", "4"] && values(metadata, "x-blob-bin") == ["AAEC/w"]
}

fn has_trailers(metadata: &Metadata) -> bool {
    values(metadata, "x-weight") == ["5", "6"] && values(metadata, "x-seal-bin") == ["/wIBAA"]
}

fn receiving() -> (Context, Received) {
    Context::background().receiving()
}

pub(super) async fn headers_of_a_request_arrive(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, _| {
        let all = |name| values(cx.metadata(), name).join("|");
        let text = format!("{} {} {}", all("x-tenant"), all("x-blob-bin"), all("x-none"));
        Ok(Streaming::of([Item::said(text)]))
    });
    let mut metadata = Metadata::new();
    metadata.append("x-tenant", "blue").unwrap();
    metadata.append("x-tenant", "green").unwrap();
    metadata.append("x-blob-bin", "AAEC/w").unwrap();
    let cx = Context::background().with_metadata(metadata);
    for shape in rig.shapes() {
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert_eq!(items, [Item::said("blue|green AAEC/w ")], "{shape:?}");
    }
}

pub(super) async fn headers_and_trailers_of_an_answer_arrive(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, items| {
        respond(&cx);
        Ok(items)
    });
    for shape in rig.shapes() {
        let (cx, received) = receiving();
        let called = rig.call(shape, &cx, Streaming::of([Item::default()])).await;
        let headers = received.headers();
        assert!(has_headers(&headers), "{shape:?}: {headers:?}, before the messages");
        Outcome::of(called).await.good();
        let trailers = received.trailers();
        let kept = rig.way.keeps_trailers(shape);
        assert_eq!(has_trailers(&trailers), kept, "{shape:?}: {trailers:?}");
        assert!(!has_headers(&trailers), "{shape:?}: they are told apart");
    }
}

pub(super) async fn trailers_may_be_set_while_messages_go_out(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, _| {
        Ok(Streaming::produce(async move |items| {
            for number in 0..3 {
                items.send(Item::numbered(number)).await?;
            }
            respond(&cx);
            Ok(())
        }))
    });
    for shape in rig.answering() {
        let (cx, received) = receiving();
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert_eq!(items.len(), 3, "{shape:?}");
        let trailers = received.trailers();
        let kept = rig.way.keeps_trailers(shape);
        assert_eq!(has_trailers(&trailers), kept, "{shape:?}: {trailers:?}");
    }
}

pub(super) async fn a_failure_carries_them_too(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, _| {
        respond(&cx);
        Err(SuiteError::Empty)
    });
    for shape in rig.shapes() {
        let (cx, received) = receiving();
        let error = rig.ask(shape, &cx, [Item::default()]).await.bad();
        assert!(matches!(error, SuiteError::Empty), "{shape:?}: {error:?}");
        // A failure without a message may have one block for both.
        let (headers, trailers) = (received.headers(), received.trailers());
        let seen = format!("{shape:?}: headers {headers:?}, trailers {trailers:?}");
        assert!(has_headers(&headers) || has_headers(&trailers), "{seen}");
        assert!(has_trailers(&trailers) || has_trailers(&headers), "{seen}");
    }
}

pub(super) async fn a_failure_in_the_middle_carries_trailers_too(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, _| {
        Ok(Streaming::produce(async move |items| {
            items.send(Item::default()).await?;
            respond(&cx);
            let mut error = Error::new(kitfox::Code::Aborted, "torn");
            error.metadata_mut().trailers.insert("x-why", "worn").unwrap();
            Err(SuiteError::Call(error))
        }))
    });
    for shape in rig.answering() {
        let (cx, received) = receiving();
        let outcome = rig.ask(shape, &cx, [Item::default()]).await;
        assert_eq!(outcome.items.len(), 1, "{shape:?}");
        outcome.failure();
        let trailers = received.trailers();
        let kept = rig.way.keeps_trailers(shape);
        assert_eq!(has_trailers(&trailers), kept, "{shape:?}: {trailers:?}");
        assert_eq!(trailers.text("x-why").is_some(), kept, "{shape:?}: {trailers:?}");
    }
}

pub(super) async fn a_callees_metadata_are_not_those_of_the_answer(rig: &Rig) {
    rig.puppet.behave(async |_, _| {
        let mut error = Error::new(kitfox::Code::NotFound, "").with_origin(kitfox::Origin::Peer);
        error.metadata_mut().headers.insert("x-secret", "4711").unwrap();
        error.metadata_mut().trailers.insert("x-secret", "4711").unwrap();
        Err(SuiteError::Call(error))
    });
    for shape in rig.shapes() {
        let (cx, received) = receiving();
        rig.ask(shape, &cx, [Item::default()]).await.failure();
        let both = [received.headers(), received.trailers()];
        assert!(both.iter().all(|metadata| metadata.text("x-secret").is_none()), "{shape:?}");
    }
}
