//! What a stack is set to, by whom, until when: judges changes, and replaces the settings of its
//! layers.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kitfox_core::Method;
use tokio::time::Instant;

use super::{Change, ChangeError, LayerSettings, Source, StackSettings};
use crate::config::Origin;

/// The settings of a stack, resolved.
pub(crate) struct Resolved<S> {
    /// For all methods.
    pub(crate) base: S,
    /// For each method by now, in the order in which the stack learned of them.
    pub(crate) methods: Vec<S>,
}

/// Applies settings to the layers.
type Apply<S> = Box<dyn Fn(&Resolved<S>) + Send + Sync>;

/// Describes what a layer does now: by its place, of all methods or of the one with this index.
type Describe = Box<dyn Fn(&str, Option<usize>) -> String + Send + Sync>;

/// What a stack is set to.
pub(crate) struct Control<S> {
    state: Mutex<State<S>>,
    apply: Apply<S>,
    describe: Describe,
}

struct State<S> {
    methods: Vec<&'static Method>,
    /// As code has it.
    code: S,
    /// From the file and the environment, and of code for methods, in this order.
    configured: Vec<Source>,
    /// Set while calls run.
    changed: Vec<Changed>,
}

struct Changed {
    source: Source,
    until: Option<Instant>,
}

/// A layer as `/stack` shows it.
pub(crate) struct Row {
    pub(crate) place: &'static str,
    pub(crate) what: String,
    /// The keys with their values, and who set those that are not the default.
    pub(crate) keys: Vec<RowKey>,
}

pub(crate) struct RowKey {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) docs: &'static str,
    pub(crate) origin: Option<Origin>,
    /// When it reverts.
    pub(crate) until: Option<Instant>,
}

/// A stack whose settings can be read and changed, whatever its layers are.
pub(crate) trait Tunable: Send + Sync {
    /// The methods that may have settings of their own.
    fn methods(&self) -> Vec<&'static Method>;

    /// Every key: `rate_limit.rate`.
    fn keys(&self) -> Vec<String>;

    /// What the file and the environment say, before calls run. Gives what cannot be, each with its
    /// reason; what is left is in force.
    fn configure(&self, sources: Vec<Source>) -> Vec<(Source, ChangeError)>;

    /// Changes settings while calls run; all or nothing. A change with a time reverts then.
    fn change(&self, sources: Vec<Source>, until: Option<Instant>) -> Result<(), ChangeError>;

    /// Takes back what was changed while calls ran and is over by now, or all of it. Says what.
    fn expire(&self, now: Option<Instant>) -> Vec<Source>;

    /// The layers from outside in: of all methods, or what is a method's own.
    fn rows(&self, method: Option<&str>) -> Result<Vec<Row>, ChangeError>;
}

impl<S: StackSettings> Control<S> {
    pub(crate) fn new(
        methods: Vec<&'static Method>,
        code: S,
        apply: Apply<S>,
        describe: Describe,
    ) -> Self {
        let (configured, changed) = (Vec::new(), Vec::new());
        let state = Mutex::new(State { methods, code, configured, changed });
        Control { state, apply, describe }
    }

    /// Puts the settings in force, with these of code for some methods.
    pub(crate) fn begin(&self, own: Vec<Source>) -> Result<(), ChangeError> {
        let mut state = self.lock();
        state.configured = own;
        self.replace(&state)
    }

    fn lock(&self) -> MutexGuard<'_, State<S>> {
        // Nothing that holds it leaves it halfway.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more method, for which `add` makes what the layers are told from then on.
    pub(crate) fn add_method(&self, method: &'static Method, add: impl FnOnce()) {
        let mut state = self.lock();
        state.methods.push(method);
        add();
        // Whoever configures the stack later is told, too; who never does finds it in the log.
        if let Err(error) = self.replace(&state) {
            let method = method.path;
            tracing::warn!(method, "what is set for a method is not in force, since {error}");
        }
    }

