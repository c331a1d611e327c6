//! A pool on an etcd of its own, and hubs of it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use etcd::messages::request_op::Request;
use etcd::messages::{DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest};
use etcd::server::{Cluster, Options};
use etcd::{CallError, Client, Member};
use hub::clock::Clock;
use hub::config::Pool;
use hub::replica::{Consistency, known_rules};
use pool::{
    Action, Change, Founding, Genesis, GenesisHub, HubId, KeyPair, Owner, OwnerKey, OwnerName,
    PoolName, SignedChange,
};
use reqwest::{Method, StatusCode};
use serde_json::json;
use spacetime::Timestamp;
use tempfile::TempDir;

use crate::support::{Answer, TestHub};

/// The hubs, one of each owner.
pub(crate) const HUBS: [&str; 3] = ["alder-1", "birch-1", "cedar-1"];

/// How long etcd may take to answer first.
const START_MAX: Duration = Duration::from_secs(60);

/// How long etcd may take to answer later.
pub(crate) const ETCD_ANSWER_MAX: Duration = Duration::from_secs(10);

/// A pool without hubs yet, on an etcd of its own.
pub(crate) struct TestPool {
    pub(crate) cluster: Cluster,
    pub(crate) genesis: Genesis,
    pub(crate) dir: TempDir,
}

impl TestPool {
    /// Founds a pool, if there is an etcd.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(1, &[]).await
    }

    /// Founds a pool on an etcd with so many members and these flags more, if there is one.
    pub(crate) async fn start_with(members: usize, flags: &[&str]) -> Option<Self> {
        let program = program()?.clone();
        let dir = tempfile::tempdir().expect("a directory");
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let options = Options { program, dir: dir.path().join("etcd"), members, tls: None, flags };
        let pool = TestPool {
            cluster: Cluster::start(options).expect("started"),
            genesis: genesis(1),
            dir,
        };
        let member = pool.member();
        let founding = async {
            while log::pool::found(&member, &pool.genesis, None).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(START_MAX, founding).await.expect("in time");
        std::fs::write(pool.dir.path().join("genesis"), pool.genesis.to_bytes()).expect("written");
        for name in HUBS {
            let pem = pem::Pem::new("PRIVATE KEY", key(name).to_pkcs8());
            std::fs::write(pool.dir.path().join(name), pem::encode(&pem)).expect("written");
        }
        Some(pool)
    }

    /// Returns what a hub of the pool is configured with besides.
    pub(crate) fn settings(&self, number: usize) -> Pool {
        Pool {
            genesis: self.dir.path().join("genesis"),
            hub: HUBS[number].to_owned(),
            key: self.dir.path().join(HUBS[number]),
            etcd: self.cluster.urls(),
            etcd_ca: None,
            etcd_cert: None,
            etcd_key: None,
            peer_listen: None,
            peer_ca: None,
            peer_cert: None,
            peer_key: None,
            peers: BTreeMap::new(),
            consistency: Consistency::Linearizable,
            newcomer: hub::config::Newcomer::default(),
        }
    }

    /// Returns the first member of its etcd, for who may do anything there.
    pub(crate) fn member(&self) -> Member {
        let config = etcd::Config { endpoints: self.cluster.urls(), tls: None };
        Client::new(&config).expect("good").member()
    }

    /// Puts a value straight into etcd, or deletes the key.
    pub(crate) async fn store(&self, key: &str, value: Option<&[u8]>) -> Result<(), CallError> {
        let key: bytes::Bytes = key.to_owned().into();
        let Some(value) = value else {
            let request = DeleteRangeRequest { key, ..DeleteRangeRequest::default() };
            return self.member().delete_range(request, ETCD_ANSWER_MAX).await.map(|_| ());
        };
        let put = Request::RequestPut(PutRequest { key, value: value.to_vec().into() });
        let success = vec![RequestOp { request: Some(put) }];
        let request = TxnRequest { compare: Vec::new(), success, failure: Vec::new() };
        self.member().txn(request, ETCD_ANSWER_MAX).await.map(|_| ())
    }

    /// Returns the version that a key has.
    pub(crate) async fn version(&self, key: &str) -> u64 {
        let request = RangeRequest { key: key.to_owned().into(), ..RangeRequest::default() };
        let found = self.member().range(request, ETCD_ANSWER_MAX).await.expect("it answers");
        found.kvs.first().map_or(0, |kv| u64::try_from(kv.version).expect("it is no deletion"))
    }

    /// Has etcd forget all versions of keys that were replaced until now.
    pub(crate) async fn compact(&self) {
        let member = self.member();
        let status = member.status(ETCD_ANSWER_MAX).await.expect("it answers");
        let revision = status.header.expect("it has one").revision;
        let request = etcd::messages::CompactionRequest { revision, physical: true };
        member.compact(request, ETCD_ANSWER_MAX).await.expect("compacted");
    }

    /// Starts a hub of the pool with an empty copy.
    pub(crate) async fn hub(&self, number: usize) -> TestHub {
        TestHub::start_with(|config| config.pool = Some(self.settings(number))).await
    }

    /// Starts a hub of the pool with an empty copy and a clock that stands at some second.
    pub(crate) async fn hub_at(&self, number: usize, now_s: i64) -> TestHub {
        TestHub::start_by(clock_at(now_s), |config| config.pool = Some(self.settings(number))).await
    }

    /// Starts all three.
    pub(crate) async fn hubs(&self) -> [TestHub; 3] {
        [self.hub(0).await, self.hub(1).await, self.hub(2).await]
    }

    /// Returns the hash of the membership that a hub knows.
    pub(crate) async fn membership_hash(&self, hub: &TestHub) -> [u8; 32] {
        let membership = hub.ask_admin(Method::GET, "/pool/membership").await.json();
        let hash = unhex(membership["hash"].as_str().expect("a text"));
        hash.try_into().expect("a hash")
    }

    /// Returns a change that nobody has signed, after what a hub knows.
    async fn change(&self, hub: &TestHub, action: Action) -> Change {
        let before = self.membership_hash(hub).await;
        Change { pool: self.genesis.fingerprint(), epoch: 1, before, action }
    }

    /// Has two owners sign what is to be done, after what a hub knows.
    pub(crate) async fn signed(&self, hub: &TestHub, action: Action) -> SignedChange {
        sign(self.change(hub, action).await, &["alder", "birch"])
    }

    /// Has two owners decide something, through a hub that is well.
    pub(crate) async fn decide(&self, hub: &TestHub, action: Action) -> SignedChange {
        let signed = self.signed(hub, action).await;
        let answer = submit(hub, &signed).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        signed
    }
}

