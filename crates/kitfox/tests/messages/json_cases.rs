//! JSON as people and other programs write it: what is read, what is refused, as Python does it.

use kitfox::message::{Codec, DecodeError, Message};
use kitfox::types::Any;

use super::model::{Choices, Circle, Lists, Maps, Options, Scalars, Shape, Tree, WellKnown};
use super::oracle::{Ask, Oracle};

/// What Python reads although the specification has no such form. We refuse it.
const LAX: [&str; 8] = [
    r#"{"double":true}"#,
    r#"{"color":true}"#,
    r#"{"color":[]}"#,
    r#"{"scalars":[]}"#,
    r#"{"scalars":"x"}"#,
    r#"{"left":[]}"#,
    r#"{"empty":[]}"#,
    "[]",
];

/// Each text is read by both, or refused by both.
macro_rules! cases {
    ($($test:ident: $message:ty => [$($text:expr),* $(,)?];)*) => {
        $(#[test]
        fn $test() {
            Any::register::<Circle>();
            let Some(mut oracle) = Oracle::start(stringify!($test)) else { return };
            for text in [$($text),*] {
                let theirs = oracle.ask::<$message>(Ask::FromJson, text.as_bytes());
                let ours = <$message>::decode(Codec::Json, text.as_bytes());
                match (ours, theirs) {
                    (Err(_), Ok(_)) if LAX.contains(&text) => {}
                    (Ok(ours), Ok(theirs)) => {
                        let theirs = <$message>::decode(Codec::Protobuf, &theirs).unwrap();
                        assert_eq!(ours, theirs, "{text}");
                    }
                    (Err(_), Err(_)) => {}
                    (ours, theirs) => panic!("{text}: {ours:?}, but Python: {theirs:?}"),
                }
            }
        })*
    };
}

