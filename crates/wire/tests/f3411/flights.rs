//! Flights and their details between USSs of F3411-22a.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wire::f3411_22a::uss::flight_details::RidFlightDetails;
use wire::f3411_22a::uss::flights::{
    GetFlightsResponse, HorizontalAccuracy, RidAircraftPosition, RidFlight, RidOperationalStatus,
};

use crate::{altitude, rewrite, time, volume_22a, with};

fn position() -> Value {
    json!({
        "lat": 47.5,
        "lng": -118.456,
        "alt": 1321.2,
        "accuracy_h": "HA3m",
        "accuracy_v": "VA10m",
        "extrapolated": true,
        "pressure_altitude": 1300.5,
        "height": {"distance": 50.5, "reference": "TakeoffLocation"},
    })
}

/// A flight with all its fields, although some exclude one another.
pub(crate) fn flight() -> Value {
    json!({
        "id": "uss1.JA6kHYCcByQ-6AfU",
        "aircraft_type": "Helicopter",
        "current_state": {
            "timestamp": time("2026-11-23T18:34:59.2Z"),
            "timestamp_accuracy": 0.1,
            "operational_status": "RemoteIDSystemFailure",
            "position": position(),
            "track": 359.5,
            "speed": 1.9,
            "speed_accuracy": "SA03mps",
            "vertical_speed": -0.2,
        },
        "operating_area": {"aircraft_count": 2, "volumes": [volume_22a()]},
        "simulated": true,
        "recent_positions": [{"time": time("2026-11-23T18:34:58.2Z"), "position": position()}],
    })
}

pub(crate) fn details() -> Value {
    json!({
        "id": "uss1.JA6kHYCcByQ-6AfU",
        "eu_classification": {"category": "EUCategoryUndefined", "class": "Class6"},
        "uas_id": {
            "serial_number": "INTCJ123-4567-890",
            "registration_id": "N.123456",
            "utm_id": "ae1fa066-6d68-4018-8274-af867966978e",
            "specific_session_id": "02-a1b2c3d4e5f60708",
        },
        "operator_id": "N.OP123456",
        "operator_location": {
            "position": {"lat": 47.5, "lng": -118.456},
            "altitude": altitude(19.5),
            "altitude_type": "Takeoff",
        },
        "operation_description": "a survey",
        "auth_data": {"format": 15, "data": "00ff"},
    })
}

