//! The members that a client may ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::member::Member;

/// How many members a client may be given.
pub const ENDPOINTS_MAX: usize = 32;

/// How long connecting to a member may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How often a member that says nothing while something is asked is asked whether it is there.
///
/// etcd hangs up on clients that do so more often than every five seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// How long the member may think about that.
const KEEP_ALIVE_ANSWER_MAX: Duration = Duration::from_secs(5);

/// How a cluster is reached.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Base URLs of members; the first is preferred at the start.
    pub endpoints: Vec<String>,
    /// Certificates; without them the URLs are `http`.
    pub tls: Option<Tls>,
}

/// Certificates in PEM form.
#[derive(Clone)]
pub struct Tls {
    /// Whom members' certificates must be signed by.
    pub ca: Vec<u8>,
    /// The client's own, with what it needs to be trusted; its common name is the etcd user.
    pub cert: Vec<u8>,
    /// The key to it.
    pub key: Vec<u8>,
}

/// A cluster cannot be reached so.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none, or there are too many.
    #[error("give 1 to {ENDPOINTS_MAX} members of etcd")]
    Count,
    /// A URL is none, or its certificates cannot be used.
    #[error("the member {url} cannot be used; check the URL and the PEM files")]
    Endpoint {
        /// Which.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A URL is `http` although there are certificates, or `https` although there are none.
    #[error("the member {url} must be https with certificates, or http without")]
    Scheme {
        /// Which.
        url: String,
    },
}

/// Members of one cluster; clones share which of them is asked.
#[derive(Clone, Debug)]
pub struct Client(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    members: Vec<Member>,
    /// The member to ask.
    turn: AtomicUsize,
}

impl Client {
    /// Makes a client; connects when it is asked something.
    ///
    /// Needs a tokio runtime.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        if config.endpoints.is_empty() || ENDPOINTS_MAX < config.endpoints.len() {
            return Err(ConfigError::Count);
        }
        let members: Result<Vec<_>, _> = config
            .endpoints
            .iter()
            .map(|url| Ok(Member::new(url, endpoint(url, config.tls.as_ref())?.connect_lazy())))
            .collect();
        Ok(Client(Arc::new(Shared { members: members?, turn: AtomicUsize::new(0) })))
    }

    /// Returns the member to ask now.
    pub fn member(&self) -> Member {
        let turn = self.0.turn.load(Ordering::Relaxed);
        self.0.members[turn % self.0.members.len()].clone()
    }

    /// Asks the next one from now on, if `failed` is still the one that is asked.
    pub fn turn_from(&self, failed: &Member) {
        let turn = self.0.turn.load(Ordering::Relaxed);
        if self.0.members[turn % self.0.members.len()].url() == failed.url() {
            let next = turn.wrapping_add(1);
            // If somebody else turned meanwhile, that is as good.
            let _ = self.0.turn.compare_exchange(turn, next, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// Returns every member that was given.
    pub fn members(&self) -> &[Member] {
        &self.0.members
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls(..)")
    }
}

fn endpoint(url: &str, tls: Option<&Tls>) -> Result<Endpoint, ConfigError> {
    let refused = |source: tonic::transport::Error| ConfigError::Endpoint {
        url: url.to_owned(),
        source: source.into(),
    };
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(refused)?
        .connect_timeout(CONNECT_MAX)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_ANSWER_MAX);
    let is_https = endpoint.uri().scheme_str() == Some("https");
    match tls {
        Some(tls) if is_https => endpoint
            .tls_config(
                ClientTlsConfig::new()
                    .ca_certificate(Certificate::from_pem(&tls.ca))
                    .identity(Identity::from_pem(&tls.cert, &tls.key)),
            )
            .map_err(refused),
        None if endpoint.uri().scheme_str() == Some("http") => Ok(endpoint),
        _ => Err(ConfigError::Scheme { url: url.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(endpoints: &[&str]) -> Config {
        Config { endpoints: endpoints.iter().map(|url| (*url).to_owned()).collect(), tls: None }
    }

    #[tokio::test]
    async fn refuses_what_cannot_be_reached() {
        let refusal = |endpoints: &[&str]| Client::new(&config(endpoints)).expect_err("bad");

        assert!(matches!(refusal(&[]), ConfigError::Count));
        let many = vec!["http://127.0.0.1:1"; ENDPOINTS_MAX + 1];
        assert!(matches!(refusal(&many), ConfigError::Count));
        assert!(matches!(refusal(&["https://127.0.0.1:1"]), ConfigError::Scheme { .. }));
        assert!(matches!(refusal(&["127.0.0.1:1"]), ConfigError::Scheme { .. }));
        assert!(matches!(refusal(&["http://a b"]), ConfigError::Endpoint { .. }));
    }

    #[tokio::test]
    async fn asks_the_next_member_after_a_failure_once() {
        let urls = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
        let client = Client::new(&config(&urls)).expect("good");
        let first = client.member();

        client.turn_from(&first);
        client.turn_from(&first);

        assert_eq!(client.member().url(), urls[1]);
        client.turn_from(&client.member());
        assert_eq!(client.member().url(), urls[0]);
    }
}
