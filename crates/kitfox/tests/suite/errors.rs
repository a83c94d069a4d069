//! How a call fails, before its first message and after.

use kitfox::types::rpc::RetryInfo;
use kitfox::{Code, Context, Detail, Error, Origin, Streaming};

use super::rig::{Outcome, Rig};
use super::service::{Item, SuiteError};

const CODES: [Code; 16] = [
    Code::Canceled,
    Code::Unknown,
    Code::InvalidArgument,
    Code::DeadlineExceeded,
    Code::NotFound,
    Code::AlreadyExists,
    Code::PermissionDenied,
    Code::ResourceExhausted,
    Code::FailedPrecondition,
    Code::Aborted,
    Code::OutOfRange,
    Code::Unimplemented,
    Code::Internal,
    Code::Unavailable,
    Code::DataLoss,
    Code::Unauthenticated,
];

fn too_long() -> SuiteError {
    SuiteError::TooLong { text: "a \"b\" é\n%41".into(), most: 7 }
}

fn is_too_long(error: &SuiteError) -> bool {
    matches!(error, SuiteError::TooLong { text, most: 7 } if text == "a \"b\" é\n%41")
}

/// A stream of three messages that ends with an error.
fn torn(error: impl FnOnce() -> SuiteError + Send + 'static) -> Streaming<Item, SuiteError> {
    Streaming::produce(async move |items| {
        for number in 0..3 {
            items.send(Item::numbered(number)).await?;
        }
        // A panic takes along what was sent in the same breath.
        tokio::task::yield_now().await;
        Err(error())
    })
}

fn three() -> [Item; 3] {
    [Item::numbered(0), Item::numbered(1), Item::numbered(2)]
}

pub(super) async fn a_variant_before_the_first_message(rig: &Rig) {
    for shape in rig.shapes() {
        rig.puppet.behave(async |_, _| Err(too_long()));
        let error = rig.ask(shape, &Context::background(), [Item::default()]).await.bad();
        assert!(is_too_long(&error), "{shape:?}: {error:?}");
        rig.puppet.behave(async |_, _| Err(SuiteError::Empty));
        let error = rig.ask(shape, &Context::background(), [Item::default()]).await.bad();
        assert!(matches!(error, SuiteError::Empty), "{shape:?}: {error:?}");
    }
    rig.over().await;
}

pub(super) async fn a_variant_in_the_middle_of_a_stream(rig: &Rig) {
    rig.puppet.behave(async |_, _| Ok(torn(too_long)));
    for shape in rig.answering() {
        let outcome = rig.ask(shape, &Context::background(), [Item::default()]).await;
        assert_eq!(outcome.items, three(), "{shape:?}");
        let error = outcome.bad();
        assert!(is_too_long(&error), "{shape:?}: {error:?}");
        rig.over().await;
    }
}

pub(super) async fn every_code_arrives(rig: &Rig) {
    for code in CODES {
        let said = move || SuiteError::Call(Error::new(code, "as it was said"));
        rig.puppet.behave(move |_, _| async move { Err(said()) });
        for shape in rig.shapes() {
            let error = rig.ask(shape, &Context::background(), [Item::default()]).await.failure();
            let got = (error.code(), error.message(), error.origin());
            assert_eq!(got, (code, "as it was said", Origin::Peer), "{shape:?}");
        }
        rig.puppet.behave(move |_, _| async move { Ok(torn(said)) });
        for shape in rig.answering() {
            let outcome = rig.ask(shape, &Context::background(), [Item::default()]).await;
            assert_eq!(outcome.items.len(), 3, "{shape:?}: {code:?}");
            let error = outcome.failure();
            let got = (error.code(), error.message(), error.origin());
            assert_eq!(got, (code, "as it was said", Origin::Peer), "{shape:?} in the middle");
        }
    }
}

pub(super) async fn details_arrive(rig: &Rig) {
    fn failed() -> SuiteError {
        let pause =
            RetryInfo { retry_delay: Some(kitfox::types::Duration { seconds: 3, nanos: 5 }) };
        let error = Error::new(Code::FailedPrecondition, "see the item");
        let error = error.with_detail(Detail::new(&Item::said("détail")));
        SuiteError::Call(error.with_detail(Detail::new(&pause)))
    }
    fn check(error: &Error, place: &str) {
        let items: Vec<_> = error.details().iter().filter_map(Detail::decode::<Item>).collect();
        assert_eq!(items, [Item::said("détail")], "{place}: {error:?}");
        let mut pauses = error.details().iter().filter_map(Detail::decode::<RetryInfo>);
        let pause = pauses.next().and_then(|info| info.retry_delay);
        assert_eq!(pause.map(|pause| pause.seconds), Some(3), "{place}: {error:?}");
    }
    rig.puppet.behave(async |_, _| Err(failed()));
    for shape in rig.shapes() {
        let error = rig.ask(shape, &Context::background(), [Item::default()]).await.failure();
        check(&error, &format!("{shape:?}"));
    }
    rig.puppet.behave(async |_, _| Ok(torn(failed)));
    for shape in rig.answering() {
        let outcome = rig.ask(shape, &Context::background(), [Item::default()]).await;
        check(&outcome.failure(), &format!("{shape:?} in the middle"));
    }
}

