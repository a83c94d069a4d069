//! What the two text formats have in common.

use std::fmt::Write;

use super::snapshot::{FamilySnapshot, Kind};

/// A name as Prometheus takes it: what is no letter, digit or underscore is an underscore.
pub(super) fn name(dotted: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let name: String = dotted.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The name of a family, with its unit behind it and without what its kind adds.
pub(super) fn family(family: &FamilySnapshot) -> String {
    let mut text = name(&family.name);
    if let Some(unit) = unit(family)
        && !text.ends_with(unit)
    {
        text.push('_');
        text.push_str(unit);
    }
    if family.kind == Kind::Counter
        && let Some(short) = text.strip_suffix("_total")
    {
        text.truncate(short.len());
    }
    text
}

/// A unit in full, as both formats want it.
pub(super) fn unit(family: &FamilySnapshot) -> Option<&'static str> {
    Some(match family.unit {
        "" | "1" => return None,
        "s" => "seconds",
        "ms" => "milliseconds",
        "By" => "bytes",
        other => other,
    })
}

/// A number as both formats have it.
pub(super) fn number(out: &mut String, value: f64) {
    let written = if value.is_nan() {
        out.push_str("NaN");
        Ok(())
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        Ok(())
    } else {
        write!(out, "{value}")
    };
    written.expect("a string takes whatever is written");
}

/// Labels in braces, `more` behind those of the series; nothing where there are none.
pub(super) fn labels(out: &mut String, labels: &[(String, String)], more: Option<(&str, &str)>) {
    let own = labels.iter().map(|(key, value)| (name(key), value.as_str()));
    let more = more.into_iter().map(|(key, value)| (key.to_owned(), value));
    let mut open = false;
    for (key, value) in own.chain(more) {
        out.push(if open { ',' } else { '{' });
        open = true;
        out.push_str(&key);
        out.push_str("=\"");
        escape(out, value, true);
        out.push('"');
    }
    if open {
        out.push('}');
    }
}

/// Text of a help line, or with `quotes` of a label.
pub(super) fn escape(out: &mut String, text: &str, quotes: bool) {
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

/// The upper boundary of a bucket.
pub(super) fn boundary(boundaries: &[f64], bucket: usize) -> String {
    let mut text = String::new();
    number(&mut text, boundaries.get(bucket).copied().unwrap_or(f64::INFINITY));
    text
}
