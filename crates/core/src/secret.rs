//! A value that stays out of logs.

use std::fmt;

/// A value that no formatter prints: a password, a token, a key.
///
/// Whatever prints what holds it shows `[secret]` in its place. [`Secret::expose`] gives the value,
/// and is what to look for in a review.
///
/// ```
/// use kitfox_core::Secret;
///
/// #[derive(Debug)]
/// struct Login {
///     name: String,
///     password: Secret<String>,
/// }
///
/// let login = Login { name: "ada".to_owned(), password: "1234".to_owned().into() };
/// assert_eq!(format!("{login:?}"), r#"Login { name: "ada", password: [secret] }"#);
/// assert_eq!(login.password.expose(), "1234");
/// ```
#[derive(Clone, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    pub const fn new(value: T) -> Self {
        Secret(value)
    }

    /// The value, to use it where it is needed and nowhere else.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Secret(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_formatter_prints_a_secret() {
        let secret = Secret::new("open sesame");
        for text in [format!("{secret}"), format!("{secret:?}"), format!("{:#?}", Some(&secret))] {
            assert!(text.contains("[secret]") && !text.contains("sesame"), "{text}");
        }
        assert_eq!(*secret.expose(), secret.clone().into_exposed());
    }
}
