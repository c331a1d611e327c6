//! A hub's disk: the copy of the log and its snapshots, and what is left of them after a crash.

use hub::replica::{FrozenStates, States};
use log::{Hash, Head, Placement};

use super::random::Random;

/// An entry of the copy.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Snapshot {
    head: Head,
    hash: Hash,
    body: Vec<u8>,
}

/// What a hub has written; a crash loses the end of what was not synced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    entries: Vec<Stored>,
    /// How many entries there were after each write: what is written at once is lost at once.
    writes: Vec<usize>,
    /// How many of them no crash can lose.
    synced: usize,
    /// How many there were at each sync, and up to which revision of the store.
    syncs: Vec<(u64, u64)>,
    snapshots: Vec<Snapshot>,
}

impl Disk {
    pub(crate) fn write(&mut self, placements: &[Placement]) {
        for Placement { head, bytes, .. } in placements {
            self.entries.push(Stored { head: *head, bytes: bytes.clone() });
            assert_eq!(head.position.number(), self.length(), "entries are written one by one");
        }
        self.writes.push(self.entries.len());
    }

    /// Returns how many entries there are.
    pub(crate) fn length(&self) -> u64 {
        u64::try_from(self.entries.len()).expect("a run is short")
    }

    pub(crate) fn head(&self) -> Head {
        self.entries.last().map(|last| last.head).unwrap_or_default()
    }

    /// Tells whether this is the copy of a log that had this head.
    pub(crate) fn has(&self, head: Head) -> bool {
        match index_of(head).checked_sub(1) {
            None => true,
            Some(index) => self.entries.get(index).is_some_and(|stored| stored.head == head),
        }
    }

    /// Returns the entries after a head, and none if this is the copy of another log.
    pub(crate) fn after(&self, head: Head) -> &[Stored] {
        if self.has(head) { &self.entries[index_of(head)..] } else { &[] }
    }

    /// Returns the entries after a position that is not beyond the end.
    pub(crate) fn after_position(&self, number: u64) -> &[Stored] {
        &self.entries[usize::try_from(number).expect("a run is short")..]
    }

    /// Makes what is there now durable.
    pub(crate) fn sync(&mut self) {
        self.synced = self.entries.len();
    }

    /// Makes what is there now durable, which is what was found up to a revision of the store.
    pub(crate) fn sync_at(&mut self, revision: u64) {
        self.sync();
        self.syncs.push((self.length(), revision));
    }

    /// Returns up to which revision of the store the first entries are durable here.
    pub(crate) fn revision_within(&self, length: u64) -> u64 {
        let within = self.syncs.iter().filter(|(synced, _)| *synced <= length);
        within.map(|(_, revision)| *revision).max().unwrap_or(0)
    }

    /// Keeps a snapshot of states that are not ahead of what is durable.
    pub(crate) fn keep(&mut self, head: Head, frozen: &FrozenStates) {
        assert!(usize::try_from(head.position.number()).expect("short") <= self.synced);
        let mut body = Vec::new();
        frozen.write(&mut body).expect("memory takes it");
        self.snapshots.push(Snapshot { head, hash: frozen.hash(), body });
    }

    /// Loses some of the end of what is not durable.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let unsynced = self.writes.iter().filter(|length| self.synced < **length);
        let kept = random.index(unsynced.count() + 1);
        let ends = self.writes.iter().copied().filter(|length| self.synced < *length);
        let length = ends.take(kept).last().unwrap_or(self.synced);
        self.entries.truncate(length);
        self.writes.retain(|end| *end <= length);
        self.synced = length;
    }

    /// Returns the states of the newest snapshot, or the first ones.
    pub(crate) fn newest(&self) -> (Head, States) {
        self.snapshots.last().map(Snapshot::read).unwrap_or_default()
    }

    /// Returns the states of the oldest snapshot, or the first ones.
    pub(crate) fn oldest(&self) -> (Head, States) {
        self.snapshots.first().map(Snapshot::read).unwrap_or_default()
    }
}

fn index_of(head: Head) -> usize {
    usize::try_from(head.position.number()).expect("a run is short")
}

impl Snapshot {
    fn read(&self) -> (Head, States) {
        let mut states = States::read(&mut &self.body[..]).expect("it was written whole");
        assert_eq!(states.hash(), self.hash, "a snapshot has the states that it was taken of");
        (self.head, states)
    }
}
