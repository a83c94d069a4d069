//! The test that `#[kitfox::service]` makes: the code beside the lock.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use kitfox_core::contract::Contract;

use super::compare::Changes;
use super::{Section, describe, file};

/// What the test may do about a difference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nothing.
    Check,
    /// Write what is new.
    Write,
    /// Write what breaks peers, too.
    Accept,
}

/// Holds `contract` against `kitfox.lock` in `directory`, or brings that up to date, as the variable
/// `KITFOX_LOCK` says.
///
/// # Panics
/// When the two differ: it is a test.
#[track_caller]
pub fn check(contract: &'static Contract, directory: &str) {
    let path = Path::new(directory).join("kitfox.lock");
    let mode = match std::env::var("KITFOX_LOCK") {
        Ok(mode) if mode == "write" => Mode::Write,
        Ok(mode) if mode == "accept" => Mode::Accept,
        Ok(mode) => panic!("KITFOX_LOCK is `{mode}` and can be `write` or `accept`"),
        Err(_) => Mode::Check,
    };
    if let Err(why) = hold(contract, &path, mode) {
        panic!("{why}");
    }
}

fn hold(contract: &'static Contract, path: &Path, mode: Mode) -> Result<(), String> {
    // A contract that nobody can describe is told, locked or not.
    let now = describe(contract).map_err(|error| error.to_string())?;
    if mode == Mode::Check {
        // Nothing is locked without a lock.
        let Ok(text) = fs::read_to_string(path) else { return Ok(()) };
        let changes = since(&text, &now, path)?;
        return if changes.is_empty() { Ok(()) } else { Err(difference(&now, path, &changes)) };
    }
    let failed = |error: io::Error| format!("cannot write {}: {error}", path.display());
    let mut lock = Locked::open(path).map_err(failed)?;
    let changes = since(&lock.text, &now, path)?;
    if mode == Mode::Write && !changes.breaking.is_empty() {
        return Err(difference(&now, path, &changes));
    }
    let mut sections = parse(&lock.text, path)?;
    sections.retain(|section| section.service != now.service);
    sections.push(now);
    lock.replace(&file(&mut sections)).map_err(failed)
}

/// What has changed since `text` was written.
fn since(text: &str, now: &Section, path: &Path) -> Result<Changes, String> {
    let sections = parse(text, path)?;
    let locked = sections.into_iter().find(|section| section.service == now.service);
    Ok(match locked {
        Some(locked) => Changes::between(&locked, now),
        None => {
            let compatible = vec![format!("service {} is new", now.service)];
            Changes { compatible, ..Changes::default() }
        }
    })
}

fn parse(text: &str, path: &Path) -> Result<Vec<Section>, String> {
    Section::parse(text).map_err(|why| {
        let path = path.display();
        format!("{path}: {why}. Take the file from version control, or delete it and write it anew: KITFOX_LOCK=write cargo test kitfox_lock")
    })
}

/// What the test says when it fails.
fn difference(now: &Section, path: &Path, changes: &Changes) -> String {
    let mut text = format!("{} is not as {} has it.\n", now.service, path.display());
    let mut list = |head: &str, lines: &[String], command: &str| {
        if !lines.is_empty() {
            let lines: String = lines.iter().map(|line| format!("- {line}\n")).collect();
            text.push_str(&format!("\n{head}\n{lines}{command}\n"));
        }
    };
    list(
        "This breaks peers that know the lock:",
        &changes.breaking,
        "Where that is meant, and no such peer is left: KITFOX_LOCK=accept cargo test kitfox_lock",
    );
    list(
        "This breaks nobody, and is not in the lock yet:",
        &changes.compatible,
        "To write it down: KITFOX_LOCK=write cargo test kitfox_lock",
    );
    text
}

/// The file, held against the tests of other services that write it at the same time.
struct Locked {
    file: File,
    text: String,
}

