//! Parties of a hub, good bodies, and answers that are checked against the standard's description.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::schema::Api;

use crate::support::{self, NOW_S, TestHub};

pub(crate) const ID: &str = "2f8343be-6482-4d1b-a474-16847e01af1e";
pub(crate) const OTHER_ID: &str = "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f";
pub(crate) const URL: &str = "https://uss.example.com/utm";

pub(crate) struct Fixture(TestHub);

/// A party that sends requests.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    content_type: &'static str,
    keys: Vec<String>,
}

/// What a party was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    method: String,
    path: String,
    body: Vec<u8>,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Fixture(TestHub::start().await)
    }

    pub(crate) fn party(&self, sub: &str, scopes: &str) -> Client {
        Client { token: Some(support::token(sub, scopes)), ..self.stranger() }
    }

    /// Returns a client without a token.
    pub(crate) fn stranger(&self) -> Client {
        Client {
            http: reqwest::Client::new(),
            base: self.0.url(""),
            token: None,
            content_type: "application/json",
            keys: Vec::new(),
        }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.0.config.data
    }

    /// Returns milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        NOW_S * 1_000
    }
}

impl Client {
    /// Sends an `Idempotency-Key` with every request, one more each time this is called.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.keys.push(key.to_owned());
        self
    }

    pub(crate) fn with_content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let body = body.map(|body| body.to_string().into_bytes());
        self.send_body(method, path, body).await
    }

    pub(crate) async fn send_bytes(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.send_body(method, path, Some(body.to_vec())).await
    }

    async fn send_body(&self, method: &str, path: &str, body: Option<Vec<u8>>) -> Answer {
        let name = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.http.request(name, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for key in &self.keys {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(body) = body {
            request = request.header("Content-Type", self.content_type).body(body);
        }
        let answer = support::Answer::of(request).await;
        Answer {
            status: answer.status.as_u16(),
            method: method.to_owned(),
            path: path.to_owned(),
            body: answer.body,
        }
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body of an answer with this status, which the standard's description allows.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{} {}: {}", self.method, self.path, self.text());
        let body: Value = serde_json::from_slice(&self.body).expect("the answer is JSON");
        if 400 <= status {
            assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        }
        // Statuses that the description does not know come from HTTP itself or are ours.
        let is_described = !matches!(status, 413 | 415 | 422 | 503 | 504);
        if let (Some(api), true) = (api(), is_described)
            && let Err(errors) = api.check_response(&self.method, &self.path, status, &body)
        {
            panic!("{} {} {status}: {errors:#?}", self.method, self.path);
        }
        body
    }
}

fn api() -> Option<&'static Api> {
    static API: OnceLock<Option<Api>> = OnceLock::new();
    API.get_or_init(|| {
        let Some(shared) = testkit::shared_dir() else {
            testkit::skip("answers against f3548-21.yaml");
            return None;
        };
        let path = shared.join("api/f3548-21.yaml");
        Some(Api::load(&path).expect("the description is well-formed"))
    })
    .as_ref()
}

/// Returns the value with what `pointer` points at replaced, or removed where it is `null`.
pub(crate) fn with(mut value: Value, pointer: &str, replacement: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer has a slash");
    let fields = value.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object");
    if replacement.is_null() {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), replacement);
    }
    value
}

fn time(after: Duration) -> Value {
    json!({"value": support::time(after), "format": "RFC3339"})
}

fn altitude(meters: f64) -> Value {
    json!({"value": meters, "reference": "W84", "units": "M"})
}

fn circle(lat: f64, radius_m: f64) -> Value {
    json!({"center": {"lat": lat, "lng": 8.0}, "radius": {"value": radius_m, "units": "M"}})
}

/// Returns a volume that begins now and lasts an hour.
fn volume() -> Value {
    json!({
        "volume": {
            "outline_circle": circle(47.0, 300.0),
            "altitude_lower": altitude(0.0),
            "altitude_upper": altitude(120.0),
        },
        "time_start": time(Duration::ZERO),
        "time_end": time(Duration::from_hours(1)),
    })
}

pub(crate) fn operational_intent() -> Value {
    json!({
        "extents": [volume()],
        "state": "Accepted",
        "uss_base_url": URL,
        "new_subscription": {"uss_base_url": URL},
    })
}

pub(crate) fn constraint() -> Value {
    json!({"extents": [volume()], "uss_base_url": URL})
}

pub(crate) fn subscription() -> Value {
    json!({
        "extents": volume(),
        "uss_base_url": URL,
        "notify_for_operational_intents": true,
        "notify_for_constraints": false,
    })
}

pub(crate) fn report() -> Value {
    json!({
        "exchange": {
            "url": "https://uss.example.com/utm/uss/v1/operational_intents",
            "method": "POST",
            "headers": ["Authorization: Bearer secret", "Host: uss.example.com"],
            "recorder_role": "Client",
            "request_time": {"value": "2027-01-15T07:59:00Z", "format": "RFC3339"},
            "request_source": "uss1",
            "response_code": 500,
        },
    })
}

/// Returns a search around a place, at any time and altitude.
pub(crate) fn circle_at(lat: f64) -> Value {
    json!({"area_of_interest": {"volume": {"outline_circle": circle(lat, 500.0)}}})
}

/// Returns a search of a circle of 10,000 km.
pub(crate) fn large_circle() -> Value {
    json!({"area_of_interest": {"volume": {"outline_circle": circle(47.0, 1e7)}}})
}
