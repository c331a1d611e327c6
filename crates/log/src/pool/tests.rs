//! The engine on a real etcd; skipped, saying so, where there is none and no Go to build one.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ::pool::{
    Founding, Genesis, GenesisHub, HubId, KeyPair, Owner, OwnerName, PoolName, Rule, Rules, State,
};
use etcd::server::{self, Cluster};
use etcd::{Client, Member};
use spacetime::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::suite::{Engine, tests_of_every_engine};
use crate::{Family, Head, LocalLog, SyncMode};

mod faults;

/// How long a cluster may take to answer first.
const START_MAX: Duration = Duration::from_secs(60);

/// A pool on a cluster of its own.
struct Pool {
    cluster: Cluster,
    genesis: Genesis,
    _dir: TempDir,
}

/// A hub of it, for the tests of every engine.
struct PoolEngine {
    pool: Pool,
    copy: TempDir,
}

impl Engine for PoolEngine {
    type Log = PoolLog;

    fn open(&self) -> PoolLog {
        self.pool.open("hub", &self.copy).expect("opened")
    }

    fn close(&self, log: &PoolLog) {
        log.close();
    }

    fn command_bytes_max(&self) -> usize {
        ::pool::COMMAND_BYTES_MAX
    }
}

fn engine() -> Option<PoolEngine> {
    let pool = Pool::start(1)?;
    Some(PoolEngine { pool, copy: tempfile::tempdir().expect("a directory") })
}

mod every_engine {
    use super::{engine, tests_of_every_engine};

    tests_of_every_engine!(engine());
}

impl Pool {
    /// Founds a pool on an etcd with so many members, if there is an etcd.
    fn start(members: usize) -> Option<Self> {
        let pool = Self::start_empty(members)?;
        pool.found(&pool.genesis);
        Some(pool)
    }

    /// Starts an etcd that is no pool's.
    fn start_empty(members: usize) -> Option<Self> {
        let program = program()?.clone();
        let dir = tempfile::tempdir().expect("a directory");
        let options = server::Options::new(program, dir.path().to_owned(), members);
        let cluster = Cluster::start(options).expect("started");
        let pool = Pool { cluster, genesis: genesis(1), _dir: dir };
        pool.ask(|member| async move {
            let mut tries = 0;
            while let Err(error) = member.status(Duration::from_secs(1)).await {
                tries += 1;
                assert!(tries < 1_000, "no etcd: {error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Some(pool)
    }

    fn found(&self, genesis: &Genesis) {
        let genesis = genesis.clone();
        self.ask(|member| async move {
            let founding = async {
                loop {
                    match super::found(&member, &genesis, None).await {
                        Ok(()) => return,
                        Err(FoundError::Call(_)) => {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        Err(error) => panic!("{error}"),
                    }
                }
            };
            tokio::time::timeout(START_MAX, founding).await.expect("in time");
        });
    }

    /// Asks the first member something.
    fn ask<T, F: Future<Output = T>>(&self, ask: impl FnOnce(Member) -> F) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let client = Client::new(&self.etcd()).expect("good");
            ask(client.member()).await
        })
    }

    fn etcd(&self) -> etcd::Config {
        etcd::Config { endpoints: self.cluster.urls(), tls: None }
    }

    /// Opens a hub's log.
    fn open(&self, hub: &str, copy: &TempDir) -> Result<PoolLog, PoolOpenError> {
        self.open_at(hub, copy, self.etcd())
    }

    /// Opens a hub's log that asks these members.
    fn open_at(
        &self,
        hub: &str,
        copy: &TempDir,
        etcd: etcd::Config,
    ) -> Result<PoolLog, PoolOpenError> {
        let options = crate::Options { sync: SyncMode::Behind, ..crate::Options::default() };
        let copy = Arc::new(LocalLog::open(copy.path(), options).expect("opened"));
        let genesis = self.genesis.clone();
        let from = From { genesis, state: State::default(), head: Head::default() };
        PoolLog::open(copy, from, options_of(hub, etcd))
    }
}

fn options_of(hub: &str, etcd: etcd::Config) -> Options {
    let stamp = Timestamp::from_micros(1_700_000_000_000_000).expect("in range");
    Options {
        hub: HubId::new(hub).expect("a name"),
        key: key(hub),
        rules: rules(),
        etcd,
        clock: Arc::new(move || stamp),
        witness: Arc::new(NoWitness),
    }
}

fn key(of: &str) -> KeyPair {
    let mut seed = [0x5a; 32];
    seed[..of.len()].copy_from_slice(of.as_bytes());
    KeyPair::from_seed(&seed)
}

fn rules() -> Rules {
    let rule = |Family(family), version| Rule { family, version };
    let rules = [rule(Family::HUB, 1), rule(Family::AIRSPACE, 1), rule(Family::POOL, 1)];
    Rules::new(rules.to_vec()).expect("valid")
}

/// A pool of one owner and three hubs.
fn genesis(nonce: u8) -> Genesis {
    let owner = OwnerName::new("owner").expect("a name");
    let hub = |name: &str| GenesisHub {
        id: HubId::new(name).expect("a name"),
        owner: owner.clone(),
        key: key(name).public_key(),
    };
    Genesis::new(Founding {
        name: PoolName::new("trial").expect("a name"),
        nonce: [nonce; 32],
        owners: vec![Owner {
            name: owner.clone(),
            key: key("online").public_key(),
            offline_key: key("offline").public_key(),
        }],
        quorum: 1,
        hubs: ["hub", "hub-b", "hub-c"].map(hub).to_vec(),
        rules: rules(),
    })
    .expect("valid")
}

/// Returns the program, once for all tests; says once that there is none.
fn program() -> Option<&'static PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PROGRAM.get_or_init(|| {
        let found = etcd::program::find(None, &path(), &etcd::program::built_path());
        found.map_err(|why| skip(&why)).ok()
    });
    found.as_ref()
}

#[expect(clippy::disallowed_methods, reason = "a test's own look at the machine")]
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Says what was not tested, around the capture of test output.
fn skip(why: &etcd::program::NoProgram) {
    let notice = format!("skipped: the log of a pool was not tried: {why}\n");
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(notice.as_bytes());
}
