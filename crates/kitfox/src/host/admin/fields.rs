//! What a request says in its query and its body: `filter=debug&for=10m`.

use percent_encoding::percent_decode_str;

/// Names with values, as a form sends them.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of `body`, and of the query where the body has none of that name.
    pub(super) fn of(query: Option<&str>, body: &str) -> Self {
        let pairs = body.trim().split('&').chain(query.unwrap_or_default().split('&'));
        Fields(pairs.filter_map(|pair| pair.split_once('=')).map(decoded).collect())
    }

    /// The first value of that name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Every name with its value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decoded((name, value): (&str, &str)) -> (String, String) {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    (decoded(name), decoded(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_and_a_value_may_have_the_signs_of_a_filter() {
        let fields = Fields::of(Some("for=1m&filter=off"), "filter=info%2Ca%3A%3Ab%3Ddebug+&x");
        assert_eq!(fields.value("filter"), Some("info,a::b=debug "));
        assert_eq!(fields.value("for"), Some("1m"));
        assert_eq!(fields.value("x"), None);
        let fields = Fields::of(Some("filter=info,a::b=debug"), "");
        assert_eq!(fields.value("filter"), Some("info,a::b=debug"));
    }
}
