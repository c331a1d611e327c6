//! Reports of problems.

use serde_json::json;

use crate::client::Fixture;
use crate::f3548::fixture::report;

#[tokio::test]
async fn is_answered_with_an_id_and_kept_without_its_secrets() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", "utm.constraint_processing");

    let answer = uss1.post("/dss/v1/reports", &report()).await.expect(201);

    let id = answer["report_id"].as_str().expect("an id");
    assert_eq!(answer["exchange"]["url"], report()["exchange"]["url"]);
    let kept = hub::reports::list(hub.data()).expect("reports are listed");
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].id.as_str(), kept[0].party.as_str()), (id, "uss1"));
    let text = kept[0].report.get();
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("Host: uss.example.com"), "{text}");
}

#[tokio::test]
async fn is_refused_when_malformed() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", "utm.constraint_processing");

    uss1.post("/dss/v1/reports", &json!({})).await.expect(400);

    assert!(hub::reports::list(hub.data()).expect("reports are listed").is_empty());
}
