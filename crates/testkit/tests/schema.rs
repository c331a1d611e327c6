//! The schema checker, on a small description of our own and on the standards' own ones.

use serde_json::{Value, json};
use testkit::schema::{Api, LoadError};

const SMALL: &str = r##"
openapi: 3.0.2
security:
- Authority: [read, write]
paths:
  /things/{id}:
    summary: Things.
    get:
      operationId: getThing
      security:
      - Authority: [read]
      responses:
        200:
          content:
            application/json:
              schema:
                $ref: '#/components/schemas/Thing'
        '204':
          description: Nothing.
    put:
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Thing'}
      responses: {'204': {description: Nothing.}}
  /things/all:
    get:
      operationId: getThings
      responses:
        '200':
          content:
            application/json:
              schema:
                type: array
                minItems: 1
                maxItems: 2
                items: {$ref: '#/components/schemas/Thing'}
components:
  schemas:
    Thing:
      type: object
      required: [id]
      properties:
        id: {type: string, format: uuid}
        at: {type: string, format: date-time}
        code: {type: string, pattern: '^[a-c]+$', minLength: 2, maxLength: 3}
        kind: {type: string, enum: [A, B]}
        count: {type: integer, format: int32, minimum: 0}
        many: {type: integer, format: int64, minimum: 0}
        share: {type: number, minimum: 0, exclusiveMinimum: true, maximum: 1}
        longitude: {type: number, minimum: 180, maximum: -180}
        either:
          oneOf:
          - type: string
          - type: integer
          - {type: number, minimum: 5}
        some:
          anyOf: [{$ref: '#/components/schemas/Thing'}]
        maybe: {type: boolean, nullable: true}
        free: {type: object, additionalProperties: {type: integer}}
        closed: {type: object, additionalProperties: false}
"##;

const ID: &str = "2f8343be-6482-4d1b-a474-16847e01af1e";

#[track_caller]
fn check_thing(mut more: Value, wanted: Option<&str>) {
    let api = Api::parse(SMALL).expect("the description is good");
    more["id"] = json!(ID);

    let result = api.check_schema("Thing", &more);

    let errors = result.err().unwrap_or_default().join("; ");
    match wanted {
        None => assert_eq!(errors, "", "{more}"),
        Some(part) => assert!(errors.contains(part), "{more}: {errors:?}"),
    }
}

#[test]
fn accepts_what_fits() {
    check_thing(json!({"at": "2026-02-03T04:05:06.7Z", "code": "abc", "kind": "A"}), None);
    check_thing(json!({"at": "2026-02-03T04:05:06+01:00", "count": 0, "share": 1}), None);
    check_thing(json!({"longitude": -180, "either": "x", "some": {"id": ID}}), None);
    check_thing(json!({"either": 3, "maybe": null, "free": {"a": 1}, "closed": {}}), None);
    check_thing(json!({"unknown": [1], "at": null}), None);
}

#[test]
fn refuses_what_does_not_fit() {
    check_thing(json!({"at": "yesterday"}), Some("/at: \"yesterday\" does not match"));
    check_thing(json!({"at": 5}), Some("/at: 5 is no string"));
    check_thing(json!({"code": "xyz"}), Some("/code: \"xyz\" does not match"));
    check_thing(json!({"code": "a"}), Some("below minLength"));
    check_thing(json!({"code": "abca"}), Some("above maxLength"));
    check_thing(json!({"kind": "C"}), Some("/kind: \"C\" is none of"));
    check_thing(json!({"count": 1.5}), Some("/count: 1.5 is no integer"));
    check_thing(json!({"count": 2_147_483_648_u64}), Some("is no int32"));
    check_thing(json!({"count": -1}), Some("below the minimum"));
    check_thing(json!({"many": 9_223_372_036_854_775_807_u64}), None);
    check_thing(json!({"many": 9_223_372_036_854_775_808_u64}), Some("is no int64"));
    check_thing(json!({"many": -1}), Some("below the minimum"));
    check_thing(json!({"share": 0}), Some("below the minimum"));
    check_thing(json!({"share": 1.01}), Some("above the maximum"));
    check_thing(json!({"longitude": 180.5}), Some("above the maximum of 180"));
    check_thing(json!({"either": 7}), Some("more than one of oneOf"));
    check_thing(json!({"either": true}), Some("fits none of oneOf"));
    check_thing(json!({"some": {}}), Some("/some: it has no id"));
    check_thing(json!({"free": {"a": "b"}}), Some("/free/a"));
    check_thing(json!({"closed": {"a": 1}}), Some("/closed/a: it is not described"));
}

