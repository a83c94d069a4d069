use std::process::{Command, Stdio};

use super::*;

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("kitfox-directory-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Scratch(path)
    }

    fn list(&self) -> Snapshot {
        look(&self.0.join("shop"), &Read::new()).0.unwrap()
    }

    fn put(&self, name: &str, text: &str) {
        fs::create_dir_all(self.0.join("shop")).unwrap();
        fs::write(self.0.join("shop").join(name), text).unwrap();
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.join("shop")).map_or(0, Iterator::count)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let directory = Directory::new("/nowhere");
    for name in ["", ".", "..", "../shop", "a/b", ".hidden", "a\0b", &"x".repeat(129)] {
        assert!(matches!(directory.of(name), Err(RegistryError::Name { .. })), "{name:?}");
    }
    assert!(directory.of("shop.v1.Catalog").is_ok());
}

#[test]
fn who_can_never_be_registered_is_told_without_a_look_at_the_disk() {
    let directory = Directory::new("/nowhere");
    let check =
        |service: &str, instance: &Instance| Registrar::check(&directory, service, instance);
    assert_eq!(check("shop", &Instance::new("a:1")), Ok(()));
    let large = Instance::new("a:1").with("notes", "x".repeat(70_000));
    for (service, instance, what) in [
        ("my shop", Instance::new("a:1"), "service"),
        ("shop", Instance::new("a"), "address"),
        ("shop", large, "instance"),
    ] {
        let error = check(service, &instance).unwrap_err();
        let named = matches!(&error, RegistryError::Name { what: it, .. } if *it == what);
        assert!(named, "{error}");
    }
}

#[test]
fn files_of_dead_processes_are_ignored_and_removed_and_those_of_others_are_not() {
    let scratch = Scratch::new("dead");
    scratch.put("a_1-0.json", r#"{"address":"a:1"}"#);
    scratch.put(".kitfox-b_1-0.json", "{");
    scratch.put("notes.txt", "mine");
    scratch.put("garbage.json", "not JSON");
    let list = scratch.list();
    assert!(list.is_empty());
    let entries: Vec<_> = list.ignored().iter().map(|ignored| &*ignored.entry).collect();
    assert_eq!(entries, ["garbage.json", "notes.txt"], "and they are reported");
    assert_eq!(scratch.files(), 3, "what has no name yet may get it in a moment");
    let (_, read) = look(&scratch.0.join("shop"), &Read::new());
    let _ = look(&scratch.0.join("shop"), &read);
    assert_eq!(scratch.files(), 2);
}

#[test]
fn a_file_is_whole_and_locked_when_it_is_seen() {
    let scratch = Scratch::new("whole");
    let instance = Instance::new("127.0.0.1:8080").zone("west");
    let own = Own::write(&scratch.0.join("shop"), &instance, 7).unwrap();
    assert_eq!(scratch.list().instances(), [instance]);
    assert_eq!(scratch.files(), 1);
    drop(own);
    assert_eq!(scratch.files(), 0);
}

#[test]
fn a_file_that_was_put_in_its_place_is_not_removed() {
    let scratch = Scratch::new("place");
    let own = Own::write(&scratch.0.join("shop"), &Instance::new("a:1"), 7).unwrap();
    fs::remove_file(&own.path).unwrap();
    assert!(own.check().unwrap_err().to_string().contains("is gone"));
    fs::write(&own.path, "another").unwrap();
    assert!(own.check().unwrap_err().to_string().contains("another file"));
    drop(own);
    assert_eq!(scratch.files(), 1);
}

/// The lock of a process goes with it, however it ends: `flock` of util-linux stands for it.
#[cfg(target_os = "linux")]
#[test]
fn a_process_that_is_killed_is_not_listed_any_more() {
    let scratch = Scratch::new("killed");
    scratch.put("a_1-0.json", r#"{"address":"a:1"}"#);
    let file = scratch.0.join("shop").join("a_1-0.json");
    let command = ["--no-fork", file.to_str().unwrap(), "cat"];
    let holder = Command::new("flock").args(command).stdin(Stdio::piped()).spawn();
    // It is on every Debian; where it is not, other tests hold the rest.
    let Ok(mut holder) = holder else { return };
    let waited = std::time::Duration::from_millis(5);
    let mut looks = 0;
    while File::open(&file).unwrap().try_lock_shared().is_ok() {
        looks += 1;
        assert!(looks < 2_000, "the other process does not lock the file");
        let (_tell, wait) = std::sync::mpsc::channel::<()>();
        let _ = wait.recv_timeout(waited);
    }
    assert_eq!(scratch.list().len(), 1);
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(scratch.list().is_empty());
    assert_eq!(scratch.files(), 0);
}