fn read_flight(flight: &Value) -> Result<RidFlight, String> {
    wire::parse(flight.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// Checks that a message is refused with an error that begins so.
fn check_refusal<T: DeserializeOwned>(message: Value, expected: &str) {
    let read = wire::parse::<T>(message.to_string().as_bytes());
    let error = read.err().unwrap_or_else(|| panic!("{message} was accepted")).to_string();
    assert!(error.starts_with(expected), "{error}\ninstead of\n{expected}");
}

#[test]
fn fills_in_what_the_standard_says_of_absent_and_null_fields() {
    let state = json!({
        "timestamp": time("2026-11-23T18:34:59.2Z"),
        "timestamp_accuracy": 0,
        "position": {},
        "speed_accuracy": "SAUnknown",
    });
    let with_null = with(state.clone(), "/position", json!({"alt": null, "accuracy_h": null}));
    let mut with_null = with(with_null, "/timestamp_accuracy", json!(0.0));
    with_null["track"] = Value::Null;
    let flight =
        |state: &Value| json!({"id": "a", "aircraft_type": "NotDeclared", "current_state": state});

    let read = read_flight(&flight(&state)).expect("a good flight");

    assert_eq!(read_flight(&flight(&with_null)).as_ref(), Ok(&read));
    assert!(!read.simulated && read.recent_positions.is_none() && read.operating_area.is_none());
    let state = read.current_state.expect("it was given");
    assert_eq!((state.track, state.speed, state.vertical_speed), (361.0, 255.0, 63.0));
    assert_eq!(state.operational_status, RidOperationalStatus::Undeclared);
    assert_eq!(state.position, RidAircraftPosition::default());
    assert_eq!((state.position.lat, state.position.lng), (0.0, 0.0));
    assert_eq!((state.position.alt, state.position.pressure_altitude), (-1_000.0, -1_000.0));
    assert_eq!(state.position.accuracy_h, HorizontalAccuracy::Unknown);
    let none: GetFlightsResponse = wire::parse(
        json!({"timestamp": time("2026-11-23T18:34:59.2Z"), "flights": null})
            .to_string()
            .as_bytes(),
    )
    .expect("a good answer");
    assert!(none.flights.is_empty() && !none.no_isas_present);
}

#[test]
fn writes_only_the_details_that_there_are() {
    let few = json!({"id": "a", "uas_id": {"serial_number": "INTCJ123-4567-890"}});
    let with_empty = json!({
        "id": "a",
        "uas_id": {"serial_number": "INTCJ123-4567-890", "registration_id": "", "utm_id": null},
        "operator_id": "",
        "operation_description": null,
        "operator_location": null,
    });

    assert_eq!(rewrite::<RidFlightDetails>(&few), few);
    assert_eq!(rewrite::<RidFlightDetails>(&with_empty), few);
}

#[test]
fn names_the_field_of_a_flight_that_is_wrong() {
    let check = |pointer: &str, replacement: Value, expected: &str| {
        check_refusal::<RidFlight>(with(flight(), pointer, replacement), expected);
    };

    check("/id", json!(""), "id: it is empty");
    check("/id", json!("x".repeat(256)), "id: it is longer than 255 characters");
    check(
        "/id",
        json!("a/b"),
        "id: it holds one of the characters NUL, tab, line feed, return, # % / : ? @ [ \\ ]",
    );
    check("/aircraft_type", json!("Drone"), "aircraft_type: unknown variant `Drone`");
    check(
        "/current_state/timestamp_accuracy",
        Value::Null,
        "current_state: missing field `timestamp_accuracy`",
    );
    check(
        "/current_state/timestamp_accuracy",
        json!(-0.1),
        "current_state.timestamp_accuracy: it is less than 0",
    );
    check("/current_state/track", json!(361.5), "current_state.track: it is more than 361");
    check("/current_state/track", json!(-1), "current_state.track: it is less than 0");
    check("/current_state/speed", json!(-0.5), "current_state.speed: it is less than 0");
    check(
        "/current_state/position/lat",
        json!(90.5),
        "current_state.position.lat: it is more than 90",
    );
    check(
        "/recent_positions/0/position/lng",
        json!(-180.5),
        "recent_positions[0].position.lng: it is less than -180",
    );
    check(
        "/operating_area/aircraft_count",
        json!(0),
        "operating_area.aircraft_count: invalid value: integer `0`, expected a nonzero u32",
    );
}

#[test]
fn takes_what_is_at_the_bounds() {
    let accepts = |pointer: &str, replacement: Value| {
        let read = read_flight(&with(flight(), pointer, replacement));
        assert!(read.is_ok(), "{pointer}: {read:?}");
    };

    accepts("/id", json!("x".repeat(255)));
    accepts("/current_state/track", json!(361));
    accepts("/current_state/track", json!(0));
    accepts("/current_state/timestamp_accuracy", json!(0));
    accepts("/current_state/speed", json!(0));
    accepts("/current_state/position/lat", json!(-90));
    accepts("/current_state/position/lng", json!(180));
    accepts("/operating_area/aircraft_count", json!(1));
}

#[test]
fn names_the_field_of_details_that_is_wrong() {
    let check = |pointer: &str, replacement: Value, expected: &str| {
        check_refusal::<RidFlightDetails>(with(details(), pointer, replacement), expected);
    };

    check("/auth_data/format", json!(16), "auth_data.format: it is more than 15");
    check(
        "/auth_data/format",
        json!(-1),
        "auth_data.format: invalid value: integer `-1`, expected u8",
    );
    check(
        "/operator_location/position/lat",
        json!(-90.5),
        "operator_location.position: it is less than -90",
    );
    check(
        "/operator_location/position/lng",
        json!(180.5),
        "operator_location.position: it is more than 180",
    );
    check(
        "/operator_location/altitude/value",
        json!(100_000.5),
        "operator_location.altitude: its value is not between -8000 and 100000",
    );
    check(
        "/operator_location/altitude/units",
        json!("FT"),
        "operator_location.altitude.units: unknown variant `FT`, expected `M`",
    );
    check(
        "/eu_classification/class",
        json!("Class7"),
        "eu_classification.class: unknown variant `Class7`",
    );
}
