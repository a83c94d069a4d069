//! From the service to its caller and no further.

use kitfox::{Code, Context, Detail, DomainError, Error, Origin};

#[kitfox::message(package = "cards.v1")]
pub(super) struct Limit {
    pub euros: i64,
}

#[kitfox::error(domain = "cards.v1")]
pub(super) enum CardsError {
    /// the card is unknown
    #[code(NotFound)]
    Unknown,
    /// over the limit of {limit:?} by {by}
    #[code(FailedPrecondition)]
    OverLimit {
        limit: Option<Limit>,
        #[field(sint)]
        by: i64,
        // Names that the macro's own code uses must not get in the way.
        text: String,
        error: Vec<String>,
    },
    /// {0:?}
    #[code(Aborted)]
    Blocked(Limit),
    #[call]
    Call(Error),
}

#[kitfox::service(package = "cards.v1")]
pub(super) trait Cards {
    async fn charge(&self, cx: &Context, request: Limit) -> Result<(), CardsError>;
}

/// Fails as it is asked to.
struct Failing;

impl Cards for Failing {
    async fn charge(&self, _: &Context, request: Limit) -> Result<(), CardsError> {
        Err(match request.euros {
            0 => CardsError::Unknown,
            1 => over_limit(),
            2 => CardsError::Blocked(Limit { euros: i64::MIN }),
            3 => CardsError::Call(Error::new(Code::DataLoss, "said by the service itself")),
            _ => return Ok(()),
        })
    }
}

fn over_limit() -> CardsError {
    CardsError::OverLimit {
        limit: Some(Limit { euros: 100 }),
        by: -7,
        text: "äöü".to_owned(),
        error: vec!["a".to_owned(), String::new()],
    }
}

async fn charge(euros: i64) -> CardsError {
    let client = CardsClient::local(Failing);
    let charged = client.charge(&Context::background(), Limit { euros }).await;
    charged.expect_err("it fails as it is asked to")
}

#[tokio::test]
async fn a_variant_arrives_as_itself() {
    assert!(matches!(charge(0).await, CardsError::Unknown));
}

#[tokio::test]
async fn what_a_variant_holds_arrives_exactly() {
    let CardsError::OverLimit { limit, by, text, error } = charge(1).await else { panic!() };
    assert_eq!((limit, by), (Some(Limit { euros: 100 }), -7));
    assert_eq!((text.as_str(), error), ("äöü", vec!["a".to_owned(), String::new()]));
    let CardsError::Blocked(limit) = charge(2).await else { panic!() };
    assert_eq!(limit.euros, i64::MIN);
}

#[tokio::test]
async fn a_failure_that_the_service_made_up_itself_is_its_answer() {
    let CardsError::Call(error) = charge(3).await else { panic!() };
    assert_eq!((error.code(), error.message()), (Code::DataLoss, "said by the service itself"));
    assert_eq!(error.origin(), Origin::Peer);
}

#[test]
fn details_name_the_variant_and_hold_its_fields() {
    let error = over_limit().into_error();
    let names: Vec<_> = error.details().iter().map(Detail::type_name).collect();
    assert_eq!(names, ["google.rpc.ErrorInfo", "cards.v1.OverLimit"]);
    let info = error.details()[0].decode::<kitfox::types::rpc::ErrorInfo>().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("OVER_LIMIT", "cards.v1"));
}

/// Calls cards with `?`, and maps nothing.
struct Shop(CardsClient);

#[kitfox::error]
pub(super) enum ShopError {
    #[call]
    Call(Error),
}

#[kitfox::service(package = "shop.v1")]
pub(super) trait Orders {
    async fn order(&self, cx: &Context, request: Limit) -> Result<(), ShopError>;
}

impl Orders for Shop {
    async fn order(&self, cx: &Context, request: Limit) -> Result<(), ShopError> {
        self.0.charge(cx, request).await.map_err(Error::from)?;
        Ok(())
    }
}

#[tokio::test]
async fn a_callees_failure_is_masked() {
    let gone = Error::new(Code::NotFound, "card 4711").with_origin(Origin::Peer);
    let masked = ShopError::from(gone).into_error().into_answer();
    assert_eq!(masked.code(), Code::Internal);

    // Not what the callee made up, nor its variants.
    for (euros, said) in [(3, "said by the service itself"), (0, "the card is unknown")] {
        let client = OrdersClient::local(Shop(CardsClient::local(Failing)));
        let ordered = client.order(&Context::background(), Limit { euros }).await;
        let ShopError::Call(error) = ordered.unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert!(!error.to_string().contains(said), "{error}");
        assert!(error.details().is_empty());
    }
}
