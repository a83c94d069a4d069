//! What no log shows, by its name: passwords, tokens, keys, cookies.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, Ordering};

/// What stands in place of what is hidden.
pub(crate) const HIDDEN: &str = "[redacted]";

/// The names that are hidden unless the settings say otherwise.
const NAMES: [&str; 14] = [
    "access_key",
    "api_key",
    "apikey",
    "authorization",
    "client_key",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "secret",
    "token",
    "pwd",
];

/// Which fields and headers are hidden: those that have one of its names within their own, as whole
/// words.
///
/// Words are parted by anything that is no letter or digit, and by a capital letter; the plural
/// counts as well. So `password` hides `db.password`, `passwordHash` and `passwords`, and `api_key`
/// hides `X-Api-Key`. Numbers and truth values are shown: `token_count` is no secret. By default
/// the names are `authorization`, `cookie`, `password`, `secret`, `token`, `api_key` and their like.
///
/// ```
/// use kitfox_telemetry::logs::Redaction;
///
/// let redaction = Redaction::default().and(["iban"]);
/// assert!(redaction.hides("customer.iban"));
/// assert!(redaction.hides("Proxy-Authorization"));
/// assert!(!redaction.hides("tokenizer"));
/// ```
///
/// What a type of your own should never show anywhere is better a `Secret`.
#[derive(Clone, Debug)]
pub struct Redaction {
    /// In lower case, each of its words between underscores.
    names: Vec<String>,
    /// Tells its answers from another's.
    id: u32,
}

impl Redaction {
    /// Hides these names only, of one or more words: `api_key`.
    #[must_use]
    pub fn only<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Redaction { names: Vec::new(), id: 0 }.and(names)
    }

    /// Hides these names too.
    #[must_use]
    pub fn and<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        self.id = NEXT.fetch_add(1, Ordering::Relaxed);
        let names = names.into_iter().map(words).filter(|name| name.len() > 1);
        self.names.extend(names);
        self
    }

    /// Whether the value of what has this name is hidden.
    #[must_use]
    pub fn hides(&self, name: &str) -> bool {
        let words = words(name);
        self.names.iter().any(|hidden| {
            words.match_indices(hidden.as_str()).next().is_some()
                || words.contains(&format!("{}s_", hidden.trim_end_matches('_')))
        })
    }

    /// [`Redaction::hides`], remembered by this thread: a name in the code is asked for often.
    pub(crate) fn hides_known(&self, name: &'static str) -> bool {
        /// A name by its place in memory, which nothing else ever takes; and the answer.
        #[derive(Clone, Copy)]
        struct Known {
            id: u32,
            hidden: bool,
            at: usize,
            length: usize,
        }
        const SLOTS: usize = 64;
        thread_local! {
            static KNOWN: [Cell<Known>; SLOTS] = const {
                [const { Cell::new(Known { id: 0, hidden: false, at: 0, length: 0 }) }; SLOTS]
            };
        }
        let (at, length) = (name.as_ptr().addr(), name.len());
        let slot = (at ^ (at >> 6) ^ length) % SLOTS;
        let remembered = KNOWN.try_with(|known| known[slot].get()).ok();
        let same = |known: &Known| known.id == self.id && known.at == at && known.length == length;
        if let Some(known) = remembered.filter(same) {
            return known.hidden;
        }
        let hidden = self.hides(name);
        let known = Known { id: self.id, hidden, at, length };
        let _thread_ends = KNOWN.try_with(|slots| slots[slot].set(known));
        hidden
    }
}

impl Default for Redaction {
    fn default() -> Self {
        Redaction::only(NAMES)
    }
}

/// `X-apiKey` is `_x_api_key_`.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 8);
    words.push('_');
    let mut lower_before = false;
    for character in name.chars() {
        let begins = !character.is_alphanumeric() || (character.is_uppercase() && lower_before);
        if begins && !words.ends_with('_') {
            words.push('_');
        }
        if character.is_alphanumeric() {
            words.extend(character.to_lowercase());
        }
        lower_before = character.is_lowercase() || character.is_ascii_digit();
    }
    if !words.ends_with('_') {
        words.push('_');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_whole_words_of_their_names() {
        let redaction = Redaction::default();
        for hidden in [
            "authorization",
            "Proxy-Authorization",
            "set-cookie",
            "x-api-key",
            "apiKey",
            "APIKEY",
            "db.password",
            "passwordHash",
            "access_tokens",
            "clientSecret",
        ] {
            assert!(redaction.hides(hidden), "{hidden}");
        }
        for shown in ["tokenizer", "secretary", "key", "user", "compass", "author", "", "__"] {
            assert!(!redaction.hides(shown), "{shown}");
        }
    }

    #[test]
    fn what_a_thread_remembers_is_of_one_redaction() {
        let (all, none) = (Redaction::default(), Redaction::only([]));
        for _ in 0..2 {
            assert!(all.hides_known("password"));
            assert!(!none.hides_known("password"));
            assert!(!all.hides_known("user"));
            assert!(all.clone().and(["user"]).hides_known("user"));
        }
    }

    #[test]
    fn an_empty_name_hides_nothing() {
        assert!(!Redaction::only(["", "-"]).hides("anything"));
    }
}