#[test]
fn refuses_a_required_property_that_is_null_or_missing() {
    let api = Api::parse(SMALL).expect("the description is good");

    assert!(api.check_schema("Thing", &json!({})).is_err());
    assert!(api.check_schema("Thing", &json!({"id": null})).is_err());
    assert!(api.check_schema("Nothing", &json!({})).is_err());
}

#[test]
fn checks_bodies_by_the_operation_they_belong_to() {
    let api = Api::parse(SMALL).expect("the description is good");
    let path = format!("/things/{ID}?x=/y");

    assert_eq!(api.check_response("GET", &path, 200, &json!({"id": ID})), Ok(()));
    assert_eq!(api.check_response("GET", "/things/{id}", 200, &json!({"id": ID})), Ok(()));
    assert_eq!(api.check_response("GET", &path, 204, &Value::Null), Ok(()));
    assert_eq!(api.check_response("GET", "/things/all", 200, &json!([{"id": ID}])), Ok(()));
    assert_eq!(api.check_request("PUT", &path, &json!({"id": ID})), Ok(()));
    assert!(api.check_request("PUT", &path, &json!({"id": 1})).is_err());
    assert!(api.check_request("GET", &path, &json!({"id": ID})).is_err());
    assert!(api.check_response("GET", "/things/all", 200, &json!([])).is_err());
    assert!(api.check_response("GET", &path, 200, &json!({"id": 1})).is_err());
    assert!(api.check_response("GET", &path, 204, &json!({})).is_err());
    assert!(api.check_response("GET", &path, 404, &json!({})).is_err());
    assert!(api.check_response("POST", &path, 200, &json!({})).is_err());
    assert!(api.check_response("GET", "/things/a/b", 200, &json!({})).is_err());
    assert!(api.check_response("GET", "/things", 200, &json!({})).is_err());
}

#[test]
fn lists_operations_with_the_scopes_that_open_them() {
    let api = Api::parse(SMALL).expect("the description is good");

    let operations = api.operations();

    let [all, get, put] = operations.as_slice() else { panic!("{operations:?}") };
    assert_eq!((all.method.as_str(), all.path.as_str()), ("GET", "/things/all"));
    assert_eq!(all.scopes, [["read", "write"]]);
    assert_eq!(get.operation_id.as_deref(), Some("getThing"));
    assert_eq!(get.scopes, [["read"]]);
    assert_eq!(get.statuses, [200, 204]);
    assert_eq!((put.method.as_str(), &put.operation_id), ("PUT", &None));
}

#[test]
fn finds_operations_below_a_prefix() {
    let api = Api::parse(SMALL).expect("the description is good").under("/v2");
    let path = format!("/v2/things/{ID}");

    let paths: Vec<_> = api.operations().into_iter().map(|operation| operation.path).collect();

    assert_eq!(paths, ["/v2/things/all", "/v2/things/{id}", "/v2/things/{id}"]);
    assert_eq!(api.check_response("GET", &path, 200, &json!({"id": ID})), Ok(()));
    assert!(api.check_response("GET", "/things/all", 200, &json!([{"id": ID}])).is_err());
}

#[test]
fn refuses_descriptions_that_it_would_not_check_wholly() {
    let unknown = SMALL.replace("minLength: 2", "uniqueItems: true");

    assert!(matches!(
        Api::parse(&unknown),
        Err(LoadError::UnknownKeyword { keyword, .. }) if keyword == "uniqueItems"
    ));
    let unknown =
        SMALL.replace("            schema: {$ref", "            schema: {uniqueItems: 1, $ref");
    assert!(matches!(
        Api::parse(&unknown),
        Err(LoadError::UnknownKeyword { place, .. })
            if place == "/paths//things/{id}/put/requestBody/content/application/json/schema"
    ));
    let nothing = SMALL.replacen("schemas/Thing'", "schemas/Nothing'", 1);
    assert!(matches!(
        Api::parse(&nothing),
        Err(LoadError::UnknownReference { reference }) if reference.ends_with("schemas/Nothing")
    ));
    let pattern = SMALL.replace("^[a-c]+$", "^[a-c+$");
    assert!(matches!(Api::parse(&pattern), Err(LoadError::Format(_))));
    assert!(matches!(Api::parse("a: [1"), Err(LoadError::Format(_))));
    assert!(matches!(Api::parse("a: 1"), Err(LoadError::Format(_))));
    assert!(matches!(Api::load("/nowhere".as_ref()), Err(LoadError::Read { .. })));
}

