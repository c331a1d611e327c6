//! Who founds a pool here: owners and hubs whose keys are known.

use hub::replica::known_rules;
use log::Family;
use pool::{
    Action, Change, Founding, Genesis, GenesisHub, HubId, KeyPair, Owner, OwnerKey, OwnerName,
    Pool, PoolName, Rule, Rules, SignedChange,
};

/// What a pool begins with; hub number `n` is owner number `n`'s.
#[derive(Debug)]
pub(crate) struct Founders {
    pub(crate) genesis: Genesis,
    count: u16,
    /// The hub that knows only the rules that the pool begins with, if one does.
    old: Option<u16>,
}

impl Founders {
    /// Founds a pool of `count` hubs; with an `old` one among them it begins with old rules.
    pub(crate) fn new(count: u16, old: Option<u16>) -> Self {
        let rules = if old.is_some() { old_rules() } else { known_rules() };
        let founding = Founding {
            name: PoolName::new("simulated").expect("a name"),
            nonce: [7; 32],
            owners: (0..count).map(owner).collect(),
            quorum: u8::try_from(count / 2 + 1).expect("few"),
            hubs: (0..count).map(hub).collect(),
            rules,
        };
        Founders { genesis: Genesis::new(founding).expect("a pool can begin so"), count, old }
    }

    pub(crate) fn hub_id(&self, number: u16) -> HubId {
        hub_id(number)
    }

    /// Returns how many other hubs each hub has.
    pub(crate) fn others(&self) -> u64 {
        u64::from(self.count) - 1
    }

    /// Returns what a hub signs with.
    pub(crate) fn key(&self, number: u16) -> KeyPair {
        key(number)
    }

    /// Returns the rules that a hub knows.
    pub(crate) fn known(&self, number: u16) -> Rules {
        if self.old == Some(number) { old_rules() } else { known_rules() }
    }

    /// Returns a change as a quorum of the owners signs it, after what `pool` has decided.
    pub(crate) fn signed(&self, pool: &Pool, action: Action) -> SignedChange {
        let membership = pool.membership();
        let (id, epoch, before) = (membership.pool(), membership.epoch(), membership.hash());
        let with = if action.needs_offline_keys() { OwnerKey::Offline } else { OwnerKey::Online };
        let mut signed = SignedChange::unsigned(Change { pool: id, epoch, before, action });
        for number in 0..self.count / 2 + 1 {
            let key = match with {
                OwnerKey::Online => key(1_000 + number),
                OwnerKey::Offline => key(2_000 + number),
            };
            signed.sign(&owner_name(number), with, &key).expect("few owners");
        }
        signed
    }
}

/// The rule whose activation a run may have.
pub(crate) fn newer_rule() -> Rule {
    Rule { family: Family::AIRSPACE.0, version: hub::replica::AIRSPACE_VERSION }
}

fn old_rules() -> Rules {
    let newer = newer_rule();
    let known = known_rules();
    let older = known.as_slice().iter().map(|rule| match rule.family == newer.family {
        true => Rule { version: newer.version - 1, ..*rule },
        false => *rule,
    });
    Rules::new(older.collect()).expect("as many as before")
}

fn owner(number: u16) -> Owner {
    Owner {
        name: owner_name(number),
        key: key(1_000 + number).public_key(),
        offline_key: key(2_000 + number).public_key(),
    }
}

fn hub(number: u16) -> GenesisHub {
    GenesisHub { id: hub_id(number), owner: owner_name(number), key: key(number).public_key() }
}

fn hub_id(number: u16) -> HubId {
    HubId::new(&format!("hub-{number}")).expect("a name")
}

fn owner_name(number: u16) -> OwnerName {
    OwnerName::new(&format!("owner-{number}")).expect("a name")
}

/// Returns the key with this number.
pub(crate) fn key(number: u16) -> KeyPair {
    let mut seed = [0x5a; 32];
    seed[..2].copy_from_slice(&number.to_le_bytes());
    KeyPair::from_seed(&seed)
}
