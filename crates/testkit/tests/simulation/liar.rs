//! A hub that does what nobody but its owner, or who has its key, can do; and what others must see.

use std::sync::Arc;

use log::{Entry, Family, Proposer};
use pool::{
    AppliedHead, BATCH_BYTES_MAX, Batch, Command, Evidence, Fault, Hash, HubId, Kind, Pool, PoolId,
    Report, SignedChange, Slot, StateHash, Subject,
};
use spacetime::Timestamp;

use super::founding::{Founders, key};

/// The number of a key that is no hub's.
const NOBODYS_KEY: u16 = 77;

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    /// A batch with a signature that is none.
    Signature,
    /// A batch signed with another key.
    OtherKey,
    /// A batch of another pool.
    OtherPool,
    /// A batch of another epoch.
    OtherEpoch,
    /// A batch that names another hub.
    OtherHub,
    /// The batch that it put last.
    Repeated,
    /// A batch for another place.
    OutOfSequence,
    /// Bytes that are no batch.
    Malformed,
    /// More bytes than a batch has.
    TooLarge,
    /// Its key is deleted.
    Deleted,
    /// A batch that follows none of its own.
    Previous,
    /// An entry that names another hub.
    Proposer,
    /// An entry that is none.
    NoEntry,
    /// An entry under rules that are not active.
    OtherRules,
    /// An entry that only hubs make for themselves.
    NoChange,
    /// A change that nobody has signed.
    Unsigned,
    /// It says that its log is another.
    OtherLog,
    /// It says that it has applied what is not there yet.
    Future,
    /// It says that its state is another.
    OtherState,
    /// Its clock is a day ahead.
    Stamp,
    /// It puts under a key that is nobody's.
    NobodysKey,
}

impl Lie {
    pub(crate) const ALL: [Lie; 21] = [
        Lie::Signature,
        Lie::OtherKey,
        Lie::OtherPool,
        Lie::OtherEpoch,
        Lie::OtherHub,
        Lie::Repeated,
        Lie::OutOfSequence,
        Lie::Malformed,
        Lie::TooLarge,
        Lie::Deleted,
        Lie::Previous,
        Lie::Proposer,
        Lie::NoEntry,
        Lie::OtherRules,
        Lie::NoChange,
        Lie::Unsigned,
        Lie::OtherLog,
        Lie::Future,
        Lie::OtherState,
        Lie::Stamp,
        Lie::NobodysKey,
    ];

    /// Tells whether a piece of evidence shows this lie of `hub`.
    pub(crate) fn is_shown_by(self, evidence: &Evidence, hub: &HubId) -> bool {
        let is_about_it = evidence.hub.as_ref() == Some(hub);
        let value = match &evidence.kind {
            Kind::Value { fault, .. } => Some(*fault),
            _ => None,
        };
        let is = |fault: Fault| is_about_it && value == Some(fault);
        match self {
            Lie::Signature | Lie::OtherKey => is(Fault::Signature),
            Lie::OtherPool => is(Fault::OtherPool),
            Lie::OtherEpoch => is(Fault::OtherEpoch),
            Lie::OtherHub => is(Fault::OtherHub),
            Lie::Repeated | Lie::OutOfSequence => is(Fault::Sequence),
            Lie::Malformed => is(Fault::Malformed),
            Lie::TooLarge => is(Fault::TooLarge),
            Lie::Deleted => is(Fault::Deleted),
            Lie::Previous => is(Fault::Previous),
            Lie::Proposer => is(Fault::EntryProposer { index: 0 }),
            Lie::NoEntry => is(Fault::EntryMalformed { index: 0 }),
            Lie::OtherRules => is(Fault::EntryRules { index: 0 }),
            Lie::NoChange => is(Fault::EntryNoChange { index: 0 }),
            Lie::Unsigned => is_about_it && matches!(evidence.kind, Kind::Change { .. }),
            Lie::OtherLog | Lie::Future => is_about_it && differs(evidence, Subject::Log),
            Lie::OtherState => is_about_it && differs(evidence, Subject::State),
            Lie::Stamp => is_about_it && matches!(evidence.kind, Kind::StampApart { .. }),
            Lie::NobodysKey => value == Some(Fault::NotAdmitted),
        }
    }
}

fn differs(evidence: &Evidence, of: Subject) -> bool {
    matches!(evidence.kind, Kind::Differs { subject, .. } if subject == of)
}

/// What a liar knows of the pool, from a hub that is honest.
pub(crate) struct Known<'a> {
    pub(crate) founders: &'a Founders,
    pub(crate) pool: &'a Pool,
    pub(crate) applied: AppliedHead,
    pub(crate) state: Option<StateHash>,
    pub(crate) clock: Timestamp,
    /// The version that its key has.
    pub(crate) version: u64,
}

/// A hub that lies once, and is like any other before and after.
#[derive(Debug)]
pub(crate) struct Liar {
    pub(crate) number: u16,
    pub(crate) lie: Lie,
    /// It has lied.
    pub(crate) has_lied: bool,
    previous: Hash,
    last: Arc<[u8]>,
}

/// What a liar puts; `None` deletes.
pub(crate) struct Put {
    pub(crate) hub: HubId,
    pub(crate) value: Option<Arc<[u8]>>,
}

