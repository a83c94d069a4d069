//! From the dotted names of OpenTelemetry to those of Prometheus, as OpenTelemetry's "Prometheus
//! compatibility" says: `rpc.server.call.duration` in `s` is `rpc_server_call_duration_seconds`.

use std::borrow::Cow;

use super::snapshot::Kind;

/// Whether something may be the name of a metric or of a label.
pub(super) fn is_name(name: &str) -> bool {
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(goes_on)
}

/// A family: with its unit behind it, and without what its kind adds to the names of its samples.
pub(super) fn family(kind: Kind, name: &str, unit: &str) -> String {
    let mut text = plain(name);
    if kind == Kind::Counter
        && let Some(short) = text.strip_suffix("_total")
    {
        text.truncate(short.len());
    }
    let Some(unit) = self::unit(kind, unit) else { return text };
    let has_it = text.strip_suffix(&*unit).is_some_and(|rest| rest.ends_with('_'));
    if !has_it {
        text.push('_');
        text.push_str(&unit);
    }
    text
}

/// The names that a family takes up: its own, and those of its samples.
pub(super) fn taken(kind: Kind, family: &str) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        Kind::Counter => &["", "_total"],
        Kind::Gauge => &[""],
        Kind::Histogram => &["", "_bucket", "_sum", "_count"],
    };
    suffixes.iter().map(|suffix| format!("{family}{suffix}")).collect()
}

/// A unit of UCUM in full; nothing for a mere number and for what is only a note (`{call}`).
pub(super) fn unit(kind: Kind, unit: &str) -> Option<Cow<'static, str>> {
    if unit == "1" && kind == Kind::Gauge {
        return Some("ratio".into());
    }
    let (of, per) = unit.split_once('/').map_or((unit, None), |(of, per)| (of, Some(per)));
    let of = word(of);
    match per.and_then(word) {
        None => of,
        Some(per) => {
            let per = per.strip_suffix('s').unwrap_or(&per);
            Some(of.map_or_else(|| format!("per_{per}"), |of| format!("{of}_per_{per}")).into())
        }
    }
}

fn word(unit: &str) -> Option<Cow<'static, str>> {
    Some(Cow::Borrowed(match unit {
        "" | "1" => return None,
        "ns" => "nanoseconds",
        "us" => "microseconds",
        "ms" => "milliseconds",
        "s" => "seconds",
        "min" => "minutes",
        "h" => "hours",
        "d" => "days",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        note if note.starts_with('{') => return None,
        other => return Some(plain(other).into()),
    }))
}

/// A label of a series; `le` is the histogram's own.
pub(super) fn label(kind: Kind, name: &str) -> String {
    let text = plain(name);
    if kind == Kind::Histogram && text == "le" {
        return "exported_le".to_owned();
    }
    // What begins so is Prometheus' own.
    if text.starts_with("__") { format!("key{text}") } else { text }
}

/// What is no letter, digit or underscore is an underscore.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let text: String = name.chars().map(plain).collect();
    if text.starts_with(|first: char| !first.is_ascii_digit()) { text } else { format!("_{text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_in_its_unit_once() {
        for (kind, name, unit, expected) in [
            (Kind::Histogram, "rpc.server.call.duration", "s", "rpc_server_call_duration_seconds"),
            (Kind::Histogram, "sizes.bytes", "By", "sizes_bytes"),
            (Kind::Histogram, "kilobytes", "By", "kilobytes_bytes"),
            (Kind::Counter, "sent.total", "By", "sent_bytes"),
            (Kind::Counter, "orders", "{order}", "orders"),
            (Kind::Counter, "orders_total", "1", "orders"),
            (Kind::Gauge, "load", "1", "load_ratio"),
            (Kind::Gauge, "traffic", "By/s", "traffic_bytes_per_second"),
            (Kind::Gauge, "pace", "{call}/min", "pace_per_minute"),
            (Kind::Gauge, "odd", "m/s", "odd_m_per_second"),
            (Kind::Gauge, "3ö.x", "", "_3__x"),
            (Kind::Gauge, "", "", "_"),
        ] {
            assert_eq!(family(kind, name, unit), expected);
        }
    }

    #[test]
    fn labels_do_not_take_names_that_are_taken() {
        for (kind, name, expected) in [
            (Kind::Histogram, "le", "exported_le"),
            (Kind::Counter, "le", "le"),
            (Kind::Counter, "http.route", "http_route"),
            (Kind::Counter, "__name__", "key__name__"),
            (Kind::Counter, "..x", "key__x"),
            (Kind::Counter, "0", "_0"),
        ] {
            assert_eq!(label(kind, name), expected);
        }
    }
}
