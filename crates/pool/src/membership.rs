//! Who belongs to a pool, with which keys, and which party may use which hubs.
//!
//! It follows from the genesis and the changes that owners signed, and from nothing else; whoever
//! has those can follow it without the rest of the log. [`Membership::hash`] covers what a quorum
//! decides, with the number of its decisions, so that it never comes back to an earlier value, and
//! leaves out what one owner decides alone, so that no owner can make the others' signatures void
//! by changing something of its own in between.

use std::collections::BTreeSet;
use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{Hash, invalid, is_ascending, sha256, to_bytes};
use crate::{Genesis, HubId, OwnerName, PartyName, PoolId, PublicKey};

/// How many owners a pool may have.
pub const OWNERS_MAX: usize = 64;

/// How many hubs a pool may have.
pub const HUBS_MAX: usize = 64;

/// How many parties may be bound to hubs.
pub const BINDINGS_MAX: usize = 1024;

/// How often an owner may replace its hub's key until the quorum readmits the hub.
///
/// Membership entries are kept for ever, and an owner alone must not fill the others' disks.
pub const HUB_KEYS_MAX: u16 = 256;

/// A party to the pool: it owns hubs and signs changes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Owner {
    /// Its name.
    pub name: OwnerName,
    /// The key for daily business: hubs, bindings, rules.
    pub key: PublicKey,
    /// The key that is kept away from every network: who the owners are is signed with it.
    pub offline_key: PublicKey,
}

/// A hub that was admitted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Hub {
    /// Its name.
    pub id: HubId,
    /// Who owns it.
    pub owner: OwnerName,
    /// The number of the decision that admitted it last, 0 for the genesis.
    pub admitted: u64,
    /// What it signs its batches with.
    pub key: PublicKey,
    /// How often its owner has replaced the key since.
    pub keys_replaced: u16,
}

/// A party that may use some hubs only.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Binding {
    /// The party.
    pub party: PartyName,
    /// The hubs, ascending; without any nothing in the party's name has an effect.
    pub hubs: Vec<HubId>,
}

/// Who belongs to a pool.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct Membership {
    pub(crate) pool: PoolId,
    pub(crate) epoch: u32,
    /// How many changes a quorum has made.
    pub(crate) number: u64,
    /// Ascending by name.
    pub(crate) owners: Vec<Owner>,
    pub(crate) quorum: u8,
    /// Ascending by id.
    pub(crate) hubs: Vec<Hub>,
    /// Ascending by party.
    pub(crate) bindings: Vec<Binding>,
}

/// A number of owners cannot decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum QuorumError {
    /// Two quorums could have no owner in common.
    #[error("the quorum is not more than half of the owners")]
    NotMoreThanHalf,
    /// It could never be reached.
    #[error("the quorum is more than there are owners")]
    MoreThanOwners,
}

impl Membership {
    /// How many bytes its stored form has at most.
    pub const BYTES_MAX: usize = {
        const NAME: usize = 4 + HubId::LENGTH_MAX;
        let owners = 4 + OWNERS_MAX * (NAME + 32 + 32);
        let hubs = 4 + HUBS_MAX * (NAME + NAME + 8 + 32 + 2);
        let binding = 4 + PartyName::LENGTH_MAX + 4 + HUBS_MAX * NAME;
        32 + 4 + 8 + owners + 1 + hubs + 4 + BINDINGS_MAX * binding
    };

    /// Returns how a pool begins.
    pub fn found(genesis: &Genesis) -> Self {
        let founding = genesis.founding();
        let hubs = founding.hubs.iter().map(|hub| Hub {
            id: hub.id.clone(),
            owner: hub.owner.clone(),
            admitted: 0,
            key: hub.key,
            keys_replaced: 0,
        });
        Membership {
            pool: genesis.fingerprint(),
            epoch: 1,
            number: 0,
            owners: founding.owners.clone(),
            quorum: founding.quorum,
            hubs: hubs.collect(),
            bindings: Vec::new(),
        }
    }

