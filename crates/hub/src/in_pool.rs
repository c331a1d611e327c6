//! What a hub does besides in a pool: it opens the pool's log, keeps evidence and asks its peers.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use log::LocalLog;
use log::pool::{From as PoolStart, Options, PoolLog, PoolOpenError, Stopped};
use pool::{AppliedHead, GENESIS_BYTES_MAX, Genesis, KeyPair, StateHash};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use crate::clock::Clock;
use crate::config::{Config, Pool, TlsFiles};
use crate::replica::{self, Engine, InPool, Replica, ReplicaError, Start};

pub(crate) mod answerer;
pub(crate) mod evidence;
pub(crate) mod members;
pub(crate) mod newcomer;
mod offer;
pub(crate) mod peers;

pub use answerer::ENTRIES_BYTES_MAX;
pub use evidence::EVIDENCE_WAITING_MAX;
pub use members::MEMBERS_INTERVAL;
pub use newcomer::{ROUNDS_MAX, SNAPSHOT_BYTES_MAX};
pub use offer::PIECE_BYTES_MAX;
pub use peers::{PEER_ANSWER_MAX, PEER_INTERVAL};

use evidence::EvidenceStore;
use members::Members;
use peers::{Peers, Stranded};

/// How many bytes a file of a key or of certificates may have.
const PEM_BYTES_MAX: usize = 1 << 20;

/// A hub's part in its pool.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) log: Arc<PoolLog>,
    pub(crate) genesis: Genesis,
    pub(crate) members: Arc<Members>,
    pub(crate) evidence: Arc<EvidenceStore>,
    stranded: Arc<Stranded>,
}

/// Why a hub cannot take part in its pool; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// A file cannot be read.
    #[error("cannot read {}; give pool.{field} an existing file", path.display())]
    Unreadable {
        /// Which setting names it.
        field: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} is no {what}; give pool.{field} one", path.display())]
    Malformed {
        /// Which setting names it.
        field: &'static str,
        /// What it should be.
        what: &'static str,
        /// Which file.
        path: PathBuf,
    },
    /// The evidence cannot be kept.
    #[error("cannot use {}; check the rights on it", path.display())]
    Evidence {
        /// Which directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The log is not the one whose head the owners have told.
    #[error(
        "this is not the log whose head pool.newcomer.head names; nothing was written: compare the \
         heads with the owners"
    )]
    OtherHead(#[source] pool::ProofError),
    /// A snapshot is needed, and no hub gives a good one.
    #[error(
        "this hub must begin with a snapshot of another hub, and none gives one that is good \
         ({0}); see that the hubs in pool.peers are up, and start this hub again"
    )]
    NoSnapshot(String),
    /// The start was interrupted.
    #[error("the start was interrupted")]
    Interrupted,
    /// The pool's log cannot be opened.
    #[error("the pool's log cannot be opened")]
    Log(#[from] PoolOpenError),
    /// The state cannot be made from the log.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
}

impl Engine for PoolLog {
    fn announce(&self, applied: AppliedHead, state: Option<StateHash>) {
        PoolLog::announce(self, applied, state);
    }
}

