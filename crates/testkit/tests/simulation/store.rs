//! A model of etcd: one history of versions of keys, and what its transactions and watches promise.
//!
//! Its honest part is what etcd documents: a put with a compared version is done once or not at
//! all, an answer says what was so at the moment of the request, a watch shows every version from a
//! revision on in order. Its dishonest part is what whoever owns it can do.

use std::collections::BTreeMap;
use std::sync::Arc;

use log::pool::core::{Connected, Event, PutAnswer, QuestionAnswer};
use pool::{Hash, KEY_PREFIX};

/// Something that a store must not do, to see whether the checks find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreFault {
    /// It says that a put is done, and forgets it.
    LosesPuts,
    /// It answers how far it is with how far it was some puts ago.
    AnswersLate,
    /// It puts whatever version the key has.
    ComparesNothing,
    /// It shows what is put as if it had been put before the last one.
    ReordersEvents,
}

/// The fault happens with every so many puts.
const FAULTY_EVERY: u64 = 5;

/// By how many puts a late answer is behind.
const LATE_BY: usize = 2;

/// A version of a key, or its deletion.
#[derive(Clone, Debug)]
struct Change {
    revision: u64,
    key: Vec<u8>,
    version: u64,
    value: Option<Arc<[u8]>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Key {
    version: u64,
    revision: u64,
}

/// A history of values.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    genesis: Hash,
    revision: u64,
    /// Ascending by revision.
    changes: Vec<Change>,
    keys: BTreeMap<Vec<u8>, Key>,
    /// Versions before this revision are gone, but for the newest of each key.
    compacted: u64,
    pub(crate) is_full: bool,
    /// The last revision that it takes; it shows and answers what it has.
    pub(crate) takes_until: Option<u64>,
    pub(crate) fault: Option<StoreFault>,
    puts: u64,
}

/// What a watch shows next.
#[derive(Debug)]
pub(crate) enum Shown {
    Nothing,
    /// In order; the next revision to show after them.
    Events(Vec<Event>, u64),
    /// What is to be shown is gone.
    Compacted(u64),
}

impl Store {
    /// Makes the store of a pool: its genesis is there, at revision 2.
    pub(crate) fn new(genesis: Hash) -> Self {
        Store {
            genesis,
            revision: 2,
            changes: Vec::new(),
            keys: BTreeMap::new(),
            compacted: 0,
            is_full: false,
            takes_until: None,
            fault: None,
            puts: 0,
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Puts a version of a key, if the one before is there.
    pub(crate) fn put(&mut self, key: &[u8], version: u64, value: Arc<[u8]>) -> PutAnswer {
        let there = self.keys.get(key).copied().unwrap_or_default();
        self.puts += 1;
        let is_faulty = self.puts.is_multiple_of(FAULTY_EVERY);
        let compares = !(is_faulty && self.fault == Some(StoreFault::ComparesNothing));
        if compares && there.version + 1 != version {
            return PutAnswer::Other { version: there.version, revision: there.revision };
        }
        if self.is_full || self.takes_until.is_some_and(|last| last <= self.revision) {
            return PutAnswer::Full;
        }
        if is_faulty && self.fault == Some(StoreFault::LosesPuts) {
            return PutAnswer::Put { revision: self.revision + 1 };
        }
        self.force(key, Some(value));
        if is_faulty && self.fault == Some(StoreFault::ReordersEvents) {
            self.swap_last();
        }
        PutAnswer::Put { revision: self.revision }
    }

    /// Puts or deletes a key, whatever is there.
    pub(crate) fn force(&mut self, key: &[u8], value: Option<Arc<[u8]>>) {
        self.revision += 1;
        let there = self.keys.entry(key.to_vec()).or_default();
        let version = if value.is_some() { there.version + 1 } else { 0 };
        *there = Key { version, revision: self.revision };
        let (revision, key) = (self.revision, key.to_vec());
        self.changes.push(Change { revision, key, version, value });
    }

    /// Returns the version that a key has.
    pub(crate) fn version(&self, key: &[u8]) -> u64 {
        self.keys.get(key).map_or(0, |key| key.version)
    }

    /// Says how far it is.
    pub(crate) fn question(&self) -> QuestionAnswer {
        let is_late = self.fault == Some(StoreFault::AnswersLate);
        if is_late && LATE_BY < self.changes.len() {
            let revision = self.changes[self.changes.len() - 1 - LATE_BY].revision;
            return QuestionAnswer { revision: self.revision, highest: revision };
        }
        QuestionAnswer { revision: self.revision, highest: self.highest() }
    }

    /// Says what a hub asks before it watches.
    pub(crate) fn look(&self, link: u64, own_key: &[u8]) -> Connected {
        Connected {
            link,
            revision: self.revision,
            highest: self.highest(),
            own_version: self.version(own_key),
            genesis: Some(self.genesis),
            opening: None,
        }
    }

    /// Shows what comes at `from` and later, not more than `events_max`.
    pub(crate) fn show(&self, from: u64, events_max: usize) -> Shown {
        if from < self.compacted {
            return Shown::Compacted(self.compacted);
        }
        let start = self.changes.partition_point(|change| change.revision < from);
        let events: Vec<_> = self.changes[start..].iter().take(events_max).map(event_of).collect();
        match events.last() {
            None => Shown::Nothing,
            Some(last) => {
                let next = last.revision + 1;
                Shown::Events(events, next)
            }
        }
    }

    /// Forgets all versions that were replaced at `revision` or before.
    pub(crate) fn compact(&mut self, revision: u64) {
        self.compacted = self.compacted.max(revision.min(self.revision));
    }

    /// Is what it was at `revision`: put back from a backup.
    pub(crate) fn roll_back(&mut self, revision: u64) {
        self.changes.retain(|change| change.revision <= revision);
        self.keys.clear();
        for Change { revision, key, version, .. } in &self.changes {
            self.keys.insert(key.clone(), Key { version: *version, revision: *revision });
        }
        self.revision = revision.max(2).min(self.revision);
        self.compacted = self.compacted.min(self.revision);
    }

    /// Tells whether the last change is at `from` or later, and of another key than `own`.
    pub(crate) fn is_news(&self, from: u64, own: &[u8]) -> bool {
        self.changes.last().is_some_and(|last| from <= last.revision && last.key != own)
    }

    /// Shows another value at the last revision; says whether there is one.
    pub(crate) fn tamper_last(&mut self, value: Arc<[u8]>) -> bool {
        let Some(last) = self.changes.last_mut() else { return false };
        last.value = Some(value);
        true
    }

    /// Leaves the last change out of what it shows; says whether there is one.
    pub(crate) fn leave_out_last(&mut self) -> bool {
        self.changes.pop().is_some()
    }

    fn highest(&self) -> u64 {
        self.keys.values().map(|key| key.revision).max().unwrap_or(0)
    }

    fn swap_last(&mut self) {
        if let [.., before, last] = &mut self.changes[..] {
            std::mem::swap(before, last);
            std::mem::swap(&mut before.revision, &mut last.revision);
        }
    }
}

fn event_of(change: &Change) -> Event {
    Event {
        revision: change.revision,
        key: change.key.clone(),
        version: change.version,
        value: change.value.as_ref().map(|value| value.to_vec()),
    }
}

/// Returns the key of a hub.
pub(crate) fn key_of(hub: &pool::HubId) -> Vec<u8> {
    format!("{KEY_PREFIX}{}", hub.as_str()).into_bytes()
}
