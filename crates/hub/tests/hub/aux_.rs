//! The auxiliary API and the versioning API: what a hub says of itself.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hub::auth::operation::{self, Id};
use hub::config::Tls;
use hub::replica::declaration::HeartbeatSource;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::schema::Api;

use crate::support::{Answer, TestHub, eventually, fixture, time, token};
use crate::tls;

const READ: &str = "interuss.pool_status.read";
const WRITE: &str = "interuss.pool_status.heartbeat.write";

const POOL: &str = "/aux/v1/pool";
const INSTANCES: &str = "/aux/v1/pool/dss_instances";
const HEARTBEAT: &str = "/aux/v1/pool/dss_instances/heartbeat";
const ACCEPTED_CAS: &str = "/aux/v1/configuration/accepted_ca_certs";
const CAS: &str = "/aux/v1/configuration/ca_certs";

/// Returns the description of the auxiliary API, where it is.
fn api() -> Option<&'static Api> {
    static API: OnceLock<Option<Api>> = OnceLock::new();
    let load = || {
        let Some(shared) = testkit::shared_dir() else {
            testkit::skip("answers against interuss-aux.yaml");
            return None;
        };
        let path = shared.join("api/interuss-aux.yaml");
        Some(Api::load(&path).expect("the description is well-formed"))
    };
    API.get_or_init(load).as_ref()
}

/// Sends a request of `operator` with one scope; the answer fits the description.
async fn ask(hub: &TestHub, method: Method, path: &str, scope: &str) -> Answer {
    let request = reqwest::Client::new()
        .request(method.clone(), hub.url(path))
        .bearer_auth(token("operator", scope));
    let answer = Answer::of(request).await;
    check(method.as_str(), path, &answer);
    answer
}

fn check(method: &str, path: &str, answer: &Answer) {
    let Some(api) = api() else { return };
    let checked = api.check_response(method, path, answer.status.as_u16(), &answer.json());
    assert_eq!(checked, Ok(()), "{method} {path}: {answer:?}");
}

async fn dar_id(hub: &TestHub) -> String {
    let answer = ask(hub, Method::GET, POOL, READ).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()["dar_id"].as_str().expect("a text").to_owned()
}

async fn instances(hub: &TestHub) -> Value {
    let answer = ask(hub, Method::GET, INSTANCES, READ).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn put_heartbeat(hub: &TestHub, query: &str) -> Answer {
    ask(hub, Method::PUT, &format!("{HEARTBEAT}?{query}"), WRITE).await
}

#[tokio::test]
async fn serves_all_that_the_description_lists() {
    let Some(api) = api() else { return };

    let mut described: Vec<(String, String, String)> = api
        .operations()
        .into_iter()
        .map(|o| (o.path, o.method, o.operation_id.unwrap_or_default()))
        .collect();
    described.sort();

    let mut served: Vec<(String, String, String)> = operation::operations()
        .filter(|operation| matches!(operation.id, Id::Aux(_)))
        .map(|o| (o.path.to_owned(), o.method.to_string(), o.name.to_owned()))
        .collect();
    served.sort();
    assert_eq!(served, described);
}

#[tokio::test]
async fn tells_everybody_its_version() {
    let hub = TestHub::start().await;

    let answer = Answer::of(reqwest::Client::new().get(hub.url("/aux/v1/version"))).await;

    check("GET", "/aux/v1/version", &answer);
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), json!({ "version": hub::version() }));
}

