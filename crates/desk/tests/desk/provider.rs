//! A desk as a service provider of remote ID: what others see of its flights.

use std::time::Duration;

use airspace::EntityId;
use desk::{
    Accuracy, Course, Desk, FlightRequest, Identification, RemoteId, Telemetry, TelemetryError,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use spacetime::LatLng;
use wire::f3411_22a::uss::flight_details::UasId;
use wire::f3411_22a::uss::flights::UaType;

use crate::support::{
    self, Answer, REMOTE_ID_SCOPES, World, at, check_schema, id, place, send, straight,
    through_the_middle, token,
};

const DESCRIPTION: &str = "f3411-22a.yaml";

async fn get(desk: &Desk, path: &str) -> Answer {
    let token = token("cedar", "rid.display_provider");
    send(Method::GET, &format!("http://{}{path}", desk.addr()), Some(&token), None).await
}

/// Returns what a display provider sees in the middle of the town, from a minute ago until now.
async fn seen(desk: &Desk) -> Answer {
    let (one, other) = (place(-1_000.0, -1_000.0), place(1_000.0, 1_000.0));
    let answer = get(desk, &format!("/uss/flights?view={}", view(one, other))).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer
}

fn view(one: LatLng, other: LatLng) -> String {
    format!("{},{},{},{}", one.lat_deg(), one.lng_deg(), other.lat_deg(), other.lng_deg())
}

/// Returns the identification service areas that the hub has around the town.
async fn areas(world: &World) -> Vec<Value> {
    let (one, other) = (place(-900.0, -900.0), place(900.0, 900.0));
    let area = format!("{},{},{}", view(one, other), one.lat_deg(), other.lng_deg());
    let url = format!("{}/rid/v2/dss/identification_service_areas?area={area}", world.hub_url);
    let found = send(Method::GET, &url, Some(&token("cedar", REMOTE_ID_SCOPES)), None).await;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    found.body["service_areas"].as_array().expect("a list").clone()
}

async fn desk(world: &World, remote_id: RemoteId) -> Desk {
    let mut config = world.desk_config("alder");
    config.remote_id = remote_id;
    Desk::start(config).await.expect("the desk starts")
}

/// Flies through the middle of the town, from 60 to 120 s after the start, and activates it.
async fn activated(desk: &Desk, request: FlightRequest) -> EntityId {
    let report = desk.fly(request).await.expect("the hub answers");
    let report = desk.activate(report.id).await.expect("the hub answers");
    assert!(report.version.is_some(), "{report:?}");
    report.id
}

fn told(east_m: f64, seconds: f64) -> Telemetry {
    Telemetry {
        time: at(seconds),
        position: place(east_m, 0.0),
        altitude_m: Some(101.5),
        track_deg: Some(89.5),
        speed_m_per_s: Some(16.0),
        climb_m_per_s: None,
        accuracy: Accuracy { horizontal_m: Some(2.0), ..Accuracy::default() },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_an_area_at_the_hub_while_a_flight_is_active() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;

    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let accepted = areas(&world).await;
    alder.activate(report.id).await.expect("the hub answers");
    let active = areas(&world).await;
    alder.activate(report.id).await.expect("the hub answers");
    let again = areas(&world).await;
    alder.end(report.id).await.expect("the hub answers");
    let ended = areas(&world).await;

    assert_eq!(accepted, [] as [Value; 0]);
    let [area] = active.as_slice() else { panic!("one: {active:?}") };
    assert_eq!(area["owner"], "alder");
    assert_eq!(area["uss_base_url"], alder.base_url());
    assert_eq!(area["time_start"]["value"], "2027-01-15T08:01:00Z");
    // A minute after the end its recent positions are still told.
    assert_eq!(area["time_end"]["value"], "2027-01-15T08:03:00Z");
    assert_ne!(area["id"], report.id.to_string());
    assert_eq!(again.len(), 1);
    assert_eq!(ended, [] as [Value; 0]);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removes_the_area_of_a_flight_that_is_over() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    activated(&alder, through_the_middle(60.0)).await;
    world.clock.advance(Duration::from_secs(600));

    alder.tidy().await;

    assert_eq!(areas(&world).await, [] as [Value; 0]);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_nobody_of_its_flights_if_it_shall_not() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let flight = activated(&alder, through_the_middle(60.0)).await;
    alder.shutdown().await;

    let alder = desk(&world, RemoteId::Off).await;
    alder.settle().await;
    world.clock.advance(Duration::from_secs(90));

    assert_eq!(areas(&world).await, [] as [Value; 0]);
    let seen = seen(&alder).await;
    assert_eq!(seen.body["flights"], json!([]));
    let details = get(&alder, &format!("/uss/flights/{flight}/details")).await;
    assert_eq!(details.status, StatusCode::NOT_FOUND);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_of_flights_that_were_active_before_it_was_told_to() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Off).await;
    activated(&alder, through_the_middle(60.0)).await;
    alder.shutdown().await;
    let before = areas(&world).await;

    let alder = desk(&world, RemoteId::Telemetry).await;
    alder.settle().await;

    assert_eq!((before.len(), areas(&world).await.len()), (0, 1));
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_where_its_plan_has_a_flight() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Plan).await;
    let api = support::api(DESCRIPTION, "flights of a desk against the standard's description");
    let flight = activated(&alder, through_the_middle(60.0)).await;

    let before = seen(&alder).await;
    // Half of the way, and some.
    world.clock.advance(Duration::from_millis(90_400));
    let halfway = seen(&alder).await;

    assert_eq!(before.body["flights"], json!([]));
    check_schema(api.as_ref(), "GET", "/uss/flights", &halfway);
    let [seen_flight] = halfway.body["flights"].as_array().expect("a list").as_slice() else {
        panic!("one: {halfway:?}");
    };
    assert_eq!(seen_flight["id"], flight.to_string());
    assert_eq!(seen_flight["simulated"], true);
    assert_eq!(seen_flight.get("recent_positions"), None);
    let state = &seen_flight["current_state"];
    assert_eq!(state["timestamp"]["value"], "2027-01-15T08:01:30Z");
    let position = &state["position"];
    let number = |value: &Value| value.as_f64().expect("a number");
    let there = LatLng::new(number(&position["lat"]), number(&position["lng"])).expect("in range");
    assert!(there.distance_m(place(0.0, 0.0)) < 0.5, "{position}");
    assert_eq!((&position["alt"], &position["extrapolated"]), (&json!(100.0), &json!(true)));
    assert!((number(&state["track"]) - 90.0).abs() < 0.1, "{state}");
    assert!((number(&state["speed"]) - 1_000.0 / 60.0).abs() < 0.01, "{state}");
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_the_middle_of_a_volume_as_far_off_as_it_is_large() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let request = straight(place(0.0, 0.0), place(10.0, 0.0), 60.0);
    let report = alder.fly(request).await.expect("the hub answers");
    let volumes = report.volumes.clone();
    alder.end(report.id).await.expect("the hub answers");
    activated(&alder, FlightRequest::new(Course::Volumes(volumes))).await;
    world.clock.advance(Duration::from_secs(90));

    let seen = seen(&alder).await;

    let state = &seen.body["flights"][0]["current_state"];
    assert_eq!(state["position"]["extrapolated"], true, "{seen:?}");
    // 5 m to each end and a buffer of 50 m around.
    assert_eq!(state["position"]["accuracy_h"], "HA005NM");
    assert_eq!(state["position"]["accuracy_v"], "VA25m");
    assert_eq!((&state["speed"], &state["track"]), (&json!(255.0), &json!(361.0)));
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_where_its_user_says_a_flight_is() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let api = support::api(DESCRIPTION, "flights of a desk against the standard's description");
    let flight = activated(&alder, through_the_middle(60.0)).await;
    world.clock.advance(Duration::from_secs(90));

    let estimated = seen(&alder).await;
    for (east_m, seconds) in [(-3_000.0, 80.0), (10.0, 81.0), (20.0, 88.0)] {
        alder.tell_position(flight, told(east_m, seconds)).expect("taken");
    }
    let now = seen(&alder).await;
    let (one, other) = (place(-1_000.0, -1_000.0), place(1_000.0, 1_000.0));
    let path = format!("/uss/flights?view={}&recent_positions_duration=8", view(one, other));
    let recent = get(&alder, &path).await;

    // Until something is told, its plan says where it may be.
    let state = &estimated.body["flights"][0]["current_state"];
    assert_eq!(state["position"]["extrapolated"], true, "{estimated:?}");
    let flight = &now.body["flights"][0];
    let state = &flight["current_state"];
    assert_eq!(flight["simulated"], false);
    assert_eq!(state["timestamp"]["value"], "2027-01-15T08:01:28Z");
    assert_eq!(state["position"]["extrapolated"], false);
    assert_eq!(state["position"]["accuracy_h"], "HA3m");
    assert_eq!(
        (&state["position"]["alt"], &state["vertical_speed"]),
        (&json!(101.5), &json!(63.0))
    );
    check_schema(api.as_ref(), "GET", "/uss/flights", &recent);
    let positions = recent.body["flights"][0]["recent_positions"].as_array().expect("a list");
    // The first was told longer ago than is asked for.
    assert_eq!(positions.len(), 1, "{positions:?}");
    assert_eq!(positions[0]["time"]["value"], "2027-01-15T08:01:28Z");
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_of_a_flight_that_left_the_view_for_another_minute() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let flight = activated(&alder, through_the_middle(60.0)).await;
    let ask = async |recent_s: u32| {
        let (one, other) = (place(-100.0, -100.0), place(100.0, 100.0));
        let view = view(one, other);
        let path = format!("/uss/flights?view={view}&recent_positions_duration={recent_s}");
        get(&alder, &path).await.body["flights"].clone()
    };
    world.clock.advance(Duration::from_secs(60));
    alder.tell_position(flight, told(0.0, 60.0)).expect("taken");
    world.clock.advance(Duration::from_secs(60));
    alder.tell_position(flight, told(500.0, 120.0)).expect("taken");

    let left = ask(60).await;
    world.clock.advance(Duration::from_millis(1));
    let later = ask(60).await;

    assert_eq!(left[0].get("current_state"), None, "{left}");
    assert_eq!(left[0]["recent_positions"].as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(later, json!([]));
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_positions_of_active_flights_in_order_of_time() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let report = alder.fly(through_the_middle(60.0)).await.expect("the hub answers");
    let unknown = EntityId::parse(&id(1)).expect("an id");
    world.clock.advance(Duration::from_secs(90));
    let tell = |flight, seconds| alder.tell_position(flight, told(0.0, seconds));

    assert_eq!(tell(unknown, 90.0), Err(TelemetryError::NotFound));
    assert_eq!(tell(report.id, 90.0), Err(TelemetryError::NotActivated));
    alder.activate(report.id).await.expect("the hub answers");
    assert_eq!(tell(report.id, 90.0), Ok(()));
    assert_eq!(tell(report.id, 90.0), Err(TelemetryError::Stale));
    assert_eq!(tell(report.id, 95.1), Err(TelemetryError::Ahead));
    alder.end(report.id).await.expect("the hub answers");
    assert_eq!(tell(report.id, 91.0), Err(TelemetryError::NotFound));
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refuses_views_that_are_too_large_or_none() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let api = support::api(DESCRIPTION, "refusals of a desk against the standard's description");
    let check = async |query: &str, status: StatusCode, message: &str| {
        let answer = get(&alder, &format!("/uss/flights{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        let found = answer.body["message"].as_str().expect("a message");
        assert!(found.contains(message), "{query}: {found}");
        check_schema(api.as_ref(), "GET", "/uss/flights", &answer);
    };

    let bad = StatusCode::BAD_REQUEST;
    check("", bad, "view: it must be given").await;
    check("?view=46.9,7.4,47.0", bad, "view: ").await;
    check("?view=46.9,7.4,91,7.4", bad, "view: ").await;
    check("?view=46.9,7.4,46.9,7.4&view=0,0,0,0", bad, "view: it is given more than once").await;
    let long = "?view=46.9,7.4,46.9,7.4&recent_positions_duration=61";
    check(long, bad, "recent_positions_duration: ").await;
    // 0.063 degrees of latitude are 7.005 km.
    check("?view=46.9,7.4,46.963,7.4", StatusCode::PAYLOAD_TOO_LARGE, "view: ").await;
    let largest = get(&alder, "/uss/flights?view=46.9%2C7.4%2C46.9629%2C7.4").await;
    assert_eq!(largest.status, StatusCode::OK);
    assert_eq!(largest.body["no_isas_present"], true);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_who_flies_to_those_who_ask_for_one_flight_only() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let api = support::api(DESCRIPTION, "details of a desk against the standard's description");
    let identification = Identification {
        aircraft_type: UaType::Helicopter,
        uas_id: Some(UasId { serial_number: "TEST1234".to_owned(), ..UasId::default() }),
        operator_id: "CHE123abc".to_owned(),
        operation_description: "medicine".to_owned(),
        ..Identification::default()
    };
    let request = FlightRequest { identification, ..through_the_middle(60.0) };
    let report = alder.fly(request).await.expect("the hub answers");
    let path = format!("/uss/flights/{}/details", report.id);

    let accepted = get(&alder, &path).await;
    alder.activate(report.id).await.expect("the hub answers");
    let active = get(&alder, &path).await;
    world.clock.advance(Duration::from_secs(90));
    let seen = seen(&alder).await;
    let area = areas(&world).await[0].to_string();
    let no_id = get(&alder, "/uss/flights/x/details").await;

    assert_eq!(accepted.status, StatusCode::NOT_FOUND);
    assert_eq!(active.status, StatusCode::OK);
    check_schema(api.as_ref(), "GET", &path, &active);
    let expected = json!({
        "details": {
            "id": report.id.to_string(),
            "uas_id": { "serial_number": "TEST1234" },
            "operator_id": "CHE123abc",
            "operation_description": "medicine",
        },
    });
    assert_eq!(active.body, expected);
    assert_eq!(seen.body["flights"][0]["aircraft_type"], "Helicopter");
    for hidden in ["TEST1234", "CHE123abc", "medicine"] {
        assert!(!seen.body.to_string().contains(hidden) && !area.contains(hidden), "{hidden}");
    }
    assert_eq!(no_id.status, StatusCode::NOT_FOUND);
    alder.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tells_where_an_area_of_its_own_is() {
    let world = World::start().await;
    let alder = desk(&world, RemoteId::Telemetry).await;
    let api = support::api(DESCRIPTION, "areas of a desk against the standard's description");
    let flight = activated(&alder, through_the_middle(60.0)).await;
    let area = areas(&world).await[0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/uss/identification_service_areas/{area}");

    let active = get(&alder, &path).await;
    alder.end(flight).await.expect("the hub answers");
    let ended = get(&alder, &path).await;

    assert_eq!(active.status, StatusCode::OK);
    check_schema(api.as_ref(), "GET", &path, &active);
    // A circle around a point of a coarse grid says nothing of where it takes off.
    let circle = &active.body["extents"]["volume"]["outline_circle"];
    assert_eq!(circle["center"], json!({ "lat": 46.95, "lng": 7.44 }), "{circle}");
    assert_eq!(circle["radius"]["value"], 1_000.0, "{circle}");
    assert_eq!(ended.status, StatusCode::NOT_FOUND);
    alder.shutdown().await;
    world.end().await;
}
