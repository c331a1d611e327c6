//! What owners decide: the only way in which a pool's membership and rules change.
//!
//! A change names the pool, its epoch and the hash of what was decided before, so that it has an
//! effect once and nowhere else. A quorum signs it; who the owners are is signed with the keys that
//! they keep offline, everything else with either. One owner alone may replace its own hub's key,
//! when the new key signs too: nobody takes a key into use that is another's.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{
    Hash, from_bytes_of_form, invalid, is_ascending, sha256, to_bytes, to_bytes_of_form,
};
use crate::keys::Purpose;
use crate::membership::{HUBS_MAX, OWNERS_MAX, Owner, QuorumError};
use crate::{
    AppliedHead, HubId, KeyPair, OwnerName, PartyName, PoolId, PublicKey, Rule, Signature,
};

mod effect;
mod signatures;
#[cfg(test)]
mod tests;

/// The first byte of a signed change in a file: the version of its byte form.
const FORM: u8 = 1;

/// How many bytes a signed change has at most.
pub const CHANGE_BYTES_MAX: usize = {
    const NAME: usize = 4 + HubId::LENGTH_MAX;
    let action = 1 + 4 + PartyName::LENGTH_MAX + 4 + HUBS_MAX * NAME + 128;
    let signatures = 4 + OWNERS_MAX * (NAME + 1 + 64);
    1 + 32 + 4 + 32 + action + signatures + 1 + 64
};

/// What owners want, and after what.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Change {
    /// In which pool.
    pub pool: PoolId,
    /// In which epoch of it.
    pub epoch: u32,
    /// The hash of the membership that they know; of the hub, where one owner replaces its key.
    pub before: Hash,
    /// What is to be done.
    pub action: Action,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Action {
    /// A hub is admitted; what it put before has no effect.
    AdmitHub {
        /// Its name, of no hub that is admitted.
        id: HubId,
        /// Who owns it.
        owner: OwnerName,
        /// What it will sign with.
        key: PublicKey,
    },
    /// A hub is removed; what it puts afterwards has no effect.
    RemoveHub {
        /// Which.
        id: HubId,
    },
    /// A hub begins anew: it is no longer set aside, and its stamps so far are forgotten.
    Readmit {
        /// Which.
        id: HubId,
    },
    /// A hub's owner, alone, gives it another key.
    ReplaceHubKey {
        /// Which.
        id: HubId,
        /// The new key, which signs the change too.
        key: PublicKey,
    },
    /// An owner joins.
    AdmitOwner {
        /// Who.
        owner: Owner,
        /// The quorum from now on.
        quorum: u8,
    },
    /// An owner leaves, and its hubs with it.
    RemoveOwner {
        /// Who.
        name: OwnerName,
        /// The quorum from now on.
        quorum: u8,
    },
    /// An owner has other keys from now on; it may keep one of them.
    ReplaceOwnerKeys {
        /// Who, with its new keys.
        owner: Owner,
    },
    /// Another number of owners decides.
    SetQuorum {
        /// How many.
        quorum: u8,
    },
    /// A party may use these hubs only.
    Bind {
        /// Who: `sub` of its tokens.
        party: PartyName,
        /// Which, ascending; at least one.
        hubs: Vec<HubId>,
    },
    /// A party may use every hub again.
    Unbind {
        /// Who.
        party: PartyName,
    },
    /// The next version of a family's rules begins; without signatures when all hubs can run it.
    ActivateRules {
        /// Which.
        rule: Rule,
        /// The admitted hubs that have not said that they can run it, ascending.
        left_behind: Vec<HubId>,
    },
    /// The pool goes on, on an empty etcd, from this head of its log. Never part of a batch.
    OpenEpoch {
        /// The last entry that counts.
        head: AppliedHead,
    },
}

/// A change and who wants it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize)]
pub struct SignedChange {
    /// What is wanted.
    pub change: Change,
    /// By whom: ascending by owner, each once.
    signatures: Vec<OwnerSignature>,
    /// By the new key, where a hub's key is replaced.
    possession: Option<Signature>,
}

/// One owner's signature.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct OwnerSignature {
    /// Whose.
    pub owner: OwnerName,
    /// With which of its keys.
    pub with: OwnerKey,
    /// Over the change.
    pub signature: Signature,
}

/// Which of an owner's two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum OwnerKey {
    /// The one for daily business.
    Online,
    /// The one that is kept away from every network.
    Offline,
}

/// No more can sign this change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a change takes at most {OWNERS_MAX} signatures")]
pub struct SignError;