cases! {
    integers_are_read_as_python_reads_them: Scalars => [
        r#"{"int32":1}"#, r#"{"int32":"1"}"#, r#"{"int32":1e3}"#, r#"{"int32":1.0}"#,
        r#"{"int32":1.5}"#, r#"{"int32":"1.5"}"#, r#"{"int32":2147483647}"#,
        r#"{"int32":2147483648}"#, r#"{"int32":-2147483648}"#, r#"{"int32":-2147483649}"#,
        r#"{"int32":true}"#, r#"{"int32":""}"#, r#"{"int32":" 1"}"#, r#"{"int32":"1 "}"#,
        r#"{"int32":"abc"}"#, r#"{"int32":[]}"#, r#"{"int32":{}}"#, r#"{"int32":null}"#,
        r#"{"uint32":-1}"#, r#"{"uint32":4294967295}"#, r#"{"uint32":4294967296}"#,
        r#"{"int64":"9223372036854775807"}"#, r#"{"int64":9223372036854775807}"#,
        r#"{"int64":"9223372036854775808"}"#, r#"{"uint64":"18446744073709551615"}"#,
        r#"{"uint64":"18446744073709551616"}"#, r#"{"uint64":"-1"}"#, r#"{"sint64":-5}"#,
        r#"{"fixed64":1e19}"#, r#"{"int32":-0}"#, r#"{"int32":01}"#, r#"{"int32":1.}"#,
    ];
    floats_are_read_as_python_reads_them: Scalars => [
        r#"{"double":1}"#, r#"{"double":"1.5"}"#, r#"{"double":1e308}"#, r#"{"double":1e309}"#,
        r#"{"double":"Infinity"}"#, r#"{"double":"-Infinity"}"#, r#"{"double":Infinity}"#,
        r#"{"double":NaN}"#, r#"{"double":""}"#, r#"{"double":true}"#, r#"{"float":1e39}"#,
        r#"{"float":-1e39}"#, r#"{"float":3.4e38}"#, r#"{"float":"Infinity"}"#, r#"{"float":0.1}"#,
        r#"{"double":-0.0}"#, r#"{"double":null}"#, r#"{"float":1e-50}"#,
    ];
    text_and_bytes_are_read_as_python_reads_them: Scalars => [
        r#"{"string":"\u0041\ud83d\ude00\n"}"#, r#"{"string":1}"#, r#"{"string":null}"#,
        r#"{"bytes":"+/8="}"#, r#"{"bytes":"-_8="}"#, r#"{"bytes":"-_8"}"#, r#"{"bytes":"+/8"}"#,
        r#"{"bytes":""}"#, r#"{"bytes":1}"#, r#"{"bool":true}"#, r#"{"bool":"true"}"#,
        r#"{"bool":1}"#, r#"{"bool":null}"#, "{\"string\":\"a\nb\"}", r#"{"string":"\x"}"#,
    ];
    names_and_enums_are_read_as_python_reads_them: Scalars => [
        r#"{"sharedBytes":"AA=="}"#, r#"{"shared_bytes":"AA=="}"#, r#"{"otherName":"x"}"#,
        r#"{"renamed_field":"x"}"#, r#"{"renamedField":"x"}"#, r#"{"unknown":{"a":[1,"b"]}}"#,
        r#"{"color":"COLOR_BLUE"}"#, r#"{"color":"FARBE"}"#, r#"{"color":7}"#, r#"{"color":99}"#,
        r#"{"color":-5}"#, r#"{"color":null}"#, r#"{"color":true}"#, r#"{"color":[]}"#,
        r#"{"color":2147483648}"#, r#"{"int32":1,"int32":2}"#, r#"{"int32":1,}"#, r#"{,}"#, "[]",
        "{", "", "1", "{}", " { } ", r#"{"int32":1} x"#, r#"{"int32" 1}"#, r#"{int32:1}"#,
        r#"{'int32':1}"#,
    ];
    presence_is_read_as_python_reads_it: Options => [
        r#"{"int32":0,"string":"","bool":false,"color":0,"double":0,"bytes":""}"#,
        r#"{"int32":null,"string":null,"scalars":null}"#, r#"{"scalars":{}}"#,
        r#"{"scalars":[]}"#, r#"{"scalars":"x"}"#, r#"{"color":"COLOR_RED"}"#,
    ];
    lists_are_read_as_python_reads_them: Lists => [
        r#"{"int32":[1,"2",3e0]}"#, r#"{"int32":[]}"#, r#"{"int32":null}"#, r#"{"int32":[null]}"#,
        r#"{"int32":1}"#, r#"{"int32":{}}"#, r#"{"int32":[[1]]}"#, r#"{"string":["a",null]}"#,
        r#"{"scalars":[{},{"int32":1}]}"#, r#"{"scalars":[null]}"#, r#"{"color":["FARBE",8,77]}"#,
        r#"{"int32":[1,]}"#, r#"{"int32":[1 2]}"#, r#"{"bytes":["AA"]}"#,
    ];
    maps_are_read_as_python_reads_them: Maps => [
        r#"{"strings":{"a":"b","":""}}"#, r#"{"numbers":{"1":"2","-3":4}}"#,
        r#"{"numbers":{"x":1}}"#, r#"{"numbers":{"2147483648":1}}"#, r#"{"flags":{"1":true}}"#,
        r#"{"flags":{"-1":true}}"#, r#"{"bytes":{"true":"AA==","false":""}}"#,
        r#"{"bytes":{"yes":""}}"#, r#"{"messages":{"a":{}}}"#, r#"{"messages":{"a":null}}"#,
        r#"{"strings":{"a":null}}"#, r#"{"strings":null}"#, r#"{"strings":[]}"#,
        r#"{"strings":{"a":"b","a":"c"}}"#, r#"{"colors":{"1":"FARBE","2":7}}"#,
        r#"{"values":{"a":null,"b":[1,null,{"c":true}],"d":"x"}}"#, r#"{"keyed":{"1":"NaN1"}}"#,
        r#"{"encoded":{"-7":"5"}}"#, r#"{"shapes":{"a":{"square":2}}}"#,
    ];
    oneofs_are_read_as_python_reads_them: Choices => [
        r#"{"voucher":"x"}"#, r#"{"voucher":"x","credit":"1"}"#, r#"{"voucher":"x","credit":null}"#,
        r#"{"voucher":null,"credit":1}"#, r#"{"voucher":""}"#, r#"{"nothing":null}"#,
        r#"{"nothing":"NULL_VALUE"}"#, r#"{"byMail":{}}"#, r#"{"byMail":{},"voucher":"y"}"#,
        r#"{"by_mail":{},"pick_up":true}"#, r#"{"shape":{"point":{}}}"#, r#"{"shape":{}}"#,
        r#"{"shape":{"square":1,"point":{}}}"#, r#"{"loose":{"offset":-3}}"#,
        r#"{"coin":{"radius":2}}"#, r#"{"coin":2}"#,
    ];
    times_are_read_as_python_reads_them: WellKnown => [
        r#"{"timestamp":"2026-01-31T12:00:00Z"}"#, r#"{"timestamp":"2026-01-31T12:00:00.5Z"}"#,
        r#"{"timestamp":"2026-01-31T12:00:00.123456789Z"}"#,
        r#"{"timestamp":"2026-01-31T12:00:00+01:30"}"#, r#"{"timestamp":"0001-01-01T00:00:00Z"}"#,
        r#"{"timestamp":"9999-12-31T23:59:59.999999999Z"}"#,
        r#"{"timestamp":"2026-02-30T12:00:00Z"}"#, r#"{"timestamp":"2026-01-31T12:00:00"}"#,
        r#"{"timestamp":"2026-01-31"}"#, r#"{"timestamp":5}"#, r#"{"timestamp":null}"#,
        r#"{"timestamp":"0000-01-01T00:00:00Z"}"#, r#"{"timestamp":"10000-01-01T00:00:00Z"}"#,
        r#"{"duration":"1s"}"#, r#"{"duration":"-1.5s"}"#, r#"{"duration":"0.000000001s"}"#,
        r#"{"duration":"1"}"#, r#"{"duration":1}"#, r#"{"duration":"315576000000s"}"#,
        r#"{"duration":"315576000001s"}"#, r#"{"duration":"-315576000001s"}"#, r#"{"duration":"s"}"#,
    ];
    well_known_types_are_read_as_python_reads_them: WellKnown => [
        r#"{"int64Value":"5"}"#, r#"{"int64Value":5}"#, r#"{"int64Value":null}"#,
        r#"{"int64Value":{"value":5}}"#, r#"{"stringValue":""}"#, r#"{"bytesValue":"-_8"}"#,
        r#"{"wrapped":["1",2]}"#, r#"{"wrapped":[null]}"#, r#"{"boolValue":false}"#,
        r#"{"value":null}"#, r#"{"value":[1,{"a":null}]}"#, r#"{"value":"x"}"#,
        r#"{"struct":{"a":{"b":[true,null,1.5e3]}}}"#, r#"{"struct":[]}"#, r#"{"struct":null}"#,
        r#"{"list":[1,"a",null]}"#, r#"{"list":{}}"#, r#"{"null":null}"#, r#"{"null":"NULL_VALUE"}"#,
        r#"{"empty":{}}"#, r#"{"empty":{"x":1}}"#, r#"{"empty":null}"#, r#"{"empty":[]}"#,
        r#"{"any":{}}"#, r#"{"any":null}"#,
        r#"{"any":{"@type":"type.googleapis.com/kitfox.test.v1.Circle","radius":2}}"#,
        r#"{"any":{"radius":2,"@type":"type.googleapis.com/kitfox.test.v1.Circle"}}"#,
        r#"{"any":{"@type":"type.googleapis.com/google.protobuf.Int64Value","value":"7"}}"#,
        r#"{"any":{"@type":"type.googleapis.com/nobody.Knows","value":"7"}}"#,
        r#"{"any":{"value":"7"}}"#, r#"{"any":{"@type":7}}"#,
        r#"{"any":{"@type":"type.googleapis.com/google.protobuf.Value","value":null}}"#,
    ];
    trees_are_read_as_python_reads_them: Tree => [
        r#"{"left":{"right":{"label":"x"}},"others":[{"others":[{}]}]}"#, r#"{"left":[]}"#,
    ];
    shapes_are_read_as_python_reads_them: Shape => [
        "{}", r#"{"raw":"AA"}"#, r#"{"tree":{"leaf":{"int32":1}}}"#, r#"{"unknown":1}"#,
    ];
}

