//! Keeps what was found wrong in the pool, with the bytes that show it, for the owners.
//!
//! `evidence/` in the data directory has the list (`index`, form byte 1 and borsh of
//! [`pool::Shelf`]) and a file for each piece whose bytes were seen, named by their SHA-256. It is
//! written on a thread of its own: whoever notices something is never held up.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use borsh::BorshDeserialize;
use log::pool::Witness;
use pool::{Evidence, Hash, HubId, Kind, Shelf};

/// How many pieces wait to be written; of more the bytes are not kept.
pub const EVIDENCE_WAITING_MAX: usize = 64;

/// The directory of the evidence in a hub's data.
const DIR_NAME: &str = "evidence";

/// The file of the list.
const INDEX_NAME: &str = "index";

/// The first byte of the list: the version of its form.
const FORM: u8 = 1;

/// The evidence of a hub.
#[derive(Debug)]
pub(crate) struct EvidenceStore {
    dir: PathBuf,
    shelf: Arc<Mutex<Shelf>>,
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
    /// Of how many pieces the bytes could not be kept.
    lost: AtomicU64,
}

/// A piece whose bytes are to be written; then the list is, and files that it names no more go.
struct Job {
    hash: Hash,
    bytes: Vec<u8>,
}

/// What is kept, as it is shown.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The pieces: of nobody in particular, then by hub, each as it came.
    pub(crate) pieces: Vec<Evidence>,
    /// How many there were about each hub that has any, and about nobody in particular.
    pub(crate) counts: Vec<(Option<HubId>, u64)>,
    /// Of how many pieces the bytes could not be kept since the start.
    pub(crate) lost: u64,
}

impl EvidenceStore {
    /// Opens what is kept in a hub's data, or begins it.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let dir = Self::path_in(data);
        fs::create_dir_all(&dir)?;
        let shelf = Arc::new(Mutex::new(read_index(&dir)?));
        let (jobs, waiting) = sync_channel(EVIDENCE_WAITING_MAX);
        let (writer_dir, writer_shelf) = (dir.clone(), Arc::clone(&shelf));
        let thread = std::thread::Builder::new()
            .name("evidence".to_owned())
            .spawn(move || write_all(&writer_dir, &writer_shelf, &waiting))?;
        let lost = AtomicU64::new(0);
        Ok(EvidenceStore { dir, shelf, jobs: Some(jobs), thread: Some(thread), lost })
    }

    /// Returns where the evidence of a hub is.
    pub(crate) fn path_in(data: &Path) -> PathBuf {
        data.join(DIR_NAME)
    }

    /// Lists what is kept.
    pub(crate) fn list(&self) -> Kept {
        let shelf = lock(&self.shelf);
        let pieces: Vec<_> = shelf.iter().cloned().collect();
        let about: BTreeSet<_> = pieces.iter().map(|piece| piece.hub.clone()).collect();
        let counts = about.into_iter().map(|hub| {
            let count = shelf.count(hub.as_ref());
            (hub, count)
        });
        let counts = counts.collect();
        Kept { pieces, counts, lost: self.lost.load(Ordering::Relaxed) }
    }

    /// Returns how many pieces are kept.
    pub(crate) fn len(&self) -> usize {
        lock(&self.shelf).iter().count()
    }

    /// Returns the bytes that show a piece, if they are kept. Reads the disk.
    pub(crate) fn bytes(&self, hash: &Hash) -> Option<Vec<u8>> {
        fs::read(self.dir.join(file_name(hash))).ok()
    }

    fn keep(&self, evidence: &Evidence, bytes: &[u8]) {
        let hash = evidence.hash;
        if lock(&self.shelf).put(evidence.clone()).as_ref() == Some(evidence) {
            return;
        }
        let hub = evidence.hub.as_ref().map_or("", HubId::as_str);
        tracing::error!(hub.id = hub, what = ?evidence.kind, "something is wrong in the pool");
        let jobs = self.jobs.as_ref().expect("it is there until drop");
        if jobs.try_send(Job { hash, bytes: bytes.to_vec() }).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Witness for EvidenceStore {
    fn evidence(&self, evidence: &Evidence, bytes: &[u8]) {
        // The engine sees a stamp apart in each batch of a hub; with no bytes it is the replica that
        // tells, once, and only while the pool's clock says something.
        if matches!(evidence.kind, Kind::StampApart { .. }) && !bytes.is_empty() {
            return;
        }
        self.keep(evidence, bytes);
    }
}

impl Drop for EvidenceStore {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It tells of its errors itself.
            let _ = thread.join();
        }
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_all(dir: &Path, shelf: &Mutex<Shelf>, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        if let Err(error) = write(dir, shelf, &job) {
            tracing::error!(%error, "evidence could not be written");
        }
    }
}

