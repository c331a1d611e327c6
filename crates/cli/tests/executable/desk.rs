//! `tansiq desk` beside a hub.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::json;

use crate::support::{Ask, Client, Hub, Place, Process, Reply, display, tansiq, text};

/// A hub that believes what desks call it: the host of its URL.
fn start_hub(place: &Place) -> Hub {
    let mut arguments = place.hub_arguments();
    arguments.extend(["--audience=127.0.0.1", "--allow-http"].map(str::to_owned));
    Hub::start(&arguments)
}

fn start_desk(place: &Place, hub: &Hub, party: &str) -> (Process, SocketAddr) {
    let (data, key, public_key) =
        (display(&place.path(party)), place.private_key(), place.public_key());
    let hub_url = format!("http://{}", hub.address);
    let desk = Process::start(&[
        "desk",
        "--listen=127.0.0.1:0",
        "--data",
        &data,
        "--hub",
        &hub_url,
        "--token-key",
        &key,
        "--party",
        party,
        "--public-key",
        &public_key,
        "--audience",
        crate::support::AUDIENCE,
        "--allow-private-addresses",
    ]);
    let address = desk.wait_for_line("the desk listens on ").parse().expect("an address");
    (desk, address)
}

/// A flight along a parallel that may climb by steps of 50 m.
fn flight(altitude_m_max: f64) -> String {
    let point = |lng: f64, time: &str| json!({ "lat": 46.0, "lng": lng, "altitude_m": 100.0, "time": time });
    json!({
        "path": [point(7.0, "2120-01-01T00:00:00Z"), point(7.02, "2120-01-01T00:02:00Z")],
        "buffer_lateral_m": 50.0,
        "buffer_vertical_m": 15.0,
        "altitude_m_min": 100.0,
        "altitude_m_max": altitude_m_max,
        "altitude_m_step": 50.0,
    })
    .to_string()
}

fn ask(address: SocketAddr, ask: &Ask) -> Reply {
    Client::connect(address).and_then(|mut client| client.ask(ask)).expect("it answers")
}

fn fly(address: SocketAddr, body: String) -> Reply {
    let path = "/desk/v1/flights".to_owned();
    ask(address, &Ask { method: "POST", path, body, ..Ask::default() })
}

#[test]
fn two_desks_keep_their_flights_apart() {
    let place = Place::new();
    let hub = start_hub(&place);
    let (_alder, alder) = start_desk(&place, &hub, "alder");
    let (_birch, birch) = start_desk(&place, &hub, "birch");

    let first = fly(alder, flight(100.0));
    let second = fly(birch, flight(200.0));
    let third = fly(alder, flight(100.0));

    assert_eq!(first.status, 201, "{}", text(&first.body));
    assert_eq!(second.status, 201, "{}", text(&second.body));
    assert_eq!(second.json()["flight"]["climb_m"], 50.0);
    assert_eq!(second.json()["report"]["conflicts"][0]["manager"], "alder");
    assert_eq!(third.status, 409, "{}", text(&third.body));
}

#[test]
fn serves_details_after_it_was_killed() {
    let place = Place::new();
    let hub = start_hub(&place);
    let (mut desk, address) = start_desk(&place, &hub, "alder");
    let flown = fly(address, flight(100.0)).json();
    let id = flown["flight"]["id"].as_str().expect("an id");

    desk.kill();
    let (mut again, address) = start_desk(&place, &hub, "alder");
    let path = format!("/uss/v1/operational_intents/{id}");
    let token = Some(place.token("birch"));
    let details = ask(address, &Ask { method: "GET", path, token, ..Ask::default() });

    assert_eq!(details.status, 200, "{}", text(&details.body));
    assert_eq!(details.json()["operational_intent"]["reference"]["id"], id);
    again.signal(Signal::TERM);
    assert!(again.wait().success());
}

#[test]
fn refuses_to_start_without_a_source_of_tokens() {
    let place = Place::new();
    let (data, key) = (display(&place.path("desk")), place.public_key());

    let refused =
        tansiq(&["desk", "--data", &data, "--hub", "http://127.0.0.1:1", "--public-key", &key]);

    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--token-url"), "{}", text(&refused.stderr));
}
