//! The answers, made of contracts.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use kitfox_core::message::Message;
use kitfox_core::{Code, Contract, Streaming};

use super::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
    MessageRequest, MessageResponse, ServerReflectionRequest, ServerReflectionResponse,
    ServiceResponse,
};
use crate::contract::{ContractError, descriptor, files::Files};

/// What services offer, for those who ask. Cloning shares it.
#[derive(Clone)]
pub struct Reflection(Arc<Known>);

struct Known {
    /// By full name, sorted.
    services: Vec<String>,
    files: Vec<File>,
    /// The index of the file by its path, and by what it declares: services and types.
    places: HashMap<String, usize>,
}

struct File {
    descriptor: Vec<u8>,
    /// The files that it imports, and so on.
    imports: Vec<usize>,
}

impl Reflection {
    /// Answers for `contracts` and for nothing else: reflection itself is told only if it is among them.
    ///
    /// # Errors
    /// When two things would have one name.
    pub fn of(contracts: &[&'static Contract]) -> Result<Self, ContractError> {
        let all = Files::of(contracts)?;
        // After what it imports, so that the imports' own imports are known.
        let sorted = all.imports_first();
        let mut known = Known { services: Vec::new(), files: Vec::new(), places: HashMap::new() };
        for (index, file) in sorted.iter().enumerate() {
            let mut imports = Vec::new();
            for direct in all.imported(file) {
                let place = known.places[&direct.path];
                imports.push(place);
                imports.extend(&known.files[place].imports);
            }
            imports.sort_unstable();
            imports.dedup();
            let mut bytes = Vec::new();
            descriptor::descriptor(file).write_body(&mut bytes);
            known.files.push(File { descriptor: bytes, imports });
            known.places.insert(file.path.clone(), index);
            let services = file.contracts.iter();
            let services = services.map(|it| format!("{}.{}", it.package, it.name));
            for name in services {
                known.places.insert(name.clone(), index);
                known.services.push(name);
            }
            known.places.extend(file.types.iter().map(|of| (of.name.clone(), index)));
        }
        known.services.sort();
        Ok(Reflection(Arc::new(known)))
    }

    pub(super) fn answer_all(
        &self,
        mut questions: Streaming<ServerReflectionRequest>,
    ) -> Streaming<ServerReflectionResponse> {
        let this = self.clone();
        Streaming::produce(async move |answers| {
            while let Some(question) = questions.try_next().await? {
                answers.send(this.answer(question)).await?;
            }
            Ok(())
        })
    }

    fn answer(&self, question: ServerReflectionRequest) -> ServerReflectionResponse {
        let answer = match &question.message_request {
            Some(MessageRequest::FileByFilename(path)) => self.files(path, "file"),
            Some(MessageRequest::FileContainingSymbol(name)) => self.files(name, "symbol"),
            Some(MessageRequest::FileContainingExtension(extension)) => {
                let name = &extension.containing_type;
                Err(nothing("extension", &format!("{name} {}", extension.extension_number)))
            }
            Some(MessageRequest::AllExtensionNumbersOfType(name)) => match self.place(name) {
                Some(_) => {
                    let base_type_name = name.clone();
                    let none = ExtensionNumberResponse { base_type_name, ..Default::default() };
                    Ok(MessageResponse::AllExtensionNumbersResponse(none))
                }
                None => Err(nothing("message", name)),
            },
            Some(MessageRequest::ListServices(_)) => {
                let names = self.0.services.iter().cloned();
                let service = names.map(|name| ServiceResponse { name }).collect();
                Ok(MessageResponse::ListServicesResponse(ListServiceResponse { service }))
            }
            None => Err(ErrorResponse {
                error_code: Code::InvalidArgument.grpc().into(),
                error_message: "nothing is asked that is known here".to_owned(),
            }),
        };
        ServerReflectionResponse {
            valid_host: question.host.clone(),
            message_response: Some(answer.unwrap_or_else(MessageResponse::ErrorResponse)),
            original_request: Some(question),
        }
    }

    /// The file that `name` is, or that declares it, and those that it imports.
    fn files(&self, name: &str, what: &str) -> Result<MessageResponse, ErrorResponse> {
        let place = self.place(name).ok_or_else(|| nothing(what, name))?;
        let file = &self.0.files[place];
        let others = file.imports.iter().map(|import| &self.0.files[*import]);
        let files = [file].into_iter().chain(others).map(|file| file.descriptor.clone());
        Ok(MessageResponse::FileDescriptorResponse(FileDescriptorResponse {
            file_descriptor_proto: files.collect(),
        }))
    }

    /// A method or a field is where its service or message is.
    fn place(&self, name: &str) -> Option<usize> {
        let places = &self.0.places;
        let around = || places.get(name.rsplit_once('.')?.0);
        places.get(name).or_else(around).copied()
    }
}

fn nothing(what: &str, name: &str) -> ErrorResponse {
    ErrorResponse {
        error_code: Code::NotFound.grpc().into(),
        error_message: format!("there is no {what} `{name}` here"),
    }
}

impl fmt::Debug for Reflection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reflection").field(&self.0.services).finish()
    }
}

#[cfg(test)]
mod tests;
