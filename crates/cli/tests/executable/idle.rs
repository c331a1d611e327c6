//! Many connections that ask nothing.

use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Ask, Client, Place, healthy};

/// How many connections stay open.
const CONNECTIONS: usize = 10_000;

/// How much memory the hub may need for each.
const BYTES_EACH_MAX: u64 = 32 * 1024;

/// Lets this process open as many descriptors as the system allows; tells whether that is enough.
fn raise_descriptors() -> bool {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let enough = limit.maximum.is_none_or(|maximum| (CONNECTIONS as u64 + 500) < maximum);
    enough && setrlimit(Resource::Nofile, raised).is_ok()
}

#[test]
fn serves_others_beside_ten_thousand_idle_connections() {
    if !raise_descriptors() {
        testkit::skip("10,000 idle connections: the system allows too few descriptors");
        return;
    }
    let place = Place::new();
    let hub = place.start_hub();
    let token = place.token("alder");
    assert_eq!(healthy(&hub), 200);
    let before = hub.process.resident_bytes();

    let idle: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| TcpStream::connect(hub.address).expect("the hub accepts"))
        .collect();
    let path = "/dss/v1/uss_availability/alder".to_owned();
    let ask = Ask { method: "GET", path, token: Some(token), ..Ask::default() };
    let beside = hub.connect().ask(&ask).expect("it answers");
    let grown = hub.process.resident_bytes().saturating_sub(before);

    assert_eq!(beside.status, 200);
    assert!(grown <= CONNECTIONS as u64 * BYTES_EACH_MAX, "{grown} bytes");
    // The last of them was not closed for the others and still works.
    let last = idle.into_iter().next_back().expect("there are many");
    assert_eq!(Client::over(last).ask(&ask).expect("it answers").status, 200);
}
