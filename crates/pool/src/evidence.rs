//! What is kept of what was wrong, so that owners can show it to each other.
//!
//! Evidence is not state: each hub keeps its own, with the bytes beside it. What follows from a
//! wrong value is in the log; here is what was seen, for people.

use std::collections::{BTreeMap, VecDeque};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Fault, HUBS_MAX, Hash, HubId, Refusal, Subject};

#[cfg(test)]
mod tests;

/// How much of the first that was wrong with a hub is kept for ever.
pub const EVIDENCE_FIRST_MAX: usize = 16;

/// How much of the last that was wrong with a hub is kept besides.
///
/// So nobody can push out how it began, nor what is the matter now, by doing more of it.
pub const EVIDENCE_LAST_MAX: usize = 16;

/// Of how many hubs, admitted or removed, evidence is kept apart from that of nobody in particular.
const HUBS_KEPT_MAX: usize = 2 * HUBS_MAX;

/// How many bytes of a key are kept.
const KEY_BYTES_MAX: usize = 256;

/// Something that was wrong.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    /// The hub that it is about, where it is about one that is or was admitted.
    ///
    /// Who did it is another question: the kind says what it takes to do it.
    pub hub: Option<HubId>,
    /// What is wrong.
    pub kind: Kind,
    /// SHA-256 of the bytes that show it, zeros where there are none.
    pub hash: Hash,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Kind {
    /// A value under a key is not what may be there. Whoever may write the key can do that: the hub
    /// itself, or one with its certificate, or who owns etcd; a value that is signed, only who has
    /// the hub's key.
    Value {
        /// The key, cut off where it is long.
        key: Vec<u8>,
        /// The revision of etcd.
        revision: u64,
        /// The version of the key.
        version: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A change had no effect.
    Change {
        /// The position of its entry.
        position: u64,
        /// Why.
        refusal: Refusal,
    },
    /// A hub says that it has another log or another state.
    Differs {
        /// Which of both.
        subject: Subject,
        /// Where.
        position: u64,
        /// What it says.
        theirs: Hash,
        /// What this hub has; `None` where the other claims what comes only later.
        ours: Option<Hash>,
    },
    /// A hub's stamp is far from the pool's clock.
    StampApart {
        /// The position of its batch.
        position: u64,
        /// How far the stamp is after the clock, in microseconds.
        apart_us: i64,
    },
    /// There is a batch under this hub's own key that this hub did not make.
    KeyUsedTwice {
        /// The revision of etcd.
        revision: u64,
        /// The version of the key.
        version: u64,
    },
    /// A member of etcd knows less than it once showed: it was put back from a backup.
    EngineBehind {
        /// The revision up to which this hub has taken in what was shown.
        held: u64,
        /// The revision that the member is at.
        shown: u64,
    },
    /// A member of etcd shows something else where this hub has taken something in.
    EngineDiffers {
        /// The revision.
        revision: u64,
    },
    /// A member of etcd does not show every version of a key.
    EngineIncomplete {
        /// The revision that followed too early.
        revision: u64,
    },
    /// A hub has given a snapshot that is not what a majority has announced.
    Snapshot {
        /// Its position, 0 where that was not to be read.
        position: u64,
    },
}

/// What is kept, within bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Shelf {
    nobody: Kept,
    hubs: BTreeMap<HubId, Kept>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Kept {
    /// How many there were, kept or not.
    count: u64,
    first: Vec<Evidence>,
    last: VecDeque<Evidence>,
}

impl Kind {
    /// Returns the kind of a value that was found.
    pub fn of_value(found: &crate::Found<'_>, fault: Fault) -> Self {
        let key = found.key[..found.key.len().min(KEY_BYTES_MAX)].to_vec();
        Kind::Value { key, revision: found.revision, version: found.version, fault }
    }
}

impl Evidence {
    /// Returns the evidence of a value that was found: about a hub only where one is admitted.
    pub fn of_value(found: &crate::Found<'_>, fault: Fault) -> Self {
        let hub = match fault {
            Fault::NoHub | Fault::NotAdmitted => None,
            _ => found.hub(),
        };
        Evidence { hub, kind: Kind::of_value(found, fault), hash: found.hash() }
    }
}

impl Shelf {
    /// Keeps a piece of evidence and returns the one that made room for it, whose bytes may go.
    ///
    /// What is kept already is not kept again; then it is what is returned.
    pub fn put(&mut self, evidence: Evidence) -> Option<Evidence> {
        let room = self.hubs.len() < HUBS_KEPT_MAX;
        let kept = match &evidence.hub {
            Some(hub) if room || self.hubs.contains_key(hub) => {
                self.hubs.entry(hub.clone()).or_default()
            }
            _ => &mut self.nobody,
        };
        kept.put(evidence)
    }

    /// Lists what is kept: of nobody in particular, then by hub, each as it came.
    pub fn iter(&self) -> impl Iterator<Item = &Evidence> {
        let kept = [&self.nobody].into_iter().chain(self.hubs.values());
        kept.flat_map(|kept| kept.first.iter().chain(&kept.last))
    }

    /// Returns how much there was about a hub, or nobody in particular, kept or not.
    pub fn count(&self, hub: Option<&HubId>) -> u64 {
        match hub {
            Some(hub) => self.hubs.get(hub).map_or(0, |kept| kept.count),
            None => self.nobody.count,
        }
    }
}

impl Kept {
    fn put(&mut self, evidence: Evidence) -> Option<Evidence> {
        if self.first.contains(&evidence) || self.last.contains(&evidence) {
            return Some(evidence);
        }
        self.count += 1;
        if self.first.len() < EVIDENCE_FIRST_MAX {
            self.first.push(evidence);
            return None;
        }
        self.last.push_back(evidence);
        if EVIDENCE_LAST_MAX < self.last.len() { self.last.pop_front() } else { None }
    }
}
