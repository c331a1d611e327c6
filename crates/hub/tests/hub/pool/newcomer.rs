//! Hubs that begin with a snapshot of another hub.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::routing::get;
use hub::{Config, Hub};
use log::Position;
use reqwest::StatusCode;

use crate::support::{TestHub, eventually};

use super::fixture::{HUBS, TestPool};
use super::look::{evidence, find, log_of, put};

/// After so many entries the hubs here take a snapshot.
const SNAPSHOT_ENTRIES: u64 = 256;

/// How many flights are put at most until a snapshot is announced by a majority.
const FLIGHTS_MAX: u32 = 512;

/// A pool of which two hubs have a log and a snapshot that both have announced; the third is not there
/// yet.
struct Old {
    pool: TestPool,
    first: TestHub,
    second: TestHub,
}

/// What a lying hub passes on.
#[derive(Clone)]
struct Truth {
    url: Arc<str>,
    client: reqwest::Client,
}

impl Old {
    async fn start() -> Option<Self> {
        let pool = TestPool::start().await?;
        let first = hub(&pool, 0, &[]).await;
        let second = hub(&pool, 1, &[]).await;
        let old = Old { pool, first, second };
        old.age().await;
        Some(old)
    }

    /// Puts flights until the first hub has a snapshot to give.
    async fn age(&self) {
        for n in 1..=FLIGHTS_MAX {
            // Both are heard with every flight.
            let writer = [&self.first, &self.second][n as usize % 2];
            let written = put(writer, "uss1", n).await;
            assert_eq!(written.status, StatusCode::CREATED, "{written:?}");
            if ask(&self.first, "").await == StatusCode::OK {
                return;
            }
        }
        panic!("no snapshot was announced by both");
    }

    /// Returns what the third hub is started with: a snapshot wherever there is one.
    fn third(&self, dir: &Path, peers: &[(usize, String)]) -> Config {
        let mut config = crate::support::config(dir);
        configure(&self.pool, &mut config, 2, peers);
        config.pool.as_mut().expect("it is there").newcomer.entries_max = 100;
        config
    }
}

async fn hub(pool: &TestPool, number: usize, peers: &[(usize, String)]) -> TestHub {
    TestHub::start_with(|config| configure(pool, config, number, peers)).await
}

fn configure(pool: &TestPool, config: &mut Config, number: usize, peers: &[(usize, String)]) {
    let mut settings = pool.settings(number);
    settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
    for (peer, url) in peers {
        settings.peers.insert(HUBS[*peer].to_owned(), url.clone());
    }
    config.log.snapshot_entries = SNAPSHOT_ENTRIES;
    config.pool = Some(settings);
}

fn url_of(hub: &TestHub) -> String {
    format!("http://{}", hub.hub.peer_addr().expect("it listens"))
}

/// Asks a hub for a snapshot, or a piece of one.
async fn ask(hub: &TestHub, what: &str) -> StatusCode {
    let url = format!("{}/peer/v1/snapshot{what}", url_of(hub));
    reqwest::get(&url).await.expect("it answers").status()
}

fn position(number: u64) -> Position {
    Position::new(number).expect("small")
}

/// Says whether a hub's log begins at a snapshot, and is sound.
fn begins_at_a_snapshot(data: &Path) -> bool {
    assert!(log::verify(data, None).expect("readable").is_sound());
    log::chain_at(data, position(1)).expect("readable").is_none()
}

/// Answers as hub 1, in front of all others, and changes one bit of the snapshot.
async fn lie(url: String) -> String {
    let client = reqwest::Client::new();
    let truth = Truth { url: url.into(), client };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let addr = listener.local_addr().expect("it has an address");
    let pass = async |truth: &Truth, path: &str| {
        let answer = truth.client.get(format!("{}{path}", truth.url)).send().await;
        answer.expect("it answers").bytes().await.expect("it is whole").to_vec()
    };
    let head = async move |State(truth): State<Truth>| {
        let answer = pass(&truth, "/peer/v1/head").await;
        let mut head: serde_json::Value = serde_json::from_slice(&answer).expect("JSON");
        head["hub"] = HUBS[1].into();
        head["position"] = (head["position"].as_u64().expect("a number") + 1_000).into();
        head.to_string()
    };
    let snapshot = async move |State(truth): State<Truth>| pass(&truth, "/peer/v1/snapshot").await;
    let piece = async move |State(truth): State<Truth>, RawQuery(query): RawQuery| {
        let query = query.expect("it asks for one");
        let mut bytes = pass(&truth, &format!("/peer/v1/snapshot/piece?{query}")).await;
        // In the name of a host, where any letter is as good as another.
        let host = bytes.windows(7).position(|window| window == b"http://").map(|at| at + 7);
        bytes[host.expect("a flight names where its USS is")] ^= 1;
        bytes
    };
    let router = Router::new()
        .route("/peer/v1/head", get(head))
        .route("/peer/v1/snapshot", get(snapshot))
        .route("/peer/v1/snapshot/piece", get(piece))
        .with_state(truth);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{addr}")
}

