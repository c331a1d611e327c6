//! A hub on a free port with a clock that stands still, and clients for it.

use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hub::clock::Clock;
use hub::entropy::Entropy;
use hub::{Config, Hub, StartError};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use spacetime::Timestamp;
use tempfile::TempDir;

/// The time at which every hub here starts, in seconds since 1970: 2027-01-15T08:00:00Z.
pub(crate) const NOW_S: i64 = 1_800_000_000;

/// Every scope of F3548-21.
pub(crate) const ALL_SCOPES: &str = "utm.strategic_coordination utm.conformance_monitoring_sa \
     utm.constraint_management utm.constraint_processing utm.availability_arbitration";

/// A running hub.
pub(crate) struct TestHub {
    pub(crate) hub: Hub,
    pub(crate) clock: Clock,
    pub(crate) config: Config,
    client: reqwest::Client,
    dir: Arc<TempDir>,
    starts: u64,
}

/// A hub that is not running.
pub(crate) struct StoppedHub {
    pub(crate) clock: Clock,
    config: Config,
    dir: Arc<TempDir>,
    starts: u64,
}

/// What a hub answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl TestHub {
    /// Starts a hub with an empty log.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a hub with an empty log and changes to its configuration.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        Self::start_by(clock(), change).await
    }

    /// As [`TestHub::start_with`], with a clock of its own.
    pub(crate) async fn start_by(clock: Clock, change: impl FnOnce(&mut Config)) -> Self {
        let dir = Arc::new(tempfile::tempdir().expect("a directory"));
        let mut config = config(dir.path());
        change(&mut config);
        // Nor do the hubs of a pool draw each other's: ids that they make must differ.
        let name = config.pool.as_ref().map_or("", |pool| &pool.hub);
        let of_hub = name
            .bytes()
            .fold(0_u32, |of_hub, byte| of_hub.wrapping_mul(31).wrapping_add(u32::from(byte)));
        let starts = (u64::from(of_hub) << 32) + 1;
        Self::start_in(dir, config, clock, starts).await.expect("the hub starts")
    }

    async fn start_in(
        dir: Arc<TempDir>,
        config: Config,
        clock: Clock,
        starts: u64,
    ) -> Result<Self, StartError> {
        // No start draws the random bits of another one.
        let entropy = Entropy::seeded(starts);
        let hub = Hub::start_with(config.clone(), clock.clone(), entropy).await?;
        Ok(TestHub { hub, clock, config, client: reqwest::Client::new(), dir, starts })
    }

    /// Stops the hub and starts another on the same directory, with changes.
    pub(crate) async fn restart(self, change: impl FnOnce(&mut Config)) -> Self {
        self.try_restart(change).await.expect("the hub starts again")
    }

    /// As [`TestHub::restart`], for a start that may be refused.
    pub(crate) async fn try_restart(
        self,
        change: impl FnOnce(&mut Config),
    ) -> Result<Self, StartError> {
        let mut stopped = self.stop().await;
        change(&mut stopped.config);
        stopped.try_start().await
    }

    /// Stops the hub and keeps what it has on its disk.
    pub(crate) async fn stop(self) -> StoppedHub {
        self.hub.shutdown().await;
        let TestHub { clock, config, dir, starts, .. } = self;
        StoppedHub { clock, config, dir, starts }
    }

    /// Returns a URL of the public listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.hub.local_addr())
    }

    /// Sends a request of `party` with every scope.
    pub(crate) async fn send(
        &self,
        party: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let token = token(party, ALL_SCOPES);
        let mut request = self.client.request(method, self.url(path)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request).await
    }

    /// Returns the value of a metric, named with its labels if it has any.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.ask_admin(Method::GET, "/metrics").await.body;
        let text = String::from_utf8(text).expect("it is text");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.expect("the metric is there").parse().expect("a number")
    }

    /// Asks the admin listener.
    pub(crate) async fn ask_admin(&self, method: Method, path: &str) -> Answer {
        let addr = self.hub.admin_addr().expect("it has an admin listener");
        Answer::of(self.client.request(method, format!("http://{addr}{path}"))).await
    }
}

impl StoppedHub {
    /// Starts the hub again.
    pub(crate) async fn start(self) -> TestHub {
        self.try_start().await.expect("the hub starts again")
    }

