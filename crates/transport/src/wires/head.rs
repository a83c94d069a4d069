//! What a request's headers say of the call, read in one pass over them.
//!
//! A lookup by name costs a hash each, and nearly all of what can be said is not; so every header
//! is looked at once, and only what is there is parsed.

use http::{HeaderMap, HeaderValue, Method, Uri, Version};
use kitfox_core::record::Wire;
use kitfox_core::{Criticality, Incoming, Metadata, Sampling, TraceContext};

use super::baggage::baggage;
use super::content::Content;
use super::packing::{Encoded, Packing, Speech};
use super::refusal::Refusal;
use super::timeout::Patience;
use crate::b3;
use crate::frames::Compression;
use crate::names::{
    CONNECT_TIMEOUT, CONNECT_VERSION, CRITICALITY, GRPC_TIMEOUT, PREVIOUS_ATTEMPTS,
};

/// What a request begins with.
pub(super) struct Line {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) version: Version,
}

/// What the headers say of how a call is to be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// See [`Head::twice`].
    pub(super) twice: Option<&'static str>,
    /// `connect-timeout-ms`
    pub(super) connect: Patience,
    /// `grpc-timeout`
    pub(super) grpc: Patience,
}

/// What the headers say.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) content: Content,
    /// Neither a compression is said nor a version that nobody here knows.
    pub(super) plain: bool,
    /// `connect-protocol-version` is one that is served here.
    pub(super) version: bool,
    /// What HTTP, gRPC and Connect's streams say of compression, each in headers of its own.
    http: Said,
    grpc_said: Said,
    connect_said: Said,
    /// Two readers could each believe another value of this header.
    pub(super) twice: Option<&'static str>,
    /// `connect-timeout-ms`
    pub(super) connect: Patience,
    /// `grpc-timeout`
    pub(super) grpc: Patience,
    /// The call so far; its metadata are the headers.
    pub(super) incoming: Incoming,
}

/// What one set of headers says of compression.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    request: Encoded,
    accepts: Option<Compression>,
}

impl Said {
    fn accept(&mut self, value: &HeaderValue) {
        self.accepts =
            self.accepts.or_else(|| Compression::choose(std::iter::once(value.as_bytes())));
    }
}

/// A bit for each length of a name that is looked for: most of what every caller sends needs no
/// second look.
const LENGTHS: u32 = {
    let lengths = [2, 7, 10, 11, 12, 13, 15, 16, 17, 18, 20, 23, 24, 26];
    let (mut bits, mut at) = (0, 0);
    while at < lengths.len() {
        bits |= 1 << lengths[at];
        at += 1;
    }
    bits
};

fn may_be_looked_for(name: &str) -> bool {
    name.len() < 32 && LENGTHS >> name.len() & 1 == 1
}

#[derive(Default)]
struct Seen<'a> {
    trace: Option<&'a HeaderValue>,
    b3: bool,
    baggage: bool,
    attempts: Option<&'a HeaderValue>,
    key: Option<&'a HeaderValue>,
    criticality: Option<&'a HeaderValue>,
}

impl Head {
    /// What `headers` say, which it keeps, as far as nobody has read them yet ([`Head::read`]). It is
    /// large, and made and filled where it stands.
    #[inline(always)]
    pub(super) fn unread(headers: HeaderMap) -> Head {
        Head {
            content: Content::Missing,
            plain: true,
            version: true,
            http: Said::default(),
            grpc_said: Said::default(),
            connect_said: Said::default(),
            twice: None,
            connect: Patience::Unsaid,
            grpc: Patience::Unsaid,
            // Each for itself: the empty headers of a whole default would have to be dropped.
            incoming: Incoming {
                platform: None,
                peer: None,
                metadata: Metadata::from(headers),
                started: None,
                wire: Wire::Local,
                route: None,
                deadline: None,
                trace: None,
                sampling: Sampling::default(),
                baggage: None,
                previous_attempts: 0,
                idempotency_key: None,
                criticality: Criticality::default(),
            },
        }
    }

