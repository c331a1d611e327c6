//! A hub and desks on free ports, with a clock that stands still, and clients for them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use axum::Router;
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use desk::{Bounds, Config, Course, Desk, FlightRequest, PathPoint, PrivateAddresses, TokenSource};
use hub::Hub;
use hub::clock::Clock;
use hub::config::Limits;
use hub::entropy::Entropy;
use hub::server::Server;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use spacetime::{LatLng, Timestamp};
use tempfile::TempDir;
use testkit::schema::Api;

/// The time at which everything here starts, in seconds since 1970: 2027-01-15T08:00:00Z.
pub(crate) const NOW_S: i64 = 1_800_000_000;

/// Every scope of F3548-21.
pub(crate) const ALL_SCOPES: &str = "utm.strategic_coordination utm.conformance_monitoring_sa \
     utm.constraint_management utm.constraint_processing utm.availability_arbitration";

/// Both scopes of F3411-22a.
pub(crate) const REMOTE_ID_SCOPES: &str = "rid.display_provider rid.service_provider";

/// A running hub and a place for desks.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) hub_url: String,
    hub: Option<Hub>,
    pub(crate) dir: TempDir,
}

impl World {
    /// Starts a hub with an empty log.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = clock();
        let mut config = hub::Config::default();
        config.listen.set_port(0);
        config.data = dir.path().join("hub");
        config.allow_http = true;
        config.tokens.public_keys = vec![write_public_key(dir.path())];
        config.tokens.audiences = vec!["127.0.0.1".to_owned()];
        let hub = Hub::start_with(config, clock.clone(), Entropy::system())
            .await
            .expect("the hub starts");
        let hub_url = format!("http://{}", hub.local_addr());
        World { clock, hub_url, hub: Some(hub), dir }
    }

    /// Starts a place for desks whose hub is played by the test.
    pub(crate) fn with_hub_at(hub_url: String) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        World { clock: clock(), hub_url, hub: None, dir }
    }

    /// Starts the desk of a party, or starts it again.
    pub(crate) async fn desk(&self, party: &str) -> Desk {
        Desk::start(self.desk_config(party)).await.expect("the desk starts")
    }

    /// Returns the configuration of a party's desk.
    pub(crate) fn desk_config(&self, party: &str) -> Config {
        let key_file = self.dir.path().join("key.pem");
        std::fs::write(&key_file, private_pem()).expect("written");
        let tokens = TokenSource::Key { key_file, party: party.to_owned() };
        let mut config = Config::new(self.dir.path().join(party), self.hub_url.clone(), tokens);
        config.private_addresses = PrivateAddresses::Allow;
        config.clock = self.clock.clone();
        config
    }

    /// Ends the hub.
    pub(crate) async fn end(mut self) {
        if let Some(hub) = self.hub.take() {
            hub.shutdown().await;
        }
    }
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// Sends a request; a token is sent if one is given.
pub(crate) async fn send(
    method: Method,
    url: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let mut request = reqwest::Client::new().request(method, url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.expect("it answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await.expect("the answer is whole");
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status, headers, body }
}

/// Returns a token of `party` for anything on this machine, good in the first minutes.
pub(crate) fn token(party: &str, scopes: &str) -> String {
    token_from(NOW_S, party, scopes)
}

/// Returns a token of `party` for anything on this machine, good from `now_s` on.
pub(crate) fn token_from(now_s: i64, party: &str, scopes: &str) -> String {
    let claims = json!({
        "iss": "https://issuer.example",
        "sub": party,
        "aud": "127.0.0.1",
        "exp": now_s + 600,
        "scope": scopes,
    });
    let key = EncodingKey::from_rsa_pem(private_pem().as_bytes()).expect("a key");
    jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).expect("the key signs")
}

/// Returns a manual clock at [`NOW_S`].
pub(crate) fn clock() -> Clock {
    Clock::manual(at(0.0))
}

/// Returns the time so many seconds after the start.
pub(crate) fn at(seconds: f64) -> Timestamp {
    let micros = NOW_S * 1_000_000 + (seconds * 1e6) as i64;
    Timestamp::from_micros(micros).expect("in range")
}

/// Returns a place so many meters east and north of the middle of the town.
pub(crate) fn place(east_m: f64, north_m: f64) -> LatLng {
    let middle = LatLng::new(46.95, 7.44).expect("in range");
    middle.destination(90.0, east_m).destination(0.0, north_m)
}

/// Returns a straight flight from one place to another, at 100 m, for a minute from `start_s`.
pub(crate) fn straight(from: LatLng, to: LatLng, start_s: f64) -> FlightRequest {
    let point = |position, seconds| PathPoint { position, altitude_m: 100.0, time: at(seconds) };
    FlightRequest::new(Course::Path {
        points: vec![point(from, start_s), point(to, start_s + 60.0)],
        buffer_lateral_m: 50.0,
        buffer_vertical_m: 15.0,
    })
}

/// Returns a flight through the middle of the town, from west to east.
pub(crate) fn through_the_middle(start_s: f64) -> FlightRequest {
    straight(place(-500.0, 0.0), place(500.0, 0.0), start_s)
}

/// Returns bounds within which delays in steps of a minute are allowed.
pub(crate) fn may_wait(delay_s_max: u32) -> Bounds {
    Bounds { delay_s_max, delay_s_step: 60, ..Bounds::default() }
}

