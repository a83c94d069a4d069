//! `.proto` files, as they are and as protobuf's own tools take them.

use std::fs;
use std::path::{Path, PathBuf};

use kitfox::contract::{self, ContractError, ProtoFile};
use kitfox::{Context, Error};

use super::everything::ShopClient;
use crate::foreign::{run, text};

#[test]
fn everything_that_a_contract_has_is_in_the_file() {
    let files = contract::proto(&[ShopClient::CONTRACT]).unwrap();
    let [shop, common] = &files[..] else { panic!("two packages") };
    assert_eq!(shop.package, "shop.v1");
    assert_eq!(shop.path, "shop/v1/shop.proto");
    assert_eq!(shop.text, include_str!("shop.proto"));
    assert_eq!(common.path, "common/v1/common.proto");
    assert!(common.text.contains("// In capitals.\n  string country = 2;"), "{}", common.text);
}

/// Names that mean something else in an inner scope.
mod hidden {
    #[kitfox::message(package = "a.b.v1", name = "Outer.Inner")]
    pub(super) struct InnerOfOuter {
        pub(super) x: i32,
    }

    #[kitfox::message(package = "a.b.v1")]
    pub(super) struct Inner {
        pub(super) y: i32,
    }

    #[kitfox::message(package = "b.v1")]
    pub(super) struct Far {
        pub(super) z: i32,
    }

    #[kitfox::message(package = "a.b.v1")]
    pub(super) struct Outer {
        pub(super) near: Option<InnerOfOuter>,
        pub(super) other: Option<Inner>,
        pub(super) far: Option<Far>,
    }

    #[kitfox::service(package = "a.b.v1")]
    pub(super) trait Hidden {
        async fn call(&self, cx: &kitfox::Context, r: Outer) -> Result<Inner, kitfox::Error>;
    }
}

#[test]
fn a_name_with_another_meaning_nearby_is_written_in_full() {
    let files = contract::proto(&[hidden::HiddenClient::CONTRACT]).unwrap();
    for line in [
        "rpc Call(Outer) returns (Inner);",
        "Outer.Inner near = 1;",
        ".a.b.v1.Inner other = 2;",
        ".b.v1.Far far = 3;",
    ] {
        assert!(files[0].text.contains(line), "{line} is not in\n{}", files[0].text);
    }
    compiles(&files, "hidden");
}

#[test]
fn two_meanings_of_a_name_are_told() {
    mod other {
        #[kitfox::message]
        pub(super) struct Text {
            pub(super) words: Vec<String>,
        }
    }

    #[kitfox::message]
    struct Text {
        text: String,
    }

    #[kitfox::service(package = "texts.v1", unlocked)]
    trait Texts {
        async fn split(&self, cx: &Context, text: Text) -> Result<other::Text, Error>;
    }

    let error = contract::proto(&[TextsClient::CONTRACT]).unwrap_err();
    assert!(matches!(&error, ContractError::SameName { name, .. } if name == "texts.v1.Text"));
    let why = "two different types have it. Rename one";
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn protoc_compiles_it() {
    let contracts = [ShopClient::CONTRACT, strings::StringsClient::CONTRACT];
    compiles(&contract::proto(&contracts).unwrap(), "protoc");
}

#[test]
fn buf_finds_nothing_but_what_the_names_of_the_contract_say() {
    let contracts = [ShopClient::CONTRACT, strings::StringsClient::CONTRACT];
    let directory = written(&contract::proto(&contracts).unwrap(), "buf");
    let directory = directory.to_str().unwrap();
    let Some(said) = run("buf", &["lint", directory, "--error-format", "json"]) else { return };
    // These are about names, which are the user's.
    let of_names = [
        "SERVICE_SUFFIX",
        "RPC_REQUEST_STANDARD_NAME",
        "RPC_RESPONSE_STANDARD_NAME",
        "RPC_REQUEST_RESPONSE_UNIQUE",
    ];
    let said = text(&said.stdout) + &text(&said.stderr);
    for line in said.lines() {
        let finding: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("{said}"));
        let rule = finding["type"].as_str().unwrap();
        assert!(of_names.contains(&rule), "{line}");
    }
    assert!(said.contains("SERVICE_SUFFIX"), "it looked at something: {said}");
}

/// Compiles the files with protoc.
fn compiles(files: &[ProtoFile], name: &str) {
    let directory = written(files, name);
    let include = format!("-I{}", directory.display());
    let out = format!("--descriptor_set_out={}", directory.join("set").display());
    let mut arguments = vec![&*include, &*out];
    arguments.extend(files.iter().map(|file| &*file.path));
    let Some(said) = run("protoc", &arguments) else { return };
    assert!(said.status.success(), "{}", text(&said.stderr));
    // An import that is not needed is a warning.
    assert_eq!(text(&said.stderr), "");
}

/// Writes the files where they belong, under a directory of their own.
pub(super) fn written(files: &[ProtoFile], name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("proto").join(name);
    let _ = fs::remove_dir_all(&root);
    for file in files {
        let path = root.join(&file.path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.text).unwrap();
    }
    root
}

#[test]
fn packages_that_use_each_other_are_told() {
    #[kitfox::message(package = "one.v1")]
    struct First {
        second: Option<Box<Second>>,
    }

    #[kitfox::message(package = "two.v1")]
    struct Second {
        first: Option<Box<First>>,
    }

    #[kitfox::service(package = "one.v1", unlocked)]
    trait Circle {
        async fn call(&self, cx: &Context, first: First) -> Result<(), Error>;
    }

    let error = contract::proto(&[CircleClient::CONTRACT]).unwrap_err();
    assert!(matches!(error, ContractError::Circle { .. }), "{error}");
    assert!(error.to_string().contains("put what both use into a third package"), "{error}");
}