#[test]
fn loads_the_descriptions_of_the_standards() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("the standards' API descriptions");
    };
    let operations_of = |file: &str| {
        let api = Api::load(&shared.join("api").join(file)).expect("it is known wholly");
        api.operations().len()
    };

    assert_eq!(operations_of("f3548-21.yaml"), 25);
    assert_eq!(operations_of("f3411-19.yaml"), 13);
    assert_eq!(operations_of("f3411-22a.yaml"), 14);
    assert_eq!(operations_of("interuss-aux.yaml"), 8);
}

#[test]
fn checks_a_subscription_of_f3548() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("a body of F3548-21 against its schema");
    };
    let api = Api::load(&shared.join("api/f3548-21.yaml")).expect("it is known wholly");
    let time = json!({"value": "2026-02-03T04:05:06Z", "format": "RFC3339"});
    let mut body = json!({"subscriptions": [{
        "id": ID, "version": "abcdefghijklmnopqrstuvwxyz", "notification_index": 0,
        "time_start": time, "time_end": time, "uss_base_url": "https://uss.example",
        "notify_for_operational_intents": true, "dependent_operational_intents": [],
    }]});
    let path = "/dss/v1/subscriptions/query";

    let good = api.check_response("POST", path, 200, &body);
    body["subscriptions"][0]["time_start"]["format"] = json!("RFC822");
    let bad = api.check_response("POST", path, 200, &body);

    assert_eq!(good, Ok(()));
    assert!(bad.is_err_and(|errors| errors[0].contains("/subscriptions/0/time_start/format")));
}

#[test]
fn checks_areas_and_subscriptions_of_f3411_19() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("bodies of F3411-19 against their schemas");
    };
    let api = Api::load(&shared.join("api/f3411-19.yaml")).expect("it is known wholly");
    let area = json!({
        "id": ID, "owner": "uss1", "flights_url": "https://uss.example/flights",
        "time_start": "2026-02-03T04:05:06Z", "time_end": "2026-02-03T05:05:06Z",
        "version": "1gun2enkm1ig0",
    });
    let subscription = json!({
        "id": ID, "owner": "uss1", "version": "1gun2enkm1ig0", "notification_index": 0,
        "callbacks": {"identification_service_area_url": "https://uss.example/isa"},
    });
    let path = format!("/v1/dss/identification_service_areas/{ID}");
    let check = |method: &str, path: &str, status, body| {
        api.check_response(method, path, status, &body).err().unwrap_or_default().join("; ")
    };

    assert_eq!(check("GET", &path, 200, json!({"service_area": area})), "");
    assert_eq!(check("PUT", &path, 200, json!({"service_area": area, "subscribers": []})), "");
    let all = "/v1/dss/identification_service_areas?area=1,2,3,4,5,6";
    assert_eq!(check("GET", all, 200, json!({"service_areas": [area]})), "");
    assert_eq!(check("GET", all, 413, json!({"message": "too large"})), "");
    let put = format!("/v1/dss/subscriptions/{ID}");
    let listed = json!({"subscription": subscription, "service_areas": [area]});
    assert_eq!(check("PUT", &put, 200, listed), "");
    assert_eq!(check("PUT", &put, 429, json!({"message": "too many"})), "");

    let mut bad = area;
    bad["time_start"] = json!({"value": "2026-02-03T04:05:06Z", "format": "RFC3339"});
    bad["flights_url"] = json!(null);
    let errors = check("GET", &path, 200, json!({"service_area": bad}));
    assert!(errors.contains("/service_area/time_start"), "{errors}");
    assert!(errors.contains("/service_area/flights_url"), "{errors}");
    assert!(!check("PUT", &path, 201, json!({"service_area": bad})).is_empty());
    assert!(!check("GET", "/v1/dss/subscriptions", 200, json!({"subscriptions": [{}]})).is_empty());
}

