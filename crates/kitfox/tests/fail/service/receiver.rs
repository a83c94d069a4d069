use kitfox::{Context, Error};
use std::sync::Arc;

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn missing(cx: &Context, request: ()) -> Result<(), Error>;

    async fn changing(&mut self, cx: &Context, request: ()) -> Result<(), Error>;

    async fn consuming(self, cx: &Context, request: ()) -> Result<(), Error>;

    async fn shared(self: Arc<Self>, cx: &Context, request: ()) -> Result<(), Error>;
}

fn main() {}
