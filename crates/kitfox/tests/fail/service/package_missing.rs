use kitfox::{Context, Error};

#[kitfox::service]
trait Texts {
    async fn join(&self, cx: &Context, request: ()) -> Result<(), Error>;
}

fn main() {}
