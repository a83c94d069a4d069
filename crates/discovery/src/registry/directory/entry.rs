//! What stands in the file of an instance: JSON.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use serde_json::{Map, Value, json};

use crate::{Instance, RegistryError};

/// The largest file that is read.
const MOST_BYTES: u64 = 64 * 1024;

/// The text of an instance.
pub(super) fn write(instance: &Instance) -> Result<String, RegistryError> {
    let Instance { address, weight, priority, zone, version, metadata } = instance;
    let mut fields = Map::new();
    fields.insert("address".to_owned(), json!(address));
    fields.insert("weight".to_owned(), json!(weight));
    fields.insert("priority".to_owned(), json!(priority));
    for (name, value) in [("zone", zone), ("version", version)] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    if !metadata.is_empty() {
        fields.insert("metadata".to_owned(), json!(metadata));
    }
    let text = format!("{:#}\n", Value::Object(fields));
    if text.len() as u64 > MOST_BYTES {
        let mend = "its metadata must fit into 64 KiB";
        return Err(RegistryError::Name { what: "instance", name: address.clone(), mend });
    }
    Ok(text)
}

/// The instance in a file of `length` bytes.
pub(super) fn read(file: &File, length: u64) -> Result<Instance, String> {
    if length > MOST_BYTES {
        return Err(format!("it has {length} bytes; 64 KiB are read at most"));
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    parse(&text)
}

fn parse(text: &str) -> Result<Instance, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let text_of = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let address = text_of("address").ok_or("it has no `address`")?;
    let mut instance = Instance::new(address);
    if instance.check().is_err() {
        return Err(format!("its address `{}` is no `host:port` to call", instance.address));
    }
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    if let Some(weight) = number("weight") {
        instance = instance.weight(u32::try_from(weight).map_err(|_| "its weight is too large")?);
    }
    if let Some(priority) = number("priority") {
        let priority = u16::try_from(priority).map_err(|_| "its priority is too large")?;
        instance = instance.priority(priority);
    }
    (instance.zone, instance.version) = (text_of("zone"), text_of("version"));
    if let Some(metadata) = value.get("metadata").and_then(Value::as_object) {
        let entries = metadata
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
        instance.metadata = BTreeMap::from_iter(entries);
    }
    Ok(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_read_as_it_is_written() {
        let plain = Instance::new("a:1");
        let full = Instance::new("[::1]:8080")
            .weight(7)
            .priority(2)
            .zone("west \"1\"")
            .version("1.2.3")
            .with("git", "4711");
        for instance in [plain, full] {
            assert_eq!(parse(&write(&instance).unwrap()), Ok(instance));
        }
    }

    #[test]
    fn what_is_no_instance_says_why() {
        for (text, why) in [
            ("", "EOF"),
            ("{}", "no `address`"),
            (r#"{"address":"a"}"#, "host:port"),
            (r#"{"address":":80"}"#, "host:port"),
            (r#"{"address":"a:0"}"#, "host:port"),
            (r#"{"address":"a:99999"}"#, "host:port"),
            (r#"{"address":"a:1","weight":99999999999}"#, "weight"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
