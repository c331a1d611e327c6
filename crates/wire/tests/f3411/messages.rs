//! Every message survives reading and writing, and is what the standards describe.

use std::collections::BTreeSet;
use std::fs;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::schema::Api;
use wire::f3411_19::{identification_service_areas as areas_19, subscriptions as subscriptions_19};
use wire::f3411_22a::uss::{flight_details, flights, identification_service_areas};
use wire::f3411_22a::{
    identification_service_areas as areas_22a, subscriptions as subscriptions_22a,
};

use crate::flights::{details, flight};
use crate::{ID, URL, rewrite, time, volume_19, volume_22a};

/// A message with all its fields, and what reads and writes it.
struct Sample {
    schema: &'static str,
    message: Value,
    rewrite: fn(&Value) -> Value,
}

fn sample<T: Serialize + DeserializeOwned>(schema: &'static str, message: Value) -> Sample {
    Sample { schema, message, rewrite: rewrite::<T> }
}

fn subscribers() -> Value {
    json!([{"subscriptions": subscription_states(), "url": URL}])
}

fn subscription_states() -> Value {
    json!([{"subscription_id": ID, "notification_index": 3}])
}

fn area_19() -> Value {
    json!({
        "flights_url": URL,
        "owner": "uss1",
        "time_start": "2026-11-23T18:34:59.25Z",
        "time_end": "2026-11-23T19:34:59Z",
        "version": "1hqm0btnlinlg",
        "id": ID,
    })
}

fn area_22a() -> Value {
    json!({
        "uss_base_url": URL,
        "owner": "uss1",
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "time_end": time("2026-11-23T19:34:59Z"),
        "version": "1hqm0btnlinlg",
        "id": ID,
    })
}

fn subscription_19() -> Value {
    json!({
        "id": ID,
        "callbacks": {"identification_service_area_url": URL},
        "owner": "uss1",
        "notification_index": 3,
        "time_end": "2026-11-23T19:34:59Z",
        "time_start": "2026-11-23T18:34:59.25Z",
        "version": "1hqm0btnlinlg",
    })
}

fn subscription_22a() -> Value {
    json!({
        "id": ID,
        "uss_base_url": URL,
        "owner": "uss1",
        "notification_index": 3,
        "time_end": time("2026-11-23T19:34:59Z"),
        "time_start": time("2026-11-23T18:34:59.25Z"),
        "version": "1hqm0btnlinlg",
    })
}

fn samples_19() -> Vec<Sample> {
    let put_area = json!({"extents": volume_19(), "flights_url": URL});
    let callbacks = json!({"identification_service_area_url": URL});
    let put_subscription = json!({"extents": volume_19(), "callbacks": callbacks});
    vec![
        sample::<areas_19::PutIdentificationServiceAreaParameters>(
            "CreateIdentificationServiceAreaParameters",
            put_area.clone(),
        ),
        sample::<areas_19::PutIdentificationServiceAreaParameters>(
            "UpdateIdentificationServiceAreaParameters",
            put_area,
        ),
        sample::<areas_19::GetIdentificationServiceAreaResponse>(
            "GetIdentificationServiceAreaResponse",
            json!({"service_area": area_19()}),
        ),
        sample::<areas_19::PutIdentificationServiceAreaResponse>(
            "PutIdentificationServiceAreaResponse",
            json!({"subscribers": subscribers(), "service_area": area_19()}),
        ),
        sample::<areas_19::DeleteIdentificationServiceAreaResponse>(
            "DeleteIdentificationServiceAreaResponse",
            json!({"service_area": area_19(), "subscribers": subscribers()}),
        ),
        sample::<areas_19::SearchIdentificationServiceAreasResponse>(
            "SearchIdentificationServiceAreasResponse",
            json!({"service_areas": [area_19()]}),
        ),
        sample::<subscriptions_19::PutSubscriptionParameters>(
            "CreateSubscriptionParameters",
            put_subscription.clone(),
        ),
        sample::<subscriptions_19::PutSubscriptionParameters>(
            "UpdateSubscriptionParameters",
            put_subscription,
        ),
        sample::<subscriptions_19::GetSubscriptionResponse>(
            "GetSubscriptionResponse",
            json!({"subscription": subscription_19()}),
        ),
        sample::<subscriptions_19::PutSubscriptionResponse>(
            "PutSubscriptionResponse",
            json!({"service_areas": [area_19()], "subscription": subscription_19()}),
        ),
        sample::<subscriptions_19::DeleteSubscriptionResponse>(
            "DeleteSubscriptionResponse",
            json!({"subscription": subscription_19()}),
        ),
        sample::<subscriptions_19::SearchSubscriptionsResponse>(
            "SearchSubscriptionsResponse",
            json!({"subscriptions": [subscription_19()]}),
        ),
    ]
}

