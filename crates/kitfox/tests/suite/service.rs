//! A service with a method of each shape, whose behaviour each case brings along.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use futures_core::future::BoxFuture;
use kitfox::{Code, Context, Error, Streaming};

use crate::messages::model::{Choices, Lists, Maps, Options, Scalars, Tree, WellKnown};

/// Each kind of field there is.
#[kitfox::message(package = "suite.v1")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Everything {
    pub(crate) scalars: Scalars,
    pub(crate) options: Option<Options>,
    pub(crate) lists: Lists,
    pub(crate) maps: Maps,
    pub(crate) tree: Option<Box<Tree>>,
    pub(crate) choices: Choices,
    pub(crate) well_known: WellKnown,
}

/// What goes in and what comes out.
#[kitfox::message(package = "suite.v1")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Item {
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) everything: Option<Everything>,
}

impl Item {
    pub(crate) fn numbered(number: u64) -> Self {
        Item { number, ..Item::default() }
    }

    pub(crate) fn said(text: impl Into<String>) -> Self {
        Item { text: text.into(), ..Item::default() }
    }

    /// Of a size, at most 512 KiB, and hard to compress.
    pub(crate) fn sized(bytes: usize) -> Self {
        static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let mut random = 1_u32;
            let noise = std::iter::repeat_with(|| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random.to_be_bytes()[0]
            });
            noise.take(512 * 1024).collect()
        });
        Item { bytes: NOISE[..bytes].to_vec(), ..Item::default() }
    }
}

/// How it fails.
#[kitfox::error(domain = "suite.v1")]
pub(crate) enum SuiteError {
    /// nothing to do
    #[code(InvalidArgument)]
    Empty,
    /// {text:?} is longer than {most}
    #[code(OutOfRange)]
    TooLong { text: String, most: u32 },
    #[call]
    Call(Error),
}

/// A method of each shape.
#[kitfox::service(package = "suite.v1")]
pub(crate) trait Suite {
    #[endpoint(post = "/v1/one", safe)]
    async fn one(&self, cx: &Context, item: Item) -> Result<Item, SuiteError>;

    #[endpoint(post = "/v1/many")]
    async fn many(
        &self,
        cx: &Context,
        item: Item,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError>;

    async fn gather(
        &self,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Item, SuiteError>;

    async fn both(
        &self,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError>;
}

/// What a case has the service do.
trait Behaviour: Send + Sync {
    fn run(
        &self,
        cx: Context,
        items: Streaming<Item, SuiteError>,
    ) -> BoxFuture<'static, Result<Streaming<Item, SuiteError>, SuiteError>>;
}

impl<F, Fut> Behaviour for F
where
    F: Fn(Context, Streaming<Item, SuiteError>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Streaming<Item, SuiteError>, SuiteError>> + Send + 'static,
{
    fn run(
        &self,
        cx: Context,
        items: Streaming<Item, SuiteError>,
    ) -> BoxFuture<'static, Result<Streaming<Item, SuiteError>, SuiteError>> {
        Box::pin(self(cx, items))
    }
}

/// The service, and what it has seen. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Puppet(Arc<State>);

#[derive(Default)]
struct State {
    behaviour: Mutex<Option<Arc<dyn Behaviour>>>,
    begun: AtomicUsize,
    open: Arc<AtomicUsize>,
    last: Mutex<Option<Context>>,
}

impl Puppet {
    /// Has every method do that: many messages in, many out, of which a shape may have one.
    pub(crate) fn behave<F, Fut>(&self, behaviour: F)
    where
        F: Fn(Context, Streaming<Item, SuiteError>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Streaming<Item, SuiteError>, SuiteError>> + Send + 'static,
    {
        *self.0.behaviour.lock().unwrap() = Some(Arc::new(behaviour));
    }

    /// How many calls came to a method.
    pub(crate) fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// How many of them have a method, or its stream, that is not gone yet.
    pub(crate) fn open(&self) -> usize {
        self.0.open.load(Ordering::SeqCst)
    }

    /// The context of the last one.
    pub(crate) fn context(&self) -> Context {
        self.0.last.lock().unwrap().clone().expect("a call has come")
    }

    async fn run(
        &self,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError> {
        let counted = Counted::new(&self.0.open);
        *self.0.last.lock().unwrap() = Some(cx.clone());
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        let behaviour = self.0.behaviour.lock().unwrap().clone().expect("a case brings one");
        let mut items = behaviour.run(cx.clone(), items).await?;
        Ok(Streaming::new(futures_util::stream::poll_fn(move |cx| {
            let _held = &counted;
            futures_core::Stream::poll_next(std::pin::Pin::new(&mut items), cx)
        })))
    }

    async fn single(
        &self,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Item, SuiteError> {
        let missing = || Error::new(Code::Internal, "the case gave no item").into();
        self.run(cx, items).await?.try_next().await?.ok_or_else(missing)
    }
}

impl Suite for Puppet {
    async fn one(&self, cx: &Context, item: Item) -> Result<Item, SuiteError> {
        self.single(cx, Streaming::of([item])).await
    }

    async fn many(
        &self,
        cx: &Context,
        item: Item,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError> {
        self.run(cx, Streaming::of([item])).await
    }

    async fn gather(
        &self,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Item, SuiteError> {
        self.single(cx, items).await
    }

    async fn both(
        &self,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError> {
        self.run(cx, items).await
    }
}

/// Counts itself for as long as it lives.
#[derive(Debug)]
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(crate) fn new(counter: &Arc<AtomicUsize>) -> Self {
        counter.fetch_add(1, Ordering::SeqCst);
        Counted(Arc::clone(counter))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
