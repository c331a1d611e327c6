//! What a copy of a pool's log comes to, entry by entry.

use ::pool::{
    AppliedHead, Bad, Batch, Command, ENTRIES_PER_BATCH_MAX, Genesis, PROPOSER, Placed, PoolId,
    State,
};
use sha2::{Digest, Sha256};

use super::core::{Held, Start, key_of};
use crate::entry::EntryRef;
use crate::{Family, Head, LogError, Position};

/// A copy is none that this hub can go on from; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot be read.
    #[error("the copy of the pool's log cannot be read")]
    Log(#[from] LogError),
    /// It is of another pool.
    #[error(
        "the directory holds the log of another pool, {copy}, and not of {genesis}: check which \
         genesis this hub was given, or use another directory"
    )]
    OtherPool {
        /// The pool that the copy is of.
        copy: PoolId,
        /// The pool that was asked for.
        genesis: PoolId,
    },
    /// It is no pool's.
    #[error(
        "the directory holds a log that is no pool's: a hub that joins a pool begins with an empty \
         directory"
    )]
    NoPool,
    /// The pool cannot be founded by this release.
    #[error("the pool cannot be founded")]
    Genesis(#[source] ::pool::ApplyError),
    /// It is not what its entries must come to.
    #[error(
        "the copy of the pool's log is damaged at position {position}: set the directory aside, and \
         this hub takes a new copy from the pool"
    )]
    Damaged {
        /// Where.
        position: Position,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Takes the entries of a copy in, and finds what was taken in last from etcd.
#[derive(Debug)]
pub struct Replay {
    state: State,
    /// Entries after this change the state; those before it are in it already.
    after: Position,
    head: Head,
    last: Last,
}

/// The last that was found in etcd, and the entries after it.
#[derive(Debug, Default)]
struct Last {
    found: Option<Found>,
    entries: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Found {
    Placed(Box<Placed>),
    Bad(Bad),
}

impl Replay {
    /// Returns the position after which entries are to be given for a copy that ends at `end`, with
    /// the state of a snapshot taken at `snapshot`.
    ///
    /// Some before the snapshot are wanted too: the last batch, which a new link must show.
    pub fn start_after(snapshot: Position, end: Position) -> Position {
        let reach = u64::try_from(ENTRIES_PER_BATCH_MAX).expect("small") + 1;
        let before_last = Position::new(end.number().saturating_sub(reach));
        before_last.expect("not after the end").min(snapshot)
    }

    /// Begins with the state of the pool at `snapshot`, both of a snapshot or the defaults.
    pub fn new(state: State, snapshot: Head) -> Self {
        Replay { state, after: snapshot.position, head: snapshot, last: Last::default() }
    }

    /// Takes the next entry, which is at `head`; without its bytes where they are no longer kept.
    pub fn take(&mut self, head: Head, bytes: Option<&[u8]>) -> Result<(), StartError> {
        let position = head.position;
        let Some(bytes) = bytes else {
            if self.after < position {
                return Err(LogError::Gone(position).into());
            }
            self.last = Last::default();
            return Ok(());
        };
        let damaged = |source| StartError::Damaged { position, source };
        let entry = EntryRef::from_bytes(bytes).map_err(|error| damaged(error.into()))?;
        if entry.family != Family::POOL {
            if self.after < position && self.state.pool().is_none() {
                return Err(StartError::NoPool);
            }
            self.last.entries.push(bytes.to_vec());
        } else {
            let command = Command::from_bytes(entry.command);
            let command = command.map_err(|error| damaged(error.into()))?;
            if self.after < position {
                let before =
                    AppliedHead { position: self.head.position.number(), chain: self.head.chain };
                let applied = self.state.apply(&before, entry.proposer, &command);
                applied.map_err(|error| damaged(error.into()))?;
            }
            self.last.take(entry.proposer, command, bytes);
        }
        if self.after < position {
            self.head = head;
        }
        Ok(())
    }

    /// Returns from where a hub goes on, if it is on the pool of `genesis`.
    pub fn finish(self, genesis: &Genesis) -> Result<Start, StartError> {
        let pool = self.state.pool().ok_or(StartError::NoPool)?;
        let (here, genesis) = (pool.membership().pool(), genesis.fingerprint());
        if here != genesis {
            return Err(StartError::OtherPool { copy: here, genesis });
        }
        let held = match pool.revision() {
            // Nothing was taken in from the etcd of this epoch.
            0 => None,
            revision => self
                .last
                .into_held(revision)
                .map_err(|source| StartError::Damaged { position: self.head.position, source })?,
        };
        Ok(Start { state: self.state, head: self.head, held })
    }
}

impl Last {
    fn take(&mut self, proposer: &str, command: Command, bytes: &[u8]) {
        let found = match command {
            Command::Placed(placed) if proposer == PROPOSER => Found::Placed(placed),
            Command::Bad(bad) if proposer == PROPOSER => Found::Bad(bad),
            _ => return self.entries.push(bytes.to_vec()),
        };
        *self = Last { found: Some(found), entries: Vec::new() };
    }

    fn into_held(
        self,
        revision: u64,
    ) -> Result<Option<Held>, Box<dyn std::error::Error + Send + Sync>> {
        let held = match self.found {
            Some(Found::Placed(placed)) => {
                let Placed { revision, header, signature } = *placed;
                let key = key_of(&header.slot.hub);
                let batch = Batch::rebuild(header, self.entries, signature)?;
                Held { revision, key, hash: Sha256::digest(batch.to_bytes()).into() }
            }
            Some(Found::Bad(bad)) => {
                Held { revision: bad.revision, key: key_of(&bad.hub), hash: bad.hash }
            }
            None => return Ok(None),
        };
        if held.revision != revision {
            return Err("it is not what the pool's state has taken in last".into());
        }
        Ok(Some(held))
    }
}