/// Opens the pool's log over its copy, and follows it from the newest snapshot.
///
/// Reads files and waits for etcd: not for asynchronous tasks, but within a tokio runtime.
pub(crate) fn open(
    config: &Config,
    settings: &Pool,
    copy: &Arc<LocalLog>,
    options: replica::Options,
) -> Result<(Part, Replica), PartError> {
    let genesis = read_genesis(&settings.genesis)?;
    let key = read_key(&settings.key)?;
    let etcd = etcd_config(settings)?;
    let evidence = EvidenceStore::open(&config.data).map_err(|source| PartError::Evidence {
        path: EvidenceStore::path_in(&config.data),
        source,
    })?;
    let evidence = Arc::new(evidence);
    let members = Arc::new(Members::new(&etcd).map_err(PoolOpenError::Etcd)?);
    let start = Start::load(copy)?;
    // A client of its own: the pool's log has a runtime of its own.
    let peers = Peers::new(settings, genesis.fingerprint())?;
    let stranded = peers.stranded();
    let log = Arc::new(PoolLog::open_beside(
        Arc::clone(copy),
        PoolStart { genesis: genesis.clone(), state: start.pool().clone(), head: start.head() },
        Options {
            hub: settings.hub_id(),
            key,
            rules: replica::known_rules(),
            etcd,
            clock: told_by(&options.clock),
            witness: Arc::clone(&evidence) as _,
        },
        Some(Arc::new(peers)),
    )?);
    let in_pool = InPool {
        engine: Arc::clone(&log) as _,
        hub: settings.hub_id(),
        consistency: settings.consistency,
        witness: Arc::clone(&evidence) as _,
        told: settings.newcomer.told().expect("the configuration was checked"),
    };
    let replica = Replica::start_in_pool(in_pool, Arc::clone(copy), start, options)?;
    Ok((Part { log, genesis, members, evidence, stranded }, replica))
}

impl Part {
    /// Ends the hub when the pool's log ends by itself.
    pub(crate) async fn watch(failed: impl Future<Output = Stopped>, replica: Replica) {
        let stopped = failed.await;
        let mut why = stopped.to_string();
        let mut source = std::error::Error::source(&stopped);
        while let Some(error) = source {
            why = format!("{why}: {error}");
            source = error.source();
        }
        replica.end(&why);
    }
}

impl Part {
    /// Ends the hub when no other hub has the entries any more that it needs next: the next start
    /// takes a snapshot.
    pub(crate) fn watch_stranded(
        &self,
        data: PathBuf,
        replica: Replica,
    ) -> impl Future<Output = ()> + use<> {
        let stranded = Arc::clone(&self.stranded);
        async move {
            stranded.wait().await;
            if let Err(error) = newcomer::want_snapshot(&data) {
                tracing::error!(%error, "it cannot be noted that a snapshot is needed");
            }
            replica.end(
                "neither etcd nor any of the other hubs still has the entries that this hub needs \
                 next: start it again, and it begins anew with a snapshot of another hub",
            );
        }
    }
}

fn told_by(clock: &Clock) -> log::pool::Clock {
    let clock = clock.clone();
    Arc::new(move || clock.now())
}

fn read_genesis(path: &Path) -> Result<Genesis, PartError> {
    let bytes = read("genesis", path, GENESIS_BYTES_MAX)?;
    Genesis::from_bytes(&bytes).map_err(|_| PartError::Malformed {
        field: "genesis",
        what: "genesis of a pool",
        path: path.to_owned(),
    })
}

fn read_key(path: &Path) -> Result<KeyPair, PartError> {
    let malformed = || PartError::Malformed {
        field: "key",
        what: "private Ed25519 key in PEM (PKCS#8)",
        path: path.to_owned(),
    };
    let text = read("key", path, PEM_BYTES_MAX)?;
    let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| malformed())?;
    KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| malformed())
}

fn etcd_config(settings: &Pool) -> Result<etcd::Config, PartError> {
    let files = settings.etcd_tls().expect("the configuration was checked");
    let tls = match files {
        None => None,
        Some(TlsFiles { ca, cert, key }) => Some(etcd::Tls {
            ca: read("etcd_ca", ca, PEM_BYTES_MAX)?,
            cert: read("etcd_cert", cert, PEM_BYTES_MAX)?,
            key: read("etcd_key", key, PEM_BYTES_MAX)?,
        }),
    };
    Ok(etcd::Config { endpoints: settings.etcd.clone(), tls })
}

/// Reads a file that may have `bytes_max` bytes.
fn read(field: &'static str, path: &Path, bytes_max: usize) -> Result<Vec<u8>, PartError> {
    let unreadable = |source| PartError::Unreadable { field, path: path.to_owned(), source };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if usize::try_from(length).map_or(true, |length| bytes_max < length) {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(path).map_err(unreadable)
}
