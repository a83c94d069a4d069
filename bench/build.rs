//! Writes the tonic peer's service as `tonic-build` writes it for everybody, from a method that is
//! described here instead of in a `.proto`, so that no `protoc` is needed.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let uppercase = Method::builder()
        .name("uppercase")
        .route_name("Uppercase")
        .input_type("crate::servers::messages::UppercaseRequest")
        .output_type("crate::servers::messages::UppercaseResponse")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let strings =
        Service::builder().name("Strings").package("strings.v1").method(uppercase).build();
    Builder::new().build_client(false).compile(&[strings]);
}
