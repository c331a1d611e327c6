//! Who must have signed a change.
//!
//! What costs nothing is checked before what costs a verification, and the first signature that is
//! not good ends it: a hub can make the others verify no more than a quorum per change.

use crate::canonical::to_bytes;
use crate::keys::Purpose;
use crate::membership::Membership;
use crate::{
    Action, Change, OwnerKey, OwnerName, OwnerSignature, PublicKey, Refusal, SignedChange,
};

impl Change {
    /// Says whether the change is for this membership.
    pub(crate) fn check_place(&self, membership: &Membership) -> Result<(), Refusal> {
        if self.pool != membership.pool {
            return Err(Refusal::OtherPool);
        }
        if self.epoch != membership.epoch {
            return Err(Refusal::OtherEpoch);
        }
        let before = match &self.action {
            Action::ReplaceHubKey { id, .. } => {
                membership.hub_hash(id).ok_or_else(|| Refusal::UnknownHub(id.clone()))?
            }
            _ => membership.hash(),
        };
        if self.before != before {
            return Err(Refusal::Before);
        }
        Ok(())
    }
}

impl SignedChange {
    /// Says whether those have signed, and with those keys, who must; signatures are not verified.
    pub(crate) fn check_signers(&self, membership: &Membership) -> Result<(), Refusal> {
        let alone = self.alone(membership)?;
        let needed = if alone.is_some() { 1 } else { membership.quorum() };
        let signed = self.signatures.len();
        if signed < needed {
            let count = |count: usize| u8::try_from(count).expect("OWNERS_MAX is less");
            let (needed, signed) = (count(needed), count(signed));
            return Err(Refusal::TooFewSignatures { needed, signed });
        }
        for signature in &self.signatures {
            let owner = &signature.owner;
            let may = alone.is_none_or(|alone| alone == owner);
            if !may || membership.owner(owner).is_none() {
                return Err(Refusal::Signer(owner.clone()));
            }
            if signature.with == OwnerKey::Online && self.change.action.needs_offline_keys() {
                return Err(Refusal::OnlineKey(owner.clone()));
            }
        }
        let replaces_hub_key = matches!(self.change.action, Action::ReplaceHubKey { .. });
        if self.possession.is_some() != replaces_hub_key {
            return Err(Refusal::Possession);
        }
        Ok(())
    }

    /// Says whether every signature is good.
    pub(crate) fn check_signatures(&self, membership: &Membership) -> Result<(), Refusal> {
        let message = to_bytes(&self.change);
        for signature in &self.signatures {
            let key = key_of(membership, signature)?;
            if !key.verify(Purpose::Change, &message, &signature.signature) {
                return Err(Refusal::Signature(signature.owner.clone()));
            }
        }
        if let (Action::ReplaceHubKey { key, .. }, Some(possession)) =
            (&self.change.action, &self.possession)
            && !key.verify(Purpose::Possession, &message, possession)
        {
            return Err(Refusal::Possession);
        }
        Ok(())
    }

    /// Returns the owner that decides alone, if one does.
    fn alone<'a>(&self, membership: &'a Membership) -> Result<Option<&'a OwnerName>, Refusal> {
        match &self.change.action {
            Action::ReplaceHubKey { id, .. } => {
                let hub = membership.hub(id).ok_or_else(|| Refusal::UnknownHub(id.clone()))?;
                Ok(Some(&hub.owner))
            }
            _ => Ok(None),
        }
    }
}

fn key_of(membership: &Membership, signature: &OwnerSignature) -> Result<PublicKey, Refusal> {
    let owner = membership.owner(&signature.owner);
    let owner = owner.ok_or_else(|| Refusal::Signer(signature.owner.clone()))?;
    Ok(match signature.with {
        OwnerKey::Online => owner.key,
        OwnerKey::Offline => owner.offline_key,
    })
}
