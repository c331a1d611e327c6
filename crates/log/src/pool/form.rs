//! What the crate `pool`, which is below this one, is told of the log's form.

use ::pool::{Hash, LogForm};

use super::core::read_entry;
use crate::{Position, chain_hash, leaf_hash};

/// How the log hashes, for the proofs of snapshots.
pub const FORM: LogForm = LogForm { leaf: leaf_hash, chain, read: read_entry };

/// A position that no log reaches has a chain that no log has.
fn chain(before: &Hash, position: u64, leaf: &Hash) -> Hash {
    Position::new(position).map_or([0; 32], |position| chain_hash(before, position, leaf))
}
