//! The contract of a message as data: what OpenAPI, `.proto` files, the console and REST binding read.
//!
//! Everything is `'static` and built by the compiler. Messages refer to each other through function
//! pointers, so a recursive message is no problem.

/// A message type.
#[derive(Debug)]
pub struct MessageSchema {
    /// The full protobuf name, such as `strings.v1.UppercaseRequest`.
    pub name: &'static str,
    /// The protobuf package at the beginning of the name. Where it is empty, `.proto` files and the
    /// like take the message into the package of whatever uses it.
    pub package: &'static str,
    /// The doc comment, or nothing.
    pub docs: &'static str,
    /// Whether users should look for another message.
    pub deprecated: bool,
    /// What no field may be called again.
    pub reserved: Reserved,
    /// Fields and oneofs, in the order of their (first) numbers.
    pub members: &'static [Member],
}

/// What a message is made of.
#[derive(Clone, Copy, Debug)]
pub enum Member {
    /// A field of its own.
    Field(FieldSchema),
    /// Several fields of which at most one is set.
    Oneof(OneofSchema),
}

/// Several fields of which at most one is set.
#[derive(Clone, Copy, Debug)]
pub struct OneofSchema {
    /// The name of the group. It is on no wire.
    pub name: &'static str,
    /// The doc comment, or nothing.
    pub docs: &'static str,
    /// The fields, in the order of their declaration.
    pub fields: &'static [FieldSchema],
}

/// One field.
#[derive(Clone, Copy, Debug)]
pub struct FieldSchema {
    /// The name in `.proto` files: `snake_case` by convention.
    pub name: &'static str,
    /// The name in JSON: `lowerCamelCase` by convention.
    pub json_name: &'static str,
    /// The protobuf number.
    pub number: u32,
    /// How often it occurs, and whether its absence can be told from its default.
    pub label: Label,
    /// What it holds; of a list, what its elements are.
    pub kind: Kind,
    /// The doc comment, or nothing.
    pub docs: &'static str,
    /// Whether users should look for another field.
    pub deprecated: bool,
    /// JSON's `null` is a value of this field, and does not mean its default.
    pub takes_null: bool,
}

/// How often a field occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Once; the default is not written and means absent.
    Implicit,
    /// Once or not at all.
    Optional,
    /// Any number of times. Numbers, booleans and enums are packed.
    Repeated,
    /// Any number of entries, [`Kind::Map`].
    Map,
}

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A number, boolean, string or bytes, in one of protobuf's encodings.
    Scalar(Scalar),
    /// One of several names.
    Enum(fn() -> &'static EnumSchema),
    /// Another message.
    Message(fn() -> &'static MessageSchema),
    /// Entries of a map.
    Map {
        /// The type of the keys.
        key: Scalar,
        /// The type of the values, never a map itself.
        value: &'static Kind,
    },
}

/// The scalar types of protobuf, by its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are protobuf's")]
pub enum Scalar {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
}

impl Scalar {
    /// As protobuf writes it: `sint32`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::Float => "float",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Sint32 => "sint32",
            Self::Sint64 => "sint64",
            Self::Fixed32 => "fixed32",
            Self::Fixed64 => "fixed64",
            Self::Sfixed32 => "sfixed32",
            Self::Sfixed64 => "sfixed64",
            Self::Bool => "bool",
            Self::String => "string",
            Self::Bytes => "bytes",
        }
    }
}

/// An enum type.
#[derive(Debug)]
pub struct EnumSchema {
    /// The full protobuf name.
    pub name: &'static str,
    /// The protobuf package at the beginning of the name; empty as it may be for a message.
    pub package: &'static str,
    /// The doc comment, or nothing.
    pub docs: &'static str,
    /// Whether users should look for another enum.
    pub deprecated: bool,
    /// What no value may be called again.
    pub reserved: Reserved,
    /// The values; the first is number 0 and the default.
    pub values: &'static [EnumValue],
}

