//! What can be wrong with a value under a hub's key, and what follows from it.

use borsh::{BorshDeserialize, BorshSerialize};

/// What is wrong with a value that was found, or with its place.
///
/// The order of the variants is that of the stored form: new ones come last.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    thiserror::Error,
    BorshSerialize,
    BorshDeserialize,
)]
pub enum Fault {
    /// The batch does not name the hub's last good batch as the one before.
    #[error("the batch does not name the hub's last good batch as the one before")]
    Previous,
    /// An entry is not in the log's form, or larger than one may be.
    #[error("entry {index} of the batch is not in the form of the log, or too large")]
    EntryMalformed {
        /// Which, from 0.
        index: u32,
    },
    /// An entry names another hub.
    #[error("entry {index} of the batch names another proposer than the hub")]
    EntryProposer {
        /// Which, from 0.
        index: u32,
    },
    /// An entry is of a family or a version of rules that is not active.
    #[error("entry {index} of the batch is written under rules that are not active")]
    EntryRules {
        /// Which, from 0.
        index: u32,
    },
    /// An entry of the pool's family is no change, and only changes are put by hubs.
    #[error("entry {index} of the batch is of the pool's family and no change")]
    EntryNoChange {
        /// Which, from 0.
        index: u32,
    },
    /// There are more changes than a batch may have.
    #[error("the batch has more changes than one may have")]
    TooManyChanges,

    /// The key was deleted.
    #[error("the key was deleted")]
    Deleted,
    /// The value is larger than a batch may be.
    #[error("the value is larger than a batch may be")]
    TooLarge,
    /// The value has not the form of a batch.
    #[error("the value is not in the form of a batch")]
    Malformed,
    /// The entries are not those that the header is for.
    #[error("the entries are not those that were signed")]
    Entries,
    /// The hub has not signed it.
    #[error("the batch is not signed with the hub's key")]
    Signature,
    /// The hub has signed it for another pool.
    #[error("the batch is of another pool")]
    OtherPool,
    /// The hub has signed it for another epoch.
    #[error("the batch is of another epoch")]
    OtherEpoch,
    /// It is signed with the hub's key, as another hub.
    #[error("the batch names another hub")]
    OtherHub,
    /// The hub has signed it for another place: it is repeated, or out of sequence.
    #[error("the batch is repeated or out of sequence")]
    Sequence,

    /// The key is not one of the pool's.
    #[error("the key is not that of a hub")]
    NoHub,
    /// The hub is not, or no longer, or not yet admitted.
    #[error("the hub is not admitted")]
    NotAdmitted,
    /// The hub is set aside until the quorum readmits it.
    #[error("the hub is set aside until the owners readmit it")]
    HubSetAside,
}

/// What follows from a fault, the same on every hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consequence {
    /// Nothing: the value has no effect, and there is no entry of it.
    Nothing,
    /// The hub made it for this place: the place is spent, and the hub goes on with the next.
    SlotSpent,
    /// It is not the hub's next signed batch: nothing of the hub counts until it is readmitted.
    HubSetAside,
}

impl Fault {
    /// Returns what follows.
    pub fn consequence(self) -> Consequence {
        match self {
            Fault::Previous
            | Fault::EntryMalformed { .. }
            | Fault::EntryProposer { .. }
            | Fault::EntryRules { .. }
            | Fault::EntryNoChange { .. }
            | Fault::TooManyChanges => Consequence::SlotSpent,
            Fault::Deleted
            | Fault::TooLarge
            | Fault::Malformed
            | Fault::Entries
            | Fault::Signature
            | Fault::OtherPool
            | Fault::OtherEpoch
            | Fault::OtherHub
            | Fault::Sequence => Consequence::HubSetAside,
            Fault::NoHub | Fault::NotAdmitted | Fault::HubSetAside => Consequence::Nothing,
        }
    }
}