impl Locked {
    fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        file.lock()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        Ok(Locked { file, text })
    }

    fn replace(&mut self, text: &str) -> io::Result<()> {
        if self.text == text {
            return Ok(());
        }
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use kitfox_core::contract::Method;
    use strings::StringsClient;

    use super::*;

    /// A directory that is gone after the test.
    struct Directory(std::path::PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let name = format!("kitfox-lock-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::create_dir_all(&path).unwrap();
            Directory(path)
        }

        fn lock(&self) -> std::path::PathBuf {
            self.0.join("kitfox.lock")
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// The strings service as another version has it.
    fn version(change: impl FnOnce(&mut Contract)) -> &'static Contract {
        let Contract { package, name, docs, deprecated, methods } = *StringsClient::CONTRACT;
        let mut contract = Contract { package, name, docs, deprecated, methods };
        change(&mut contract);
        Box::leak(Box::new(contract))
    }

    #[test]
    fn without_a_lock_nothing_is_held() {
        let directory = Directory::new("none");
        assert_eq!(hold(StringsClient::CONTRACT, &directory.lock(), Mode::Check), Ok(()));
        assert!(!directory.lock().exists());
    }

    #[test]
    fn what_was_written_holds_until_something_changes() {
        let directory = Directory::new("whole");
        let path = directory.lock();
        let first: &'static [Method] = &StringsClient::CONTRACT.methods[..1];
        let small = version(|contract| contract.methods = first);
        assert_eq!(hold(small, &path, Mode::Write), Ok(()));
        assert_eq!(hold(small, &path, Mode::Check), Ok(()));

        let why = hold(StringsClient::CONTRACT, &path, Mode::Check).unwrap_err();
        assert!(why.starts_with("strings.v1.Strings is not as "), "{why}");
        assert!(why.contains("\n- method Count is new\n"), "{why}");
        assert!(why.contains("KITFOX_LOCK=write cargo test kitfox_lock"), "{why}");
        assert_eq!(hold(StringsClient::CONTRACT, &path, Mode::Write), Ok(()));
        assert_eq!(hold(StringsClient::CONTRACT, &path, Mode::Check), Ok(()));
    }

    #[test]
    fn a_break_is_written_only_where_it_is_accepted() {
        let directory = Directory::new("break");
        let path = directory.lock();
        assert_eq!(hold(StringsClient::CONTRACT, &path, Mode::Write), Ok(()));
        let locked = fs::read_to_string(&path).unwrap();
        let first: &'static [Method] = &StringsClient::CONTRACT.methods[..1];
        let small = version(|contract| contract.methods = first);
        for mode in [Mode::Check, Mode::Write] {
            let why = hold(small, &path, mode).unwrap_err();
            assert!(why.contains("\n- method Count is gone: "), "{why}");
            assert!(why.contains("KITFOX_LOCK=accept cargo test kitfox_lock"), "{why}");
            assert_eq!(fs::read_to_string(&path).unwrap(), locked);
        }
        assert_eq!(hold(small, &path, Mode::Accept), Ok(()));
        assert_eq!(hold(small, &path, Mode::Check), Ok(()));
    }

    #[test]
    fn services_share_the_file_and_leave_each_other_alone() {
        let directory = Directory::new("shared");
        let path = directory.lock();
        let second = version(|contract| contract.package = "strings.v2");
        assert_eq!(hold(second, &path, Mode::Write), Ok(()));
        let why = hold(StringsClient::CONTRACT, &path, Mode::Check).unwrap_err();
        assert!(why.contains("\n- service strings.v1.Strings is new\n"), "{why}");
        assert_eq!(hold(StringsClient::CONTRACT, &path, Mode::Write), Ok(()));
        for contract in [second, StringsClient::CONTRACT] {
            assert_eq!(hold(contract, &path, Mode::Check), Ok(()));
        }
        let whole = crate::contract::lock(&[second, StringsClient::CONTRACT]).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), whole);
    }

    #[test]
    fn a_spoilt_lock_is_no_lock_and_says_where() {
        let directory = Directory::new("spoilt");
        fs::write(directory.lock(), "# head\n<<<<<<< HEAD\n").unwrap();
        for mode in [Mode::Check, Mode::Write, Mode::Accept] {
            let why = hold(StringsClient::CONTRACT, &directory.lock(), mode).unwrap_err();
            assert!(why.contains("line 2 is none of a lock: `<<<<<<< HEAD`"), "{why}");
        }
    }
}
