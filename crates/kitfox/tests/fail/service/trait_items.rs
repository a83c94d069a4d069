use kitfox::{Context, Error};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    type Answer;

    const LIMIT: u32;

    async fn join(&self, cx: &Context, request: ()) -> Result<(), Error>;
}

fn main() {}
