//! Snapshots: what the followers' state was at some position, so that a restart reads only the
//! tail of the log.
//!
//! A snapshot is a file in `snapshots/`, written beside the log and whole under its name; its form
//! is described in `docs/log-format.md`. It never replaces the log: a damaged one is skipped.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::files::{self, NewFile};
use crate::history::History;
use crate::{Hash, Head, Position};

/// The directory of the snapshots in a log's directory.
pub(crate) const DIR_NAME: &str = "snapshots";

/// How many snapshots are kept.
pub const SNAPSHOTS_KEPT: usize = 3;

/// How names of snapshot files end.
const EXTENSION: &str = "tsq";

const MAGIC: [u8; 8] = *b"TNSQSNP1";

/// Magic, position, chain, state hash, length and SHA-256 of the body.
const HASHED_BYTES: usize = 8 + 8 + 32 + 32 + 8 + 32;

/// The above and its SHA-256.
const HEADER_BYTES: usize = HASHED_BYTES + 32;

/// The snapshots of a log.
#[derive(Clone, Debug)]
pub struct SnapshotStore {
    log_dir: PathBuf,
    disk_free_bytes_min: u64,
}

/// A snapshot whose bytes are the ones that were written; reads as its body.
#[derive(Debug)]
pub struct Snapshot {
    /// Where in the log the state was this.
    pub head: Head,
    /// The hash of the state, to be compared with that of what is read.
    pub state_hash: Hash,
    /// How many bytes the body has.
    pub body_bytes: u64,
    body: BufReader<Take<File>>,
}

/// A snapshot could not be written; the log is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Too little room is left on the disk for anything but the log.
    #[error("there is no room for a snapshot on the disk")]
    NoSpace,
    /// Writing failed.
    #[error("the snapshot could not be written")]
    Io(#[from] io::Error),
}

/// What the first bytes of a snapshot file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Where in the log it was taken.
    pub(crate) head: Head,
    /// The hash of the state.
    pub(crate) state_hash: Hash,
    /// How many bytes follow the header.
    pub(crate) body_bytes: u64,
    /// SHA-256 of these.
    pub(crate) body_sha256: Hash,
}

impl SnapshotStore {
    pub(crate) fn new(log_dir: &Path, disk_free_bytes_min: u64) -> Self {
        SnapshotStore { log_dir: log_dir.to_owned(), disk_free_bytes_min }
    }

    /// Returns the snapshots of the log in `dir`, to be read beside a process that has it.
    pub fn in_log(dir: &Path) -> Self {
        Self::new(dir, 0)
    }

    /// Writes a snapshot, durably, and removes all but the newest [`SNAPSHOTS_KEPT`].
    ///
    /// `head` is the position and chain of the last entry that the state has taken in; every
    /// outcome kept up to there must have been flushed before. `body` streams the state; it is
    /// called once. Runs beside the log, on a thread of the caller; one at a time.
    pub fn write(
        &self,
        head: Head,
        state_hash: Hash,
        body: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), SnapshotError> {
        if files::disk_free_bytes(&self.log_dir)? < self.disk_free_bytes_min {
            return Err(SnapshotError::NoSpace);
        }
        let name = file_name(head.position);
        let mut file = NewFile::create(&self.dir(), &name)?;
        file.write_all(&[0; HEADER_BYTES])?;
        file.restart_hash();
        body(&mut file)?;
        let (body_sha256, body_bytes) = file.hash();
        let header = Header { head, state_hash, body_bytes, body_sha256 };
        file.overwrite_start(&header.to_bytes())?;
        file.keep(&name)?;
        for old in self.positions()?.into_iter().skip(SNAPSHOTS_KEPT) {
            fs::remove_file(self.path(old))?;
        }
        files::sync_dir(&self.dir())?;
        Ok(())
    }

