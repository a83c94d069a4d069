//! The path of a REST route: literal segments, and fields of the request in braces.

use syn::LitStr;

/// A path that was looked through.
pub(super) struct Template {
    pub(super) text: LitStr,
    /// The fields in braces: `text`, `address.city`.
    pub(super) fields: Vec<String>,
}

impl Template {
    pub(super) fn parse(text: LitStr) -> syn::Result<Self> {
        let value = text.value();
        let wrong = |why: &str| Err(syn::Error::new(text.span(), why));
        let Some(path) = value.strip_prefix('/') else {
            return wrong(&format!("a path begins with a slash: \"/{value}\""));
        };
        let mut fields = Vec::new();
        // The root alone has no segments.
        let segments = path.split('/').filter(|_| !path.is_empty());
        for segment in segments {
            if segment.is_empty() {
                return wrong("a path has no empty segments: no slash at the end, no two in a row");
            }
            let Some(inside) = segment.strip_prefix('{') else {
                if segment.contains(['{', '}']) {
                    return wrong(&format!(
                        "braces hold a whole segment, `{segment}` is part text: write \"/.../{{field}}\""
                    ));
                }
                if segment.starts_with([':', '*']) {
                    let field = segment.trim_start_matches([':', '*']);
                    let field = if crate::names::is_identifier(field) { field } else { "text" };
                    return wrong(&format!(
                        "`{segment}` is no field of the request: write `{{{field}}}`"
                    ));
                }
                if let Some(letter) = segment.chars().find(|letter| !is_path_letter(*letter)) {
                    return wrong(&format!(
                        "{letter:?} cannot stand in a path; a query needs no mention, fields that are not in the path are read from it"
                    ));
                }
                continue;
            };
            let Some(field) = inside.strip_suffix('}') else {
                return wrong(&format!("`{segment}` has no closing brace at its end"));
            };
            if !field.split('.').all(crate::names::is_identifier) {
                return wrong(&format!(
                    "braces hold the name of a field of the request, `{field}` is none: write {{text}} or {{address.city}}"
                ));
            }
            if fields.iter().any(|known| known == field) {
                return wrong(&format!("the field `{field}` is twice in this path"));
            }
            fields.push(field.to_owned());
        }
        Ok(Template { text, fields })
    }

    /// The path with nameless braces: two that are equal answer the same requests.
    pub(super) fn normal(&self) -> String {
        let text = self.text.value();
        let segments =
            text.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
        segments.collect::<Vec<_>>().join("/")
    }
}

/// RFC 3986's `pchar`, without the percent of an encoded one.
fn is_path_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(letter)
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn parse(path: &str) -> Result<Template, String> {
        Template::parse(LitStr::new(path, Span::call_site())).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_stand_in_braces() {
        let template = parse("/v1/{text}/of/{address.city}").unwrap();
        assert_eq!(template.fields, ["text", "address.city"]);
        assert_eq!(template.normal(), "/v1/{}/of/{}");
    }

    #[test]
    fn what_no_request_could_match_is_refused() {
        assert!(parse("/").is_ok());
        assert!(parse("/v1/orders:search").is_ok());
        for bad in [
            "", "v1", "/v1/", "//v1", "/{a", "/a}", "/{}", "/{a}b", "/x{a}", "/a b", "/a?b",
            "/{a}/{a}", "/:a", "/v1/:a/b", "/*", "/v1/*a", "/v1/**",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
