//! Requests that are no calls, over a channel's connections.

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Request, Response, Uri, Version};
use kitfox_core::{Code, Error, Origin};
use tokio::time::timeout;

use super::HttpChannel;
use super::channel::Wire;
use super::endpoint::Way;
use super::head::AGENT;
use super::incoming::whole;
use super::outgoing::Outgoing;
use super::sending::Sent;

impl HttpChannel {
    /// Sends a plain HTTP request to the channel's server and reads the answer as a whole: for what
    /// is no method of a service, a webhook or a collector of telemetry.
    ///
    /// Of the request's address only path and query count. The channel's limits hold: that of a call's
    /// time and that of an answer's bytes. Whatever its status is, an answer is an answer.
    ///
    /// ```no_run
    /// use bytes::Bytes;
    /// use kitfox_transport::client::{HttpChannel, HttpVersion};
    ///
    /// # async fn doc() -> Result<(), Box<dyn std::error::Error>> {
    /// let channel =
    ///     HttpChannel::builder("http://127.0.0.1:8080").http(HttpVersion::Http1).build()?;
    /// let request = http::Request::post("/hooks/paid").body(Bytes::from_static(b"{}"))?;
    /// let answer = channel.request(request).await?;
    /// assert_eq!(answer.status(), 204);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When there is no answer, or not in time, or a larger one than the limit.
    pub async fn request(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let wire = self.wire();
        let (head, body) = request.into_parts();
        let mut request = Request::new(());
        *request.method_mut() = head.method;
        *request.headers_mut() = head.headers;
        address(wire, &head.uri, &mut request)?;
        let opened = wire.way.open(|| request.clone(), Sent::Whole(Outgoing::bare(body)));
        let answered = async {
            let (peer, limit) = (&wire.address.target, wire.limits.answer_bytes);
            whole(opened.await?, limit, peer).await
        };
        let limit = wire.limits.call_timeout;
        let answer = timeout(limit, answered).await.unwrap_or_else(|_| Err(wire.expired(limit)))?;
        let mut response = Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// Says in `request` where it goes, in the channel's version of HTTP.
fn address(wire: &Wire, uri: &Uri, request: &mut Request<()>) -> Result<(), Error> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let address = &wire.address;
    let whole = match wire.way {
        Way::Http2(_) => {
            *request.version_mut() = Version::HTTP_2;
            let whole = Uri::builder().scheme(address.scheme());
            whole.authority(address.authority.clone()).path_and_query(path).build()
        }
        Way::Http1(_) => {
            let host = HeaderValue::from_str(address.authority.as_str());
            request.headers_mut().insert(HOST, host.expect("an authority is a header value"));
            Uri::builder().path_and_query(path).build()
        }
    };
    *request.uri_mut() = whole.map_err(|cause| {
        let why = format!("the request cannot go to `{path}`: {cause}");
        Error::new(Code::InvalidArgument, why).with_origin(Origin::Transport)
    })?;
    request.headers_mut().entry(USER_AGENT).or_insert(AGENT);
    Ok(())
}
