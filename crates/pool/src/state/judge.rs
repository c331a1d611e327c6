//! Judges what was found under a key of etcd.
//!
//! The steps go from what anybody could have put there to what only the hub can have: a value that
//! the hub has not signed for this very place sets it aside, since its key is in other hands or it
//! is not what it was; one that it has, and that is bad inside, only spends the place.

use super::{HubState, Pool};
use crate::batch::{BatchError, CHANGES_PER_BATCH_MAX, COMMAND_BYTES_MAX, ENTRY_BYTES_MAX};
use crate::canonical::{Hash, sha256};
use crate::{
    Action, Bad, Batch, Command, Consequence, FAMILY, Fault, Hub, HubId, Placed, PublicKey,
    SignedChange,
};

/// What the keys of hubs begin with; the hub's name follows.
pub const KEY_PREFIX: &str = "log/";

/// One event of etcd: a version of a key, or its deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The revision at which it is.
    pub revision: u64,
    /// The whole key.
    pub key: &'a [u8],
    /// The version of the key, 0 for a deletion.
    pub version: u64,
    /// The value, `None` for a deletion.
    pub value: Option<&'a [u8]>,
}

/// What the pool must know of an entry, which the log's own form holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryFacts<'a> {
    /// Which state it is for.
    pub family: u8,
    /// Under which version of that family's rules it was written.
    pub version: u16,
    /// Who put it.
    pub proposer: &'a str,
    /// What is asked.
    pub command: &'a [u8],
}

/// Reads an entry from the log's canonical bytes; `None` if they are none.
///
/// The log's form is the log's to know. The function must read nothing but the bytes.
pub type ReadEntry = fn(&[u8]) -> Option<EntryFacts<'_>>;

/// What was found; it changes nothing until an entry of it is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The hub's next batch: an entry [`Command::Placed`], then its own.
    Accepted(Box<Batch>),
    /// A bad batch of the hub, in its place: an entry [`Command::Bad`].
    Spent(Fault),
    /// Not the hub's next batch: an entry [`Command::Bad`].
    SetAside(Fault),
    /// Nothing that counts: no entry.
    Foreign(Fault),
    /// It was taken in before, or lies before what was: events are repeated or out of order. No
    /// entry.
    Stale,
    /// Versions of this key between were not shown: the events must be read again from the last
    /// revision taken in, from another member if it happens again. Nothing may be taken in.
    Incomplete,
    /// The pool runs rules of its own that this release does not know: it must stop.
    TooOld {
        /// The version of the family [`FAMILY`] that it takes.
        needed: u16,
    },
}

impl Found<'_> {
    /// Returns the hub whose key it is, if the key can be one.
    pub fn hub(&self) -> Option<HubId> {
        let name = self.key.strip_prefix(KEY_PREFIX.as_bytes())?;
        HubId::new(str::from_utf8(name).ok()?).ok()
    }

    /// Returns SHA-256 of the value, zeros for a deletion.
    pub fn hash(&self) -> Hash {
        self.value.map_or([0; 32], |value| sha256(&[value]))
    }

    /// Returns the entry that is made of it, if it has one.
    pub fn bad(&self, fault: Fault) -> Option<Bad> {
        if fault.consequence() == Consequence::Nothing {
            return None;
        }
        let (revision, version) = (self.revision, self.version);
        Some(Bad { revision, hub: self.hub()?, version, fault, hash: self.hash() })
    }
}

impl Verdict {
    /// Returns the entry of the pool's family that is made of it, if one is.
    ///
    /// The entries of an accepted batch follow it. Its proposer is [`PROPOSER`](crate::PROPOSER),
    /// its stamp [`State::stamp_of`](crate::State::stamp_of).
    pub fn command(&self, found: &Found<'_>) -> Option<Command> {
        match self {
            Verdict::Accepted(batch) => {
                Some(Command::Placed(Box::new(Placed::of(found.revision, batch))))
            }
            Verdict::Spent(fault) | Verdict::SetAside(fault) => found.bad(*fault).map(Command::Bad),
            Verdict::Foreign(_) | Verdict::Stale | Verdict::Incomplete | Verdict::TooOld { .. } => {
                None
            }
        }
    }
}

impl From<Fault> for Verdict {
    fn from(fault: Fault) -> Self {
        match fault.consequence() {
            Consequence::Nothing => Verdict::Foreign(fault),
            Consequence::SlotSpent => Verdict::Spent(fault),
            Consequence::HubSetAside => Verdict::SetAside(fault),
        }
    }
}

impl Pool {
    /// Says what an event is. The order in which events are given, and applied, is the order.
    pub fn judge(&self, found: &Found<'_>, read: ReadEntry) -> Verdict {
        match self.examine(found, read) {
            Ok(batch) => Verdict::Accepted(Box::new(batch)),
            Err(verdict) => verdict,
        }
    }

