use super::*;
use proptest::prelude::*;

fn accepted(text: &str) -> bool {
    let mut reader = JsonReader::new(text);
    reader.skip().and_then(|()| reader.end()).is_ok()
}

fn of_text(text: &str) -> Option<String> {
    let mut reader = JsonReader::new(text);
    let string = reader.string().ok()?.into_owned();
    reader.end().ok()?;
    Some(string)
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let mut reader = JsonReader::new("{\n \"a\": tru }");
    assert_eq!(
        reader.skip().unwrap_err().to_string(),
        "invalid JSON at line 2 column 7: expected a value"
    );
}

#[test]
fn nesting_has_a_limit_and_skipping_too() {
    assert!(accepted(&format!("{}{}", "[".repeat(100), "]".repeat(100))));
    assert!(!accepted(&"[".repeat(100_000)));
    assert!(!accepted(&"{\"a\":".repeat(100_000)));
}

#[test]
fn surrogates_come_in_pairs() {
    assert_eq!(of_text(r#""\ud83d\ude00""#).unwrap(), "😀");
    for text in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\ud83d\u0041""#, r#""\ud8"#] {
        assert_eq!(of_text(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn strings_are_read_as_serde_json_reads_them(text in "\"[\\x00-\\x7f\\\\\"nué😀]{0,24}\"") {
        prop_assert_eq!(of_text(&text), serde_json::from_str::<String>(&text).ok());
    }

    #[test]
    fn exactly_json_is_accepted(text in "[\\[\\]{},:\" \\n0-9eE.+\\-atrufnls\\\\]{0,12}") {
        let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(accepted(&text), expected);
    }

    #[test]
    fn numbers_are_those_of_json(text in "-?[0-9]{0,3}(\\.[0-9]{0,2})?([eE][+-]?[0-9]{0,2})?") {
        let expected = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert_eq!(accepted(&text), expected);
    }
}