/// Returns the genesis of three owners with a hub each; another for each nonce.
pub(crate) fn genesis(nonce: u8) -> Genesis {
    let owners = ["alder", "birch", "cedar"];
    let owner = |name: &str| Owner {
        name: OwnerName::new(name).expect("a name"),
        key: key(name).public_key(),
        offline_key: key(&format!("{name}-offline")).public_key(),
    };
    let hub = |(id, owner): (&str, &str)| GenesisHub {
        id: HubId::new(id).expect("a name"),
        owner: OwnerName::new(owner).expect("a name"),
        key: key(id).public_key(),
    };
    Genesis::new(Founding {
        name: PoolName::new("trial").expect("a name"),
        nonce: [nonce; 32],
        owners: owners.map(owner).to_vec(),
        quorum: 2,
        hubs: HUBS.into_iter().zip(owners).map(hub).collect(),
        rules: known_rules(),
    })
    .expect("a good one")
}

/// Has owners sign a change with their keys for daily business.
pub(crate) fn sign(change: Change, owners: &[&str]) -> SignedChange {
    let mut signed = SignedChange::unsigned(change);
    for owner in owners {
        let name = OwnerName::new(owner).expect("a name");
        signed.sign(&name, OwnerKey::Online, &key(owner)).expect("few");
    }
    signed
}

/// Hands a change to a hub.
pub(crate) async fn submit(hub: &TestHub, signed: &SignedChange) -> Answer {
    let addr = hub.hub.admin_addr().expect("it has one");
    let url = format!("http://{addr}/pool/changes");
    let body = json!({ "change": hex(&signed.to_bytes()) });
    Answer::of(reqwest::Client::new().post(url).json(&body)).await
}

/// Returns a manual clock at some second.
pub(crate) fn clock_at(now_s: i64) -> Clock {
    Clock::manual(Timestamp::from_micros(now_s * 1_000_000).expect("in range"))
}

pub(crate) fn key(of: &str) -> KeyPair {
    let mut seed = [0x5a; 32];
    seed[..of.len()].copy_from_slice(of.as_bytes());
    KeyPair::from_seed(&seed)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    let pairs = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("a hexadecimal number")).collect()
}

/// Returns the program, once for all tests; says once that there is none.
pub(crate) fn program() -> Option<&'static PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let found = etcd::program::find(None, &path(), &etcd::program::built_path());
        found.map_err(|why| skip(&why)).ok()
    };
    PROGRAM.get_or_init(find).as_ref()
}

#[expect(clippy::disallowed_methods, reason = "a test's own look at the machine")]
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Says what was not tested, around the capture of test output.
fn skip(why: &etcd::program::NoProgram) {
    let notice = format!("skipped: hubs of a pool were not tried: {why}\n");
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(notice.as_bytes());
}
