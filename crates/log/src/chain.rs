//! Positions, and the hash chain that binds every entry to all before it.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// Where an entry is in the log: the first is 1; 0 is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

/// How far a log reaches: the position of its last entry and the chain up to and with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The last position, 0 in an empty log.
    pub position: Position,
    /// The chain at that position, 32 zero bytes in an empty log.
    pub chain: Hash,
}

impl Position {
    /// Before the first entry.
    pub const ZERO: Position = Position(0);

    /// The last position there can be: stored forms keep 63 bits.
    pub const MAX: Position = Position(i64::MAX as u64);

    /// Returns the position with this number, if it is not above [`Position::MAX`].
    pub const fn new(number: u64) -> Option<Self> {
        if Self::MAX.0 < number { None } else { Some(Position(number)) }
    }

    /// Returns the number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns the position that follows; a log that has reached [`Position::MAX`] is a bug.
    pub fn next(self) -> Self {
        assert!(self < Self::MAX, "the log has no position left");
        Position(self.0 + 1)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Head {
    /// Returns the head after one more entry, given by its leaf hash.
    pub fn followed_by(&self, leaf: &Hash) -> Head {
        let position = self.position.next();
        Head { position, chain: chain_hash(&self.chain, position, leaf) }
    }
}

/// Returns the hash of an entry's bytes: SHA-256(0x00 || bytes), as in RFC 9162 2.1.1.
pub fn leaf_hash(entry_bytes: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0x00]);
    hasher.update(entry_bytes);
    hasher.finalize().into()
}

/// Returns SHA-256(chain before || position as u64, big endian || leaf).
pub fn chain_hash(before: &Hash, position: Position, leaf: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before);
    hasher.update(position.0.to_be_bytes());
    hasher.update(leaf);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hashes_an_empty_leaf_as_rfc_9162_does() {
        // SHA-256 of the one byte 0x00.
        assert_eq!(
            hex(&leaf_hash(b"")),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
    }

    #[test]
    fn chains_position_and_leaf_to_what_was_before() {
        let leaf = leaf_hash(b"a");
        let first = Head::default().followed_by(&leaf);
        let second = first.followed_by(&leaf);

        let mut bytes = vec![0_u8; 32];
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend(leaf);
        assert_eq!(first.chain, <Hash>::from(Sha256::digest(&bytes)));
        assert_eq!(second.position.number(), 2);
        assert_ne!(first.chain, second.chain);
    }

    #[test]
    fn keeps_positions_within_63_bits() {
        assert_eq!(Position::new(i64::MAX as u64), Some(Position::MAX));
        assert_eq!(Position::new(i64::MAX as u64 + 1), None);
    }
}
