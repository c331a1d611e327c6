//! The state of the pool: what the log so far has come to.
//!
//! [`Pool::judge`] says what a value found under a key is; every hub makes entries of that, and
//! [`State::apply`] takes them in. Both read nothing but the state and what they are given.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::canonical::{Hash, from_bytes_of_form, invalid, sha256, to_bytes_of_form};
use crate::rules::FAMILIES_MAX;
use crate::{
    AppliedHead, Change, Command, FAMILY, Fault, HUBS_MAX, HubId, Membership, Refusal, Rule, Rules,
    Slot, StateHash,
};

mod apply;
mod judge;
#[cfg(test)]
mod tests;

pub use judge::{EntryFacts, Found, KEY_PREFIX, ReadEntry, Verdict};

/// How far a hub's stamp may be from the pool's clock before every hub reports it.
///
/// An honest stamp is ahead by what passes until a majority is heard again, and behind by how long
/// a put takes, which is sent again for some seconds while a leader is frozen.
pub const STAMP_APART_MAX: Duration = Duration::from_secs(10);

/// The first byte of a stored state: the version of its byte form.
const FORM: u8 = 1;

/// What a hash of the state begins with.
const ROOT: &[u8] = b"tansiq/pool/state/1\0";

/// The pool, once it was founded; `Default` is before the first entry, and what a log on one
/// machine always has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pool: Option<Pool>,
}

/// A pool that was founded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    membership: Arc<Membership>,
    rules: Rules,
    clock: Timestamp,
    /// The revision of etcd up to which something was taken in, in this epoch.
    revision: u64,
    /// Of each hub of the membership, in its order.
    hubs: Vec<HubState>,
}

/// What the log has of a hub since it was admitted last.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct HubState {
    /// The version of its key up to which all are spent.
    sequence: u64,
    /// Set until its first batch, when that may have any version: its key may be older.
    any_version: bool,
    /// What its next batch names as the one before.
    previous: Hash,
    /// The revision of etcd at which something under its key was taken in last.
    revision: u64,
    /// The highest stamp of its good batches; the lowest there is when there were none.
    highest: Timestamp,
    heard: Option<Heard>,
    spent: u64,
    set_aside: Option<SetAside>,
}

/// What a hub's last good batch said.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Heard {
    /// Where in the log the batch is.
    pub position: u64,
    /// The hub's clock.
    pub stamp: Timestamp,
    /// How far the stamp was after the pool's clock, which had taken it in, in microseconds; 0
    /// before that has begun.
    pub apart_us: i64,
    /// How far it had applied the log.
    pub applied: AppliedHead,
    /// The hash of its state where it last took one.
    pub state: Option<StateHash>,
    /// What it can run.
    pub rules: Rules,
}

/// Why a hub is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SetAside {
    /// The position of the entry that did it.
    pub position: u64,
    /// What was found.
    pub fault: Fault,
    /// SHA-256 of what was found, zeros where the key was deleted.
    pub hash: Hash,
}

/// What an entry has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The pool has begun.
    Founded,
    /// A batch has its place; its entries follow.
    Placed {
        /// Whose.
        hub: HubId,
        /// How far its stamp is after the pool's clock, in microseconds.
        apart_us: i64,
    },
    /// A hub has spent a place for nothing.
    Spent {
        /// Which.
        hub: HubId,
        /// Why.
        fault: Fault,
    },
    /// Nothing of a hub counts until it is readmitted.
    SetAside {
        /// Which.
        hub: HubId,
        /// Why.
        fault: Fault,
    },
    /// The membership is another.
    Changed(Box<Change>),
    /// Another version of rules is active, from the next entry on.
    Activated(Rule),
    /// The pool is in its next epoch.
    Opened {
        /// Its number.
        epoch: u32,
    },
    /// Nothing: a change was not what it takes.
    Refused(Refusal),
}

