//! The desk's own API, over HTTP.

use desk::Desk;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, World, send, through_the_middle, volume4d};

async fn ask(desk: &Desk, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let addr = desk.user_addr().expect("the user is served");
    send(method, &format!("http://{addr}/desk/v1/{path}"), None, body).await
}

fn flight() -> Value {
    json!({
        "path": [
            { "lat": 46.95, "lng": 7.43, "altitude_m": 100.0, "time": "2027-01-15T08:01:00Z" },
            { "lat": 46.95, "lng": 7.45, "altitude_m": 120.0, "time": "2027-01-15T08:02:00Z" },
        ],
        "buffer_lateral_m": 50.0,
        "buffer_vertical_m": 15.0,
    })
}

fn check_problem(answer: &Answer, status: StatusCode, detail: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.body["status"], status.as_u16());
    let found = answer.body["detail"].as_str().expect("a problem has a detail");
    assert!(found.contains(detail), "{found}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flies_activates_and_ends_for_its_user() {
    let world = World::start().await;
    let desk = world.desk("alder").await;

    let flown = ask(&desk, Method::POST, "flights", Some(&flight())).await;
    let id = flown.body["flight"]["id"].as_str().expect("a flight has an id").to_owned();
    let shown = ask(&desk, Method::GET, &format!("flights/{id}"), None).await;
    let activated = ask(&desk, Method::POST, &format!("flights/{id}/activate"), None).await;
    let listed = ask(&desk, Method::GET, "flights", None).await;
    let ended = ask(&desk, Method::DELETE, &format!("flights/{id}"), None).await;
    let gone = ask(&desk, Method::GET, &format!("flights/{id}"), None).await;

    assert_eq!(flown.status, StatusCode::CREATED, "{flown:?}");
    assert_eq!(flown.headers["location"], format!("/desk/v1/flights/{id}"));
    assert_eq!(flown.body["report"]["resolution"], "as_asked");
    assert_eq!(flown.body["flight"]["time_start"], "2027-01-15T08:01:00Z");
    assert_eq!(shown.body["flight"], flown.body["flight"]);
    assert_eq!(activated.status, StatusCode::OK);
    assert_eq!(activated.body["flight"]["state"], "activated");
    assert_eq!(listed.body["flights"][0]["id"], id);
    assert_eq!(listed.body["flights"][0].get("volumes"), None);
    assert_eq!(listed.body.get("next_after"), None);
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    check_problem(&gone, StatusCode::NOT_FOUND, "no such flight");
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_why_a_flight_was_given_up() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    desk.fly(through_the_middle(60.0)).await.expect("the hub answers");

    let refused = ask(&desk, Method::POST, "flights", Some(&flight())).await;

    check_problem(&refused, StatusCode::CONFLICT, "no room");
    let report = &refused.body["report"];
    assert_eq!(report["resolution"], "given_up");
    assert_eq!(report["conflicts"][0]["kind"], "operational_intent");
    assert_eq!(report["conflicts"][0]["manager"], "alder");
    assert!(report["conflicts"][0]["theirs"]["volume"].is_object());
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puts_and_ends_constraints_for_its_user() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let request = json!({
        "volumes": [volume4d(200.0, 100.0)],
        "type": "com.example.hospital",
        "geozone": { "identifier": "one", "country": "CHE" },
    });

    let put = ask(&desk, Method::POST, "constraints", Some(&request)).await;
    let id = put.body["constraint"]["id"].as_str().expect("it has an id").to_owned();
    let shown = ask(&desk, Method::GET, &format!("constraints/{id}"), None).await;
    let listed = ask(&desk, Method::GET, "constraints", None).await;
    let no_flight = ask(&desk, Method::DELETE, &format!("flights/{id}"), None).await;
    let ended = ask(&desk, Method::DELETE, &format!("constraints/{id}"), None).await;

    assert_eq!(put.status, StatusCode::CREATED, "{put:?}");
    assert_eq!(shown.body["constraint"]["type"], "com.example.hospital");
    assert_eq!(shown.body["constraint"]["volumes"], request["volumes"]);
    assert_eq!(listed.body["constraints"][0]["id"], id);
    check_problem(&no_flight, StatusCode::NOT_FOUND, "no such");
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(desk.constraints(), []);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn says_what_is_wrong_with_a_request() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let without = |field: &str| {
        let mut body = flight();
        body.as_object_mut().expect("an object").remove(field);
        body
    };
    let with = |field: &str, value: Value| {
        let mut body = flight();
        body[field] = value;
        body
    };
    let cases = [
        (without("path"), "path: exactly one of path and volumes"),
        (with("volumes", json!([])), "path: exactly one of path and volumes"),
        (without("buffer_lateral_m"), "buffer_lateral_m: it must be given"),
        (with("buffer_vertical_m", json!(0.5)), "buffer_vertical_m: it is not within 1 to 1000"),
        (with("path", json!([])), "path: it must have 2 to"),
        (with("delay_s_max", json!(90_000)), "delay_s_max: it is more than 86400"),
        (with("delay_s_max", json!(-1)), "delay_s_max"),
        (with("altitude_m_step", json!(10.0)), "the flight as asked for is not between them"),
        (with("allowed_constraints", json!(["x"])), "allowed_constraints[0]"),
        (with("wait_s_max", json!(10)), "unknown field `wait_s_max`"),
        (json!({ "volumes": [volume4d(0.0, 0.0)] }), "volumes[0].volume.outline_circle"),
        (json!({ "volumes": [] }), "volumes: there must be 1 to 64"),
    ];
    for (body, detail) in cases {
        let refused = ask(&desk, Method::POST, "flights", Some(&body)).await;
        check_problem(&refused, StatusCode::BAD_REQUEST, detail);
    }
    let nowhere = ask(&desk, Method::GET, "planes", None).await;
    check_problem(&nowhere, StatusCode::NOT_FOUND, "nothing at this path");
    let bad_query = ask(&desk, Method::GET, "flights?page=2", None).await;
    check_problem(&bad_query, StatusCode::BAD_REQUEST, "after=ID");
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_volumes_that_are_ready() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let body = json!({ "volumes": [volume4d(150.0, 100.0), volume4d(100.0, 140.0)] });

    let flown = ask(&desk, Method::POST, "flights", Some(&body)).await;

    assert_eq!(flown.status, StatusCode::CREATED, "{flown:?}");
    assert_eq!(flown.body["flight"]["volumes"], body["volumes"]);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serves_its_user_only_where_nobody_else_can_reach_it() {
    let world = World::start().await;
    let mut public = world.desk_config("alder");
    public.base_url = Some("https://alder.example".to_owned());
    let mut with_listener = world.desk_config("birch");
    with_listener.base_url = Some("https://birch.example".to_owned());
    with_listener.user_listen = Some(([127, 0, 0, 1], 0).into());

    let public = Desk::start(public).await.expect("the desk starts");
    let with_listener = Desk::start(with_listener).await.expect("the desk starts");

    assert_eq!(public.user_addr(), None);
    let on_public = async |desk: &Desk| {
        send(Method::GET, &format!("http://{}/desk/v1/flights", desk.addr()), None, None).await
    };
    assert_eq!(on_public(&public).await.status, StatusCode::NOT_FOUND);
    assert_eq!(on_public(&with_listener).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&with_listener, Method::GET, "flights", None).await.status, StatusCode::OK);
    let user_addr = with_listener.user_addr().expect("it has one");
    let reports = format!("http://{user_addr}/uss/v1/reports");
    assert_eq!(send(Method::POST, &reports, None, None).await.status, StatusCode::NOT_FOUND);
    for desk in [public, with_listener] {
        desk.shutdown().await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn says_that_it_is_healthy() {
    let world = World::start().await;
    let desk = world.desk("alder").await;

    let healthy = send(Method::GET, &format!("http://{}/healthy", desk.addr()), None, None).await;

    assert_eq!(healthy.status, StatusCode::OK);
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_positions_and_shows_who_is_in_a_watched_area() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let mut request = flight();
    request["identification"] = json!({
        "aircraft_type": "Aeroplane",
        "uas_id": { "serial_number": "TEST1234" },
        "operator_id": "CHE123abc",
    });
    let flown = ask(&desk, Method::POST, "flights", Some(&request)).await;
    let id = flown.body["flight"]["id"].as_str().expect("an id").to_owned();
    ask(&desk, Method::POST, &format!("flights/{id}/activate"), None).await;
    world.clock.advance(std::time::Duration::from_secs(90));
    let position = json!({
        "time": "2027-01-15T08:01:28.5Z", "lat": 46.95, "lng": 7.44, "altitude_m": 110.0,
        "speed_m_per_s": 25.0, "track_deg": 90.0, "accuracy_horizontal_m": 3.0,
    });
    let corners =
        json!({ "corners": [{ "lat": 46.93, "lng": 7.42 }, { "lat": 46.97, "lng": 7.46 }] });
    let telemetry = format!("flights/{id}/telemetry");

    let told = ask(&desk, Method::POST, &telemetry, Some(&position)).await;
    let stale = ask(&desk, Method::POST, &telemetry, Some(&position)).await;
    let watch = ask(&desk, Method::POST, "watches", Some(&corners)).await;
    let path = format!("watches/{}", watch.body["watch"]["id"].as_str().expect("an id"));
    let listed = ask(&desk, Method::GET, "watches", None).await;
    let shown = ask(&desk, Method::GET, &path, None).await;
    let seen = ask(&desk, Method::GET, &format!("{path}/flights"), None).await;
    let ended = ask(&desk, Method::DELETE, &path, None).await;
    let gone = ask(&desk, Method::GET, &format!("{path}/flights"), None).await;

    assert_eq!(told.status, StatusCode::NO_CONTENT, "{told:?}");
    check_problem(&stale, StatusCode::CONFLICT, "time: it is not later");
    assert_eq!(watch.status, StatusCode::CREATED, "{watch:?}");
    assert_eq!(watch.headers["location"], format!("/desk/v1/{path}"));
    assert_eq!(watch.body["watch"]["corners"], corners["corners"]);
    assert_eq!(watch.body["watch"]["subscribed_until"], "2027-01-16T08:00:30Z");
    assert_eq!((&shown.body, &listed.body["watches"][0]), (&watch.body, &watch.body["watch"]));
    let expected = json!({
        "time": "2027-01-15T08:01:30Z",
        "flights": [{
            "id": id,
            "owner": "alder",
            "aircraft_type": "Aeroplane",
            "simulated": false,
            "state": {
                "time": "2027-01-15T08:01:28.5Z", "age_s": 1.5, "lat": 46.95, "lng": 7.44,
                "altitude_m": 110.0, "speed_m_per_s": 25.0, "track_deg": 90.0,
                "extrapolated": false, "status": "Undeclared",
            },
        }],
        "silent": [],
    });
    assert_eq!(seen.body, expected);
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    check_problem(&gone, StatusCode::NOT_FOUND, "there is no such");
    desk.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn says_what_is_wrong_with_positions_and_watches() {
    let world = World::start().await;
    let desk = world.desk("alder").await;
    let flown = ask(&desk, Method::POST, "flights", Some(&flight())).await;
    let id = flown.body["flight"]["id"].as_str().expect("an id").to_owned();
    let telemetry = format!("flights/{id}/telemetry");
    let position = |field: &str, value: Value| {
        let mut position = json!({ "time": "2027-01-15T08:00:00Z", "lat": 46.95, "lng": 7.44 });
        position[field] = value;
        position
    };
    let corners = |lat: f64, lng: f64| json!({ "corners": [{ "lat": 46.93, "lng": 7.42 }, { "lat": lat, "lng": lng }] });
    let (bad, conflict) = (StatusCode::BAD_REQUEST, StatusCode::CONFLICT);

    for (path, body, status, detail) in [
        (telemetry.as_str(), position("lat", json!(91.0)), bad, "latitude"),
        (&telemetry, position("speed", json!(1.0)), bad, "unknown field"),
        (&telemetry, position("speed_m_per_s", json!(-1.0)), bad, "speed_m_per_s"),
        (&telemetry, position("time", json!("2027-01-15T08:00:06Z")), bad, "ahead"),
        (&telemetry, position("lat", json!(46.95)), conflict, "not activated"),
        ("watches", corners(46.93, 181.0), bad, "longitude"),
        ("watches", corners(47.93, 7.42), bad, "corners: "),
        ("watches", json!({ "corners": [{ "lat": 46.93, "lng": 7.42 }] }), bad, "corners"),
    ] {
        let answer = ask(&desk, Method::POST, path, Some(&body)).await;
        check_problem(&answer, status, detail);
    }
    desk.shutdown().await;
    world.end().await;
}
