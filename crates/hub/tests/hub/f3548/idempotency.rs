//! `Idempotency-Key`: the same request again is answered as it was the first time.

use serde_json::json;

use crate::client::{Fixture, ID, OTHER_ID, with};
use crate::f3548::fixture::operational_intent;

const PATH: &str = "/dss/v1/operational_intent_references";
const SC: &str = "utm.strategic_coordination";

#[tokio::test]
async fn answers_a_repeated_request_as_the_first_time() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC).with_key("a key");
    let path = format!("{PATH}/{ID}");

    let first = uss1.put(&path, &operational_intent()).await;
    let again = uss1.put(&path, &operational_intent()).await;

    assert_eq!(first.text(), again.text());
    let created = first.expect(201);
    again.expect(201);
    let ovn = created["operational_intent_reference"]["ovn"].as_str().expect("own OVN");
    let path = format!("{path}/{ovn}");
    let uss1 = hub.party("uss1", SC).with_key("another key");
    let first = uss1.delete(&path).await;
    let again = uss1.delete(&path).await;
    assert_eq!(first.text(), again.text());
    first.expect(200);
    again.expect(200);
}

#[tokio::test]
async fn answers_a_repeated_refusal_as_the_first_time() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);
    let hasty = hub.party("uss1", SC).with_key("a key");
    uss1.put(&format!("{PATH}/{OTHER_ID}"), &operational_intent()).await.expect(201);
    let path = format!("{PATH}/{ID}");

    let first = hasty.put(&path, &operational_intent()).await;
    let found = uss1.get(&format!("{PATH}/{OTHER_ID}")).await.expect(200);
    let ovn = found["operational_intent_reference"]["ovn"].as_str().expect("own OVN");
    uss1.delete(&format!("{PATH}/{OTHER_ID}/{ovn}")).await.expect(200);
    let again = hasty.put(&path, &operational_intent()).await;

    assert_eq!(first.text(), again.text());
    let conflict = again.expect(409);
    assert_eq!(conflict["missing_operational_intents"][0]["id"], OTHER_ID);
}

#[tokio::test]
async fn refuses_a_key_that_was_used_for_another_request() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC).with_key("a key");
    let other = with(operational_intent(), "/uss_base_url", json!("https://other.example.com"));

    uss1.put(&format!("{PATH}/{ID}"), &operational_intent()).await.expect(201);

    uss1.put(&format!("{PATH}/{ID}"), &other).await.expect(422);
    uss1.put(&format!("{PATH}/{OTHER_ID}"), &operational_intent()).await.expect(422);
    uss1.delete(&format!("{PATH}/{ID}/0123456789abcdef")).await.expect(422);
    // Another party's keys are its own.
    let uss2 = hub.party("uss2", SC).with_key("a key");
    uss2.put(&format!("{PATH}/{ID}"), &operational_intent()).await.expect(403);
}

#[tokio::test]
async fn refuses_keys_that_are_none() {
    let hub = Fixture::start().await;
    let path = format!("{PATH}/{ID}");
    let put = |key: String| {
        let uss1 = hub.party("uss1", SC).with_key(&key);
        let path = path.clone();
        async move { uss1.put(&path, &operational_intent()).await }
    };

    put(String::new()).await.expect(400);
    put("x".repeat(hub::IDEMPOTENCY_KEY_BYTES_MAX + 1)).await.expect(400);
    let twice = hub.party("uss1", SC).with_key("one").with_key("two");
    twice.put(&path, &operational_intent()).await.expect(400);
    put("x".repeat(hub::IDEMPOTENCY_KEY_BYTES_MAX)).await.expect(201);
}

#[tokio::test]
async fn keeps_no_answer_that_was_given_before_the_log() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC).with_key("a key");
    let path = format!("{PATH}/{ID}");

    uss1.put(&path, &json!({})).await.expect(400);

    uss1.put(&path, &operational_intent()).await.expect(201);
}
