//! The keys of stacks, which are not in the table of keys: which layers there are, and which clients,
//! depends on the host.
//!
//! `server.rate_limit.rate` is for all methods, `server.methods."strings.v1.Strings/Uppercase".rate_limit.rate`
//! for one, `clients.payments.retry.attempts` for the client called `payments`,
//! `guards.orders-db.breaker.open` for the guard called `orders-db`.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Environment, Origin, Problem};
use crate::stack::{Change, HostId, Source, Tunable};

/// The stacks of a host, by the beginning of their keys: `server`, `clients.payments`.
#[derive(Clone)]
pub(crate) struct Stacks {
    host: HostId,
    stacks: Vec<Stack>,
}

#[derive(Clone)]
pub(crate) struct Stack {
    /// `server`, `clients.payments`.
    pub(crate) name: String,
    pub(crate) tunable: Arc<dyn Tunable>,
}

impl Default for Stacks {
    fn default() -> Self {
        Stacks { host: HostId::new(), stacks: Vec::new() }
    }
}

impl Stacks {
    /// One more; nothing where it is here already. Says whether its name is its own.
    pub(crate) fn add(&mut self, name: impl Into<String>, tunable: Arc<dyn Tunable>) -> bool {
        let is = |known: &Stack| std::ptr::addr_eq(&*known.tunable, &*tunable);
        if self.stacks.iter().any(is) {
            return true;
        }
        let name = name.into();
        // A variable of the one must be none of the other.
        if self.stacks.iter().any(|known| variable(&known.name) == variable(&name)) {
            return false;
        }
        self.stacks.push(Stack { name, tunable });
        true
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.iter()
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Stack> {
        self.stacks.iter().find(|stack| stack.name == name)
    }

    /// Whether a key, or a table of keys, is a stack's.
    pub(super) fn owns(name: &str) -> bool {
        let first = name.split('.').next();
        matches!(first, Some("server" | "clients" | "guards"))
    }

    /// What somebody says of a stack.
    pub(super) fn said(&self, name: &str, text: &str, origin: Origin) -> Result<Said, Problem> {
        let found = self.stacks.iter().enumerate().find_map(|(index, stack)| {
            let rest = name.strip_prefix(&stack.name)?.strip_prefix('.')?;
            Some((index, rest))
        });
        let Some((stack, rest)) = found else {
            let names: Vec<_> = self.stacks.iter().map(|stack| stack.name.as_str()).collect();
            let mend = format!(
                "there is no such client or guard in this host (`Host::client` and `Host::guard` add \
                 one); what can be set begins with `{}`",
                names.join("`, `")
            );
            let (key, value) = (name.to_owned(), text.to_owned());
            return Err(Problem { key, value, origin, mend });
        };
        let change = change(rest, text);
        Ok(Said { stack, name: name.to_owned(), source: Source { change, origin } })
    }

    /// What the environment says of stacks.
    pub(super) fn variables<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = (String, &'a str, Origin)> {
        let keys = self.stacks.iter().flat_map(|stack| {
            let name = |key: String| format!("{}.{key}", stack.name);
            stack.tunable.keys().into_iter().map(name).collect::<Vec<_>>()
        });
        keys.filter_map(|key| {
            let variable = variable(&key);
            let text = environment.value(&variable)?;
            Some((key, text, Origin::Variable(variable.into())))
        })
    }

    /// The variables that look as if they were of a client or a guard, of which there is none of that name.
    pub(super) fn strangers<'a>(
        &'a self,
        environment: &'a Environment,
    ) -> impl Iterator<Item = &'a str> {
        let known = self.stacks.iter().map(|stack| variable(&stack.name) + "_");
        let known: Vec<_> = known.collect();
        environment.given().filter(move |name| {
            let of_others = ["KITFOX_CLIENTS_", "KITFOX_GUARDS_"];
            of_others.iter().any(|begin| name.starts_with(begin))
                && !known.iter().any(|begin| name.starts_with(begin.as_str()))
        })
    }

    /// The names of all variables that set something.
    pub(super) fn variable_names(&self) -> Vec<String> {
        let keys = |stack: &Stack| {
            let key = |key: String| variable(&format!("{}.{key}", stack.name));
            stack.tunable.keys().into_iter().map(key).collect::<Vec<_>>()
        };
        self.stacks.iter().flat_map(keys).collect()
    }

    /// Puts in force what was said of all of them, in place of what this host said before; or adds what
    /// cannot be to `problems`. Where there are any, nothing is changed.
    pub(super) fn configure(&self, said: &[Said], problems: &mut Vec<Problem>) {
        // Hosts may know the same stacks in another order.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut judged = Vec::new();
        for (index, stack) in self.stacks.iter().enumerate() {
            let mine = said.iter().filter(|said| said.stack == index);
            let sources = mine.map(|said| said.source.clone()).collect();
            match stack.tunable.judge(self.host, sources) {
                Ok(put_in_force) => judged.push(put_in_force),
                Err(wrong) => problems.extend(wrong.into_iter().map(|(source, error)| {
                    let is = |said: &&Said| said.stack == index && said.source == source;
                    let name = said.iter().find(is).map(|said| said.name.clone());
                    let Source { change, origin } = source;
                    let key = name.unwrap_or_else(|| stack.name.clone());
                    Problem { key, value: change.value, origin, mend: error.to_string() }
                })),
            }
        }
        if problems.is_empty() {
            judged.into_iter().for_each(|put_in_force| put_in_force());
        }
    }
}

/// A value for a key of a stack.
pub(super) struct Said {
    stack: usize,
    name: String,
    source: Source,
}

/// `rate_limit.rate`, or `methods.` and a method's path before it, which may have dots of its own.
fn change(rest: &str, text: &str) -> Change {
    let of_method = || {
        let (front, key) = rest.strip_prefix("methods.")?.rsplit_once('.')?;
        let (method, place) = front.rsplit_once('.')?;
        Some(Change::new(format!("{place}.{key}"), text).of_method(method))
    };
    of_method().unwrap_or_else(|| Change::new(rest, text))
}

fn variable(key: &str) -> String {
    let name = key.replace(['.', '-'], "_").to_uppercase();
    format!("KITFOX_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_may_have_dots_in_its_name() {
        let of_all = change("rate_limit.rate", "5");
        assert_eq!(of_all, Change::new("rate_limit.rate", 5));
        let of_one = change("methods.strings.v1.Strings/Uppercase.rate_limit.rate", "5");
        assert_eq!(of_one, of_all.of_method("strings.v1.Strings/Uppercase"));
    }

    #[test]
    fn a_variable_of_a_client_that_is_not_here_is_told_from_foreign_ones() {
        let names = [
            "KITFOX_CLIENTS_JOBS_RETRY_MODE",
            "KITFOX_GUARDS_DB_BREAKER_OPEN",
            "KITFOX_SERVER_RATE_LIMIT_RATE",
            "KITFOX_SERVICE_HOST",
        ];
        let environment = Environment::from_iter(names.map(|name| (name, "1")));
        let strangers: Vec<_> =
            Stacks::default().strangers(&environment).map(str::to_owned).collect();
        assert_eq!(strangers, names[..2]);
    }

    #[test]
    fn a_variable_is_the_key_in_capitals() {
        assert_eq!(variable("clients.pay-ments.retry.mode"), "KITFOX_CLIENTS_PAY_MENTS_RETRY_MODE");
    }
}
