use super::*;

#[tokio::test(start_paused = true)]
async fn a_deadline_only_tightens() {
    let near = Context::background().with_timeout(Duration::from_secs(1));
    let far = near.with_timeout(Duration::from_secs(9));
    assert_eq!(far.deadline(), near.deadline());
    assert_eq!(far.remaining(), Some(Duration::from_secs(1)));
    assert!(far.err().is_none());
    assert_eq!(far.done().await.code(), Code::DeadlineExceeded);
    assert_eq!(near.err().expect("past").code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn an_endless_timeout_is_no_deadline() {
    let cx = Context::background().with_timeout(Duration::MAX);
    assert_eq!(cx.deadline(), None);
}

#[tokio::test(start_paused = true)]
async fn a_spawned_child_ends_with_its_call() {
    let call = Context::background();
    let guard = call.guard();
    let child = call.spawn(std::future::pending::<()>());
    drop(guard);
    let ended = child.await.expect("not ended by the platform");
    assert_eq!(ended.unwrap_err().code(), Code::Canceled);
}

#[tokio::test(start_paused = true)]
async fn detached_work_outlives_its_call_until_its_limit() {
    let call = Context::background().with_timeout(Duration::from_secs(1));
    let guard = call.guard();
    let work = call.detach(Duration::from_secs(60), |cx| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        cx.remaining()
    });
    let stuck = call.detach(Duration::from_secs(60), |_| std::future::pending::<()>());
    drop(guard);
    assert_eq!(work.await.unwrap().unwrap(), Some(Duration::from_secs(30)));
    assert_eq!(stuck.await.unwrap().unwrap_err().code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn detached_work_keeps_what_travels_and_nothing_that_came_or_is_answered() {
    let mut metadata = Metadata::new();
    metadata.insert("authorization", "secret").unwrap();
    let idempotency_key = Some("theirs".into());
    let call = Context::incoming(Incoming { metadata, idempotency_key, ..Incoming::default() })
        .with_principal(Principal::new("alice"));
    let work = call.detach(Duration::from_secs(1), |cx| async move {
        cx.respond(|answer| answer.status = Some(500));
        cx
    });
    let cx = work.await.unwrap().unwrap();
    assert_eq!(cx.principal().map(Principal::name), Some("alice"));
    assert!(cx.metadata().is_empty());
    assert_eq!(cx.idempotency_key(), None);
    assert!(call.take_response().is_none());
}

#[tokio::test]
async fn a_child_is_cancelled_alone_and_with_its_parent() {
    let call = Context::background();
    let (child, guard) = call.child();
    drop(guard);
    assert_eq!(child.done().await.code(), Code::Canceled);
    assert!(call.err().is_none());

    let (child, _guard) = call.child();
    drop(call.guard());
    assert_eq!(child.done().await.code(), Code::Canceled);
}

#[test]
fn what_a_call_sends_out_is_not_what_came_in() {
    let mut metadata = Metadata::new();
    metadata.insert("authorization", "secret").unwrap();
    let idempotency_key = Some("theirs".into());
    let incoming = Context::incoming(Incoming { metadata, idempotency_key, ..Incoming::default() })
        .with_principal(Principal::new("alice"))
        .with_value(7_u32);
    let out = incoming.outgoing();
    assert!(out.metadata().is_empty());
    assert!(out.principal().is_none());
    assert_eq!(out.idempotency_key(), None);
    assert_eq!(out.value::<u32>(), Some(&7));

    let mut sent = Metadata::new();
    sent.insert("x-tenant", "blue").unwrap();
    let out = incoming.with_metadata(sent).with_idempotency_key("ours").outgoing();
    assert_eq!(out.metadata().text("x-tenant"), Some("blue"));
    assert_eq!(out.idempotency_key(), Some("ours"));
    assert_eq!(out.outgoing().idempotency_key(), None);
}

#[test]
fn a_call_keeps_its_first_idempotency_key_through_all_attempts() {
    let call = Context::background().outgoing();
    let attempt = call.with_attempt(2);
    call.begin_idempotency_key("first");
    attempt.begin_idempotency_key("second");
    assert_eq!((call.idempotency_key(), attempt.idempotency_key()), (Some("first"), Some("first")));
}

#[test]
fn a_header_is_added_to_those_that_go_out_and_a_bad_one_is_refused() {
    let cx = Context::background().with_header("x-tenant", "red").unwrap();
    let cx = cx.with_header("x-tenant", "blue").unwrap().with_header("x-zone", "a").unwrap();
    let out = cx.outgoing();
    assert_eq!(out.metadata().all("x-tenant").collect::<Vec<_>>(), ["blue"]);
    assert_eq!(out.metadata().text("x-zone"), Some("a"));
    let refused = cx.with_header("x-tenant", "a\nb").unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("x-tenant"), "{refused}");
}

#[test]
fn a_header_goes_out_as_a_layer_has_added_it() {
    let tenant = |name: &str| Context::background().with_header("x-tenant", name).unwrap();
    let out = tenant("blue").with_metadata(Metadata::new()).outgoing();
    assert_eq!(out.outgoing_header("x-tenant"), None);
    let out = tenant("blue").outgoing();
    assert_eq!(out.outgoing_header("x-tenant"), Some("blue"));
    let layered = out.with_header("x-tenant", "green").unwrap().with_attempt(2);
    assert_eq!(layered.outgoing_header("x-tenant"), Some("green"));
    let others = out.with_header("x-zone", "a").unwrap();
    assert_eq!(others.outgoing_header("x-tenant"), Some("blue"));
    assert_eq!(out.outgoing_header("x-zone"), None);
}

#[test]
fn the_slots_of_a_call_are_shared_by_its_contexts_only() {
    let call = Context::background();
    call.with_attempt(2).respond(|answer| answer.status = Some(201));
    call.outgoing().respond(|answer| answer.status = Some(500));
    call.with_value(1_u8).record("order", "7");
    assert_eq!(call.take_response().and_then(|answer| answer.status), Some(201));
    assert_eq!(call.take_fields().len(), 1);
    assert!(call.take_response().is_none());
}
