use std::rc::Rc;

use kitfox::{Context, Error};

#[kitfox::service(package = "texts.v1")]
trait Texts {
    async fn join(&self, cx: &Context, request: ()) -> Result<(), Error>;
}

struct Local;

impl Texts for Local {
    async fn join(&self, cx: &Context, _: ()) -> Result<(), Error> {
        let local = Rc::new(());
        cx.done().await;
        drop(local);
        Ok(())
    }
}

fn main() {}
