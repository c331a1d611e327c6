//! Pools for tests: owners and hubs whose keys are known, and a log that follows from what is put.

use std::collections::BTreeMap;

use spacetime::Timestamp;

use crate::canonical::sha256;
use crate::{
    Action, AppliedHead, Batch, Change, Command, Effect, EntryFacts, FAMILY, Found, Founding,
    Genesis, GenesisHub, HubId, KEY_PREFIX, KeyPair, Membership, Owner, OwnerKey, OwnerName,
    PROPOSER, Pool, PoolName, Report, Rule, Rules, SignedChange, State, VERSION, Verdict,
};

/// Owner number `n` signs with key 1000 + n, offline with 2000 + n; hub number `n` with n.
pub(crate) fn key(number: u16) -> KeyPair {
    let mut seed = [0x5a; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    KeyPair::from_seed(&seed)
}

pub(crate) fn online(owner: u16) -> KeyPair {
    key(1000 + owner)
}

pub(crate) fn offline(owner: u16) -> KeyPair {
    key(2000 + owner)
}

pub(crate) fn hub_id(number: u16) -> HubId {
    HubId::new(&format!("hub-{number:03}")).expect("a name")
}

pub(crate) fn owner_name(number: u16) -> OwnerName {
    OwnerName::new(&format!("owner-{number:03}")).expect("a name")
}

pub(crate) fn owner(number: u16) -> Owner {
    Owner {
        name: owner_name(number),
        key: online(number).public_key(),
        offline_key: offline(number).public_key(),
    }
}

pub(crate) fn rules() -> Rules {
    let rule = |family, version| Rule { family, version };
    Rules::new(vec![rule(0, 2), rule(1, 2), rule(crate::FAMILY, crate::VERSION)]).expect("valid")
}

/// Hub number `n` belongs to owner number `n`, or to the last one.
pub(crate) fn founding(owners: usize, hubs: usize, quorum: u8) -> Founding {
    let number = |count: usize| 0..u16::try_from(count).expect("small");
    let hub = |n: u16| GenesisHub {
        id: hub_id(n),
        owner: owner_name(n.min(u16::try_from(owners - 1).expect("small"))),
        key: key(n).public_key(),
    };
    Founding {
        name: PoolName::new("trial").expect("a name"),
        nonce: [7; 32],
        owners: number(owners).map(owner).collect(),
        quorum,
        hubs: number(hubs).map(hub).collect(),
        rules: rules(),
    }
}

pub(crate) fn genesis(owners: usize, hubs: usize, quorum: u8) -> Genesis {
    Genesis::new(founding(owners, hubs, quorum)).expect("valid")
}

/// Returns a point in time some seconds after 2026-01-01.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000 + seconds * 1_000_000).expect("in range")
}

/// Returns an entry: `family | version | proposer length | proposer | command`.
pub(crate) fn entry(family: u8, version: u16, proposer: &str, command: &[u8]) -> Vec<u8> {
    let length = u8::try_from(proposer.len()).expect("short");
    let [low, high] = version.to_le_bytes();
    [&[family, low, high, length], proposer.as_bytes(), command].concat()
}

/// Reads what [`entry`] made.
pub(crate) fn read(bytes: &[u8]) -> Option<EntryFacts<'_>> {
    let (&[family, low, high, length], rest) = bytes.split_first_chunk()?;
    let (proposer, command) = rest.split_at_checked(usize::from(length))?;
    let proposer = str::from_utf8(proposer).ok()?;
    Some(EntryFacts { family, version: u16::from_le_bytes([low, high]), proposer, command })
}

/// Returns an entry of the airspace that a hub puts.
pub(crate) fn flight(hub: u16) -> Vec<u8> {
    entry(1, 2, hub_id(hub).as_str(), b"flight")
}

/// Returns a change as a hub puts it.
pub(crate) fn change_entry(hub: u16, signed: &SignedChange) -> Vec<u8> {
    let command = Command::Change(Box::new(signed.clone())).to_bytes();
    entry(FAMILY, VERSION, hub_id(hub).as_str(), &command)
}

/// Returns a change that some owners have signed, all with the keys that it takes.
pub(crate) fn signed(membership: &Membership, action: Action, owners: &[u16]) -> SignedChange {
    let before = match &action {
        Action::ReplaceHubKey { id, .. } => membership.hub_hash(id).expect("a hub"),
        _ => membership.hash(),
    };
    let (pool, epoch) = (membership.pool(), membership.epoch());
    let offline_keys = action.needs_offline_keys();
    let mut signed = SignedChange::unsigned(Change { pool, epoch, before, action });
    for &number in owners {
        let (with, key) = if offline_keys {
            (OwnerKey::Offline, offline(number))
        } else {
            (OwnerKey::Online, online(number))
        };
        signed.sign(&owner_name(number), with, &key).expect("few");
    }
    signed
}