    /// Puts `state` in force, or says why it cannot be.
    fn replace(&self, state: &State<S>) -> Result<(), ChangeError> {
        let resolved = state.resolve()?;
        (self.apply)(&resolved);
        Ok(())
    }
}

impl<S: StackSettings> State<S> {
    fn sources(&self) -> impl Iterator<Item = (&Source, Option<Instant>)> {
        let configured = self.configured.iter().map(|source| (source, None));
        configured.chain(self.changed.iter().map(|changed| (&changed.source, changed.until)))
    }

    /// What is said of methods that are not here (yet) is left aside.
    fn resolve(&self) -> Result<Resolved<S>, ChangeError> {
        let mut base = self.code.clone();
        let mut own: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        for (Source { change, .. }, _) in self.sources() {
            match &change.method {
                None => set(base.layers(), change)?,
                Some(method) => {
                    let Ok(index) = self.index(method) else { continue };
                    own.entry(index).or_default().push(change);
                }
            }
        }
        check_each("", base.layers())?;
        base.check().map_err(|why| ChangeError::Together { layers: String::new(), why })?;
        let settings = self.methods.iter().enumerate().map(|(index, method)| {
            let mut settings = base.of_method();
            for change in own.get(&index).into_iter().flatten() {
                set(settings.own_layers(), change)?;
            }
            let of = format!("{}: ", method.path.trim_start_matches('/'));
            check_each(&of, settings.own_layers())?;
            let together = settings.check().and_then(|()| settings.check_own(method, &base));
            together.map_err(|why| ChangeError::Together { layers: of, why })?;
            Ok(settings)
        });
        let methods = settings.collect::<Result<_, ChangeError>>()?;
        Ok(Resolved { base, methods })
    }

    /// Whether the change names a method, a layer and a key that are here.
    fn admit(&self, change: &Change) -> Result<(), ChangeError> {
        let mut alone = self.code.clone();
        match &change.method {
            None => set(alone.layers(), change),
            Some(method) => {
                self.index(method)?;
                set(alone.own_layers(), change)
            }
        }
    }

    /// The place of the method of this path.
    fn index(&self, method: &str) -> Result<usize, ChangeError> {
        let path = method.trim_start_matches('/');
        let is = |known: &&'static Method| known.path.trim_start_matches('/') == path;
        self.methods.iter().position(is).ok_or_else(|| {
            let first = self.methods.first();
            let example = first.map_or("strings.v1.Strings/Uppercase", |method| method.path);
            let example = example.trim_start_matches('/');
            ChangeError::Method { method: method.to_owned(), example }
        })
    }
}

type Places<'a> = Vec<(&'static str, &'a mut dyn LayerSettings)>;

fn set(mut layers: Places<'_>, change: &Change) -> Result<(), ChangeError> {
    let (place, key) = change.key.split_once('.').unwrap_or((&change.key, ""));
    let Some((place, layer)) = layers.iter_mut().find(|(known, _)| *known == place) else {
        let known: Vec<_> = layers.iter().map(|(place, _)| *place).collect();
        let (place, known) = (place.to_owned(), known.join(", "));
        return Err(ChangeError::Layer { place, known });
    };
    if key.is_empty() {
        let first = layer.entries().first().map_or("mode", |entry| entry.name);
        let (key, example) = (change.key.clone(), format!("{place}.{first}"));
        return Err(ChangeError::Key { key, example });
    }
    Ok(layer.set(key, &change.value)?)
}

/// Whether the settings of each layer make sense; `of` says for which method.
fn check_each(of: &str, layers: Places<'_>) -> Result<(), ChangeError> {
    for (place, layer) in layers {
        let layers = || format!("{of}{place}: ");
        layer.check().map_err(|why| ChangeError::Together { layers: layers(), why })?;
    }
    Ok(())
}

