//! Maps as fields: on the wire a list of entries, in JSON an object.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::element::{Element, FixedEncoding, MapEncoding, MapKey, PlainEncoding, SintEncoding};
use super::fault::Fault;
use super::field::Field;
use super::json::JsonReader;
use super::schema::{Kind, Label};
use super::wire::{self, Reader, WireType};

/// What the two kinds of maps have in common.
trait Entries<K, V> {
    fn insert_entry(&mut self, key: K, value: V) -> Option<V>;
    fn take_entry(&mut self, key: &K) -> Option<V>;
}

impl<K: Eq + Hash, V, S: BuildHasher> Entries<K, V> for HashMap<K, V, S> {
    fn insert_entry(&mut self, key: K, value: V) -> Option<V> {
        self.insert(key, value)
    }

    fn take_entry(&mut self, key: &K) -> Option<V> {
        self.remove(key)
    }
}

impl<K: Ord, V> Entries<K, V> for BTreeMap<K, V> {
    fn insert_entry(&mut self, key: K, value: V) -> Option<V> {
        self.insert(key, value)
    }

    fn take_entry(&mut self, key: &K) -> Option<V> {
        self.remove(key)
    }
}

macro_rules! map {
    ([$($generics:tt)*] $map:ty, $encoding:ty, $key:ty, $value:ty) => {
        #[diagnostic::do_not_recommend]
        impl<$($generics)*> Field<$encoding> for $map
        where
            K: MapKey<$key>,
            V: Element<$value>,
        {
            const LABEL: Label = Label::Map;
            const KIND: Kind = Kind::Map { key: K::SCALAR, value: &<V as Element<$value>>::KIND };

            fn initial() -> Self {
                Self::default()
            }

            fn is_absent(&self) -> bool {
                self.is_empty()
            }

            fn write(&self, number: u32, out: &mut Vec<u8>) {
                for (key, value) in self {
                    write_entry::<K, $key, V, $value>(number, key, value, out);
                }
            }

            fn read(&mut self, wire: WireType, reader: &mut Reader<'_>) -> Result<(), Fault> {
                wire.expect(WireType::Length)?;
                let (key, value) = read_entry::<K, $key, V, $value>(reader)?;
                self.insert_entry(key, value);
                Ok(())
            }

            fn write_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
                out.push(b'{');
                for (index, (key, value)) in self.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    let start = out.len();
                    key.write_json_key(out);
                    let end = out.len();
                    out.push(b':');
                    value.write_json(out).map_err(|fault| at_written_key(fault, &out[start..end]))?;
                }
                out.push(b'}');
                Ok(())
            }

            fn read_json(&mut self, json: &mut JsonReader<'_>) -> Result<(), Fault> {
                read_json_entries::<Self, K, $key, V, $value>(self, json)
            }

            fn bind(&mut self, _path: &str, _text: &str) -> Result<(), Fault> {
                Err(Fault::new("a map cannot be set from a path or a query"))
            }
        }
    };
}

macro_rules! maps {
    ($($encoding:ty: $key:ty, $value:ty;)*) => {
        $(
            map!([K, V, S: BuildHasher + Default] HashMap<K, V, S>, $encoding, $key, $value);
            map!([K, V] BTreeMap<K, V>, $encoding, $key, $value);
        )*
    };
}

maps! {
    PlainEncoding: PlainEncoding, PlainEncoding;
    SintEncoding: PlainEncoding, SintEncoding;
    FixedEncoding: PlainEncoding, FixedEncoding;
    MapEncoding<SintEncoding, PlainEncoding>: SintEncoding, PlainEncoding;
    MapEncoding<SintEncoding, SintEncoding>: SintEncoding, SintEncoding;
    MapEncoding<SintEncoding, FixedEncoding>: SintEncoding, FixedEncoding;
    MapEncoding<FixedEncoding, PlainEncoding>: FixedEncoding, PlainEncoding;
    MapEncoding<FixedEncoding, SintEncoding>: FixedEncoding, SintEncoding;
    MapEncoding<FixedEncoding, FixedEncoding>: FixedEncoding, FixedEncoding;
}

fn write_entry<K: MapKey<KE>, KE, V: Element<VE>, VE>(
    number: u32,
    key: &K,
    value: &V,
    out: &mut Vec<u8>,
) {
    wire::write_tag(number, WireType::Length, out);
    let start = wire::begin_nested(out);
    wire::write_tag(1, K::WIRE, out);
    key.write(out);
    wire::write_tag(2, V::WIRE, out);
    value.write(out);
    wire::end_nested(start, out);
}

fn read_entry<K: MapKey<KE>, KE, V: Element<VE>, VE>(
    reader: &mut Reader<'_>,
) -> Result<(K, V), Fault> {
    let mut entry = reader.nested()?;
    let (mut key, mut value) = (None, None);
    while !entry.is_empty() {
        let (number, wire) = entry.tag()?;
        match number {
            1 => {
                wire.expect(K::WIRE).map_err(|fault| fault.at("key"))?;
                key = Some(K::read(&mut entry).map_err(|fault| fault.at("key"))?);
            }
            2 => {
                wire.expect(V::WIRE).map_err(|fault| fault.at("value"))?;
                V::merge(&mut value, &mut entry).map_err(|fault| fault.at("value"))?;
            }
            _ => entry.skip(number, wire)?,
        }
    }
    Ok((key.map_or_else(K::absent, Ok)?, value.map_or_else(V::absent, Ok)?))
}

fn read_json_entries<M: Entries<K, V>, K: MapKey<KE>, KE, V: Element<VE>, VE>(
    map: &mut M,
    json: &mut JsonReader<'_>,
) -> Result<(), Fault> {
    json.open_object()?;
    while let Some(text) = json.next_key()? {
        let key = K::parse(&text).map_err(|fault| fault.at_key(&text))?;
        if map.take_entry(&key).is_some() {
            return Err(Fault::new("the key is there twice").at_key(&text));
        }
        let value = V::read_json(json).map_err(|fault| fault.at_key(&text))?;
        map.insert_entry(key, value);
    }
    Ok(())
}

#[cold]
fn at_written_key(fault: Fault, key: &[u8]) -> Fault {
    fault.at_key(String::from_utf8_lossy(key).trim_matches('"'))
}
