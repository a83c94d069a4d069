use kitfox::Context;

#[kitfox::error(domain = "texts.v1")]
enum NoCall {
    #[code(NotFound)]
    Unknown,
}

#[kitfox::error(domain = "texts.v1")]
enum NoCode {
    Unknown,
    #[code(Invalid)]
    Misspelled,
    #[call]
    Call(kitfox::Error),
}

#[kitfox::error(domain = "texts.v1")]
struct NoEnum;

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn join(&self, cx: &Context, request: ()) -> Result<(), NoCall>;

    async fn split(&self, cx: &Context, request: ()) -> Result<(), NoCode>;

    async fn trim(&self, cx: &Context, request: ()) -> Result<(), NoEnum>;
}

#[derive(Clone)]
struct Implementation(TextsClient);

impl Texts for Implementation {
    async fn join(&self, cx: &Context, request: ()) -> Result<(), NoCall> {
        self.0.trim(cx, request).await.map_err(kitfox::Error::from)?;
        Err(NoCall::Unknown)
    }

    async fn split(&self, cx: &Context, request: ()) -> Result<(), NoCode> {
        let failure = self.0.join(cx, request).await.map_err(kitfox::Error::from);
        println!("{failure:?} {}", NoCode::Misspelled);
        Ok(failure?)
    }

    async fn trim(&self, _cx: &Context, _request: ()) -> Result<(), NoEnum> {
        Err(NoEnum)
    }
}

fn main() {}
