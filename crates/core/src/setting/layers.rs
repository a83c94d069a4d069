//! Settings of several layers, each by its place: what a stack or a guard is set to.

use super::{Change, ChangeError, Key, Keyed, SettingError};

/// The settings of one layer, whichever it is.
pub trait LayerSettings {
    /// Reads `text` as the value of the key `name`.
    ///
    /// # Errors
    /// Where there is no such key, or the text is no such value.
    fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError>;

    /// Every key with its value and its meaning.
    fn entries(&self) -> Vec<Entry>;

    /// Whether they make sense together.
    ///
    /// # Errors
    /// A sentence that says what does not, and how to mend it.
    fn check(&self) -> Result<(), String>;
}

/// A key of a layer with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name within the layer: `burst`.
    pub name: &'static str,
    /// Its value as one would write it.
    pub value: String,
    /// What it does.
    pub docs: &'static str,
}

impl<S: Keyed> LayerSettings for S {
    fn set(&mut self, name: &str, text: &str) -> Result<(), SettingError> {
        Keyed::set(self, name, text)
    }

    fn entries(&self) -> Vec<Entry> {
        let entry =
            |key: &Key<S>| Entry { name: key.name, value: (key.show)(self), docs: key.docs };
        S::KEYS.iter().map(entry).collect()
    }

    fn check(&self) -> Result<(), String> {
        Keyed::check(self)
    }
}

/// Layers by their places.
pub type Layers<'a> = Vec<(&'static str, &'a mut dyn LayerSettings)>;

/// Sets one of `layers` to what `change` says, whichever method it is for.
///
/// # Errors
/// Where there is no such layer or key, or the value is none.
pub fn set(mut layers: Layers<'_>, change: &Change) -> Result<(), ChangeError> {
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
