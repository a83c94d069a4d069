use kitfox::Context;

#[derive(Debug)]
enum Failure {}

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn join(&self, cx: &Context, request: ()) -> Result<(), Failure>;
}

fn main() {}
