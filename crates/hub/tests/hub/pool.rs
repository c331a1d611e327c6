//! Three hubs of three owners on one log, ordered by a real etcd; skipped where there is none.

mod clocks;
mod compaction;
mod faults;
mod fixture;
mod liar;
mod lies;
mod look;
mod newcomer;
mod strangers;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hub::config::Pool;
use hub::replica::Consistency;
use hub::{Config, StartError};
use pool::{Action, HubId, PartyName};
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{
    ALL_SCOPES, Answer, NOW_S, TestHub, eventually, fixture as file, intent_path,
    operational_intent, token, token_at,
};
use crate::tls::client;

use self::fixture::{HUBS, TestPool, genesis, hex, submit};
use self::look::{find, heard, log_of, put, status};

#[tokio::test(flavor = "multi_thread")]
async fn sees_on_each_hub_what_was_written_on_any() {
    let Some(pool) = TestPool::start().await else { return };
    let hubs = pool.hubs().await;

    for n in 0..12 {
        let (writer, reader) = (n % 3, (n + 1) % 3);
        let written = put(&hubs[writer as usize], "uss1", n).await;
        assert_eq!(written.status, StatusCode::CREATED, "{written:?}");

        assert_eq!(find(&hubs[reader as usize], n).await, StatusCode::OK, "{n}");
    }

    for (number, hub) in hubs.iter().enumerate() {
        heard(hub, 3).await;
        let other = (number + 1) % 3;
        eventually(async || log_of(hub, other).await == "agrees").await;
        let ready = hub.ask_admin(Method::GET, "/health/ready").await;
        assert_eq!(ready.status, StatusCode::OK, "{ready:?}");
        assert!(ready.headers.get("tansiq-consistency").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_without_a_hub_and_brings_it_up_to_date_when_it_is_back() {
    let Some(pool) = TestPool::start().await else { return };
    let [first, second, third] = pool.hubs().await;
    assert_eq!(put(&first, "uss1", 1).await.status, StatusCode::CREATED);

    // One stops and is started again; one is gone for good.
    drop(third);
    let stopped = first.restart(|_| {});
    let (first, written) = tokio::join!(stopped, put(&second, "uss1", 2));

    assert_eq!(written.status, StatusCode::CREATED, "{written:?}");
    assert_eq!(find(&first, 1).await, StatusCode::OK);
    assert_eq!(find(&first, 2).await, StatusCode::OK);
    assert_eq!(put(&first, "uss1", 3).await.status, StatusCode::CREATED);
    assert_eq!(find(&second, 3).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn lets_owners_bind_a_party_to_hubs() {
    let Some(pool) = TestPool::start().await else { return };
    let hubs = pool.hubs().await;
    let action = Action::Bind {
        party: PartyName::new("uss1").expect("a name"),
        hubs: vec![HubId::new(HUBS[1]).expect("a name")],
    };
    let signed = pool.signed(&hubs[0], action).await;

    let changed = submit(&hubs[0], &signed).await;
    let again = submit(&hubs[2], &signed).await;
    let elsewhere = put(&hubs[0], "uss1", 1).await;
    let at_its_own = put(&hubs[1], "uss1", 1).await;
    let unbound = put(&hubs[0], "uss2", 2).await;

    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(changed.json(), json!({ "effect": "changed" }));
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    assert_eq!(elsewhere.status, StatusCode::FORBIDDEN, "{elsewhere:?}");
    assert!(elsewhere.message().contains("bound to other hubs"), "{elsewhere:?}");
    assert_eq!(at_its_own.status, StatusCode::CREATED, "{at_its_own:?}");
    assert_eq!(unbound.status, StatusCode::CREATED, "{unbound:?}");
    let membership = hubs[2].ask_admin(Method::GET, "/pool/membership").await.json();
    assert_eq!(membership["bindings"], json!([{ "party": "uss1", "hubs": [HUBS[1]] }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn is_not_moved_by_a_hub_whose_clock_is_an_hour_ahead() {
    let Some(pool) = TestPool::start().await else { return };
    let hubs = pool.hubs().await;
    heard(&hubs[2], 3).await;

    hubs[2].clock.advance(Duration::from_hours(1));
    heard(&hubs[2], 3).await;
    let ask_ahead = async |method: Method| {
        let token = token_at(NOW_S + 3_600, "uss1", ALL_SCOPES);
        let request = reqwest::Client::new().request(method, hubs[2].url(&intent_path(1)));
        Answer::of(request.bearer_auth(token).json(&operational_intent(7.1, 100.0))).await
    };
    let refused = ask_ahead(Method::PUT).await;
    let written = put(&hubs[0], "uss1", 1).await;

    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    assert_eq!(written.status, StatusCode::CREATED, "{written:?}");
    // The one that is ahead reads by the pool's clock, and the others tell of it.
    assert_eq!(ask_ahead(Method::GET).await.status, StatusCode::OK);
    eventually(async || {
        let evidence = hubs[0].ask_admin(Method::GET, "/pool/evidence").await.json();
        let pieces = evidence["evidence"].as_array().expect("a list");
        pieces.iter().any(|piece| piece["kind"] == "stamp_apart" && piece["hub"] == HUBS[2])
    })
    .await;
    let ready = hubs[2].ask_admin(Method::GET, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{ready:?}");
    assert_eq!(hubs[1].ask_admin(Method::GET, "/health/ready").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_the_auxiliary_api_from_the_pool() {
    let Some(pool) = TestPool::start().await else { return };
    let hubs = pool.hubs().await;
    heard(&hubs[0], 3).await;
    let ask = async |hub: &TestHub, path: &str| {
        let token = token("operator", "interuss.pool_status.read");
        let request = reqwest::Client::new().get(hub.url(path)).bearer_auth(token);
        Answer::of(request).await.json()
    };

    let dar_ids = [
        ask(&hubs[0], "/aux/v1/pool").await["dar_id"].clone(),
        ask(&hubs[1], "/aux/v1/pool").await["dar_id"].clone(),
    ];
    let instances = ask(&hubs[0], "/aux/v1/pool/dss_instances").await;

    assert!(dar_ids[0].is_string());
    assert_eq!(dar_ids[0], dar_ids[1]);
    let instances = instances["dss_instances"].as_array().expect("a list");
    let names: Vec<_> = instances.iter().map(|instance| instance["id"].clone()).collect();
    assert_eq!(names, HUBS);
    for instance in instances {
        assert_eq!(instance["most_recent_heartbeat"]["source"], "log", "{instance}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_without_asking_where_its_operator_wants_that() {
    let Some(pool) = TestPool::start().await else { return };
    let mut settings = pool.settings(0);
    settings.consistency = Consistency::Local;
    let hub = TestHub::start_with(|config| config.pool = Some(settings)).await;
    put(&hub, "uss1", 1).await;

    let answer = hub.send("uss1", Method::GET, &intent_path(1), None).await;

    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let header = answer.headers["tansiq-consistency"].to_str().expect("it is text");
    assert_eq!(header, "local; age_ms=0");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_writes_and_reads_without_the_pools_etcd() {
    let Some(mut pool) = TestPool::start().await else { return };
    let hub = pool.hub(0).await;
    put(&hub, "uss1", 1).await;

    pool.cluster.kill_member(0).expect("killed");
    let (written, read) = tokio::join!(put(&hub, "uss1", 2), find(&hub, 1));

    // A batch may have been under way: what is not known to be refused is not said to be.
    let refused = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    assert!(refused.contains(&written.status), "{written:?}");
    assert_eq!(read, StatusCode::SERVICE_UNAVAILABLE);
    pool.cluster.start_member(0).expect("started");
    eventually(async || put(&hub, "uss1", 3).await.status == StatusCode::CREATED).await;
    assert_eq!(find(&hub, 1).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_before_the_pools_etcd_and_serves_when_that_is_there() {
    let Some(mut pool) = TestPool::start().await else { return };
    pool.cluster.kill_member(0).expect("killed");

    let hub = pool.hub(0).await;

    let ready = hub.ask_admin(Method::GET, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE, "{ready:?}");
    assert!(ready.json()["problems"].to_string().contains("etcd is not reached"), "{ready:?}");
    assert_eq!(find(&hub, 1).await, StatusCode::SERVICE_UNAVAILABLE);
    pool.cluster.start_member(0).expect("started");
    eventually(async || put(&hub, "uss1", 1).await.status == StatusCode::CREATED).await;
    assert_eq!(find(&hub, 1).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn does_not_start_with_a_genesis_of_another_pool() {
    let Some(pool) = TestPool::start().await else { return };
    let other = pool.dir.path().join("other");
    std::fs::write(&other, genesis(2).to_bytes()).expect("written");
    let dir = tempfile::tempdir().expect("a directory");
    let start = async |change: fn(&mut Pool, &PathBuf)| {
        let mut settings = pool.settings(0);
        change(&mut settings, &other);
        let config = Config { pool: Some(settings), ..crate::support::config(dir.path()) };
        hub::Hub::start(config).await.err()
    };

    let genesis = start(|settings, other| settings.genesis.clone_from(other)).await;
    let key = start(|settings, other| settings.key.clone_from(other)).await;

    let genesis = genesis.expect("it is another pool's");
    assert!(matches!(genesis, StartError::Pool(_)), "{genesis:?}");
    let mut whole = genesis.to_string();
    let mut source = std::error::Error::source(&genesis);
    while let Some(error) = source {
        whole = format!("{whole}: {error}");
        source = error.source();
    }
    assert!(whole.contains("belongs to another pool"), "{whole}");
    assert!(key.expect("it is no key").to_string().contains("pool.key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tells_other_hubs_over_mutual_tls_how_far_it_is() {
    let Some(pool) = TestPool::start().await else { return };
    let mut settings = pool.settings(0);
    settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
    settings.peer_ca = Some(file("root.cert.pem"));
    settings.peer_cert = Some(file("server-one.cert.pem"));
    settings.peer_key = Some(file("server-one.key.pem"));
    let hub = TestHub::start_with(|config| config.pool = Some(settings)).await;
    put(&hub, "uss1", 1).await;
    let port = hub.hub.peer_addr().expect("it listens").port();
    let url = |path: &str| format!("https://localhost:{port}{path}");

    let known = client(Some("client"));
    let head = Answer::of(known.get(url("/peer/v1/head"))).await.json();
    let entries = Answer::of(known.get(url("/peer/v1/entries?after=0"))).await;
    let unknown = client(None).get(url("/peer/v1/head")).send().await;

    assert_eq!(head["hub"], HUBS[0]);
    assert!(head["position"].as_u64().is_some_and(|position| 2 < position), "{head}");
    assert_eq!(entries.status, StatusCode::OK);
    let length: [u8; 4] = entries.body[..4].try_into().expect("4 bytes");
    let first = &entries.body[4..4 + u32::from_le_bytes(length) as usize];
    let first = log::Entry::from_bytes(first).expect("an entry");
    let genesis = pool::Command::Genesis(pool.genesis.clone());
    assert_eq!(first.command, genesis.to_bytes());
    assert!(unknown.is_err(), "who has no certificate is not answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_from_another_hub_what_etcd_no_longer_has() {
    let Some(pool) = TestPool::start().await else { return };
    let mut settings = pool.settings(0);
    settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
    let first = TestHub::start_with(|config| config.pool = Some(settings)).await;
    let peer = format!("http://{}", first.hub.peer_addr().expect("it listens"));
    let mut settings = pool.settings(1);
    settings.peers.insert(HUBS[0].to_owned(), peer);
    let second = TestHub::start_with(|config| config.pool = Some(settings)).await;
    // What is missing is taken as far as a majority has signed it: the first hub and the third.
    let _third = pool.hub(2).await;
    assert_eq!(put(&first, "uss1", 1).await.status, StatusCode::CREATED);

    second.hub.shutdown().await;
    for n in 2..6 {
        assert_eq!(put(&first, "uss1", n).await.status, StatusCode::CREATED);
    }
    pool.compact().await;
    let config = second.config.clone();
    let second = TestHub::start_with(|fresh| *fresh = config).await;

    eventually(async || find(&second, 1).await == StatusCode::OK).await;
    assert_eq!(find(&second, 5).await, StatusCode::OK);
    assert_eq!(put(&second, "uss1", 6).await.status, StatusCode::CREATED);
    assert_eq!(find(&first, 6).await, StatusCode::OK);
    eventually(async || log_of(&first, 1).await == "agrees").await;
}

/// Answers as a hub that follows another log.
async fn lie(pool: String, hub: &str) -> std::net::SocketAddr {
    let head = json!({
        "pool": pool,
        "hub": hub,
        "position": 1,
        "chain": "00".repeat(32),
        "state_position": null,
        "state_hash": null,
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let addr = listener.local_addr().expect("it has an address");
    let body: Arc<str> = head.to_string().into();
    let answer = move || std::future::ready(body.to_string());
    let router = axum::Router::new().route("/peer/v1/head", axum::routing::get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    addr
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_another_log_by_asking_a_hub_directly() {
    let Some(pool) = TestPool::start().await else { return };
    let fingerprint = hex(pool.genesis.fingerprint().as_bytes());
    let liar = lie(fingerprint, HUBS[1]).await;
    let mut settings = pool.settings(0);
    settings.peers.insert(HUBS[1].to_owned(), format!("http://{liar}"));

    let hub = TestHub::start_with(|config| config.pool = Some(settings)).await;

    eventually(async || status(&hub).await["standing"] == "undecided").await;
    let refused = put(&hub, "uss1", 1).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
    let evidence = hub.ask_admin(Method::GET, "/pool/evidence").await.json();
    assert_eq!(evidence["evidence"][0]["kind"], "differs");
    assert_eq!(evidence["evidence"][0]["hub"], HUBS[1]);
}
