//! One process per directory.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

const FILE_NAME: &str = "lock";

/// Held while this process has the directory; the operating system lets go when it ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the directory, `None` when another has it.
    pub(crate) fn take(dir: &Path) -> io::Result<Option<Self>> {
        // The file stays when the process ends: removing it would let two processes hold two files.
        let file = OpenOptions::new().create(true).append(true).open(dir.join(FILE_NAME))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(DirLock { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