fn write(dir: &Path, shelf: &Mutex<Shelf>, job: &Job) -> io::Result<()> {
    if !job.bytes.is_empty() {
        replace(dir, &file_name(&job.hash), &job.bytes)?;
    }
    let shelf = lock(shelf).clone();
    let mut index = vec![FORM];
    borsh::to_writer(&mut index, &shelf)?;
    replace(dir, INDEX_NAME, &index)?;
    let named: BTreeSet<String> = shelf.iter().map(|piece| file_name(&piece.hash)).collect();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let kept = name.to_str().is_some_and(|name| name == INDEX_NAME || named.contains(name));
        if !kept {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Puts a file in place of the one that was, whole.
fn replace(dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = dir.join(format!("{name}.new"));
    fs::write(&new, bytes)?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, dir.join(name))
}

fn read_index(dir: &Path) -> io::Result<Shelf> {
    let bytes = match fs::read(dir.join(INDEX_NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Shelf::default()),
        Err(error) => return Err(error),
    };
    match bytes.split_first() {
        Some((&FORM, shelf)) => Shelf::try_from_slice(shelf),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the list has an unknown form")),
    }
}

fn file_name(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use pool::Fault;
    use sha2::{Digest, Sha256};

    use super::*;

    fn piece(number: u64) -> (Evidence, Vec<u8>) {
        let bytes = number.to_le_bytes().to_vec();
        let kind = Kind::Value {
            key: b"log/hub".to_vec(),
            revision: number,
            version: number,
            fault: Fault::Signature,
        };
        let hub = Some(HubId::new("hub").expect("a name"));
        (Evidence { hub, kind, hash: Sha256::digest(&bytes).into() }, bytes)
    }

    #[test]
    fn keeps_what_was_wrong_with_its_bytes_over_a_restart() {
        let dir = tempfile::tempdir().expect("a directory");
        let (first, bytes) = piece(1);
        let store = EvidenceStore::open(dir.path()).expect("opened");

        store.evidence(&first, &bytes);
        store.evidence(&first, &bytes);
        drop(store);
        let store = EvidenceStore::open(dir.path()).expect("opened");

        let kept = store.list();
        assert_eq!(kept.pieces, std::slice::from_ref(&first));
        assert_eq!(kept.counts, [(first.hub, 1)]);
        assert_eq!(store.bytes(&first.hash), Some(bytes));
    }

    #[test]
    fn lets_go_of_the_bytes_of_what_it_no_longer_lists() {
        let dir = tempfile::tempdir().expect("a directory");
        let kept = pool::EVIDENCE_FIRST_MAX + pool::EVIDENCE_LAST_MAX;
        let store = EvidenceStore::open(dir.path()).expect("opened");

        for number in 0..=kept as u64 {
            let (evidence, bytes) = piece(number);
            store.evidence(&evidence, &bytes);
        }
        drop(store);

        let files = fs::read_dir(EvidenceStore::path_in(dir.path())).expect("readable").count();
        assert_eq!(files, 1 + kept);
        let store = EvidenceStore::open(dir.path()).expect("opened");
        assert_eq!(store.len(), kept);
        let oldest_of_the_last = piece(pool::EVIDENCE_FIRST_MAX as u64).0;
        assert_eq!(store.bytes(&oldest_of_the_last.hash), None);
        assert_eq!(store.list().counts[0].1, kept as u64 + 1);
    }

    #[test]
    fn leaves_stamps_that_are_apart_to_who_knows_whether_the_clock_stands() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = EvidenceStore::open(dir.path()).expect("opened");
        let (mut evidence, bytes) = piece(1);
        evidence.kind = Kind::StampApart { position: 1, apart_us: 60_000_000 };

        store.evidence(&evidence, &bytes);
        assert_eq!(store.len(), 0);
        store.evidence(&evidence, &[]);
        assert_eq!(store.len(), 1);
    }
}
