//! Where a message ends: unknown, broken and hostile bytes, schemas, texts of a path or a query.

use kitfox::message::{Codec, Kind, Label, Message, Scalar};
use kitfox::types::Wrapper;

use super::model::{Choices, Circle, Color, Lists, Maps, Options, Payment, Scalars, Shape, Tree};

fn refusal<M: Message>(bytes: &[u8]) -> String {
    match M::decode(Codec::Protobuf, bytes) {
        Ok(_) => panic!("{bytes:?} was read"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn unknown_fields_are_passed_over() {
    // Numbers 200 to 204 of all wire types, the last one a group in a group, then int32 = 5.
    let bytes = [
        &[0xc0, 0x0c, 0x01][..],
        &[0xc9, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0xd2, 0x0c, 2, 0xff, 0xff],
        &[0xdd, 0x0c, 1, 2, 3, 4],
        &[0xe3, 0x0c, 0x0b, 0x0c, 0x08, 0x01, 0xe4, 0x0c],
        &[0x18, 5],
    ]
    .concat();
    let scalars = Scalars { int32: 5, ..Scalars::default() };
    assert_eq!(Scalars::decode(Codec::Protobuf, &bytes), Ok(scalars));
}

#[test]
fn broken_bytes_are_refused_with_their_place() {
    for (refused, expected) in [
        (
            refusal::<Scalars>(&[0x1a, 0]),
            "at `int32`: expected a varint, got a length-delimited value",
        ),
        (refusal::<Scalars>(&[0x18]), "at `int32`: the input ends in the middle of a value"),
        (
            refusal::<Scalars>(&[0x72, 5, b'a']),
            "at `string`: the input ends in the middle of a value",
        ),
        (refusal::<Scalars>(&[0x72, 1, 0xff]), "at `string`: the text is not valid UTF-8"),
        (
            refusal::<Lists>(&[0x7a, 0, 0x7a, 2, 0x18, 0x80]),
            "at `scalars[1].int32`: the input ends in the middle of a value",
        ),
        (
            refusal::<Maps>(&[0x0a, 3, 0x0a, 5, b'a']),
            "at `strings.key`: the input ends in the middle of a value",
        ),
        (refusal::<Scalars>(&[0x07]), "wire type 7 does not exist"),
        (
            refusal::<Choices>(&[0x50, 1]),
            "at `voucher`: expected a length-delimited value, got a varint",
        ),
    ] {
        assert_eq!(refused, expected);
    }
}

#[test]
fn every_prefix_of_a_message_is_read_or_refused_but_never_more() {
    let tree = Tree {
        label: "x".into(),
        left: Some(Box::new(Tree { label: "y".repeat(200), ..Tree::default() })),
        others: vec![
            Tree::default(),
            Tree { leaf: Scalars { int64: -1, ..Scalars::default() }, ..Tree::default() },
        ],
        ..Tree::default()
    };
    for codec in [Codec::Protobuf, Codec::Json] {
        let bytes = tree.encode(codec).unwrap();
        for length in 0..bytes.len() {
            let read = Tree::decode(codec, &bytes[..length]);
            assert_ne!(read.as_ref(), Ok(&tree), "{codec:?} {length}");
        }
        assert_eq!(Tree::decode(codec, &bytes).as_ref(), Ok(&tree));
    }
}

#[test]
fn depth_is_limited_on_both_wires() {
    let nested = |depth: usize| {
        let mut protobuf = Vec::new();
        for _ in 0..depth {
            let length = Wrapper { value: u64::try_from(protobuf.len()).unwrap() };
            let mut outer = length.encode(Codec::Protobuf).unwrap().to_vec();
            // The length as a varint is what follows the tag; none at all stands for 0.
            if outer.is_empty() {
                outer = vec![0, 0];
            }
            outer[0] = 0x12;
            outer.extend_from_slice(&protobuf);
            protobuf = outer;
        }
        (protobuf, format!("{}{}", "{\"left\":".repeat(depth) + "{}", "}".repeat(depth)))
    };
    let (protobuf, json) = nested(99);
    assert!(Tree::decode(Codec::Protobuf, &protobuf).is_ok());
    assert!(Tree::decode(Codec::Json, json.as_bytes()).is_ok());
    let (protobuf, json) = nested(10_000);
    assert!(refusal::<Tree>(&protobuf).contains("deeper than 100"));
    let error = Tree::decode(Codec::Json, json.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("deeper than 100"), "{error}");
}

#[test]
fn the_last_value_wins_but_messages_merge() {
    let merged = |parts: &[&[u8]]| Choices::decode(Codec::Protobuf, &parts.concat()).unwrap();
    let circle = [0x5a, 9, 9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
    let empty_circle = [0x5a, 0];
    let credit = [0x60, 7];
    let coin = Some(Payment::Coin(Circle { radius: 1.0 }));
    assert_eq!(merged(&[&circle, &empty_circle]).payment, coin);
    assert_eq!(
        merged(&[&circle, &credit, &empty_circle]).payment,
        Some(Payment::Coin(Circle { radius: 0.0 }))
    );
    assert_eq!(merged(&[&circle, &credit]).payment, Some(Payment::Credit(7)));
}

#[test]
fn an_unknown_enum_value_survives_both_wires() {
    let scalars = Scalars { color: Color::Unknown(42), ..Scalars::default() };
    for codec in [Codec::Protobuf, Codec::Json] {
        let bytes = scalars.encode(codec).unwrap();
        assert_eq!(Scalars::decode(codec, &bytes).as_ref(), Ok(&scalars));
    }
}

#[test]
fn an_unknown_variant_of_a_newer_peer_is_none() {
    let newer = [0xb2, 0x06, 1, b'x'];
    assert_eq!(Choices::decode(Codec::Protobuf, &newer), Ok(Choices::default()));
    assert_eq!(Shape::decode(Codec::Protobuf, &newer), Ok(Shape::Unset));
    let error = Payment::decode(Codec::Protobuf, &newer).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kitfox.test.v1.Payment needs one of voucher, coin, credit, nothing"
    );
}

#[test]
fn texts_bind_to_fields() {
    let mut choices = Choices::empty().unwrap();
    choices.bind("before", "a b").unwrap();
    choices.bind("coin.radius", "2.5").unwrap();
    choices.bind("shape.tree.leaf.sharedBytes", "AA==").unwrap();
    assert_eq!(choices.payment, Some(Payment::Coin(Circle { radius: 2.5 })));
    let Some(Shape::Tree(tree)) = &choices.shape else { panic!("{choices:?}") };
    assert_eq!(tree.leaf.shared_bytes, [0][..]);

    let mut lists = Lists::empty().unwrap();
    for number in ["1", "-2", "3e2"] {
        lists.bind("int32", number).unwrap();
    }
    lists.bind("color", "COLOR_BLUE").unwrap();
    assert_eq!((lists.int32, lists.color), (vec![1, -2, 300], vec![Color::Blue]));

    let mut options = Options::empty().unwrap();
    options.bind("bool", "false").unwrap();
    options.bind("scalars.other_name", "x").unwrap_err();
    options.bind("scalars.otherName", "x").unwrap();
    assert_eq!(options.bool, Some(false));
    assert_eq!(options.scalars.unwrap().renamed, "x");
}

#[test]
fn a_path_leads_no_deeper_than_a_message_may_be() {
    let path = |messages: usize| format!("{}label", "left.".repeat(messages));
    let mut tree = Tree::default();
    tree.bind(&path(99), "x").unwrap();
    for codec in [Codec::Protobuf, Codec::Json] {
        assert_eq!(Tree::decode(codec, &tree.encode(codec).unwrap()).unwrap(), tree);
    }
    let error = tree.bind(&path(100_000), "x").unwrap_err();
    assert!(error.reason().contains("deeper than 100"), "{error}");
    assert!(Tree::default().bind(&path(100), "x").is_err());
}

#[test]
fn what_does_not_bind_says_why() {
    let refused = |path: &str, text: &str| {
        let error = Options::default().bind(path, text).unwrap_err();
        (error.to_string(), error.is_unknown_field())
    };
    for (path, text, expected, unknown) in [
        ("nope", "1", "kitfox.test.v1.Options has no field `nope`", true),
        ("scalars.nope", "1", "at `scalars`: kitfox.test.v1.Scalars has no field `nope`", true),
        ("int32", "x", "at `int32`: `x` is not a number", false),
        ("int32", "3000000000", "at `int32`: 3000000000 is out of range for int32", false),
        ("bool", "yes", "at `bool`: expected true or false", false),
        ("int32.x", "1", "at `int32`: this is no message, it has no field `x`", false),
    ] {
        assert_eq!(refused(path, text), (expected.to_owned(), unknown));
    }
    assert!(refused("scalars", "1").0.contains("is a message, set its fields"));
    assert!(Maps::default().bind("strings.a", "b").is_err());
}

#[test]
fn the_schema_says_what_the_proto_says() {
    let schema = Choices::schema();
    assert_eq!(schema.name, "kitfox.test.v1.Choices");
    let fields: Vec<_> = schema
        .fields()
        .map(|(field, oneof)| (field.number, field.name, oneof.map(|oneof| oneof.name)))
        .collect();
    assert_eq!(
        fields,
        [
            (1, "before", None),
            (2, "shape", None),
            (3, "loose", None),
            (10, "voucher", Some("payment")),
            (11, "coin", Some("payment")),
            (12, "credit", Some("payment")),
            (13, "nothing", Some("payment")),
            (20, "pick_up", Some("delivery")),
            (21, "by_mail", Some("delivery")),
        ]
    );

    let field = |name| Scalars::schema().field_by_name(name).unwrap();
    assert!(matches!(field("sint32").kind, Kind::Scalar(Scalar::Sint32)));
    assert!(matches!(field("sfixed64").kind, Kind::Scalar(Scalar::Sfixed64)));
    assert_eq!(field("otherName").number, 100);
    assert_eq!(Options::schema().field_by_name("int32").unwrap().label, Label::Optional);
    assert_eq!(Lists::schema().field_by_name("shapes").unwrap().label, Label::Repeated);
    let Kind::Map { key, value } = Maps::schema().field_by_name("encoded").unwrap().kind else {
        panic!("no map")
    };
    assert!(matches!((key, value), (Scalar::Sint32, Kind::Scalar(Scalar::Fixed64))));
    let Kind::Enum(colors) = field("color").kind else { panic!("no enum") };
    assert_eq!(colors().number("FARBE"), Some(8));
    assert_eq!(colors().name_of(-5), Some("COLOR_NEGATIVE"));
    let leaf = Choices::schema().field_by_path("shape.tree.leaf.int32").unwrap();
    assert_eq!(leaf.number, 3);
    assert_eq!(
        Tree::schema().field_by_name("leaf").unwrap().docs,
        "Without `Option`: absent and empty are the same."
    );
}
