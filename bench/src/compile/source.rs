//! The programs that are compiled: services that differ in nothing but the number of methods.

use std::fmt::Write;
use std::path::Path;

/// The package of so many methods.
pub(super) fn name(methods: usize) -> String {
    format!("methods-{methods}")
}

pub(super) fn manifest(methods: usize, kitfox: &Path) -> String {
    format!(
        r#"[package]
name = "{}"
edition = "2024"

[dependencies]
kitfox = {{ path = '{}' }}
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}
"#,
        name(methods),
        kitfox.display()
    )
}

pub(super) fn program(methods: usize) -> String {
    let (mut messages, mut signatures, mut bodies) = (String::new(), String::new(), String::new());
    for index in 1..=methods {
        write!(messages, "{}", message(index)).expect("writing to a string never fails");
        write!(signatures, "{};", signature(index)).expect("writing to a string never fails");
        write!(bodies, "{} {{ {} }}", signature(index), body(index))
            .expect("writing to a string never fails");
    }
    format!(
        "use kitfox::{{Context, Host}};
        {messages}
        #[kitfox::error]
        pub enum Failure {{
            /// the text is empty
            #[code(InvalidArgument)]
            Empty,
            #[call]
            Call(kitfox::Error),
        }}
        #[kitfox::service(package = \"bench.v1\")]
        pub trait Many {{ {signatures} }}
        struct Handler;
        impl Many for Handler {{ {bodies} }}
        #[tokio::main]
        async fn main() -> Result<(), kitfox::HostError> {{
            Host::new(\"many\").serve(ManyServer::new(Handler)).run().await
        }}"
    )
}

fn message(index: usize) -> String {
    format!(
        "#[kitfox::message] pub struct Request{index} {{ pub text: String, pub count: u64 }}
        #[kitfox::message] pub struct Response{index} {{ pub text: String, pub tags: Vec<String> }}
        "
    )
}

fn signature(index: usize) -> String {
    format!(
        "async fn method{index}(&self, _: &Context, request: Request{index}) \
         -> Result<Response{index}, Failure>"
    )
}

fn body(index: usize) -> String {
    format!(
        "if request.text.is_empty() {{ return Err(Failure::Empty); }}
        Ok(Response{index} {{ text: request.text, tags: Vec::new() }})"
    )
}
