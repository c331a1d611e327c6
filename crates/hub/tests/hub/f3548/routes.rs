//! Every operation of the standard's DSS part is served, and nothing else.

use hub::auth::operation::{self, Id, Operation};
use serde_json::{Value, json};

use crate::client::{Fixture, ID};
use crate::f3548::fixture::{circle_at, constraint, operational_intent, report, subscription};
use crate::support::ALL_SCOPES;

/// Returns a good body for an operation, and the status of its answer on an empty hub.
fn expected(operation: &str) -> (Option<Value>, u16) {
    match operation {
        "queryOperationalIntentReferences" | "queryConstraintReferences" | "querySubscriptions" => {
            (Some(circle_at(47.0)), 200)
        }
        "getOperationalIntentReference" | "getConstraintReference" | "getSubscription" => {
            (None, 404)
        }
        "createOperationalIntentReference" => (Some(operational_intent()), 201),
        "updateOperationalIntentReference" => (Some(operational_intent()), 400),
        "createConstraintReference" => (Some(constraint()), 201),
        "updateConstraintReference" => (Some(constraint()), 409),
        "createSubscription" => (Some(subscription()), 200),
        "updateSubscription" => (Some(subscription()), 400),
        "deleteOperationalIntentReference" | "deleteConstraintReference" | "deleteSubscription" => {
            (None, 404)
        }
        "makeDssReport" => (Some(report()), 201),
        "getUssAvailability" => (None, 200),
        "setUssAvailability" => (Some(json!({"old_version": "", "availability": "Down"})), 200),
        other => panic!("{other} has no case here"),
    }
}

fn filled(path: &str) -> String {
    path.replace("{entityid}", ID)
        .replace("{subscriptionid}", ID)
        .replace("{ovn}", "0123456789abcdef")
        .replace("{version}", "0123456789abcdef")
        .replace("{uss_id}", "uss1")
}

fn operations() -> impl Iterator<Item = &'static Operation> {
    operation::operations().filter(|operation| matches!(operation.id, Id::F3548(_)))
}

#[tokio::test]
async fn serves_every_operation() {
    for operation in operations() {
        let hub = Fixture::start().await;
        let party = hub.party("uss1", ALL_SCOPES);
        let (body, status) = expected(operation.name);

        let path = filled(operation.path);
        let answer = party.send(operation.method.as_str(), &path, body.as_ref()).await;

        answer.expect(status);
    }
}

#[tokio::test]
async fn serves_all_that_the_description_of_the_standard_lists() {
    let Some(shared) = testkit::shared_dir() else {
        testkit::skip("routes against f3548-21.yaml");
        return;
    };
    let path = shared.join("api/f3548-21.yaml");
    let api = testkit::schema::Api::load(&path).expect("the description is well-formed");

    let mut described: Vec<(String, String, String)> = api
        .operations()
        .into_iter()
        .filter(|operation| operation.path.starts_with("/dss/"))
        .map(|o| (o.path, o.method, o.operation_id.unwrap_or_default()))
        .collect();
    described.sort();

    let mut served: Vec<(String, String, String)> = operations()
        .map(|o| (o.path.to_owned(), o.method.to_string(), o.name.to_owned()))
        .collect();
    served.sort();
    assert_eq!(served, described);
}

#[tokio::test]
async fn knows_no_other_path_and_no_other_method() {
    let hub = Fixture::start().await;
    let uss1 = hub.party("uss1", "utm.strategic_coordination");

    for (method, path) in [
        ("GET", "/".to_owned()),
        ("GET", "/dss/v1".to_owned()),
        ("GET", "/dss/v1/operational_intent_references".to_owned()),
        ("GET", "/dss/v1/operational_intent_references/query/".to_owned()),
        ("POST", format!("/dss/v1/operational_intent_references/{ID}")),
        ("PATCH", format!("/dss/v1/operational_intent_references/{ID}")),
        ("GET", format!("/dss/v1/operational_intent_references/{ID}/ovn")),
        ("PUT", format!("/dss/v1/operational_intent_references/{ID}/ovn/")),
        ("POST", "/dss/v1/operational_intent_references/query/".to_owned()),
        ("GET", "/dss/v1/reports".to_owned()),
        ("PUT", "/dss/v1/Subscriptions/x".to_owned()),
        ("OPTIONS", format!("/dss/v1/subscriptions/{ID}")),
        ("HEAD", format!("/dss/v1/subscriptions/{ID}")),
    ] {
        assert_eq!(uss1.send(method, &path, None).await.status, 404, "{method} {path}");
    }
}