/// A pool as one hub sees it, and the etcd that all see.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(crate) state: State,
    pub(crate) head: AppliedHead,
    pub(crate) revision: u64,
    /// The version of each key, and by whom its hub signs.
    pub(crate) versions: BTreeMap<u16, u64>,
    pub(crate) keys: BTreeMap<u16, u16>,
    pub(crate) effects: Vec<Effect>,
}

impl Trial {
    pub(crate) fn new(owners: usize, hubs: usize, quorum: u8) -> Self {
        let mut trial = Trial {
            state: State::default(),
            head: AppliedHead::default(),
            revision: 0,
            versions: BTreeMap::new(),
            keys: BTreeMap::new(),
            effects: Vec::new(),
        };
        trial.apply(PROPOSER, &Command::Genesis(genesis(owners, hubs, quorum)));
        trial
    }

    pub(crate) fn pool(&self) -> &Pool {
        self.state.pool().expect("it was founded")
    }

    pub(crate) fn membership(&self) -> &Membership {
        self.pool().membership()
    }

    /// Takes an entry in, which must follow.
    pub(crate) fn apply(&mut self, proposer: &str, command: &Command) {
        let effect = self.state.apply(&self.head, proposer, command);
        self.effects.push(effect.expect("the entry follows"));
        self.advance(&command.to_bytes());
    }

    fn advance(&mut self, bytes: &[u8]) {
        self.head.position += 1;
        self.head.chain = sha256(&[&self.head.chain, bytes]);
    }

    pub(crate) fn version(&self, hub: u16) -> u64 {
        self.versions.get(&hub).copied().unwrap_or(0)
    }

    pub(crate) fn key_of(&self, hub: u16) -> KeyPair {
        key(self.keys.get(&hub).copied().unwrap_or(hub))
    }

    pub(crate) fn report(&self, stamp: Timestamp) -> Report {
        Report { applied: self.head, state: None, stamp, rules: rules() }
    }

    /// Returns the hub's next batch.
    pub(crate) fn batch(&self, hub: u16, stamp: Timestamp, entries: Vec<Vec<u8>>) -> Batch {
        let mut slot = self.pool().next_slot(&hub_id(hub)).expect("it is admitted");
        slot.sequence = self.version(hub) + 1;
        Batch::sign(slot, self.report(stamp), entries, &self.key_of(hub)).expect("small")
    }

    /// Puts the hub's next batch, which must be good.
    pub(crate) fn put(&mut self, hub: u16, stamp: Timestamp, entries: Vec<Vec<u8>>) {
        let batch = self.batch(hub, stamp, entries);
        let verdict = self.put_bytes(hub, Some(&batch.to_bytes()));
        assert_eq!(verdict, Verdict::Accepted(Box::new(batch)));
    }

    /// Puts a heartbeat of a hub, which must be good.
    pub(crate) fn beat(&mut self, hub: u16, seconds: i64) {
        self.put(hub, at(seconds), Vec::new());
    }

    /// Puts a change through a hub and returns what came of it.
    pub(crate) fn change(&mut self, hub: u16, signed: &SignedChange) -> Effect {
        let stamp = self.pool().clock().max(at(0));
        self.put(hub, stamp, vec![change_entry(hub, signed)]);
        self.effects.last().expect("it was applied").clone()
    }

    /// Puts a change that a quorum of the first owners signs, and which must have an effect.
    pub(crate) fn decide(&mut self, hub: u16, action: Action) {
        let owners: Vec<_> = (0..u16::try_from(self.membership().quorum()).expect("few")).collect();
        let signed = signed(self.membership(), action, &owners);
        let effect = self.change(hub, &signed);
        assert!(matches!(effect, Effect::Changed(_) | Effect::Activated(_)), "{effect:?}");
    }

    /// Puts anything under a hub's key, `None` to delete it, and takes in what comes of it.
    pub(crate) fn put_bytes(&mut self, hub: u16, value: Option<&[u8]>) -> Verdict {
        let version = if value.is_some() { self.version(hub) + 1 } else { 0 };
        self.versions.insert(hub, version);
        self.revision += 1;
        let key = format!("{KEY_PREFIX}{}", hub_id(hub));
        self.take_in(&Found { revision: self.revision, key: key.as_bytes(), version, value })
    }

    /// Judges what was found and takes in what comes of it.
    pub(crate) fn take_in(&mut self, found: &Found<'_>) -> Verdict {
        let verdict = self.pool().judge(found, read);
        if let Some(command) = verdict.command(found) {
            self.apply(PROPOSER, &command);
        }
        if let Verdict::Accepted(batch) = &verdict {
            batch.entries().iter().for_each(|entry| self.take_entry(entry));
        }
        verdict
    }

    fn take_entry(&mut self, entry: &[u8]) {
        let facts = read(entry).expect("it was accepted");
        if facts.family == FAMILY {
            let command = Command::from_bytes(facts.command).expect("it was accepted");
            self.apply(facts.proposer, &command);
        } else {
            self.advance(entry);
        }
    }
}
