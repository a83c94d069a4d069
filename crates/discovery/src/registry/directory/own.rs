//! The file of an instance in this process.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{ENDING, UNFINISHED, entry, failed};
use crate::{Instance, RegistryError};

/// A file that is locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) path: PathBuf,
    file: File,
}

impl Own {
    /// Writes the file of `instance` into `directory`, whole and locked before it has its name.
    pub(super) fn write(
        directory: &Path,
        instance: &Instance,
        random: u64,
    ) -> Result<Self, RegistryError> {
        let text = entry::write(instance)?;
        fs::create_dir_all(directory).map_err(|why| failed("making", directory, &why))?;
        let sane = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let address: String = instance.address.chars().take(80).map(sane).collect();
        // Nobody else ever has this name, so that no file is taken for the one before it.
        let name = format!("{address}-{random:016x}{ENDING}");
        let unfinished = directory.join(format!("{UNFINISHED}{name}"));
        let path = directory.join(&name);
        let written = || {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&unfinished)?;
            file.lock()?;
            file.write_all(text.as_bytes())?;
            fs::rename(&unfinished, &path)?;
            Ok(file)
        };
        match written() {
            Ok(file) => Ok(Own { path, file }),
            Err(why) => {
                let _ = fs::remove_file(&unfinished);
                Err(failed("writing", &unfinished, &why))
            }
        }
    }

    /// Whether it is still there.
    pub(super) fn check(&self) -> Result<(), RegistryError> {
        let lost = |why: String| RegistryError::Lost(format!("{} {why}", self.path.display()));
        match (identity(&self.file), identity_at(&self.path)) {
            (Ok(own), Ok(named)) if own == named => Ok(()),
            (_, Ok(_)) => Err(lost("is another file now".to_owned())),
            (_, Err(why)) if why.kind() == io::ErrorKind::NotFound => {
                Err(lost("is gone".to_owned()))
            }
            (_, Err(why)) => Err(lost(format!("cannot be looked at: {why}"))),
        }
    }

    /// Removes it, if it is still there.
    pub(super) fn remove(&self) -> Result<(), RegistryError> {
        if self.check().is_err() {
            return Ok(());
        }
        match fs::remove_file(&self.path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                Err(failed("removing", &self.path, &why))
            }
            _ => Ok(()),
        }
    }
}

/// A process that ends in good order leaves nothing behind; where it does not, others sweep.
impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.remove();
    }
}

/// What tells a file from every other one.
#[cfg(unix)]
pub(super) fn identity(file: &File) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(unix)]
pub(super) fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Names are used once, so that one name is one file.
#[cfg(not(unix))]
pub(super) fn identity(_: &File) -> io::Result<(u64, u64)> {
    Ok((0, 0))
}

#[cfg(not(unix))]
pub(super) fn identity_at(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|_| (0, 0))
}
