//! A change of the settings of layers, and what may be wrong with it.

use std::fmt;

use super::SettingError;

/// A value for a key of a layer, for all methods or for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The method it is for, by its path without the first slash: `strings.v1.Strings/Uppercase`;
    /// all, where none is named.
    pub method: Option<String>,
    /// The key: the layer's place and the key within it, `rate_limit.burst`.
    pub key: String,
    /// The value, as one would write it into a file.
    pub value: String,
}

impl Change {
    /// A change for all methods.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl fmt::Display) -> Self {
        Change { method: None, key: key.into(), value: value.to_string() }
    }

    /// For one method only.
    #[must_use]
    pub fn of_method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Whether both are of the same key of the same method, or of all.
    #[must_use]
    pub fn is_same_key(&self, other: &Change) -> bool {
        let of = |change: &Change| {
            change.method.as_deref().map(|it| it.trim_start_matches('/').to_owned())
        };
        self.key == other.key && of(self) == of(other)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)?;
        match &self.method {
            Some(method) => write!(f, " for {method}"),
            None => Ok(()),
        }
    }
}

/// A change cannot be. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There is no layer of that name.
    #[error("there is no layer `{place}` in this stack, but {known}")]
    Layer {
        /// What was given.
        place: String,
        /// What there is.
        known: String,
    },
    /// No key was given.
    #[error("`{key}` names no key of a layer: give its layer and its key, such as `{example}`")]
    Key {
        /// What was given.
        key: String,
        /// What it could be.
        example: String,
    },
    /// There is no such method.
    #[error("no method `{method}` is here; a method is named by its path, such as `{example}`")]
    Method {
        /// What was given.
        method: String,
        /// What it could be.
        example: &'static str,
    },
    /// It is for a method, and nobody knows of any.
    #[error(
        "no method is known here, and nothing can be set for `{method}`: a server's methods are those of \
         its services, a client's those of the contracts that its builder is told \
         (`.contract(StringsClient::CONTRACT)`), and a guard has none"
    )]
    NoMethods {
        /// What was given.
        method: String,
    },
    /// There is no such key, or that is no value for it.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The settings make no sense together.
    #[error("{layers}{why}")]
    Together {
        /// For which method, and in which layer, where it is one.
        layers: String,
        /// What does not make sense, and how to mend it.
        why: String,
    },
    /// They make sense only for as long as something else is set that will be over, or that the admin port may
    /// take back.
    #[error("when {when}: {error}")]
    Later {
        /// From when on they make none.
        when: String,
        /// What does not make sense then.
        error: Box<ChangeError>,
    },
    /// The host whose stack it is has not started.
    #[error("the host has not started: set its layers by its builder, or when it has")]
    NotStarted,
}

impl ChangeError {
    /// Whether both are about the same layer of the same method.
    #[must_use]
    pub fn is_of_same(&self, other: &ChangeError) -> bool {
        match (self, other) {
            (ChangeError::Together { layers: of, .. }, ChangeError::Together { layers, .. }) => {
                of == layers
            }
            (ChangeError::Later { error, .. }, _) => error.is_of_same(other),
            (_, ChangeError::Later { error, .. }) => self.is_of_same(error),
            _ => self == other,
        }
    }

    /// Whether it may be this change that makes no sense: one of the layer, and of the method, that are at
    /// fault.
    #[must_use]
    pub fn is_about(&self, change: &Change) -> bool {
        let layers = match self {
            ChangeError::Together { layers, .. } => layers,
            ChangeError::Later { error, .. } => return error.is_about(change),
            _ => return true,
        };
        let method = change.method.as_deref().map(|method| method.trim_start_matches('/'));
        let mut named = layers.split(": ").filter(|name| !name.is_empty()).peekable();
        if named.next_if(|name| name.contains('/')) != method {
            return false;
        }
        let place = change.key.split('.').next();
        named.next().is_none_or(|layer| Some(layer) == place)
    }
}
