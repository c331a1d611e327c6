//! Every operation of the standard's DSS part is served in both versions, and nothing else.

use hub::auth::operation::{self, Access, Id, Operation};
use serde_json::Value;
use testkit::schema::{self, Api};

use crate::client::{Fixture, ID};
use crate::f3411::fixture::{BOTH, Version, WRONG_VERSION, around, party};

fn operations(version: Version) -> impl Iterator<Item = &'static Operation> {
    operation::operations().filter(move |operation| match version {
        Version::F3411_19 => matches!(operation.id, Id::F3411_19(_)),
        Version::F3411_22a => matches!(operation.id, Id::F3411_22a(_)),
    })
}

/// Returns a good body for an operation, and the status of its answer on an empty hub.
fn expected(version: Version, operation: &str) -> (Option<Value>, u16) {
    match operation {
        "searchIdentificationServiceAreas" | "searchSubscriptions" => (None, 200),
        "getIdentificationServiceArea" | "getSubscription" => (None, 404),
        "createIdentificationServiceArea" => (Some(version.area_put(47.0)), 200),
        "updateIdentificationServiceArea" => (Some(version.area_put(47.0)), 400),
        "createSubscription" => (Some(version.subscription_put(47.0)), 200),
        "updateSubscription" => (Some(version.subscription_put(47.0)), 400),
        "deleteIdentificationServiceArea" | "deleteSubscription" => (None, 404),
        other => panic!("{other} has no case here"),
    }
}

#[tokio::test]
async fn serves_every_operation() {
    for version in BOTH {
        for operation in operations(version) {
            let hub = Fixture::start().await;
            let (body, status) = expected(version, operation.name);
            let path = operation.path.replace("{id}", ID).replace("{version}", WRONG_VERSION);
            let path = format!("{path}?area={}", around(47.0));

            let answer =
                party(&hub, "uss1").send(operation.method.as_str(), &path, body.as_ref()).await;

            answer.expect(status);
        }
    }
}

/// Lists the operations of the DSS part that a version's description has.
fn described(version: Version) -> Option<Vec<schema::Operation>> {
    let Some(shared) = testkit::shared_dir() else {
        testkit::skip("routes against the descriptions of F3411");
        return None;
    };
    let load = |name| Api::load(&shared.join("api").join(name)).expect("it is well-formed");
    let api = match version {
        Version::F3411_19 => load("f3411-19.yaml"),
        Version::F3411_22a => load("f3411-22a.yaml").under("/rid/v2"),
    };
    Some(api.operations().into_iter().filter(|o| o.path.contains("/dss/")).collect())
}

#[tokio::test]
async fn serves_all_that_the_description_of_the_standard_lists() {
    for version in BOTH {
        let Some(described) = described(version) else { return };

        let mut described: Vec<(String, String)> =
            described.into_iter().map(|operation| (operation.path, operation.method)).collect();
        described.sort();

        let mut served: Vec<(String, String)> = operations(version)
            .map(|operation| (operation.path.to_owned(), operation.method.to_string()))
            .collect();
        served.sort();
        assert_eq!(served, described);
    }
}

#[tokio::test]
async fn is_opened_as_the_description_of_the_standard_says() {
    for version in BOTH {
        let Some(operations_described) = described(version) else { return };
        for described in operations_described {
            let served = operations(version)
                .find(|served| {
                    served.path == described.path && served.method.as_str() == described.method
                })
                .expect("it is served");
            let Access::Scopes(alternatives) = served.access else {
                panic!("{} is open", served.name)
            };
            let scopes: Vec<Vec<String>> = alternatives
                .iter()
                .map(|scopes| scopes.iter().map(|scope| scope.as_str().to_owned()).collect())
                .collect();
            // F3411-19 asks for both scopes at once there; deployed hubs take either.
            let either = (version, served.name) == (Version::F3411_19, "getSubscription");
            let wanted = if either {
                described.scopes.concat().into_iter().map(|scope| vec![scope]).collect()
            } else {
                described.scopes
            };
            assert_eq!(scopes, wanted, "{}", described.path);
        }
    }
}

#[tokio::test]
async fn has_the_names_of_the_later_version_in_both() {
    let Some(described) = described(Version::F3411_22a) else { return };
    let mut named: Vec<(String, String, String)> = described
        .into_iter()
        .map(|o| (o.path, o.method, o.operation_id.unwrap_or_default()))
        .collect();
    named.sort();

    for version in BOTH {
        let mut served: Vec<(String, String, String)> = operations(version)
            .map(|o| {
                (o.path.replace("/v1/dss", "/rid/v2/dss"), o.method.to_string(), o.name.into())
            })
            .collect();
        served.sort();

        assert_eq!(served, named);
    }
}

#[tokio::test]
async fn knows_no_other_path_and_no_other_method() {
    let hub = Fixture::start().await;
    let uss1 = party(&hub, "uss1");
    for version in BOTH {
        for (method, path) in [
            ("POST", version.areas()),
            ("GET", format!("{}/{ID}/{WRONG_VERSION}", version.areas())),
            ("PUT", version.areas()),
            ("GET", format!("{}/", version.areas().replace("/dss/", "/uss/"))),
            ("PATCH", version.area(ID)),
            ("DELETE", version.area(ID)),
            ("POST", version.subscription(ID)),
            ("HEAD", version.subscription(ID)),
            ("OPTIONS", version.subscriptions()),
        ] {
            assert_eq!(uss1.send(method, &path, None).await.status, 404, "{method} {path}");
        }
    }
}
