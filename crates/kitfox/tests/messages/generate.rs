//! Values at random, from a seed: often defaults and extremes, where encodings go wrong.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use bytes::Bytes;
use kitfox::types::{Any, Duration, ListValue, NullValue, Struct, Timestamp, Value, Wrapper};

use super::model::{
    Choices, Circle, Color, Delivery, Lists, Maps, Options, Payment, Scalars, Shape, Tree,
    WellKnown,
};

/// SplitMix64: Sebastiano Vigna, public domain.
pub(crate) struct Random {
    state: u64,
    /// How many values may still lie in each other.
    depth: u32,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed, depth: 4 }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    fn deeper<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.depth = self.depth.checked_sub(1)?;
        let made = make(self);
        self.depth += 1;
        Some(made)
    }
}

/// A value at random.
pub(crate) trait Generate: Sized {
    fn generate(random: &mut Random) -> Self;
}

macro_rules! integer {
    ($($type:ty),*) => {
        $(impl Generate for $type {
            #[allow(clippy::cast_possible_truncation, reason = "any bits will do, and some types take all")]
            fn generate(random: &mut Random) -> Self {
                let shift = random.below(64);
                match random.below(6) {
                    0 => 0,
                    1 => <$type>::MAX,
                    2 => <$type>::MIN,
                    3 => (random.next() >> shift) as $type,
                    4 => ((random.next() >> shift) as $type).wrapping_neg(),
                    _ => random.pick(&[1, 127, 128, 16_383, 16_384, 2_097_152]),
                }
            }
        })*
    };
}
integer!(i32, i64, u32, u64);

impl Generate for f64 {
    fn generate(random: &mut Random) -> Self {
        match random.below(4) {
            0 => random.pick(&[0.0, -0.0, 1.0, 0.1, -1e300, 5e-324, Self::MAX, Self::MIN_POSITIVE]),
            1 => random.pick(&[Self::INFINITY, Self::NEG_INFINITY, 1e15, 1e16, 1e17, 123_456.75]),
            _ => finite(Self::from_bits(random.next()), 0.5),
        }
    }
}

// Not its largest value: Python refuses to read back what it writes for that.
impl Generate for f32 {
    fn generate(random: &mut Random) -> Self {
        match random.below(4) {
            0 => random.pick(&[
                0.0,
                -0.0,
                1.0,
                0.1,
                -1e30,
                1e-45,
                3.402_823_3e38,
                Self::MIN_POSITIVE,
            ]),
            1 => random.pick(&[Self::INFINITY, Self::NEG_INFINITY, 16_777_216.0, 1e7]),
            _ => {
                let made = Self::from_bits(u32::generate(random));
                if made.is_finite() { made } else { 0.25 }
            }
        }
    }
}

fn finite(value: f64, otherwise: f64) -> f64 {
    if value.is_finite() { value } else { otherwise }
}

impl Generate for bool {
    fn generate(random: &mut Random) -> Self {
        random.below(2) == 1
    }
}

impl Generate for String {
    fn generate(random: &mut Random) -> Self {
        const LETTERS: [char; 18] = [
            'a', 'b', ' ', '"', '\\', '/', '\n', '\t', '\u{1}', '\u{7f}', 'é', '☃', '😀',
            '\u{2028}', '<', '\u{feff}', '{', '\0',
        ];
        let length = random.pick(&[0, 1, 1, 3, 3, 8, 20, 130]);
        (0..length).map(|_| random.pick(&LETTERS)).collect()
    }
}

impl Generate for Vec<u8> {
    fn generate(random: &mut Random) -> Self {
        let length = random.pick(&[0, 1, 1, 2, 2, 3, 4, 20, 200]);
        (0..length).map(|_| random.next().to_le_bytes()[0]).collect()
    }
}

impl Generate for Bytes {
    fn generate(random: &mut Random) -> Self {
        Vec::generate(random).into()
    }
}

impl<T: Generate> Generate for Option<T> {
    fn generate(random: &mut Random) -> Self {
        if random.below(3) == 0 {
            return None;
        }
        random.deeper(T::generate)
    }
}

impl<T: Generate> Generate for Box<T> {
    fn generate(random: &mut Random) -> Self {
        Self::new(T::generate(random))
    }
}

fn list<T: Generate>(random: &mut Random) -> Vec<T> {
    let length = random.pick(&[0, 1, 2, 5]);
    random.deeper(|random| (0..length).map(|_| T::generate(random)).collect()).unwrap_or_default()
}

fn pairs<K: Generate, V: Generate>(random: &mut Random) -> Vec<(K, V)> {
    list::<Pair<K, V>>(random).into_iter().map(|pair| (pair.0, pair.1)).collect()
}

struct Pair<K, V>(K, V);

impl<K: Generate, V: Generate> Generate for Pair<K, V> {
    fn generate(random: &mut Random) -> Self {
        Self(K::generate(random), V::generate(random))
    }
}

impl<K: Generate + Eq + Hash, V: Generate> Generate for HashMap<K, V> {
    fn generate(random: &mut Random) -> Self {
        pairs(random).into_iter().collect()
    }
}

impl<K: Generate + Ord, V: Generate> Generate for BTreeMap<K, V> {
    fn generate(random: &mut Random) -> Self {
        pairs(random).into_iter().collect()
    }
}