    /// Reads the headers.
    pub(super) fn read(&mut self) {
        let incoming = &mut self.incoming;
        let headers = incoming.metadata.headers();
        let mut seen = Seen::default();
        for (name, value) in headers {
            let name = name.as_str();
            if !may_be_looked_for(name) {
                continue;
            }
            match name {
                "content-type" => self.content = Content::from_type(value.as_bytes()),
                "content-encoding" => {
                    self.http.request = Encoded::from_name(value.as_bytes());
                    self.plain &= self.http.request == Encoded::Not;
                }
                "accept-encoding" => self.http.accept(value),
                "grpc-encoding" => {
                    self.grpc_said.request = Encoded::from_name(value.as_bytes());
                    self.plain &= self.grpc_said.request == Encoded::Not;
                }
                "grpc-accept-encoding" => self.grpc_said.accept(value),
                "connect-content-encoding" => {
                    self.connect_said.request = Encoded::from_name(value.as_bytes());
                }
                "connect-accept-encoding" => self.connect_said.accept(value),
                CONNECT_VERSION => {
                    self.version = value == "1";
                    self.plain &= self.version;
                }
                CONNECT_TIMEOUT => self.connect = Patience::from_connect(value.as_bytes()),
                GRPC_TIMEOUT => self.grpc = Patience::from_grpc(value.as_bytes()),
                "traceparent" => seen.trace = Some(value),
                "baggage" => seen.baggage = true,
                PREVIOUS_ATTEMPTS => seen.attempts = Some(value),
                "idempotency-key" => seen.key = Some(value),
                CRITICALITY => seen.criticality = Some(value),
                _ => seen.b3 |= b3::is_one(name),
            }
        }
        if headers.len() > headers.keys_len() {
            self.twice = twice(headers);
        }
        // What is no trace, no number and no criticality counts as unsaid: it is not the call's.
        if let Some(parent) = seen.trace {
            incoming.trace = trace(parent, headers);
        }
        if seen.b3 && incoming.trace.is_none() {
            (incoming.trace, incoming.sampling) = b3::read(headers);
        }
        if seen.baggage {
            incoming.baggage = baggage(headers);
        }
        if let Some(said) = seen.attempts {
            incoming.previous_attempts = text(said).and_then(|said| said.parse().ok()).unwrap_or(0);
        }
        if let Some(key) = seen.key {
            incoming.idempotency_key = text(key).map(Into::into);
        }
        if let Some(name) = seen.criticality {
            incoming.criticality = text(name).and_then(Criticality::from_name).unwrap_or_default();
        }
    }

    /// How the call is to be taken.
    pub(super) fn terms(&self) -> Terms {
        Terms { twice: self.twice, connect: self.connect, grpc: self.grpc }
    }

    /// What the answer may be compressed with on a wire with this `speech`.
    pub(super) fn accepts(&self, speech: Speech) -> Option<Compression> {
        self.said(speech).accepts
    }

    /// What the call is compressed with on a wire with this `speech`.
    ///
    /// # Errors
    /// `Unimplemented` where the request is in what nobody here can read.
    pub(super) fn packing(&self, speech: Speech) -> Result<Packing, Refusal> {
        let Said { request, accepts } = *self.said(speech);
        let request = match request {
            Encoded::Not => None,
            Encoded::As(compression) => Some(compression),
            Encoded::Unknown => {
                let said = self.headers().get(speech.encoding());
                return Err(speech.unknown(said.map_or(b"", HeaderValue::as_bytes)));
            }
        };
        Ok(Packing { request, answer: accepts })
    }

    fn said(&self, speech: Speech) -> &Said {
        match speech {
            Speech::Http => &self.http,
            Speech::Grpc => &self.grpc_said,
            Speech::Connect => &self.connect_said,
        }
    }

