use kitfox::{Context, Error, Streaming};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    #[endpoint(safe, idempotent)]
    async fn redundant(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(delete = "/v1/texts", safe)]
    async fn safe_delete(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/texts/all", put = "/v1/texts/all")]
    async fn get_and_put(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(get = "/v1/joined")]
    async fn get_stream(&self, cx: &Context, words: Streaming<()>) -> Result<(), Error>;

    #[endpoint(post = "/v1/joined/{by}")]
    async fn stream_in_path(&self, cx: &Context, words: Streaming<()>) -> Result<(), Error>;

    #[endpoint(safe)]
    async fn safe_stream(&self, cx: &Context, words: Streaming<()>) -> Result<(), Error>;

    #[endpoint(idempotent, idempotency_key)]
    async fn twice_idempotent(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[endpoint(idempotency_key)]
    async fn keyed_stream(&self, cx: &Context, words: Streaming<()>) -> Result<(), Error>;
}

fn main() {}
