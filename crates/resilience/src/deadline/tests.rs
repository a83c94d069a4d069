use kitfox_core::message::Codec;
use kitfox_core::setting::Keyed;
use kitfox_core::{BoxEndpoint, Endpoint, Layer, MessageStream, Origin, Payload, Reply};

use super::*;
use crate::is_failure;
use crate::testing::{METHOD, STREAM, answering, context, endpoint, reason, reply, request};

fn deadlines(settings: DeadlineSettings) -> Deadlines {
    Deadlines::new(Live::new(settings))
}

fn of(total: u64, attempt: u64) -> DeadlineSettings {
    let (total, attempt) = (Duration::from_millis(total), Duration::from_millis(attempt));
    DeadlineSettings { total, attempt, ..DeadlineSettings::default() }
}

fn slow(milliseconds: u64) -> BoxEndpoint {
    endpoint(move |_| async move {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        Ok(reply())
    })
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_a_failure_and_may_be_tried_again() {
    let endpoint = deadlines(of(1_000, 200)).attempt().layer(&METHOD, slow(300));
    let begin = Instant::now();
    let error = endpoint.call(request(&context())).await.unwrap_err();
    assert_eq!(begin.elapsed().as_millis(), 200);
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(error.recovery(), Recovery::Retry);
    assert_eq!(error.message(), "no answer within the 200ms that an attempt may take");
    assert!(is_failure(&error));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_taken_too_long_also_where_its_peer_says_so_first() {
    let cases = [
        (199, Recovery::No, Recovery::Retry),
        (100, Recovery::No, Recovery::No),
        (199, Recovery::Exhausted, Recovery::Exhausted),
    ];
    for (milliseconds, said, recovery) in cases {
        let peer = endpoint(move |_| async move {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            let error = Error::new(Code::DeadlineExceeded, "too late");
            Err(error.with_origin(Origin::Peer).with_recovery(said))
        });
        let deadlines = deadlines(of(1_000, 200));
        let error = deadlines.attempt().layer(&METHOD, peer).call(request(&context())).await;
        assert_eq!(error.unwrap_err().recovery(), recovery, "after {milliseconds} ms");
        let expired = u64::from(recovery == Recovery::Retry);
        assert_eq!(deadlines.0.attempt.value(), expired);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_ends_for_good() {
    let endpoint = deadlines(of(200, 0)).total().layer(&METHOD, slow(300));
    let error = endpoint.call(request(&context())).await.unwrap_err();
    assert_eq!((error.code(), error.recovery()), (Code::DeadlineExceeded, Recovery::No));
    assert_eq!(error.message(), "no answer within the 200ms that a call may take");
    let endpoint = deadlines(of(200, 0)).total().layer(&METHOD, slow(100));
    endpoint.call(request(&context())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn both_go_with_the_call_and_only_ever_tighten() {
    let seen = async |layered: &BoxEndpoint, context: &Context| {
        layered.call(request(context)).await.unwrap_err().message().to_owned()
    };
    let telling = || {
        endpoint(|request| async move {
            let left = request.context.remaining().map(|left| left.as_millis());
            Err(Error::new(Code::Aborted, format!("{left:?}")))
        })
    };
    let both = deadlines(of(1_000, 200));
    let attempt = both.attempt().layer(&METHOD, telling());
    let call = BoxEndpoint::new(both.total().layer(&METHOD, attempt));
    assert_eq!(seen(&call, &context()).await, "Some(200)");
    let hurried = context().with_timeout(Duration::from_millis(50));
    assert_eq!(seen(&call, &hurried).await, "Some(50)");
    let total = BoxEndpoint::new(both.total().layer(&METHOD, telling()));
    assert_eq!(seen(&total, &context()).await, "Some(1000)");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_without_time_for_an_answer_is_not_sent_and_nobodys_failure() {
    let least = Duration::from_millis(20);
    let endpoint = deadlines(DeadlineSettings { least, ..of(0, 0) });
    let endpoint = endpoint.attempt().layer(&METHOD, answering());
    let with = |left| request(&context().with_timeout(Duration::from_millis(left)));
    endpoint.call(with(20)).await.unwrap();
    let error = endpoint.call(with(19)).await.unwrap_err();
    assert_eq!((error.code(), reason(&error).as_str()), (Code::DeadlineExceeded, "NO_TIME_LEFT"));
    assert_eq!(error.message(), "19ms left, and an attempt is worth it from 20ms");
    assert!(!is_failure(&error));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_is_held_to_neither() {
    let streaming = endpoint(|request| async move {
        assert_eq!(request.context.deadline(), None, "it would end the stream at the other end");
        Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::once("{}".into()))))
    });
    let both = deadlines(of(1_000, 200));
    let endpoint = both.total().layer(&STREAM, both.attempt().layer(&STREAM, streaming));
    let reply = endpoint.call(request(&context())).await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    drop(reply);
    let silent = both.attempt().layer(&STREAM, slow(300));
    let error = silent.call(request(&context())).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded, "its beginning is");
}

#[tokio::test(start_paused = true)]
async fn a_dark_deadline_counts_what_it_would_have_ended_however_that_ends() {
    let dark = |settings| deadlines(DeadlineSettings { mode: Mode::Dark, ..settings });
    let both = dark(of(100, 50));
    let endpoint = both.total().layer(&METHOD, both.attempt().layer(&METHOD, slow(70)));
    let context = context();
    endpoint.call(request(&context)).await.unwrap();
    assert_eq!(both.0.dark.value(), 1);
    let limit = Duration::from_millis(60);
    assert!(tokio::time::timeout(limit, endpoint.call(request(&context))).await.is_err());
    assert_eq!(both.0.dark.value(), 2);
    let notes = context.take_fields();
    let notes: Vec<_> = notes.iter().map(|note| (note.name, &*note.value)).collect();
    assert_eq!(notes, [(DEADLINE, "would have been ended after 50ms"); 2]);
}

#[tokio::test(start_paused = true)]
async fn clones_and_both_layers_share_their_settings() {
    let live = Live::new(of(0, 0));
    let deadlines = Deadlines::new(live.clone());
    let endpoint = deadlines.clone().attempt().layer(&METHOD, slow(300));
    endpoint.call(request(&context())).await.unwrap();
    live.replace(of(0, 100));
    endpoint.call(request(&context())).await.unwrap_err();
    assert_eq!(deadlines.0.attempt.value(), 1);
    live.replace(DeadlineSettings { mode: Mode::Off, ..of(0, 100) });
    endpoint.call(request(&context())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn by_default_a_call_ends_after_half_a_minute_and_an_attempt_has_no_limit_of_its_own() {
    let default = deadlines(DeadlineSettings::default());
    let begin = Instant::now();
    let total = default.total().layer(&METHOD, slow(31_000));
    total.call(request(&context())).await.unwrap_err();
    assert_eq!(begin.elapsed().as_secs(), 30);
    default.attempt().layer(&METHOD, slow(31_000)).call(request(&context())).await.unwrap();
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    assert_eq!(DeadlineSettings::default().check(), Ok(()));
    assert_eq!(of(0, 200).check(), Ok(()));
    let least = Duration::from_millis(200);
    for bad in [of(100, 200), DeadlineSettings { least, ..of(200, 0) }] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
}
