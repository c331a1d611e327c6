//! Makes the proof of a snapshot from the entries of a hub's own copy after it.

use std::collections::BTreeMap;

use super::{LEAVES_MAX, LogForm, Proof, REST_ENTRIES_MAX};
use crate::canonical::Hash;
use crate::{
    AppliedHead, Command, FAMILY, HubId, Lineage, LineageError, PROPOSER, PoolId, SignedHeader,
    StateHash,
};

/// Takes entries until they prove the snapshot.
#[derive(Debug)]
pub struct ProofBuilder {
    proof: Proof,
    pool: PoolId,
    epoch: u32,
    majority: usize,
    /// Up to where the leaf hashes must reach besides, for the head that was told.
    through: u64,
    /// The position of the last entry that was taken.
    position: u64,
    /// The entry that ends the batch before the snapshot was taken.
    has_rest: bool,
    announcing: BTreeMap<HubId, SignedHeader>,
    vouching: BTreeMap<HubId, SignedHeader>,
}

impl ProofBuilder {
    /// Begins at `start`, the snapshot's head or an earlier one; `through` is where the leaf hashes
    /// must reach at least.
    ///
    /// The lineage is the snapshot's own.
    pub fn new(
        lineage: Lineage,
        head: AppliedHead,
        state: Hash,
        start: AppliedHead,
        through: u64,
    ) -> Result<Self, LineageError> {
        let membership = lineage.membership()?;
        let proof = Proof {
            lineage,
            head,
            state,
            headers: Vec::new(),
            start,
            leaves: Vec::new(),
            rest: Vec::new(),
        };
        Ok(ProofBuilder {
            proof,
            pool: membership.pool(),
            epoch: membership.epoch(),
            majority: membership.majority(),
            through,
            position: start.position,
            has_rest: false,
            announcing: BTreeMap::new(),
            vouching: BTreeMap::new(),
        })
    }

    /// Takes the next entry: its leaf hash, and its bytes where they are kept.
    ///
    /// Returns whether more can help.
    pub fn take(&mut self, leaf: Hash, bytes: Option<&[u8]>, form: &LogForm) -> bool {
        if self.proof.leaves.len() == LEAVES_MAX || self.is_enough() {
            return false;
        }
        self.position += 1;
        self.proof.leaves.push(leaf);
        if self.position <= self.proof.head.position {
            return true;
        }
        // Nothing after a snapshot is let go.
        let Some(bytes) = bytes else { return false };
        let Some(facts) = (form.read)(bytes) else { return false };
        let is_own = facts.proposer == PROPOSER;
        if !self.has_rest {
            if self.proof.rest.len() == REST_ENTRIES_MAX {
                return false;
            }
            self.proof.rest.push(bytes.to_vec());
            self.has_rest = is_own;
        }
        if is_own && facts.family == FAMILY {
            let Ok(command) = Command::from_bytes(facts.command) else { return false };
            self.hear(command);
        }
        !self.is_enough()
    }

    /// Returns the proof, if what was taken is enough for one.
    pub fn finish(self) -> Option<Proof> {
        if !self.is_enough() {
            return None;
        }
        let applied = |signed: &SignedHeader| signed.header.report.applied.position;
        let last = self.vouching.values().map(applied).max()?.max(self.through);
        let last = last.max(self.proof.rest_end());
        let mut proof = self.proof;
        proof.leaves.truncate(usize::try_from(last - proof.start.position).ok()?);
        let mut headers: Vec<_> = self.announcing.into_values().collect();
        for signed in self.vouching.into_values() {
            if !headers.contains(&signed) {
                headers.push(signed);
            }
        }
        proof.headers = headers;
        Some(proof)
    }

    fn hear(&mut self, command: Command) {
        let Command::Placed(placed) = command else { return };
        let (slot, report) = (&placed.header.slot, &placed.header.report);
        if slot.pool != self.pool || slot.epoch != self.epoch {
            return;
        }
        let hub = &slot.hub;
        let signed = || SignedHeader { header: placed.header.clone(), signature: placed.signature };
        let state = StateHash { position: self.proof.head.position, hash: self.proof.state };
        if report.state == Some(state) {
            self.announcing.entry(hub.clone()).or_insert_with(signed);
        }
        let vouches = self.has_rest && self.proof.rest_end() <= report.applied.position;
        if vouches {
            self.vouching.entry(hub.clone()).or_insert_with(signed);
        }
    }

    fn is_enough(&self) -> bool {
        self.has_rest
            && self.majority <= self.announcing.len()
            && self.majority <= self.vouching.len()
            && self.through <= self.position
    }
}
