//! `tansiq pool init etcd` against real members; skipped, saying so, where there is no etcd and no Go
//! to build one.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use etcd::messages::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd::messages::request_op::Request;
use etcd::messages::{
    AuthUserAddRequest, CompactionRequest, Compare, DeleteRangeRequest, PutRequest, RangeRequest,
    RequestOp, TxnRequest, WatchCreateRequest,
};
use etcd::server::{Cluster, Options, ServerTls};
use etcd::{CallError, Client, Config, Member, Tls};

use crate::pool::Owners;

const WITHIN: Duration = Duration::from_secs(10);

/// Owners with certificates, and an etcd of as many members as asked for.
struct Trial {
    owners: Owners,
    cluster: Cluster,
}

impl Trial {
    /// Starts members that know their clients by certificates.
    fn with_certificates() -> Option<Self> {
        let owners = Owners::new();
        let out = owners.out();
        let names = ["root", "member", "alder-1", "birch-1", "stranger"];
        owners.ok(&[&["certs", "--owner", "alder", "--out", &out], &names[..]].concat());
        let tls = ServerTls {
            ca: owners.path("alder.ca.pem"),
            cert: owners.path("member.cert.pem"),
            key: owners.path("member.cert.key.pem"),
        };
        Self::start(owners, 1, Some(tls))
    }

    fn start(owners: Owners, members: usize, tls: Option<ServerTls>) -> Option<Self> {
        Some(Trial { cluster: start_cluster(&owners, "etcd", members, tls)?, owners })
    }

    /// The arguments that prepare the cluster as the user with this certificate.
    fn init(&self, genesis: &str, user: &str) -> Vec<String> {
        let mut arguments = vec!["init", "etcd", "--genesis"];
        let genesis = self.owners.file(genesis);
        arguments.push(&genesis);
        let rest = self.as_user(user);
        arguments.into_iter().map(str::to_owned).chain(rest).collect()
    }

    fn as_user(&self, user: &str) -> Vec<String> {
        let mut arguments: Vec<_> = self.cluster.urls();
        arguments.insert(0, "--etcd".to_owned());
        arguments.extend(["--ca".to_owned(), self.owners.file("alder.ca.pem")]);
        arguments.extend(["--cert".to_owned(), self.owners.file(&format!("{user}.cert.pem"))]);
        arguments.extend(["--key".to_owned(), self.owners.file(&format!("{user}.cert.key.pem"))]);
        arguments
    }

    fn without_users(&self, genesis: &str) -> Vec<String> {
        let genesis = self.owners.file(genesis);
        let mut arguments: Vec<_> = ["init", "etcd", "--no-auth", "--genesis", &genesis, "--etcd"]
            .map(str::to_owned)
            .into();
        arguments.extend(self.cluster.urls());
        arguments
    }

    fn ok(&self, arguments: &[String]) -> String {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.owners.ok(&arguments)
    }

    fn refused(&self, arguments: &[String]) -> String {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.owners.refused(&arguments)
    }

    /// The member, asked with a user's certificate, or with none over plain HTTP.
    fn member(&self, user: Option<&str>) -> Member {
        let read = |name: &str| std::fs::read(self.owners.path(name)).expect("it is there");
        let tls = user.map(|user| Tls {
            ca: read("alder.ca.pem"),
            cert: read(&format!("{user}.cert.pem")),
            key: read(&format!("{user}.cert.key.pem")),
        });
        let mut endpoints = self.cluster.urls();
        if tls.is_none() {
            endpoints = endpoints.iter().map(|url| url.replace("https:", "http:")).collect();
        }
        Client::new(&Config { endpoints, tls }).expect("good").member()
    }
}

#[tokio::test]
async fn lets_each_hub_write_its_own_key_and_nothing_else() {
    let Some(trial) = Trial::with_certificates() else { return };
    trial.ok(&trial.init("delta.genesis", "root"));
    let alder = trial.member(Some("alder-1"));
    let birch = trial.member(Some("birch-1"));
    birch.txn(put_first("log/birch-1"), WITHIN).await.expect("its own key");

    let own = alder.txn(put_first("log/alder-1"), WITHIN).await.expect("its own key");
    assert!(own.succeeded);
    assert_eq!(alder.range(range("log/", "log0"), WITHIN).await.expect("may be read").count, 2);
    assert_eq!(alder.range(range("genesis", ""), WITHIN).await.expect("may be read").count, 1);
    alder.watch(watch("log/", "log0"), WITHIN).await.expect("may be watched");
    alder.status(WITHIN).await.expect("may be asked");

    for key in ["log/birch-1", "log/alder-10", "log/", "genesis", "anything"] {
        is_refused(alder.txn(put_first(key), WITHIN).await, key);
        is_refused(alder.txn(nested(put_first(key)), WITHIN).await, key);
        is_refused(alder.delete_range(delete(key, ""), WITHIN).await, key);
    }
    is_refused(alder.delete_range(delete("log/", "log0"), WITHIN).await, "all keys");
    is_refused(alder.range(range("\0", "\0"), WITHIN).await, "all keys");
    is_refused(alder.range(range("anything", ""), WITHIN).await, "another key");
    let compaction = CompactionRequest { revision: 2, physical: false };
    is_refused(alder.compact(compaction, WITHIN).await, "compaction");
    is_refused(alder.user_add(user("mallory"), WITHIN).await, "a user more");
    let kept = birch.range(range("log/birch-1", ""), WITHIN).await.expect("may be read");
    assert_eq!(kept.kvs[0].version, 1);
}

