//! The table of keys: each is one entry with its name, its variable, its form and its meaning.
//! Documentation, reading and showing all come from it.

use super::Settings;
use super::form::{
    ADDRESS, DURATION, ENDPOINT, FILTER, FORMAT, HEADERS, HOST, NAME, NAMES, NUMBER, NUMBER_32,
    ORIGINS, OTLP_PROTOCOL, PAIRS, PRIORITY, SHARE, SIGNALS, SIZE, SWITCH, TOKEN,
};

/// A key of the configuration.
pub struct Key {
    /// Its name; a dot separates the table of the file from the key in it: `drain.calls`.
    pub name: &'static str,
    /// The environment variable that sets it.
    pub variable: &'static str,
    /// What it does.
    pub docs: &'static str,
    /// What a value must be: `` `true` or `false` ``.
    pub expects: &'static str,
    /// Whether its value is shown to nobody.
    pub secret: bool,
    set: fn(&mut Settings, &str) -> bool,
    show: fn(&Settings) -> String,
}

macro_rules! key {
    (secret $($rest:tt)+) => {
        Key { secret: true, ..key!($($rest)+) }
    };
    ($name:literal, $variable:literal, $form:ident $($field:ident).+, $docs:literal) => {
        Key {
            secret: false,
            name: $name,
            variable: $variable,
            docs: $docs,
            expects: $form.expects,
            set: |settings, text| match ($form.parse)(text) {
                Some(value) => {
                    settings.$($field).+ = value;
                    true
                }
                None => false,
            },
            show: |settings| ($form.show)(&settings.$($field).+),
        }
    };
}