    /// Returns the snapshots that are undamaged and belong to this log, newest first.
    ///
    /// Each is read once in full to check it, when the iterator comes to it; others are skipped
    /// with a warning. A caller that cannot use one takes the next.
    pub fn good(&self) -> io::Result<impl Iterator<Item = Snapshot> + use<'_>> {
        Ok(self.positions()?.into_iter().filter_map(|position| match self.load(position) {
            Ok(snapshot) => Some(snapshot),
            Err(error) => {
                let path = self.path(position);
                tracing::warn!(
                    snapshot.path = %path.display(),
                    error,
                    "skipping a snapshot that cannot be used"
                );
                None
            }
        }))
    }

    /// Returns the newest snapshot that is undamaged and belongs to this log.
    pub fn newest_good(&self) -> io::Result<Option<Snapshot>> {
        Ok(self.good()?.next())
    }

    /// Returns a piece of the body of a snapshot, from an offset on, of at most so many bytes; `None`
    /// where there is no such snapshot any more.
    ///
    /// Only its header is checked: whoever puts the pieces together checks the whole.
    pub fn piece(
        &self,
        position: Position,
        offset: u64,
        bytes_max: usize,
    ) -> io::Result<Option<Vec<u8>>> {
        let Ok((header, mut file)) = open(&self.path(position)) else { return Ok(None) };
        let left = header.body_bytes.saturating_sub(offset);
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes_max);
        if length == 0 {
            return Ok(Some(Vec::new()));
        }
        let mut piece = vec![0; length];
        file.seek(SeekFrom::Start(HEADER_BYTES as u64 + offset))?;
        file.read_exact(&mut piece)?;
        Ok(Some(piece))
    }

    /// Returns the positions that there are snapshots of, newest first, damaged ones among them.
    pub(crate) fn positions(&self) -> io::Result<Vec<Position>> {
        let mut positions = Vec::new();
        for entry in fs::read_dir(self.dir())? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            positions.extend(number.and_then(Position::new));
        }
        positions.sort_unstable_by(|a, b| b.cmp(a));
        Ok(positions)
    }

    /// Returns the headers that are undamaged, newest first; their bodies are not looked at.
    pub(crate) fn headers(&self) -> io::Result<impl Iterator<Item = Header> + use<'_>> {
        let headers = self.positions()?.into_iter().filter_map(|position| {
            let (header, _) = open(&self.path(position)).ok()?;
            (header.head.position == position).then_some(header)
        });
        Ok(headers)
    }

    /// Returns a snapshot, or why it cannot be used.
    pub(crate) fn load(&self, position: Position) -> Result<Snapshot, String> {
        let snapshot = load_file(&self.path(position))?;
        if snapshot.head.position != position {
            return Err("it is of another position than its name says".to_owned());
        }
        let history = History::open(&self.log_dir, position).map_err(|error| error.to_string())?;
        if history.head() != snapshot.head {
            return Err("it was not taken from this log".to_owned());
        }
        Ok(snapshot)
    }

    /// Returns the path of the snapshot of a position.
    pub(crate) fn path(&self, position: Position) -> PathBuf {
        self.dir().join(file_name(position))
    }

    fn dir(&self) -> PathBuf {
        self.log_dir.join(DIR_NAME)
    }
}

impl Snapshot {
    /// Returns its file, at its first byte.
    pub(crate) fn into_file(self) -> io::Result<File> {
        let mut file = self.body.into_inner().into_inner();
        file.rewind()?;
        Ok(file)
    }
}

impl Read for Snapshot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer)
    }
}

impl Header {
    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.head.position.number().to_le_bytes());
        bytes[16..48].copy_from_slice(&self.head.chain);
        bytes[48..80].copy_from_slice(&self.state_hash);
        bytes[80..88].copy_from_slice(&self.body_bytes.to_le_bytes());
        bytes[88..120].copy_from_slice(&self.body_sha256);
        let hash = Sha256::digest(&bytes[..HASHED_BYTES]);
        bytes[HASHED_BYTES..].copy_from_slice(&hash);
        bytes
    }

    fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        if bytes[0..8] != MAGIC {
            return Err("it is no snapshot of a version that this program reads".to_owned());
        }
        if Sha256::digest(&bytes[..HASHED_BYTES])[..] != bytes[HASHED_BYTES..] {
            return Err("its header is damaged".to_owned());
        }
        let hash = |at: usize| <Hash>::try_from(&bytes[at..at + 32]).expect("32 bytes");
        let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let position = Position::new(number(8)).ok_or("its position is out of range")?;
        Ok(Header {
            head: Head { position, chain: hash(16) },
            state_hash: hash(48),
            body_bytes: number(80),
            body_sha256: hash(88),
        })
    }
}

/// Returns the snapshot in a file, or why it cannot be used; reads all of it once.
pub(crate) fn load_file(path: &Path) -> Result<Snapshot, String> {
    let (header, file) = open(path)?;
    let mut body = file.take(header.body_bytes);
    let mut hasher = Sha256::new();
    let read = io::copy(&mut body, &mut HashWriter(&mut hasher)).map_err(|e| e.to_string())?;
    if read != header.body_bytes || <Hash>::from(hasher.finalize()) != header.body_sha256 {
        return Err("its body is damaged".to_owned());
    }
    let mut file = body.into_inner();
    file.seek(SeekFrom::Start(HEADER_BYTES as u64)).map_err(|error| error.to_string())?;
    Ok(Snapshot {
        head: header.head,
        state_hash: header.state_hash,
        body_bytes: header.body_bytes,
        body: BufReader::with_capacity(256 * 1024, file.take(header.body_bytes)),
    })
}