impl<S: StackSettings> Tunable for Control<S> {
    fn methods(&self) -> Vec<&'static Method> {
        self.lock().methods.clone()
    }

    fn keys(&self) -> Vec<String> {
        let mut settings = self.lock().code.clone();
        let layers = settings.layers();
        let keys = layers.iter().flat_map(|(place, layer)| {
            layer.entries().into_iter().map(move |entry| format!("{place}.{}", entry.name))
        });
        keys.collect()
    }

    fn configure(&self, sources: Vec<Source>) -> Vec<(Source, ChangeError)> {
        let mut state = self.lock();
        let mut wrong = Vec::new();
        // Each alone, and what code said before, when not all methods were here; whether they make
        // sense together is judged of the whole.
        let before = std::mem::take(&mut state.configured);
        for source in before.into_iter().chain(sources) {
            match state.admit(&source.change) {
                Ok(()) => state.configured.push(source),
                Err(error) => wrong.push((source, error)),
            }
        }
        if let Err(error) = self.replace(&state) {
            let code = || Source { change: Change::new("settings", ""), origin: Origin::Code };
            wrong.push((state.configured.last().cloned().unwrap_or_else(code), error));
        }
        wrong
    }

    fn change(&self, sources: Vec<Source>, until: Option<Instant>) -> Result<(), ChangeError> {
        let mut state = self.lock();
        sources.iter().try_for_each(|source| state.admit(&source.change))?;
        let before = state.changed.len();
        state.changed.extend(sources.into_iter().map(|source| Changed { source, until }));
        if let Err(error) = self.replace(&state) {
            state.changed.truncate(before);
            return Err(error);
        }
        // What was changed for good before, for the same key, is over.
        let latest = state.changed.split_off(before);
        state.changed.retain(|old| {
            let same = |new: &Changed| {
                let (old, new) = (&old.source.change, &new.source.change);
                old.key == new.key && old.method == new.method
            };
            // What reverts later than the new one comes back then.
            !latest.iter().any(|new| same(new) && (new.until.is_none() || old.until.is_some()))
        });
        state.changed.extend(latest);
        Ok(())
    }

    fn expire(&self, now: Option<Instant>) -> Vec<Source> {
        let mut state = self.lock();
        let over = |changed: &Changed| match now {
            Some(now) => changed.until.is_some_and(|until| until <= now),
            None => true,
        };
        let (gone, left) = std::mem::take(&mut state.changed).into_iter().partition(over);
        state.changed = left;
        let gone: Vec<Changed> = gone;
        if !gone.is_empty() {
            // What was right before the change is right after it; if another change since then
            // made it wrong, that one stays in force.
            let _ = self.replace(&state);
        }
        gone.into_iter().map(|changed| changed.source).collect()
    }

    fn rows(&self, method: Option<&str>) -> Result<Vec<Row>, ChangeError> {
        let state = self.lock();
        let index = method.map(|method| state.index(method)).transpose()?;
        let Resolved { base, mut methods } = state.resolve()?;
        let mut settings = index.map_or(base, |index| methods.swap_remove(index));
        let layers = if index.is_some() { settings.own_layers() } else { settings.layers() };
        let rows = layers.into_iter().map(|(place, layer)| {
            let keys = layer.entries().into_iter().map(|entry| {
                let key = format!("{place}.{}", entry.name);
                let of = |change: &Change| {
                    let of = change.method.as_deref().map(|of| of.trim_start_matches('/'));
                    of == method.map(|it| it.trim_start_matches('/'))
                };
                let last =
                    state.sources().filter(|(it, _)| it.change.key == key && of(&it.change)).last();
                let (origin, until) = match last {
                    Some((source, until)) => (Some(source.origin.clone()), until),
                    None => (None, None),
                };
                RowKey { name: entry.name, value: entry.value, docs: entry.docs, origin, until }
            });
            Row { place, what: (self.describe)(place, index), keys: keys.collect() }
        });
        Ok(rows.collect())
    }
}

#[cfg(test)]
mod tests;
