use kitfox::{Context, Error};

#[kitfox::message]
pub struct WordsRequest {
    #[field(name = "words")]
    pub text: String,
}

#[kitfox::service(package = "texts.v1")]
pub trait Texts {
    #[endpoint(get = "/v1/words/{txt}")]
    async fn missing(&self, cx: &Context, request: WordsRequest) -> Result<(), Error>;

    #[endpoint(get = "/v1/all/words/{text}")]
    async fn other_name(&self, cx: &Context, request: WordsRequest) -> Result<(), Error>;

    #[endpoint(get = "/v1/all/of/{words}")]
    async fn right(&self, cx: &Context, request: WordsRequest) -> Result<(), Error>;
}

fn main() {}
