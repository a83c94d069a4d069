//! The contract as others read it.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use kitfox_core::Contract;

use super::{JSON, Pages, TEXT, raw};
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
        (Some(file), None) => raw(StatusCode::OK, TEXT, file.text.clone()),
        (Some(_), Some(_)) => {
            let text = "several packages are served here, each has a file of its own:\n";
            raw(StatusCode::MULTIPLE_CHOICES, TEXT, text.to_owned() + &list(&files))
        }
        (None, _) if files.is_empty() => {
            raw(StatusCode::NOT_FOUND, TEXT, "no services are here\n".to_owned())
        }
        (None, _) => {
            let text = "no such package is served here, but these are:\n";
            raw(StatusCode::NOT_FOUND, TEXT, text.to_owned() + &list(&files))
        }
    }
}

/// `/openapi.json`: everything, or what the package has that the query names.
pub(super) fn openapi(pages: &Pages, query: Option<&str>) -> Response<Full<Bytes>> {
    let named = package(query);
    let wanted = pages.contracts.iter().copied();
    let wanted: Vec<_> =
        wanted.filter(|contract| named.is_none_or(|named| contract.package == named)).collect();
    if wanted.is_empty() && named.is_some() {
        let packages: BTreeSet<_> = pages.contracts.iter().map(|it| it.package).collect();
        let line = |package| format!("/openapi.json?package={package}\n");
        let text = "no such package is served here, but these are:\n";
        let list: String = packages.into_iter().map(line).collect();
        return raw(StatusCode::NOT_FOUND, TEXT, text.to_owned() + &list);
    }
    let version = pages.version.as_deref().unwrap_or("0");
    match contract::openapi(&pages.name, version, &wanted) {
        Ok(document) => raw(StatusCode::OK, JSON, document),
        Err(error) => impossible(&error),
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
    raw(StatusCode::INTERNAL_SERVER_ERROR, TEXT, format!("{error}\n"))
}