/// Every key.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key!("listen", "KITFOX_LISTEN", ADDRESS listen,
        "Where the services listen. Port 0 takes a free one."),
    key!("admin", "KITFOX_ADMIN", ADDRESS admin,
        "Where the admin port listens: health, readiness, what runs here. Keep it from the outside."),
    key!(secret "admin_token", "KITFOX_ADMIN_TOKEN", TOKEN admin_token,
        "What whoever uses the admin port must know: as `Authorization: Bearer`, or as the password in a browser. Without it an admin port that other machines reach answers `/healthz`, `/readyz` and `/metrics` alone, which never need it."),
    key!("announce", "KITFOX_ANNOUNCE", SWITCH announce,
        "Whether anything is written to standard output (the bound addresses, the log) and standard error (variables that look like typing errors, what a shutdown waits for)."),
    key!("reflection", "KITFOX_REFLECTION", SWITCH reflection,
        "Whether gRPC's reflection tells tools such as grpcurl what is served. Turn it off where strangers reach the port."),
    key!("drain.propagation", "KITFOX_DRAIN_PROPAGATION", DURATION drain.propagation,
        "How long calls are still accepted after readiness fails, until every load balancer knows. 5s in Kubernetes, 1s for a host that is registered, where nobody says otherwise."),
    key!("drain.calls", "KITFOX_DRAIN_CALLS", DURATION drain.calls,
        "How long the calls in flight have at shutdown. Then they are dropped."),
    key!("drain.tasks", "KITFOX_DRAIN_TASKS", DURATION drain.tasks,
        "How long workers and detached work have after the last call. Then they are dropped."),
    key!("drain.flush", "KITFOX_DRAIN_FLUSH", DURATION drain.flush,
        "How long logs, metrics and traces have to get out at the end. What is left then is lost."),
    key!("drain.grace", "KITFOX_DRAIN_GRACE", DURATION drain.grace,
        "When whoever runs the process kills it, counted from the signal. The four parts above stay a second below it."),
    key!("register.address", "KITFOX_REGISTER_ADDRESS", HOST register.address,
        "How others reach a host that is registered: a host, or a host and a port. Where it listens, unless that is every address."),
    key!("register.zone", "KITFOX_REGISTER_ZONE", NAME register.zone,
        "Where a host that is registered runs, for callers that prefer what is near."),
    key!("register.weight", "KITFOX_REGISTER_WEIGHT", NUMBER_32 register.weight,
        "How many calls a host that is registered takes beside the others, each of which has 100."),
    key!("register.priority", "KITFOX_REGISTER_PRIORITY", PRIORITY register.priority,
        "A host that is registered is called only where too few of those of lower numbers are healthy."),
    key!("register.metadata", "KITFOX_REGISTER_METADATA", PAIRS register.metadata,
        "What else those who watch the registry are told of a host: `name=value` pairs separated by commas, values percent-encoded."),
    key!("cors.origins", "KITFOX_CORS_ORIGINS", ORIGINS cors.origins,
        "Which pages of a browser may call the services: their origins, or `*` for any."),
    key!("cors.credentials", "KITFOX_CORS_CREDENTIALS", SWITCH cors.credentials,
        "Whether cookies and client certificates come along with calls of those pages."),
    key!("cors.max_age", "KITFOX_CORS_MAX_AGE", DURATION cors.max_age,
        "How long a browser need not ask again whether a page may call."),
    key!("limits.body_bytes", "KITFOX_LIMITS_BODY_BYTES", SIZE limits.body_bytes,
        "The most bytes of a request's body. Stops memory exhaustion by large bodies."),
    key!("limits.header_bytes", "KITFOX_LIMITS_HEADER_BYTES", SIZE limits.header_bytes,
        "The most bytes of a request's headers. Stops header floods."),
    key!("limits.headers", "KITFOX_LIMITS_HEADERS", NUMBER limits.headers,
        "The most headers of a request over HTTP/1.1. Stops header floods."),
    key!("limits.header_timeout", "KITFOX_LIMITS_HEADER_TIMEOUT", DURATION limits.header_timeout,
        "How long a request's headers may take. Stops Slowloris."),
    key!("limits.body_timeout", "KITFOX_LIMITS_BODY_TIMEOUT", DURATION limits.body_timeout,
        "How long the rest of a request's body may take. Stops slow bodies."),
    key!("limits.write_timeout", "KITFOX_LIMITS_WRITE_TIMEOUT", DURATION limits.write_timeout,
        "How long a peer may take not one byte of an answer. Stops slow readers."),
    key!("limits.call_timeout", "KITFOX_LIMITS_CALL_TIMEOUT", DURATION limits.call_timeout,
        "How long a call may take where its caller says nothing, and at most whatever it says. Stops work that nobody waits for."),
    key!("limits.stream_timeout", "KITFOX_LIMITS_STREAM_TIMEOUT", DURATION limits.stream_timeout,
        "The same for a call that streams. Stops streams that nobody reads any more."),
    key!("limits.streams", "KITFOX_LIMITS_STREAMS", NUMBER_32 limits.streams,
        "The most calls of one HTTP/2 connection at the same time. Stops stream floods."),
    key!("limits.handshake_timeout", "KITFOX_LIMITS_HANDSHAKE_TIMEOUT", DURATION limits.handshake_timeout,
        "How long a TLS handshake may take. Stops half-open handshakes."),
    key!("limits.idle_timeout", "KITFOX_LIMITS_IDLE_TIMEOUT", DURATION limits.idle_timeout,
        "How long a connection may be idle. Stops connection hoarding."),
    key!("limits.keep_alive", "KITFOX_LIMITS_KEEP_ALIVE", DURATION limits.keep_alive,
        "How often a silent HTTP/2 peer is asked whether it lives. Finds peers that vanished."),
    key!("limits.connection_age", "KITFOX_LIMITS_CONNECTION_AGE", DURATION limits.connection_age,
        "How old a connection gets before it is closed gracefully. Lets callers find new replicas."),
    key!("limits.connections", "KITFOX_LIMITS_CONNECTIONS", NUMBER limits.connections,
        "The most connections at the same time. More wait unaccepted. Stops file descriptor exhaustion."),
    key!("log.filter", "KITFOX_LOG_FILTER", FILTER log.filter,
        "Which lines are logged: a level (`off`, `error`, `warn`, `info`, `debug`, `trace`), and others for parts of the code: `info,my_crate::db=debug`. Lines of calls come from `kitfox::call`. `/log` of the admin port changes it while the host runs."),
    key!("log.format", "KITFOX_LOG_FORMAT", FORMAT log.format,
        "What lines look like: `json`, `logfmt`, `pretty`, or `auto`: pretty at a terminal, else JSON."),
    key!("log.answered", "KITFOX_LOG_ANSWERED", SHARE log.answered,
        "The share of calls that a server logs which went well and were not slow."),
    key!("log.rejected", "KITFOX_LOG_REJECTED", SHARE log.rejected,
        "The share of calls that are logged which failed for what their caller did. What failed otherwise is always logged."),
    key!("log.slow", "KITFOX_LOG_SLOW", DURATION log.slow,
        "How long a call takes that is always logged."),
    key!("log.clients", "KITFOX_LOG_CLIENTS", SWITCH log.clients,
        "Whether clients log every call as servers do, and not only those that failed, were slow or are traced."),
    key!("log.buffer_bytes", "KITFOX_LOG_BUFFER_BYTES", SIZE log.buffer_bytes,
        "The memory for lines that wait to be written. What finds no room is dropped and counted."),
    key!("log.line_bytes", "KITFOX_LOG_LINE_BYTES", SIZE log.line_bytes,
        "The longest line; what is longer is cut."),
    key!("log.baggage", "KITFOX_LOG_BAGGAGE", NAMES log.baggage,
        "The members of a call's baggage that its lines have."),
    key!("log.redact", "KITFOX_LOG_REDACT", NAMES log.redact,
        "Fields and headers whose values are hidden, besides passwords, tokens, cookies and their like, which always are."),
    key!("traces.sample", "KITFOX_TRACES_SAMPLE", SHARE sample,
        "The share of the traces beginning here that is recorded. A caller that has a trace decides for its own."),
    key!("metrics.series_limit", "KITFOX_METRICS_SERIES_LIMIT", NUMBER series_limit,
        "How many series one metric may have. More share one, and are counted. Metrics that a host is given have a limit of their own."),
    key!("otlp.endpoint", "KITFOX_OTLP_ENDPOINT", ENDPOINT otlp.endpoint,
        "Where a collector of OpenTelemetry is that gets traces, logs and metrics: `http://127.0.0.1:4318`. `OTEL_EXPORTER_OTLP_ENDPOINT` says it, too."),
    key!("otlp.protocol", "KITFOX_OTLP_PROTOCOL", OTLP_PROTOCOL otlp.protocol,
        "What it speaks: `http` (protobuf over HTTP/1.1, usually at port 4318) or `grpc` (usually at port 4317)."),
    key!(secret "otlp.headers", "KITFOX_OTLP_HEADERS", HEADERS otlp.headers,
        "Headers of each request to it, such as a token: `name=value` pairs separated by commas, values percent-encoded."),
    key!("otlp.signals", "KITFOX_OTLP_SIGNALS", SIGNALS otlp.signals,
        "Which of the three it gets."),
    key!("otlp.attributes", "KITFOX_OTLP_ATTRIBUTES", PAIRS otlp.attributes,
        "What else it is told of this process, besides name, version and instance: `name=value` pairs separated by commas, values percent-encoded."),
    key!("otlp.interval", "KITFOX_OTLP_INTERVAL", DURATION otlp.interval,
        "How long spans and log records are gathered before they are sent."),
    key!("otlp.metrics_interval", "KITFOX_OTLP_METRICS_INTERVAL", DURATION otlp.metrics_interval,
        "How often metrics are sent."),
    key!("otlp.timeout", "KITFOX_OTLP_TIMEOUT", DURATION otlp.timeout,
        "How long it has for an answer. What it does not take is sent again, for five minutes at most."),
    key!("otlp.buffer_bytes", "KITFOX_OTLP_BUFFER_BYTES", SIZE otlp.buffer_bytes,
        "The memory for what of each of the three waits to be sent. What finds no room is dropped and counted."),
];

