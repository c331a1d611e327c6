//! What the operator sees and may say.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use spacetime::Timestamp;

use crate::support::{NOW_S, TestHub, eventually, intent_path, operational_intent};

#[tokio::test]
async fn is_ready_and_says_how_it_does() {
    let hub = TestHub::start().await;
    let body = operational_intent(7.0, 100.0);
    hub.send("uss1", Method::PUT, &intent_path(1), Some(body)).await;

    let answer = hub.ask_admin(Method::GET, "/health/ready").await;

    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let ready = answer.json();
    assert_eq!(ready["ready"], true);
    // The first entry founds the log.
    assert_eq!(ready["log"]["position"], 2);
    assert_eq!(ready["log"]["applied_position"], 2);
    assert_eq!(ready["log"]["chain"].as_str().map(str::len), Some(64));
    assert_eq!(ready["keys"][0]["keys"], 1);
    assert!(ready["disk"]["free_bytes"].is_u64());
    assert_eq!(ready["clock"]["trusted"], true);
    assert_eq!(hub.ask_admin(Method::GET, "/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn counts_requests_entities_and_commits() {
    let hub = TestHub::start().await;
    let body = operational_intent(7.0, 100.0);
    hub.send("uss1", Method::PUT, &intent_path(1), Some(body)).await;
    hub.send("uss1", Method::GET, &intent_path(2), None).await;

    // The log's writer takes its times down after it has handed the entry out.
    eventually(async || hub.metric("tansiq_log_batch_entries_count").await == 2.0).await;
    let answer = hub.ask_admin(Method::GET, "/metrics").await;

    let text = String::from_utf8(answer.body).expect("it is text");
    for line in [
        "tansiq_requests_total{api=\"f3548-21\",operation=\"createOperationalIntentReference\",\
         status=\"201\"} 1",
        "tansiq_requests_total{api=\"f3548-21\",operation=\"getOperationalIntentReference\",\
         status=\"404\"} 1",
        "tansiq_request_seconds_count{api=\"f3548-21\",operation=\"getOperationalIntentReference\"} \
         1",
        "tansiq_state_entities{kind=\"operational_intent\"} 1",
        "tansiq_log_position 2",
        "tansiq_log_queue_entries 0",
        "tansiq_keys_failing 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn takes_no_changes_while_its_clock_cannot_be_trusted() {
    let hub = TestHub::start().await;
    let put = async |hub: &TestHub, n: u32| {
        let body = operational_intent(7.0 + f64::from(n), 100.0);
        hub.send("uss1", Method::PUT, &intent_path(n), Some(body)).await
    };
    assert_eq!(put(&hub, 1).await.status, StatusCode::CREATED);

    hub.clock.set_wall(Timestamp::from_micros((NOW_S + 60) * 1_000_000).expect("in range"));
    let refused = put(&hub, 2).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    let read = hub.send("uss1", Method::GET, &intent_path(1), None).await;
    assert_eq!(read.status, StatusCode::OK);
    let ready = hub.ask_admin(Method::GET, "/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready.json()["clock"]["jumped_s"], 60.0);

    let accepted = hub.ask_admin(Method::POST, "/clock/accept").await;
    assert_eq!(accepted.status, StatusCode::OK);
    assert_eq!(put(&hub, 2).await.status, StatusCode::CREATED);
    assert_eq!(hub.ask_admin(Method::GET, "/health/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn takes_no_changes_while_its_clock_is_behind_the_log() {
    let hub = TestHub::start().await;
    hub.clock.advance(Duration::from_secs(60));
    let body = operational_intent(7.0, 100.0);
    hub.send("uss1", Method::PUT, &intent_path(1), Some(body.clone())).await;

    hub.clock.set_wall(Timestamp::from_micros(NOW_S * 1_000_000).expect("in range"));
    let accepted = hub.ask_admin(Method::POST, "/clock/accept").await;
    assert_eq!(accepted.status, StatusCode::CONFLICT);
    let refused = hub.send("uss1", Method::PUT, &intent_path(2), Some(body.clone())).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);

    hub.clock.advance(Duration::from_secs(55));
    let taken = hub.send("uss1", Method::DELETE, &intent_path(2), None).await;
    assert_ne!(taken.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(hub.ask_admin(Method::GET, "/health/ready").await.status, StatusCode::OK);
}
