use kitfox::{Context, Error, Streaming};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn words(&self, cx: &Context, request: ()) -> Result<Streaming<u16>, Error>;
}

fn main() {}