    async fn try_start(self) -> Result<TestHub, StartError> {
        let StoppedHub { clock, config, dir, starts } = self;
        TestHub::start_in(dir, config, clock, starts + 1).await
    }
}

/// Asks again and again until `is_so`; for what the hub does in its own time.
#[track_caller]
pub(crate) fn eventually(is_so: impl AsyncFn() -> bool) -> impl Future<Output = ()> {
    const LONG: Duration = Duration::from_secs(30);
    // Whoever asks without a pause takes the processor from the hub that is waited for.
    const BETWEEN: Duration = Duration::from_millis(5);
    let caller = Location::caller();
    async move {
        let asking = async {
            while !is_so().await {
                tokio::time::sleep(BETWEEN).await;
            }
        };
        let asked = tokio::time::timeout(LONG, asking).await;
        assert!(asked.is_ok(), "it does not become so: {caller}");
    }
}

impl Answer {
    /// Sends a request and reads the whole answer.
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.expect("the hub answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("the answer is whole").to_vec();
        Answer { status, headers, body }
    }

    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    /// Returns the `message` of an error.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect("an error has a message").to_owned()
    }
}

/// Returns a file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Returns a manual clock at [`NOW_S`].
pub(crate) fn clock() -> Clock {
    Clock::manual(Timestamp::from_micros(NOW_S * 1_000_000).expect("in range"))
}

/// Returns a configuration for tests, with both listeners on free ports.
pub(crate) fn config(dir: &Path) -> Config {
    let mut config = Config::default();
    config.listen.set_port(0);
    config.admin_listen = Some(config.listen);
    config.data = dir.join("data");
    config.allow_http = true;
    config.tokens.public_keys = vec![fixture("ed25519.pub.pem")];
    config.tokens.audiences = vec!["localhost".to_owned()];
    config
}

/// Returns a good token of `party`.
pub(crate) fn token(party: &str, scopes: &str) -> String {
    token_at(NOW_S, party, scopes)
}

/// Returns a token of `party` that is good from some second on for ten minutes.
pub(crate) fn token_at(now_s: i64, party: &str, scopes: &str) -> String {
    let claims = json!({
        "iss": "https://issuer.example",
        "sub": party,
        "aud": "localhost",
        "exp": now_s + 600,
        "scope": scopes,
    });
    let pem = std::fs::read(fixture("ed25519.key.pem")).expect("the fixture is there");
    let key = EncodingKey::from_ed_pem(&pem).expect("an Ed25519 key");
    jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, &key).expect("the key signs")
}

/// Returns the `n`th id that F3548-21 takes: a UUIDv4.
pub(crate) fn id(n: u32) -> String {
    format!("{n:08x}-0000-4000-8000-000000000000")
}

/// Returns the time so long after the hub's start, as RFC 3339.
pub(crate) fn time(after: Duration) -> String {
    let micros = NOW_S * 1_000_000 + i64::try_from(after.as_micros()).expect("a short time");
    jiff::Timestamp::from_microsecond(micros).expect("in range").to_string()
}

/// Returns a `Volume4D` of half a kilometer around a place, for an hour from now.
pub(crate) fn volume(lng: f64, altitude_m: f64) -> Value {
    let altitude = |value: f64| json!({ "value": value, "reference": "W84", "units": "M" });
    let time = |after| json!({ "value": time(after), "format": "RFC3339" });
    json!({
        "volume": {
            "outline_circle": {
                "center": { "lng": lng, "lat": 47.0 },
                "radius": { "value": 500.0, "units": "M" },
            },
            "altitude_lower": altitude(altitude_m),
            "altitude_upper": altitude(altitude_m + 50.0),
        },
        "time_start": time(Duration::from_secs(10)),
        "time_end": time(Duration::from_hours(1)),
    })
}

/// Returns what creates an operational intent.
pub(crate) fn operational_intent(lng: f64, altitude_m: f64) -> Value {
    json!({
        "extents": [volume(lng, altitude_m)],
        "key": [],
        "state": "Accepted",
        "uss_base_url": "http://uss1.localhost",
    })
}

/// Returns the path of an operational intent reference.
pub(crate) fn intent_path(n: u32) -> String {
    format!("/dss/v1/operational_intent_references/{}", id(n))
}
