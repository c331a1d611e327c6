//! One party cannot starve the others.

use reqwest::{Method, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::{ALL_SCOPES, TestHub, eventually, intent_path, operational_intent, token};

/// Starts a request whose body does not come, so that it stays under way.
async fn hold_one(hub: &TestHub, party: &str) -> TcpStream {
    let token = token(party, ALL_SCOPES);
    let path = intent_path(1);
    let head = format!(
        "PUT {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\
         Content-Length: 100\r\n\r\n"
    );
    let mut stream = TcpStream::connect(hub.hub.local_addr()).await.expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("it is sent");
    stream
}

#[tokio::test]
async fn leaves_room_for_a_modest_party_beside_a_greedy_one() {
    let hub = TestHub::start_with(|config| config.limits.requests_max = 8).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(hold_one(&hub, "greedy").await);
    }
    eventually(async || hub.metric("tansiq_requests_under_way").await == 4.0).await;

    let refused = hub.send("greedy", Method::GET, &intent_path(1), None).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    assert!(refused.message().contains("party"));

    for n in 1..20 {
        let body = operational_intent(7.0 + f64::from(n) / 10.0, 100.0);
        let taken = hub.send("modest", Method::PUT, &intent_path(n), Some(body)).await;
        assert_eq!(taken.status, StatusCode::CREATED);
    }

    drop(held);
    eventually(async || hub.metric("tansiq_requests_under_way").await == 0.0).await;
    let served = hub.send("greedy", Method::GET, &intent_path(99), None).await;
    assert_eq!(served.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn takes_the_next_party_when_many_are_greedy() {
    let hub = TestHub::start_with(|config| config.limits.requests_max = 12).await;
    let mut held = Vec::new();
    for party in ["one", "two", "three"] {
        for _ in 0..8 {
            held.push(hold_one(&hub, party).await);
        }
    }
    // Six of the first, three of the second, two of the third or so: never all of them.
    eventually(async || 9.0 <= hub.metric("tansiq_requests_under_way").await).await;

    let taken = hub.send("modest", Method::GET, &intent_path(1), None).await;

    assert_eq!(taken.status, StatusCode::NOT_FOUND);
}