/// Why a change has no effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// It is for another pool.
    #[error("the change is for another pool")]
    OtherPool,
    /// It is for another epoch.
    #[error("the change is for another epoch")]
    OtherEpoch,
    /// Something was decided since, perhaps this very change.
    #[error("the change does not name what was decided last: sign it anew, if it is still wanted")]
    Before,
    /// Fewer have signed than must.
    #[error("the change has {signed} signatures and needs {needed}")]
    TooFewSignatures {
        /// How many are needed.
        needed: u8,
        /// How many there are.
        signed: u8,
    },
    /// A signature is of nobody who may sign this.
    #[error("{0} has signed the change and may not")]
    Signer(OwnerName),
    /// Who the owners are is decided with keys that are kept offline.
    #[error("{0} has signed with its online key; this change needs the one that is kept offline")]
    OnlineKey(OwnerName),
    /// A signature is not good.
    #[error("the signature of {0} is not good")]
    Signature(OwnerName),
    /// The new key has not signed, or something that is no new key has.
    #[error("the new key must sign the change of a hub's key, and no other")]
    Possession,
    /// There is no such hub.
    #[error("hub {0} is not admitted")]
    UnknownHub(HubId),
    /// There is such a hub already.
    #[error("hub {0} is admitted already")]
    KnownHub(HubId),
    /// There is no such owner.
    #[error("{0} is not an owner")]
    UnknownOwner(OwnerName),
    /// There is such an owner already.
    #[error("{0} is an owner already")]
    KnownOwner(OwnerName),
    /// The party is not bound.
    #[error("the party is not bound to any hubs")]
    NotBound,
    /// A key is in use.
    #[error("the key is in use already")]
    KeyInUse,
    /// Nobody could put anything afterwards.
    #[error("the pool would have no hub left")]
    LastHub,
    /// Nobody could decide anything afterwards.
    #[error("the pool would have no owner left")]
    LastOwner,
    /// There are as many owners as there may be.
    #[error("the pool has {OWNERS_MAX} owners, and no room for more")]
    TooManyOwners,
    /// There are as many hubs as there may be.
    #[error("the pool has {HUBS_MAX} hubs, and no room for more")]
    TooManyHubs,
    /// There are as many bindings as there may be.
    #[error("as many parties are bound as may be")]
    TooManyBindings,
    /// The hub's key was replaced too often.
    #[error("the hub's key was replaced too often: the quorum must readmit the hub first")]
    TooManyKeys,
    /// A list of hubs is empty, or names one twice, or is not in order.
    #[error("the list of hubs is empty or not in ascending order")]
    HubList,
    /// The quorum cannot decide.
    #[error(transparent)]
    Quorum(#[from] QuorumError),
    /// Versions follow one another.
    #[error("version {version} of family {family} does not follow the active one")]
    Version {
        /// The family.
        family: u8,
        /// The version that was to be activated.
        version: u16,
    },
    /// There are as many families as there may be.
    #[error("there are too many families of rules")]
    TooManyFamilies,
    /// Not the hubs that would be left behind are named.
    #[error("the hubs named are not those that cannot run the version")]
    LeftBehind,
    /// An epoch opens between batches, on an empty etcd, and never inside a batch.
    #[error("an epoch cannot be opened here")]
    EpochHere,
    /// The hub that put it was removed before, in the same batch.
    #[error("the hub that put the change is not admitted")]
    Proposer,
}

impl Change {
    /// Returns what identifies the change, whoever has signed it.
    ///
    /// The first batch of a hub that it admits names this as what was before.
    pub fn hash(&self) -> Hash {
        sha256(&[b"tansiq/pool/change-hash/1\0", &to_bytes(self)])
    }
}

impl Action {
    /// Tells whether it decides who the owners are: for that the offline keys are.
    pub fn needs_offline_keys(&self) -> bool {
        match self {
            Action::AdmitOwner { .. }
            | Action::RemoveOwner { .. }
            | Action::ReplaceOwnerKeys { .. }
            | Action::SetQuorum { .. } => true,
            Action::AdmitHub { .. }
            | Action::RemoveHub { .. }
            | Action::Readmit { .. }
            | Action::ReplaceHubKey { .. }
            | Action::Bind { .. }
            | Action::Unbind { .. }
            | Action::ActivateRules { .. }
            | Action::OpenEpoch { .. } => false,
        }
    }

    /// Returns the hub that is to begin anew or to get another key, which it may bring itself.
    pub(crate) fn own_hub(&self) -> Option<&HubId> {
        match self {
            Action::Readmit { id } | Action::ReplaceHubKey { id, .. } => Some(id),
            _ => None,
        }
    }
}

impl SignedChange {
    /// Returns the change as nobody has signed it yet.
    pub fn unsigned(change: Change) -> Self {
        SignedChange { change, signatures: Vec::new(), possession: None }
    }

    /// Adds an owner's signature, in place of one that it has given before.
    pub fn sign(
        &mut self,
        owner: &OwnerName,
        with: OwnerKey,
        key: &KeyPair,
    ) -> Result<(), SignError> {
        let signature = key.sign(Purpose::Change, &to_bytes(&self.change));
        let signature = OwnerSignature { owner: owner.clone(), with, signature };
        match self.signatures.binary_search_by(|other| other.owner.cmp(owner)) {
            Ok(index) => self.signatures[index] = signature,
            Err(_) if self.signatures.len() == OWNERS_MAX => return Err(SignError),
            Err(index) => self.signatures.insert(index, signature),
        }
        Ok(())
    }

    /// Shows that whoever asks for a new key of a hub has that key.
    pub fn sign_with_new_key(&mut self, key: &KeyPair) {
        self.possession = Some(key.sign(Purpose::Possession, &to_bytes(&self.change)));
    }

    /// Tells whether nobody has signed.
    pub fn is_unsigned(&self) -> bool {
        self.signatures.is_empty() && self.possession.is_none()
    }

    /// Returns who has signed, ascending by owner.
    pub fn signatures(&self) -> &[OwnerSignature] {
        &self.signatures
    }

    /// Returns the bytes for a file that goes from owner to owner.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes_of_form(FORM, self)
    }

    /// Reads what [`SignedChange::to_bytes`] wrote; every other byte string is refused.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if CHANGE_BYTES_MAX < bytes.len() {
            return Err(invalid("a change is not as long"));
        }
        from_bytes_of_form(FORM, bytes)
    }
}

impl BorshDeserialize for SignedChange {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let signed = SignedChange {
            change: BorshDeserialize::deserialize_reader(reader)?,
            signatures: BorshDeserialize::deserialize_reader(reader)?,
            possession: BorshDeserialize::deserialize_reader(reader)?,
        };
        if OWNERS_MAX < signed.signatures.len() {
            return Err(invalid("there are too many signatures"));
        }
        if !is_ascending(&signed.signatures, |signature| &signature.owner) {
            return Err(invalid("an owner has signed twice, or signatures are not in order"));
        }
        Ok(signed)
    }
}