#[tokio::test]
async fn lets_nobody_in_who_is_no_user() {
    let Some(trial) = Trial::with_certificates() else { return };
    trial.ok(&trial.init("delta.genesis", "root"));

    let stranger = trial.member(Some("stranger")).range(range("genesis", ""), WITHIN).await;
    let plain = trial.member(None).range(range("genesis", ""), WITHIN).await;

    is_refused(stranger, "a certificate of no user");
    assert!(plain.expect_err("it has no certificate").is_unanswered());
}

#[tokio::test]
async fn prepares_a_cluster_once_and_completes_what_was_interrupted() {
    let Some(trial) = Trial::with_certificates() else { return };
    let init = trial.init("delta.genesis", "root");
    // As after an init that was interrupted in between.
    trial.ok(&["access", "grant", "alder-1"]
        .map(str::to_owned)
        .into_iter()
        .chain(trial.as_user("root"))
        .collect::<Vec<_>>());

    let first = trial.ok(&init);
    assert!(first.contains("genesis: put"), "{first}");
    assert!(first.contains("user alder-1: there"), "{first}");
    assert!(first.contains("user birch-1: added"), "{first}");
    let root = trial.member(Some("root"));
    let revision =
        root.status(WITHIN).await.expect("answered").header.expect("it has one").revision;

    let again = trial.ok(&init);
    assert!(again.contains("genesis: there"), "{again}");
    assert!(again.contains("told apart already: alder-1, birch-1, cedar-1, root"), "{again}");
    let after = root.status(WITHIN).await.expect("answered").header.expect("it has one").revision;
    assert_eq!(after, revision);

    let as_hub = trial.refused(&trial.init("delta.genesis", "alder-1"));
    assert!(as_hub.contains("root"), "{as_hub}");
}

#[tokio::test]
async fn lets_hubs_in_and_shuts_them_out() {
    let Some(trial) = Trial::with_certificates() else { return };
    trial.ok(&trial.init("delta.genesis", "root"));
    let access = |what: &str, hub: &str| -> Vec<String> {
        ["access", what, hub].map(str::to_owned).into_iter().chain(trial.as_user("root")).collect()
    };

    trial.ok(&access("revoke", "alder-1"));
    is_refused(trial.member(Some("alder-1")).range(range("genesis", ""), WITHIN).await, "revoked");
    let again = trial.ok(&access("revoke", "alder-1"));
    assert!(again.contains("not there"), "{again}");
    let init = trial.ok(&trial.init("delta.genesis", "root"));
    assert!(init.contains("user alder-1: not there"), "{init}");

    trial.ok(&access("grant", "alder-1"));
    trial.ok(&access("grant", "stranger"));
    let alder = trial.member(Some("alder-1"));
    alder.txn(put_first("log/alder-1"), WITHIN).await.expect("its own key");
    let stranger = trial.member(Some("stranger"));
    stranger.txn(put_first("log/stranger"), WITHIN).await.expect("its own key");
    is_refused(stranger.txn(put_first("log/alder-1"), WITHIN).await, "another's key");
}

#[tokio::test]
async fn refuses_a_cluster_with_users_of_whom_the_pool_knows_nothing() {
    let Some(trial) = Trial::with_certificates() else { return };
    let root = trial.member(Some("root"));
    answering(&root).await;
    root.user_add(user("backup"), WITHIN).await.expect("added");
    let grant = etcd::messages::AuthUserGrantRoleRequest {
        user: "backup".to_owned(),
        role: "root".to_owned(),
    };
    root.user_grant_role(grant, WITHIN).await.expect("granted");

    let refused = trial.refused(&trial.init("delta.genesis", "root"));

    assert!(refused.contains("\"backup\""), "{refused}");
    assert!(!root.auth_status(WITHIN).await.expect("answered").enabled);
}

