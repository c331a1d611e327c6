//! Operational intent references: statuses, precedence, and what each party is shown.

use serde_json::json;

use crate::client::{Fixture, ID, OTHER_ID, with};
use crate::f3548::fixture::{URL, circle_at, operational_intent};

const PATH: &str = "/dss/v1/operational_intent_references";
const SC: &str = "utm.strategic_coordination";
const CMSA: &str = "utm.conformance_monitoring_sa";

#[tokio::test]
async fn lives_from_creation_to_deletion() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);
    let path = format!("{PATH}/{ID}");

    let created = uss1.put(&path, &operational_intent()).await.expect(201);
    let ovn = created["operational_intent_reference"]["ovn"].as_str().expect("own OVN");
    assert_eq!(created["operational_intent_reference"]["version"], 1);
    assert_eq!(created["subscribers"][0]["uss_base_url"], URL);
    assert_eq!(created["subscribers"][0]["subscriptions"][0]["notification_index"], 1);
    let found = uss1.get(&path).await.expect(200);
    assert_eq!(found["operational_intent_reference"], created["operational_intent_reference"]);
    let found = uss1.post(&format!("{PATH}/query"), &circle_at(47.0)).await.expect(200);
    assert_eq!(found["operational_intent_references"][0]["id"], ID);

    let activated = with(operational_intent(), "/state", json!("Activated"));
    let updated = uss1.put(&format!("{path}/{ovn}"), &activated).await.expect(200);
    let next_ovn = updated["operational_intent_reference"]["ovn"].as_str().expect("own OVN");
    assert_eq!(updated["operational_intent_reference"]["version"], 2);
    assert_ne!(next_ovn, ovn);
    uss1.delete(&format!("{path}/{ovn}")).await.expect(409);
    let deleted = uss1.delete(&format!("{path}/{next_ovn}")).await.expect(200);
    assert_eq!(deleted["operational_intent_reference"]["version"], 2);
    uss1.get(&path).await.expect(404);
    uss1.delete(&format!("{path}/{next_ovn}")).await.expect(404);
}

#[tokio::test]
async fn shows_another_party_no_ovn() {
    let hub = Fixture::start().await;
    let (uss1, uss2) = (hub.party("uss1", SC), hub.party("uss2", CMSA));
    let path = format!("{PATH}/{ID}");
    let without = with(operational_intent(), "/new_subscription", json!(null));

    uss1.put(&path, &without).await.expect(201);

    let found = uss2.get(&path).await.expect(200);
    assert_eq!(found["operational_intent_reference"]["ovn"], "Available from USS");
    assert_eq!(
        found["operational_intent_reference"]["subscription_id"],
        "00000000-0000-4000-8000-000000000000"
    );
    let found = uss2.post(&format!("{PATH}/query"), &circle_at(47.0)).await.expect(200);
    assert_eq!(found["operational_intent_references"][0]["ovn"], "Available from USS");
}