#[tokio::test(flavor = "multi_thread")]
async fn begins_with_a_snapshot_and_gives_one_to_the_next() {
    let Some(old) = Old::start().await else { return };
    let first = url_of(&old.first);
    let third = TestHub::start_with(|config| {
        let dir = config.data.parent().expect("a directory").to_owned();
        *config = old.third(&dir, &[(0, first)]);
    });
    let third = third.await;

    eventually(async || find(&third, 1).await == StatusCode::OK).await;
    assert_eq!(put(&third, "uss1", 1_000).await.status, StatusCode::CREATED);
    assert_eq!(find(&old.first, 1_000).await, StatusCode::OK);
    eventually(async || log_of(&old.first, 2).await == "agrees").await;
    let third = third.restart(|_| {}).await;
    assert!(begins_at_a_snapshot(&third.config.data));
    assert_eq!(find(&third, 1).await, StatusCode::OK);

    // Another one loses its disk, and the only hub that it can ask has no old entries either.
    let Old { pool, first, second } = old;
    second.hub.shutdown().await;
    let next = hub(&pool, 1, &[(2, url_of(&third))]).await;

    eventually(async || find(&next, 1).await == StatusCode::OK).await;
    assert!(begins_at_a_snapshot(&next.config.data));
    eventually(async || log_of(&first, 1).await == "agrees").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_a_hub_that_gives_a_snapshot_with_a_wrong_bit_for_another() {
    let Some(old) = Old::start().await else { return };
    let (first, liar) = (url_of(&old.first), lie(url_of(&old.first)).await);
    let third = TestHub::start_with(|config| {
        let dir = config.data.parent().expect("a directory").to_owned();
        *config = old.third(&dir, &[(0, first), (1, liar)]);
    });

    let third = third.await;

    eventually(async || find(&third, 1).await == StatusCode::OK).await;
    assert!(begins_at_a_snapshot(&third.config.data));
    let pieces = evidence(&third).await;
    let lies = pieces.iter().filter(|piece| piece["kind"] == "snapshot");
    let about: Vec<_> = lies.map(|piece| piece["hub"].clone()).collect();
    assert_eq!(about, [HUBS[1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_only_a_log_that_holds_the_head_it_was_told() {
    let Some(old) = Old::start().await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let peers = [(0, url_of(&old.first))];
    let start = async |head: String| {
        let mut config = old.third(dir.path(), &peers);
        config.pool.as_mut().expect("it is there").newcomer.head = Some(head);
        Hub::start(config).await
    };
    // Before the snapshot, and where it is.
    for at in [10, 256] {
        let wrong = start(format!("{at}:{}", "00".repeat(32))).await;
        let error = wrong.expect_err("it is another log").to_string();
        assert!(error.contains("nothing was written"), "{error}");
        let copy = dir.path().join("data").join("log.sqlite3");
        assert!(!copy.exists(), "nothing is written");
    }

    let chain = log::chain_at(&old.first.config.data, position(10)).expect("readable");
    let chain = super::fixture::hex(&chain.expect("it has all"));
    let right = start(format!("10:{chain}")).await.expect("it is this log");

    let begun = format!("http://{}", right.peer_addr().expect("it listens"));
    assert!(begins_at_a_snapshot(&dir.path().join("data")));

    // Whoever begins with a snapshot cannot show what is before it.
    eventually(async || {
        let asked = reqwest::get(format!("{begun}/peer/v1/snapshot?head=10")).await;
        asked.expect("it answers").status() == StatusCode::OK
    })
    .await;
    let proof = reqwest::get(format!("{begun}/peer/v1/snapshot?head=10")).await;
    let proof = proof.expect("it answers").bytes().await.expect("it is whole");
    let proof = pool::Proof::from_bytes(&proof[8..]).expect("a proof");
    let told = pool::AppliedHead { position: 10, chain: [0; 32] };
    let refused = proof.verify(&old.pool.genesis, Some(&told), &log::pool::FORM);
    assert_eq!(refused, Err(pool::ProofError::HeadNotShown(10)));
    right.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn begins_anew_when_nobody_has_what_it_missed() {
    let Some(pool) = TestPool::start().await else { return };
    let first = hub(&pool, 0, &[]).await;
    let (second, third) = (hub(&pool, 1, &[]).await, hub(&pool, 2, &[]).await);
    third.hub.shutdown().await;
    let old = Old { pool, first, second };
    old.age().await;
    let Old { pool, first, second } = old;
    // The second begins with a snapshot of the first, and is the only one that the third can ask.
    second.hub.shutdown().await;
    let peers = [(0, url_of(&first))];
    let second = TestHub::start_with(|config| {
        configure(&pool, config, 1, &peers);
        config.pool.as_mut().expect("it is there").newcomer.entries_max = 100;
    });
    let second = second.await;
    pool.compact().await;

    let peers = [(1, url_of(&second))];
    let mut config = third.config.clone();
    configure(&pool, &mut config, 2, &peers);
    let third = TestHub::start_with(|fresh| *fresh = config).await;
    let why = third.hub.failed().await;
    let third = third.restart(|_| {}).await;

    assert!(why.contains("start it again"), "{why}");
    eventually(async || find(&third, 1).await == StatusCode::OK).await;
    assert!(begins_at_a_snapshot(&third.config.data));
    let files = std::fs::read_dir(&third.config.data).expect("readable");
    let names = files.map(|file| file.expect("readable").file_name().into_string());
    let kept = names.filter(|name| name.as_ref().is_ok_and(|name| name.ends_with(".backup")));
    assert_eq!(kept.count(), 1, "what it had is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn gives_pieces_of_a_snapshot_that_it_has_and_no_others() {
    let Some(pool) = TestPool::start().await else { return };
    let hub = hub(&pool, 0, &[]).await;

    for (what, status) in [
        ("", StatusCode::NOT_FOUND),
        ("?head=12", StatusCode::NOT_FOUND),
        ("?head=-1", StatusCode::BAD_REQUEST),
        ("?heads=1", StatusCode::BAD_REQUEST),
        ("/piece", StatusCode::BAD_REQUEST),
        ("/piece?position=256", StatusCode::BAD_REQUEST),
        ("/piece?position=256&offset=x", StatusCode::BAD_REQUEST),
        ("/piece?position=256&offset=0", StatusCode::GONE),
    ] {
        assert_eq!(ask(&hub, what).await, status, "{what}");
    }
}
