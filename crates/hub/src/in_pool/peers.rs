//! Asks the other hubs of the pool directly, over mutual TLS: an etcd that lies could keep two
//! groups of them apart for good, each with a log that is good in itself; and what etcd no longer
//! has is in their copies.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use log::Position;
use log::pool::EntriesFuture;
use pool::{Announced, AppliedHead, HubId, PoolId, StateHash};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::answerer::ENTRIES_BYTES_MAX;
use super::{PEM_BYTES_MAX, PartError, read};
use crate::config::{Pool, TlsFiles};
use crate::hex;
use crate::replica::Replica;

/// How often each other hub is asked how far it is.
pub const PEER_INTERVAL: Duration = Duration::from_secs(2);

/// How long it may take to answer.
pub const PEER_ANSWER_MAX: Duration = Duration::from_secs(2);

/// How many bytes the answer of a hub may have that says how far it is.
const HEAD_BYTES_MAX: usize = 4 << 10;

/// How many bytes an answer with entries may have: many small ones, or a large one alone.
const ENTRIES_ANSWER_BYTES_MAX: usize = ENTRIES_BYTES_MAX + LENGTH_BYTES + log::ENTRY_BYTES_MAX;

/// How many bytes say how long an entry is.
const LENGTH_BYTES: usize = 4;

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
    /// After which position it has entries.
    #[serde(default)]
    pub(crate) begins_after: u64,
}

/// The other hubs that the settings name.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    client: reqwest::Client,
    pool: PoolId,
    peers: Arc<[Peer]>,
    stranded: Arc<Stranded>,
}

/// A hub that the settings name.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) hub: HubId,
    /// Without a slash at its end.
    pub(super) url: String,
}

/// Tells when no hub has the entries any more that this one needs next.
#[derive(Debug, Default)]
pub(crate) struct Stranded {
    /// The hubs that have said so since one gave entries.
    gone: Mutex<BTreeSet<u64>>,
    all: Notify,
}

/// Another hub did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("it does not answer")]
    Unreachable(#[from] reqwest::Error),
    #[error("it answers with status {0}")]
    Status(u16),
    #[error("its answer is too large")]
    TooLarge,
    #[error("its answer is not one of a hub of this pool by this name")]
    Malformed,
}

