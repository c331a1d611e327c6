//! Answers other hubs of the pool: how far this one is, and what its copy of the log holds.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use log::{FollowError, LocalLog, Log, LogError, Position};
use pool::{HubId, PoolId};
use tokio::sync::Semaphore;

use super::offer::{self, Offer};
use super::peers::PeerHead;
use crate::replica::Replica;
use crate::reply::{self, Failure};

/// How many bytes of entries one answer has: more only if the first entry alone has more.
pub const ENTRIES_BYTES_MAX: usize = 4 << 20;

/// How many answers of entries are read from the disk at once.
const READS_MAX: usize = 4;

/// What other hubs are answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answerer {
    pub(crate) pool: PoolId,
    pub(crate) hub: HubId,
    pub(crate) replica: Replica,
    pub(crate) copy: Arc<LocalLog>,
    pub(super) offer: Offer,
    /// After which position the copy has entries.
    begins_after: Position,
    reads: Arc<Semaphore>,
}

impl Answerer {
    /// `data` is the directory of the copy.
    pub(crate) fn new(
        pool: PoolId,
        hub: HubId,
        replica: Replica,
        copy: Arc<LocalLog>,
        data: PathBuf,
    ) -> Self {
        let offer = Offer::new(Arc::clone(&copy), data);
        // A copy that cannot be read has nothing for anybody.
        let begins_after = copy.begins_after().unwrap_or(Position::MAX);
        let reads = Arc::new(Semaphore::new(READS_MAX));
        Answerer { pool, hub, replica, copy, offer, begins_after, reads }
    }

    /// Returns the service for other hubs.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/peer/v1/head", get(head))
            .route("/peer/v1/entries", get(entries))
            .route("/peer/v1/snapshot", get(offer::snapshot))
            .route("/peer/v1/snapshot/piece", get(offer::piece))
            .with_state(self)
    }
}

async fn head(State(answerer): State<Answerer>) -> Response {
    let (applied, state) = answerer.replica.own_head();
    let (pool, hub) = (&answerer.pool, &answerer.hub);
    reply::json(StatusCode::OK, &PeerHead::of(pool, hub, applied, state, answerer.begins_after))
}

/// Answers with the entries after a position in canonical bytes, each with its length (u32, little
/// endian) before it; with none when there are none yet.
async fn entries(
    State(answerer): State<Answerer>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let busy = || {
        let message = "too many hubs read entries; ask again";
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, message).with_retry_after(1)
    };
    let permit = Arc::clone(&answerer.reads).try_acquire_owned().map_err(|_| busy())?;
    let after = query.as_deref().and_then(|query| query.strip_prefix("after=")?.parse().ok());
    let after = after.and_then(Position::new);
    let after = after.ok_or_else(|| Failure::bad_request("ask with ?after=POSITION"))?;
    let reading = tokio::task::spawn_blocking(move || {
        let read = read_entries(&answerer.copy, after);
        drop(permit);
        read
    });
    match reading.await {
        Ok(Ok(bytes)) => Ok((StatusCode::OK, Body::from(bytes)).into_response()),
        Ok(Err(LogError::Gone(_))) => {
            let message = "these entries are no longer kept here; ask another hub";
            Err(Failure::new(StatusCode::GONE, message))
        }
        Ok(Err(LogError::BeyondTheEnd { .. })) => {
            Err(Failure::new(StatusCode::NOT_FOUND, "this hub is not as far"))
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "entries for another hub cannot be read");
            Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the entries cannot be read"))
        }
        Err(_) => Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the hub is stopping")),
    }
}

fn read_entries(copy: &LocalLog, after: Position) -> Result<Vec<u8>, LogError> {
    let head = copy.head()?.position;
    if head < after {
        return Err(LogError::BeyondTheEnd { asked: after, head });
    }
    let mut bytes = Vec::new();
    let mut reached = after;
    let mut follower = copy.follow(after)?;
    while reached < head {
        let batch = follower.next_batch().map_err(|error| match error {
            FollowError::Closed => LogError::Closed,
            FollowError::Log(error) => error,
        })?;
        for committed in batch {
            let entry = committed.entry.to_bytes().expect("it was in the log");
            let length = u32::try_from(entry.len()).expect("an entry is smaller than 4 GiB");
            let is_full = ENTRIES_BYTES_MAX < bytes.len() + size_of::<u32>() + entry.len();
            if head < committed.position || (is_full && !bytes.is_empty()) {
                return Ok(bytes);
            }
            bytes.extend(length.to_le_bytes());
            bytes.extend(entry);
            reached = committed.position;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use log::{Entry, Family, Proposer, Ticket};
    use spacetime::Timestamp;

    use super::*;

    fn lengths(bytes: &[u8]) -> Vec<usize> {
        let mut rest = bytes;
        let mut lengths = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let length = u32::from_le_bytes(*length) as usize;
            lengths.push(length);
            rest = &after[length..];
        }
        assert!(rest.is_empty());
        lengths
    }

    #[test]
    fn hands_out_entries_up_to_so_many_bytes() {
        let dir = tempfile::tempdir().expect("a directory");
        let options = log::Options { disk_free_bytes_min: 0, ..log::Options::default() };
        let log = LocalLog::open(dir.path(), options).expect("opened");
        let fit = ENTRIES_BYTES_MAX / log::APPEND_BYTES_MAX - 1;
        for _ in 0..=fit {
            let entry = Entry {
                family: Family(9),
                version: 1,
                proposer: Proposer::new("hub").expect("a name"),
                stamp: Timestamp::MIN,
                command: vec![0; log::APPEND_BYTES_MAX],
            };
            let receipt = log.append(entry, Ticket(1)).expect("queued");
            receipt.wait_blocking().expect("durable");
        }
        let read = |after| {
            let after = Position::new(after).expect("small");
            read_entries(&log, after).map(|bytes| lengths(&bytes).len())
        };

        let last = fit as u64 + 1;
        assert_eq!(read(0).expect("there"), fit);
        assert_eq!(read(1).expect("there"), fit);
        assert_eq!(read(last - 1).expect("there"), 1);
        assert_eq!(read(last).expect("there"), 0);
        assert!(matches!(read(last + 1), Err(LogError::BeyondTheEnd { .. })));
    }
}