impl Key {
    /// The value in `settings` as one would write it.
    #[must_use]
    pub fn show(&self, settings: &Settings) -> String {
        (self.show)(settings)
    }

    /// Whether both have the same value for it.
    pub(super) fn is_same(&self, one: &Settings, other: &Settings) -> bool {
        // What is hidden looks the same whatever it is.
        match self.name {
            "admin_token" => {
                let exposed = |settings: &Settings| {
                    settings.admin_token.as_ref().map(|token| token.expose().clone())
                };
                exposed(one) == exposed(other)
            }
            "otlp.headers" => one.otlp.headers.expose() == other.otlp.headers.expose(),
            _ => self.show(one) == self.show(other),
        }
    }

    /// Reads `text` into `settings`, or says how to mend it.
    pub(super) fn set(&self, settings: &mut Settings, text: &str) -> Result<(), String> {
        if (self.set)(settings, text.trim()) {
            return Ok(());
        }
        Err(format!("give {}", self.expects))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Key {}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every key with its default, as a table in Markdown.
#[must_use]
pub fn reference() -> String {
    let defaults = Settings::default();
    let mut table =
        "| key | variable | default | what it does |\n| --- | --- | --- | --- |\n".to_owned();
    for Key { name, variable, docs, show, .. } in KEYS {
        let default = show(&defaults);
        table += &format!("| `{name}` | `{variable}` | `{default}` | {docs} |\n");
    }
    table
}

/// The place of the key `name` in [`KEYS`].
pub(super) fn position(name: &str) -> Option<usize> {
    KEYS.iter().position(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_documented_table_is_the_table_of_keys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/config/keys.md");
        let documented = std::fs::read_to_string(path).unwrap();
        assert!(documented == reference(), "write this to {path}:\n{}", reference());
    }

    #[test]
    fn a_variable_is_the_name_in_capitals_and_no_two_keys_share_one() {
        let variables: HashSet<_> = KEYS.iter().map(|key| key.variable).collect();
        assert_eq!(variables.len(), KEYS.len());
        for key in KEYS {
            let expected = format!("KITFOX_{}", key.name.replace('.', "_").to_uppercase());
            assert_eq!(key.variable, expected);
        }
    }

    #[test]
    fn every_limit_has_a_key() {
        let limits = format!("{:#?}", Settings::default().limits);
        let fields = limits.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        let fields: Vec<_> = fields.map(|(name, _)| format!("limits.{name}")).collect();
        let keys = KEYS.iter().map(|key| key.name).filter(|name| name.starts_with("limits."));
        assert_eq!(fields, keys.collect::<Vec<_>>());
    }

    #[test]
    fn another_secret_is_another_value_though_it_looks_the_same() {
        for key in KEYS.iter().filter(|key| key.secret) {
            let set = |text: &str| {
                let mut settings = Settings::default();
                key.set(&mut settings, text).unwrap();
                settings
            };
            let (one, other) = (set("name=0123456789abcdef"), set("name=fedcba9876543210"));
            assert_eq!(key.show(&one), key.show(&other));
            assert!(key.is_same(&one, &one) && !key.is_same(&one, &other), "{key:?}");
        }
    }

    #[test]
    fn pairs_are_read_back_as_they_are_shown_whatever_is_in_them() {
        for name in ["register.metadata", "otlp.attributes"] {
            let key = &KEYS[position(name).unwrap()];
            let shown = |text: &str| {
                let mut settings = Settings::default();
                key.set(&mut settings, text).unwrap();
                key.show(&settings)
            };
            let once = shown("note=one%2C two = 50 %25,git=4711");
            assert_eq!(once, "note=one%2C%20two%20=%2050%20%25,git=4711", "{name}");
            assert_eq!(shown(&once), once, "{name}");
        }
    }

    #[test]
    fn every_default_is_read_back_as_it_is_shown() {
        let defaults = Settings::default();
        let mut read = Settings { listen: ([9, 9, 9, 9], 9).into(), ..Settings::default() };
        for key in KEYS {
            key.set(&mut read, &key.show(&defaults)).expect(key.name);
            assert_eq!(key.show(&read), key.show(&defaults));
        }
    }
}
