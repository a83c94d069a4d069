//! What is asked and answered: the same in both versions, each of which has it in its package.

/// A question.
#[kitfox::message]
pub struct ServerReflectionRequest {
    /// The host that is meant; all are answered alike.
    pub host: String,
    /// What is asked.
    #[oneof]
    pub message_request: Option<MessageRequest>,
}

/// What is asked.
#[kitfox::message]
pub enum MessageRequest {
    /// A file by its path.
    #[field(3)]
    FileByFilename(String),
    /// The file that declares a service, a method, a message, an enum or a field.
    #[field(4)]
    FileContainingSymbol(String),
    /// The file that declares an extension. There are none.
    #[field(5)]
    FileContainingExtension(ExtensionRequest),
    /// The numbers of a message's extensions. There are none.
    #[field(6)]
    AllExtensionNumbersOfType(String),
    /// Every service; the text means nothing.
    #[field(7)]
    ListServices(String),
}

/// Which extension.
#[kitfox::message]
pub struct ExtensionRequest {
    /// The full name of the message that it extends.
    pub containing_type: String,
    /// Its number.
    pub extension_number: i32,
}

/// An answer.
#[kitfox::message]
pub struct ServerReflectionResponse {
    /// The host that was meant.
    pub valid_host: String,
    /// The question.
    pub original_request: Option<ServerReflectionRequest>,
    /// What is answered.
    #[oneof]
    pub message_response: Option<MessageResponse>,
}

/// What is answered.
#[kitfox::message]
pub enum MessageResponse {
    /// Files.
    #[field(4)]
    FileDescriptorResponse(FileDescriptorResponse),
    /// Numbers of extensions.
    #[field(5)]
    AllExtensionNumbersResponse(ExtensionNumberResponse),
    /// Services.
    #[field(6)]
    ListServicesResponse(ListServiceResponse),
    /// There is no such thing.
    #[field(7)]
    ErrorResponse(ErrorResponse),
}

/// Files.
#[kitfox::message]
pub struct FileDescriptorResponse {
    /// The file, and those that it imports, each as the bytes of a
    /// `google.protobuf.FileDescriptorProto`.
    pub file_descriptor_proto: Vec<Vec<u8>>,
}

/// Numbers of extensions.
#[kitfox::message]
pub struct ExtensionNumberResponse {
    /// The full name of the message that they extend.
    pub base_type_name: String,
    /// The numbers.
    pub extension_number: Vec<i32>,
}

/// Services.
#[kitfox::message]
pub struct ListServiceResponse {
    /// Each of them.
    pub service: Vec<ServiceResponse>,
}

/// A service.
#[kitfox::message]
pub struct ServiceResponse {
    /// Its full name.
    pub name: String,
}

/// There is no such thing.
#[kitfox::message]
pub struct ErrorResponse {
    /// The canonical code.
    pub error_code: i32,
    /// What there is not.
    pub error_message: String,
}