fn samples_22a() -> Vec<Sample> {
    let put = json!({"extents": volume_22a(), "uss_base_url": URL});
    vec![
        sample::<areas_22a::PutIdentificationServiceAreaParameters>(
            "CreateIdentificationServiceAreaParameters",
            put.clone(),
        ),
        sample::<areas_22a::PutIdentificationServiceAreaParameters>(
            "UpdateIdentificationServiceAreaParameters",
            put.clone(),
        ),
        sample::<areas_22a::GetIdentificationServiceAreaResponse>(
            "GetIdentificationServiceAreaResponse",
            json!({"service_area": area_22a()}),
        ),
        sample::<areas_22a::PutIdentificationServiceAreaResponse>(
            "PutIdentificationServiceAreaResponse",
            json!({"subscribers": subscribers(), "service_area": area_22a()}),
        ),
        sample::<areas_22a::DeleteIdentificationServiceAreaResponse>(
            "DeleteIdentificationServiceAreaResponse",
            json!({"service_area": area_22a(), "subscribers": subscribers()}),
        ),
        sample::<areas_22a::SearchIdentificationServiceAreasResponse>(
            "SearchIdentificationServiceAreasResponse",
            json!({"service_areas": [area_22a()]}),
        ),
        sample::<subscriptions_22a::PutSubscriptionParameters>(
            "CreateSubscriptionParameters",
            put.clone(),
        ),
        sample::<subscriptions_22a::PutSubscriptionParameters>("UpdateSubscriptionParameters", put),
        sample::<subscriptions_22a::GetSubscriptionResponse>(
            "GetSubscriptionResponse",
            json!({"subscription": subscription_22a()}),
        ),
        sample::<subscriptions_22a::PutSubscriptionResponse>(
            "PutSubscriptionResponse",
            json!({"service_areas": [area_22a()], "subscription": subscription_22a()}),
        ),
        sample::<subscriptions_22a::DeleteSubscriptionResponse>(
            "DeleteSubscriptionResponse",
            json!({"subscription": subscription_22a()}),
        ),
        sample::<subscriptions_22a::SearchSubscriptionsResponse>(
            "SearchSubscriptionsResponse",
            json!({"subscriptions": [subscription_22a()]}),
        ),
    ]
}

fn samples_of_usss() -> Vec<Sample> {
    vec![
        sample::<identification_service_areas::PutIdentificationServiceAreaNotificationParameters>(
            "PutIdentificationServiceAreaNotificationParameters",
            json!({
                "service_area": area_22a(),
                "subscriptions": subscription_states(),
                "extents": volume_22a(),
            }),
        ),
        sample::<identification_service_areas::GetIdentificationServiceAreaDetailsResponse>(
            "GetIdentificationServiceAreaDetailsResponse",
            json!({"extents": volume_22a()}),
        ),
        sample::<flights::GetFlightsResponse>(
            "GetFlightsResponse",
            json!({
                "timestamp": time("2026-11-23T18:34:59.25Z"),
                "flights": [flight()],
                "no_isas_present": true,
            }),
        ),
        sample::<flight_details::GetFlightDetailsResponse>(
            "GetFlightDetailsResponse",
            json!({"details": details()}),
        ),
    ]
}

