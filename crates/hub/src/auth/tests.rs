use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use spacetime::Timestamp;

use super::key::{self, KeyError};
use super::*;

/// The time at which every test takes place, in seconds since 1970.
const NOW_S: i64 = 1_800_000_000;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn text(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).expect("the fixture is there")
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_micros(NOW_S * 1_000_000).expect("in range"))
}

fn tokens(files: &[&str]) -> Tokens {
    Tokens {
        public_keys: files.iter().map(|name| fixture(name)).collect(),
        audiences: vec!["localhost".to_owned(), "hub.example".to_owned()],
        ..Tokens::default()
    }
}

async fn authenticator(tokens: &Tokens) -> Authenticator {
    Authenticator::start(tokens, clock()).await.expect("the keys are good")
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.example",
        "sub": "uss1",
        "aud": "localhost",
        "exp": NOW_S + 600,
        "iat": NOW_S,
        "scope": "utm.strategic_coordination utm.constraint_processing",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().expect("it is an object").remove(name);
    claims
}

fn sign_with(algorithm: Algorithm, key: &EncodingKey, kid: Option<&str>, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = kid.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, key).expect("the key signs")
}

fn rsa_key(name: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(&text(name)).expect("an RSA key")
}

fn sign(claims: &Value) -> String {
    sign_with(Algorithm::RS256, &rsa_key("rsa.key.pem"), None, claims)
}

fn headers(authorization: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(authorization).expect("a good header");
    headers.insert(AUTHORIZATION, value);
    headers
}

async fn verdict(authenticator: &Authenticator, token: &str) -> Result<Arc<Caller>, TokenError> {
    authenticator.authenticate(&headers(&format!("Bearer {token}"))).await
}

#[tokio::test]
async fn judges_claims() {
    let authenticator = authenticator(&tokens(&["rsa.pub.pem"])).await;
    let long_name = "x".repeat(Party::LENGTH_MAX + 1);
    for (claims, expected) in [
        (claims(), Ok(())),
        (with("aud", json!(["other", "hub.example"])), Ok(())),
        (without("iat"), Ok(())),
        (without("scope"), Ok(())),
        (with("scope", json!("")), Ok(())),
        (with("exp", json!(NOW_S - 60)), Ok(())),
        (with("exp", json!(NOW_S - 61)), Err(TokenError::Expired)),
        (with("exp", json!(NOW_S + 3_660)), Ok(())),
        (with("exp", json!(NOW_S + 3_661)), Err(TokenError::TooLongLived)),
        (with("exp", json!(1e300)), Err(TokenError::TooLongLived)),
        (with("exp", json!(NOW_S as f64 + 600.5)), Ok(())),
        (with("exp", json!("soon")), Err(TokenError::Malformed)),
        (without("exp"), Err(TokenError::NoExpiry)),
        (with("iat", json!(NOW_S + 60)), Ok(())),
        (with("iat", json!(NOW_S + 61)), Err(TokenError::NotYetGood)),
        (with("nbf", json!(NOW_S + 60)), Ok(())),
        (with("nbf", json!(NOW_S + 61)), Err(TokenError::NotYetGood)),
        (with("aud", json!("other")), Err(TokenError::Audience)),
        (with("aud", json!([])), Err(TokenError::Audience)),
        (without("aud"), Err(TokenError::Audience)),
        (without("iss"), Err(TokenError::Issuer)),
        (with("iss", json!("")), Err(TokenError::Issuer)),
        (with("iss", Value::Null), Err(TokenError::Issuer)),
        (without("sub"), Err(TokenError::Subject)),
        (with("sub", json!("")), Err(TokenError::Subject)),
        (with("sub", json!("a\nb")), Err(TokenError::Subject)),
        (with("sub", json!(long_name)), Err(TokenError::Subject)),
        (with("scope", json!(["utm.strategic_coordination"])), Err(TokenError::Malformed)),
    ] {
        let verdict = verdict(&authenticator, &sign(&claims)).await;

        assert_eq!(verdict.map(|_| ()), expected, "{claims}");
    }
}

