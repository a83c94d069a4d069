use kitfox::{Context, Error};

type Answer = Result<(), Error>;

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn nothing(&self, cx: &Context, request: ());

    async fn never_fails(&self, cx: &Context, request: ()) -> String;

    async fn no_error(&self, cx: &Context, request: ()) -> std::io::Result<()>;

    async fn alias(&self, cx: &Context, request: ()) -> Answer;

    async fn borrowed(&self, cx: &Context, request: ()) -> Result<&str, Error>;
}

fn main() {}
