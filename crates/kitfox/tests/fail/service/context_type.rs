use kitfox::Error;

struct Request;

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn join(&self, cx: &Request, request: ()) -> Result<(), Error>;
}

fn main() {}
