//! How a type is called from where it is mentioned.

use crate::contract::files::{File, Files};

/// The shortest name that protobuf takes for the type `name`, mentioned in `file` within `scope`
/// (a service, or a message).
///
/// A name is looked for in the innermost scope first, and what its first part means there counts.
pub(super) fn reference(files: &Files, file: &File, scope: &str, name: &str) -> String {
    let short = file.local(name).unwrap_or(name);
    let (first, rest) = short.split_once('.').map_or((short, None), |(a, b)| (a, Some(b)));
    let mut scope = Some(scope);
    loop {
        let found = match scope {
            Some(scope) => format!("{scope}.{first}"),
            None => first.to_owned(),
        };
        if files.is_other(&found) {
            return format!(".{name}");
        }
        if files.find(&found).is_some() || rest.is_some() && is_scope(files, &found) {
            let meant = rest.map_or(found.clone(), |rest| format!("{found}.{rest}"));
            return if meant == name { short.to_owned() } else { format!(".{name}") };
        }
        let Some(inner) = scope else { return format!(".{name}") };
        scope = inner.rsplit_once('.').map(|(outer, _)| outer);
    }
}

/// Whether something lies in `name`: a package, or a message.
fn is_scope(files: &Files, name: &str) -> bool {
    let within = |known: &str| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    files.types().any(|known| within(&known.name))
        || files.files.iter().any(|file| file.package == name || within(&file.package))
}
