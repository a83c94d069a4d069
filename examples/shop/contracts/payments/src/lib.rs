//! What the shop's payments offer: charges, and trouble on demand.

use kitfox::Context;

/// Takes money.
#[kitfox::service(package = "payments.v1")]
pub trait Payments {
    /// Charges a card for an order. An order is charged once, however often this is sent.
    #[endpoint(post = "/v1/charges", idempotent)]
    async fn charge(&self, cx: &Context, request: ChargeRequest) -> Result<Charge, PaymentsError>;
}

/// Makes one replica of the payments slow or failing, for whoever wants to see what that does.
#[kitfox::service(package = "payments.v1")]
pub trait Trouble {
    /// The trouble that this replica makes.
    #[endpoint(get = "/v1/trouble", safe)]
    async fn show_trouble(
        &self,
        cx: &Context,
        request: ShowTroubleRequest,
    ) -> Result<Ailment, kitfox::Error>;

    /// Makes trouble from now on, or none.
    #[endpoint(put = "/v1/trouble", idempotent)]
    async fn make_trouble(&self, cx: &Context, request: Ailment) -> Result<Ailment, kitfox::Error>;
}

/// Whom to charge.
#[kitfox::message]
pub struct ChargeRequest {
    /// The order's id.
    pub order: String,
    /// How much.
    pub amount_cents: u32,
    /// The card's number. One that ends in 0002 is declined.
    pub card: String,
}

/// A charge that was made.
#[kitfox::message]
pub struct Charge {
    /// The order's id.
    pub order: String,
    /// How much.
    pub amount_cents: u32,
}

/// What a replica suffers from.
#[kitfox::message]
#[derive(Copy, Eq)]
pub struct Ailment {
    /// So many charges in a hundred are slow.
    pub slow_percent: u32,
    /// How much longer a slow one takes.
    pub slow_millis: u32,
    /// So many charges in a hundred fail, before anything is done.
    pub fail_percent: u32,
}

/// Nothing to say.
#[kitfox::message]
pub struct ShowTroubleRequest {}

/// How it can fail.
#[kitfox::error(domain = "payments.v1")]
pub enum PaymentsError {
    /// the card is declined: {reason}
    #[code(FailedPrecondition)]
    Declined {
        /// What the bank said.
        reason: String,
    },
    /// this order has been charged another amount
    #[code(AlreadyExists)]
    OtherAmount,
    #[call]
    Call(kitfox::Error),
}
