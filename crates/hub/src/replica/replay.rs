//! Makes the states once more from what is on this hub's own disk.

use log::{FollowError, Head, LocalLog, Log};

use super::agreement::History;
use super::follow::{self, StopError};
use super::snapshots;
use super::states::{self, States};

/// Returns the states at `head`, and the hashes on the way there.
///
/// It begins with the oldest snapshot that is good: a bit that has flipped since is not in it, or
/// the hubs would have differed long ago. Blocks while it reads the log from there on.
pub(super) fn replay(copy: &LocalLog, head: Head) -> Result<(States, History), StopError> {
    let snapshots::Restored { head: start, mut states } =
        snapshots::restore_oldest(&copy.snapshots(), head.position)?;
    let mut reached = start;
    let mut history = History::starting_at(start);
    let mut follower = copy.follow(start.position).map_err(StopError::Log)?;
    while reached.position < head.position {
        let batch = match follower.next_batch() {
            Ok(batch) => batch,
            Err(FollowError::Closed) => return Err(StopError::Log(log::LogError::Closed)),
            Err(FollowError::Log(error)) => return Err(StopError::Log(error)),
        };
        for committed in batch.iter().take_while(|next| next.position <= head.position) {
            let parsed = states::parse(committed.position, &committed.entry)?;
            follow::apply(&mut states, &mut reached, committed, &parsed)?;
            history.reach(reached);
            if let Some(hash) = follow::state_hash(&mut states, reached) {
                history.take_state_hash(hash);
            }
        }
    }
    if reached != head {
        return Err(StopError::CopyDiffers(head.position));
    }
    Ok((states, history))
}
