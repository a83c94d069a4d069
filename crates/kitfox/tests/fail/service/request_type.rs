use kitfox::{Context, Error};

struct Request {
    _text: String,
}

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn join(&self, cx: &Context, request: Request) -> Result<(), Error>;
}

fn main() {}
