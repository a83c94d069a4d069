//! Writes the tonic peer's services as `tonic-build` writes them for everybody, from methods that
//! are described here instead of in a `.proto`, so that no `protoc` is needed.

use tonic_build::manual::{Builder, Method, MethodBuilder, Service};

fn main() {
    let uppercase = texts("uppercase", "Uppercase").build();
    let strings =
        Service::builder().name("Strings").package("strings.v1").method(uppercase).build();
    let streams = Service::builder()
        .name("Streams")
        .package("bench.v1")
        .method(texts("repeat", "Repeat").server_streaming().build())
        .method(
            texts("measure", "Measure")
                .output_type("crate::messages::Measured")
                .client_streaming()
                .build(),
        )
        .method(texts("answer", "Answer").client_streaming().server_streaming().build())
        .build();
    Builder::new().build_client(false).compile(&[strings, streams]);
}

fn texts(name: &str, route: &str) -> MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type("crate::messages::UppercaseRequest")
        .output_type("crate::messages::UppercaseResponse")
        .codec_path("tonic_prost::ProstCodec")
}