/// An entry cannot be taken in: it was made wrongly, or another log's, or of a later release.
///
/// What other hubs put never leads here, only what this hub was given as its own log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The first entry of a pool is its genesis.
    #[error("the log does not begin with the genesis of a pool")]
    NotFounded,
    /// There is one genesis, at position 1.
    #[error("the log has a genesis after its first entry")]
    FoundedBefore,
    /// An entry that every hub makes for itself came from a hub, or the other way round.
    #[error("the entry has the wrong proposer")]
    Proposer,
    /// It is no entry that this state leads to.
    #[error("the entry does not follow from the log before it: {0}")]
    Misplaced(&'static str),
    /// The opening of an epoch is not what it takes.
    #[error("the epoch cannot be opened")]
    Epoch(#[source] Refusal),
    /// The pool runs rules that this release does not know.
    #[error(
        "the pool runs version {needed} of its own rules, and this release knows only {}: install \
         a release that knows it",
        crate::VERSION
    )]
    TooOld {
        /// The version it takes.
        needed: u16,
    },
}

impl State {
    /// How many bytes [`State::to_bytes`] has at most.
    pub const BYTES_MAX: usize = {
        let rules = 4 + FAMILIES_MAX * 3;
        let heard = 8 + 8 + 8 + 40 + 1 + 40 + rules;
        let hub = 8 + 1 + 32 + 8 + 8 + 1 + heard + 8 + 1 + 8 + 8 + 32;
        1 + Membership::BYTES_MAX + rules + 8 + 8 + 4 + HUBS_MAX * hub
    };

    /// Returns the pool, once it was founded.
    pub fn pool(&self) -> Option<&Pool> {
        self.pool.as_ref()
    }

    /// Tells whether a command in the name of `party` has an effect when `hub` put it.
    ///
    /// On a log that is no pool's there is one hub, and every party uses it.
    pub fn allows(&self, party: &str, hub: &HubId) -> bool {
        self.pool.as_ref().is_none_or(|pool| pool.allows(party, hub))
    }

    /// Returns the stamp of the entry that every hub makes of a command, so that it is one entry:
    /// the hub's own for a batch, the clock for everything else.
    pub fn stamp_of(&self, command: &Command) -> Timestamp {
        match command {
            Command::Placed(placed) => placed.header.report.stamp,
            _ => self.pool.as_ref().map_or(Timestamp::MIN, Pool::clock),
        }
    }

    /// Returns what a snapshot holds of it: nothing before the pool was founded.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.pool.as_ref().map(|pool| to_bytes_of_form(FORM, pool)).unwrap_or_default()
    }

    /// Reads what [`State::to_bytes`] wrote; every other byte string is refused.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if bytes.is_empty() {
            return Ok(State::default());
        }
        if Self::BYTES_MAX < bytes.len() {
            return Err(invalid("the state of a pool is not as long"));
        }
        Ok(State { pool: Some(from_bytes_of_form(FORM, bytes)?) })
    }

    /// Returns the hash of everything that a snapshot holds of it.
    pub fn hash(&self) -> Hash {
        sha256(&[ROOT, &self.to_bytes()])
    }
}

impl Pool {
    /// Returns who belongs to it.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Returns which rules are active.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the pool's clock: the lower median of the highest stamps of all admitted hubs.
    ///
    /// It never goes back, and it stands while fewer than a majority put batches. Before a majority
    /// was heard for the first time it is [`Timestamp::MIN`].
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// Returns the time by which what `stamp` is on is judged: the later of it and the clock.
    pub fn judged_at(&self, stamp: Timestamp) -> Timestamp {
        self.clock.max(stamp)
    }

    /// Returns the revision of etcd up to which something was taken in, in this epoch.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Tells whether a hub is admitted, set aside or not.
    pub fn is_admitted(&self, hub: &HubId) -> bool {
        self.membership.hub(hub).is_some()
    }

    /// Tells whether a command in the name of `party` has an effect when `hub` put it.
    pub fn allows(&self, party: &str, hub: &HubId) -> bool {
        self.membership.allows(party, hub)
    }

    /// Finds what the log has of an admitted hub.
    pub fn hub(&self, id: &HubId) -> Option<&HubState> {
        self.hubs.get(self.index(id)?)
    }