impl PeerHead {
    /// Returns what a hub tells others.
    pub(super) fn of(
        pool: &PoolId,
        hub: &HubId,
        applied: AppliedHead,
        state: Option<StateHash>,
        begins_after: Position,
    ) -> Self {
        PeerHead {
            pool: hex::encode(pool.as_bytes()),
            hub: hub.to_string(),
            position: applied.position,
            chain: hex::encode(&applied.chain),
            state_position: state.map(|state| state.position),
            state_hash: state.map(|state| hex::encode(&state.hash)),
            begins_after: begins_after.number(),
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

impl Peers {
    /// Makes a client with this hub's certificate for the hubs that the settings name.
    ///
    /// Reads files. A client belongs to the runtime that it is used on.
    pub(crate) fn new(settings: &Pool, pool: PoolId) -> Result<Self, PartError> {
        let client = client(settings)?;
        let own = settings.hub_id();
        let peers = settings.peers.iter().map(|(name, url)| Peer {
            hub: HubId::new(name).expect("the configuration was checked"),
            url: url.trim_end_matches('/').to_owned(),
        });
        let peers = peers.filter(|peer| peer.hub != own).collect();
        Ok(Peers { client, pool, peers, stranded: Arc::default() })
    }

    /// Asks every other hub how far it is, once, and compares.
    pub(crate) async fn compare(&self, replica: &Replica) {
        let mut asking = JoinSet::new();
        for index in 0..self.peers.len() {
            let (peers, replica) = (self.clone(), replica.clone());
            asking.spawn(async move { peers.compare_with(&peers.peers[index], &replica).await });
        }
        while asking.join_next().await.is_some() {}
    }

    async fn compare_with(&self, peer: &Peer, replica: &Replica) {
        match self.head(peer).await {
            Ok(announced) => {
                replica.hear(&peer.hub, &announced);
            }
            Err(error) => {
                let hub = peer.hub.as_str();
                tracing::debug!(%error, hub.id = hub, "a hub of the pool was not heard");
            }
        }
    }

    async fn head(&self, peer: &Peer) -> Result<Announced, AskError> {
        let head = self.whole_head(peer).await?;
        head.announced(&self.pool, &peer.hub).ok_or(AskError::Malformed)
    }

    /// Returns what a hub says of itself, if it is the one by this name, of this pool.
    pub(super) async fn whole_head(&self, peer: &Peer) -> Result<PeerHead, AskError> {
        let url = format!("{}/peer/v1/head", peer.url);
        let body = self.get(&url, PEER_ANSWER_MAX, HEAD_BYTES_MAX).await?;
        let head: PeerHead = serde_json::from_slice(&body).map_err(|_| AskError::Malformed)?;
        head.announced(&self.pool, &peer.hub).map(|_| head).ok_or(AskError::Malformed)
    }

    /// Returns the other hubs.
    pub(super) fn all(&self) -> &[Peer] {
        &self.peers
    }

    /// Returns what tells when no hub has the entries any more that this one needs.
    pub(super) fn stranded(&self) -> Arc<Stranded> {
        Arc::clone(&self.stranded)
    }

    async fn entries_of(&self, peer: &Peer, after: Position) -> Result<Vec<Vec<u8>>, AskError> {
        let url = format!("{}/peer/v1/entries?after={after}", peer.url);
        let within = log::pool::FETCH_ANSWER_MAX;
        let body = self.get(&url, within, ENTRIES_ANSWER_BYTES_MAX).await?;
        split(&body).ok_or(AskError::Malformed)
    }

    pub(super) async fn get(
        &self,
        url: &str,
        within: Duration,
        bytes_max: usize,
    ) -> Result<Vec<u8>, AskError> {
        let mut response = self.client.get(url).timeout(within).send().await?;
        if response.status() != StatusCode::OK {
            return Err(AskError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if bytes_max - body.len() < chunk.len() {
                return Err(AskError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

impl Stranded {
    fn hear(&self, number: u64, answer: &Result<Vec<Vec<u8>>, AskError>, peers: usize) {
        let mut gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(_) => gone.clear(),
            Err(AskError::Status(status)) if *status == StatusCode::GONE.as_u16() => {
                gone.insert(number);
            }
            // It may have them.
            Err(_) => {
                gone.remove(&number);
            }
        }
        if gone.len() == peers {
            self.all.notify_one();
        }
    }

    /// Resolves when all hubs have said that they no longer have the entries.
    pub(crate) async fn wait(&self) {
        self.all.notified().await;
    }
}

impl log::pool::Peers for Peers {
    fn count(&self) -> u64 {
        self.peers.len() as u64
    }

    fn entries(&self, peer: u64, after: Position) -> EntriesFuture {
        let peers = self.clone();
        Box::pin(async move {
            let number = peer;
            let peer = peers.peers.get(usize::try_from(number).ok()?)?;
            let entries = peers.entries_of(peer, after).await;
            peers.stranded.hear(number, &entries, peers.peers.len());
            entries
                .inspect_err(|error| {
                    let hub = peer.hub.as_str();
                    tracing::warn!(%error, hub.id = hub, "a hub gave no entries of its copy");
                })
                .ok()
        })
    }
}

/// Returns the entries of an answer, each of which has its length before it.
fn split(body: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<LENGTH_BYTES>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (entry, after) = after.split_at_checked(length)?;
        entries.push(entry.to_vec());
        rest = after;
    }
    Some(entries)
}

fn client(settings: &Pool) -> Result<reqwest::Client, PartError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
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
    builder.build().map_err(|_| {
        let path = settings.peer_cert.clone().unwrap_or_default();
        malformed("peer_cert", "certificate that fits its key", &path)
    })
}

fn malformed(field: &'static str, what: &'static str, path: &Path) -> PartError {
    PartError::Malformed { field, what, path: path.to_owned() }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn head() -> PeerHead {
        PeerHead {
            pool: hex::encode(&[7; 32]),
            hub: "hub-1".to_owned(),
            position: 9,
            chain: hex::encode(&[1; 32]),
            state_position: Some(8),
            state_hash: Some(hex::encode(&[2; 32])),
            begins_after: 0,
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

    #[test]
    fn is_stranded_only_when_no_hub_has_the_entries_any_more() {
        let gone = || Err(AskError::Status(410));
        type Heard = (u64, Result<Vec<Vec<u8>>, AskError>);
        let is_stranded = |answers: Vec<Heard>| {
            let stranded = Stranded::default();
            answers.iter().for_each(|(number, answer)| stranded.hear(*number, answer, 2));
            stranded.wait().now_or_never().is_some()
        };

        assert!(is_stranded(vec![(0, gone()), (1, gone())]));
        assert!(!is_stranded(vec![(0, gone()), (0, gone())]));
        assert!(!is_stranded(vec![(0, gone()), (1, Err(AskError::Status(503)))]));
        assert!(!is_stranded(vec![(0, gone()), (0, Err(AskError::TooLarge)), (1, gone())]));
        assert!(!is_stranded(vec![(0, gone()), (1, Ok(Vec::new())), (1, gone())]));
    }

    #[test]
    fn splits_an_answer_into_its_entries() {
        let body =
            [&2_u32.to_le_bytes()[..], b"ab", &0_u32.to_le_bytes(), &1_u32.to_le_bytes(), b"c"];
        let body = body.concat();

        let entries = [b"ab".to_vec(), Vec::new(), b"c".to_vec()];
        assert_eq!(split(&body), Some(entries.to_vec()));
        assert_eq!(split(&[]), Some(Vec::new()));
        for end in [1, 5, body.len() - 1] {
            assert_eq!(split(&body[..end]), None, "cut off at {end}");
        }
    }
}
