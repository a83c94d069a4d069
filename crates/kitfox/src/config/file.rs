//! The file: TOML, each table of it a part of the keys' names.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::position;
use super::nearest::unknown_key;
use super::{Draft, Environment, FILE_VARIABLE, KEYS, Origin, Stacks};

/// What a configuration may weigh. Whoever names a wrong file, or a device, learns so.
const LARGEST: u64 = 1 << 20;

/// The file, where there is one, and who named it: the environment, or code by `by_code`.
pub(crate) fn named(
    environment: &Environment,
    by_code: Option<&Path>,
) -> Option<(PathBuf, Origin)> {
    if let Some(path) = environment.value(FILE_VARIABLE) {
        return Some((path.into(), Origin::Variable(FILE_VARIABLE.into())));
    }
    Some((by_code?.to_owned(), Origin::Code))
}

/// Reads the file at `path`, which `named_by` named, into `draft`.
pub(super) fn read(path: &Path, named_by: Origin, draft: &mut Draft<'_>) {
    let text = match text(path) {
        Ok(text) => text,
        Err(failure) => {
            // A relative path does not tell where the file was looked for.
            let whole = std::path::absolute(path);
            let value = whole.as_deref().unwrap_or(path).display().to_string();
            let mend = format!("the file cannot be read: {failure}; name another or none");
            return draft.problem("config", &value, named_by, mend);
        }
    };
    match DeTable::parse(&text) {
        Ok(table) => Walk { path, text: &text, draft }.table("", table.get_ref()),
        Err(failure) => {
            let line = failure.span().map(|span| line(&text, span.start));
            let mend = format!("the file is no TOML: {}", failure.message());
            let value = path.display().to_string();
            draft.problem("config", &value, Origin::file(path, line), mend);
        }
    }
}

fn text(path: &Path) -> std::io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    if metadata.len() > LARGEST {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    std::fs::read_to_string(path)
}

/// The line, from 1, of the byte at `position`.
fn line(text: &str, position: usize) -> usize {
    text.bytes().take(position).filter(|byte| *byte == b'\n').count() + 1
}

struct Walk<'a, 'b> {
    path: &'a Path,
    text: &'a str,
    draft: &'a mut Draft<'b>,
}

impl Walk<'_, '_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let line = line(self.text, key.span().start);
            self.entry(&name, value, Origin::file(self.path, Some(line)));
        }
    }

    fn entry(&mut self, name: &str, value: &Spanned<DeValue<'_>>, origin: Origin) {
        if let DeValue::Table(table) = value.get_ref() {
            let prefix = format!("{name}.");
            if Stacks::owns(name) || KEYS.iter().any(|key| key.name.starts_with(&prefix)) {
                return self.table(&prefix, table);
            }
        }
        match (position(name), scalar(value.get_ref())) {
            (_, Some(text)) => self.draft.set(name, &text, origin),
            (None, None) => self.problem(name, value, origin, unknown_key(name)),
            (Some(index), None) => {
                self.problem(name, value, origin, format!("give {}", KEYS[index].expects));
            }
        }
    }

    fn problem(&mut self, name: &str, value: &Spanned<DeValue<'_>>, origin: Origin, mend: String) {
        let kind = value.get_ref().type_str();
        self.draft.problem(name, &format!("({kind})"), origin, mend);
    }
}

/// The text of a value, as it would stand in a variable.
fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Boolean(switch) => Some(switch.to_string()),
        DeValue::Integer(number) => Some(integer(number)),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn integer(number: &DeInteger<'_>) -> String {
    let parsed = i64::from_str_radix(number.as_str(), number.radix());
    parsed.map_or_else(|_| number.as_str().to_owned(), |number| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    fn read_text(text: &str) -> Result<crate::config::Configuration, Vec<String>> {
        let stacks = Stacks::default();
        let mut draft = Draft::new(&Environment::default(), &stacks);
        let path = Path::new("kitfox.toml");
        let table = DeTable::parse(text).unwrap();
        Walk { path, text, draft: &mut draft }.table("", table.get_ref());
        draft.finish().map_err(|error| error.problems().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn tables_are_parts_of_names() {
        let text = "announce = false\nlimits.streams = 0x10\n[drain]\ncalls = \"3s\"\n";
        let configuration = read_text(text).unwrap();
        assert!(!configuration.settings().announce);
        assert_eq!(configuration.settings().limits.streams, 16);
        assert_eq!(configuration.settings().drain.calls.as_secs(), 3);
        let origin = configuration.origin("drain.calls").unwrap();
        assert_eq!(origin.to_string(), "kitfox.toml:4");
    }

    #[test]
    fn whatever_does_not_fit_is_named_with_its_line() {
        let text =
            "listen = [1]\n[drian]\ncalls = \"3s\"\n[drain]\ncalls = 3\n[drain.tasks]\nx = 1\n";
        assert_eq!(
            read_text(text).unwrap_err(),
            [
                "drain.calls = \"3\" (kitfox.toml:5): give a duration of at most 1000h with its \
                 unit, such as `500ms`, `20s`, `5m` or `1h`",
                "drain.tasks = \"(table)\" (kitfox.toml:6): give a duration of at most 1000h with \
                 its unit, such as `500ms`, `20s`, `5m` or `1h`",
                "drian = \"(table)\" (kitfox.toml:2): there is no such key; did you mean `drain`?",
                "listen = \"(array)\" (kitfox.toml:1): give an IP address and a port, such as \
                 `127.0.0.1:8080` or `0.0.0.0:8080`",
            ]
        );
    }
}
