//! Inputs that are kept, a file each.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of one target.
pub(crate) struct Corpus(PathBuf);

impl Corpus {
    pub(crate) fn of(target: &str) -> Self {
        Corpus(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target))
    }

    /// Every input, in the order of the names, so that a seed repeats.
    pub(crate) fn inputs(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut files: Vec<_> = files.map(|file| file.path()).collect();
        files.sort();
        files.iter().filter_map(|file| std::fs::read(file).ok()).collect()
    }

    /// Keeps `input`, and tells where.
    pub(crate) fn keep(&self, input: &[u8]) -> io::Result<PathBuf> {
        let mut hasher = DefaultHasher::new();
        input.hash(&mut hasher);
        let path = self.0.join(format!("found-{:016x}", hasher.finish()));
        std::fs::create_dir_all(&self.0)?;
        std::fs::write(&path, input)?;
        Ok(path)
    }
}
