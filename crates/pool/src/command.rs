//! What entries of the pool's own family hold.

use std::io;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::canonical::Hash;
use crate::{Batch, Fault, Genesis, Header, HubId, Signature, SignedChange};

/// The family of these entries in the log.
pub const FAMILY: u8 = 2;

/// The version of the rules that this build has for them.
pub const VERSION: u16 = 1;

/// The proposer of entries that no hub has put, but every hub makes of what it found; the name of
/// no hub, so that nobody passes its own entries off as such.
pub const PROPOSER: &str = "pool";

/// What an entry of the pool's family says: version 1 of the stored form, canonical borsh.
///
/// All but [`Command::Change`] are made by every hub for itself, in the same way, from the genesis,
/// what it finds under the hubs' keys, and the opening of an epoch; their proposer is [`PROPOSER`].
/// A batch that holds one of them is bad.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Command {
    /// The pool begins: position 1.
    Genesis(Genesis),
    /// A good batch was found; its entries follow.
    Placed(Box<Placed>),
    /// Something was found that has no effect but on the hub under whose key it was.
    Bad(Bad),
    /// Part of a batch: owners want something.
    Change(Box<SignedChange>),
    /// The pool goes on in its next epoch ([`Action::OpenEpoch`](crate::Action::OpenEpoch)).
    OpenEpoch(Box<SignedChange>),
}

/// A good batch without its entries, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Placed {
    /// The revision of etcd at which it was found.
    pub revision: u64,
    /// What the hub signed.
    pub header: Header,
    /// Its signature.
    pub signature: Signature,
}

/// What was found, that changes the state without being a good batch.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Bad {
    /// The revision of etcd at which it was found.
    pub revision: u64,
    /// Under the key of which hub.
    pub hub: HubId,
    /// As which version of the key.
    pub version: u64,
    /// What is wrong with it.
    pub fault: Fault,
    /// SHA-256 of what was found, zeros where the key was deleted.
    pub hash: Hash,
}

impl Command {
    /// Returns the canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        crate::canonical::to_bytes(self)
    }

    /// Reads what [`Command::to_bytes`] wrote; every other byte string is refused.
    pub fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        Self::try_from_slice(bytes)
    }
}

impl Placed {
    /// Returns what the log keeps of a batch that was found at `revision`, besides its entries.
    pub fn of(revision: u64, batch: &Batch) -> Self {
        Placed { revision, header: batch.header().clone(), signature: *batch.signature() }
    }
}
