//! What must hold of the values together, whoever gave them.

use std::net::SocketAddr;

use kitfox_transport::client::HttpChannel;
use kitfox_transport::wires::CorsError;

use super::form::DURATION;
use super::{Configuration, Drain, KEYS, Otlp, OtlpProtocol, Problem};

/// Where hyper's buffer for headers begins; it takes none smaller.
const LEAST_HEADER_BYTES: usize = 8 * 1024;

/// Less would not hold the metrics of a small service.
const LEAST_EXPORT_BYTES: usize = 64 * 1024;

/// Every rule that `configuration` breaks.
pub(super) fn broken(configuration: &Configuration) -> Vec<Problem> {
    let settings = configuration.settings();
    let mut problems = Vec::new();
    let mut refuse = |key: &str, mend: String| {
        let entry = configuration.entries().find(|entry| entry.key.name == key);
        let entry = entry.expect("rules name keys of the table");
        let (origin, value) = (entry.origin.clone(), entry.value);
        problems.push(Problem { key: key.to_owned(), value, origin, mend });
    };

    if collide(settings.listen, settings.admin) {
        let mend = format!(
            "the services listen there too (`listen` = {}): give one of the two another port, or 0",
            settings.listen
        );
        refuse("admin", mend);
    }

    let drain = &settings.drain;
    let (total, show) = (drain.total(), DURATION.show);
    if total.saturating_add(Drain::RESERVE) > drain.grace {
        let mend = format!(
            "the parts of the shutdown take {} together (propagation {}, calls {}, tasks {}, \
             flush {}) and must stay a second below this, or the last of them is cut off: give \
             less to a part, or more to this if the process may live longer (in Kubernetes, \
             `terminationGracePeriodSeconds`)",
            show(&total),
            show(&drain.propagation),
            show(&drain.calls),
            show(&drain.tasks),
            show(&drain.flush)
        );
        refuse("drain.grace", mend);
    }

    if let Err(error) = settings.cors.check() {
        let key = match error {
            CorsError::AnyWithCredentials => "cors.credentials",
            _ => "cors.origins",
        };
        refuse(key, error.to_string());
    }

    if settings.limits.header_bytes < LEAST_HEADER_BYTES {
        refuse("limits.header_bytes", "give 8KiB or more".to_owned());
    }
    for key in KEYS.iter().filter(|key| key.name.starts_with("limits.")) {
        if ["0", "0s"].contains(&key.show(settings).as_str()) && key.name != "limits.header_bytes" {
            refuse(key.name, "zero would let nothing through: give more".to_owned());
        }
    }

    if settings.log.line_bytes < 1024 || settings.log.line_bytes > settings.log.buffer_bytes {
        refuse(
            "log.line_bytes",
            "give 1KiB or more, and no more than `log.buffer_bytes`".to_owned(),
        );
    }
    if settings.series_limit == 0 {
        refuse(
            "metrics.series_limit",
            "zero would leave nothing to tell apart: give more".to_owned(),
        );
    }
    otlp(&settings.otlp, &mut refuse);
    problems
}

fn otlp(otlp: &Otlp, refuse: &mut impl FnMut(&str, String)) {
    for (key, time) in
        [("otlp.metrics_interval", otlp.metrics_interval), ("otlp.timeout", otlp.timeout)]
    {
        if time.is_zero() {
            refuse(key, "zero leaves no time: give more".to_owned());
        }
    }
    if otlp.buffer_bytes < LEAST_EXPORT_BYTES {
        refuse("otlp.buffer_bytes", "give 64KiB or more".to_owned());
    }
    let Some(endpoint) = &otlp.endpoint else { return };
    if otlp.protocol == OtlpProtocol::Grpc && !endpoint.path().is_empty() {
        refuse("otlp.endpoint", "gRPC has paths of its own: end it behind the port".to_owned());
    }
    if let Err(error) = HttpChannel::new(endpoint.origin()) {
        refuse("otlp.endpoint", error.to_string());
    }
}

/// Whether a socket on `a` is in the way of one on `b`.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let everywhere = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() != 0 && a.port() == b.port() && (everywhere || a.ip() == b.ip())
}
