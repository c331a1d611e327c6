//! Every message body of the DSS and USS operations survives reading and writing.

use std::collections::BTreeSet;
use std::fs;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::schema::Api;
use wire::f3548::{
    common, constraints, log_sets, operational_intents, reports, subscriptions, uss,
    uss_availability,
};

/// A message with all its fields, and what reads and writes it.
struct Sample {
    schema: &'static str,
    message: Value,
    rewrite: fn(&Value) -> Value,
}

fn rewrite<T: Serialize + DeserializeOwned>(message: &Value) -> Value {
    let read: T = wire::parse(message.to_string().as_bytes()).expect("a well-formed message");
    serde_json::from_slice(&wire::render(&read)).expect("JSON was written")
}

fn sample<T: Serialize + DeserializeOwned>(schema: &'static str, message: Value) -> Sample {
    Sample { schema, message, rewrite: rewrite::<T> }
}

fn time(value: &str) -> Value {
    json!({"value": value, "format": "RFC3339"})
}

fn circle() -> Value {
    json!({
        "volume": {
            "outline_circle": {
                "center": {"lat": 47.5, "lng": -118.456},
                "radius": {"value": 300.183, "units": "M"},
            },
            "altitude_lower": {"value": -12.192, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": 120.0, "reference": "W84", "units": "M"},
        },
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "time_end": time("2026-11-23T19:34:59.213940123Z"),
    })
}

fn polygon() -> Value {
    json!({
        "volume": {
            "outline_polygon": {
                "vertices": [
                    {"lat": 1.0, "lng": 2.0},
                    {"lat": 1.001, "lng": 2.0},
                    {"lat": 1.0, "lng": 2.001},
                ],
            },
        },
    })
}

fn operational_intent_reference() -> Value {
    json!({
        "id": "2f8343be-6482-4d1b-a474-16847e01af1e",
        "manager": "uss1",
        "uss_availability": "Normal",
        "version": 7,
        "state": "Activated",
        "ovn": "9d158f59-80b7-4c11-9c0c-8a2b4d936b2d",
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "time_end": time("2026-11-23T19:34:59Z"),
        "uss_base_url": "https://uss.example.com/utm",
        "subscription_id": "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f",
    })
}

fn operational_intent_reference_of_another() -> Value {
    let mut reference = operational_intent_reference();
    reference["ovn"] = json!("Available from USS");
    reference["subscription_id"] = json!("00000000-0000-4000-8000-000000000000");
    reference["uss_availability"] = json!("Down");
    reference
}

fn constraint_reference() -> Value {
    json!({
        "id": "2f8343be-6482-4d1b-a474-16847e01af1e",
        "manager": "uss1",
        "uss_availability": "Unknown",
        "version": 1,
        "ovn": "9d158f59-80b7-4c11-9c0c-8a2b4d936b2d",
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "time_end": time("2026-11-23T19:34:59Z"),
        "uss_base_url": "https://uss.example.com/utm",
    })
}

fn subscription() -> Value {
    json!({
        "id": "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f",
        "version": "a version",
        "notification_index": 3,
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "time_end": time("2026-11-23T19:34:59Z"),
        "uss_base_url": "https://uss.example.com/utm",
        "notify_for_operational_intents": true,
        "notify_for_constraints": false,
        "implicit_subscription": true,
        "dependent_operational_intents": ["2f8343be-6482-4d1b-a474-16847e01af1e"],
    })
}

fn subscriptions() -> Value {
    json!([{
        "subscription_id": "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f",
        "notification_index": 0,
    }])
}

fn subscribers() -> Value {
    json!([{"subscriptions": subscriptions(), "uss_base_url": "https://uss.example.com/utm"}])
}

fn telemetry() -> Value {
    json!({
        "time_measured": time("2026-11-23T18:34:59.25Z"),
        "position": {
            "longitude": 8.5,
            "latitude": 47.5,
            "accuracy_h": "HA05NM",
            "accuracy_v": "VA150mPlus",
            "extrapolated": true,
            "altitude": {"value": 120.5, "reference": "W84", "units": "M"},
        },
        "velocity": {"speed": 12.5, "units_speed": "MetersPerSecond", "track": 120.0},
    })
}

fn exchange() -> Value {
    json!({
        "url": "https://uss.example.com/utm/uss/v1/operational_intents",
        "method": "POST",
        "headers": ["Authorization: Bearer x", "Host: uss.example.com"],
        "recorder_role": "Client",
        "request_time": time("2026-11-23T18:34:59.25Z"),
        "request_source": "uss1",
        "request_body": "e30=",
        "response_time": time("2026-11-23T18:35:00Z"),
        "response_body": "e30=",
        "response_code": 500,
        "problem": "it did not answer",
    })
}

fn log_set() -> Value {
    let id = "2f8343be-6482-4d1b-a474-16847e01af1e";
    json!({
        "messages": [exchange()],
        "operator_notifications": [{
            "triggering_event_time": time("2026-11-23T18:34:59.25Z"),
            "notification_time": time("2026-11-23T18:35:00Z"),
            "notification_details": "a conflict",
            "notification_triggering_event": "SCD0090",
        }],
        "operator_inputs": [{
            "triggering_event_time": time("2026-11-23T18:34:59.25Z"),
            "operational_intent_id": id,
            "input_triggering_event": "OPIN0040",
            "input_details": "activate",
        }],
        "operator_associations": [{"operational_intent_id": id, "operator_id": "operator1"}],
        "planning_attempts": [{
            "time": time("2026-11-23T18:34:59.25Z"),
            "ovns": ["9d158f59-80b7-4c11-9c0c-8a2b4d936b2d"],
            "missing_operational_intents": [id],
            "missing_constraints": [id],
            "operational_intent_id": id,
            "problem": "a conflict",
        }],
        "operational_intent_positions": [{
            "positions": [{
                "time_received": time("2026-11-23T18:34:59.25Z"),
                "telemetry": telemetry(),
            }],
            "operational_intent_id": id,
        }],
        "constraint_provider_associations": [
            {"constraint_id": id, "constraint_provider_id": "provider1"},
        ],
    })
}

fn geozone() -> Value {
    json!({
        "identifier": "ABC1234",
        "country": "CHE",
        "zone_authority": [{"name": "an authority", "phone": "117", "purpose": "INFORMATION"}],
        "type": "PROHIBITED",
        "restriction": "forbidden",
        "region": 65535,
        "additional_properties": {"anything": [1, {"goes": null}]},
    })
}

fn dss_samples() -> Vec<Sample> {
    vec![
        sample::<common::ErrorResponse>("ErrorResponse", json!({"message": "because"})),
        sample::<operational_intents::PutOperationalIntentReferenceParameters>(
            "PutOperationalIntentReferenceParameters",
            json!({
                "extents": [circle(), polygon()],
                "key": ["9d158f59-80b7-4c11-9c0c-8a2b4d936b2d"],
                "state": "Nonconforming",
                "uss_base_url": "https://uss.example.com/utm",
                "subscription_id": "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f",
                "new_subscription": {
                    "uss_base_url": "https://uss.example.com/utm",
                    "notify_for_constraints": true,
                },
                "requested_ovn_suffix": "0192f3a0-0000-7000-8000-000000000001",
            }),
        ),
        sample::<operational_intents::GetOperationalIntentReferenceResponse>(
            "GetOperationalIntentReferenceResponse",
            json!({"operational_intent_reference": operational_intent_reference()}),
        ),
        sample::<operational_intents::ChangeOperationalIntentReferenceResponse>(
            "ChangeOperationalIntentReferenceResponse",
            json!({
                "subscribers": subscribers(),
                "operational_intent_reference": operational_intent_reference(),
            }),
        ),
        sample::<operational_intents::QueryOperationalIntentReferenceParameters>(
            "QueryOperationalIntentReferenceParameters",
            json!({"area_of_interest": polygon()}),
        ),
        sample::<operational_intents::QueryOperationalIntentReferenceResponse>(
            "QueryOperationalIntentReferenceResponse",
            json!({"operational_intent_references": [
                operational_intent_reference(),
                operational_intent_reference_of_another(),
            ]}),
        ),
        sample::<operational_intents::AirspaceConflictResponse>(
            "AirspaceConflictResponse",
            json!({
                "message": "because",
                "missing_operational_intents": [operational_intent_reference_of_another()],
                "missing_constraints": [constraint_reference()],
            }),
        ),
        sample::<constraints::PutConstraintReferenceParameters>(
            "PutConstraintReferenceParameters",
            json!({"extents": [circle()], "uss_base_url": "https://uss.example.com/utm"}),
        ),
        sample::<constraints::GetConstraintReferenceResponse>(
            "GetConstraintReferenceResponse",
            json!({"constraint_reference": constraint_reference()}),
        ),
        sample::<constraints::ChangeConstraintReferenceResponse>(
            "ChangeConstraintReferenceResponse",
            json!({"subscribers": subscribers(), "constraint_reference": constraint_reference()}),
        ),
        sample::<constraints::QueryConstraintReferenceParameters>(
            "QueryConstraintReferenceParameters",
            json!({"area_of_interest": circle()}),
        ),
        sample::<constraints::QueryConstraintReferencesResponse>(
            "QueryConstraintReferencesResponse",
            json!({"constraint_references": [constraint_reference()]}),
        ),
        sample::<subscriptions::PutSubscriptionParameters>(
            "PutSubscriptionParameters",
            json!({
                "extents": polygon(),
                "uss_base_url": "https://uss.example.com/utm",
                "notify_for_operational_intents": false,
                "notify_for_constraints": true,
            }),
        ),
        sample::<subscriptions::PutSubscriptionResponse>(
            "PutSubscriptionResponse",
            json!({
                "subscription": subscription(),
                "operational_intent_references": [operational_intent_reference()],
                "constraint_references": [],
            }),
        ),
        sample::<subscriptions::GetSubscriptionResponse>(
            "GetSubscriptionResponse",
            json!({"subscription": subscription()}),
        ),
        sample::<subscriptions::DeleteSubscriptionResponse>(
            "DeleteSubscriptionResponse",
            json!({"subscription": subscription()}),
        ),
        sample::<subscriptions::QuerySubscriptionParameters>(
            "QuerySubscriptionParameters",
            json!({"area_of_interest": circle()}),
        ),
        sample::<subscriptions::QuerySubscriptionsResponse>(
            "QuerySubscriptionsResponse",
            json!({"subscriptions": [subscription()]}),
        ),
        sample::<uss_availability::SetUssAvailabilityStatusParameters>(
            "SetUssAvailabilityStatusParameters",
            json!({"old_version": "a version", "availability": "Down"}),
        ),
        sample::<uss_availability::UssAvailabilityStatusResponse>(
            "UssAvailabilityStatusResponse",
            json!({"version": "", "status": {"uss": "uss1", "availability": "Unknown"}}),
        ),
        sample::<reports::ErrorReport>(
            "ErrorReport",
            json!({"report_id": "a report", "exchange": exchange()}),
        ),
    ]
}

fn uss_samples() -> Vec<Sample> {
    let operational_intent = json!({
        "reference": operational_intent_reference(),
        "details": {
            "volumes": [circle()],
            "off_nominal_volumes": [polygon()],
            "priority": -100,
        },
    });
    let constraint = json!({
        "reference": constraint_reference(),
        "details": {
            "volumes": [circle()],
            "type": "com.example.non_utm_aircraft_operations",
            "geozone": geozone(),
        },
    });
    vec![
        sample::<uss::operational_intents::GetOperationalIntentDetailsResponse>(
            "GetOperationalIntentDetailsResponse",
            json!({"operational_intent": operational_intent}),
        ),
        sample::<uss::operational_intents::PutOperationalIntentDetailsParameters>(
            "PutOperationalIntentDetailsParameters",
            json!({
                "operational_intent_id": "2f8343be-6482-4d1b-a474-16847e01af1e",
                "operational_intent": operational_intent,
                "subscriptions": subscriptions(),
            }),
        ),
        sample::<uss::constraints::GetConstraintDetailsResponse>(
            "GetConstraintDetailsResponse",
            json!({"constraint": constraint}),
        ),
        sample::<uss::constraints::PutConstraintDetailsParameters>(
            "PutConstraintDetailsParameters",
            json!({
                "constraint_id": "2f8343be-6482-4d1b-a474-16847e01af1e",
                "constraint": constraint,
                "subscriptions": subscriptions(),
            }),
        ),
        sample::<uss::telemetry::GetOperationalIntentTelemetryResponse>(
            "GetOperationalIntentTelemetryResponse",
            json!({
                "operational_intent_id": "2f8343be-6482-4d1b-a474-16847e01af1e",
                "telemetry": telemetry(),
                "next_telemetry_opportunity": time("2026-11-23T18:35:00Z"),
            }),
        ),
        sample::<log_sets::UssLogSet>("USSLogSet", log_set()),
    ]
}

fn samples() -> Vec<Sample> {
    let mut samples = dss_samples();
    samples.extend(uss_samples());
    samples
}

#[test]
fn loses_nothing_of_a_message() {
    for sample in samples() {
        assert_eq!((sample.rewrite)(&sample.message), sample.message, "{}", sample.schema);
    }
}

#[test]
fn ignores_unknown_fields() {
    for mut sample in samples() {
        let known = sample.message.clone();
        sample.message["a_field_of_a_later_version"] = json!({"deep": [null]});

        assert_eq!((sample.rewrite)(&sample.message), known, "{}", sample.schema);
    }
}

#[test]
fn passes_a_geozone_on_as_it_was_written() {
    let written = r#"{ "identifier" : "ABC1234", "upper": 1.10, "country":"CHE" }"#;
    let details = format!(r#"{{"volumes": [{}], "geozone": {written}}}"#, circle());

    let read: uss::constraints::ConstraintDetails =
        wire::parse(details.as_bytes()).expect("well-formed details");

    assert_eq!(read.geozone.as_ref().expect("a geozone is there").as_json(), written);
    let rewritten = String::from_utf8(wire::render(&read)).expect("JSON is UTF-8");
    assert!(rewritten.contains(written), "{rewritten}");
}

#[test]
fn reads_what_is_optional_as_absent_null_or_given() {
    let minimal = json!({
        "operational_intent_id": "2f8343be-6482-4d1b-a474-16847e01af1e",
        "subscriptions": subscriptions(),
    });
    let mut with_null = minimal.clone();
    with_null["operational_intent"] = Value::Null;
    let read = |message: &Value| {
        wire::parse::<uss::operational_intents::PutOperationalIntentDetailsParameters>(
            message.to_string().as_bytes(),
        )
        .expect("a well-formed message")
    };

    assert_eq!(read(&minimal), read(&with_null));
    assert_eq!(read(&minimal).operational_intent, None);
    let details: uss::operational_intents::OperationalIntentDetails =
        wire::parse(br#"{"volumes": null, "priority": null}"#).expect("well-formed details");
    assert_eq!(details, uss::operational_intents::OperationalIntentDetails::default());
}

#[test]
fn agrees_with_the_description_of_the_standard() {
    let Some(shared) = testkit::shared_dir() else {
        testkit::skip("messages against f3548-21.yaml");
        return;
    };
    let path = shared.join("api/f3548-21.yaml");
    let api = Api::load(&path).expect("the description is well-formed");

    for sample in samples() {
        let rewritten = (sample.rewrite)(&sample.message);
        if let Err(errors) = api.check_schema(sample.schema, &rewritten) {
            panic!("{}: {errors:#?}", sample.schema);
        }
    }

    let text = fs::read_to_string(&path).expect("it was just read");
    let (_, paths) = text.split_once("\npaths:\n").expect("a description has paths");
    let of_paths = paths.split("#/components/schemas/").skip(1);
    let named: BTreeSet<&str> = of_paths.filter_map(|rest| rest.split('\'').next()).collect();
    let known: BTreeSet<&str> = samples().iter().map(|sample| sample.schema).collect();
    let missing: Vec<&&str> = named.difference(&known).collect();
    assert_eq!(missing, [&"EntityID", &"EntityOVN", &"SubscriptionID"], "parameters of paths only");
}
