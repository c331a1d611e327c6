//! From where a hub goes on: what its copy of the log comes to.

use ::pool::{Genesis, State};

use super::core::{Start, found};
use super::replay::{Replay, StartError};
use crate::{Head, LocalLog};

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
    let mut replay = Replay::new(state, head);
    let after = Replay::start_after(head.position, end.position).max(copy.begins_after()?);
    let mut history = copy.history(after)?;
    loop {
        let records = history.read(end.position)?;
        if records.is_empty() {
            return replay.finish(genesis);
        }
        for record in records {
            replay.take(record.head, record.bytes.as_deref())?;
        }
    }
}