#[tokio::test]
async fn lists_what_a_key_lacks() {
    let hub = Fixture::start().await;
    let (uss1, uss2) = (hub.party("uss1", SC), hub.party("uss2", SC));
    let created = uss1.put(&format!("{PATH}/{ID}"), &operational_intent()).await.expect(201);
    let ovn = &created["operational_intent_reference"]["ovn"];
    let path = format!("{PATH}/{OTHER_ID}");

    let conflict = uss2.put(&path, &operational_intent()).await.expect(409);

    assert_eq!(conflict["missing_operational_intents"][0]["id"], ID);
    assert_eq!(conflict["missing_operational_intents"][0]["ovn"], "Available from USS");
    assert_eq!(conflict.get("missing_constraints"), None);
    let with_key = with(operational_intent(), "/key", json!([ovn, "another", ovn]));
    let created = uss2.put(&path, &with_key).await.expect(201);
    assert_eq!(created["subscribers"][0]["subscriptions"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn answers_in_the_order_that_clients_rely_on() {
    let hub = Fixture::start().await;
    let (uss1, uss2) = (hub.party("uss1", SC), hub.party("uss2", SC));
    let path = format!("{PATH}/{ID}");
    let wrong = format!("{path}/0123456789abcdef");
    let body = operational_intent();

    uss1.put(&wrong, &body).await.expect(400);
    uss1.delete(&wrong).await.expect(404);
    uss1.put(&path, &body).await.expect(201);
    uss1.put(&path, &body).await.expect(409);
    uss1.put(&wrong, &body).await.expect(409);
    uss2.put(&path, &body).await.expect(403);
    uss2.put(&wrong, &body).await.expect(403);
    uss2.delete(&wrong).await.expect(403);
    uss1.delete(&wrong).await.expect(409);
    let unknown = with(body.clone(), "/new_subscription", json!(null));
    let unknown = with(unknown, "/subscription_id", json!(OTHER_ID));
    uss1.put(&format!("{PATH}/{OTHER_ID}"), &unknown).await.expect(400);
}

#[tokio::test]
async fn needs_the_scope_of_conformance_monitoring_for_states_that_do_not_conform() {
    let hub = Fixture::start().await;
    let (planner, monitor) = (hub.party("uss1", SC), hub.party("uss1", CMSA));
    let path = format!("{PATH}/{ID}");
    let body = with(operational_intent(), "/state", json!("Nonconforming"));

    planner.put(&path, &body).await.expect(400);
    let created = planner.put(&path, &operational_intent()).await.expect(201);
    let ovn = created["operational_intent_reference"]["ovn"].as_str().expect("own OVN");
    let path = format!("{path}/{ovn}");
    planner.put(&path, &body).await.expect(403);
    let ended = with(body.clone(), "/extents/0/time_start/value", json!("2026-01-01T00:00:00Z"));
    let ended = with(ended, "/extents/0/time_end/value", json!("2026-01-01T01:00:00Z"));
    planner.put(&path, &ended).await.expect(400);
    let updated = monitor.put(&path, &body).await.expect(200);
    assert_eq!(updated["operational_intent_reference"]["state"], "Nonconforming");
}

#[tokio::test]
async fn accepts_an_id_in_any_written_form_and_a_suffix_of_now() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);
    let upper = ID.to_uppercase();
    let now_ms = hub.now_ms();
    let suffix = format!("{:08x}-{:04x}-7000-8000-000000000001", now_ms >> 16, now_ms & 0xffff);
    let body = with(operational_intent(), "/requested_ovn_suffix", json!(suffix));

    let created = uss1.put(&format!("{PATH}/%7B{upper}%7D"), &body).await.expect(201);

    assert_eq!(created["operational_intent_reference"]["id"], ID);
    assert_eq!(created["operational_intent_reference"]["ovn"], format!("{ID}_{suffix}"));
    let old = with(body, "/requested_ovn_suffix", json!("00000000-0000-7000-8000-000000000001"));
    let refused = uss1.put(&format!("{PATH}/{OTHER_ID}"), &old).await.expect(400);
    assert_eq!(refused["message"], "the requested OVN suffix is more than 5 minutes from now");
}

#[tokio::test]
async fn takes_thousands_of_the_longest_keys_and_no_more_than_the_log_does() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", SC);
    let with_key = |count: usize, length: usize| {
        let key: Vec<String> = (0..count).map(|number| format!("{number:0>length$}")).collect();
        with(operational_intent(), "/key", json!(key))
    };
    // 16 bytes stand for each in the log, whatever its length.
    let too_many = log::APPEND_BYTES_MAX / 16;

    uss1.put(&format!("{PATH}/{ID}"), &with_key(10_000, 128)).await.expect(201);
    let refused = uss1.put(&format!("{PATH}/{OTHER_ID}"), &with_key(too_many, 8)).await.expect(413);

    assert!(refused["message"].as_str().is_some_and(|it| it.contains("fewer keys")), "{refused}");
}
