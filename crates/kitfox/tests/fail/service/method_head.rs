use kitfox::{Context, Error};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    fn blocking(&self, cx: &Context, request: ()) -> Result<(), Error>;

    async fn generic<T>(&self, cx: &Context, request: T) -> Result<(), Error>;

    async unsafe fn dangerous(&self, cx: &Context, request: ()) -> Result<(), Error>;

    async extern "C" fn foreign(&self, cx: &Context, request: ()) -> Result<(), Error>;

    #[cfg(unix)]
    async fn sometimes(&self, cx: &Context, request: ()) -> Result<(), Error>;
}

fn main() {}
