//! Typed values of a context, for what layers and decorators tell each other.

use std::any::Any;
use std::sync::Arc;

use super::Context;

/// A list that only grows at its head, shared by all contexts that come from one another.
#[derive(Clone, Default)]
pub(super) struct Values(Option<Arc<Value>>);

struct Value {
    value: Box<dyn Any + Send + Sync>,
    rest: Values,
}

impl Context {
    /// With a value of its type; it hides an earlier one of the same type. Use a type of your own,
    /// so that nobody else has one.
    #[must_use]
    pub fn with_value<T: Send + Sync + 'static>(&self, value: T) -> Self {
        let mut travel = self.0.travel.clone();
        let rest = std::mem::take(&mut travel.values);
        travel.values = Values(Some(Arc::new(Value { value: Box::new(value), rest })));
        self.link(travel, None)
    }

    /// The value of type `T`.
    #[must_use]
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let mut list = &self.0.travel.values;
        while let Some(entry) = &list.0 {
            if let Some(value) = entry.value.downcast_ref() {
                return Some(value);
            }
            list = &entry.rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_value_hides_an_earlier_one_for_its_holder_only() {
        let one = Context::background().with_value(1_u32).with_value("text");
        let two = one.with_value(2_u32);
        assert_eq!((one.value::<u32>(), two.value::<u32>()), (Some(&1), Some(&2)));
        assert_eq!(two.value::<&str>(), Some(&"text"));
        assert_eq!(two.value::<u64>(), None);
    }
}
