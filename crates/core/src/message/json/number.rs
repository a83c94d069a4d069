//! Numbers of JSON, exactly: `1e3` and `4.0` are integers, `0.5` is none.

use super::JsonReader;
use crate::message::fault::Fault;

/// Digits of the largest integer that is of interest, with room to see that it is too large.
const DIGITS: usize = 30;

/// The integer that a number in JSON's notation stands for.
pub fn parse_integer(text: &str) -> Result<i128, Fault> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let leading_zero = digits.len() > 1 && digits.starts_with('0');
    if (1..=18).contains(&digits.len()) && !leading_zero {
        let mut value = 0i64;
        let mut plain = true;
        for byte in digits.bytes() {
            plain &= byte.is_ascii_digit();
            value = value * 10 + i64::from(byte.wrapping_sub(b'0') & 0xf);
        }
        if plain {
            return Ok(i128::from(if negative { -value } else { value }));
        }
    }
    exact_integer(text)
}

/// The number that a text stands for, `NaN` and the infinities included.
pub fn parse_float(text: &str) -> Result<f64, Fault> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "Infinity" => return Ok(f64::INFINITY),
        "-Infinity" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    check_notation(text)?;
    let value: f64 = text.parse().map_err(|_| no_number(text))?;
    if value.is_infinite() {
        return Err(Fault::new(format!("{} is out of range for double", shortened(text))));
    }
    Ok(value)
}

#[cold]
fn no_number(text: &str) -> Fault {
    Fault::new(format!("`{}` is not a number", shortened(text)))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= DIGITS {
        return text.to_owned();
    }
    text.chars().take(DIGITS).chain(['…']).collect()
}

fn check_notation(text: &str) -> Result<(), Fault> {
    let mut reader = JsonReader::new(text);
    match reader.number() {
        Ok(whole) if whole.len() == text.len() => Ok(()),
        _ => Err(no_number(text)),
    }
}

/// Numbers with a fraction, an exponent or very many digits, without a detour over floats.
fn exact_integer(text: &str) -> Result<i128, Fault> {
    check_notation(text)?;
    let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));

    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    // An exponent that does not fit is as good as the largest that does.
    let exponent: i64 = exponent.parse().unwrap_or(match exponent.starts_with('-') {
        true => i64::from(i32::MIN),
        false => i64::from(i32::MAX),
    });
    let trailing = digits.len() - digits.trim_end_matches('0').len();
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let zeros = exponent
        .saturating_sub(length(fraction))
        .saturating_add(i64::try_from(trailing).unwrap_or(i64::MAX));
    if zeros < 0 {
        return Err(Fault::new(format!("{} is not an integer", shortened(text))));
    }
    let zeros = usize::try_from(zeros).unwrap_or(usize::MAX);
    if significant.len().saturating_add(zeros) > DIGITS {
        return Err(Fault::new(format!("{} is out of range for any integer", shortened(text))));
    }
    let value: i128 = format!("{significant}{}", "0".repeat(zeros))
        .parse()
        .expect("thirty digits are a number of 128 bits");
    Ok(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_may_be_written_in_any_way_that_is_exact() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e5", 0),
            ("1e3", 1000),
            ("1.5E+1", 15),
            ("-1200e-2", -12),
            ("100.000", 100),
            ("18446744073709551615", i128::from(u64::MAX)),
            ("-9223372036854775808", i128::from(i64::MIN)),
            ("0e99999999999999999999", 0),
            ("999999999999999999", 999_999_999_999_999_999),
        ] {
            assert_eq!(parse_integer(text), Ok(value), "{text}");
        }
        for text in [
            "",
            "-",
            "+1",
            "01",
            "1.",
            ".5",
            "1e",
            "0x10",
            " 1",
            "1 ",
            "1_0",
            "0.5",
            "1e-1",
            "1e99",
            "1e99999999999999999999",
            "1e-99999999999999999999",
            "NaN",
            "１",
            "1a",
        ] {
            assert!(parse_integer(text).is_err(), "{text}");
        }
    }

    #[test]
    fn floats_know_the_names_that_json_does_not() {
        assert!(parse_float("NaN").unwrap().is_nan());
        assert_eq!(parse_float("-Infinity"), Ok(f64::NEG_INFINITY));
        assert_eq!(parse_float("1e3"), Ok(1000.0));
        for text in ["inf", "nan", "infinity", "1e999", "0x1", "1.", ""] {
            assert!(parse_float(text).is_err(), "{text}");
        }
    }
}
