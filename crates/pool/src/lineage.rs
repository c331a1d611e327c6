//! What leads from the genesis to the present membership: every change that had an effect on it.
//!
//! Whoever has it needs no hub's word for who is admitted, and none of the log's other entries. It
//! is kept beside the state, in every snapshot, and so for ever, whatever becomes of old entries. It
//! is not part of the state's hash: it proves itself.

use std::io;
use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::{from_bytes_of_form, invalid, to_bytes_of_form};
use crate::{Command, Effect, Genesis, Membership, Refusal, SignedChange};

/// How many bytes a lineage has at most that a newcomer takes: tens of thousands of changes.
pub const LINEAGE_BYTES_MAX: usize = 16 << 20;

/// The first byte of a stored lineage: the version of its byte form.
const FORM: u8 = 1;

/// The genesis, and the changes after it; `Default` is before the genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize)]
pub struct Lineage {
    genesis: Option<Genesis>,
    /// Shared: a copy is made for each snapshot.
    changes: Vec<Shared>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Shared(Arc<SignedChange>);

/// A lineage leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineageError {
    /// It does not begin.
    #[error("there is no genesis")]
    NoGenesis,
    /// A change has no effect where it stands.
    #[error("change {number} of the membership has no effect")]
    Change {
        /// Which, from 1.
        number: usize,
        /// Why.
        #[source]
        source: Refusal,
    },
}

impl Lineage {
    /// Returns the lineage of a pool that was just founded.
    pub fn found(genesis: Genesis) -> Self {
        Lineage { genesis: Some(genesis), changes: Vec::new() }
    }

    /// Takes in an entry and what it has done.
    pub fn take(&mut self, command: &Command, effect: &Effect) {
        match (command, effect) {
            (Command::Genesis(genesis), Effect::Founded) => *self = Self::found(genesis.clone()),
            (Command::Change(signed), Effect::Changed(_))
            | (Command::OpenEpoch(signed), Effect::Opened { .. }) => self.push((**signed).clone()),
            _ => {}
        }
    }

    /// Adds a change.
    pub fn push(&mut self, signed: SignedChange) {
        self.changes.push(Shared(Arc::new(signed)));
    }

    /// Returns the genesis, once there is one.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// Returns the changes, in order.
    pub fn changes(&self) -> impl ExactSizeIterator<Item = &SignedChange> {
        self.changes.iter().map(|shared| &*shared.0)
    }

    /// Returns the membership that it leads to; every signature on the way is verified.
    pub fn membership(&self) -> Result<Membership, LineageError> {
        let genesis = self.genesis.as_ref().ok_or(LineageError::NoGenesis)?;
        let mut membership = Membership::found(genesis);
        for (index, signed) in self.changes().enumerate() {
            let number = index + 1;
            membership = membership
                .after(signed)
                .map_err(|source| LineageError::Change { number, source })?;
        }
        Ok(membership)
    }

    /// Returns what a snapshot holds of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes_of_form(FORM, self)
    }

    /// Reads what [`Lineage::to_bytes`] wrote; every other byte string is refused.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if LINEAGE_BYTES_MAX < bytes.len() {
            return Err(invalid("a lineage is not as long"));
        }
        from_bytes_of_form(FORM, bytes)
    }
}

impl BorshSerialize for Shared {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        self.0.serialize(writer)
    }
}

impl BorshDeserialize for Shared {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Shared(Arc::new(BorshDeserialize::deserialize_reader(reader)?)))
    }
}

impl BorshDeserialize for Lineage {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        Ok(Lineage {
            genesis: BorshDeserialize::deserialize_reader(reader)?,
            changes: BorshDeserialize::deserialize_reader(reader)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::{self, Trial};
    use crate::{Action, PROPOSER};

    #[test]
    fn leads_to_the_membership_of_the_state_through_changes_and_epochs() {
        let mut trial = Trial::new(3, 3, 2);
        let mut lineage = Lineage::default();
        let genesis = Command::Genesis(trial::genesis(3, 3, 2));
        lineage.take(&genesis, &Effect::Founded);

        let remove = Action::RemoveHub { id: trial::hub_id(2) };
        let removed = trial::signed(trial.membership(), remove, &[0, 1]);
        for _ in 0..2 {
            // The second time it has no effect, and is no part of what led here.
            let effect = trial.change(0, &removed);
            lineage.take(&Command::Change(Box::new(removed.clone())), &effect);
        }
        let open = Action::OpenEpoch { head: trial.head };
        let opening = trial::signed(trial.membership(), open, &[0, 2]);
        let opening = Command::OpenEpoch(Box::new(opening));
        trial.apply(PROPOSER, &opening);
        lineage.take(&opening, &Effect::Opened { epoch: 2 });

        assert_eq!(lineage.changes().len(), 2);
        assert_eq!(lineage.membership().as_ref(), Ok(trial.membership()));
        let bytes = lineage.to_bytes();
        assert_eq!(Lineage::from_bytes(&bytes).expect("its own form"), lineage);
        assert!(Lineage::from_bytes(&bytes[..bytes.len() - 1]).is_err());
        assert_eq!(Lineage::default().membership(), Err(LineageError::NoGenesis));
    }

    #[test]
    fn is_read_up_to_so_many_bytes() {
        let mut lineage = Lineage::found(trial::genesis(3, 3, 2));
        let membership = lineage.membership().expect("founded");
        let unbind = trial::signed(
            &membership,
            Action::Unbind { party: crate::PartyName::new("party").expect("a name") },
            &[0, 1],
        );
        let (start, each) = (lineage.to_bytes().len(), borsh::to_vec(&unbind).expect("memory"));
        for _ in 0..(LINEAGE_BYTES_MAX - start) / each.len() {
            lineage.push(unbind.clone());
        }

        assert!(Lineage::from_bytes(&lineage.to_bytes()).is_ok());
        lineage.push(unbind);
        assert!(Lineage::from_bytes(&lineage.to_bytes()).is_err());
    }
}