    /// Lists the admitted hubs and what the log has of each, ascending by id.
    pub fn hubs(&self) -> impl Iterator<Item = (&HubId, &HubState)> {
        self.membership.hubs().iter().map(|hub| &hub.id).zip(&self.hubs)
    }

    /// Returns how many admitted hubs have a last stamp of `since` or later.
    ///
    /// Fewer than [`Membership::majority`] for a while by a hub's own clock: the pool's stands.
    pub fn heard_since(&self, since: Timestamp) -> usize {
        let late = |hub: &&HubState| hub.heard.as_ref().is_some_and(|heard| since <= heard.stamp);
        self.hubs.iter().filter(late).count()
    }

    /// Returns the slot of a hub's next batch.
    ///
    /// The sequence of a hub that was just admitted is one more than the version that its key has.
    pub fn next_slot(&self, id: &HubId) -> Option<Slot> {
        let hub = self.hub(id)?;
        Some(Slot {
            pool: self.membership.pool(),
            epoch: self.membership.epoch(),
            hub: id.clone(),
            sequence: hub.sequence + 1,
            previous: hub.previous,
        })
    }

    /// Lists the admitted hubs that have not said that they can run a version, ascending.
    pub fn left_behind(&self, rule: Rule) -> Vec<HubId> {
        let behind = |hub: &HubState| {
            hub.heard.as_ref().is_none_or(|heard| heard.rules.version(rule.family) < rule.version)
        };
        self.hubs().filter(|(_, hub)| behind(hub)).map(|(id, _)| id.clone()).collect()
    }

    fn index(&self, id: &HubId) -> Option<usize> {
        self.membership.hubs().binary_search_by(|hub| hub.id.cmp(id)).ok()
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.hubs.len() != self.membership.hubs().len() {
            return Err("the hubs are not those of the membership");
        }
        if self.rules.version(FAMILY) == 0 {
            return Err("the rules name no version of the pool's own family");
        }
        if self.hubs.iter().any(|hub| self.revision < hub.revision) {
            return Err("something of a hub was taken in after everything");
        }
        if self.clock < self.median() {
            return Err("the clock is before the hubs' stamps");
        }
        Ok(())
    }

    /// Returns the lower median of the highest stamps of all admitted hubs.
    fn median(&self) -> Timestamp {
        let mut stamps: Vec<_> = self.hubs.iter().map(|hub| hub.highest).collect();
        stamps.sort_unstable();
        stamps[(stamps.len() - 1) / 2]
    }
}

impl BorshSerialize for Pool {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        (&*self.membership, &self.rules, self.clock, self.revision, &self.hubs).serialize(writer)
    }
}

impl BorshDeserialize for Pool {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let pool = Pool {
            membership: Arc::new(BorshDeserialize::deserialize_reader(reader)?),
            rules: BorshDeserialize::deserialize_reader(reader)?,
            clock: BorshDeserialize::deserialize_reader(reader)?,
            revision: BorshDeserialize::deserialize_reader(reader)?,
            hubs: BorshDeserialize::deserialize_reader(reader)?,
        };
        pool.check().map_err(invalid)?;
        Ok(pool)
    }
}

impl HubState {
    /// Returns the version of its key up to which all are spent.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Tells whether its next batch may have any version of its key.
    pub fn any_version(&self) -> bool {
        self.any_version
    }

    /// Returns what its next batch names as the one before.
    pub fn previous(&self) -> &Hash {
        &self.previous
    }

    /// Returns the highest stamp of its good batches, if there were any since it was admitted.
    pub fn highest_stamp(&self) -> Option<Timestamp> {
        self.heard.as_ref().map(|_| self.highest)
    }

    /// Returns what its last good batch said, if there was one since it was admitted.
    pub fn heard(&self) -> Option<&Heard> {
        self.heard.as_ref()
    }

    /// Returns how many places it has spent for nothing since it was admitted.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Returns why it is set aside, if it is.
    pub fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }
}