impl Liar {
    pub(crate) fn new(founders: &Founders, number: u16, lie: Lie) -> Self {
        let previous = *founders.genesis.fingerprint().as_bytes();
        Liar { number, lie, has_lied: false, previous, last: Arc::from([]) }
    }

    /// Returns a batch as any hub puts it.
    pub(crate) fn beat(&mut self, known: &Known<'_>) -> Put {
        let batch = sign(self.slot(known), self.report(known), Vec::new(), self.number);
        self.previous = batch.hash();
        self.last = Arc::from(batch.to_bytes());
        Put { hub: known.founders.hub_id(self.number), value: Some(Arc::clone(&self.last)) }
    }

    /// Returns the lie, or nothing as long as there is nothing to lie about.
    pub(crate) fn lie(&mut self, known: &Known<'_>) -> Option<Put> {
        let (mut slot, mut report, mut entries) = (self.slot(known), self.report(known), vec![]);
        let hub = known.founders.hub_id(self.number);
        match self.lie {
            Lie::Repeated if self.last.is_empty() => return None,
            Lie::Repeated => return self.lied(hub, Some(Arc::clone(&self.last))),
            Lie::Malformed => return self.lied(hub, Some(Arc::from([1, 2, 3]))),
            Lie::TooLarge => return self.lied(hub, Some(vec![0; BATCH_BYTES_MAX + 1].into())),
            Lie::Deleted => return self.lied(hub, None),
            Lie::OtherPool => slot.pool = other_pool(),
            Lie::OtherEpoch => slot.epoch += 1,
            Lie::OtherHub => slot.hub = known.founders.hub_id(self.number + 1),
            Lie::OutOfSequence => slot.sequence += 1,
            Lie::Previous => slot.previous = [9; 32],
            Lie::Proposer => entries = vec![entry("hub-nobody", known, Family::AIRSPACE, &[1])],
            Lie::NoEntry => entries = vec![vec![1, 2, 3]],
            Lie::OtherRules => entries = vec![entry(hub.as_str(), known, Family(9), &[1])],
            Lie::NoChange => {
                let genesis = Command::Genesis(known.founders.genesis.clone()).to_bytes();
                entries = vec![entry(hub.as_str(), known, Family::POOL, &genesis)];
            }
            Lie::Unsigned => entries = vec![unsigned(&hub, known)],
            Lie::OtherLog => report.applied.chain = [9; 32],
            Lie::Future => report.applied.position += 1_000_000,
            Lie::OtherState => report.state.as_mut()?.hash = [9; 32],
            Lie::Stamp => report.stamp = report.stamp.plus(std::time::Duration::from_secs(86_400)),
            Lie::Signature | Lie::OtherKey | Lie::NobodysKey => {}
        }
        let signer = if self.lie == Lie::OtherKey { NOBODYS_KEY } else { self.number };
        let batch = sign(slot, report, entries, signer);
        let counts = matches!(
            self.lie,
            Lie::Unsigned | Lie::OtherLog | Lie::Future | Lie::OtherState | Lie::Stamp
        );
        if counts {
            self.previous = batch.hash();
        }
        let mut bytes = batch.to_bytes();
        if self.lie == Lie::Signature {
            *bytes.last_mut().expect("a batch has bytes") ^= 1;
        }
        let nobody = HubId::new("nobody").expect("a name");
        let under = if self.lie == Lie::NobodysKey { nobody } else { hub };
        self.lied(under, Some(Arc::from(bytes)))
    }

    fn lied(&mut self, hub: HubId, value: Option<Arc<[u8]>>) -> Option<Put> {
        self.has_lied = true;
        Some(Put { hub, value })
    }

    fn slot(&self, known: &Known<'_>) -> Slot {
        Slot {
            pool: known.pool.membership().pool(),
            epoch: known.pool.membership().epoch(),
            hub: known.founders.hub_id(self.number),
            sequence: known.version + 1,
            previous: self.previous,
        }
    }

    fn report(&self, known: &Known<'_>) -> Report {
        Report {
            applied: known.applied,
            state: known.state,
            stamp: known.clock,
            rules: known.founders.known(self.number),
        }
    }
}

fn sign(slot: Slot, report: Report, entries: Vec<Vec<u8>>, signer: u16) -> Batch {
    Batch::sign(slot, report, entries, &key(signer)).expect("it is small")
}

fn entry(proposer: &str, known: &Known<'_>, family: Family, command: &[u8]) -> Vec<u8> {
    let entry = Entry {
        family,
        version: known.pool.rules().version(family.0).max(1),
        proposer: Proposer::new(proposer).expect("a name"),
        stamp: known.clock,
        command: command.to_vec(),
    };
    entry.to_bytes().expect("it is small")
}

/// Asks for a smaller quorum, in nobody's name.
fn unsigned(hub: &HubId, known: &Known<'_>) -> Vec<u8> {
    let action = pool::Action::SetQuorum { quorum: 1 };
    let signed = known.founders.signed(known.pool, action);
    let nobodys = SignedChange::unsigned(signed.change);
    let command = Command::Change(Box::new(nobodys)).to_bytes();
    entry(hub.as_str(), known, Family::POOL, &command)
}

fn other_pool() -> PoolId {
    let founders = Founders::new(1, None);
    founders.genesis.fingerprint()
}
