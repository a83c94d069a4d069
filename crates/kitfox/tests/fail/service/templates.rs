use kitfox::{Context, Error};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    #[endpoint(get = "v1/texts")]
    async fn no_slash(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/texts/")]
    async fn slash_at_end(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/{text")]
    async fn open(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/text}")]
    async fn closed(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/{}")]
    async fn nameless(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/text/{te-xt}")]
    async fn no_name(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/{a}/{a}")]
    async fn twice(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/text-{id}")]
    async fn part(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/texts?by={name}")]
    async fn query(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/my texts")]
    async fn space(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/words/:word")]
    async fn colon(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/files/*")]
    async fn rest(&self, cx: &Context, request: ()) -> Result<(), Error>;
}

fn main() {}
