//! Availability of USSs.

use serde_json::json;

use crate::client::Fixture;

const AA: &str = "utm.availability_arbitration";

#[tokio::test]
async fn is_unknown_until_an_arbitrator_says_otherwise() {
    let hub = Fixture::start().await;
    let arbitrator = hub.party("arbitrator", AA);
    let path = "/dss/v1/uss_availability/uss%201";

    let found = arbitrator.get(path).await.expect(200);
    assert_eq!(
        found,
        json!({"version": "", "status": {"uss": "uss 1", "availability": "Unknown"}})
    );
    let set = arbitrator.put(path, &json!({"availability": "down"})).await.expect(200);
    assert_eq!(set["status"], json!({"uss": "uss 1", "availability": "Down"}));
    // The description has no 409 here; deployed hubs and the public tests do.
    assert_eq!(arbitrator.put(path, &json!({"availability": "Normal"})).await.status, 409);
    let next = json!({"availability": "", "old_version": set["version"]});
    let set = arbitrator.put(path, &next).await.expect(200);
    assert_eq!(set["status"]["availability"], "Unknown");
    assert_eq!(arbitrator.get(path).await.expect(200), set);
}

#[tokio::test]
async fn is_set_by_arbitrators_only() {
    let hub = Fixture::start().await;
    let planner = hub.party("uss1", "utm.strategic_coordination");
    let path = "/dss/v1/uss_availability/uss1";

    planner.get(path).await.expect(200);
    planner.put(path, &json!({"availability": "Down"})).await.expect(403);
}