/// One value of an enum.
#[derive(Clone, Copy, Debug)]
pub struct EnumValue {
    /// The name on the wire: `COLOR_RED`.
    pub name: &'static str,
    /// The number.
    pub number: i32,
    /// The doc comment, or nothing.
    pub docs: &'static str,
    /// Whether users should look for another value.
    pub deprecated: bool,
}

/// Numbers and names of what is gone, which nothing may have again: peers that remember would take
/// the new for the old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserved {
    /// First and last of each range.
    pub numbers: &'static [(i32, i32)],
    /// Names.
    pub names: &'static [&'static str],
}

/// Where a field stands: its member, and within a oneof which of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Index into [`MessageSchema::members`].
    pub member: usize,
    /// Index into [`OneofSchema::fields`], 0 for a field of its own.
    pub variant: usize,
}

impl Reserved {
    /// Nothing.
    pub const NONE: Reserved = Reserved { numbers: &[], names: &[] };
}

impl MessageSchema {
    /// A message without a name and without fields, for those written by hand to begin with.
    pub const BLANK: MessageSchema = MessageSchema {
        name: "",
        package: "",
        docs: "",
        deprecated: false,
        reserved: Reserved::NONE,
        members: &[],
    };

    /// All fields, those of oneofs among them, with the oneof that they belong to.
    pub fn fields(
        &self,
    ) -> impl Iterator<Item = (&'static FieldSchema, Option<&'static OneofSchema>)> + use<> {
        self.members.iter().flat_map(|member| {
            let oneof = match member {
                Member::Field(_) => None,
                Member::Oneof(oneof) => Some(oneof),
            };
            member.fields().iter().map(move |field| (field, oneof))
        })
    }

    /// The field with this number.
    pub fn field_by_number(&self, number: u32) -> Option<&'static FieldSchema> {
        self.fields().map(|(field, _)| field).find(|field| field.number == number)
    }

    /// The field with this name, of protobuf or JSON.
    pub fn field_by_name(&self, name: &str) -> Option<&'static FieldSchema> {
        self.position(name, 0).map(|position| self.field_at(position))
    }

    /// The field that a dotted path leads to, `address.city`.
    pub fn field_by_path(&self, path: &str) -> Option<&'static FieldSchema> {
        let (first, rest) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
        let field = self.field_by_name(first)?;
        match (rest, field.kind, field.label) {
            (None, ..) => Some(field),
            (Some(rest), Kind::Message(schema), Label::Implicit | Label::Optional) => {
                schema().field_by_path(rest)
            }
            (Some(_), ..) => None,
        }
    }

    /// Finds a name, looking first where it is expected: most writers keep the order.
    pub(super) fn position(&self, name: &str, expected: usize) -> Option<Position> {
        let (before, after) = self.members.split_at(expected.min(self.members.len()));
        let search = |members: &'static [Member], offset: usize| {
            members.iter().enumerate().find_map(|(member, candidate)| {
                let fields = candidate.fields();
                let variant = fields.iter().position(|field| field.is_named(name))?;
                Some(Position { member: member + offset, variant })
            })
        };
        search(after, before.len()).or_else(|| search(before, 0))
    }

    /// The field at a position that [`Self::position`] gave.
    pub(super) fn field_at(&self, position: Position) -> &'static FieldSchema {
        &self.members[position.member].fields()[position.variant]
    }
}

impl Member {
    /// The field itself, or those of the oneof.
    pub fn fields(&'static self) -> &'static [FieldSchema] {
        match self {
            Self::Field(field) => std::slice::from_ref(field),
            Self::Oneof(oneof) => oneof.fields,
        }
    }
}

impl FieldSchema {
    fn is_named(&self, name: &str) -> bool {
        self.json_name == name || self.name == name
    }
}

impl EnumSchema {
    /// The number that a name stands for.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.values.iter().find(|value| value.name == name).map(|value| value.number)
    }

    /// The name of a number, where it has one.
    pub fn name_of(&self, number: i32) -> Option<&'static str> {
        self.values.iter().find(|value| value.number == number).map(|value| value.name)
    }
}
