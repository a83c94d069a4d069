//! The contract as data.

use kitfox::contract::{Idempotency, Route, Shape, Verb};
use kitfox::{DomainError, Service};

use super::texts::{Real, TextsClient, TextsError, TextsServer};

#[test]
fn it_says_what_the_trait_says() {
    let contract = TextsClient::CONTRACT;
    assert_eq!((contract.package, contract.name), ("texts.v1", "Texts"));
    assert_eq!(contract.docs, "Works on texts.\n\nFor tests.");
    let said: Vec<_> = contract
        .methods
        .iter()
        .map(|method| (method.path, method.shape, (method.input)().name, (method.output)().name))
        .collect();
    assert_eq!(
        said,
        [
            ("/texts.v1.Texts/Uppercase", Shape::Unary, "texts.v1.Text", "texts.v1.Text"),
            ("/texts.v1.Texts/Words", Shape::ServerStream, "texts.v1.Text", "texts.v1.Text"),
            ("/texts.v1.Texts/Join", Shape::ClientStream, "texts.v1.Text", "texts.v1.Text"),
            ("/texts.v1.Texts/Lengths", Shape::BothStream, "texts.v1.Text", "texts.v1.Number"),
            ("/texts.v1.Texts/Keep", Shape::Unary, "texts.v1.Text", "google.protobuf.Empty"),
            ("/texts.v1.Texts/Twice", Shape::Unary, "texts.v1.Text", "texts.v1.Text"),
        ]
    );
}

#[test]
fn it_holds_the_options_of_each_method() {
    let [uppercase, words, join, lengths, keep, twice] = TextsClient::CONTRACT.methods else {
        panic!("six methods");
    };
    let put = Route { verb: Verb::Put, template: "/v1/upper" };
    assert_eq!(uppercase.routes, [Route { verb: Verb::Post, template: "/v1/uppercase" }, put]);
    assert_eq!(uppercase.idempotency, Idempotency::Idempotent);
    assert_eq!(uppercase.docs, "Upper-cases a text.");
    assert_eq!(words.idempotency, Idempotency::Safe, "a GET changes nothing");
    assert_eq!((join.idempotency, join.routes), (Idempotency::None, &[][..]));
    assert_eq!((lengths.name, lengths.service), ("Lengths", "texts.v1.Texts"));
    assert!(keep.detached && !uppercase.detached);
    assert!(twice.deprecated && !uppercase.deprecated);
    assert_eq!(words.errors, TextsError::SCHEMA);
    assert_eq!(lengths.errors, kitfox::Error::SCHEMA);
}

#[test]
fn server_and_client_share_it() {
    let server = TextsServer::new(Real::default());
    assert!(std::ptr::eq(server.contract(), TextsClient::CONTRACT));
    assert_eq!(server.endpoints().len(), 6);
}
