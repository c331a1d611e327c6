//! Calls that the desk makes: bounded in time, size and number, without redirects.
//!
//! Two kinds of servers are called. The hub and the token endpoint are named by the desk's own
//! operator and reached wherever they are. Peers are named by the peers themselves; see
//! [`address`] for where they may be.

pub(crate) mod address;
pub(crate) mod hub;
pub(crate) mod peer;
pub(crate) mod tokens;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::calls::{CallName, Calls, Ending};
use address::{CheckedResolver, PrivateAddresses};

/// How long a call may take, from connecting to the last byte of the answer.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may take to be made; part of [`CALL_TIMEOUT`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a call may wait for others to the same server to end.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);
/// How many bytes a peer's answer may have.
pub(crate) const RESPONSE_BYTES_MAX: usize = 4 << 20;
/// How many bytes the hub's answer may have: a search may find 100,000 references.
const HUB_RESPONSE_BYTES_MAX: usize = 128 << 20;
/// How many calls to one server run at once.
const CALLS_PER_SERVER_MAX: usize = 32;
/// Servers share so many lanes by a hash of their name, so that the bound needs no growing table.
const LANES: usize = 64;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The URL is not one that is called.
    #[error("the url cannot be called: {0}")]
    Url(&'static str),
    /// Too many calls to this server were under way for too long.
    #[error("too many calls to this server are under way")]
    Busy,
    /// There was no answer within [`CALL_TIMEOUT`].
    #[error("there was no answer within {} s", CALL_TIMEOUT.as_secs())]
    TimedOut,
    /// The answer has more bytes than it may.
    #[error("the answer has more than {max} bytes")]
    TooLarge {
        /// How many it may have.
        max: usize,
    },
    /// The answer leads elsewhere, which is not followed.
    #[error("the answer is a redirect, which is not followed")]
    Redirected,
    /// No connection was made, so the server knows nothing of the call.
    #[error("no connection can be made")]
    NotConnected(#[source] reqwest::Error),
    /// The connection broke.
    #[error("the connection broke")]
    Connection(#[source] reqwest::Error),
    /// There is no token to call with.
    #[error("there is no token to call with")]
    Token(#[from] tokens::TokenError),
}

/// Who chose the server that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The desk's operator: the hub or the token endpoint.
    Configured,
    /// Another party.
    Peer,
}

/// A call to be made.
#[derive(Debug)]
pub(crate) struct Call {
    /// What it asks, for the counts.
    pub(crate) name: CallName,
    /// Who chose the server.
    pub(crate) server: Server,
    /// How it asks.
    pub(crate) method: Method,
    /// Where.
    pub(crate) url: Url,
    /// The value of `Authorization`.
    pub(crate) authorization: Option<String>,
    /// The value of `Idempotency-Key`.
    pub(crate) idempotency_key: Option<String>,
    /// A body and its media type.
    pub(crate) body: Option<(&'static str, String)>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status; never a redirect.
    pub(crate) status: StatusCode,
    /// What `Retry-After` said, in seconds.
    pub(crate) retry_after_s: Option<u64>,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

/// Makes calls; clones share connections, lanes and counts.
#[derive(Clone)]
pub(crate) struct Client(Arc<Shared>);

struct Shared {
    configured: reqwest::Client,
    peers: reqwest::Client,
    private_addresses: PrivateAddresses,
    lanes: [Semaphore; LANES],
    calls: Calls,
}

impl Client {
    /// Returns a client that reaches peers where `private_addresses` lets it.
    pub(crate) fn new(private_addresses: PrivateAddresses) -> Result<Self, reqwest::Error> {
        let resolver = Arc::new(CheckedResolver(private_addresses));
        Ok(Client(Arc::new(Shared {
            configured: builder().build()?,
            peers: builder().dns_resolver(resolver).build()?,
            private_addresses,
            lanes: std::array::from_fn(|_| Semaphore::new(CALLS_PER_SERVER_MAX)),
            calls: Calls::default(),
        })))
    }

    /// Returns the counts of all calls.
    pub(crate) fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// Makes a call and reads its whole answer.
    pub(crate) async fn call(&self, call: Call) -> Result<Answer, CallError> {
        self.check(&call)?;
        let lane = &self.0.lanes[lane_of(&call.url)];
        let _turn = tokio::time::timeout(TURN_TIMEOUT, lane.acquire())
            .await
            .map_err(|_| CallError::Busy)?
            .expect("lanes are never closed");
        let (name, started) = (call.name, Instant::now());
        let answer = self.send(call).await;
        let ending = match &answer {
            Ok(answer) if answer.status.as_u16() < 400 => Ending::Answered,
            Ok(_) => Ending::Refused,
            Err(_) => Ending::Failed,
        };
        self.0.calls.count(name, ending, started.elapsed());
        answer
    }

    /// Refuses what must not be called: the resolver is not asked about literal addresses.
    fn check(&self, call: &Call) -> Result<(), CallError> {
        if call.server == Server::Configured {
            return Ok(());
        }
        let private_addresses = self.0.private_addresses;
        if call.url.scheme() != "https" && private_addresses == PrivateAddresses::Refuse {
            return Err(CallError::Url("it is not https, which is allowed with private addresses"));
        }
        let host = audience_of(&call.url)?;
        match host.parse::<IpAddr>() {
            Ok(literal) if !private_addresses.permits(literal) => {
                Err(CallError::Url("its address is not public"))
            }
            // The resolver judges the addresses of names.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn send(&self, call: Call) -> Result<Answer, CallError> {
        let (client, bytes_max) = match call.server {
            Server::Configured => (&self.0.configured, HUB_RESPONSE_BYTES_MAX),
            Server::Peer => (&self.0.peers, RESPONSE_BYTES_MAX),
        };
        let mut request = client.request(call.method, call.url);
        if let Some(authorization) = call.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(key) = call.idempotency_key {
            request = request.header("idempotency-key", key);
        }
        if let Some((media_type, body)) = call.body {
            request = request.header(CONTENT_TYPE, media_type).body(body);
        }
        let response = request.send().await.map_err(connection_error)?;
        if response.status().is_redirection() {
            return Err(CallError::Redirected);
        }
        read(response, bytes_max).await
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("tansiq-desk/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        // A proxy from the environment would connect for us, past the check of addresses.
        .no_proxy()
        .timeout(CALL_TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(CALLS_PER_SERVER_MAX)
}

async fn read(mut response: reqwest::Response, bytes_max: usize) -> Result<Answer, CallError> {
    let too_large = || CallError::TooLarge { max: bytes_max };
    let announced = response.content_length().unwrap_or(0);
    if u64::try_from(bytes_max).unwrap_or(u64::MAX) < announced {
        return Err(too_large());
    }
    let status = response.status();
    let retry_after_s = retry_after_s(response.headers());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(connection_error)? {
        if bytes_max < body.len() + chunk.len() {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, retry_after_s, body })
}

fn retry_after_s(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()
}

fn connection_error(error: reqwest::Error) -> CallError {
    // The URL may hold what others chose, or ids; what went wrong is enough.
    let error = error.without_url();
    if error.is_connect() {
        return CallError::NotConnected(error);
    }
    if error.is_timeout() {
        return CallError::TimedOut;
    }
    CallError::Connection(error)
}

fn lane_of(url: &Url) -> usize {
    let mut hasher = DefaultHasher::new();
    url.host_str().hash(&mut hasher);
    url.port_or_known_default().hash(&mut hasher);
    usize::try_from(hasher.finish() % LANES as u64).expect("fewer lanes than a usize counts")
}

/// Returns the URL of `path`, which begins with `/`, below a base URL.
pub(crate) fn join(base_url: &str, path: &str) -> Result<Url, CallError> {
    let url = Url::parse(&format!("{}{path}", base_url.trim_end_matches('/')))
        .map_err(|_| CallError::Url("it is not a url"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(CallError::Url("it is not http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CallError::Url("it holds a user name or password"));
    }
    // A `?` or `#` in the base would swallow the path.
    if url.query().is_some() || url.fragment().is_some() {
        return Err(CallError::Url("it holds a query or a fragment"));
    }
    Ok(url)
}

/// Returns the audience that tokens for `url` need: its host, without the port (F3548-21, `aud`).
pub(crate) fn audience_of(url: &Url) -> Result<String, CallError> {
    let host = url.host_str().ok_or(CallError::Url("it names no host"))?;
    Ok(host.trim_start_matches('[').trim_end_matches(']').to_owned())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
