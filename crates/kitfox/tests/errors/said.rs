//! What an error says, and to whom.

use std::error::Error as _;
use std::time::Duration;

use kitfox::{Code, DomainError, Error, Recovery};

#[kitfox::error]
pub(super) enum OrderError {
    /// the order has no lines
    ///
    /// This paragraph is for whoever reads the docs.
    #[code(InvalidArgument)]
    NoLines,
    /// {quantity} of {type:?} are more than {{all}} we have
    #[code(FailedPrecondition)]
    SoldOut { quantity: u32, r#type: String },
    /// payment declined: {0}
    #[code(PermissionDenied, reason = "NO_MONEY")]
    Declined(String),
    #[code(Unavailable, retry)]
    WarehouseClosed,
    #[code(ResourceExhausted, retry_after = "1500ms")]
    HTTPBusy(),
    #[call]
    Call(Error),
}

#[test]
fn the_first_paragraph_of_its_docs() {
    assert_eq!(OrderError::NoLines.to_string(), "the order has no lines");
    let sold_out = OrderError::SoldOut { quantity: 3, r#type: "tea".to_owned() };
    assert_eq!(sold_out.to_string(), "3 of \"tea\" are more than {all} we have");
    let declined = OrderError::Declined("no cover".to_owned());
    assert_eq!(declined.to_string(), "payment declined: no cover");
}

#[test]
fn its_name_in_words_where_it_has_no_docs() {
    assert_eq!(OrderError::WarehouseClosed.to_string(), "warehouse closed");
}

#[test]
fn a_calls_failure_speaks_for_itself() {
    let failed = OrderError::from(Error::new(Code::Unavailable, "no instance"));
    assert_eq!(failed.to_string(), "unavailable: no instance");
    let source = failed.source().and_then(|source| source.downcast_ref::<Error>());
    assert_eq!(source.map(Error::code), Some(Code::Unavailable));
    assert!(OrderError::NoLines.source().is_none());
    assert!(format!("{failed:?}").contains("Call"));
}

#[test]
fn layers_and_wires_read_code_and_recovery() {
    let after = Recovery::After(Duration::from_millis(1_500));
    for (error, code, recovery) in [
        (OrderError::NoLines, Code::InvalidArgument, Recovery::No),
        (OrderError::Declined(String::new()), Code::PermissionDenied, Recovery::No),
        (OrderError::WarehouseClosed, Code::Unavailable, Recovery::Retry),
        (OrderError::HTTPBusy(), Code::ResourceExhausted, after),
    ] {
        let message = error.to_string();
        let error = error.into_error();
        assert_eq!((error.code(), error.recovery()), (code, recovery));
        assert_eq!(error.message(), message);
    }
}

#[test]
fn the_contract_knows_them_all() {
    let schema = OrderError::SCHEMA;
    assert_eq!(schema.domain, "OrderError");
    let reasons: Vec<_> = schema.variants.iter().map(|variant| variant.reason).collect();
    assert_eq!(reasons, ["NO_LINES", "SOLD_OUT", "NO_MONEY", "WAREHOUSE_CLOSED", "HTTP_BUSY"]);
    assert!(schema.variants[0].docs.ends_with("whoever reads the docs."));
}