#[test]
fn mends_the_longitude_of_f3411_19() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("longitudes of F3411-19");
    };
    let api = Api::load(&shared.join("api/f3411-19.yaml")).expect("it is known wholly");
    let check = |lng: f64| api.check_schema("LatLngPoint", &json!({"lat": 1, "lng": lng}));

    assert_eq!(check(-180.0), Ok(()));
    assert_eq!(check(180.0), Ok(()));
    assert!(check(180.5).is_err());
    assert!(check(-180.5).is_err());
}

#[test]
fn mends_what_f3411_19_requires_without_having_it() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("subscriptions of F3411-19");
    };
    let api = Api::load(&shared.join("api/f3411-19.yaml")).expect("it is known wholly");
    let state = json!({"subscription_id": ID, "notification_index": 1});
    let subscription = json!({
        "id": ID,
        "callbacks": {"identification_service_area_url": "https://uss.example.com/areas"},
        "owner": "uss1",
        "notification_index": 0,
        "version": "1hqm0c5d7fmp8",
    });

    assert_eq!(api.check_schema("SubscriptionState", &state), Ok(()));
    assert_eq!(api.check_schema("Subscription", &subscription), Ok(()));
    let errors = api.check_schema("Subscription", &json!({})).expect_err("it lacks fields");
    assert_eq!(errors.len(), 5, "{errors:?}");
}

#[test]
fn checks_areas_and_subscriptions_of_f3411_22a() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("bodies of F3411-22a against their schemas");
    };
    let api = Api::load(&shared.join("api/f3411-22a.yaml")).expect("it is known wholly");
    let api = api.under("/rid/v2");
    let time = json!({"value": "2026-02-03T04:05:06Z", "format": "RFC3339"});
    let area = json!({
        "id": ID, "owner": "uss1", "uss_base_url": "https://uss.example",
        "time_start": time, "time_end": time, "version": "1gun2enkm1ig0",
    });
    let subscription = json!({
        "id": ID, "owner": "uss1", "version": "1gun2enkm1ig0", "notification_index": 0,
        "uss_base_url": "https://uss.example", "time_start": time, "time_end": time,
    });
    let check = |method: &str, path: &str, status, body| {
        api.check_response(method, path, status, &body).err().unwrap_or_default().join("; ")
    };

    let path = format!("/rid/v2/dss/subscriptions/{ID}");
    let good = json!({"subscription": subscription, "service_areas": [area]});
    assert_eq!(check("PUT", &path, 200, good.clone()), "");
    let mut bad = good;
    bad["subscription"]["time_start"] = json!("2026-02-03T04:05:06Z");
    bad["service_areas"][0]["time_end"]["format"] = json!("RFC822");
    let errors = check("PUT", &path, 200, bad);
    assert!(errors.contains("/subscription/time_start"), "{errors}");
    assert!(errors.contains("/service_areas/0/time_end/format"), "{errors}");
    assert!(!check("GET", "/dss/subscriptions", 200, json!({"subscriptions": []})).is_empty());
}

#[test]
fn checks_the_auxiliary_api() {
    let Some(shared) = testkit::shared_dir() else {
        return testkit::skip("bodies of the auxiliary API against their schemas");
    };
    let api = Api::load(&shared.join("api/interuss-aux.yaml")).expect("it is known wholly");
    let path = "/aux/v1/pool/dss_instances/heartbeat?source=timer";
    let mut body = json!({"dss_instances": [{
        "id": "hub1", "public_endpoint": "https://hub.example",
        "most_recent_heartbeat":
            {"timestamp": "2026-02-03T04:05:06Z", "source": "timer", "index": 7},
    }]});

    let good = api.check_response("PUT", path, 201, &body);
    body["dss_instances"][0]["most_recent_heartbeat"]["index"] = json!(-1);
    let bad = api.check_response("PUT", path, 201, &body);

    assert_eq!(good, Ok(()));
    assert!(bad.is_err_and(|errors| errors[0].contains("/most_recent_heartbeat/index")));
    assert_eq!(api.check_response("GET", "/aux/v1/validate_oauth", 200, &Value::Null), Ok(()));
    assert!(api.check_response("GET", "/aux/v1/version", 200, &json!({})).is_err());
}
