//! Files and directories that survive a power cut.
//!
//! A new file is written under a temporary name, synced, renamed and its directory synced, so that
//! under its final name it is always whole.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::Hash;

/// What temporary names end with; leftovers of a crash are removed when the log is opened.
const TEMPORARY: &str = ".tmp";

/// After how many bytes a growing file is synced, so that the sync of the log beside it never has
/// to wait for all of it.
const SYNC_BYTES: u64 = 8 * 1024 * 1024;

/// A file being written under a temporary name; removed when dropped before [`NewFile::keep`].
pub(crate) struct NewFile {
    dir: PathBuf,
    path: PathBuf,
    file: BufWriter<File>,
    hasher: Sha256,
    written: u64,
    unsynced: u64,
    kept: bool,
}

impl NewFile {
    /// Creates an empty file in `dir`; `name` tells it from others that are written beside it.
    pub(crate) fn create(dir: &Path, name: &str) -> io::Result<Self> {
        let path = dir.join(format!("{name}{TEMPORARY}"));
        let file = File::create(&path)?;
        Ok(NewFile {
            dir: dir.to_owned(),
            path,
            file: BufWriter::with_capacity(256 * 1024, file),
            hasher: Sha256::new(),
            written: 0,
            unsynced: 0,
            kept: false,
        })
    }

    /// Starts hashing and counting at this point.
    pub(crate) fn restart_hash(&mut self) {
        self.hasher = Sha256::new();
        self.written = 0;
    }

    /// Returns SHA-256 and number of the bytes written since the hash was started.
    pub(crate) fn hash(&self) -> (Hash, u64) {
        (self.hasher.clone().finalize().into(), self.written)
    }

    /// Writes over the first bytes of the file, outside hash and count.
    pub(crate) fn overwrite_start(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(bytes)
    }

    /// Gives the file its name, durably, replacing one that has it.
    pub(crate) fn keep(mut self, name: &str) -> io::Result<PathBuf> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let path = self.dir.join(name);
        fs::rename(&self.path, &path)?;
        self.kept = true;
        sync_dir(&self.dir)?;
        Ok(path)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.file.write(bytes)?;
        self.hasher.update(&bytes[..length]);
        self.written += length as u64;
        self.unsynced += length as u64;
        if SYNC_BYTES <= self.unsynced {
            self.file.flush()?;
            self.file.get_ref().sync_data()?;
            self.unsynced = 0;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            // What stays is removed when the log is opened next.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Creates a directory and those above it, durably, if they are not there.
pub(crate) fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = parent_of(dir);
    create_dir(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    sync_dir(parent)
}

/// Returns the directory that a path is in.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

/// Removes what a crash left under temporary names.
pub(crate) fn remove_temporary(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(TEMPORARY) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Returns how many bytes a user may still write on the file system of `dir`.
pub(crate) fn disk_free_bytes(dir: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(dir)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Returns bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_nothing_of_a_file_that_is_not_kept() {
        let dir = tempfile::tempdir().expect("a directory");

        let mut file = NewFile::create(dir.path(), "a").expect("created");
        file.write_all(b"half").expect("written");
        drop(file);

        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 0);
    }

    #[test]
    fn hashes_what_follows_the_start_of_the_hash() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = NewFile::create(dir.path(), "a").expect("created");
        file.write_all(&[0; 4]).expect("written");
        file.restart_hash();
        file.write_all(b"body").expect("written");
        let hash = file.hash();
        file.overwrite_start(b"head").expect("written");

        let path = file.keep("b").expect("kept");

        assert_eq!(hash, (Sha256::digest(b"body").into(), 4));
        assert_eq!(fs::read(path).expect("readable"), b"headbody");
    }
}
