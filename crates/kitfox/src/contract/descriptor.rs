//! The contract as descriptors: what `protoc` would make of its files, comments included.

mod field;
mod messages;
mod notes;

use kitfox_core::contract::{Contract, Idempotency, Method};
use kitfox_core::message::{EnumSchema, Member, MessageSchema, Reserved};

pub(crate) use messages::{FileDescriptorProto, FileDescriptorSet};

use super::docs::method_docs;
use super::files::{File, Schema};
use super::names::oneof_name;
use super::tree::{Node, tree};
use field::field;
use messages::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumRange, EnumValueDescriptorProto,
    EnumValueOptions, MessageOptions, MethodDescriptorProto, MethodOptions, OneofDescriptorProto,
    ReservedRange, ServiceDescriptorProto, ServiceOptions,
};
use notes::Notes;

// The numbers of descriptor.proto's fields, where comments are attached to them.
const MESSAGES: i32 = 4;
const ENUMS: i32 = 5;
const SERVICES: i32 = 6;
const METHODS: i32 = 2;
const FIELDS: i32 = 2;
const INNER_MESSAGES: i32 = 3;
const INNER_ENUMS: i32 = 4;
const ONEOFS: i32 = 8;
const VALUES: i32 = 2;

/// The descriptor of a file.
pub(crate) fn descriptor(file: &File) -> FileDescriptorProto {
    let mut notes = Notes::default();
    let services = file.contracts.iter().enumerate();
    let service = services
        .map(|(index, contract)| {
            notes.at([SERVICES, position(index)], |notes| service(file, contract, notes))
        })
        .collect();
    let mut types = Types { package: &file.package, notes };
    let (message_type, enum_type) = types.of(&tree(file), [MESSAGES, ENUMS]);
    FileDescriptorProto {
        name: file.path.clone(),
        package: file.package.clone(),
        dependency: file.imports.clone(),
        message_type,
        enum_type,
        service,
        source_code_info: types.notes.into_info(),
        syntax: "proto3".to_owned(),
    }
}

fn service(file: &File, contract: &Contract, notes: &mut Notes) -> ServiceDescriptorProto {
    notes.say(contract.docs);
    let method = |(index, of): (usize, &'static Method)| {
        notes.at([METHODS, position(index)], |notes| {
            notes.say(&method_docs(file, of));
            method(contract.package, of)
        })
    };
    ServiceDescriptorProto {
        name: contract.name.to_owned(),
        method: contract.methods.iter().enumerate().map(method).collect(),
        options: contract.deprecated.then_some(ServiceOptions { deprecated: true }),
    }
}

fn method(package: &str, method: &'static Method) -> MethodDescriptorProto {
    let full = |message| format!(".{}", Schema::Message(message).resolve(package).1);
    let idempotency_level = match method.idempotency {
        Idempotency::None | Idempotency::Keyed => 0,
        Idempotency::Safe => 1,
        Idempotency::Idempotent => 2,
    };
    let options = MethodOptions { deprecated: method.deprecated, idempotency_level };
    MethodDescriptorProto {
        name: method.name.to_owned(),
        input_type: full((method.input)()),
        output_type: full((method.output)()),
        options: (options != MethodOptions::default()).then_some(options),
        client_streaming: method.shape.streams_in(),
        server_streaming: method.shape.streams_out(),
    }
}

/// Makes the descriptors of types, each with those within it.
struct Types<'a> {
    package: &'a str,
    notes: Notes,
}

impl Types<'_> {
    /// The types on one level, and the numbers of the two lists that they are in.
    fn of(
        &mut self,
        nodes: &[Node<'_>],
        [messages, enums]: [i32; 2],
    ) -> (Vec<DescriptorProto>, Vec<EnumDescriptorProto>) {
        let mut made = (Vec::new(), Vec::new());
        for node in nodes {
            if let Some(Schema::Enum(schema)) = node.of.map(|of| of.schema) {
                let place = [enums, position(made.1.len())];
                let of = self.notes.at(place, |notes| enumeration(node.name, schema, notes));
                made.1.push(of);
                continue;
            }
            let message = match node.of.map(|of| of.schema) {
                Some(Schema::Message(schema)) => schema,
                _ => &MessageSchema::BLANK,
            };
            self.notes.enter([messages, position(made.0.len())]);
            let of = self.message(node, message);
            self.notes.leave();
            made.0.push(of);
        }
        made
    }

    fn message(&mut self, node: &Node<'_>, schema: &'static MessageSchema) -> DescriptorProto {
        self.notes.say(schema.docs);
        let mut message = DescriptorProto { name: node.name.to_owned(), ..Default::default() };
        // A message of the user's lies before the entries of maps, as the compiler has it.
        (message.nested_type, message.enum_type) =
            self.of(&node.inner, [INNER_MESSAGES, INNER_ENUMS]);
        let full = node.of.map_or("", |of| &of.name);
        for member in schema.members {
            let oneof = match member {
                Member::Field(_) => None,
                Member::Oneof(oneof) => {
                    let index = position(message.oneof_decl.len());
                    self.notes.at([ONEOFS, index], |notes| notes.say(oneof.docs));
                    let name = oneof_name(schema, oneof);
                    message.oneof_decl.push(OneofDescriptorProto { name });
                    Some(index)
                }
            };
            for of in member.fields() {
                let place = [FIELDS, position(message.field.len())];
                self.notes.at(place, |notes| notes.say(of.docs));
                let (of, entry) = field(self.package, full, of, oneof);
                message.field.push(of);
                message.nested_type.extend(entry);
            }
        }
        // A field that knows its absence is alone in a oneof that nobody sees, behind the others.
        for field in message.field.iter_mut().filter(|field| field.proto3_optional) {
            field.oneof_index = Some(position(message.oneof_decl.len()));
            message.oneof_decl.push(OneofDescriptorProto { name: format!("_{}", field.name) });
        }
        let range = |(first, last): &(i32, i32)| {
            // Here the end is not part of it.
            ReservedRange { start: *first, end: last.saturating_add(1) }
        };
        message.reserved_range = schema.reserved.numbers.iter().map(range).collect();
        message.reserved_name = owned(&schema.reserved);
        message.options =
            schema.deprecated.then_some(MessageOptions { deprecated: true, ..Default::default() });
        message
    }
}

fn enumeration(name: &str, schema: &'static EnumSchema, notes: &mut Notes) -> EnumDescriptorProto {
    notes.say(schema.docs);
    let values = schema.values.iter().enumerate();
    let value = values
        .map(|(index, value)| {
            notes.at([VALUES, position(index)], |notes| notes.say(value.docs));
            EnumValueDescriptorProto {
                name: value.name.to_owned(),
                number: Some(value.number),
                options: value.deprecated.then_some(EnumValueOptions { deprecated: true }),
            }
        })
        .collect();
    let range = |(first, last): &(i32, i32)| EnumRange { start: Some(*first), end: Some(*last) };
    EnumDescriptorProto {
        name: name.to_owned(),
        value,
        options: schema.deprecated.then_some(EnumOptions { deprecated: true }),
        reserved_range: schema.reserved.numbers.iter().map(range).collect(),
        reserved_name: owned(&schema.reserved),
    }
}

fn owned(reserved: &Reserved) -> Vec<String> {
    reserved.names.iter().map(|name| (*name).to_owned()).collect()
}

/// An index as descriptors have it.
fn position(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}
