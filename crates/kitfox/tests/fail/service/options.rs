use kitfox::{Context, Error};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    #[endpoint(idempotant)]
    async fn misspelt(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint]
    async fn empty(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(post)]
    async fn no_path(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(post("/v1/call"))]
    async fn called(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(post = v1)]
    async fn unquoted(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(safe = "yes")]
    async fn valued(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(safe, safe)]
    async fn twice(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(safe)]
    #[endpoint(detached)]
    async fn two_lists(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(name = "Up-Case")]
    async fn name(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint("/v1/texts")]
    async fn bare_path(&self, cx: &Context, request: ()) -> Result<(), Error>;
}

fn main() {}
