//! What hubs say about themselves in the log: the family [`log::Family::HUB`].
//!
//! A pure state of its own, like every family's.

use borsh::{BorshDeserialize, BorshSerialize};
use sha2::{Digest, Sha256};
use spacetime::Timestamp;

/// What a hub says: version 1 of the stored form.
///
/// Its borsh encoding is canonical and described in `docs/log-format.md`.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Declaration {
    /// Its log was put back from a backup: what was answered after the backup is gone.
    Restored,
    /// An operator confirmed that the parties have put their entities again.
    RestoredConfirmed,
}

/// What hubs have declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct State {
    /// Set from a start from a backup until an operator's confirmation.
    pub restored: Option<Restored>,
}

/// A start from a backup that nobody has confirmed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Restored {
    /// The position of the declaration.
    pub position: u64,
    /// Its stamp.
    pub at: Timestamp,
}

impl State {
    /// Takes in a declaration.
    pub fn apply(&mut self, position: u64, stamp: Timestamp, declaration: &Declaration) {
        match declaration {
            Declaration::Restored => self.restored = Some(Restored { position, at: stamp }),
            Declaration::RestoredConfirmed => self.restored = None,
        }
    }

    /// Returns the hash of everything that a snapshot holds of it.
    pub fn hash(&self) -> [u8; 32] {
        let bytes = borsh::to_vec(self).expect("writing to memory does not fail");
        Sha256::digest(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_restored_until_confirmed() {
        let mut state = State::default();
        let stamp = Timestamp::from_micros(5).expect("in range");
        let untouched = state.hash();

        state.apply(7, stamp, &Declaration::Restored);
        assert_eq!(state.restored, Some(Restored { position: 7, at: stamp }));
        assert_ne!(state.hash(), untouched);

        state.apply(8, stamp, &Declaration::RestoredConfirmed);
        assert_eq!(state, State::default());
        assert_eq!(state.hash(), untouched);
    }
}