/// A message is its fields.
macro_rules! message {
    ($name:ident { $($field:ident),* } lists { $($list:ident),* }) => {
        impl Generate for $name {
            fn generate(random: &mut Random) -> Self {
                Self {
                    $($field: Generate::generate(random),)*
                    $($list: list(random),)*
                }
            }
        }
    };
}

message!(Scalars {
    double, float, int32, int64, uint32, uint64, sint32, sint64, fixed32, fixed64, sfixed32,
    sfixed64, bool, string, bytes, shared_bytes, color, renamed
} lists {});
message!(Options {
    double, float, int32, int64, uint32, uint64, sint32, fixed64, bool, string, bytes, color,
    scalars
} lists {});
message!(Lists {} lists {
    double, float, int32, int64, uint32, uint64, sint32, sint64, fixed32, sfixed64, bool, string,
    bytes, color, scalars, shapes
});
message!(Maps {
    strings, numbers, flags, bytes, messages, colors, encoded, keyed, shapes, values
} lists {});
message!(Tree { label, left, right, leaf } lists { others });
message!(Circle { radius } lists {});
message!(Choices { before, payment, delivery, shape, loose } lists {});
message!(WellKnown {
    timestamp, duration, r#struct, value, list, any, empty, null, bool_value, int32_value,
    int64_value, uint32_value, uint64_value, float_value, double_value, string_value, bytes_value,
    always
} lists { anys, timestamps, wrapped });

impl Generate for Color {
    fn generate(random: &mut Random) -> Self {
        let unknown = Self::Unknown(random.pick(&[2, 100, -1, i32::MAX, i32::MIN]));
        random.pick(&[
            Self::Red,
            Self::DarkGreen,
            Self::Blue,
            Self::Renamed,
            Self::Negative,
            unknown,
        ])
    }
}

impl Generate for Shape {
    fn generate(random: &mut Random) -> Self {
        match random.below(8) {
            0 => Self::Unset,
            1 => Self::Circle(Circle::generate(random)),
            2 => Self::Square(f64::generate(random)),
            3 => Self::Color(Color::generate(random)),
            4 => Self::Raw(Vec::generate(random)),
            5 => Self::Offset(i32::generate(random)),
            6 => random.deeper(Box::generate).map_or(Self::Point, Self::Tree),
            _ => Self::Point,
        }
    }
}

impl Generate for Payment {
    fn generate(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Self::Voucher(String::generate(random)),
            1 => Self::Coin(Circle::generate(random)),
            2 => Self::Credit(u64::generate(random)),
            _ => Self::Nothing(NullValue::Null),
        }
    }
}

impl Generate for Delivery {
    fn generate(random: &mut Random) -> Self {
        match random.below(2) {
            0 => Self::PickUp(bool::generate(random)),
            _ => Self::ByMail,
        }
    }
}

impl Generate for () {
    fn generate(_random: &mut Random) -> Self {}
}

impl Generate for NullValue {
    fn generate(_random: &mut Random) -> Self {
        Self::Null
    }
}

impl<T: Generate> Generate for Wrapper<T> {
    fn generate(random: &mut Random) -> Self {
        Self { value: T::generate(random) }
    }
}

impl Generate for Timestamp {
    fn generate(random: &mut Random) -> Self {
        let extremes = [0, -1, -62_135_596_800, 253_402_300_799, 951_782_400];
        let seconds = match random.below(2) {
            0 => random.pick(&extremes),
            _ => i64::try_from(random.below(315_537_897_599)).unwrap() - 62_135_596_800,
        };
        Self { seconds, nanos: nanos(random) }
    }
}

impl Generate for Duration {
    fn generate(random: &mut Random) -> Self {
        let seconds = random.pick(&[0, 1, 3_600, 315_576_000_000, 12_345_678]);
        let nanos = nanos(random);
        match random.below(2) {
            0 => Self { seconds, nanos },
            _ => Self { seconds: -seconds, nanos: -nanos },
        }
    }
}

fn nanos(random: &mut Random) -> i32 {
    random.pick(&[0, 1, 999_999_999, 500_000_000, 1_000, 123_456_000, 120_000_000])
}

impl Generate for Value {
    fn generate(random: &mut Random) -> Self {
        match random.below(6) {
            0 => Self::Number(finite(f64::generate(random), 1.5)),
            1 => Self::String(String::generate(random)),
            2 => Self::Bool(bool::generate(random)),
            3 => random.deeper(Struct::generate).map_or(Self::Null, Self::Struct),
            4 => random.deeper(ListValue::generate).map_or(Self::Null, Self::List),
            _ => Self::Null,
        }
    }
}

impl Generate for Struct {
    fn generate(random: &mut Random) -> Self {
        Self { fields: Generate::generate(random) }
    }
}

impl Generate for ListValue {
    fn generate(random: &mut Random) -> Self {
        Self { values: list(random) }
    }
}

impl Generate for Any {
    fn generate(random: &mut Random) -> Self {
        match random.below(7) {
            0 => Self::pack(&Timestamp::generate(random)),
            // No objects: Python writes the entries of a map in an order of its own.
            1 => Self::pack(&Value::String(String::generate(random))),
            2 => Self::pack(&Wrapper::<i64>::generate(random)),
            3 => Self::pack(&()),
            4 => Self::pack(&Choices::generate(random)),
            5 => {
                random.deeper(Any::generate).map_or_else(|| Self::pack(&()), |any| Self::pack(&any))
            }
            _ => Self::pack(&Circle::generate(random)),
        }
    }
}