#[tokio::test]
async fn tells_systems_that_may_know_its_version() {
    let hub = TestHub::start().await;
    let find = async |path: &str| {
        let scope = "interuss.versioning.read_system_versions";
        let request = reqwest::Client::new().get(hub.url(path));
        Answer::of(request.bearer_auth(token("operator", scope))).await
    };

    for (path, identity) in
        [("/versions/dss", "dss"), ("/versions/gov.eu%2Fnetid", "gov.eu/netid"), ("/versions/", "")]
    {
        let answer = find(path).await;

        assert_eq!(answer.status, StatusCode::OK);
        let expected = json!({ "system_identity": identity, "system_version": hub::version() });
        assert_eq!(answer.json(), expected);
    }
    assert_eq!(find("/versions/%ff").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn validates_a_token_and_whose_it_is() {
    let hub = TestHub::start().await;
    let validate = async |query: &str, scope: &str| {
        let request =
            reqwest::Client::new().get(hub.url(&format!("/aux/v1/validate_oauth{query}")));
        Answer::of(request.bearer_auth(token("operator", scope))).await
    };

    for scope in ["dss.read.identification_service_areas", "dss.write.identification_service_areas"]
    {
        let answer = validate("?owner=operator", scope).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &b"{}\n"[..]));
        assert_eq!(validate("", scope).await.status, StatusCode::OK);
        assert_eq!(validate("?owner=other", scope).await.status, StatusCode::FORBIDDEN);
        assert_eq!(validate("?owner=", scope).await.status, StatusCode::FORBIDDEN);
        let twice = validate("?owner=operator&owner=operator", scope).await;
        assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(validate("?owner=operator", READ).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn is_the_same_airspace_representation_over_snapshots_and_restarts() {
    let hub = TestHub::start_with(|config| config.log.snapshot_entries = 1).await;
    let first = dar_id(&hub).await;
    assert_eq!((first.len(), first.as_bytes()[14]), (36, b'4'), "{first} is no UUIDv4");

    let hub = hub.restart(|_| {}).await;
    assert_eq!(dar_id(&hub).await, first);

    assert_eq!(put_heartbeat(&hub, "source=test").await.status, StatusCode::CREATED);
    let hub = hub.restart(|_| {}).await;
    assert_eq!(dar_id(&hub).await, first);
}

#[tokio::test]
async fn is_another_airspace_representation_after_a_restore() {
    let hub = TestHub::start().await;
    let first = dar_id(&hub).await;

    let hub = hub.restart(|config| config.restored = true).await;
    let second = dar_id(&hub).await;
    assert_ne!(second, first);

    // It says once more what it has said already: nothing else was restored.
    let hub = hub.restart(|_| {}).await;
    assert_eq!(dar_id(&hub).await, second);
    hub.ask_admin(Method::POST, "/restored/confirm").await;
    let hub = hub.restart(|config| config.restored = false).await;
    assert_eq!(dar_id(&hub).await, second);
}

#[tokio::test]
async fn is_another_airspace_representation_in_a_copy_made_from_a_backup() {
    let hub = TestHub::start().await;
    let first = dar_id(&hub).await;
    put_heartbeat(&hub, "source=before").await;
    let dir = tempfile::tempdir().expect("a directory");
    let (file, copy) = (dir.path().join("backup"), dir.path().join("data"));
    log::backup(&hub.config.data, &file).expect("it is backed up");
    log::restore(&file, &copy).expect("it is restored");

    let change = |config: &mut hub::Config| {
        config.data.clone_from(&copy);
        config.restored = true;
    };
    let other = hub.restart(change).await;

    assert_ne!(dar_id(&other).await, first);
    let heartbeat = &instances(&other).await["dss_instances"][0]["most_recent_heartbeat"];
    assert_eq!(heartbeat["source"], "before");
}

#[tokio::test]
async fn serves_even_if_it_cannot_write_which_representation_it_is() {
    let hub = TestHub::start().await;
    let other = tempfile::tempdir().expect("a directory");
    hub.clock.set_wall(hub.clock.now().plus(Duration::from_secs(60)));

    let hub = hub.restart(|config| config.data = other.path().join("data")).await;

    let request = reqwest::Client::new().get(hub.url(POOL));
    let answer = Answer::of(request.bearer_auth(token("operator", READ))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(instances(&hub).await, json!({ "dss_instances": [{ "id": "hub" }] }));
}

#[tokio::test]
async fn is_all_of_its_pool() {
    let hub = TestHub::start().await;
    assert_eq!(instances(&hub).await, json!({ "dss_instances": [{ "id": "hub" }] }));

    let hub = hub
        .restart(|config| {
            config.name = "north".to_owned();
            config.public_url = Some("https://north.example".to_owned());
        })
        .await;

    let expected = json!({ "id": "north", "public_endpoint": "https://north.example" });
    assert_eq!(instances(&hub).await, json!({ "dss_instances": [expected] }));
}

#[tokio::test]
async fn registers_heartbeats_for_good() {
    let hub = TestHub::start().await;
    let (now, next) = (time(Duration::ZERO), time(Duration::from_secs(60)));

    let first = put_heartbeat(&hub, "source=at+start").await;
    assert_eq!(first.status, StatusCode::CREATED);
    let expected = |heartbeat: Value| json!({ "dss_instances": [{ "id": "hub", "most_recent_heartbeat": heartbeat }] });
    let mut heartbeat =
        json!({ "timestamp": now, "reporter": "operator", "source": "at start", "index": 0 });
    assert_eq!(first.json(), expected(heartbeat));

    let query = format!("source=timer&timestamp={now}&next_heartbeat_expected_before={next}");
    let second = put_heartbeat(&hub, &query).await;
    heartbeat = json!({
        "timestamp": now,
        "reporter": "operator",
        "source": "timer",
        "index": 1,
        "next_heartbeat_expected_before": next,
    });
    assert_eq!(second.json(), expected(heartbeat.clone()));
    // What was sent for an earlier time is not the most recent one.
    let earlier = put_heartbeat(&hub, "source=late&timestamp=2027-01-15T07:59:59Z").await;
    assert_eq!(earlier.json(), expected(heartbeat.clone()));

    assert_eq!(instances(&hub).await, expected(heartbeat.clone()));
    let hub = hub.restart(|_| {}).await;
    assert_eq!(instances(&hub).await, expected(heartbeat));
    hub.clock.advance(Duration::from_secs(1));
    let fourth = put_heartbeat(&hub, "source=timer").await.json();
    let fourth = &fourth["dss_instances"][0]["most_recent_heartbeat"];
    assert_eq!(fourth["index"], 3);
    assert_eq!(fourth["timestamp"], time(Duration::from_secs(1)));
}

#[tokio::test]
async fn registers_no_heartbeat_that_is_malformed() {
    let hub = TestHub::start().await;
    let longest = "s".repeat(HeartbeatSource::LENGTH_MAX);
    for (query, wrong) in [
        ("", "source"),
        ("source=", "source"),
        ("source=a%0Ab", "source"),
        ("source=%ff", "source"),
        ("source=a&source=b", "source"),
        (&*format!("source={longest}s"), "source"),
        ("source=a&timestamp=", "timestamp"),
        ("source=a&timestamp=now", "timestamp"),
        ("source=a&next_heartbeat_expected_before=1", "next_heartbeat_expected_before"),
        (
            "source=a&next_heartbeat_expected_before=2027-01-15T07:59:59.999999Z",
            "next_heartbeat_expected_before",
        ),
        (
            "source=a&timestamp=2027-01-15T08:00:00.0000002Z\
             &next_heartbeat_expected_before=2027-01-15T08:00:00.0000001Z",
            "next_heartbeat_expected_before",
        ),
    ] {
        let answer = put_heartbeat(&hub, query).await;

        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.message().contains(wrong), "{query}: {answer:?}");
    }
    assert_eq!(instances(&hub).await, json!({ "dss_instances": [{ "id": "hub" }] }));

    let good = [
        format!("source={longest}"),
        "source=a&next_heartbeat_expected_before=2027-01-15T08:00:00Z".to_owned(),
        "source=a&timestamp=2027-01-15T09:00:00%2B01:00".to_owned(),
    ];
    for query in good {
        assert_eq!(put_heartbeat(&hub, &query).await.status, StatusCode::CREATED, "{query}");
    }
}

#[tokio::test]
async fn takes_no_heartbeat_while_its_clock_cannot_be_trusted() {
    let hub = TestHub::start().await;

    hub.clock.set_wall(hub.clock.now().plus(Duration::from_secs(60)));

    let request = reqwest::Client::new().put(hub.url(&format!("{HEARTBEAT}?source=a")));
    let answer = Answer::of(request.bearer_auth(token("operator", WRITE))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
    assert_eq!(instances(&hub).await, json!({ "dss_instances": [{ "id": "hub" }] }));
}

#[tokio::test]
async fn locks_nothing_and_counts_its_notifications() {
    let hub = TestHub::start().await;

    let path = "/aux/v1/configuration/global_options";
    let answer = ask(&hub, Method::GET, path, READ).await;

    assert_eq!(answer.status, StatusCode::OK);
    let expected = json!({
        "scd_global_lock": false,
        "scd_hash_lock": false,
        "time_based_notification_index": false,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn knows_of_no_authorities_where_something_else_does_tls() {
    let hub = TestHub::start().await;
    for path in [ACCEPTED_CAS, CAS] {
        let answer = Answer::of(reqwest::Client::new().get(hub.url(path))).await;

        check("GET", path, &answer);
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
        assert!(!answer.message().is_empty());
    }
}

/// Returns the certificates that the hub, asked over TLS, lists at `path`.
async fn certificates(hub: &TestHub, path: &str) -> Vec<String> {
    let url = format!("https://localhost:{}{path}", hub.hub.local_addr().port());
    let answer = Answer::of(tls::client(Some("client")).get(url)).await;
    check("GET", path, &answer);
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    serde_json::from_value(answer.json()["CAs"].clone()).expect("a list of texts")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(fixture(name)).expect("the fixture is there")
}

/// Returns the settings of a hub whose files are in `dir`, with its own certificate alone.
fn tls_in(dir: &Path) -> Arc<Tls> {
    let settings = tls::tls(dir, "server-one");
    Arc::new(Tls { client_roots: Some(dir.join("roots.pem")), ..settings })
}

#[tokio::test]
async fn lists_the_authorities_that_its_tls_stands_on_at_the_moment() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = tls_in(dir.path());
    let roots = settings.client_roots.clone().expect("they are set");
    std::fs::write(&roots, text("root.cert.pem")).expect("it is written");
    let changed = Arc::clone(&settings);
    let hub = TestHub::start_with(|config| config.tls = Some((*changed).clone())).await;
    assert_eq!(certificates(&hub, ACCEPTED_CAS).await, [text("root.cert.pem")]);
    assert_eq!(certificates(&hub, CAS).await, Vec::<String>::new());

    // The key may be in the same file as the certificates, and comments too: neither is told.
    let chain = [text("server-one.key.pem"), text("server-one.cert.pem"), text("root.cert.pem")];
    std::fs::write(&settings.certificate, chain.join("# a comment\n")).expect("it is written");
    let two = [text("root.cert.pem"), text("rsa.cert.pem")];
    std::fs::write(&roots, two.join("# another\n")).expect("it is written");

    eventually(async || certificates(&hub, CAS).await == [text("root.cert.pem")]).await;
    eventually(async || certificates(&hub, ACCEPTED_CAS).await == two).await;
}

#[tokio::test]
async fn accepts_no_authorities_where_clients_need_no_certificate() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = tls::tls(dir.path(), "server-one");
    let hub = TestHub::start_with(|config| config.tls = Some(settings)).await;

    assert_eq!(certificates(&hub, ACCEPTED_CAS).await, Vec::<String>::new());
}
