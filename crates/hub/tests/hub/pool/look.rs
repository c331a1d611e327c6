//! What tests ask hubs of a pool, and what they look at.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{Answer, TestHub, eventually, intent_path, operational_intent};

use super::fixture::HUBS;

pub(crate) async fn put(hub: &TestHub, party: &str, n: u32) -> Answer {
    let body = operational_intent(7.0 + f64::from(n) / 10.0, 100.0);
    hub.send(party, Method::PUT, &intent_path(n), Some(body)).await
}

pub(crate) async fn find(hub: &TestHub, n: u32) -> StatusCode {
    hub.send("uss9", Method::GET, &intent_path(n), None).await.status
}

pub(crate) async fn status(hub: &TestHub) -> Value {
    hub.ask_admin(Method::GET, "/pool/status").await.json()
}

/// Waits until a hub has heard batches of so many others.
pub(crate) async fn heard(hub: &TestHub, count: usize) {
    eventually(async || {
        let status = status(hub).await;
        let hubs = status["pool"]["hubs"].as_array().cloned().unwrap_or_default();
        count <= hubs.iter().filter(|hub| hub["is_heard"] == true).count()
    })
    .await;
}

/// Says how a hub sees another: `agrees`, `differs`, `unheard`.
pub(crate) async fn log_of(hub: &TestHub, number: usize) -> String {
    let status = status(hub).await;
    let hubs = status["pool"]["hubs"].as_array().expect("a list");
    let other = hubs.iter().find(|hub| hub["id"] == HUBS[number]).expect("it is admitted");
    other["log"].as_str().expect("a text").to_owned()
}

/// Puts what nobody has put before, until the hub takes it: it may have to hear others first.
pub(crate) async fn acknowledge(hub: &TestHub, n: u32) {
    eventually(async || {
        let answer = put(hub, "uss1", n).await;
        assert!(
            matches!(answer.status, StatusCode::CREATED | StatusCode::SERVICE_UNAVAILABLE),
            "{answer:?}"
        );
        answer.status == StatusCode::CREATED
    })
    .await;
}

/// Returns where a hub is in the log: position and chain.
pub(crate) async fn head(hub: &TestHub) -> (u64, String) {
    let log = status(hub).await["log"].clone();
    let chain = log["chain"].as_str().expect("a text").to_owned();
    (log["applied_position"].as_u64().expect("a number"), chain)
}

/// Waits until hubs have the same log up to the same position, and each is with the majority.
pub(crate) async fn even(hubs: &[TestHub]) {
    eventually(async || {
        let mut heads = Vec::new();
        for hub in hubs {
            if status(hub).await["standing"] != "majority" {
                return false;
            }
            heads.push(head(hub).await);
        }
        let first = &heads[0];
        for other in heads.iter().filter(|other| other.0 == first.0) {
            assert_eq!(other.1, first.1, "hashes differ at {}", first.0);
        }
        heads.iter().all(|other| other == first)
    })
    .await;
}

/// Returns what a hub shows of another.
pub(crate) async fn shown(hub: &TestHub, number: usize) -> Value {
    let status = status(hub).await;
    let hubs = status["pool"]["hubs"].as_array().expect("a list");
    hubs.iter().find(|hub| hub["id"] == HUBS[number]).expect("it is admitted").clone()
}

/// Returns the evidence that a hub shows.
pub(crate) async fn evidence(hub: &TestHub) -> Vec<Value> {
    let shown = hub.ask_admin(Method::GET, "/pool/evidence").await.json();
    shown["evidence"].as_array().expect("a list").clone()
}

/// Waits until a hub shows a piece of evidence.
pub(crate) async fn testifies(hub: &TestHub, is_it: impl Fn(&Value) -> bool) -> Value {
    eventually(async || evidence(hub).await.iter().any(&is_it)).await;
    evidence(hub).await.into_iter().find(is_it).expect("it stays")
}

/// Returns a hub's word whether it is ready, and what it tells besides.
pub(crate) async fn ready(hub: &TestHub) -> (bool, String) {
    let ready = hub.ask_admin(Method::GET, "/health/ready").await;
    (ready.status == StatusCode::OK, ready.json()["problems"].to_string())
}
