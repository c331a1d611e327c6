//! What proves a snapshot to a hub that has nothing but the genesis.
//!
//! The genesis and the signed changes after it lead to the hubs' keys; headers that more than half of
//! these hubs have signed name the hash of the state, and the chain of the log behind it; the leaf
//! hashes between bind the one to the other. A hub that was removed by then counts nothing. What no
//! proof can tell from the genesis alone: whether it is of the newest log. Hubs that were the
//! majority once, or whoever has their keys, can sign another one from then on. So a newcomer is
//! told a recent head by the owners, and the log of the snapshot must hold it.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{Hash, from_bytes_of_form, invalid, to_bytes_of_form};
use crate::{
    AppliedHead, ENTRIES_PER_BATCH_MAX, Genesis, HUBS_MAX, LINEAGE_BYTES_MAX, Lineage,
    LineageError, Membership, PROPOSER, ReadEntry, SignedHeader, State, StateHash,
    announced_by_majority, confirmed,
};

mod builder;
#[cfg(test)]
mod tests;

pub use builder::ProofBuilder;

/// How many leaf hashes a proof has at most: a told head may be so far from the snapshot.
pub const LEAVES_MAX: usize = 1 << 20;

/// How many headers a proof has at most: of each hub one for the state and one for the chain.
pub const PROOF_HEADERS_MAX: usize = 2 * HUBS_MAX;

/// How many entries of a batch that the snapshot cuts in two may follow, and the one after them.
pub const REST_ENTRIES_MAX: usize = ENTRIES_PER_BATCH_MAX + 1;

/// How many bytes a proof has at most.
pub const PROOF_BYTES_MAX: usize = LINEAGE_BYTES_MAX + LEAVES_MAX * 32 + (16 << 20);

/// The first byte of a proof: the version of its byte form.
const FORM: u8 = 1;

/// How the log hashes, and what it reads of an entry: the crate `log` is above this one.
#[derive(Clone, Copy, Debug)]
pub struct LogForm {
    /// Returns the leaf hash of an entry's bytes.
    pub leaf: fn(&[u8]) -> Hash,
    /// Returns the chain at a position from the chain before it and the leaf hash there.
    pub chain: fn(&Hash, u64, &Hash) -> Hash,
    /// Reads an entry.
    pub read: ReadEntry,
}

/// What proves a snapshot: the stored and sent form, canonical borsh.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Proof {
    /// What leads to the membership at the snapshot.
    pub lineage: Lineage,
    /// The last entry that the snapshot's state has taken in.
    pub head: AppliedHead,
    /// The hash of that state.
    pub state: Hash,
    /// What hubs have signed.
    pub headers: Vec<SignedHeader>,
    /// The head from which the leaf hashes begin: the snapshot's, or an earlier one.
    pub start: AppliedHead,
    /// The leaf hashes after it, up to where the hubs that vouch for the chain have applied it.
    pub leaves: Vec<Hash>,
    /// The entries after the snapshot that belong to the batch before it, and the first that does
    /// not.
    pub rest: Vec<Vec<u8>>,
}

/// What a proof has proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Who belongs to the pool at the snapshot.
    pub membership: Membership,
    /// What leads there.
    pub lineage: Lineage,
    /// The last entry that the snapshot's state has taken in.
    pub head: AppliedHead,
    /// The hash of that state.
    pub state: Hash,
    /// The entries after it that belong to the batch before it.
    pub rest: Vec<Vec<u8>>,
}

/// A proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is of another pool.
    #[error("the snapshot is of a pool with another genesis")]
    OtherPool,
    /// The membership does not follow from the genesis.
    #[error("the membership does not follow from the genesis")]
    Lineage(#[from] LineageError),
    /// It has more than it may have, or less than it must.
    #[error("the proof of the snapshot has not the form that it should")]
    Form,
    /// The snapshot's head is not on the chain.
    #[error("the snapshot's position and chain do not fit to the log's hashes")]
    Chain,
    /// The head that was told is not on the chain that was shown.
    #[error(
        "the log of the snapshot is not the one whose head was told: at position {0} its chain is \
         another"
    )]
    OtherHead(u64),
    /// The head that was told is not within what was shown.
    #[error(
        "it cannot be checked that the log of the snapshot holds the head that was told, at \
         position {0}: ask the owners for a later one, at or after the snapshot"
    )]
    HeadNotShown(u64),
    /// Not more than half of the hubs have announced the state.
    #[error("not more than half of the admitted hubs have announced the hash of this state")]
    StateOfMinority,
    /// Not more than half of the hubs have signed the chain.
    #[error("not more than half of the admitted hubs have signed this log")]
    LogOfMinority,
    /// What follows the snapshot is not what was signed.
    #[error("the entries after the snapshot are not those of the log")]
    Rest,
    /// The state is not the one that was announced.
    #[error("the state has another hash than a majority has announced")]
    State,
}

