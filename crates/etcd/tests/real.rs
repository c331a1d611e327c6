//! The client against a real etcd; skipped, saying so, where there is none and no Go to build one.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use etcd::messages::compare::{CompareResult, CompareTarget, TargetUnion};
use etcd::messages::request_op::Request as Op;
use etcd::messages::{
    Compare, PutRequest, RangeRequest, RequestOp, TxnRequest, WatchCreateRequest,
};
use etcd::proxy::{Condition, Mesh};
use etcd::server::{Cluster, Options};
use etcd::{Client, Config, Member, Release};

const WITHIN: Duration = Duration::from_secs(5);

/// How long a cluster may take to answer first.
const START_MAX: Duration = Duration::from_secs(60);

#[tokio::test]
async fn puts_a_version_once_and_tells_watchers() {
    let Some((cluster, _dir)) = start(1) else { return };
    let member = answering(&cluster).await;
    let watch = WatchCreateRequest {
        key: "log/".into(),
        range_end: "log0".into(),
        start_revision: 1,
        fragment: true,
        progress_notify: true,
    };
    let mut watch = member.watch(watch, WITHIN).await.expect("watched");

    let first = member.txn(put_version("log/a", 1, b"one"), WITHIN).await.expect("answered");
    let again = member.txn(put_version("log/a", 1, b"one"), WITHIN).await.expect("answered");
    let second = member.txn(put_version("log/a", 2, b"two"), WITHIN).await.expect("answered");

    assert!(first.succeeded && !again.succeeded && second.succeeded);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let response = tokio::time::timeout(WITHIN, watch.next()).await;
        let response = response.expect("in time").expect("it goes on");
        let puts = response.events.into_iter().filter_map(|event| event.kv);
        seen.extend(puts.map(|kv| (kv.version, kv.value.to_vec())));
    }
    assert_eq!(seen, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
}

#[tokio::test]
async fn answers_through_another_member_when_one_is_killed() {
    let Some((mut cluster, _dir)) = start(3) else { return };
    answering(&cluster).await;
    let client = Client::new(&Config { endpoints: cluster.urls(), tls: None }).expect("good");
    let first = client.member();

    cluster.kill_member(0).expect("killed");
    let unanswered = first.range(range("log/"), Duration::from_secs(1)).await;
    assert!(unanswered.expect_err("it is dead").is_unanswered());
    client.turn_from(&first);

    let started = tokio::time::Instant::now();
    loop {
        match client.member().range(range("log/"), WITHIN).await {
            Ok(_) => break,
            Err(_) if started.elapsed() < START_MAX => client.turn_from(&client.member()),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn answers_on_the_side_of_the_majority_only_until_it_is_healed() {
    let Some((options, _dir)) = options(3) else { return };
    let (cluster, mesh) = start_behind_proxies(options);
    answering(&cluster).await;
    let client = Client::new(&Config { endpoints: cluster.urls(), tls: None }).expect("good");
    let [first, second, third] = client.members() else { panic!("three members") };

    for cut in [[0], [1]] {
        mesh.isolate(&cut);
        let (alone, other) = if cut == [0] { (first, second) } else { (second, first) };
        answers(other).await;
        answers(third).await;
        let unanswered = alone.range(range("log/"), Duration::from_secs(1)).await;
        assert!(unanswered.expect_err("it is alone").is_unanswered());
        mesh.heal();
        answers(alone).await;
    }
}

#[tokio::test]
async fn answers_through_proxies_that_delay_and_are_dropped() {
    let Some((options, _dir)) = options(3) else { return };
    let (cluster, mesh) = start_behind_proxies(options);
    let member = answering(&cluster).await;

    mesh.set_all(Condition::delayed(Duration::from_millis(50)));
    let started = tokio::time::Instant::now();
    let put = member.txn(put_version("log/a", 1, b"one"), WITHIN).await.expect("answered");
    assert!(put.succeeded && Duration::from_millis(100) <= started.elapsed());

    for number in 0..3 {
        mesh.break_connections(number);
    }
    answers(&member).await;
}

fn start(members: usize) -> Option<(Cluster, tempfile::TempDir)> {
    let (options, dir) = options(members)?;
    Some((Cluster::start(options).expect("started"), dir))
}

/// Starts a cluster whose members reach each other through proxies.
fn start_behind_proxies(options: Options) -> (Cluster, Mesh) {
    let members = options.members;
    let mut cluster = Cluster::prepare(options).expect("there are ports");
    let mesh = Mesh::start(&cluster.peer_addresses()).expect("started");
    cluster.advertise_peers(&mesh.addresses());
    for number in 0..members {
        cluster.start_member(number).expect("started");
        mesh.set_process(number, cluster.pid(number).expect("it runs"));
    }
    (cluster, mesh)
}

fn options(members: usize) -> Option<(Options, tempfile::TempDir)> {
    let program = match etcd::program::find(None, &path(), &etcd::program::built_path()) {
        Ok(program) => program,
        Err(error) => {
            skip(&error);
            return None;
        }
    };
    let dir = tempfile::tempdir().expect("a directory");
    let options =
        Options { program, dir: dir.path().to_owned(), members, tls: None, flags: Vec::new() };
    Some((options, dir))
}

#[expect(clippy::disallowed_methods, reason = "a test's own look at the machine")]
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Returns a member once the cluster answers through it.
async fn answering(cluster: &Cluster) -> Member {
    let client = Client::new(&Config { endpoints: cluster.urls(), tls: None }).expect("good");
    let member = client.member();
    answers(&member).await;
    let status = member.status(WITHIN).await.expect("it answers");
    Release::parse(&status.version).expect("a release").check().expect("a good one");
    member
}

/// Waits until a member answers.
async fn answers(member: &Member) {
    let started = tokio::time::Instant::now();
    while let Err(error) = member.range(range("log/"), WITHIN).await {
        assert!(started.elapsed() < START_MAX, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn range(key: &str) -> RangeRequest {
    RangeRequest { key: key.to_owned().into(), ..RangeRequest::default() }
}

/// Puts `value` as the given version of a key, if the version before is there.
fn put_version(key: &str, version: i64, value: &'static [u8]) -> TxnRequest {
    let compare = Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Version.into(),
        key: key.to_owned().into(),
        target_union: Some(TargetUnion::Version(version - 1)),
    };
    let put = PutRequest { key: key.to_owned().into(), value: value.into() };
    TxnRequest {
        compare: vec![compare],
        success: vec![RequestOp { request: Some(Op::RequestPut(put)) }],
        failure: Vec::new(),
    }
}

/// Says what was not tested, around the capture of test output.
fn skip(why: &etcd::program::NoProgram) {
    let notice = format!("skipped: etcd was not tried: {why}\n");
    // Without a standard error there is nobody to tell.
    let _ = std::io::stderr().write_all(notice.as_bytes());
}
