//! Settings of the layers of a stack, each by its place.

use kitfox_core::Method;
use kitfox_core::setting::{Keyed, SettingError};

/// The settings of one layer, whichever it is.
pub(crate) trait LayerSettings {
    /// Reads `text` as the value of the key `name`.
    fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError>;

    /// Every key with its value and its meaning.
    fn entries(&self) -> Vec<Entry>;

    /// Whether they make sense together.
    fn check(&self) -> Result<(), String>;
}

/// A key of a layer.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) docs: &'static str,
}

impl<S: Keyed> LayerSettings for S {
    fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
        Keyed::set(self, name, text)
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |key: &kitfox_core::setting::Key<S>| Entry {
            name: key.name,
            value: (key.show)(self),
            docs: key.docs,
        };
        S::KEYS.iter().map(entry).collect()
    }

    fn check(&self) -> Result<(), String> {
        Keyed::check(self)
    }
}

/// The settings of all layers of a stack.
pub(crate) trait StackSettings: Clone + Send + Sync + 'static {
    /// The layers by their places, from outside in: `rate_limit`.
    fn layers(&mut self) -> Vec<(&'static str, &mut dyn LayerSettings)>;

    /// Those of which a method may have settings of its own.
    fn own_layers(&mut self) -> Vec<(&'static str, &mut dyn LayerSettings)> {
        self.layers()
    }

    /// What a method's own settings begin with, before anybody overrides them.
    fn of_method(&self) -> Self;

    /// What must hold of the layers together.
    fn check(&self) -> Result<(), String>;

    /// What must hold of the settings of `method`, where those of all methods are `base`.
    fn check_own(&self, method: &Method, base: &Self) -> Result<(), String>;
}
