//! What a stack is set to, by whom, until when: judges changes, and replaces the settings of its
//! layers.

mod said;

use std::sync::{Mutex, MutexGuard, PoisonError};

use kitfox_core::Method;
use tokio::time::Instant;

use super::{Change, ChangeError, Source, StackSettings};
use crate::config::Origin;
use said::{Dialed, State};
pub(crate) use said::{HostId, Resolved};

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

/// What cannot be, each with its reason.
pub(crate) type Wrong = Vec<(Source, ChangeError)>;

/// Puts settings in force that make sense. Nobody else changes the stack until it is called or dropped.
pub(crate) type Judged<'a> = Box<dyn FnOnce() + 'a>;

/// A stack whose settings can be read and changed, whatever its layers are.
pub(crate) trait Tunable: Send + Sync {
    /// The methods that may have settings of their own.
    fn methods(&self) -> Vec<&'static Method>;

    /// Every key: `rate_limit.rate`.
    fn keys(&self) -> Vec<String>;

    /// Judges what a host was told of the stack, in place of what it was told before. Gives what
    /// cannot be, each with its reason; nothing is changed then.
    fn judge(&self, host: HostId, sources: Vec<Source>) -> Result<Judged<'_>, Wrong>;

    /// Changes settings in code while calls run; all or nothing.
    fn change(&self, changes: Vec<Change>) -> Result<(), ChangeError>;

    /// The same from the admin port, which is stronger. A change with a time reverts then.
    fn dial(&self, sources: Vec<Source>, until: Option<Instant>) -> Result<(), ChangeError>;

    /// Takes back what the admin port set and is over by now, or all of it. Says what.
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
        let state = State::new(methods, code);
        Control { state: Mutex::new(state), apply, describe }
    }

    /// Puts the settings in force, with these of code for some methods.
    pub(crate) fn begin(&self, own: Vec<Source>) -> Result<(), ChangeError> {
        self.edit(|state| {
            own.iter().try_for_each(|source| state.admit(&source.change))?;
            state.begun = own;
            Ok(())
        })
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
        // Nobody can have said anything of it alone, and what holds for all holds for it.
        if let Ok(resolved) = state.resolve() {
            (self.apply)(&resolved);
        }
    }

    /// Changes what is said, and puts it in force; or says why it cannot be, and changes nothing.
    fn edit(
        &self,
        edit: impl FnOnce(&mut State<S>) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        let mut state = self.lock();
        let mut next = state.clone();
        edit(&mut next)?;
        let resolved = next.judge()?;
        (self.apply)(&resolved);
        *state = next;
        Ok(())
    }
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

    fn judge(&self, host: HostId, sources: Vec<Source>) -> Result<Judged<'_>, Wrong> {
        let mut state = self.lock();
        let mut next = state.clone();
        // Each alone; whether the rest makes sense together is judged of the whole.
        let (mut right, mut wrong) = (Vec::new(), Wrong::new());
        for source in sources {
            match state.admit(&source.change) {
                Ok(()) => right.push(source),
                Err(error) => wrong.push((source, error)),
            }
        }
        loop {
            next.configure(host, right.clone());
            let error = match next.judge() {
                Ok(resolved) if wrong.is_empty() => {
                    return Ok(Box::new(move || {
                        (self.apply)(&resolved);
                        *state = next;
                    }));
                }
                Ok(_) => return Err(wrong),
                Err(error) => error,
            };
            // Without whatever made no sense, the rest may.
            let Some(index) = culprit(&next, host, &right, &error) else {
                let code = || Source { change: Change::new("settings", ""), origin: Origin::Code };
                wrong.push((right.pop().unwrap_or_else(code), error));
                return Err(wrong);
            };
            wrong.push((right.remove(index), error));
        }
    }

    fn change(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        self.edit(|state| {
            changes.iter().try_for_each(|change| state.admit(change))?;
            state.changed.retain(|old| !changes.iter().any(|new| new.is_same_key(&old.change)));
            let source = |change| Source { change, origin: Origin::Code };
            state.changed.extend(changes.into_iter().map(source));
            Ok(())
        })
    }

    fn dial(&self, sources: Vec<Source>, until: Option<Instant>) -> Result<(), ChangeError> {
        self.edit(|state| {
            sources.iter().try_for_each(|source| state.admit(&source.change))?;
            // It takes the place of what was set before for the same key. Beneath one that reverts stays what
            // was set for good, and the one that is to last longest, and they come back.
            let all = state.dialed.clone();
            state.dialed.retain(|old| {
                let is_same = |it: &Source| it.change.is_same_key(&old.source.change);
                let longer = |it: &Dialed| is_same(&it.source) && it.until > old.until;
                match (until, old.until) {
                    _ if !sources.iter().any(is_same) => true,
                    (Some(_), None) => true,
                    (Some(new), Some(then)) => then > new && !all.iter().any(longer),
                    (None, _) => false,
                }
            });
            state.dialed.extend(sources.into_iter().map(|source| Dialed { source, until }));
            Ok(())
        })
    }

    fn expire(&self, now: Option<Instant>) -> Vec<Source> {
        let mut state = self.lock();
        let over = |dialed: &Dialed| match now {
            Some(now) => dialed.until.is_some_and(|until| until <= now),
            None => true,
        };
        let (gone, left) = std::mem::take(&mut state.dialed).into_iter().partition(over);
        state.dialed = left;
        let gone: Vec<Dialed> = gone;
        if !gone.is_empty()
            && let Ok(resolved) = state.resolve()
        {
            // It was judged when it was set, and makes sense.
            (self.apply)(&resolved);
        }
        gone.into_iter().map(|dialed| dialed.source).collect()
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
                let this = Change { method: method.map(str::to_owned), key, value: String::new() };
                let last = state.sources().filter(|(it, _)| it.change.is_same_key(&this)).last();
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

/// The last source without which there is no such fault.
fn culprit<S: StackSettings>(
    state: &State<S>,
    host: HostId,
    sources: &[Source],
    fault: &ChangeError,
) -> Option<usize> {
    let suspects = || (0..sources.len()).rev().filter(|it| fault.is_about(&sources[*it].change));
    let without = |index: &usize| {
        let mut others = sources.to_vec();
        others.remove(*index);
        let mut state = state.clone();
        state.configure(host, others);
        state.judge().err()
    };
    // Two keys of a layer may be wrong, and what is said of one may name the value of another.
    let mended = |it: &usize| without(it).is_none_or(|other| !other.is_of_same(fault));
    let another = |it: &usize| without(it).as_ref() != Some(fault);
    suspects().find(mended).or_else(|| suspects().find(another)).or_else(|| suspects().next())
}

#[cfg(test)]
mod tests;
