//! Descriptors are what `protoc` makes of the files.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use kitfox::contract;

use super::everything::ShopClient;
use super::proto::written;
use crate::foreign::{run, text};

#[test]
fn they_are_those_that_protoc_makes_of_the_files() {
    let contracts = [ShopClient::CONTRACT];
    let files = contract::proto(&contracts).unwrap();
    let directory = written(&files, "descriptor");
    let (theirs, ours) = (directory.join("theirs"), directory.join("ours"));
    let include = format!("-I{}", directory.display());
    let out = format!("--descriptor_set_out={}", theirs.display());
    let info = "--include_source_info";
    let mut arguments = vec![&*include, &*out, "--include_imports", info];
    arguments.extend(files.iter().map(|file| &*file.path));
    let Some(said) = run("protoc", &arguments) else { return };
    assert!(said.status.success(), "{}", text(&said.stderr));
    fs::write(&ours, contract::descriptor_set(&contracts).unwrap()).unwrap();

    let (theirs, ours) = (decoded(&theirs), decoded(&ours));
    let all = blocks(&ours);
    assert_eq!(all.len(), 8, "its own two, and those that it imports");
    for file in &files {
        let of = |set| {
            let named = format!("name: \"{}\"", file.path);
            let found = blocks(set).into_iter().find(|block| block.contains(&named));
            let found = found.unwrap_or_else(|| panic!("{} is missing", file.path));
            (without_places(&found), comments(&found))
        };
        let ((theirs, their_comments), (ours, our_comments)) = (of(&theirs), of(&ours));
        assert_eq!(ours, theirs);
        for comment in our_comments {
            assert!(their_comments.contains(&comment), "{comment} is not in {their_comments:#?}");
        }
    }
    assert!(comments(&ours).contains(&"leading_comments: \" Given by the shop.\\n\"".to_owned()));
}

/// A set as text of protobuf.
fn decoded(path: &Path) -> String {
    let set = "google.protobuf.FileDescriptorSet";
    let decoded = Command::new("protoc")
        .args(["--decode", set, "google/protobuf/descriptor.proto"])
        .stdin(Stdio::from(File::open(path).unwrap()))
        .output()
        .unwrap();
    assert!(decoded.status.success(), "{}", text(&decoded.stderr));
    text(&decoded.stdout)
}

/// The text of each file.
fn blocks(set: &str) -> Vec<String> {
    set.split("\nfile {").map(str::to_owned).collect()
}

/// A file without what tells places in its text.
fn without_places(file: &str) -> String {
    let (before, after) = file.split_once("  source_code_info {").unwrap_or((file, ""));
    let after = after.split_once("\n  }\n").map_or("", |(_, after)| after);
    (before.to_owned() + after).trim_start_matches("file {").trim().to_owned()
}

fn comments(file: &str) -> Vec<String> {
    let lines = file.lines().map(str::trim).filter(|line| line.starts_with("leading_comments: "));
    lines.map(str::to_owned).collect()
}
