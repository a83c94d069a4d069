//! A method as a value, and what wraps it.
//!
//! The stack is instantiated once, over encoded payloads: a refused call is never decoded, a retry
//! clones bytes and not the message, and a layer is written once for every method and shape.
//!
//! Why not `tower::Service`? Its `poll_ready` reserves capacity with a `&mut` that every wrapper
//! must forward rightly and few do, its error is a type parameter that grows with each layer, and
//! its messages are types, so that each method compiles a stack of its own. Here back-pressure is a
//! permit that a layer awaits until the deadline, or a refusal at once.

use std::future::Future;
use std::sync::Arc;

use futures_core::future::BoxFuture;

use crate::contract::Method;
use crate::{Error, Reply, Request};

/// A method as a value: takes a call, gives its answer.
///
/// Dropping the future cancels the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no endpoint",
    note = "a closure becomes a layer by `kitfox::layer_fn(|request, next| async move {{ next.call(request).await }})`"
)]
pub trait Endpoint: Send + Sync + 'static {
    /// Handles one call.
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send;
}

/// What wraps endpoints: rate limits, records, retries.
///
/// [`Layer::layer`] is called once for each method at start, so that handles (metric series,
/// limits) are bound before the first call. State that clones must share lives behind an `Arc` in
/// the layer.
pub trait Layer<E: Endpoint> {
    /// What comes out.
    type Endpoint: Endpoint;

    /// Wraps `inner`, which is `method`.
    fn layer(&self, method: &'static Method, inner: E) -> Self::Endpoint;
}

/// Any endpoint, by a pointer: one type for all methods, cheap to clone. A call costs one box.
#[derive(Clone)]
pub struct BoxEndpoint(Arc<dyn Erased>);

impl BoxEndpoint {
    /// Hides the type of `endpoint`.
    #[must_use]
    pub fn new(endpoint: impl Endpoint) -> Self {
        BoxEndpoint(Arc::new(endpoint))
    }

    /// As [`Endpoint::call`], with the future in the box that it is in anyway: for endpoints that
    /// choose among several.
    pub fn call_boxed(&self, request: Request) -> BoxFuture<'_, Result<Reply, Error>> {
        self.0.call_boxed(request)
    }
}

impl Endpoint for BoxEndpoint {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        self.0.call_boxed(request)
    }
}

impl std::fmt::Debug for BoxEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoxEndpoint").finish_non_exhaustive()
    }
}

trait Erased: Send + Sync {
    fn call_boxed(&self, request: Request) -> BoxFuture<'_, Result<Reply, Error>>;
}

impl<E: Endpoint> Erased for E {
    fn call_boxed(&self, request: Request) -> BoxFuture<'_, Result<Reply, Error>> {
        // The box first, so that the future is made in it: made before, it would be copied.
        let place = Box::new_uninit();
        let future = Box::write(place, self.call(request));
        Box::into_pin(future)
    }
}

/// What a [`layer_fn`] calls to go on: the rest of the stack.
#[derive(Clone, Debug)]
pub struct Next(BoxEndpoint);

impl Next {
    /// Goes on with the call.
    ///
    /// # Errors
    /// Whatever the rest of the stack answers.
    pub async fn call(&self, request: Request) -> Result<Reply, Error> {
        self.0.call(request).await
    }
}

/// A layer from a closure.
///
/// ```
/// use kitfox_core::{Code, Error, layer_fn};
///
/// let guard = layer_fn(|request, next| async move {
///     if request.context.metadata().text("x-tenant").is_none() {
///         return Err(Error::by_layer("tenant", Code::InvalidArgument, "no x-tenant header"));
///     }
///     next.call(request).await
/// });
/// # let _ = guard;
/// ```
pub fn layer_fn<F, Fut>(function: F) -> LayerFn<F>
where
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, Error>> + Send,
{
    LayerFn(Arc::new(function))
}

/// The layer that [`layer_fn`] makes.
pub struct LayerFn<F>(Arc<F>);

impl<F> Clone for LayerFn<F> {
    fn clone(&self) -> Self {
        LayerFn(Arc::clone(&self.0))
    }
}

impl<F> std::fmt::Debug for LayerFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerFn").finish_non_exhaustive()
    }
}

impl<E, F, Fut> Layer<E> for LayerFn<F>
where
    E: Endpoint,
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, Error>> + Send,
{
    type Endpoint = EndpointFn<F>;

    fn layer(&self, _: &'static Method, inner: E) -> EndpointFn<F> {
        EndpointFn { function: Arc::clone(&self.0), next: Next(BoxEndpoint::new(inner)) }
    }
}

/// The endpoint that a [`LayerFn`] makes of another.
pub struct EndpointFn<F> {
    function: Arc<F>,
    next: Next,
}

impl<F> std::fmt::Debug for EndpointFn<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointFn").finish_non_exhaustive()
    }
}

impl<F, Fut> Endpoint for EndpointFn<F>
where
    F: Fn(Request, Next) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, Error>> + Send,
{
    // Calls the function when it is polled, so that a panic of it stays within the barrier.
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        (self.function)(request, self.next.clone()).await
    }
}
