//! Tokens from a token endpoint that a test plays, and from a key.

use std::sync::Mutex as StdMutex;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use axum::Router;
use axum::extract::RawQuery;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hub::config::Limits;
use hub::server::Server as HttpServer;

use super::*;
use crate::client::address::PrivateAddresses;

const NOW_S: i64 = 1_800_000_000;

fn now() -> Timestamp {
    from_seconds(NOW_S).expect("in range")
}

fn key_pem() -> String {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key pair");
    let der = pair.as_der().expect("it can be written");
    let base64 = STANDARD.encode(der.as_ref());
    format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n")
}

fn tokens(source: TokenSource, clock: &Clock) -> Result<Tokens, TokenError> {
    let client = Client::new(PrivateAddresses::Refuse).expect("a client");
    Tokens::new(source, "http://alder.example", client, clock.clone(), Entropy::seeded(1))
}

/// A token endpoint that gives tokens for an hour and remembers what it was asked.
struct Endpoint {
    server: HttpServer,
    asked: Arc<StdMutex<Vec<String>>>,
}

impl Endpoint {
    async fn start(
        status: u16,
        answer: impl Fn() -> String + Clone + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(StdMutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let handler = move |RawQuery(query): RawQuery, body: String| {
            noted.lock().expect("no panic").push(query.unwrap_or_default() + "|" + &body);
            let answer = answer();
            async move { (axum::http::StatusCode::from_u16(status).expect("a status"), answer) }
        };
        let router = Router::new().fallback(handler);
        let limits = Limits::default();
        let server = HttpServer::start(([127, 0, 0, 1], 0).into(), router, &limits, None);
        Endpoint { server: server.await.expect("a free port"), asked }
    }

    fn source(&self, credentials: Option<Credentials>) -> TokenSource {
        let url = format!("http://{}/token?sub=alder", self.server.local_addr());
        TokenSource::Url { url, credentials }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no panic").clone()
    }
}

/// Returns an answer with a token that is valid for an hour from [`NOW_S`].
fn granted() -> String {
    let claims = serde_json::json!({ "sub": "alder", "exp": NOW_S + 3_600 });
    let key = EncodingKey::from_secret(b"nobody verifies it here");
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key);
    serde_json::json!({ "access_token": token.expect("signed") }).to_string()
}

#[tokio::test]
async fn asks_once_until_shortly_before_the_end() {
    let endpoint = Endpoint::start(200, granted).await;
    let clock = Clock::manual(now());
    let tokens = tokens(endpoint.source(None), &clock).expect("a source");
    let ask = async |audience: &str| {
        tokens.authorization(audience, "utm.strategic_coordination").await.expect("a token")
    };

    let first = ask("hub.example").await;
    ask("birch.example").await;
    clock.advance(Duration::from_secs(3_600) - MARGIN - Duration::from_secs(1));
    ask("hub.example").await;
    assert_eq!(endpoint.asked().len(), 2);
    clock.advance(Duration::from_secs(1));
    ask("hub.example").await;

    assert!(first.starts_with("Bearer eyJ"));
    let asked = endpoint.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!(
        asked[0],
        "sub=alder&grant_type=client_credentials&intended_audience=hub.example\
         &audience=hub.example&scope=utm.strategic_coordination|"
    );
    assert_eq!(tokens.party("hub.example", "other").await.expect("a token").as_str(), "alder");
}

#[tokio::test]
async fn shows_its_credentials_in_the_body_only() {
    let endpoint = Endpoint::start(200, granted).await;
    let credentials =
        Credentials { client_id: "alder".to_owned(), client_secret: "s3cret&".to_owned() };
    let source = endpoint.source(Some(credentials));
    assert!(!format!("{source:?}").contains("s3cret"));
    let tokens = tokens(source, &Clock::manual(now())).expect("a source");

    tokens.authorization("hub.example", "a b").await.expect("a token");

    let asked = endpoint.asked();
    let (query, body) = asked[0].split_once('|').expect("both");
    assert_eq!(query, "sub=alder");
    assert!(body.contains("client_id=alder&client_secret=s3cret%26"), "{body}");
    assert!(body.contains("scope=a+b"), "{body}");
}

