//! From where a hub goes on: what its copy of the log comes to.

use std::collections::VecDeque;

use ::pool::{
    AppliedHead, Bad, Batch, Command, ENTRIES_PER_BATCH_MAX, Genesis, Header, PROPOSER, Placed,
    PoolId, Signature, State,
};
use sha2::{Digest, Sha256};

use super::core::{Held, Start, found, key_of};
use crate::engine::damage;
use crate::entry::EntryRef;
use crate::history::Record;
use crate::{Family, Head, LocalLog, LogError, Position};

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

/// Takes the copy for placing, founds the pool in an empty one, and returns where it ends.
///
/// `state` is the pool's at `head`, of a snapshot; both are the defaults where there is none.
pub(super) fn start(
    copy: &LocalLog,
    genesis: &Genesis,
    state: State,
    head: Head,
) -> Result<Start, StartError> {
    let end = copy.begin_placing()?;
    if end == Head::default() {
        let (state, placement) = found(genesis).map_err(StartError::Genesis)?;
        let head = placement.head;
        copy.place(vec![placement])?;
        return Ok(Start { state, head, held: None });
    }
    let state = replay(copy, state, head, end)?;
    let pool = state.pool().ok_or(StartError::NoPool)?;
    let (here, genesis) = (pool.membership().pool(), genesis.fingerprint());
    if here != genesis {
        return Err(StartError::OtherPool { copy: here, genesis });
    }
    let held = find_held(copy, pool.revision(), end)?;
    Ok(Start { state, head: end, held })
}

/// Applies the entries of the pool's family after `head`.
fn replay(copy: &LocalLog, mut state: State, head: Head, end: Head) -> Result<State, StartError> {
    let mut history = copy.history(head.position)?;
    let mut before = applied(history.head());
    loop {
        let records = history.read(end.position)?;
        if records.is_empty() {
            return Ok(state);
        }
        for record in records {
            let position = record.head.position;
            let bytes = record.bytes.as_ref().ok_or(LogError::Gone(position))?;
            let damaged = |source| StartError::Damaged { position, source };
            let entry = EntryRef::from_bytes(bytes).map_err(|error| damaged(error.into()))?;
            if entry.family == Family::POOL {
                let command = Command::from_bytes(entry.command);
                let command = command.map_err(|error| damaged(error.into()))?;
                state
                    .apply(&before, entry.proposer, &command)
                    .map_err(|error| damaged(error.into()))?;
            } else if state.pool().is_none() {
                return Err(StartError::NoPool);
            }
            before = applied(record.head);
        }
    }
}

/// Finds what was taken in last from etcd, at `revision`; `None` where its entries are not kept.
fn find_held(copy: &LocalLog, revision: u64, end: Head) -> Result<Option<Held>, StartError> {
    if revision == 0 {
        return Ok(None);
    }
    let reach = u64::try_from(ENTRIES_PER_BATCH_MAX).expect("small") + 1;
    let after = end.position.number().saturating_sub(reach);
    let mut history = copy.history(Position::new(after).expect("before the end"))?;
    let mut last = Last::default();
    loop {
        let records = history.read(end.position)?;
        if records.is_empty() {
            return last.into_held(revision, end);
        }
        last.take(records)?;
    }
}

/// The last entry of what was found in etcd, and those after it.
#[derive(Default)]
struct Last {
    found: Option<FoundLast>,
    entries: Vec<Vec<u8>>,
}

enum FoundLast {
    Placed { revision: u64, header: Box<Header>, signature: Signature },
    Bad(Bad),
}

impl Last {
    fn take(&mut self, records: VecDeque<Record>) -> Result<(), LogError> {
        for record in records {
            let Some(bytes) = record.bytes else {
                *self = Last::default();
                continue;
            };
            let position = record.head.position;
            let entry = EntryRef::from_bytes(&bytes)
                .map_err(|error| damage(position, &format!("it is no entry: {error}")))?;
            let command = (entry.family == Family::POOL && entry.proposer == PROPOSER)
                .then(|| Command::from_bytes(entry.command));
            let found = match command.and_then(Result::ok) {
                Some(Command::Placed(placed)) => {
                    let Placed { revision, header, signature } = *placed;
                    Some(FoundLast::Placed { revision, header: Box::new(header), signature })
                }
                Some(Command::Bad(bad)) => Some(FoundLast::Bad(bad)),
                _ => None,
            };
            if found.is_some() {
                *self = Last { found, entries: Vec::new() };
            } else {
                self.entries.push(bytes);
            }
        }
        Ok(())
    }

    fn into_held(self, revision: u64, end: Head) -> Result<Option<Held>, StartError> {
        let held = match self.found {
            Some(FoundLast::Placed { revision, header, signature }) => {
                let key = key_of(&header.slot.hub);
                let batch = Batch::rebuild(*header, self.entries, signature);
                let batch = batch.map_err(|error| StartError::Damaged {
                    position: end.position,
                    source: error.into(),
                })?;
                Held { revision, key, hash: Sha256::digest(batch.to_bytes()).into() }
            }
            Some(FoundLast::Bad(bad)) => {
                Held { revision: bad.revision, key: key_of(&bad.hub), hash: bad.hash }
            }
            None => return Ok(None),
        };
        if held.revision != revision {
            let source = "it is not what the pool's state has taken in last".into();
            return Err(StartError::Damaged { position: end.position, source });
        }
        Ok(Some(held))
    }
}

fn applied(head: Head) -> AppliedHead {
    AppliedHead { position: head.position.number(), chain: head.chain }
}
