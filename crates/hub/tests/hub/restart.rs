//! What a hub is after it was stopped, killed, put back from a backup or started twice.

use hub::{Hub, StartError};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::{ALL_SCOPES, Answer, TestHub, intent_path, operational_intent, token};

async fn create(hub: &TestHub, n: u32) -> Value {
    let body = operational_intent(7.0 + f64::from(n) / 10.0, 100.0);
    let answer = hub.send("uss1", Method::PUT, &intent_path(n), Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()["operational_intent_reference"].clone()
}

async fn find(hub: &TestHub, n: u32) -> Option<Value> {
    let answer = hub.send("uss1", Method::GET, &intent_path(n), None).await;
    let found = answer.status == StatusCode::OK;
    found.then(|| answer.json()["operational_intent_reference"].clone())
}

#[tokio::test]
async fn keeps_its_state_over_a_restart() {
    let hub = TestHub::start().await;
    let created = create(&hub, 1).await;

    let hub = hub.restart(|_| {}).await;

    assert_eq!(find(&hub, 1).await, Some(created));
}

#[tokio::test]
async fn keeps_its_state_over_snapshots_and_restarts() {
    let hub = TestHub::start_with(|config| config.log.snapshot_entries = 3).await;
    let mut created = Vec::new();
    for n in 0..10 {
        created.push(create(&hub, n).await);
    }

    let hub = hub.restart(|_| {}).await;
    for n in 10..15 {
        created.push(create(&hub, n).await);
    }
    let hub = hub.restart(|_| {}).await;

    let snapshots = std::fs::read_dir(hub.config.data.join("snapshots")).expect("it is there");
    assert!(0 < snapshots.count());
    for (n, created) in (0..).zip(&created) {
        assert_eq!(find(&hub, n).await.as_ref(), Some(created));
    }
}

#[tokio::test]
async fn refuses_a_second_start_on_the_same_directory() {
    let hub = TestHub::start().await;
    let mut config = hub.config.clone();
    config.listen.set_port(0);

    let second = Hub::start(config).await;

    let error = second.expect_err("the directory is taken");
    assert!(matches!(error, StartError::Log(log::OpenError::InUse { .. })), "{error}");
    assert!(error.to_string().contains("in use"), "{error}");
}

#[tokio::test]
async fn says_that_it_was_restored_until_an_operator_confirms() {
    let hub = TestHub::start().await;
    create(&hub, 1).await;

    let hub = hub.restart(|config| config.restored = true).await;
    let ready = hub.ask_admin(Method::GET, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert!(ready.json()["restored"]["position"].is_u64());

    let hub = hub.restart(|config| config.restored = false).await;
    assert!(hub.ask_admin(Method::GET, "/health/ready").await.json()["restored"].is_object());
    let confirmed = hub.ask_admin(Method::POST, "/restored/confirm").await;
    assert_eq!(confirmed.status, StatusCode::OK);
    let again = hub.ask_admin(Method::POST, "/restored/confirm").await;
    assert_eq!(again.status, StatusCode::CONFLICT);

    let hub = hub.restart(|_| {}).await;
    assert!(hub.ask_admin(Method::GET, "/health/ready").await.json()["restored"].is_null());
}

#[tokio::test]
async fn takes_the_confirmation_from_the_command_line_too() {
    let hub = TestHub::start_with(|config| config.restored = true).await;
    assert!(hub.ask_admin(Method::GET, "/health/ready").await.json()["restored"].is_object());

    let hub = hub
        .restart(|config| {
            config.restored = false;
            config.confirm_restored = true;
        })
        .await;

    assert!(hub.ask_admin(Method::GET, "/health/ready").await.json()["restored"].is_null());
}

async fn put_again(hub: &TestHub, key: &str, path: &str, body: &Value) -> Answer {
    let request = reqwest::Client::new()
        .put(hub.url(path))
        .bearer_auth(token("uss1", ALL_SCOPES))
        .header("Idempotency-Key", key)
        .json(body);
    Answer::of(request).await
}

#[tokio::test]
async fn answers_a_repeated_request_as_the_first_time_even_after_a_restart() {
    let mut hub = TestHub::start_with(|config| config.log.snapshot_entries = 1).await;
    let (path, body) = (intent_path(1), operational_intent(7.0, 100.0));
    let first = put_again(&hub, "one", &path, &body).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let refused = put_again(&hub, "two", &path, &body).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);

    for run in 0..2 {
        let second = put_again(&hub, "one", &path, &body).await;
        assert_eq!((second.status, &second.body), (first.status, &first.body), "{run}");
        let second = put_again(&hub, "two", &path, &body).await;
        assert_eq!((second.status, &second.body), (refused.status, &refused.body), "{run}");
        let other = put_again(&hub, "one", &intent_path(2), &body).await;
        assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "{run}");
        hub = hub.restart(|_| {}).await;
    }
}

#[tokio::test]
async fn puts_the_operators_settings_into_the_log_once() {
    let hub = TestHub::start().await;
    let position = async |hub: &TestHub| {
        let ready = hub.ask_admin(Method::GET, "/health/ready").await;
        ready.json()["log"]["position"].as_u64().expect("a position")
    };
    let founded = 1;
    assert_eq!(position(&hub).await, founded);

    let hour = std::time::Duration::from_hours(1);
    let hub = hub.restart(|config| config.f3548_retention = hour).await;
    assert_eq!(position(&hub).await, founded + 1);

    let hub = hub.restart(|config| config.f3411_retention = hour).await;
    assert_eq!(position(&hub).await, founded + 2);

    let hub = hub.restart(|_| {}).await;
    assert_eq!(position(&hub).await, founded + 2);
}
