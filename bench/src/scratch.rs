//! Files that tools read and write.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, While};

/// A file in the temporary folder, gone with this value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        Self(temporary(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It may never have been written.
        let _gone = std::fs::remove_file(&self.0);
    }
}

/// A folder in the temporary folder, gone with this value and with what is in it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Result<Self, Failure> {
        let path = temporary(name);
        std::fs::create_dir_all(&path).failed_while("making a temporary folder")?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind is small and in the temporary folder.
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("kitfox-bench-{}-{name}", std::process::id()))
}
