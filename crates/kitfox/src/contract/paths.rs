//! Where a `.proto` file lies: importers and generators go by it.

/// The path of the file that holds `name`, the full name of something in `package`.
///
/// It is the package's directory, as `buf` wants it, and in it one file for the package. Google's
/// files are where everybody has them.
pub(crate) fn path_of(package: &str, name: &str) -> String {
    let google = match name.strip_prefix("google.protobuf.") {
        Some("Any") => "any",
        Some("Duration") => "duration",
        Some("Empty") => "empty",
        Some("Timestamp") => "timestamp",
        Some("Struct" | "Value" | "ListValue" | "NullValue") => "struct",
        Some(_) => "wrappers",
        None => "",
    };
    if !google.is_empty() {
        return format!("google/protobuf/{google}.proto");
    }
    match name.strip_prefix("google.rpc.") {
        Some("Status") => return "google/rpc/status.proto".to_owned(),
        Some(_) => return "google/rpc/error_details.proto".to_owned(),
        None => {}
    }
    let mut parts = package.rsplit('.');
    let last = parts.next().unwrap_or_default();
    let file = if is_version(last) { parts.next().unwrap_or(last) } else { last };
    format!("{}/{file}.proto", package.replace('.', "/"))
}

/// `v1`, `v2beta1`.
fn is_version(part: &str) -> bool {
    let Some(rest) = part.strip_prefix('v') else { return false };
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let rest = rest.strip_prefix("alpha").or(rest.strip_prefix("beta")).unwrap_or(rest);
    part.len() > 1
        && part[1..].starts_with(|letter: char| letter.is_ascii_digit())
        && rest.chars().all(|letter| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_directory_and_its_version_is_no_name() {
        for (package, path) in [
            ("strings.v1", "strings/v1/strings.proto"),
            ("acme.strings.v2beta1", "acme/strings/v2beta1/strings.proto"),
            ("texts", "texts/texts.proto"),
            ("v1", "v1/v1.proto"),
            ("acme.vault", "acme/vault/vault.proto"),
            ("grpc.reflection.v1alpha", "grpc/reflection/v1alpha/reflection.proto"),
        ] {
            assert_eq!(path_of(package, &format!("{package}.X")), path);
        }
        assert_eq!(
            path_of("google.protobuf", "google.protobuf.Value"),
            "google/protobuf/struct.proto"
        );
        assert_eq!(path_of("google.rpc", "google.rpc.ErrorInfo"), "google/rpc/error_details.proto");
    }
}
