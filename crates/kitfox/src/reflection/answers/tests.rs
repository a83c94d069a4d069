use kitfox_core::Context;
use strings::StringsClient;

use super::super::v1::ServerReflection as _;
use super::super::v1alpha::ServerReflection as _;
use super::super::{ExtensionRequest, v1, v1alpha};
use super::*;
use crate::contract::descriptor::FileDescriptorProto;
use crate::health::HealthClient;

fn reflection() -> Reflection {
    Reflection::of(&[StringsClient::CONTRACT, HealthClient::CONTRACT]).unwrap()
}

/// The paths of the files that answer, or the code of the error.
fn files(question: MessageRequest) -> Result<Vec<String>, i32> {
    let question =
        ServerReflectionRequest { host: "here".to_owned(), message_request: Some(question) };
    let answer = reflection().answer(question.clone());
    assert_eq!((answer.valid_host.as_str(), answer.original_request), ("here", Some(question)));
    match answer.message_response {
        Some(MessageResponse::FileDescriptorResponse(files)) => {
            let path = |bytes: &Vec<u8>| {
                FileDescriptorProto::decode(kitfox_core::message::Codec::Protobuf, bytes)
                    .unwrap()
                    .name
            };
            Ok(files.file_descriptor_proto.iter().map(path).collect())
        }
        Some(MessageResponse::ErrorResponse(error)) => Err(error.error_code),
        other => panic!("no files: {other:?}"),
    }
}

#[test]
fn a_file_is_found_by_its_path_and_by_all_that_it_declares() {
    let strings = Ok(vec!["strings/v1/strings.proto".to_owned()]);
    let path = "strings/v1/strings.proto".to_owned();
    assert_eq!(files(MessageRequest::FileByFilename(path)), strings);
    for symbol in [
        "strings.v1.Strings",
        "strings.v1.Strings.Uppercase",
        "strings.v1.UppercaseRequest",
        "strings.v1.UppercaseRequest.text",
    ] {
        let found = files(MessageRequest::FileContainingSymbol(symbol.to_owned()));
        assert_eq!(found, strings, "{symbol}");
    }
    let health = Ok(vec!["grpc/health/v1/health.proto".to_owned()]);
    for symbol in [
        "grpc.health.v1.HealthCheckResponse.ServingStatus",
        "grpc.health.v1.HealthCheckResponse.SERVING",
    ] {
        let found = files(MessageRequest::FileContainingSymbol(symbol.to_owned()));
        assert_eq!(found, health, "{symbol}");
    }
}

#[test]
fn a_file_brings_along_what_it_imports() {
    #[kitfox::message(package = "near.v1")]
    struct Near {
        far: Option<Far>,
    }

    #[kitfox::message(package = "far.v1")]
    struct Far {
        at: Option<kitfox_core::types::Timestamp>,
    }

    #[kitfox::service(package = "home.v1", unlocked)]
    trait Home {
        async fn go(&self, cx: &Context, near: Near) -> Result<(), kitfox_core::Error>;
    }

    let reflection = Reflection::of(&[HomeClient::CONTRACT]).unwrap();
    let place = reflection.place("home.v1.Home").unwrap();
    assert_eq!(reflection.0.files[place].imports.len(), 4, "near, far, a time, nothing");
}

#[test]
fn what_is_not_here_is_not_found() {
    let name = || "strings.v1.Nothing".to_owned();
    let extension = ExtensionRequest { containing_type: name(), extension_number: 1 };
    for question in [
        MessageRequest::FileByFilename(name()),
        MessageRequest::FileContainingSymbol(name()),
        MessageRequest::FileContainingSymbol(String::new()),
        MessageRequest::FileContainingExtension(extension),
        MessageRequest::AllExtensionNumbersOfType(name()),
    ] {
        assert_eq!(files(question.clone()), Err(5), "{question:?}");
    }
    let answer = reflection().answer(ServerReflectionRequest::default());
    let Some(MessageResponse::ErrorResponse(error)) = answer.message_response else {
        panic!("nothing was asked")
    };
    assert_eq!(error.error_code, 3);
    let known = MessageRequest::AllExtensionNumbersOfType("strings.v1.Word".to_owned());
    let question = ServerReflectionRequest { message_request: Some(known), ..Default::default() };
    let answer = reflection().answer(question).message_response;
    let none = ExtensionNumberResponse {
        base_type_name: "strings.v1.Word".to_owned(),
        extension_number: Vec::new(),
    };
    assert_eq!(answer, Some(MessageResponse::AllExtensionNumbersResponse(none)));
}

#[tokio::test]
async fn both_versions_answer_each_question_in_its_turn() {
    let list = || ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let service = ["grpc.health.v1.Health", "strings.v1.Strings"]
        .map(|name| ServiceResponse { name: name.to_owned() })
        .to_vec();
    let expected = MessageResponse::ListServicesResponse(ListServiceResponse { service });
    let cx = Context::background();
    let newer = v1::ServerReflectionClient::local(reflection());
    let older = v1alpha::ServerReflectionClient::local(reflection());
    let questions = || Streaming::of([list(), list()]);
    for mut answers in [
        newer.server_reflection_info(&cx, questions()).await.unwrap(),
        older.server_reflection_info(&cx, questions()).await.unwrap(),
    ] {
        for _ in 0..2 {
            let answer = answers.try_next().await.unwrap().unwrap();
            assert_eq!(answer.message_response.as_ref(), Some(&expected));
        }
        assert!(answers.next().await.is_none());
    }
}