#[tokio::test]
async fn says_what_is_wrong_with_the_endpoint() {
    let ask = async |status, answer: &'static str| {
        let endpoint = Endpoint::start(status, move || answer.to_owned()).await;
        let tokens = tokens(endpoint.source(None), &Clock::manual(now())).expect("a source");
        tokens.authorization("hub.example", "scope").await
    };

    assert!(matches!(ask(403, "{}").await, Err(TokenError::Refused { status: 403 })));
    assert!(matches!(ask(200, "{}").await, Err(TokenError::Unusable(_))));
    assert!(matches!(ask(200, r#"{"access_token":"x"}"#).await, Err(TokenError::Unusable(_))));
}

#[tokio::test]
async fn signs_tokens_of_its_own_for_half_an_hour() {
    let directory = tempfile::tempdir().expect("a directory");
    let key_file = directory.path().join("key.pem");
    std::fs::write(&key_file, key_pem()).expect("written");
    let source = TokenSource::Key { key_file: key_file.clone(), party: "alder".to_owned() };
    let clock = Clock::manual(now());
    let tokens = tokens(source, &clock).expect("a source");

    let first = tokens.token("hub.example", "scope").await.expect("signed");
    let same = tokens.token("hub.example", "scope").await.expect("signed");
    clock.advance(LIFETIME);
    let next = tokens.token("hub.example", "scope").await.expect("signed");

    assert_eq!(first.token, same.token);
    assert_ne!(first.token, next.token);
    let claims: serde_json::Value =
        jsonwebtoken::dangerous::insecure_decode_claims(&*first.token).expect("a token");
    assert_eq!(claims["sub"], "alder");
    assert_eq!(claims["aud"], "hub.example");
    assert_eq!(claims["scope"], "scope");
    assert_eq!(claims["iss"], "http://alder.example");
    assert_eq!(claims["exp"], NOW_S + 1_800);
    assert!(claims["jti"].is_string());
}

#[tokio::test]
async fn keeps_no_more_tokens_than_it_may() {
    let endpoint = Endpoint::start(200, granted).await;
    let tokens = tokens(endpoint.source(None), &Clock::manual(now())).expect("a source");
    let kept = read_own(
        serde_json::from_str::<TokenResponse>(&granted()).expect("it is one").access_token.as_str(),
    )
    .expect("a token");

    for number in 0..=TOKENS_MAX {
        tokens.keep((format!("{number}.example"), "scope"), kept.clone(), now());
        assert!(tokens.kept().len() <= TOKENS_MAX);
    }

    assert!(tokens.kept().contains_key(&(format!("{TOKENS_MAX}.example"), "scope")));
}

#[test]
fn refuses_sources_that_cannot_be_used() {
    let clock = Clock::manual(now());
    let directory = tempfile::tempdir().expect("a directory");
    let key_file = directory.path().join("key.pem");
    let of_key =
        |party: &str| TokenSource::Key { key_file: key_file.clone(), party: party.to_owned() };

    assert!(matches!(tokens(of_key("a"), &clock).err(), Some(TokenError::KeyFile { .. })));
    std::fs::write(&key_file, "no key").expect("written");
    assert!(matches!(tokens(of_key("a"), &clock).err(), Some(TokenError::Key(_))));
    std::fs::write(&key_file, key_pem()).expect("written");
    assert!(matches!(tokens(of_key(""), &clock).err(), Some(TokenError::Party(_))));
    let source = TokenSource::Url { url: "no url".to_owned(), credentials: None };
    assert!(matches!(tokens(source, &clock).err(), Some(TokenError::Url)));
}
