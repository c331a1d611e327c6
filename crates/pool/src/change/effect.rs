//! What a change makes of a membership.

use crate::canonical::is_ascending;
use crate::membership::{
    BINDINGS_MAX, Binding, HUB_KEYS_MAX, HUBS_MAX, Hub, Membership, OWNERS_MAX, Owner, check_keys,
    check_quorum,
};
use crate::{
    Action, Change, Genesis, HubId, OwnerName, PartyName, PublicKey, Refusal, SignedChange,
};

impl Membership {
    /// Returns the membership after a change, or why it has no effect.
    ///
    /// Rules are not part of the membership: a signed activation leaves it as it is, and whether the
    /// hubs it names are the right ones is [`Pool`](crate::Pool)'s to say.
    pub fn after(&self, signed: &SignedChange) -> Result<Membership, Refusal> {
        signed.change.check_place(self)?;
        signed.check_signers(self)?;
        let mut after = self.clone();
        after.act(&signed.change)?;
        signed.check_signatures(self)?;
        debug_assert_eq!(after.check(), Ok(()));
        Ok(after)
    }

    /// Returns the membership after a change, as if those had signed it who must.
    pub fn rehearse(&self, change: &Change) -> Result<Membership, Refusal> {
        change.check_place(self)?;
        let mut after = self.clone();
        after.act(change)?;
        Ok(after)
    }

    /// Returns the membership that the changes lead to, each of which must have an effect.
    ///
    /// So whoever has the genesis from its owners needs no hub's word for who is admitted now.
    pub fn follow(genesis: &Genesis, changes: &[SignedChange]) -> Result<Membership, Refusal> {
        let mut membership = Membership::found(genesis);
        for signed in changes {
            membership = membership.after(signed)?;
        }
        Ok(membership)
    }

    fn act(&mut self, change: &Change) -> Result<(), Refusal> {
        match &change.action {
            // Neither is a decision about who belongs to the pool that could be made twice.
            Action::ReplaceHubKey { id, key } => return self.replace_hub_key(id, *key),
            Action::ActivateRules { .. } => return Ok(()),
            _ => self.number += 1,
        }
        match &change.action {
            Action::AdmitHub { id, owner, key } => self.admit_hub(id, owner, *key),
            Action::RemoveHub { id } => self.remove_hub(id),
            Action::Readmit { id } => self.readmit(id),
            Action::AdmitOwner { owner, quorum } => self.admit_owner(owner, *quorum),
            Action::RemoveOwner { name, quorum } => self.remove_owner(name, *quorum),
            Action::ReplaceOwnerKeys { owner } => self.replace_owner_keys(owner),
            Action::SetQuorum { quorum } => self.set_quorum(*quorum),
            Action::Bind { party, hubs } => self.bind(party, hubs),
            Action::Unbind { party } => self.unbind(party),
            Action::OpenEpoch { .. } => {
                self.epoch = self.epoch.checked_add(1).ok_or(Refusal::EpochHere)?;
                Ok(())
            }
            Action::ReplaceHubKey { .. } | Action::ActivateRules { .. } => {
                unreachable!("they have returned above")
            }
        }
    }

    fn admit_hub(&mut self, id: &HubId, owner: &OwnerName, key: PublicKey) -> Result<(), Refusal> {
        if self.owner(owner).is_none() {
            return Err(Refusal::UnknownOwner(owner.clone()));
        }
        let Err(place) = self.hubs.binary_search_by(|hub| hub.id.cmp(id)) else {
            return Err(Refusal::KnownHub(id.clone()));
        };
        if self.hubs.len() == HUBS_MAX {
            return Err(Refusal::TooManyHubs);
        }
        let admitted = self.number;
        let hub = Hub { id: id.clone(), owner: owner.clone(), admitted, key, keys_replaced: 0 };
        self.hubs.insert(place, hub);
        self.check_keys()
    }

    fn remove_hub(&mut self, id: &HubId) -> Result<(), Refusal> {
        self.hub_mut(id)?;
        self.keep_hubs(|hub| hub.id != *id)
    }

