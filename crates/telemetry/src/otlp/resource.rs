//! Who sends: the service, its version, this instance of it.

use std::fmt::Write;

use kitfox_core::platform::Random;

use super::attributes::attribute;
use super::message::Message;
use crate::logs::AttributeValue;

/// Number of the field in `Resource`.
const ATTRIBUTES: u32 = 1;

/// What all signals of a process say of where they come from.
///
/// ```
/// use kitfox_core::platform::Random;
/// use kitfox_telemetry::otlp::Resource;
///
/// let resource = Resource::new("shop", &Random::system())
///     .with("service.version", "1.4.2")
///     .with("deployment.environment.name", "production");
/// assert_eq!(resource.value("service.name"), Some("shop"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource(Vec<(String, String)>);

impl Resource {
    /// Of a service of this name, an instance of its own.
    #[must_use]
    pub fn new(service: &str, random: &Random) -> Self {
        let all = [
            ("service.name", service),
            ("service.instance.id", &instance(random)),
            ("telemetry.sdk.language", "rust"),
            ("telemetry.sdk.name", "kitfox"),
            ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        Resource(all.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    /// With another attribute, or another value of one that is there.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of an attribute.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn write(&self, message: &mut Message<'_>) {
        for (name, value) in &self.0 {
            attribute(message, ATTRIBUTES, name, AttributeValue::Text(value));
        }
    }
}

/// A random UUID (RFC 9562, version 4), as the conventions recommend.
fn instance(random: &Random) -> String {
    let bits = u128::from(random.next_u64()) << 64 | u128::from(random.next_u64());
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let mut text = String::with_capacity(36);
    for (nth, byte) in bits.to_be_bytes().into_iter().enumerate() {
        let dash = if matches!(nth, 4 | 6 | 8 | 10) { "-" } else { "" };
        write!(text, "{dash}{byte:02x}").expect("a string takes whatever is written");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_an_identifier_that_nobody_else_has() {
        let random = Random::seeded(7);
        let (one, two) = (instance(&random), instance(&random));
        assert_ne!(one, two);
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "4", "{one}");
        assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"), "{one}");
    }

    #[test]
    fn an_attribute_has_one_value() {
        let resource = Resource::new("shop", &Random::seeded(7)).with("service.name", "store");
        assert_eq!(resource.value("service.name"), Some("store"));
        assert_eq!(resource.0.iter().filter(|(name, _)| name == "service.name").count(), 1);
    }
}
