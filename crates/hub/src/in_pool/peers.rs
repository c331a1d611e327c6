//! Hubs of a pool ask each other directly, over mutual TLS: an etcd that lies could keep two groups
//! of them apart for good, each with a log that is good in itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use log::{FollowError, LocalLog, Log, LogError, Position};
use pool::{Announced, AppliedHead, HubId, PoolId, StateHash};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{PEM_BYTES_MAX, PartError, read};
use crate::config::{Pool, TlsFiles};
use crate::hex;
use crate::replica::Replica;
use crate::reply::{self, Failure};

/// How often each other hub is asked how far it is.
pub const PEER_INTERVAL: Duration = Duration::from_secs(2);

/// How long it may take to answer.
pub const PEER_ANSWER_MAX: Duration = Duration::from_secs(2);

/// How many bytes of entries one answer has: more only if the first entry alone has more.
pub const ENTRIES_BYTES_MAX: usize = 4 << 20;

/// How many answers of entries are read from the disk at once.
const READS_MAX: usize = 4;

/// How many bytes the answer of a hub may have that says how far it is.
const HEAD_BYTES_MAX: usize = 4 << 10;

/// How far a hub is, as it tells others (`GET /peer/v1/head`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PeerHead {
    /// The pool's fingerprint, in hexadecimal.
    pub(crate) pool: String,
    /// The name of the hub.
    pub(crate) hub: String,
    /// How far it has applied the log.
    pub(crate) position: u64,
    /// The chain there, in hexadecimal.
    pub(crate) chain: String,
    /// Where it last took the hash of its state.
    pub(crate) state_position: Option<u64>,
    /// That hash, in hexadecimal.
    pub(crate) state_hash: Option<String>,
}

/// What other hubs are answered with.
#[derive(Clone, Debug)]
pub(crate) struct Answerer {
    pub(crate) pool: PoolId,
    pub(crate) hub: HubId,
    pub(crate) replica: Replica,
    pub(crate) copy: Arc<LocalLog>,
    reads: Arc<Semaphore>,
}

/// Asks the other hubs.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    client: reqwest::Client,
    pool: PoolId,
    peers: Arc<[(HubId, String)]>,
    replica: Replica,
}

/// Another hub did not say how far it is.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("it does not answer")]
    Unreachable(#[from] reqwest::Error),
    #[error("it answers with status {0}")]
    Status(u16),
    #[error("its answer is not one of a hub of this pool by this name")]
    Malformed,
}

impl PeerHead {
    fn of(answerer: &Answerer) -> Self {
        let (AppliedHead { position, chain }, state) = answerer.replica.own_head();
        PeerHead {
            pool: hex::encode(answerer.pool.as_bytes()),
            hub: answerer.hub.to_string(),
            position,
            chain: hex::encode(&chain),
            state_position: state.map(|state| state.position),
            state_hash: state.map(|state| hex::encode(&state.hash)),
        }
    }

    /// Returns what it says, if it is `hub`'s of `pool`.
    fn announced(&self, pool: &PoolId, hub: &HubId) -> Option<Announced> {
        if hex::decode_hash(&self.pool)? != *pool.as_bytes() || self.hub != hub.as_str() {
            return None;
        }
        let chain = hex::decode_hash(&self.chain)?;
        let applied = AppliedHead { position: self.position, chain };
        let state = match (self.state_position, &self.state_hash) {
            (Some(position), Some(hash)) => {
                Some(StateHash { position, hash: hex::decode_hash(hash)? })
            }
            _ => None,
        };
        Some(Announced { applied, state, placed: None })
    }
}

impl Answerer {
    pub(crate) fn new(pool: PoolId, hub: HubId, replica: Replica, copy: Arc<LocalLog>) -> Self {
        Answerer { pool, hub, replica, copy, reads: Arc::new(Semaphore::new(READS_MAX)) }
    }

    /// Returns the service for other hubs.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/peer/v1/head", get(head))
            .route("/peer/v1/entries", get(entries))
            .with_state(self)
    }
}

