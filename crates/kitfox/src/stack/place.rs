//! Where a layer of the user's stands in a server's stack.

/// Where a layer of yours stands in a server's stack.
///
/// ```text
/// scope > record > panic barrier > deadline > rate limit
///   > Place::Authentication
///   > rate limit by principal > concurrency and shedding > idempotency
///   > Place::Method
///   > decode > the method
/// ```
///
/// A layer that finds out who calls belongs to the first place: whatever asks for the principal is
/// inside of it.
///
/// ```
/// use kitfox::stack::Place;
/// use kitfox::{Code, Error, Host, Principal, Request, layer_fn};
///
/// let authenticate = layer_fn(|mut request: Request, next| async move {
///     // A real one verifies a token.
///     let Some(name) = request.context.metadata().text("x-user").map(str::to_owned) else {
///         return Err(Error::by_layer("authentication", Code::Unauthenticated, "who calls?"));
///     };
///     request.context = request.context.with_principal(Principal::new(name));
///     next.call(request).await
/// });
/// let host = Host::new("strings")
///     // .serve(StringsServer::new(Impl))
///     .layer_at(Place::Authentication, authenticate)
///     .set("server.principal_rate_limit.mode", "on");
/// # let _ = host;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// Inside of the rate limit by IP address, which refuses before it costs anything to find out who
    /// calls, and outside of all that asks for the principal: the rate limit by principal, and the
    /// answers that are kept for idempotency keys, which belong to a principal. A call has no place of
    /// the concurrency limit yet.
    Authentication,
    /// Around the method, inside of all that protects it. A principal that is found here is too late
    /// for what protects the method; the method and the record see it.
    Method,
}