    fn examine(&self, found: &Found<'_>, read: ReadEntry) -> Result<Batch, Verdict> {
        if self.check_version().is_err() {
            return Err(Verdict::TooOld { needed: self.rules.version(FAMILY) });
        }
        let id = found.hub().ok_or(Fault::NoHub)?;
        let hub = self.membership.hub(&id).ok_or(Fault::NotAdmitted)?;
        let state = self.hub(&id).ok_or(Fault::NotAdmitted)?;
        if found.revision < self.revision || found.revision <= state.revision {
            return Err(Verdict::Stale);
        }
        if state.set_aside.is_some() {
            let batch = self.examine_value(found, hub, state, read);
            let batch = batch.ok().filter(|batch| self.own_change(hub, batch, read).is_some());
            return Ok(batch.ok_or(Fault::HubSetAside)?);
        }
        if found.value.is_some() && !state.any_version && found.version != state.sequence + 1 {
            return Err(Verdict::Incomplete);
        }
        Ok(self.examine_value(found, hub, state, read)?)
    }

    fn examine_value(
        &self,
        found: &Found<'_>,
        hub: &Hub,
        state: &HubState,
        read: ReadEntry,
    ) -> Result<Batch, Fault> {
        let value = found.value.ok_or(Fault::Deleted)?;
        let batch = Batch::from_bytes(value).map_err(fault_of)?;
        if !batch.verify(&hub.key) {
            let new_key = self.own_change(hub, &batch, read).ok_or(Fault::Signature)?;
            if !batch.verify(&new_key) {
                return Err(Fault::Signature);
            }
        }
        let slot = &batch.header().slot;
        if slot.pool != self.membership.pool() {
            return Err(Fault::OtherPool);
        }
        if slot.epoch != self.membership.epoch() {
            return Err(Fault::OtherEpoch);
        }
        if slot.hub != hub.id {
            return Err(Fault::OtherHub);
        }
        if slot.sequence != found.version {
            return Err(Fault::Sequence);
        }
        if slot.previous != state.previous {
            return Err(Fault::Previous);
        }
        self.examine_entries(hub, &batch, read)?;
        Ok(batch)
    }

    fn examine_entries(&self, hub: &Hub, batch: &Batch, read: ReadEntry) -> Result<(), Fault> {
        let mut changes = 0;
        for (entry, index) in batch.entries().iter().zip(0..) {
            let facts = read(entry).ok_or(Fault::EntryMalformed { index })?;
            if ENTRY_BYTES_MAX < entry.len() || COMMAND_BYTES_MAX < facts.command.len() {
                return Err(Fault::EntryMalformed { index });
            }
            if facts.proposer != hub.id.as_str() {
                return Err(Fault::EntryProposer { index });
            }
            if facts.version == 0 || facts.version != self.rules.version(facts.family) {
                return Err(Fault::EntryRules { index });
            }
            if facts.family != FAMILY {
                continue;
            }
            if change_of(&facts).is_none() {
                return Err(Fault::EntryNoChange { index });
            }
            changes += 1;
            if CHANGES_PER_BATCH_MAX < changes {
                return Err(Fault::TooManyChanges);
            }
        }
        Ok(())
    }

    /// Returns the hub's key after a batch that is nothing but the hub's own readmission, or its
    /// own new key, signed by those who must.
    ///
    /// Such a batch counts from a hub that is set aside, and signed with the new key, so that a pool
    /// whose last hub is set aside, or whose last hub's key is lost, is not lost with it.
    fn own_change(&self, hub: &Hub, batch: &Batch, read: ReadEntry) -> Option<PublicKey> {
        let [entry] = batch.entries() else {
            return None;
        };
        let facts = read(entry).filter(|facts| facts.family == FAMILY)?;
        let signed = change_of(&facts)?;
        if signed.change.action.own_hub() != Some(&hub.id) {
            return None;
        }
        self.membership.after(&signed).ok()?;
        match &signed.change.action {
            Action::ReplaceHubKey { key, .. } => Some(*key),
            _ => Some(hub.key),
        }
    }
}

fn change_of(facts: &EntryFacts<'_>) -> Option<SignedChange> {
    match Command::from_bytes(facts.command) {
        Ok(Command::Change(signed)) => Some(*signed),
        _ => None,
    }
}

fn fault_of(error: BatchError) -> Fault {
    match error {
        BatchError::TooLarge => Fault::TooLarge,
        BatchError::Entries => Fault::Entries,
        BatchError::TooManyEntries | BatchError::UnknownForm(_) | BatchError::Malformed => {
            Fault::Malformed
        }
    }
}
