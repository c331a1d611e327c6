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
fn refuses_descriptions_that_it_would_not_check_wholly() {
    let unknown = SMALL.replace("minLength: 2", "uniqueItems: true");

    assert!(matches!(
        Api::parse(&unknown),
        Err(LoadError::UnknownKeyword { keyword, .. }) if keyword == "uniqueItems"
    ));
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