#[tokio::test]
async fn takes_every_accepted_algorithm() {
    let files = ["rsa.pub.pem", "p256.pub.pem", "p384.pub.pem", "ed25519.pub.pem"];
    let authenticator = authenticator(&tokens(&files)).await;
    let rsa = rsa_key("rsa.key.pem");
    let p256 = EncodingKey::from_ec_pem(&text("p256.key.pem")).expect("a P-256 key");
    let p384 = EncodingKey::from_ec_pem(&text("p384.key.pem")).expect("a P-384 key");
    let ed25519 = EncodingKey::from_ed_pem(&text("ed25519.key.pem")).expect("an Ed25519 key");
    for (algorithm, key) in [
        (Algorithm::RS256, &rsa),
        (Algorithm::RS384, &rsa),
        (Algorithm::RS512, &rsa),
        (Algorithm::PS256, &rsa),
        (Algorithm::PS384, &rsa),
        (Algorithm::PS512, &rsa),
        (Algorithm::ES256, &p256),
        (Algorithm::ES384, &p384),
        (Algorithm::EdDSA, &ed25519),
    ] {
        let caller = verdict(&authenticator, &sign_with(algorithm, key, None, &claims())).await;

        let caller = caller.expect("it is good");
        assert_eq!(caller.party.as_str(), "uss1", "{algorithm:?}");
        assert!(caller.scopes.contains(scope::Scope::ConstraintProcessing));
    }
}

#[tokio::test]
async fn refuses_signatures_that_prove_nothing() {
    let authenticator = authenticator(&tokens(&["rsa.pub.pem"])).await;
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let public_key = text("rsa.pub.pem");
    let good = sign(&claims());
    let (message, signature) = good.rsplit_once('.').expect("a token has three parts");
    let (header, _) = message.split_once('.').expect("a token has three parts");
    let other = sign_with(Algorithm::RS256, &rsa_key("rsa-other.key.pem"), None, &claims());
    let hmac = EncodingKey::from_secret(&public_key);
    for (token, expected) in [
        (other, TokenError::Signature),
        (sign_with(Algorithm::HS256, &hmac, None, &claims()), TokenError::Algorithm),
        (format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims())), TokenError::Algorithm),
        (format!("{}.{}.x", part(&json!({"alg": "NONE"})), part(&claims())), TokenError::Algorithm),
        (
            format!("{header}.{}.{signature}", part(&with("sub", json!("other")))),
            TokenError::Signature,
        ),
        (format!("{message}."), TokenError::Signature),
        (
            format!("{}.{}.{signature}", part(&json!({"alg": "ES256"})), part(&claims())),
            TokenError::Signature,
        ),
        (
            format!("{}.{signature}", part(&json!({"alg": "RS256", "crit": ["b64"]})) + ".e30"),
            TokenError::Malformed,
        ),
        ("abc".to_owned(), TokenError::Malformed),
        ("a.b.c".to_owned(), TokenError::Malformed),
        (String::new(), TokenError::Malformed),
        ("x".repeat(TOKEN_BYTES_MAX + 1), TokenError::Malformed),
    ] {
        assert_eq!(verdict(&authenticator, &token).await, Err(expected), "{token}");
    }
}

#[tokio::test]
async fn reads_the_authorization_header() {
    let authenticator = authenticator(&tokens(&["rsa.pub.pem"])).await;
    let token = sign(&claims());
    for (authorization, good) in [
        (format!("bearer {token}"), true),
        (format!("BEARER  {token} "), true),
        (format!("Basic {token}"), false),
        (token.clone(), false),
    ] {
        let verdict = authenticator.authenticate(&headers(&authorization)).await;

        assert_eq!(verdict.is_ok(), good, "{authorization}");
    }

    let mut twice = headers(&format!("Bearer {token}"));
    let value = HeaderValue::from_str(&format!("Bearer {token}")).expect("a good header");
    twice.append(AUTHORIZATION, value);
    assert_eq!(authenticator.authenticate(&twice).await, Err(TokenError::Malformed));
    assert_eq!(authenticator.authenticate(&HeaderMap::new()).await, Err(TokenError::Missing));
}

#[tokio::test]
async fn believes_only_the_pinned_issuer() {
    let mut tokens = tokens(&["rsa.pub.pem"]);
    tokens.issuer = Some("https://issuer.example".to_owned());
    let authenticator = authenticator(&tokens).await;

    assert!(verdict(&authenticator, &sign(&claims())).await.is_ok());
    let other = sign(&with("iss", json!("https://other.example")));
    assert_eq!(verdict(&authenticator, &other).await, Err(TokenError::Issuer));
}

#[tokio::test]
async fn forgets_a_remembered_token_when_it_expires() {
    let clock = clock();
    let authenticator = Authenticator::start(&tokens(&["rsa.pub.pem"]), clock.clone()).await;
    let authenticator = authenticator.expect("the keys are good");
    let token = sign(&claims());
    assert!(verdict(&authenticator, &token).await.is_ok());

    clock.advance(Duration::from_secs(660));
    assert!(verdict(&authenticator, &token).await.is_ok());

    clock.advance(Duration::from_secs(1));
    assert_eq!(verdict(&authenticator, &token).await, Err(TokenError::Expired));
}