    /// Returns which pool it is.
    pub fn pool(&self) -> PoolId {
        self.pool
    }

    /// Returns the number of the etcd cluster that the pool is on, from 1.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns how many changes a quorum has made.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Returns the owners, ascending by name.
    pub fn owners(&self) -> &[Owner] {
        &self.owners
    }

    /// Returns how many owners must sign a change.
    pub fn quorum(&self) -> usize {
        usize::from(self.quorum)
    }

    /// Returns the admitted hubs, ascending by id.
    pub fn hubs(&self) -> &[Hub] {
        &self.hubs
    }

    /// Returns the parties that are bound to hubs, ascending.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Finds an owner.
    pub fn owner(&self, name: &OwnerName) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.name == *name)
    }

    /// Finds an admitted hub.
    pub fn hub(&self, id: &HubId) -> Option<&Hub> {
        self.hubs.iter().find(|hub| hub.id == *id)
    }

    /// Returns how many hubs are more than half of the admitted ones.
    pub fn majority(&self) -> usize {
        self.hubs.len() / 2 + 1
    }

    /// Tells whether a command in the name of `party` has an effect when `hub` put it.
    pub fn allows(&self, party: &str, hub: &HubId) -> bool {
        let bound = self.bindings.binary_search_by(|binding| binding.party.as_str().cmp(party));
        let may = bound.is_err()
            || bound.is_ok_and(|index| self.bindings[index].hubs.binary_search(hub).is_ok());
        may && self.hub(hub).is_some()
    }

    /// Returns the hash of what a quorum decides: its next change must name it.
    pub fn hash(&self) -> Hash {
        let hubs: Vec<_> = self.hubs.iter().map(|h| (&h.id, &h.owner, h.admitted)).collect();
        let decided = (self.pool, self.epoch, self.number, &self.owners, self.quorum, hubs);
        let decided = [to_bytes(&decided), to_bytes(&self.bindings)];
        sha256(&[b"tansiq/pool/membership/1\0", &decided[0], &decided[1]])
    }

    /// Returns the hash of what is known of one hub: a change of its key must name it.
    pub fn hub_hash(&self, id: &HubId) -> Option<Hash> {
        let hub = to_bytes(&(self.pool, self.epoch, self.hub(id)?));
        Some(sha256(&[b"tansiq/pool/hub/1\0", &hub]))
    }

    /// Says whether this could be a pool at all.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.owners.is_empty() || OWNERS_MAX < self.owners.len() {
            return Err("there are no owners or too many");
        }
        if self.hubs.is_empty() || HUBS_MAX < self.hubs.len() {
            return Err("there are no hubs or too many");
        }
        if BINDINGS_MAX < self.bindings.len() {
            return Err("there are too many bindings");
        }
        let owners_ascend = is_ascending(&self.owners, |owner| &owner.name);
        let hubs_ascend = is_ascending(&self.hubs, |hub| &hub.id);
        let bindings_ascend = is_ascending(&self.bindings, |binding| &binding.party);
        if !owners_ascend || !hubs_ascend || !bindings_ascend {
            return Err("a list is not in order");
        }
        if !self.hubs.iter().all(|hub| self.owner(&hub.owner).is_some()) {
            return Err("a hub has no owner");
        }
        let bound_to_none = |binding: &Binding| {
            !is_ascending(&binding.hubs, |hub| hub)
                || binding.hubs.iter().any(|hub| self.hub(hub).is_none())
        };
        if self.bindings.iter().any(bound_to_none) {
            return Err("a party is bound to a hub that is not admitted");
        }
        if !check_keys(&self.owners, self.hubs.iter().map(|hub| hub.key)) {
            return Err("a key is used twice");
        }
        check_quorum(self.quorum, self.owners.len()).map_err(|_| "the quorum cannot decide")
    }
}

