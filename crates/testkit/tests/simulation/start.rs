//! From where a core goes on: what the copy on a disk comes to.

use log::Head;
use log::pool::Replay;
use log::pool::core::Start;
use pool::{Genesis, State};

use super::disk::Disk;

/// Replays a copy, with the state of a snapshot at `head`.
pub(crate) fn start(genesis: &Genesis, disk: &Disk, head: Head, state: State) -> Start {
    let after = Replay::start_after(head.position, disk.head().position);
    let mut replay = Replay::new(state, head);
    for stored in disk.after_position(after.number()) {
        let taken = replay.take(stored.head, Some(&stored.bytes));
        taken.expect("a crash leaves whole batches");
    }
    replay.finish(genesis).expect("it is the pool's")
}