pub(super) async fn a_message_in_any_letters_arrives(rig: &Rig) {
    const TEXT: &str = "100 % of \"größe\"\r\n\tgot 狐 and 🦊\u{7f}";
    rig.puppet.behave(async |_, _| Err(Error::new(Code::NotFound, TEXT).into()));
    for shape in rig.shapes() {
        let error = rig.ask(shape, &Context::background(), [Item::default()]).await.failure();
        assert_eq!(error.message(), TEXT, "{shape:?}");
    }
}

pub(super) async fn what_a_callee_said_is_not_told(rig: &Rig) {
    fn callee() -> SuiteError {
        let error = Error::new(Code::NotFound, "card 4711").with_origin(Origin::Peer);
        SuiteError::Call(error.with_detail(Detail::new(&Item::said("card 4711"))))
    }
    rig.puppet.behave(async |_, _| Err(callee()));
    let cx = Context::background();
    for shape in rig.shapes() {
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        assert_eq!((error.code(), error.details().len()), (Code::Internal, 0), "{shape:?}");
        assert!(!error.message().contains("4711"), "{shape:?}: {error}");
    }
    rig.puppet.behave(async |_, _| Ok(torn(callee)));
    for shape in rig.answering() {
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        assert_eq!((error.code(), error.details().len()), (Code::Internal, 0), "{shape:?}");
        assert!(!error.message().contains("4711"), "{shape:?}: {error}");
    }
}

pub(super) async fn a_panic_is_one_failed_call(rig: &Rig) {
    let cx = Context::background();
    for shape in rig.shapes() {
        rig.puppet.behave(async |_, _| panic!("on purpose, and secret"));
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        assert_eq!(error.code(), Code::Internal, "{shape:?}");
        assert!(!error.message().contains("secret"), "{shape:?}: {error}");
        rig.over().await;
        rig.puppet.behave(async |_, items| Ok(items));
        let items = rig.ask(shape, &cx, [Item::numbered(7)]).await.good();
        assert_eq!(items, [Item::numbered(7)], "{shape:?}: the next call");
    }
}

pub(super) async fn a_panic_in_the_middle_of_a_stream_ends_it(rig: &Rig) {
    let cx = Context::background();
    for shape in rig.answering() {
        rig.puppet.behave(async |_, _| Ok(torn(|| panic!("on purpose, and secret"))));
        let outcome = rig.ask(shape, &cx, [Item::default()]).await;
        assert_eq!(outcome.items, three(), "{shape:?}");
        let error = outcome.failure();
        assert_eq!(error.code(), Code::Internal, "{shape:?}");
        assert!(!error.message().contains("secret"), "{shape:?}: {error}");
        rig.over().await;
        rig.puppet.behave(async |_, items| Ok(items));
        let items = rig.ask(shape, &cx, [Item::numbered(7)]).await.good();
        assert_eq!(items, [Item::numbered(7)], "{shape:?}: the next call");
    }
}

pub(super) async fn a_method_that_fails_need_not_read(rig: &Rig) {
    rig.puppet.behave(async |_, _| Err(SuiteError::Empty));
    for shape in rig.asking() {
        // More than fits into any window, and no end.
        let endless = std::iter::repeat_with(|| Item::sized(64 * 1024));
        let error = rig.ask(shape, &Context::background(), endless).await.bad();
        assert!(matches!(error, SuiteError::Empty), "{shape:?}: {error:?}");
        rig.over().await;
    }
}

pub(super) async fn a_request_that_breaks_is_not_taken_for_a_whole_one(rig: &Rig) {
    // The service answers whoever ends properly, and counts them.
    rig.puppet.behave(async |_, mut items| {
        while items.try_next().await?.is_some() {}
        Ok(Streaming::of([Item::said("whole")]))
    });
    for shape in rig.asking() {
        let items = torn(|| SuiteError::Call(Error::new(Code::DataLoss, "torn at the caller")));
        let outcome = Outcome::of(rig.call(shape, &Context::background(), items).await).await;
        assert_eq!(outcome.items, [], "{shape:?}");
        outcome.bad();
        rig.over().await;
    }
}