impl BorshDeserialize for Membership {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let membership = Membership {
            pool: BorshDeserialize::deserialize_reader(reader)?,
            epoch: BorshDeserialize::deserialize_reader(reader)?,
            number: BorshDeserialize::deserialize_reader(reader)?,
            owners: BorshDeserialize::deserialize_reader(reader)?,
            quorum: BorshDeserialize::deserialize_reader(reader)?,
            hubs: BorshDeserialize::deserialize_reader(reader)?,
            bindings: BorshDeserialize::deserialize_reader(reader)?,
        };
        membership.check().map_err(invalid)?;
        Ok(membership)
    }
}

/// Says whether a quorum of so many owners can decide, and only one way.
pub(crate) fn check_quorum(quorum: u8, owners: usize) -> Result<(), QuorumError> {
    let quorum = usize::from(quorum);
    if quorum * 2 <= owners {
        return Err(QuorumError::NotMoreThanHalf);
    }
    if owners < quorum {
        return Err(QuorumError::MoreThanOwners);
    }
    Ok(())
}

/// Tells whether no key is there twice, whatever it is for.
pub(crate) fn check_keys(owners: &[Owner], hubs: impl Iterator<Item = PublicKey>) -> bool {
    let owners = owners.iter().flat_map(|owner| [owner.key, owner.offline_key]);
    let mut seen = BTreeSet::new();
    owners.chain(hubs).all(|key| seen.insert(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial;

    #[test]
    fn lets_unbound_parties_use_every_admitted_hub_and_no_other() {
        let membership = Membership::found(&trial::genesis(2, 3, 2));

        assert!(membership.allows("anybody", &trial::hub_id(0)));
        assert!(membership.allows("anybody", &trial::hub_id(2)));
        assert!(!membership.allows("anybody", &trial::hub_id(3)));
    }

    #[test]
    fn is_read_from_its_own_form_only() {
        let membership = Membership::found(&trial::genesis(3, 3, 2));
        let bytes = to_bytes(&membership);
        assert_eq!(Membership::try_from_slice(&bytes).expect("its own form"), membership);

        let edits: [fn(&mut Membership); 6] = [
            |membership| membership.owners.swap(0, 1),
            |membership| membership.hubs.swap(0, 1),
            |membership| membership.quorum = 1,
            |membership| membership.hubs[0].key = membership.hubs[1].key,
            |membership| membership.hubs[0].owner = trial::owner_name(9),
            |membership| {
                let party = PartyName::new("party").expect("a name");
                membership.bindings.push(Binding { party, hubs: vec![trial::hub_id(9)] });
            },
        ];
        for (index, edit) in edits.into_iter().enumerate() {
            let mut wrong = membership.clone();
            edit(&mut wrong);
            assert!(Membership::try_from_slice(&to_bytes(&wrong)).is_err(), "edit {index}");
        }
    }

    #[test]
    fn hashes_what_a_quorum_decides_and_not_what_an_owner_does_alone() {
        let membership = Membership::found(&trial::genesis(3, 3, 2));
        let hub = trial::hub_id(1);

        let mut other_key = membership.clone();
        other_key.hubs[1].key = trial::key(99).public_key();
        other_key.hubs[1].keys_replaced = 1;
        assert_eq!(other_key.hash(), membership.hash());
        assert_ne!(other_key.hub_hash(&hub), membership.hub_hash(&hub));

        let mut later = membership.clone();
        later.number += 1;
        assert_ne!(later.hash(), membership.hash());
        assert_eq!(later.hub_hash(&hub), membership.hub_hash(&hub));
    }

    #[test]
    fn wants_more_than_half_of_the_owners() {
        for (quorum, owners, may) in [
            (1, 1, true),
            (1, 2, false),
            (2, 2, true),
            (2, 3, true),
            (2, 4, false),
            (3, 4, true),
            (5, 4, false),
            (32, 64, false),
            (33, 64, true),
        ] {
            assert_eq!(check_quorum(quorum, owners).is_ok(), may, "{quorum} of {owners}");
        }
    }
}
