//! OpenAPI, as it is and as tools of others take it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use kitfox::contract::{self, Contract};
use serde_json::{Value, json};
use strings::StringsClient;

use super::everything::ShopClient;
use crate::foreign::{missing, run, serving, text};

fn shop() -> Value {
    let text = contract::openapi("shop", "1.2.3", &[ShopClient::CONTRACT]).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_message_is_the_json_of_proto3() {
    let document = shop();
    let order = &document["components"]["schemas"]["Order"];
    let has = |name: &str, schema: Value| assert_eq!(order["properties"][name], schema, "{name}");
    assert_eq!(order["description"], "What is wanted.\n\nAnd how much of it.");
    let id = json!({
        "type": "string", "format": "uint64", "pattern": "^[0-9]+$", "description": "Given by the shop.",
    });
    has("id", id);
    has("note", json!({ "type": "string" }));
    let number = json!({ "type": "integer", "format": "int32" });
    has("offsets", json!({ "type": "array", "items": number }));
    has("to", json!({ "$ref": "#/components/schemas/Address" }));
    has("state", json!({ "$ref": "#/components/schemas/State" }));
    has("labels", json!({ "type": "object", "additionalProperties": { "type": "string" } }));
    has("placed", json!({ "type": "string", "format": "date-time" }));
    has("anything", json!({}));
    has("rebate", json!({ "type": "number", "format": "double" }));
    has("weightInKg", json!({ "type": "number", "format": "float" }));
    has("picture", json!({ "type": "string", "contentEncoding": "base64" }));
    has("parent", json!({ "$ref": "#/components/schemas/Order" }));
    let old = json!({ "type": "boolean", "deprecated": true, "description": "No longer filled." });
    has("old", old);
    let pairs = [["card", "invoice"], ["card", "payment"], ["invoice", "payment"]];
    let both = pairs.map(|pair| json!({ "required": pair }));
    assert_eq!(order["not"], json!({ "anyOf": both }), "one of a oneof at most");

    let state = &document["components"]["schemas"]["State"];
    let values = json!(["STATE_UNSPECIFIED", "STATE_PAID", "STATE_SHIPPED"]);
    assert_eq!(state["enum"], values);
    let docs =
        "How far it is.\n\n- `STATE_PAID`: The money is there.\n- `STATE_SHIPPED` (deprecated)";
    assert_eq!(state["description"], docs);
    assert_eq!(document["components"]["schemas"]["Shout"]["deprecated"], true);
}

#[test]
fn values_of_path_query_and_body_are_where_a_route_has_them() {
    let document = shop();
    let names = |operation: &Value, place: &str| {
        let all = operation["parameters"].as_array().cloned().unwrap_or_default();
        let there = all.iter().filter(|it| it["in"] == place);
        there.map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let show = &document["paths"]["/v1/orders/{id}"]["get"];
    assert_eq!(show["operationId"], "Shop_Show");
    assert_eq!(show["summary"], "Shows an order.");
    assert_eq!(show["tags"], json!(["Shop"]));
    assert_eq!(names(show, "path"), ["id"]);
    assert_eq!(names(show, "query"), ["withLines", "states", "address.city", "address.country"]);
    assert_eq!(show["requestBody"], Value::Null);

    // A dot in a name is more than generators can do.
    let change = &document["paths"]["/v1/orders/{id}/city/{address_city}"]["put"];
    assert_eq!(change["operationId"], "Shop_Change");
    assert_eq!(names(change, "path"), ["id", "address_city"]);
    let body = &change["requestBody"]["content"]["application/json"]["schema"]["properties"];
    assert_eq!((&body["id"], body["to"].is_object()), (&Value::Null, true));
    let second = &document["paths"]["/v1/orders/{id}"]["patch"];
    assert_eq!(second["operationId"], "Shop_Change_2");
}

#[test]
fn a_method_without_a_route_is_called_on_its_connect_path() {
    let document = shop();
    let shout = &document["paths"]["/shop.v1.Shop/Shout"]["post"];
    assert_eq!(shout["deprecated"], true);
    let failure = &shout["responses"]["default"]["content"]["application/json"]["schema"];
    assert_eq!(failure["$ref"], "#/components/schemas/ConnectError");
    let paths = document["paths"].as_object().unwrap().keys();
    let streams = ["/shop.v1.Shop/Gather", "/shop.v1.Shop/Talk"];
    assert!(paths.into_iter().all(|path| !streams.contains(&&**path)), "they take streams");
}

#[test]
fn failures_are_problems_with_the_reasons_of_the_service() {
    let document = shop();
    let responses = &document["paths"]["/v1/orders"]["post"]["responses"];
    let problem = json!({ "$ref": "#/components/schemas/Problem" });
    for (status, reason, about) in [
        ("400", "ODD", "- `ODD` (`invalid_argument`) (deprecated)"),
        ("404", "NO_ORDER", "- `NO_ORDER` (`not_found`): there is no order {id}"),
        (
            "503",
            "CLOSED",
            "- `CLOSED` (`unavailable`): the shop is closed. Trying again after 1m may help.",
        ),
    ] {
        let response = &responses[status];
        assert_eq!(response["x-reasons"], json!([reason]));
        assert_eq!(response["description"], about);
        assert_eq!(response["content"]["application/problem+json"]["schema"], problem);
    }
    assert_eq!(responses["default"]["content"]["application/problem+json"]["schema"], problem);
}

#[test]
fn a_stream_is_events_or_lines() {
    let document = shop();
    let ok = &document["paths"]["/v1/orders"]["get"]["responses"]["200"]["content"];
    for media in ["text/event-stream", "application/x-ndjson"] {
        assert_eq!(ok[media]["schema"]["type"], "string");
        assert_eq!(ok[media]["x-itemSchema"]["$ref"], "#/components/schemas/Order");
    }
}

/// Two versions whose routes differ in names only.
mod versions {
    #[kitfox::message(package = "texts.v1")]
    pub(super) struct Text {
        pub(super) text: String,
    }

    #[kitfox::message(package = "texts.v2", name = "Text")]
    pub(super) struct NewText {
        pub(super) words: String,
    }

    pub(super) mod v1 {
        #[kitfox::service(package = "texts.v1")]
        pub(in super::super) trait Texts {
            #[endpoint(get = "/texts/{text}")]
            async fn show(
                &self,
                cx: &kitfox::Context,
                text: super::Text,
            ) -> Result<super::Text, kitfox::Error>;
        }
    }

    pub(super) mod v2 {
        #[kitfox::service(package = "texts.v2")]
        pub(in super::super) trait Texts {
            #[endpoint(put = "/texts/{words}")]
            async fn show(
                &self,
                cx: &kitfox::Context,
                text: super::NewText,
            ) -> Result<super::NewText, kitfox::Error>;
        }
    }
}

#[test]
fn what_two_packages_have_carries_its_package() {
    let contracts = [versions::v1::TextsClient::CONTRACT, versions::v2::TextsClient::CONTRACT];
    let document = contract::openapi("texts", "1", &contracts).unwrap();
    let document: Value = serde_json::from_str(&document).unwrap();
    let path = &document["paths"]["/texts/{text}"];
    assert_eq!(path["get"]["operationId"], "texts_v1_Texts_Show");
    assert_eq!(path["put"]["operationId"], "texts_v2_Texts_Show");
    assert_eq!(path["put"]["parameters"][0]["name"], "text", "its name there is the first one's");
    assert_eq!(path["put"]["tags"], json!(["texts.v2.Texts"]));
    let schemas = &document["components"]["schemas"];
    assert!(schemas["texts.v1.Text"].is_object() && schemas["texts.v2.Text"].is_object());
    validates("texts", &contracts);
}

#[test]
fn a_validator_finds_nothing() {
    validates("shop", &[ShopClient::CONTRACT]);
    validates("both", &[ShopClient::CONTRACT, StringsClient::CONTRACT]);
}

#[test]
fn a_generated_client_calls_the_service() {
    serving(|address| {
        let Some(document) =
            document("strings", &[StringsClient::CONTRACT], "openapi_python_client")
        else {
            return;
        };
        let directory = document.with_file_name("generated");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        let package = directory.join("strings_client");
        let [from, to] = [document, package].map(|path| path.display().to_string());
        let arguments = ["-m", "openapi_python_client", "generate", "--path", &from];
        let output = ["--meta", "none", "--output-path", &to];
        let said = run(python(), &[&arguments[..], &output].concat()).unwrap();
        let said = (said.status.success(), text(&said.stdout) + &text(&said.stderr));
        assert!(said.0 && !said.1.contains("will not be generated"), "{}", said.1);

        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/openapi_client.py");
        let arguments = [script.display().to_string(), directory.display().to_string()];
        let said = run(python(), &["-B", &arguments[0], address, &arguments[1]]).unwrap();
        assert!(said.status.success(), "{}{}", text(&said.stdout), text(&said.stderr));
    });
}

fn validates(name: &str, contracts: &[&'static Contract]) {
    let Some(document) = document(name, contracts, "openapi_spec_validator") else { return };
    let path = document.display().to_string();
    let said = run(python(), &["-m", "openapi_spec_validator", "--schema", "3.1", &path]).unwrap();
    assert!(said.status.success(), "{}{}", text(&said.stdout), text(&said.stderr));
}

/// The document in a file, unless Python lacks the module that is to read it.
fn document(name: &str, contracts: &[&'static Contract], module: &str) -> Option<PathBuf> {
    let found = run(python(), &["-c", &format!("import {module}")])?;
    if !found.status.success() {
        return missing(&python(), &format!("{module} is not installed"));
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{name}-{module}.json"));
    fs::write(&path, contract::openapi(name, "1.2.3", contracts).unwrap()).unwrap();
    Some(path)
}

fn python() -> OsString {
    std::env::var_os("KITFOX_PYTHON").unwrap_or_else(|| "python3".into())
}
