//! The contract as others read it.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use kitfox_core::Contract;

use super::{TEXT, page};
use crate::contract::{self, ContractError, ProtoFile};

/// `/contract.proto`: the file of the package that the query names, or of the one that has services.
pub(super) fn proto(contracts: &[&'static Contract], query: Option<&str>) -> Response<Full<Bytes>> {
    let files = match contract::proto(contracts) {
        Ok(files) => files,
        Err(error) => return impossible(&error),
    };
    let named = package(query);
    let is_wanted = |file: &&ProtoFile| match named {
        Some(package) => file.package == package,
        None => contracts.iter().any(|contract| contract.package == file.package),
    };
    let mut wanted = files.iter().filter(is_wanted);
    match (wanted.next(), wanted.next()) {
        (Some(file), None) => page(StatusCode::OK, TEXT, file.text.clone()),
        (Some(_), Some(_)) => {
            let text = "several packages are served here, each has a file of its own:\n";
            page(StatusCode::MULTIPLE_CHOICES, TEXT, text.to_owned() + &list(&files))
        }
        (None, _) => {
            let text = "no such package is served here, but these are:\n";
            page(StatusCode::NOT_FOUND, TEXT, text.to_owned() + &list(&files))
        }
    }
}

/// Which package a query asks for.
fn package(query: Option<&str>) -> Option<&str> {
    query?.split('&').find_map(|pair| pair.strip_prefix("package="))
}

fn list(files: &[ProtoFile]) -> String {
    let line = |file: &ProtoFile| {
        format!("/contract.proto?package={}  to be saved as {}\n", file.package, file.path)
    };
    files.iter().map(line).collect()
}

fn impossible(error: &ContractError) -> Response<Full<Bytes>> {
    page(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n"))
}
