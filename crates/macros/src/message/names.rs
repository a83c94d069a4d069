//! How Rust's names become those of protobuf and JSON.

/// `HttpServer` to `http_server`.
pub(super) fn snake(name: &str) -> String {
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

/// `Color` and `DarkRed` to `COLOR_DARK_RED`.
pub(super) fn enum_value(enumeration: &str, variant: &str) -> String {
    format!("{}_{}", snake(enumeration), snake(variant)).to_uppercase()
}

/// `word_count` to `wordCount`, as protoc does it.
pub(super) fn json(name: &str) -> String {
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

/// Whether protobuf takes it as a name.
pub(super) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

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
