//! `#[code(...)]`: what a variant is to callers.

use std::time::Duration;

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr, Token};

/// The names of `kitfox::Code`.
const CODES: [&str; 16] = [
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

/// The code of a variant and what was said beside it.
pub(super) struct Code {
    pub(super) code: Ident,
    pub(super) recovery: Recovery,
    pub(super) reason: Option<LitStr>,
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    No,
    Retry,
    After(Duration),
}

impl Parse for Code {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let code = input.call(Ident::parse_any).map_err(|error| {
            syn::Error::new(error.span(), "a code is wanted here: #[code(NotFound)]")
        })?;
        if !CODES.iter().any(|known| code == known) {
            let why = format!("no such code; there are: {}", CODES.join(", "));
            return Err(syn::Error::new(code.span(), why));
        }
        let mut parsed = Code { code, recovery: Recovery::No, reason: None };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if !input.is_empty() {
                parsed.option(input)?;
            }
        }
        Ok(parsed)
    }
}

impl Code {
    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        let key = input.call(Ident::parse_any)?;
        let wrong = |why: &str| Err(syn::Error::new(key.span(), why));
        match key.to_string().as_str() {
            "retry" | "retry_after" if self.recovery != Recovery::No => {
                wrong("what helps is said already: `retry`, or `retry_after` with a pause")
            }
            "retry" if input.peek(Token![=]) => {
                wrong("`retry` takes no value; with a pause it is: retry_after = \"1s\"")
            }
            "retry" => {
                self.recovery = Recovery::Retry;
                Ok(())
            }
            "retry_after" => {
                let pause = value(&key, input, "1s")?;
                let Some(duration) = duration(&pause.value()) else {
                    let why =
                        "a pause is a number and a unit of ms, s, m or h, above zero: \"500ms\"";
                    return Err(syn::Error::new(pause.span(), why));
                };
                self.recovery = Recovery::After(duration);
                Ok(())
            }
            "reason" if self.reason.is_some() => wrong("there is a reason already"),
            "reason" => {
                let reason = value(&key, input, "TOO_LONG")?;
                if !is_reason(&reason.value()) {
                    let why =
                        "a reason is capitals, digits and underscores, 63 at most: \"TOO_LONG\"";
                    return Err(syn::Error::new(reason.span(), why));
                }
                self.reason = Some(reason);
                Ok(())
            }
            _ => wrong("no such option; there are: retry, retry_after = \"1s\", reason = \"NAME\""),
        }
    }
}

fn value(key: &Ident, input: ParseStream<'_>, example: &str) -> syn::Result<LitStr> {
    let why = format!("`{key}` needs a text in quotes: {key} = \"{example}\"");
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(key.span(), why));
    }
    input.parse::<Token![=]>()?;
    input.parse().map_err(|error| syn::Error::new(error.span(), why))
}

/// `google.rpc.ErrorInfo` asks for `[A-Z][A-Z0-9_]+[A-Z0-9]`, at most 63 long.
fn is_reason(text: &str) -> bool {
    let allowed = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.ends_with(allowed)
        && text.chars().all(|letter| allowed(letter) || letter == '_')
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let milliseconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
    (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Code, String> {
        syn::parse_str::<Code>(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_code_stands_first_and_says_what_helps() {
        assert_eq!(parse("NotFound").unwrap().recovery, Recovery::No);
        assert_eq!(parse("Unavailable, retry,").unwrap().recovery, Recovery::Retry);
        for (text, pause) in [("1s", 1_000), ("500ms", 500), ("2m", 120_000), ("1h", 3_600_000)] {
            let code = parse(&format!("ResourceExhausted, retry_after = \"{text}\"")).unwrap();
            assert_eq!(code.recovery, Recovery::After(Duration::from_millis(pause)));
        }
    }

    #[test]
    fn what_no_caller_could_read_is_refused() {
        for bad in [
            "",
            "Missing",
            "NotFound, again",
            "NotFound retry",
            "NotFound, retry, retry_after = \"1s\"",
            "NotFound, retry_after",
            "NotFound, retry_after = \"0s\"",
            "NotFound, retry_after = \"1 s\"",
            "NotFound, retry_after = \"99999999999999999999s\"",
            "NotFound, reason = \"lower\"",
            "NotFound, reason = \"\"",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
