use kitfox::{Context, Error};

#[kitfox::message]
struct Pair {
    left: u32,
    right: u32,
}

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn nothing(&self) -> Result<(), Error>;

    async fn no_context(&self, request: ()) -> Result<(), Error>;

    async fn no_request(&self, cx: &Context) -> Result<(), Error>;

    async fn three(&self, cx: &Context, left: u32, right: u32) -> Result<(), Error>;

    async fn turned_round(&self, request: (), cx: &Context) -> Result<(), Error>;

    async fn owned(&self, cx: Context, request: ()) -> Result<(), Error>;

    async fn changed(&self, cx: &mut Context, request: ()) -> Result<(), Error>;

    async fn borrowed(&self, cx: &Context, request: &Pair) -> Result<(), Error>;

    async fn anything(&self, cx: &Context, request: impl Send) -> Result<(), Error>;

    async fn taken_apart(&self, cx: &Context, Pair { left, right }: Pair) -> Result<(), Error>;
}

fn main() {}