async fn head(State(answerer): State<Answerer>) -> Response {
    reply::json(StatusCode::OK, &PeerHead::of(&answerer))
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
            let message = "these entries are no longer kept here; take a snapshot";
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

impl Asker {
    /// Makes a client with this hub's certificate for the hubs that the settings name.
    ///
    /// Reads files.
    pub(crate) fn new(settings: &Pool, pool: PoolId, replica: Replica) -> Result<Self, PartError> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PEER_ANSWER_MAX)
            .no_proxy()
            .user_agent(concat!("tansiq/", env!("CARGO_PKG_VERSION")));
        let files = settings.peer_tls().expect("the configuration was checked");
        if let Some(TlsFiles { ca, cert, key }) = files {
            let roots = read("peer_ca", ca, PEM_BYTES_MAX)?;
            let roots = reqwest::Certificate::from_pem_bundle(&roots)
                .map_err(|_| malformed("peer_ca", "set of certificates in PEM", ca))?;
            let mut identity = read("peer_cert", cert, PEM_BYTES_MAX)?;
            identity.push(b'\n');
            identity.extend(read("peer_key", key, PEM_BYTES_MAX)?);
            let identity = reqwest::Identity::from_pem(&identity)
                .map_err(|_| malformed("peer_cert", "certificate in PEM with its key", cert))?;
            builder = builder.tls_certs_only(roots).identity(identity).https_only(true);
        }
        let client = builder.build().map_err(|_| {
            let path = settings.peer_cert.clone().unwrap_or_default();
            malformed("peer_cert", "certificate that fits its key", &path)
        })?;
        let own = settings.hub_id();
        let peers = settings.peers.iter().map(|(name, url)| {
            let hub = HubId::new(name).expect("the configuration was checked");
            (hub, format!("{}/peer/v1/head", url.trim_end_matches('/')))
        });
        let peers = peers.filter(|(hub, _)| *hub != own).collect();
        Ok(Asker { client, pool, peers, replica })
    }

    /// Asks every other hub how far it is, once, and compares.
    pub(crate) async fn ask_all(&self) {
        let mut asking = JoinSet::new();
        for index in 0..self.peers.len() {
            let asker = self.clone();
            asking.spawn(async move { asker.ask(index).await });
        }
        while asking.join_next().await.is_some() {}
    }

    async fn ask(&self, index: usize) {
        let (hub, url) = &self.peers[index];
        match self.ask_head(hub, url).await {
            Ok(announced) => {
                self.replica.hear(hub, &announced);
            }
            Err(error) => {
                tracing::debug!(%error, hub.id = hub.as_str(), "a hub of the pool was not heard");
            }
        }
    }

    async fn ask_head(&self, hub: &HubId, url: &str) -> Result<Announced, AskError> {
        let mut response = self.client.get(url).send().await?;
        if response.status() != StatusCode::OK {
            return Err(AskError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if HEAD_BYTES_MAX - body.len() < chunk.len() {
                return Err(AskError::Malformed);
            }
            body.extend_from_slice(&chunk);
        }
        let head: PeerHead = serde_json::from_slice(&body).map_err(|_| AskError::Malformed)?;
        head.announced(&self.pool, hub).ok_or(AskError::Malformed)
    }
}

fn malformed(field: &'static str, what: &'static str, path: &Path) -> PartError {
    PartError::Malformed { field, what, path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use log::{Entry, Family, Proposer, Ticket};
    use spacetime::Timestamp;

    use super::*;

    fn head() -> PeerHead {
        PeerHead {
            pool: hex::encode(&[7; 32]),
            hub: "hub-1".to_owned(),
            position: 9,
            chain: hex::encode(&[1; 32]),
            state_position: Some(8),
            state_hash: Some(hex::encode(&[2; 32])),
        }
    }

    #[test]
    fn believes_a_head_of_the_right_pool_and_hub_only() {
        let pool: PoolId = hex::encode(&[7; 32]).parse().expect("a fingerprint");
        let hub = |name| HubId::new(name).expect("a name");

        let announced = head().announced(&pool, &hub("hub-1"));

        let applied = AppliedHead { position: 9, chain: [1; 32] };
        let state = Some(StateHash { position: 8, hash: [2; 32] });
        assert_eq!(announced, Some(Announced { applied, state, placed: None }));
        assert_eq!(head().announced(&pool, &hub("hub-2")), None);
        let other: PoolId = hex::encode(&[8; 32]).parse().expect("a fingerprint");
        assert_eq!(head().announced(&other, &hub("hub-1")), None);
        let cut = PeerHead { chain: "01".to_owned(), ..head() };
        assert_eq!(cut.announced(&pool, &hub("hub-1")), None);
    }

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
    fn hands_out_entries_up_to_so_many_bytes_and_at_least_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let options = log::Options { disk_free_bytes_min: 0, ..log::Options::default() };
        let log = LocalLog::open(dir.path(), options).expect("opened");
        for bytes in [3 << 20, 1, 2 << 20] {
            let entry = Entry {
                family: Family(9),
                version: 1,
                proposer: Proposer::new("hub").expect("a name"),
                stamp: Timestamp::MIN,
                command: vec![0; bytes],
            };
            let receipt = log.append(entry, Ticket(1)).expect("queued");
            receipt.wait_blocking().expect("durable");
        }
        let read = |after| {
            let after = Position::new(after).expect("small");
            read_entries(&log, after).map(|bytes| lengths(&bytes).len())
        };

        assert_eq!(read(0).expect("there"), 2);
        assert_eq!(read(1).expect("there"), 2);
        assert_eq!(read(3).expect("there"), 0);
        assert!(matches!(read(4), Err(LogError::BeyondTheEnd { .. })));
    }
}
