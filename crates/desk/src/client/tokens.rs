//! Tokens to call others with: fetched or signed, kept until shortly before they end.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use airspace::Party;
use hub::clock::Clock;
use hub::entropy::Entropy;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use spacetime::Timestamp;

use super::{Call, CallError, Client, Server};
use crate::calls::CallName;

/// How long a token that the desk signs is valid (hubs refuse more than an hour).
const LIFETIME: Duration = Duration::from_secs(1_800);
/// How long before its end a token is replaced.
const MARGIN: Duration = Duration::from_secs(60);
/// How many tokens are kept; one an audience and set of scopes.
const TOKENS_MAX: usize = 1_024;

/// Where the desk's tokens come from.
#[derive(Clone)]
pub enum TokenSource {
    /// An authorization server.
    Url {
        /// Its token endpoint; `intended_audience` and `scope` are added to the query.
        url: String,
        /// If given, the desk asks as this client with a POST (RFC 6749, section 4.4).
        credentials: Option<Credentials>,
    },
    /// The desk itself, with a key whose public half the others trust.
    Key {
        /// A PEM file with an RSA private key.
        key_file: PathBuf,
        /// The party that the tokens speak for: `sub`.
        party: String,
    },
}

/// What the desk shows an authorization server.
#[derive(Clone)]
pub struct Credentials {
    /// The name of the client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The key file cannot be read.
    #[error("cannot read the key file {}", path.display())]
    KeyFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key cannot sign.
    #[error("the key cannot sign tokens with RS256")]
    Key(#[source] jsonwebtoken::errors::Error),
    /// The name of the party is none.
    #[error("the party's name cannot be used")]
    Party(#[source] airspace::TextError),
    /// The URL of the token endpoint is none.
    #[error("the token url is not a url")]
    Url,
    /// The token endpoint gave no answer.
    #[error("the token endpoint gave no answer: {0}")]
    Endpoint(String),
    /// The token endpoint refused.
    #[error("the token endpoint answered {status}")]
    Refused {
        /// With this status.
        status: u16,
    },
    /// The token endpoint's answer holds no token that can be used.
    #[error("the token endpoint's answer holds no usable token: {0}")]
    Unusable(&'static str),
}

/// Gives tokens by audience and scopes; clones share what is kept.
#[derive(Clone)]
pub(crate) struct Tokens(Arc<Shared>);

struct Shared {
    source: Source,
    client: Client,
    clock: Clock,
    entropy: Entropy,
    kept: Mutex<HashMap<(String, &'static str), Kept>>,
}

enum Source {
    Url { url: Url, credentials: Option<Credentials> },
    Key { key: EncodingKey, party: Party, issuer: String },
}

#[derive(Clone)]
struct Kept {
    token: Arc<str>,
    party: Party,
    ends_at: Timestamp,
}

/// What a token says, as far as its holder must know.
#[derive(Deserialize)]
struct OwnClaims {
    sub: String,
    exp: i64,
}

#[derive(Serialize)]
struct SignedClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: String,
}

/// What a token endpoint answers (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
}

impl Tokens {
    /// Returns what gives tokens from `source`; `issuer` goes into those that the desk signs.
    pub(crate) fn new(
        source: TokenSource,
        issuer: &str,
        client: Client,
        clock: Clock,
        entropy: Entropy,
    ) -> Result<Self, TokenError> {
        let source = match source {
            TokenSource::Url { url, credentials } => {
                let url = Url::parse(&url).map_err(|_| TokenError::Url)?;
                Source::Url { url, credentials }
            }
            TokenSource::Key { key_file, party } => {
                let pem = std::fs::read(&key_file)
                    .map_err(|source| TokenError::KeyFile { path: key_file, source })?;
                let key = EncodingKey::from_rsa_pem(&pem).map_err(TokenError::Key)?;
                let party = Party::new(&party).map_err(TokenError::Party)?;
                Source::Key { key, party, issuer: issuer.to_owned() }
            }
        };
        let kept = Mutex::new(HashMap::new());
        Ok(Tokens(Arc::new(Shared { source, client, clock, entropy, kept })))
    }

    /// Returns a header value that opens `scopes`, which are separated by spaces, at `audience`.
    pub(crate) async fn authorization(
        &self,
        audience: &str,
        scopes: &'static str,
    ) -> Result<String, TokenError> {
        Ok(format!("Bearer {}", self.token(audience, scopes).await?.token))
    }

    /// Returns the party that the desk's tokens speak for.
    pub(crate) async fn party(
        &self,
        audience: &str,
        scopes: &'static str,
    ) -> Result<Party, TokenError> {
        Ok(self.token(audience, scopes).await?.party)
    }

    async fn token(&self, audience: &str, scopes: &'static str) -> Result<Kept, TokenError> {
        let id = (audience.to_owned(), scopes);
        let now = self.0.clock.now();
        if let Some(kept) = self.kept().get(&id)
            && now.plus(MARGIN) < kept.ends_at
        {
            return Ok(kept.clone());
        }
        let new = match &self.0.source {
            Source::Key { key, party, issuer } => {
                let claims = self.claims(audience, scopes, issuer, party);
                sign(key, &claims, party)?
            }
            Source::Url { url, credentials } => {
                self.fetch(url, credentials.as_ref(), audience, scopes).await?
            }
        };
        self.keep(id, new.clone(), now);
        Ok(new)
    }

    fn keep(&self, id: (String, &'static str), new: Kept, now: Timestamp) {
        let mut kept = self.kept();
        if TOKENS_MAX <= kept.len() {
            kept.retain(|_, kept| now < kept.ends_at);
        }
        if TOKENS_MAX <= kept.len() {
            kept.clear();
        }
        kept.insert(id, new);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<(String, &'static str), Kept>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn claims<'a>(
        &self,
        audience: &'a str,
        scope: &'a str,
        iss: &'a str,
        party: &'a Party,
    ) -> SignedClaims<'a> {
        let now = self.0.clock.now();
        SignedClaims {
            iss,
            sub: party.as_str(),
            aud: audience,
            scope,
            iat: seconds(now),
            exp: seconds(now.plus(LIFETIME)),
            jti: airspace::EntityId::from_random_bytes(self.0.entropy.bytes()).to_string(),
        }
    }

    async fn fetch(
        &self,
        url: &Url,
        credentials: Option<&Credentials>,
        audience: &str,
        scopes: &'static str,
    ) -> Result<Kept, TokenError> {
        let call = token_call(url.clone(), credentials, audience, scopes);
        // A token call needs no token, so the error never nests.
        let answer = Box::pin(self.0.client.call(call))
            .await
            .map_err(|error: CallError| TokenError::Endpoint(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(TokenError::Refused { status: answer.status.as_u16() });
        }
        let response: TokenResponse = serde_json::from_slice(&answer.body)
            .map_err(|_| TokenError::Unusable("it has no access_token"))?;
        read_own(&response.access_token)
    }
}

fn token_call(
    mut url: Url,
    credentials: Option<&Credentials>,
    audience: &str,
    scopes: &str,
) -> Call {
    let parameters = [
        ("grant_type", "client_credentials"),
        ("intended_audience", audience),
        ("audience", audience),
        ("scope", scopes),
    ];
    let (method, body) = match credentials {
        None => {
            url.query_pairs_mut().extend_pairs(parameters);
            (Method::GET, None)
        }
        Some(credentials) => {
            let secret = [
                ("client_id", credentials.client_id.as_str()),
                ("client_secret", credentials.client_secret.as_str()),
            ];
            // A form is written like a query, which a URL can write.
            let mut form = url.clone();
            form.query_pairs_mut().clear().extend_pairs(parameters).extend_pairs(secret);
            let form = form.query().unwrap_or_default().to_owned();
            (Method::POST, Some(("application/x-www-form-urlencoded", form)))
        }
    };
    Call {
        name: CallName::FetchToken,
        server: Server::Configured,
        method,
        url,
        authorization: None,
        idempotency_key: None,
        body,
    }
}

fn sign(key: &EncodingKey, claims: &SignedClaims<'_>, party: &Party) -> Result<Kept, TokenError> {
    let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), claims, key)
        .map_err(TokenError::Key)?;
    let ends_at = from_seconds(claims.exp).expect("half an hour from now is in range");
    Ok(Kept { token: token.into(), party: party.clone(), ends_at })
}

/// Reads a token of the desk's own; whoever it is shown to verifies it.
fn read_own(token: &str) -> Result<Kept, TokenError> {
    let claims: OwnClaims = jsonwebtoken::dangerous::insecure_decode_claims(token)
        .map_err(|_| TokenError::Unusable("it is not a JSON web token with sub and exp"))?;
    let party = Party::new(&claims.sub).map_err(TokenError::Party)?;
    let ends_at =
        from_seconds(claims.exp).ok_or(TokenError::Unusable("its exp is out of range"))?;
    Ok(Kept { token: token.into(), party, ends_at })
}

fn seconds(time: Timestamp) -> i64 {
    time.as_micros().div_euclid(1_000_000)
}

fn from_seconds(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_micros(seconds.checked_mul(1_000_000)?).ok()
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::Url { url, credentials } => f
                .debug_struct("Url")
                .field("url", url)
                .field("credentials", &credentials.is_some())
                .finish(),
            TokenSource::Key { key_file, party } => {
                f.debug_struct("Key").field("key_file", key_file).field("party", party).finish()
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
