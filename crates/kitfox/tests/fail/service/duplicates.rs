use kitfox::{Context, Error};

#[kitfox::message]
struct Text {
    text: String,
    other: String,
}

#[kitfox::service(package = "texts.v1")]
trait Texts {
    #[endpoint(get = "/v1/words/{text}")]
    async fn words(&self, cx: &Context, request: Text) -> Result<(), Error>;

    #[endpoint(get = "/v1/words/{other}", post = "/v1/words/{text}")]
    async fn same_route(&self, cx: &Context, request: Text) -> Result<(), Error>;

    async fn get_word(&self, cx: &Context, request: Text) -> Result<(), Error>;

    async fn get__word(&self, cx: &Context, request: Text) -> Result<(), Error>;

    #[endpoint(name = "Words")]
    async fn other_name(&self, cx: &Context, request: Text) -> Result<(), Error>;
}

fn main() {}
