//! The environment as a value, so that no test changes that of its process.

use std::collections::BTreeMap;
use std::fmt;

use super::nearest::edits;
use super::{FILE_VARIABLE, KEYS, OPEN_TELEMETRY};
use crate::notice::notice;

/// What all our variables begin with.
const PREFIX: &str = "KITFOX_";

/// Kubernetes sets it in every container.
const KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";

/// Environment variables as a value.
///
/// ```
/// use kitfox::config::Environment;
///
/// let environment = Environment::from_iter([("KITFOX_LISTEN", "127.0.0.1:0")]);
/// let host = kitfox::Host::new("strings").environment(environment);
/// # let _ = host;
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// That of this process. Keeps only what a host reads: others' variables may be secrets.
    #[must_use]
    pub fn of_process() -> Self {
        let all = std::env::vars_os().map(|(name, value)| {
            // What is no text fails to be a value later, and is then named.
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        });
        let read = |name: &str| {
            name.starts_with(PREFIX)
                || name == KUBERNETES
                || OPEN_TELEMETRY.iter().any(|(variable, _)| *variable == name)
        };
        all.filter(|(name, _)| read(name)).collect()
    }

    /// The value of the variable `name`; `None` where it is not set or empty.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn is_kubernetes(&self) -> bool {
        self.value(KUBERNETES).is_some()
    }

    /// Logs variables that are almost ours, and prints them under `announce`. They are no errors: Kubernetes gives every container
    /// variables for each service of the namespace, and one of those may be called `kitfox`.
    pub(super) fn warn_of_typing_errors(&self, announce: bool, others: &[String]) {
        for (variable, meant) in self.typing_errors(others) {
            if announce {
                notice(&format!(
                    "warning: the variable {variable} has no effect; did you mean {meant}?"
                ));
            }
            tracing::warn!(variable, meant, "an unknown variable has no effect: a typing error?");
        }
    }

    /// Warns of what looks as if it were for somebody who is not here.
    pub(super) fn warn_of_strangers<'a>(announce: bool, strangers: impl Iterator<Item = &'a str>) {
        for variable in strangers {
            if announce {
                notice(&format!(
                    "warning: the variable {variable} has no effect: this host has no such client or \
                     guard"
                ));
            }
            tracing::warn!(variable, "a variable of no client or guard of this host has no effect");
        }
    }

    /// The names of all variables that say something.
    pub(super) fn given(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str).filter(|name| self.value(name).is_some())
    }

    fn typing_errors<'a>(
        &'a self,
        others: &'a [String],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let others = || others.iter().map(String::as_str);
        let ours =
            move || KEYS.iter().map(|key| key.variable).chain([FILE_VARIABLE]).chain(others());
        let unknown = self.0.keys().map(String::as_str).filter(move |name| {
            name.starts_with(PREFIX) && !ours().any(|variable| variable == *name)
        });
        unknown.filter_map(move |name| {
            Some((name, ours().find(|variable| edits(name, variable) <= 2)?))
        })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Environment(variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// The names only: a value may be a secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_told_from_a_foreign_variable() {
        let environment = Environment::from_iter([
            ("KITFOX_LISTN", "127.0.0.1:1"),
            ("KITFOX_LISTEN", "127.0.0.1:1"),
            ("KITFOX_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("KITFOX_SERVICE_HOST", "10.0.0.1"),
        ]);
        let found: Vec<_> = environment.typing_errors(&[]).collect();
        assert_eq!(found, [("KITFOX_LISTN", "KITFOX_LISTEN")]);
    }
}