fn samples() -> Vec<Sample> {
    let mut samples = samples_19();
    samples.extend(samples_22a());
    samples.extend(samples_of_usss());
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
fn reads_lists_that_are_absent_or_null_as_empty() {
    let check = |rewrite: fn(&Value) -> Value, given: Value, expected: Value| {
        assert_eq!(rewrite(&given), expected);
    };

    check(
        rewrite::<areas_22a::PutIdentificationServiceAreaResponse>,
        json!({"service_area": area_22a()}),
        json!({"service_area": area_22a(), "subscribers": []}),
    );
    check(
        rewrite::<areas_22a::DeleteIdentificationServiceAreaResponse>,
        json!({"service_area": area_22a(), "subscribers": null}),
        json!({"service_area": area_22a(), "subscribers": []}),
    );
    check(
        rewrite::<areas_22a::SearchIdentificationServiceAreasResponse>,
        json!({}),
        json!({"service_areas": []}),
    );
    check(
        rewrite::<subscriptions_22a::SearchSubscriptionsResponse>,
        json!({"subscriptions": null}),
        json!({"subscriptions": []}),
    );
    check(
        rewrite::<subscriptions_22a::PutSubscriptionResponse>,
        json!({"subscription": subscription_22a()}),
        json!({"subscription": subscription_22a(), "service_areas": []}),
    );
}

#[test]
fn reads_a_notification_of_a_deletion() {
    type Parameters =
        identification_service_areas::PutIdentificationServiceAreaNotificationParameters;
    let deleted = json!({"subscriptions": subscription_states()});
    let with_null = json!({
        "service_area": null,
        "subscriptions": [{"subscription_id": ID, "notification_index": 3}],
        "extents": null,
    });

    assert_eq!(rewrite::<Parameters>(&deleted), deleted);
    assert_eq!(rewrite::<Parameters>(&with_null), deleted);
    let error = wire::parse::<Parameters>(br#"{"subscriptions": []}"#).expect_err("nobody asked");
    assert!(error.to_string().contains("expected at least one subscription"), "{error}");
}

/// What F3411-19 requires of a subscription and of its state, but describes nowhere; deployed hubs
/// write neither.
const NOT_DESCRIBED: [&str; 2] = ["it has no url", "it has no subscription"];

/// Checks samples against a description; returns what its paths name and no sample has.
fn disagreements(samples: &[Sample], description: &str) -> Option<Vec<String>> {
    let Some(shared) = testkit::shared_dir() else {
        testkit::skip(&format!("messages against {description}"));
        return None;
    };
    let path = shared.join("api").join(description);
    let api = Api::load(&path).expect("the description is well-formed");
    for sample in samples {
        let rewritten = (sample.rewrite)(&sample.message);
        let mut errors = api.check_schema(sample.schema, &rewritten).err().unwrap_or_default();
        errors.retain(|error| !NOT_DESCRIBED.iter().any(|known| error.ends_with(known)));
        assert!(errors.is_empty(), "{} of {description}: {errors:#?}", sample.schema);
    }

    let text = fs::read_to_string(&path).expect("it was just read");
    let (_, paths) = text.split_once("\npaths:\n").expect("a description has paths");
    let (paths, _) = paths.split_once("\ncomponents:\n").expect("its components follow");
    let of_paths = paths.split("#/components/schemas/").skip(1);
    let named: BTreeSet<&str> = of_paths.filter_map(|rest| rest.split('\'').next()).collect();
    let known: BTreeSet<&str> = samples.iter().map(|sample| sample.schema).collect();
    Some(named.difference(&known).map(|name| (*name).to_owned()).collect())
}

#[test]
fn agrees_with_the_description_of_2019() {
    let Some(missing) = disagreements(&samples_19(), "f3411-19.yaml") else {
        return;
    };

    // Parameters of paths, errors, and what USSs of that version tell one another.
    let expected = [
        "EntityUUID",
        "ErrorResponse",
        "GeoPolygonString",
        "GetFlightDetailsResponse",
        "GetFlightsResponse",
        "PutIdentificationServiceAreaNotificationParameters",
        "RIDFlightID",
        "SubscriptionUUID",
    ];
    assert_eq!(missing, expected);
}

#[test]
fn agrees_with_the_description_of_2022() {
    let mut samples = samples_22a();
    samples.extend(samples_of_usss());
    let Some(missing) = disagreements(&samples, "f3411-22a.yaml") else {
        return;
    };

    // Parameters of paths, and errors.
    let expected =
        ["EntityUUID", "ErrorResponse", "GeoPolygonString", "RIDFlightID", "SubscriptionUUID"];
    assert_eq!(missing, expected);
}
