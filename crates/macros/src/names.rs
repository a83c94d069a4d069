//! From Rust's names to those of the wires.

use syn::Ident;
use syn::ext::IdentExt;

/// `get_word` as `GetWord`.
pub(crate) fn upper_camel(ident: &Ident) -> String {
    let mut out = String::new();
    for word in ident.unraw().to_string().split('_') {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// `TooLong` as `TOO_LONG`.
pub(crate) fn upper_snake(ident: &Ident) -> String {
    words(ident).join("_").to_ascii_uppercase()
}

/// `TooLong` as `too long`.
pub(crate) fn in_words(ident: &Ident) -> String {
    words(ident).join(" ").to_ascii_lowercase()
}

/// Whether protobuf takes `name` as the name of anything.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Whether protobuf takes `name` as a package: identifiers with dots between.
pub(crate) fn is_package(name: &str) -> bool {
    name.split('.').all(is_identifier)
}

/// The words of an upper-camel name: `HTTPError` has two, `V2Only` too.
fn words(ident: &Ident) -> Vec<String> {
    let letters: Vec<char> = ident.unraw().to_string().chars().collect();
    let mut words = vec![String::new()];
    for (index, letter) in letters.iter().enumerate() {
        let after = index.checked_sub(1).map(|before| letters[before]);
        let before = letters.get(index + 1);
        let begins = letter.is_uppercase()
            && after.is_some_and(|after| {
                !after.is_uppercase() || before.is_some_and(|next| next.is_lowercase())
            });
        if (begins || *letter == '_') && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let (Some(word), false) = (words.last_mut(), *letter == '_') {
            word.push(*letter);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ident(name: &str) -> Ident {
        syn::parse_str(name).unwrap()
    }

    #[test]
    fn methods_are_upper_camel_on_the_wire() {
        for (rust, wire) in
            [("uppercase", "Uppercase"), ("get_word_2", "GetWord2"), ("r#type", "Type")]
        {
            assert_eq!(upper_camel(&ident(rust)), wire);
        }
    }

    #[test]
    fn reasons_are_upper_snake_on_the_wire() {
        for (rust, wire) in [
            ("Empty", "EMPTY"),
            ("TooLong", "TOO_LONG"),
            ("HTTPError", "HTTP_ERROR"),
            ("V2Only", "V2_ONLY"),
            ("Odd_Name", "ODD_NAME"),
        ] {
            assert_eq!(upper_snake(&ident(rust)), wire);
        }
        assert_eq!(in_words(&ident("TooLong")), "too long");
    }

    #[test]
    fn packages_are_identifiers_with_dots_between() {
        for good in ["strings", "strings.v1", "_a.B9"] {
            assert!(is_package(good), "{good}");
        }
        for bad in ["", ".", "strings.", "strings v1", "strings-v1", "1.2", "strings..v1"] {
            assert!(!is_package(bad), "{bad}");
        }
    }
}
