//! Parties of a hub, and answers that are checked against the standards' descriptions.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use hub::Config;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use testkit::schema::Api;

use crate::support::{self, NOW_S, TestHub};

pub(crate) const ID: &str = "2f8343be-6482-4d1b-a474-16847e01af1e";
pub(crate) const OTHER_ID: &str = "78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f";

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
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Fixture(TestHub::start_with(change).await)
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

    /// Stops the hub and starts another on the same directory.
    pub(crate) async fn restart(self) -> Self {
        Fixture(self.0.restart(|_| {}).await)
    }

    /// Returns the value of a metric, named with its labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        self.0.metric(name).await
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.0.clock.advance(time);
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
            headers: answer.headers,
            body: answer.body,
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

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
        if let (Some(api), true) = (description_of(&self.path), is_described)
            && let Err(errors) = api.check_response(&self.method, &self.path, status, &body)
        {
            panic!("{} {} {status}: {errors:#?}", self.method, self.path);
        }
        body
    }
}

/// Returns the description of the API that a path is of.
fn description_of(path: &str) -> Option<&'static Api> {
    static APIS: OnceLock<Option<[(&str, Api); 3]>> = OnceLock::new();
    let apis = APIS.get_or_init(|| {
        let Some(shared) = testkit::shared_dir() else {
            testkit::skip("answers against the standards' descriptions");
            return None;
        };
        let load = |name| {
            let path = shared.join("api").join(name);
            Api::load(&path).expect("the description is well-formed")
        };
        Some([
            ("/dss/v1/", load("f3548-21.yaml")),
            ("/v1/dss/", load("f3411-19.yaml")),
            ("/rid/v2/", load("f3411-22a.yaml").under("/rid/v2")),
        ])
    });
    let (_, api) = apis.as_ref()?.iter().find(|(base, _)| path.starts_with(base))?;
    Some(api)
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