#[tokio::test]
async fn takes_keys_from_certificates_and_pkcs1() {
    for file in ["rsa.cert.pem", "rsa.pkcs1.pem"] {
        let authenticator = authenticator(&tokens(&[file])).await;

        assert!(verdict(&authenticator, &sign(&claims())).await.is_ok(), "{file}");
    }
    let authenticator = authenticator(&tokens(&["ed25519.cert.pem"])).await;
    let key = EncodingKey::from_ed_pem(&text("ed25519.key.pem")).expect("an Ed25519 key");
    let token = sign_with(Algorithm::EdDSA, &key, None, &claims());
    assert!(verdict(&authenticator, &token).await.is_ok());
}

#[tokio::test]
async fn refuses_to_start_with_files_that_are_no_keys() {
    for (file, expected) in [
        ("rsa.key.pem", KeyError::Private),
        ("rsa-1024.pub.pem", KeyError::Unsupported),
        ("make.sh", KeyError::NoPem),
    ] {
        let error = Authenticator::start(&tokens(&[file]), clock()).await;

        let error = error.expect_err("it is refused");
        assert!(
            matches!(error, KeysError::Unusable { source, .. } if source == expected),
            "{file}"
        );
    }
    let error = Authenticator::start(&tokens(&["missing.pem"]), clock()).await;
    assert!(matches!(error.expect_err("it is refused"), KeysError::Unreadable { .. }));
}

#[test]
fn takes_no_more_than_a_named_number_of_keys_from_a_file() {
    let one = text("ed25519.pub.pem");

    assert_eq!(key::from_pem(&one.repeat(KEYS_PER_SOURCE_MAX)).map(|keys| keys.len()), Ok(64));
    let more = key::from_pem(&one.repeat(KEYS_PER_SOURCE_MAX + 1));
    assert_eq!(more.map(|keys| keys.len()), Err(KeyError::TooMany));
}

#[tokio::test]
async fn reads_key_files_again_when_they_change() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("key.pem");
    std::fs::write(&file, text("rsa.pub.pem")).expect("it is written");
    let mut tokens = tokens(&[]);
    tokens.public_keys = vec![file.clone()];
    let authenticator = authenticator(&tokens).await;
    let old = sign(&claims());
    let new = sign_with(Algorithm::RS256, &rsa_key("rsa-other.key.pem"), None, &claims());
    assert!(verdict(&authenticator, &old).await.is_ok());

    std::fs::write(&file, text("rsa-other.pub.pem")).expect("it is written");
    authenticator.refresh().await;
    assert_eq!(verdict(&authenticator, &old).await, Err(TokenError::Signature));
    assert!(verdict(&authenticator, &new).await.is_ok());

    std::fs::write(&file, "half written").expect("it is written");
    authenticator.refresh().await;
    assert!(verdict(&authenticator, &new).await.is_ok());
    let health = authenticator.health();
    assert_eq!(health[0].error, Some(KeyError::NoPem.to_string()));

    std::fs::write(&file, text("rsa.pub.pem")).expect("it is written");
    authenticator.refresh().await;
    assert!(verdict(&authenticator, &old).await.is_ok());
    assert_eq!(authenticator.health()[0].error, None);
}

/// A key set server on a free port; each answer is taken from what it is told to say.
struct KeySetServer {
    url: String,
    says: Arc<std::sync::Mutex<Option<Value>>>,
    asked: Arc<std::sync::atomic::AtomicUsize>,
}

impl KeySetServer {
    async fn start() -> Self {
        let says = Arc::new(std::sync::Mutex::new(None::<Value>));
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (answer, count) = (Arc::clone(&says), Arc::clone(&asked));
        let router = axum::Router::new().fallback(async move || {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            match &*answer.lock().expect("not poisoned") {
                Some(set) => crate::reply::json(axum::http::StatusCode::OK, set),
                None => crate::reply::text(axum::http::StatusCode::NOT_FOUND, "none"),
            }
        });
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let limits = crate::config::Limits::default();
        let server = crate::server::Server::start(any, router, &limits, None).await;
        let server = server.expect("it starts");
        let url = format!("http://{}/keys", server.local_addr());
        // It runs until the test's runtime ends.
        std::mem::forget(server);
        KeySetServer { url, says, asked }
    }

    fn say(&self, keys: &[Value]) {
        *self.says.lock().expect("not poisoned") = Some(json!({ "keys": keys }));
    }

    fn fail(&self) {
        *self.says.lock().expect("not poisoned") = None;
    }

    fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn jwk(kid: &str, key: &EncodingKey, algorithm: Algorithm) -> Value {
    let jwk = jsonwebtoken::jwk::Jwk::from_encoding_key(key, algorithm).expect("a public part");
    let mut value = serde_json::to_value(&jwk).expect("it is JSON");
    value["kid"] = json!(kid);
    value
}

async fn with_key_set(url: &str, clock: &Clock) -> Authenticator {
    let mut tokens = tokens(&[]);
    tokens.jwks_url = Some(url.to_owned());
    Authenticator::start(&tokens, clock.clone()).await.expect("it starts")
}

#[tokio::test]
async fn follows_a_key_set() {
    let server = KeySetServer::start().await;
    let (one, two) = (rsa_key("rsa.key.pem"), rsa_key("rsa-other.key.pem"));
    let one_jwk = jwk("one", &one, Algorithm::RS256);
    let two_jwk = jwk("two", &two, Algorithm::RS256);
    server.say(&[one_jwk.clone(), json!({"kty": "oct", "k": "AAAA"}), json!({"kty": "new"})]);
    let clock = clock();
    let authenticator = with_key_set(&server.url, &clock).await;
    let by_one = sign_with(Algorithm::RS256, &one, Some("one"), &claims());
    let by_two = sign_with(Algorithm::RS256, &two, Some("two"), &claims());
    assert!(verdict(&authenticator, &by_one).await.is_ok());

    // An unknown `kid` asks again, but not at once after the last time.
    server.say(&[one_jwk.clone(), two_jwk.clone()]);
    assert_eq!(verdict(&authenticator, &by_two).await, Err(TokenError::Signature));
    clock.advance(Duration::from_secs(5));
    assert!(verdict(&authenticator, &by_two).await.is_ok());
    assert_eq!(server.asked(), 2);

    // A server that fails leaves the last good keys.
    server.fail();
    clock.advance(Duration::from_secs(60));
    authenticator.refresh().await;
    assert!(verdict(&authenticator, &by_one).await.is_ok());
    let error = authenticator.health()[0].error.clone();
    assert!(error.expect("it failed").contains("404"));

    // A key that is gone from a set that was fetched stops at once.
    server.say(&[two_jwk]);
    clock.advance(Duration::from_secs(60));
    authenticator.refresh().await;
    assert_eq!(verdict(&authenticator, &by_one).await, Err(TokenError::Signature));
    assert!(verdict(&authenticator, &by_two).await.is_ok());
    assert_eq!(authenticator.health()[0].keys, 1);
}

#[tokio::test]
async fn starts_without_a_key_set_that_cannot_be_fetched() {
    let server = KeySetServer::start().await;
    let clock = clock();
    let authenticator = with_key_set(&server.url, &clock).await;
    let key = EncodingKey::from_ed_pem(&text("ed25519.key.pem")).expect("an Ed25519 key");
    let token = sign_with(Algorithm::EdDSA, &key, Some("one"), &claims());
    assert_eq!(verdict(&authenticator, &token).await, Err(TokenError::Signature));
    assert_eq!(authenticator.health()[0].good_at, None);

    server.say(&[jwk("one", &key, Algorithm::EdDSA)]);
    clock.advance(Duration::from_secs(60));
    authenticator.refresh().await;

    assert!(verdict(&authenticator, &token).await.is_ok());
}

#[test]
fn takes_keys_of_every_kind_from_a_key_set_and_no_others() {
    let rsa = rsa_key("rsa.key.pem");
    let p256 = EncodingKey::from_ec_pem(&text("p256.key.pem")).expect("a P-256 key");
    let p384 = EncodingKey::from_ec_pem(&text("p384.key.pem")).expect("a P-384 key");
    let mut for_encryption = jwk("five", &rsa, Algorithm::RS256);
    for_encryption["use"] = json!("enc");
    let mut of_another_algorithm = jwk("six", &rsa, Algorithm::RS256);
    of_another_algorithm["alg"] = json!("HS256");
    let mut short = jwk("seven", &rsa, Algorithm::RS256);
    short["n"] = json!(URL_SAFE_NO_PAD.encode([0xff; 128]));
    let set = json!({"keys": [
        jwk("one", &rsa, Algorithm::RS256),
        jwk("two", &p256, Algorithm::ES256),
        jwk("three", &p384, Algorithm::ES384),
        for_encryption,
        of_another_algorithm,
        short,
    ]});

    let keys = key::from_key_set(set.to_string().as_bytes()).expect("it is a key set");

    let kids: Vec<_> = keys.iter().filter_map(|key| key.kid.as_deref()).collect();
    assert_eq!(kids, ["one", "two", "three"]);
    assert_eq!(keys[0].algorithms, [Algorithm::RS256]);
    assert!(matches!(key::from_key_set(b"[]"), Err(KeyError::NotKeySet)));
}
