//! What everybody says of a stack, who is stronger, and what comes of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use kitfox_core::Method;
use kitfox_core::setting::{Layers, set};
use tokio::time::Instant;

use super::{Change, ChangeError, Source, StackSettings};

/// The settings of a stack, resolved.
pub(crate) struct Resolved<S> {
    /// For all methods.
    pub(crate) base: S,
    /// For each method by now, in the order in which the stack learned of them.
    pub(crate) methods: Vec<S>,
}

/// What everybody says of a stack, the weakest first.
#[derive(Clone)]
pub(super) struct State<S> {
    pub(super) methods: Vec<&'static Method>,
    /// As code has it.
    pub(super) code: S,
    /// Of code for some methods.
    pub(super) begun: Vec<Source>,
    /// What each host that knows the stack was told of it: by its builder, its file and its environment,
    /// in this order.
    pub(super) configured: Vec<(HostId, Vec<Source>)>,
    /// What code set while calls run.
    pub(super) changed: Vec<Source>,
    /// What the admin port set while calls run.
    pub(super) dialed: Vec<Dialed>,
}

#[derive(Clone)]
pub(super) struct Dialed {
    pub(super) source: Source,
    pub(super) until: Option<Instant>,
}

/// Tells hosts apart that know the same stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostId(u64);

impl HostId {
    /// One that nobody else has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        HostId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl<S: StackSettings> State<S> {
    pub(super) fn new(methods: Vec<&'static Method>, code: S) -> Self {
        State {
            methods,
            code,
            begun: Vec::new(),
            configured: Vec::new(),
            changed: Vec::new(),
            dialed: Vec::new(),
        }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = (&Source, Option<Instant>)> {
        let configured = self.configured.iter().flat_map(|(_, sources)| sources);
        let lasting = self.begun.iter().chain(configured).chain(&self.changed);
        let dialed = self.dialed.iter().map(|dialed| (&dialed.source, dialed.until));
        lasting.map(|source| (source, None)).chain(dialed)
    }

    /// The settings, where they make sense now and when what the admin port set is over or taken back.
    pub(super) fn judge(&self) -> Result<Resolved<S>, ChangeError> {
        let resolved = self.resolve()?;
        for over in self.dialed.iter().filter(|dialed| dialed.until.is_some()) {
            let mut later = self.clone();
            later.dialed.retain(|it| it.until.is_none() || it.until > over.until);
            later.resolve().map_err(|error| {
                let when = format!("`{}` is over", over.source.change);
                ChangeError::Later { when, error: Box::new(error) }
            })?;
        }
        if !self.dialed.is_empty() {
            let later = State { dialed: Vec::new(), ..self.clone() };
            later.resolve().map_err(|error| {
                let when = "what the admin port set is taken back".to_owned();
                ChangeError::Later { when, error: Box::new(error) }
            })?;
        }
        Ok(resolved)
    }

    pub(super) fn resolve(&self) -> Result<Resolved<S>, ChangeError> {
        let mut base = self.code.clone();
        let mut own: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        for (Source { change, .. }, _) in self.sources() {
            match &change.method {
                None => set(base.layers(), change)?,
                Some(method) => {
                    own.entry(self.index(method)?).or_default().push(change);
                }
            }
        }
        check_each("", base.layers())?;
        base.check().map_err(|why| ChangeError::Together { layers: String::new(), why })?;
        let settings = self.methods.iter().enumerate().map(|(index, method)| {
            let mut settings = base.of_method();
            let own = own.get(&index).map_or(&[][..], Vec::as_slice);
            for change in own {
                set(settings.own_layers(), change)?;
            }
            let of = format!("{}: ", method.path.trim_start_matches('/'));
            check_each(&of, settings.own_layers())?;
            let together = settings.check().and_then(|()| settings.check_own(method, own));
            together.map_err(|why| ChangeError::Together { layers: of, why })?;
            Ok(settings)
        });
        let methods = settings.collect::<Result<_, ChangeError>>()?;
        Ok(Resolved { base, methods })
    }

    /// Replaces what `host` was told before.
    pub(super) fn configure(&mut self, host: HostId, sources: Vec<Source>) {
        match self.configured.iter_mut().find(|(known, _)| *known == host) {
            Some((_, said)) => *said = sources,
            None => self.configured.push((host, sources)),
        }
    }

    /// Whether the change names a method, a layer and a key that are here.
    pub(super) fn admit(&self, change: &Change) -> Result<(), ChangeError> {
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
    pub(super) fn index(&self, method: &str) -> Result<usize, ChangeError> {
        let path = method.trim_start_matches('/');
        let is = |known: &&'static Method| known.path.trim_start_matches('/') == path;
        self.methods.iter().position(is).ok_or_else(|| {
            let method = method.to_owned();
            match self.methods.first() {
                Some(first) => {
                    let example = first.path.trim_start_matches('/');
                    ChangeError::Method { method, example }
                }
                None => ChangeError::NoMethods { method },
            }
        })
    }
}

/// Whether the settings of each layer make sense; `of` says for which method.
fn check_each(of: &str, layers: Layers<'_>) -> Result<(), ChangeError> {
    for (place, layer) in layers {
        let layers = || format!("{of}{place}: ");
        layer.check().map_err(|why| ChangeError::Together { layers: layers(), why })?;
    }
    Ok(())
}
