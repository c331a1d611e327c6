//! Every operation that a desk serves to others opens to its scopes and to nothing else.

use desk::{OPERATIONS, Operation};
use hub::auth::scope::Scope;
use reqwest::{Method, StatusCode};
use serde_json::json;
use testkit::schema::{self, Api};

use crate::support::{self, Answer, World, check_schema, id, send, token};

/// The descriptions that a desk follows, with what stands before their paths on a desk.
fn apis() -> Vec<Api> {
    let what = "operations of a desk against the standards' descriptions";
    let files = ["f3548-21.yaml", "f3411-22a.yaml"];
    files.into_iter().filter_map(|file| support::api(file, what)).collect()
}

/// Returns the operation's path for something that is not there.
fn path(operation: &Operation) -> String {
    let segments = operation.path.split('/');
    let filled =
        segments.map(|segment| if segment.starts_with('{') { id(1) } else { segment.into() });
    filled.collect::<Vec<String>>().join("/")
}

/// Returns the scopes of an alternative as a token claims them.
fn claim(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn opens_each_operation_to_its_scopes_only() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let apis = apis();
    for operation in &OPERATIONS {
        let path = path(operation);
        let url = format!("http://{}{path}", desk.addr());
        let body = (operation.method == Method::POST).then(|| json!({}));
        let check = async |token: Option<&str>, expected: StatusCode| {
            let answer = send(operation.method.clone(), &url, token, body.as_ref()).await;
            assert_eq!(answer.status, expected, "{} {token:?}", operation.name);
            assert!(answer.body["message"].is_string(), "{}: {answer:?}", operation.name);
            check_described(&apis, operation, &path, &answer);
        };

        check(None, StatusCode::UNAUTHORIZED).await;
        let good = token("cedar", &claim(operation.scopes[0]));
        check(Some(&forged(&good)), StatusCode::UNAUTHORIZED).await;
        check(Some(&token("cedar", "")), StatusCode::FORBIDDEN).await;
        for scope in Scope::ALL {
            if !operation.scopes.contains(&&[scope][..]) {
                check(Some(&token("cedar", scope.as_str())), StatusCode::FORBIDDEN).await;
            }
        }
        for scopes in operation.scopes {
            check(Some(&token("cedar", &claim(scopes))), opened(operation)).await;
        }
    }
    desk.shutdown().await;
    world.end().await;
}

/// Returns what is answered to who may ask, but asks for nothing that is there.
fn opened(operation: &Operation) -> StatusCode {
    if operation.method == Method::POST || operation.name == "searchFlights" {
        return StatusCode::BAD_REQUEST;
    }
    StatusCode::NOT_FOUND
}

/// Returns a token whose signature is another one's.
fn forged(token: &str) -> String {
    let (signed, signature) = token.rsplit_once('.').expect("a token has three parts");
    let reversed: String = signature.chars().rev().collect();
    format!("{signed}.{reversed}")
}

/// Checks an answer, if the operation is described and its description knows the status.
fn check_described(apis: &[Api], operation: &Operation, path: &str, answer: &Answer) {
    let status = answer.status.as_u16();
    let knows = |one: &schema::Operation| {
        one.path == operation.path
            && one.method == operation.method.as_str()
            && one.statuses.contains(&status)
    };
    let api = apis.iter().find(|api| api.operations().iter().any(knows));
    check_schema(api, operation.method.as_str(), path, answer);
}

#[test]
fn serves_every_operation_of_the_standards_between_desks_to_the_scopes_that_they_name() {
    let described: Vec<schema::Operation> = apis()
        .iter()
        .flat_map(Api::operations)
        .filter(|operation| operation.path.starts_with("/uss/"))
        .collect();
    for operation in &described {
        let served = OPERATIONS.iter().find(|served| {
            served.path == operation.path && served.method.as_str() == operation.method
        });
        let served = served.unwrap_or_else(|| panic!("{operation:?}"));
        assert_eq!(Some(served.name), operation.operation_id.as_deref());
        let mut opens: Vec<Vec<&str>> = served
            .scopes
            .iter()
            .map(|all| all.iter().map(|scope| scope.as_str()).collect())
            .collect();
        let mut named: Vec<Vec<&str>> =
            operation.scopes.iter().map(|all| all.iter().map(String::as_str).collect()).collect();
        for alternative in opens.iter_mut().chain(&mut named) {
            alternative.sort_unstable();
        }
        opens.sort_unstable();
        named.sort_unstable();
        assert_eq!(opens, named, "{}", served.name);
    }
    if !described.is_empty() {
        assert_eq!(described.len(), OPERATIONS.len());
    }
}
