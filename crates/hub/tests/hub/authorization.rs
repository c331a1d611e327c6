//! Whom each operation lets in: walks the tables that the router is built from, so that no route is
//! forgotten here.

use hub::auth::operation::{self, Access, Operation};
use hub::auth::scope::{Scope, Scopes};
use reqwest::StatusCode;

use crate::support::{Answer, TestHub, id, token};

/// All that may be asked without a token, as the description of the auxiliary API has it.
const OPEN: [(&str, &str); 3] = [
    ("GET", "/aux/v1/version"),
    ("GET", "/aux/v1/configuration/accepted_ca_certs"),
    ("GET", "/aux/v1/configuration/ca_certs"),
];

/// Returns a path that fits a template.
fn path_of(template: &str) -> String {
    let fill = |segment: &str| match segment.strip_prefix('{') {
        Some(name) if name.ends_with("id}") => id(1),
        Some(_) => "version".to_owned(),
        None => segment.to_owned(),
    };
    template.split('/').map(fill).collect::<Vec<_>>().join("/")
}

fn claim_of(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// Returns a token whose signature is another's.
fn forged_token() -> String {
    let claims = token("uss1", &claim_of(&Scope::ALL));
    let signature = token("uss2", "");
    let (signed, _) = claims.rsplit_once('.').expect("a token has three parts");
    let (_, signature) = signature.rsplit_once('.').expect("a token has three parts");
    format!("{signed}.{signature}")
}

async fn ask(hub: &TestHub, operation: &Operation, token: Option<&str>) -> Answer {
    let url = hub.url(&path_of(operation.path));
    let mut request = reqwest::Client::new().request(operation.method.clone(), url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    Answer::of(request).await
}

#[tokio::test]
async fn asks_for_a_good_token() {
    let hub = TestHub::start().await;
    for operation in operation::operations().filter(|operation| operation.access != Access::Open) {
        for token in [None, Some("nonsense"), Some(&*forged_token())] {
            let answer = ask(&hub, operation, token).await;

            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{operation:?} with {token:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
            assert!(!answer.message().is_empty());
        }
    }
}

#[tokio::test]
async fn refuses_a_token_whose_scopes_do_not_open_the_operation() {
    let hub = TestHub::start().await;
    for operation in operation::operations() {
        let Access::Scopes(alternatives) = operation.access else { continue };
        let single = Scope::ALL.iter().map(std::slice::from_ref);
        for scopes in std::iter::once(&[][..]).chain(single) {
            let claim = claim_of(scopes);
            if Scopes::parse(&claim).satisfy(alternatives) {
                continue;
            }
            let answer = ask(&hub, operation, Some(&token("uss1", &claim))).await;

            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{operation:?} with `{claim}`");
            assert!(answer.message().contains(alternatives[0][0].as_str()), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn opens_each_operation_by_each_of_its_alternatives() {
    let hub = TestHub::start().await;
    for operation in operation::operations() {
        let Access::Scopes(alternatives) = operation.access else { continue };
        assert!(!alternatives.is_empty(), "{operation:?} is opened by nothing");
        for scopes in alternatives {
            assert!(!scopes.is_empty(), "{operation:?} is opened by every token");
            let answer = ask(&hub, operation, Some(&token("uss1", &claim_of(scopes)))).await;

            let status = answer.status;
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            assert!(!refused && !status.is_server_error(), "{operation:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn asks_nobody_for_a_token_where_none_is_needed_and_nowhere_else() {
    let hub = TestHub::start().await;
    let mut open = Vec::new();
    for operation in operation::operations().filter(|operation| operation.access == Access::Open) {
        for token in [None, Some("nonsense"), Some(&*forged_token())] {
            let answer = ask(&hub, operation, token).await;

            // The hub does no TLS here, so it has no authorities to tell of.
            let let_in = answer.status.is_success() || answer.status == StatusCode::NOT_IMPLEMENTED;
            assert!(let_in, "{operation:?}: {answer:?}");
        }
        open.push((operation.method.as_str(), operation.path));
    }
    assert_eq!(open, OPEN);
}
