//! Two versions of the same errors at the two ends of a call.

use kitfox::{Code, Detail, DomainError, Error, Origin};

mod newer {
    #[kitfox::error(domain = "stock.v1")]
    pub(super) enum StockError {
        #[code(NotFound)]
        Unknown,
        /// {count} are left
        #[code(ResourceExhausted)]
        Few { count: u32 },
        /// recalled: {0}
        #[code(FailedPrecondition)]
        Recalled(String),
        #[call]
        Call(kitfox::Error),
    }
}

mod older {
    #[kitfox::error(domain = "stock.v1")]
    pub(super) enum StockError {
        #[code(NotFound)]
        Unknown,
        #[code(ResourceExhausted)]
        Few,
        #[call]
        Call(kitfox::Error),
    }
}

mod other {
    #[kitfox::error(domain = "cellar.v1")]
    pub(super) enum CellarError {
        #[code(NotFound)]
        Unknown,
        #[call]
        Call(kitfox::Error),
    }
}

#[test]
fn an_unknown_variant_is_a_failed_call_with_its_details_kept() {
    let sent = newer::StockError::Recalled("glass".to_owned()).into_error();
    let details = sent.details().to_vec();
    let older::StockError::Call(error) = older::StockError::from_error(sent) else { panic!() };
    assert_eq!((error.code(), error.message()), (Code::FailedPrecondition, "recalled: glass"));
    assert_eq!(error.details(), details);
    // Whoever passes it on to a newer peer has lost nothing.
    let again = newer::StockError::from_error(older::StockError::Call(error).into_error());
    assert!(matches!(again, newer::StockError::Recalled(what) if what == "glass"));
}

#[test]
fn a_variant_may_gain_fields() {
    let sent = newer::StockError::Few { count: 3 }.into_error();
    assert!(matches!(older::StockError::from_error(sent), older::StockError::Few));
}

#[test]
fn a_variant_whose_fields_did_not_come_is_a_failed_call() {
    let sent = older::StockError::Few.into_error();
    let newer::StockError::Call(error) = newer::StockError::from_error(sent) else { panic!() };
    assert_eq!(error.details().len(), 1);
}

#[test]
fn another_services_error_of_the_same_name_and_code_is_no_variant() {
    let theirs = other::CellarError::Unknown.into_error().with_origin(Origin::Peer);
    assert!(matches!(newer::StockError::from_error(theirs), newer::StockError::Call(_)));
    let plain = Error::new(Code::NotFound, "unknown").with_origin(Origin::Peer);
    assert!(matches!(newer::StockError::from_error(plain), newer::StockError::Call(_)));
}

#[test]
fn a_layer_or_a_wire_never_speaks_for_a_service() {
    for origin in [Origin::Layer("cache"), Origin::Transport] {
        let error = newer::StockError::Unknown.into_error().with_origin(origin);
        assert!(matches!(newer::StockError::from_error(error), newer::StockError::Call(_)));
    }
}

#[test]
fn bytes_that_are_no_detail_are_a_failed_call() {
    let info = newer::StockError::Few { count: 3 }.into_error().details()[0].clone();
    let broken = Detail::from_wire("type.googleapis.com/stock.v1.Few", vec![0x08].into());
    let error = Error::new(Code::ResourceExhausted, "").with_detail(info).with_detail(broken);
    let newer::StockError::Call(error) = newer::StockError::from_error(error) else { panic!() };
    assert_eq!(error.details().len(), 2);
}
