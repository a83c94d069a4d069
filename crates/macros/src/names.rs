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
    words(ident).join(" ")
}

/// `HttpServer` as `http_server`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || before.is_uppercase() && after.is_some_and(|after| after.is_lowercase())
            });
        if starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// `Color` and `DarkRed` as `COLOR_DARK_RED`.
pub(crate) fn enum_value(enumeration: &str, variant: &str) -> String {
    format!("{}_{}", snake(enumeration), snake(variant)).to_uppercase()
}

/// `word_count` as `wordCount`, as protoc does it.
pub(crate) fn json(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
            continue;
        }
        json.push(if upper { letter.to_ascii_uppercase() } else { letter });
        upper = false;
    }
    json
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
    let snake = snake(&ident.unraw().to_string());
    snake.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
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

    #[test]
    fn words_begin_where_a_reader_sees_them() {
        for (name, expected) in [
            ("Circle", "circle"),
            ("DarkRed", "dark_red"),
            ("HTTPServer", "http_server"),
            ("Sha256Sum", "sha256_sum"),
            ("already_snake", "already_snake"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(enum_value("OrderState", "InTransit"), "ORDER_STATE_IN_TRANSIT");
    }

    #[test]
    fn json_names_are_those_of_protoc() {
        for (name, expected) in
            [("word_count", "wordCount"), ("a__b", "aB"), ("_x", "X"), ("x_1", "x1"), ("Ab", "Ab")]
        {
            assert_eq!(json(name), expected);
        }
    }
}