fn refusal<M: Message>(text: &str) -> String {
    match M::decode(Codec::Json, text.as_bytes()) {
        Ok(_) => panic!("{text} was read"),
        Err(error) => DecodeError::to_string(&error),
    }
}

#[test]
fn a_refusal_says_where_and_why() {
    for (refused, expected) in [
        (
            refusal::<Lists>(r#"{"scalars":[{},{"int32":3000000000}]}"#),
            "at `scalars[1].int32`: 3000000000 is out of range for int32",
        ),
        (
            refusal::<Maps>(r#"{"messages":{"a":{"bool":1}}}"#),
            "at `messages[\"a\"].bool`: expected true or false, got a number",
        ),
        (
            refusal::<Scalars>(r#"{"color":"COLOR_REED"}"#),
            "at `color`: `COLOR_REED` is no value of kitfox.test.v1.Color, which has COLOR_RED, COLOR_DARK_GREEN, COLOR_BLUE, FARBE, COLOR_NEGATIVE",
        ),
        (
            refusal::<Choices>(r#"{"voucher":"x","credit":1}"#),
            "at `credit`: only one of voucher, coin, credit, nothing can be set",
        ),
        (
            refusal::<Scalars>("{\n  \"int32\": 1,\n  }"),
            "invalid JSON at line 3 column 3: a comma with nothing after it",
        ),
        (refusal::<Scalars>(r#"{"int32":1,"int32":1}"#), "at `int32`: the field is there twice"),
        (
            refusal::<WellKnown>(r#"{"timestamp":"now"}"#),
            "at `timestamp`: expected a time such as 2026-01-31T12:00:00Z",
        ),
    ] {
        assert_eq!(refused, expected);
    }
    let error = Scalars::decode(Codec::Json, b"{\"string\":\"\xff\"}").unwrap_err();
    assert_eq!(error.to_string(), "invalid JSON: byte 11 is not UTF-8");
}