fn open(path: &Path) -> Result<(Header, File), String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = [0; HEADER_BYTES];
    file.read_exact(&mut bytes).map_err(|_| "its header is cut off")?;
    let header = Header::from_bytes(&bytes)?;
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    if length != HEADER_BYTES as u64 + header.body_bytes {
        return Err("it does not have the length that it should".to_owned());
    }
    Ok((header, file))
}

/// Returns the name of the snapshot file of a position.
pub(crate) fn file_name(position: Position) -> String {
    format!("{:020}.{EXTENSION}", position.number())
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::suite::append_all;
    use crate::{LocalLog, Options};

    /// A log with snapshots at 1, 2, ... `count`.
    fn log_with_snapshots(count: u64) -> (TempDir, LocalLog) {
        let dir = tempfile::tempdir().expect("a directory");
        let log = LocalLog::open(dir.path(), Options::default()).expect("opened");
        for number in 1..=count {
            append_all(&log, 1);
            let head = log.head().expect("open");
            let state_hash = [number as u8; 32];
            let body = number.to_le_bytes();
            log.snapshots().write(head, state_hash, |to| to.write_all(&body)).expect("written");
        }
        (dir, log)
    }

    fn good(store: &SnapshotStore) -> Vec<u64> {
        store.good().expect("readable").map(|snapshot| snapshot.head.position.number()).collect()
    }

    #[test]
    fn keeps_the_newest_and_gives_them_back_newest_first() {
        let (_dir, log) = log_with_snapshots(SNAPSHOTS_KEPT as u64 + 2);

        let store = log.snapshots();

        assert_eq!(good(&store), [5, 4, 3]);
        let mut newest = store.newest_good().expect("readable").expect("there");
        let mut body = Vec::new();
        newest.read_to_end(&mut body).expect("read");
        assert_eq!(body, 5_u64.to_le_bytes());
        assert_eq!((newest.state_hash, newest.body_bytes), ([5; 32], 8));
        assert_eq!(newest.head, log.head().expect("open"));
    }

    #[test]
    fn skips_one_with_any_byte_changed() {
        let (_dir, log) = log_with_snapshots(2);
        let store = log.snapshots();
        let path = store.path(Position::new(2).expect("small"));
        let bytes = fs::read(&path).expect("readable");

        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            fs::write(&path, &changed).expect("written");
            assert_eq!(good(&store), [1], "byte {at}");
        }
        for length in [0, HEADER_BYTES - 1, HEADER_BYTES, bytes.len() - 1] {
            fs::write(&path, &bytes[..length]).expect("written");
            assert_eq!(good(&store), [1], "cut to {length}");
        }
        fs::write(&path, [&bytes[..], &[0]].concat()).expect("written");
        assert_eq!(good(&store), [1], "one byte more");
    }

    #[test]
    fn gives_pieces_of_a_body_up_to_its_end() {
        let (_dir, log) = log_with_snapshots(1);
        let store = log.snapshots();
        let piece = |position, offset, bytes_max| {
            let position = Position::new(position).expect("small");
            store.piece(position, offset, bytes_max).expect("readable")
        };
        let body = 1_u64.to_le_bytes();

        assert_eq!(piece(1, 0, 100), Some(body.to_vec()));
        assert_eq!(piece(1, 0, 3), Some(body[..3].to_vec()));
        assert_eq!(piece(1, 3, 3), Some(body[3..6].to_vec()));
        assert_eq!(piece(1, 6, 3), Some(body[6..].to_vec()));
        assert_eq!(piece(1, 8, 3), Some(Vec::new()));
        assert_eq!(piece(1, u64::MAX, 3), Some(Vec::new()));
        assert_eq!(piece(2, 0, 3), None);
    }

    #[test]
    fn skips_one_of_another_log_or_another_position() {
        let (_dir, log) = log_with_snapshots(2);
        let store = log.snapshots();
        let head = Head { position: Position::new(1).expect("small"), chain: [9; 32] };
        store.write(head, [0; 32], |_| Ok(())).expect("written");
        assert_eq!(good(&store), [2], "its chain is not the one of this log");

        let third = store.path(Position::new(3).expect("small"));
        fs::copy(store.path(Position::new(2).expect("small")), third).expect("copied");

        assert_eq!(good(&store), [2], "its name says another position");
    }

    #[test]
    fn leaves_nothing_of_one_whose_state_cannot_be_written() {
        let (dir, log) = log_with_snapshots(1);
        let store = log.snapshots();
        append_all(&log, 1);

        let result = store.write(log.head().expect("open"), [0; 32], |body| {
            body.write_all(b"half")?;
            Err(io::Error::other("the state says no"))
        });

        assert!(matches!(result, Err(SnapshotError::Io(_))));
        assert_eq!(good(&store), [1]);
        assert_eq!(fs::read_dir(dir.path().join(DIR_NAME)).expect("readable").count(), 1);
    }
}