#[tokio::test]
async fn refuses_a_cluster_that_is_not_this_pools() {
    let Some(trial) = Trial::start(Owners::new(), 1, None) else { return };
    let member = trial.member(None);
    answering(&member).await;
    member.txn(put_first("registry/something"), WITHIN).await.expect("put");

    let foreign = trial.refused(&trial.without_users("delta.genesis"));
    assert!(foreign.contains("registry/something"), "{foreign}");
    assert_eq!(member.range(range("genesis", ""), WITHIN).await.expect("answered").count, 0);

    member.delete_range(delete("registry/something", ""), WITHIN).await.expect("deleted");
    member.txn(put_first("log/alder-1"), WITHIN).await.expect("put");
    let orphaned = trial.refused(&trial.without_users("delta.genesis"));
    assert!(orphaned.contains("no genesis"), "{orphaned}");

    member.delete_range(delete("log/alder-1", ""), WITHIN).await.expect("deleted");
    trial.ok(&trial.without_users("delta.genesis"));
    trial.owners.found("other.genesis");
    let other = trial.refused(&trial.without_users("other.genesis"));
    assert!(other.contains("the genesis of another pool, delta"), "{other}");
    let kept = member.range(range("genesis", ""), WITHIN).await.expect("answered");
    let genesis = std::fs::read(trial.owners.path("delta.genesis")).expect("it is there");
    assert_eq!((kept.kvs[0].version, &kept.kvs[0].value[..]), (1, &genesis[..]));
}

#[tokio::test]
async fn wants_every_member_named() {
    let Some(trial) = Trial::start(Owners::new(), 3, None) else { return };
    let mut arguments = trial.without_users("delta.genesis");
    trial.ok(&arguments);

    arguments.pop();
    let refused = trial.refused(&arguments);

    assert!(refused.contains("name every member"), "{refused}");
}

#[test]
fn refuses_to_speak_in_the_clear_with_other_machines() {
    let owners = Owners::new();
    let genesis = owners.file("delta.genesis");
    let init = ["init", "etcd", "--genesis", &genesis, "--etcd"];

    let elsewhere = owners.refused(&[&init[..], &["http://192.0.2.1:2379", "--no-auth"]].concat());
    let unsaid = owners.refused(&[&init[..], &["http://127.0.0.1:1"]].concat());

    assert!(elsewhere.contains("loopback only"), "{elsewhere}");
    assert!(unsaid.contains("--no-auth"), "{unsaid}");
}

/// Starts a cluster in a folder of the owners'.
pub(crate) fn start_cluster(
    owners: &Owners,
    name: &str,
    members: usize,
    tls: Option<ServerTls>,
) -> Option<Cluster> {
    let program = match etcd::program::find(None, &path(), &etcd::program::built_path()) {
        Ok(program) => program,
        Err(error) => {
            skip(&error);
            return None;
        }
    };
    let dir = owners.path(name);
    let options = Options { program, dir, members, tls, flags: Vec::new() };
    Some(Cluster::start(options).expect("started"))
}

/// Waits until a member answers.
pub(crate) async fn answering(member: &Member) {
    let mut failed = None;
    for _ in 0..600 {
        match member.range(range("genesis", ""), WITHIN).await {
            Ok(_) => return,
            Err(error) => failed = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{failed:?}");
}

fn is_refused<T: std::fmt::Debug>(answer: Result<T, CallError>, what: &str) {
    assert!(matches!(answer, Err(CallError::Refused { .. })), "{what}: {answer:?}");
}

fn range(key: &str, end: &str) -> RangeRequest {
    let (key, range_end) = (key.to_owned().into(), end.to_owned().into());
    RangeRequest { key, range_end, keys_only: end == "log0", ..RangeRequest::default() }
}

fn watch(key: &str, end: &str) -> WatchCreateRequest {
    let (key, range_end) = (key.to_owned().into(), end.to_owned().into());
    WatchCreateRequest { key, range_end, ..WatchCreateRequest::default() }
}

pub(crate) fn delete(key: &str, end: &str) -> DeleteRangeRequest {
    DeleteRangeRequest { key: key.to_owned().into(), range_end: end.to_owned().into() }
}

fn user(name: &str) -> AuthUserAddRequest {
    AuthUserAddRequest {
        name: name.to_owned(),
        password: String::new(),
        options: Some(etcd::messages::UserAddOptions { no_password: true }),
    }
}

/// Puts the first version of a key.
fn put_first(key: &str) -> TxnRequest {
    let compare = Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Version.into(),
        key: key.to_owned().into(),
        target_union: Some(TargetUnion::Version(0)),
    };
    let put = PutRequest { key: key.to_owned().into(), value: "a batch".into() };
    TxnRequest {
        compare: vec![compare],
        success: vec![RequestOp { request: Some(Request::RequestPut(put)) }],
        failure: Vec::new(),
    }
}

/// Hides a transaction in another: etcd before 3.6.14 did not look inside.
fn nested(inner: TxnRequest) -> TxnRequest {
    let inner = RequestOp { request: Some(Request::RequestTxn(inner)) };
    TxnRequest { compare: Vec::new(), success: vec![inner], failure: Vec::new() }
}

#[expect(clippy::disallowed_methods, reason = "a test's own look at the machine")]
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Says what was not tested, around the capture of test output.
fn skip(why: &etcd::program::NoProgram) {
    let notice = format!("skipped: tansiq pool was not tried with an etcd: {why}\n");
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(notice.as_bytes());
}
