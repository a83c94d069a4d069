//! What goes wrong with a message: where in it, and what.

use std::fmt;

use super::MessageSchema;

/// So many names of fields are read at a glance.
const FEW: usize = 8;

/// The innards of the three public errors: a path into the message and a sentence.
///
/// Boxed, so that a `Result` of the hot way is one pointer; the path grows on the way out, so that
/// nothing is kept track of while all goes well.
#[derive(Clone, PartialEq, Eq)]
pub struct Fault(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    path: String,
    what: String,
    unknown_field: bool,
}

impl Fault {
    /// A fault at the place where the reader or writer stands.
    #[cold]
    pub fn new(what: impl Into<String>) -> Self {
        Self(Box::new(Inner { path: String::new(), what: what.into(), unknown_field: false }))
    }

    /// The message has no such field; those that it has are named where they are few.
    #[cold]
    pub fn unknown_field(schema: &MessageSchema, field: &str) -> Self {
        let names: Vec<_> = schema.fields().map(|(known, _)| known.name).collect();
        let fields = match names.len() {
            1..=FEW => format!("; its fields: {}", names.join(", ")),
            _ => String::new(),
        };
        let mut fault = Self::new(format!("{} has no field `{field}`{fields}", schema.name));
        fault.0.unknown_field = true;
        fault
    }

    /// The same fault, seen from the message that holds the field.
    #[cold]
    #[must_use]
    pub fn at(mut self, field: &str) -> Self {
        let inner = &mut self.0.path;
        *inner = match inner.chars().next() {
            None => field.to_owned(),
            Some('[') => format!("{field}{inner}"),
            Some(_) => format!("{field}.{inner}"),
        };
        self
    }

    /// The same fault, seen from the list that holds the element.
    #[cold]
    #[must_use]
    pub fn at_index(self, index: usize) -> Self {
        self.at(&format!("[{index}]"))
    }

    /// The same fault, seen from the map that holds the entry.
    #[cold]
    #[must_use]
    pub fn at_key(self, key: &str) -> Self {
        let short: String = key.chars().take(40).collect();
        self.at(&format!("[{short:?}]"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.path.is_empty() {
            return formatter.write_str(&self.0.what);
        }
        write!(formatter, "at `{}`: {}", self.0.path, self.0.what)
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_string())
    }
}

macro_rules! public_error {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        #[error("{0}")]
        pub struct $name(Fault);

        impl $name {
            /// Where in the message: `items[3].count`, or nothing where it is the message as a whole.
            pub fn path(&self) -> &str {
                &self.0.0.path
            }

            /// What is wrong there.
            pub fn reason(&self) -> &str {
                &self.0.0.what
            }
        }

        impl From<Fault> for $name {
            fn from(fault: Fault) -> Self {
                Self(fault)
            }
        }
    };
}

public_error! {
    /// The bytes are no such message: ``at `items[3].count`: 3000000000 is out of range for int32``.
    DecodeError
}
public_error! {
    /// The message cannot be written, for instance an `Any` of an unknown type as JSON.
    EncodeError
}
public_error! {
    /// A text (of a path or a query) does not fit the field that it was meant for.
    BindError
}

impl BindError {
    /// Whether the message simply has no such field, which a lenient caller may pass over.
    pub fn is_unknown_field(&self) -> bool {
        self.0.0.unknown_field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_grows_from_the_inside_out() {
        let fault = Fault::new("too big").at("count").at_index(3).at("items");
        assert_eq!(fault.to_string(), "at `items[3].count`: too big");
        let fault = Fault::new("too big").at_key("a\"b").at("labels");
        assert_eq!(fault.to_string(), "at `labels[\"a\\\"b\"]`: too big");
    }
}
