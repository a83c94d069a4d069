//! Over every wire: whether to try again, and details that are too large for it.

use kitfox::transport::client::{HttpChannel, HttpVersion, Protocol};
use kitfox::types::rpc::ErrorInfo;
use kitfox::{Code, Context, Detail, Error, Host, Origin, Recovery, Running};

#[kitfox::message(package = "vault.v1")]
pub(super) struct Ask {
    what: String,
}

#[kitfox::error(domain = "vault.v1")]
pub(super) enum VaultError {
    /// somebody else is at it
    #[code(Aborted, retry)]
    Contended,
    /// come back never
    #[code(Unavailable)]
    Closed,
    /// come back at once
    #[code(Unavailable, retry)]
    Blinked,
    /// a queue before the door
    #[code(ResourceExhausted, retry_after = "1500ms")]
    Busy,
    /// sealed, see the report
    #[code(FailedPrecondition)]
    Sealed { report: String },
    #[call]
    Call(Error),
}

#[kitfox::service(package = "vault.v1")]
pub(super) trait Vault {
    async fn open(&self, cx: &Context, request: Ask) -> Result<(), VaultError>;
}

struct Service;

impl Vault for Service {
    async fn open(&self, _: &Context, request: Ask) -> Result<(), VaultError> {
        Err(match request.what.as_str() {
            "contended" => VaultError::Contended,
            "closed" => VaultError::Closed,
            "blinked" => VaultError::Blinked,
            "busy" => VaultError::Busy,
            size => VaultError::Sealed { report: "x".repeat(size.parse().unwrap()) },
        })
    }
}

/// The same service for a caller that looks at the failure itself.
mod raw {
    use kitfox::{Context, Error};

    #[kitfox::service(package = "vault.v1")]
    pub(super) trait Vault {
        async fn open(&self, cx: &Context, request: super::Ask) -> Result<(), Error>;
    }
}

const WAYS: [(Protocol, HttpVersion); 5] = [
    (Protocol::Connect, HttpVersion::Http1),
    (Protocol::Connect, HttpVersion::Http2),
    (Protocol::Grpc, HttpVersion::Http2),
    (Protocol::GrpcWeb, HttpVersion::Http1),
    (Protocol::GrpcWeb, HttpVersion::Http2),
];

async fn start() -> Running {
    let host = Host::new("vault").serve(VaultServer::new(Service));
    let host = host.listen("127.0.0.1:0").admin("127.0.0.1:0").announce(false);
    host.environment(kitfox::config::Environment::default()).start().await.unwrap()
}

fn channel(running: &Running, (protocol, http): (Protocol, HttpVersion)) -> HttpChannel {
    let address = format!("http://{}", running.address());
    HttpChannel::builder(address).protocol(protocol).http(http).build().unwrap()
}

async fn failure(running: &Running, way: (Protocol, HttpVersion), what: &str) -> Error {
    use raw::Vault;
    let client = raw::VaultClient::new(&channel(running, way));
    let cx = Context::background().with_timeout(std::time::Duration::from_secs(10));
    client.open(&cx, Ask { what: what.to_owned() }).await.unwrap_err()
}

#[tokio::test]
async fn whether_to_try_again_arrives() {
    let running = start().await;
    for way in WAYS {
        let busy = match way.0 {
            // HTTP counts whole seconds.
            Protocol::Connect => Recovery::After(std::time::Duration::from_secs(2)),
            Protocol::Grpc | Protocol::GrpcWeb => {
                Recovery::After(std::time::Duration::from_millis(1500))
            }
        };
        for (what, code, recovery) in [
            ("contended", Code::Aborted, Recovery::Retry),
            ("closed", Code::Unavailable, Recovery::Exhausted),
            ("blinked", Code::Unavailable, Recovery::Retry),
            ("busy", Code::ResourceExhausted, busy),
            ("1", Code::FailedPrecondition, Recovery::No),
        ] {
            let error = failure(&running, way, what).await;
            assert_eq!((error.code(), error.recovery()), (code, recovery), "{way:?} {what}");
        }
    }
}

#[tokio::test]
async fn details_too_large_for_a_header_leave_the_code_and_the_reason() {
    let running = start().await;
    for size in ["20000", "100000", "1000000"] {
        for way in WAYS {
            let error = failure(&running, way, size).await;
            assert_eq!(error.code(), Code::FailedPrecondition, "{way:?} {size}: {error}");
            assert_eq!((error.origin(), error.recovery()), (Origin::Peer, Recovery::No));
            assert_eq!(error.message(), "sealed, see the report");
            let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>).unwrap();
            assert_eq!((info.reason.as_str(), info.domain.as_str()), ("SEALED", "vault.v1"));
            // A body has room for all of them.
            let whole =
                error.details().iter().any(|detail| detail.type_name() == "vault.v1.Sealed");
            assert_eq!(whole, way.0 != Protocol::Grpc, "{way:?} {size}");
        }
    }
}

#[tokio::test]
async fn a_variant_whose_fields_found_no_room_is_a_failure_of_the_call() {
    let running = start().await;
    let client = VaultClient::new(&channel(&running, (Protocol::Grpc, HttpVersion::Http2)));
    for (size, whole) in [("4000", true), ("20000", false)] {
        let outcome = client.open(&Context::background(), Ask { what: size.to_owned() }).await;
        match outcome.unwrap_err() {
            VaultError::Sealed { report } => assert!(whole && report.len() == 4000, "{size}"),
            VaultError::Call(error) => {
                assert!(!whole, "{size}: {error}");
                assert_eq!(error.code(), Code::FailedPrecondition);
            }
            other => panic!("{size}: {other:?}"),
        }
    }
}