    /// The headers.
    pub(super) fn headers(&self) -> &HeaderMap {
        self.incoming.metadata.headers()
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// What decides how a request is read, or how long, and is there more than once.
#[cold]
fn twice(headers: &HeaderMap) -> Option<&'static str> {
    const ONCE: [&str; 8] = [
        "host",
        "content-type",
        "content-encoding",
        "grpc-encoding",
        "connect-content-encoding",
        CONNECT_VERSION,
        CONNECT_TIMEOUT,
        GRPC_TIMEOUT,
    ];
    ONCE.into_iter().find(|name| headers.get_all(*name).iter().count() > 1)
}

fn trace(parent: &HeaderValue, headers: &HeaderMap) -> Option<TraceContext> {
    let mut trace: TraceContext = parent.to_str().ok()?.parse().ok()?;
    let states = headers.get_all("tracestate").into_iter();
    let states: Vec<_> = states.filter_map(|state| state.to_str().ok()).collect();
    if !states.is_empty() {
        trace.state = Some(states.join(",").into());
    }
    Some(trace)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kitfox_core::Sampling;
    use kitfox_core::message::Codec;

    use super::*;

    fn head(headers: &[(&'static str, &'static str)]) -> Head {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let mut head = Head::unread(map);
        head.read();
        head
    }

    #[test]
    fn everything_that_travels_is_read() {
        let read = head(&[
            ("content-type", "application/json"),
            ("connect-protocol-version", "1"),
            ("connect-timeout-ms", "250"),
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("tracestate", "a=1"),
            ("tracestate", "b=2"),
            ("baggage", "tier=gold"),
            ("grpc-previous-rpc-attempts", "2"),
            ("idempotency-key", "k-1"),
            ("kitfox-criticality", "sheddable"),
            ("x-own", "kept"),
        ]);
        assert_eq!(read.content, Content::Message(Codec::Json));
        assert!(read.plain);
        assert_eq!(read.connect, Patience::For(Duration::from_millis(250)));
        let incoming = read.incoming;
        let trace = incoming.trace.unwrap();
        assert!(trace.sampled());
        assert_eq!(trace.state.as_deref(), Some("a=1,b=2"));
        assert_eq!(incoming.baggage.unwrap().value("tier"), Some("gold"));
        assert_eq!(incoming.previous_attempts, 2);
        assert_eq!(incoming.idempotency_key.as_deref(), Some("k-1"));
        assert_eq!(incoming.criticality, Criticality::Sheddable);
        assert_eq!(incoming.metadata.text("x-own"), Some("kept"));
    }

    #[test]
    fn b3_counts_where_there_is_no_traceparent() {
        let one = ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1");
        let ours = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        let many = [
            ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
            ("x-b3-spanid", "e457b5a2e4d86bd1"),
            ("x-b3-sampled", "1"),
        ];
        for headers in [&[one][..], &many, &[one, ("traceparent", "nonsense")]] {
            let trace = head(headers).incoming.trace.unwrap();
            assert_eq!((trace.span_id[0], trace.sampled()), (0xe4, true), "{headers:?}");
        }
        assert!(!head(&[one, ours]).incoming.trace.unwrap().sampled());
        assert_eq!(head(&[("b3", "0")]).incoming.sampling, Sampling::Unwanted);
    }

    #[test]
    fn no_name_is_passed_over_for_its_length() {
        let b3 = ["b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled"];
        let compression = [
            "content-encoding",
            "accept-encoding",
            "grpc-encoding",
            "grpc-accept-encoding",
            "connect-content-encoding",
            "connect-accept-encoding",
        ];
        let others = ["content-type", "traceparent", "baggage", "idempotency-key", "x-b3-flags"];
        let own = [CONNECT_VERSION, CONNECT_TIMEOUT, GRPC_TIMEOUT, PREVIOUS_ATTEMPTS, CRITICALITY];
        for name in [&b3[..], &compression, &others, &own].concat() {
            assert!(may_be_looked_for(name), "{name}");
        }
    }

    #[test]
    fn nonsense_beside_the_call_is_unsaid() {
        let read = head(&[
            ("traceparent", "nonsense"),
            ("grpc-previous-rpc-attempts", "many"),
            ("kitfox-criticality", "very"),
        ]);
        assert!(read.incoming.trace.is_none());
        assert_eq!(read.incoming.previous_attempts, 0);
        assert_eq!(read.incoming.criticality, Criticality::Critical);
    }

    #[test]
    fn a_compression_and_another_version_are_not_plain() {
        for (name, value) in [
            ("content-encoding", "gzip"),
            ("grpc-encoding", "gzip"),
            ("connect-protocol-version", "2"),
        ] {
            assert!(!head(&[(name, value)]).plain, "{name}");
        }
        assert!(head(&[("content-encoding", "identity"), ("grpc-encoding", "identity")]).plain);
    }

    #[test]
    fn each_wire_has_its_own_words_for_compression() {
        let read = head(&[
            ("content-encoding", "gzip"),
            ("grpc-encoding", "snappy"),
            ("grpc-accept-encoding", "identity, gzip"),
            ("connect-accept-encoding", "br"),
            ("connect-accept-encoding", "gzip"),
        ]);
        let gzip = Some(Compression::Gzip);
        let http = read.packing(Speech::Http).unwrap();
        assert_eq!(http, Packing { request: gzip, answer: None });
        let connect = read.packing(Speech::Connect).unwrap();
        assert_eq!(connect, Packing { request: None, answer: gzip });
        let refused = read.packing(Speech::Grpc).unwrap_err().error;
        assert!(refused.message().contains("snappy") && refused.message().contains("gzip"));
        let headers = &refused.metadata().unwrap().headers;
        assert!(headers.text("grpc-accept-encoding").unwrap().contains("gzip"));
    }
}