    /// Keeps some of the hubs, at least one, and makes the bindings fit.
    ///
    /// A party whose hubs are all gone stays bound: the next hub of one of these names may be
    /// anybody's.
    fn keep_hubs(&mut self, keep: impl Fn(&Hub) -> bool) -> Result<(), Refusal> {
        self.hubs.retain(|hub| keep(hub));
        if self.hubs.is_empty() {
            return Err(Refusal::LastHub);
        }
        let hubs = &self.hubs;
        for binding in &mut self.bindings {
            binding.hubs.retain(|bound| hubs.iter().any(|hub| hub.id == *bound));
        }
        Ok(())
    }

    fn readmit(&mut self, id: &HubId) -> Result<(), Refusal> {
        let number = self.number;
        let hub = self.hub_mut(id)?;
        hub.admitted = number;
        hub.keys_replaced = 0;
        Ok(())
    }

    fn replace_hub_key(&mut self, id: &HubId, key: PublicKey) -> Result<(), Refusal> {
        let hub = self.hub_mut(id)?;
        if HUB_KEYS_MAX <= hub.keys_replaced {
            return Err(Refusal::TooManyKeys);
        }
        if hub.key == key {
            return Err(Refusal::KeyInUse);
        }
        hub.keys_replaced += 1;
        hub.key = key;
        self.check_keys()
    }

    fn admit_owner(&mut self, owner: &Owner, quorum: u8) -> Result<(), Refusal> {
        let place = self.owners.binary_search_by(|other| other.name.cmp(&owner.name));
        let Err(place) = place else {
            return Err(Refusal::KnownOwner(owner.name.clone()));
        };
        if self.owners.len() == OWNERS_MAX {
            return Err(Refusal::TooManyOwners);
        }
        self.owners.insert(place, owner.clone());
        self.check_keys()?;
        self.set_quorum(quorum)
    }

    fn remove_owner(&mut self, name: &OwnerName, quorum: u8) -> Result<(), Refusal> {
        self.owner_mut(name)?;
        self.owners.retain(|owner| owner.name != *name);
        if self.owners.is_empty() {
            return Err(Refusal::LastOwner);
        }
        self.keep_hubs(|hub| hub.owner != *name)?;
        self.set_quorum(quorum)
    }

    fn replace_owner_keys(&mut self, owner: &Owner) -> Result<(), Refusal> {
        let known = self.owner_mut(&owner.name)?;
        if *known == *owner {
            return Err(Refusal::KeyInUse);
        }
        *known = owner.clone();
        self.check_keys()
    }

    fn set_quorum(&mut self, quorum: u8) -> Result<(), Refusal> {
        check_quorum(quorum, self.owners.len())?;
        self.quorum = quorum;
        Ok(())
    }

    fn bind(&mut self, party: &PartyName, hubs: &[HubId]) -> Result<(), Refusal> {
        if hubs.is_empty() || !is_ascending(hubs, |hub| hub) {
            return Err(Refusal::HubList);
        }
        if let Some(unknown) = hubs.iter().find(|id| self.hub(id).is_none()) {
            return Err(Refusal::UnknownHub(unknown.clone()));
        }
        let hubs = hubs.to_vec();
        match self.bindings.binary_search_by(|binding| binding.party.cmp(party)) {
            Ok(index) => self.bindings[index].hubs = hubs,
            Err(_) if self.bindings.len() == BINDINGS_MAX => return Err(Refusal::TooManyBindings),
            Err(index) => self.bindings.insert(index, Binding { party: party.clone(), hubs }),
        }
        Ok(())
    }

    fn unbind(&mut self, party: &PartyName) -> Result<(), Refusal> {
        let place = self.bindings.binary_search_by(|binding| binding.party.cmp(party));
        self.bindings.remove(place.map_err(|_| Refusal::NotBound)?);
        Ok(())
    }

    fn hub_mut(&mut self, id: &HubId) -> Result<&mut Hub, Refusal> {
        let hub = self.hubs.iter_mut().find(|hub| hub.id == *id);
        hub.ok_or_else(|| Refusal::UnknownHub(id.clone()))
    }

    fn owner_mut(&mut self, name: &OwnerName) -> Result<&mut Owner, Refusal> {
        let owner = self.owners.iter_mut().find(|owner| owner.name == *name);
        owner.ok_or_else(|| Refusal::UnknownOwner(name.clone()))
    }

    fn check_keys(&self) -> Result<(), Refusal> {
        if !check_keys(&self.owners, self.hubs.iter().map(|hub| hub.key)) {
            return Err(Refusal::KeyInUse);
        }
        Ok(())
    }
}