impl Proof {
    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes_of_form(FORM, self)
    }

    /// Reads what [`Proof::to_bytes`] wrote; every other byte string is refused.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if PROOF_BYTES_MAX < bytes.len() {
            return Err(invalid("a proof is not as long"));
        }
        from_bytes_of_form(FORM, bytes)
    }

    /// Returns what it proves to who knows the genesis, and a recent head if one was told.
    pub fn verify(
        self,
        genesis: &Genesis,
        told: Option<&AppliedHead>,
        form: &LogForm,
    ) -> Result<Proven, ProofError> {
        if self.lineage.genesis() != Some(genesis) {
            return Err(ProofError::OtherPool);
        }
        self.check_form()?;
        let membership = self.lineage.membership()?;
        let chains = self.chains(form);
        let chain_at = |position: u64| {
            let index = position.checked_sub(self.start.position)?;
            chains.get(usize::try_from(index).ok()?).copied()
        };
        if chain_at(self.head.position) != Some(self.head.chain) {
            return Err(ProofError::Chain);
        }
        let epoch = membership.epoch();
        let headers: Vec<_> =
            self.headers.iter().filter(|it| it.header.slot.epoch == epoch).cloned().collect();
        let state = StateHash { position: self.head.position, hash: self.state };
        if !announced_by_majority(&membership, &headers).contains(&state) {
            return Err(ProofError::StateOfMinority);
        }
        if confirmed(&membership, &headers, chain_at) < self.rest_end() {
            return Err(ProofError::LogOfMinority);
        }
        let rest = self.check_rest(form)?;
        // Last, so that nobody can make a newcomer doubt what it was told by a proof that is none.
        if let Some(told) = told {
            let chain = chain_at(told.position).ok_or(ProofError::HeadNotShown(told.position))?;
            if chain != told.chain {
                return Err(ProofError::OtherHead(told.position));
            }
        }
        let Proof { lineage, head, state, .. } = self;
        Ok(Proven { membership, lineage, head, state, rest })
    }

    fn check_form(&self) -> Result<(), ProofError> {
        let leaves = u64::try_from(self.leaves.len()).map_err(|_| ProofError::Form)?;
        let end = self.start.position.checked_add(leaves).ok_or(ProofError::Form)?;
        let fits = self.leaves.len() <= LEAVES_MAX
            && self.headers.len() <= PROOF_HEADERS_MAX
            && (1..=REST_ENTRIES_MAX).contains(&self.rest.len())
            && 0 < self.head.position
            && self.start.position <= self.head.position
            && self.rest_end() <= end;
        if fits { Ok(()) } else { Err(ProofError::Form) }
    }

    /// Returns the position of the first entry that does not belong to the batch before the
    /// snapshot.
    fn rest_end(&self) -> u64 {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        self.head.position.saturating_add(rest)
    }

    /// Returns the chain at each position from the start on.
    fn chains(&self, form: &LogForm) -> Vec<Hash> {
        let AppliedHead { mut position, mut chain } = self.start;
        let mut chains = Vec::with_capacity(self.leaves.len() + 1);
        chains.push(chain);
        for leaf in &self.leaves {
            position += 1;
            chain = (form.chain)(&chain, position, leaf);
            chains.push(chain);
        }
        chains
    }

    /// Returns what belongs to the batch before the snapshot.
    ///
    /// The entry that ends it is one that every hub makes for itself; none is inside a batch.
    fn check_rest(&self, form: &LogForm) -> Result<Vec<Vec<u8>>, ProofError> {
        let before = usize::try_from(self.head.position - self.start.position);
        let leaves = self.leaves.iter().skip(before.map_err(|_| ProofError::Rest)?);
        if !self.rest.iter().zip(leaves).all(|(entry, leaf)| (form.leaf)(entry) == *leaf) {
            return Err(ProofError::Rest);
        }
        let (last, rest) = self.rest.split_last().ok_or(ProofError::Rest)?;
        let is_own = |entry: &Vec<u8>| (form.read)(entry).map(|facts| facts.proposer == PROPOSER);
        let fits =
            is_own(last) == Some(true) && rest.iter().all(|entry| is_own(entry) == Some(false));
        if fits { Ok(rest.to_vec()) } else { Err(ProofError::Rest) }
    }
}

impl Proven {
    /// Says whether this is the snapshot that was proven: its state, with the hash that it was found
    /// to have, and what it keeps of how the membership came about.
    pub fn check(&self, state: &State, hash: &Hash, lineage: &Lineage) -> Result<(), ProofError> {
        let membership = state.pool().map(crate::Pool::membership);
        if *hash != self.state || membership != Some(&self.membership) || *lineage != self.lineage {
            return Err(ProofError::State);
        }
        Ok(())
    }
}
