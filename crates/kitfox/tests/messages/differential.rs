//! Rust and Python's protobuf agree on each value, in both directions, in both forms.

use std::fmt::Debug;

use kitfox::message::{Codec, Message};
use kitfox::types::Any;

use super::generate::{Generate, Random};
use super::model::{Choices, Circle, Lists, Maps, Options, Scalars, Shape, Tree, WellKnown};
use super::oracle::{Ask, Oracle};

/// Values of each message. Each is encoded and decoded eight times.
const VALUES: u64 = 150;

fn agree_on<M: Message + Generate + PartialEq + Debug>(oracle: &mut Oracle) {
    for seed in 0..VALUES {
        let value = M::generate(&mut Random::new(seed));
        let at = format!("{} of seed {seed}: {value:?}", M::NAME);

        let protobuf = value.encode(Codec::Protobuf).unwrap();
        assert_eq!(M::decode(Codec::Protobuf, &protobuf).as_ref(), Ok(&value), "{at}");
        let theirs = oracle.ask::<M>(Ask::Reserialize, &protobuf).expect(&at);
        assert_eq!(M::decode(Codec::Protobuf, &theirs).as_ref(), Ok(&value), "{at}");
        assert_eq!(theirs.len(), protobuf.len(), "one of us writes more than needed, {at}");
        let theirs = oracle.ask::<M>(Ask::ToJson, &protobuf).expect(&at);
        assert_eq!(
            M::decode(Codec::Json, &theirs).as_ref(),
            Ok(&value),
            "from {}, {at}",
            String::from_utf8_lossy(&theirs)
        );

        let json = value.encode(Codec::Json).unwrap();
        let text = String::from_utf8_lossy(&json);
        assert_eq!(M::decode(Codec::Json, &json).as_ref(), Ok(&value), "from {text}, {at}");
        let theirs = oracle.ask::<M>(Ask::FromJson, &json);
        let theirs = theirs.unwrap_or_else(|error| panic!("{error} for {text}, {at}"));
        assert_eq!(M::decode(Codec::Protobuf, &theirs).as_ref(), Ok(&value), "{at}");
    }
}

macro_rules! agreement {
    ($($test:ident: $message:ty,)*) => {
        $(#[test]
        fn $test() {
            Any::register::<Choices>();
            Any::register::<Circle>();
            let Some(mut oracle) = Oracle::start(stringify!($test)) else { return };
            agree_on::<$message>(&mut oracle);
        })*
    };
}

agreement! {
    python_agrees_on_scalars: Scalars,
    python_agrees_on_optional_fields: Options,
    python_agrees_on_lists: Lists,
    python_agrees_on_maps: Maps,
    python_agrees_on_recursive_messages: Tree,
    python_agrees_on_enums_as_messages: Shape,
    python_agrees_on_oneofs: Choices,
    python_agrees_on_well_known_types: WellKnown,
}

#[test]
fn scalars_are_the_same_byte_for_byte() {
    let Some(mut oracle) = Oracle::start("scalars_are_the_same_byte_for_byte") else { return };
    for seed in 0..VALUES {
        let scalars = Scalars::generate(&mut Random::new(seed));
        let ours = scalars.encode(Codec::Protobuf).unwrap();
        assert_eq!(oracle.ask::<Scalars>(Ask::Reserialize, &ours).unwrap(), ours, "{scalars:?}");
    }
}

#[test]
fn lists_that_are_not_packed_are_read_too() {
    let Some(mut oracle) = Oracle::start("lists_that_are_not_packed_are_read_too") else { return };
    for seed in 0..VALUES {
        let mut lists = Lists::generate(&mut Random::new(seed));
        lists = Lists {
            double: lists.double,
            float: lists.float,
            int32: lists.int32,
            sint64: lists.sint64,
            fixed32: lists.fixed32,
            bool: lists.bool,
            color: lists.color,
            ..Lists::default()
        };
        let json = lists.encode(Codec::Json).unwrap();
        let unpacked = oracle.ask_as("kitfox.test.v1.Unpacked", Ask::FromJson, &json).unwrap();
        assert_eq!(Lists::decode(Codec::Protobuf, &unpacked), Ok(lists));
    }
}

#[test]
fn not_a_number_survives() {
    let Some(mut oracle) = Oracle::start("not_a_number_survives") else { return };
    let scalars = Scalars { double: f64::NAN, float: f32::NAN, ..Scalars::default() };
    let json = scalars.encode(Codec::Json).unwrap();
    assert_eq!(json, r#"{"double":"NaN","float":"NaN"}"#);
    let theirs = oracle.ask::<Scalars>(Ask::FromJson, &json).unwrap();
    let read = Scalars::decode(Codec::Protobuf, &theirs).unwrap();
    assert!(read.double.is_nan() && read.float.is_nan());
    let read = Scalars::decode(Codec::Json, &json).unwrap();
    assert!(read.double.is_nan() && read.float.is_nan());
}
