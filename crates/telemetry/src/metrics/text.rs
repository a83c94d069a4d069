//! What the two text formats have in common.

use std::fmt::Write;

use super::naming;
use super::snapshot::{Kind, Series};

/// Writes the samples of one series.
pub(super) struct Samples<'a> {
    out: &'a mut String,
    family: &'a str,
    labels: String,
}

impl<'a> Samples<'a> {
    pub(super) fn new(out: &'a mut String, family: &'a str, kind: Kind, series: &Series) -> Self {
        Samples { out, family, labels: labels(kind, &series.labels) }
    }

    /// All of a line but its end.
    pub(super) fn sample(
        &mut self,
        suffix: &str,
        boundary: Option<&str>,
        value: Number,
    ) -> &mut String {
        let Samples { out, family, labels } = self;
        out.push_str(family);
        out.push_str(suffix);
        if !labels.is_empty() || boundary.is_some() {
            out.push('{');
            out.push_str(labels);
            if let Some(boundary) = boundary {
                out.push_str(if labels.is_empty() { "le=\"" } else { ",le=\"" });
                out.push_str(boundary);
                out.push('"');
            }
            out.push('}');
        }
        out.push(' ');
        value.write(out);
        out
    }

    /// A line.
    pub(super) fn line(&mut self, suffix: &str, boundary: Option<&str>, value: Number) {
        self.sample(suffix, boundary, value).push('\n');
    }
}

/// What a sample says.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Whole(u64),
    Float(f64),
}

impl Number {
    /// As Go has floats by default, which is what both formats ask for: `1e+06`, `0.0001`, `+Inf`.
    pub(super) fn write(self, out: &mut String) {
        let written = match self {
            Number::Whole(value) => write!(out, "{value}"),
            Number::Float(value) if value.is_nan() => write!(out, "NaN"),
            Number::Float(value) if value.is_infinite() => {
                write!(out, "{}Inf", if value > 0.0 { '+' } else { '-' })
            }
            Number::Float(value) => float(out, value),
        };
        written.expect("a string takes whatever is written");
    }
}

fn float(out: &mut String, value: f64) -> std::fmt::Result {
    let written = format!("{value:e}");
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return write!(out, "{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// The upper boundary of a bucket; the last one has none.
pub(super) fn boundary(boundaries: &[f64], bucket: usize) -> String {
    let mut text = String::new();
    let boundary = boundaries.get(bucket).copied().unwrap_or(f64::INFINITY);
    Number::Float(boundary).write(&mut text);
    text
}

/// Text of a help line, or with `quotes` in quotes.
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

/// Labels as they stand in braces. Where two have one name there, it has the values of both with `;`
/// between, as OpenTelemetry says.
fn labels(kind: Kind, labels: &[(String, String)]) -> String {
    let mut all: Vec<_> = labels.iter().collect();
    all.sort();
    let mut merged: Vec<(String, String)> = Vec::with_capacity(all.len());
    for (name, value) in all {
        let name = naming::label(kind, name);
        match merged.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => {
                values.push(';');
                values.push_str(value);
            }
            None => merged.push((name, value.clone())),
        }
    }
    let mut out = String::new();
    for (name, value) in merged {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&name);
        out.push_str("=\"");
        escape(&mut out, &value, true);
        out.push('"');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_go_writes_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.25e-05"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (-1.5e-300, "-1.5e-300"),
            (123_456_789.5, "1.234567895e+08"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = String::new();
            Number::Float(value).write(&mut out);
            assert_eq!(out, expected);
        }
        let mut out = String::new();
        Number::Whole(u64::MAX).write(&mut out);
        assert_eq!(out, "18446744073709551615");
    }
}