/// Returns bounds within which a flight at 100 m may be lifted or lowered.
pub(crate) fn may_climb() -> Bounds {
    Bounds {
        altitude_m_min: 40.0,
        altitude_m_max: 220.0,
        altitude_m_step: 40.0,
        ..Bounds::default()
    }
}

fn write_public_key(dir: &Path) -> PathBuf {
    let der = &key_pair().1;
    let pem =
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
    let path = dir.join("public.pem");
    std::fs::write(&path, pem).expect("written");
    path
}

/// Returns the private key that signs everybody's tokens here.
pub(crate) fn private_pem() -> String {
    let base64 = STANDARD.encode(&key_pair().0);
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

/// Makes one key pair for all tests, since making it takes a while.
fn key_pair() -> &'static (Vec<u8>, Vec<u8>) {
    static PAIR: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    PAIR.get_or_init(|| {
        use aws_lc_rs::signature::KeyPair as _;
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key pair");
        let private = pair.as_der().expect("it can be written").as_ref().to_vec();
        let public = pair.public_key().as_der().expect("it can be written").as_ref().to_vec();
        (private, public)
    })
}

/// Returns a volume of the standard around the middle of the town, for two hours from the start.
pub(crate) fn volume4d(radius_m: f64, altitude_m: f64) -> Value {
    let altitude = |value: f64| json!({ "value": value, "reference": "W84", "units": "M" });
    json!({
        "volume": {
            "outline_circle": {
                "center": { "lat": 46.95, "lng": 7.44 },
                "radius": { "value": radius_m, "units": "M" },
            },
            "altitude_lower": altitude(altitude_m),
            "altitude_upper": altitude(altitude_m + 30.0),
        },
        "time_start": { "value": "2027-01-15T08:00:00Z", "format": "RFC3339" },
        "time_end": { "value": "2027-01-15T10:00:00Z", "format": "RFC3339" },
    })
}

/// Returns the corners of an area that holds the town.
pub(crate) fn town() -> [LatLng; 2] {
    [place(-2_000.0, -2_000.0), place(2_000.0, 2_000.0)]
}

/// Loads a description of the standards, if it is at hand; `what` is skipped otherwise.
pub(crate) fn api(file: &str, what: &str) -> Option<Api> {
    let Some(shared) = testkit::shared_dir() else {
        testkit::skip(what);
        return None;
    };
    Some(Api::load(&shared.join("api").join(file)).expect("the description is in order"))
}

/// Checks an answer against a description, where that is at hand.
pub(crate) fn check_schema(api: Option<&Api>, method: &str, path: &str, answer: &Answer) {
    if let Some(api) = api {
        let status = answer.status.as_u16();
        assert_eq!(api.check_response(method, path, status, &answer.body), Ok(()), "{path}");
    }
}

/// Returns the `number`th id that F3548-21 takes: a UUIDv4.
pub(crate) fn id(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

/// A request to a [`Played`] server.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Where the server that was asked answers.
    pub(crate) base_url: String,
}

impl Asked {
    /// Returns the last segment of the path.
    pub(crate) fn last_segment(&self) -> &str {
        self.path.rsplit('/').next().expect("a path has a segment")
    }

    /// Returns the reference of an operational intent whose details are found here.
    pub(crate) fn reference(&self, id: &str, ovn: &str) -> Value {
        json!({
            "id": id,
            "manager": "mallory",
            "uss_availability": "Unknown",
            "version": 1,
            "state": "Accepted",
            "ovn": ovn,
            "time_start": { "value": "2027-01-15T08:00:00Z", "format": "RFC3339" },
            "time_end": { "value": "2027-01-15T10:00:00Z", "format": "RFC3339" },
            "uss_base_url": self.base_url,
            "subscription_id": "00000000-0000-4000-8000-000000000000",
        })
    }

    /// Returns the details that are asked for, of a volume around the middle of the town.
    pub(crate) fn details(&self, ovn: &str, altitude_m: f64) -> Value {
        json!({
            "operational_intent": {
                "reference": self.reference(self.last_segment(), ovn),
                "details": { "volumes": [volume4d(200.0, altitude_m)], "priority": 0 },
            },
        })
    }
}

/// A server that answers as a test says, on a free port.
pub(crate) struct Played {
    server: Server,
}

impl Played {
    /// Starts to answer every request with the status and the JSON that `answer` returns.
    pub(crate) async fn start<F>(
        answer: impl Fn(Asked) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = (u16, Value)> + Send + 'static,
    {
        let handler = move |method: Method, uri: Uri, headers: HeaderMap| {
            let host = headers["host"].to_str().expect("text").to_owned();
            let answered = answer(Asked {
                method,
                path: uri.path().to_owned(),
                base_url: format!("http://{host}"),
            });
            async move {
                let (status, body) = answered.await;
                hub::reply::json(StatusCode::from_u16(status).expect("a status"), &body)
            }
        };
        let listen = ([127, 0, 0, 1], 0).into();
        let router = Router::new().fallback(handler);
        let limits = Limits::default();
        let server = Server::start(listen, router, &limits, None);
        Played { server: server.await.expect("a free port") }
    }

    /// Returns where it answers.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.server.local_addr())
    }
}
