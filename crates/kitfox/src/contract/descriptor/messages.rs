//! The messages of `google/protobuf/descriptor.proto`, as far as a contract needs them.
//!
//! Enums are their numbers here: theirs begin with 1. What may be 0 and must be said is an `Option`.

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct FileDescriptorSet {
    pub(crate) file: Vec<FileDescriptorProto>,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct FileDescriptorProto {
    pub(crate) name: String,
    pub(crate) package: String,
    pub(crate) dependency: Vec<String>,
    pub(crate) message_type: Vec<DescriptorProto>,
    pub(crate) enum_type: Vec<EnumDescriptorProto>,
    pub(crate) service: Vec<ServiceDescriptorProto>,
    #[field(9)]
    pub(crate) source_code_info: Option<SourceCodeInfo>,
    #[field(12)]
    pub(crate) syntax: String,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct DescriptorProto {
    pub(crate) name: String,
    pub(crate) field: Vec<FieldDescriptorProto>,
    pub(crate) nested_type: Vec<DescriptorProto>,
    pub(crate) enum_type: Vec<EnumDescriptorProto>,
    #[field(7)]
    pub(crate) options: Option<MessageOptions>,
    #[field(8)]
    pub(crate) oneof_decl: Vec<OneofDescriptorProto>,
    #[field(9)]
    pub(crate) reserved_range: Vec<ReservedRange>,
    #[field(10)]
    pub(crate) reserved_name: Vec<String>,
}

#[kitfox::message(package = "google.protobuf", name = "DescriptorProto.ReservedRange")]
pub(crate) struct ReservedRange {
    pub(crate) start: i32,
    pub(crate) end: i32,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct FieldDescriptorProto {
    pub(crate) name: String,
    #[field(3)]
    pub(crate) number: i32,
    #[field(4)]
    pub(crate) label: i32,
    #[field(5)]
    pub(crate) r#type: i32,
    #[field(6)]
    pub(crate) type_name: String,
    #[field(8)]
    pub(crate) options: Option<FieldOptions>,
    #[field(9)]
    pub(crate) oneof_index: Option<i32>,
    #[field(10)]
    pub(crate) json_name: String,
    #[field(17)]
    pub(crate) proto3_optional: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct OneofDescriptorProto {
    pub(crate) name: String,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct EnumDescriptorProto {
    pub(crate) name: String,
    pub(crate) value: Vec<EnumValueDescriptorProto>,
    pub(crate) options: Option<EnumOptions>,
    pub(crate) reserved_range: Vec<EnumRange>,
    pub(crate) reserved_name: Vec<String>,
}

#[kitfox::message(package = "google.protobuf", name = "EnumDescriptorProto.EnumReservedRange")]
pub(crate) struct EnumRange {
    pub(crate) start: Option<i32>,
    pub(crate) end: Option<i32>,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct EnumValueDescriptorProto {
    pub(crate) name: String,
    pub(crate) number: Option<i32>,
    pub(crate) options: Option<EnumValueOptions>,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct ServiceDescriptorProto {
    pub(crate) name: String,
    pub(crate) method: Vec<MethodDescriptorProto>,
    pub(crate) options: Option<ServiceOptions>,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct MethodDescriptorProto {
    pub(crate) name: String,
    pub(crate) input_type: String,
    pub(crate) output_type: String,
    pub(crate) options: Option<MethodOptions>,
    pub(crate) client_streaming: bool,
    pub(crate) server_streaming: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct MessageOptions {
    #[field(3)]
    pub(crate) deprecated: bool,
    #[field(7)]
    pub(crate) map_entry: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct FieldOptions {
    #[field(3)]
    pub(crate) deprecated: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct EnumOptions {
    #[field(3)]
    pub(crate) deprecated: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct EnumValueOptions {
    #[field(1)]
    pub(crate) deprecated: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct ServiceOptions {
    #[field(33)]
    pub(crate) deprecated: bool,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct MethodOptions {
    #[field(33)]
    pub(crate) deprecated: bool,
    #[field(34)]
    pub(crate) idempotency_level: i32,
}

#[kitfox::message(package = "google.protobuf")]
pub(crate) struct SourceCodeInfo {
    pub(crate) location: Vec<Location>,
}

#[kitfox::message(package = "google.protobuf", name = "SourceCodeInfo.Location")]
pub(crate) struct Location {
    pub(crate) path: Vec<i32>,
    pub(crate) span: Vec<i32>,
    pub(crate) leading_comments: Option<String>,
}
