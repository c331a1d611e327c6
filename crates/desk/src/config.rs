//! What a desk is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use hub::clock::Clock;
use hub::config::{Limits, Tls};
use hub::entropy::Entropy;

pub use crate::client::address::PrivateAddresses;
pub use crate::client::hub::ConstraintProcessing;
pub use crate::client::tokens::TokenSource;

/// Whether the desk is a service provider of remote ID (F3411-22a) for its flights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RemoteId {
    /// Active flights are seen where their user tells that they are, and until then where their
    /// plan has them.
    #[default]
    Telemetry,
    /// Active flights are seen where their plan has them, as simulated: for demonstrations.
    Plan,
    /// Nobody is told of the desk's flights; for desks whose tokens do not open it.
    Off,
}

/// What a desk is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where other parties reach the desk; port 0 picks one.
    pub listen: SocketAddr,
    /// Where the desk's own user reaches it. Without, the user is served at `listen` too if both
    /// it and `base_url` are of this machine alone, and nowhere otherwise.
    ///
    /// Whoever reaches this address can fly in the party's name: it asks for no token.
    pub user_listen: Option<SocketAddr>,
    /// The directory of the desk's own; it is made if there is none.
    pub data: PathBuf,
    /// The base URL of the hub, to which `/dss/v1/..` is added.
    pub hub: String,
    /// The base URL under which others reach the desk, told to the hub; `http://` and the address
    /// that is listened on if not given.
    pub base_url: Option<String>,
    /// Where the desk's own tokens come from.
    pub tokens: TokenSource,
    /// PEM files with the public keys that tokens of others must be signed with.
    pub public_keys: Vec<PathBuf>,
    /// A key set (JWKS) that tokens of others may be signed with.
    pub jwks_url: Option<String>,
    /// Names that tokens of others may have as audience, besides the host of `base_url`.
    pub audiences: Vec<String>,
    /// Whether peers may be reached at private addresses, and by plain http.
    pub private_addresses: PrivateAddresses,
    /// Whether the desk heeds constraints.
    pub constraint_processing: ConstraintProcessing,
    /// Whether others see the desk's flights by remote ID, and where positions come from.
    pub remote_id: RemoteId,
    /// Serves others over TLS.
    pub tls: Option<Tls>,
    /// What one connection and all together may take.
    pub limits: Limits,
    /// The clock.
    pub clock: Clock,
    /// The source of random bytes.
    pub entropy: Entropy,
}

impl Config {
    /// Returns a configuration that listens on a free port of this machine alone, reaches only
    /// public addresses, and heeds constraints.
    pub fn new(data: PathBuf, hub: String, tokens: TokenSource) -> Self {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Config {
            listen: local,
            user_listen: None,
            data,
            hub,
            base_url: None,
            tokens,
            public_keys: Vec::new(),
            jwks_url: None,
            audiences: Vec::new(),
            private_addresses: PrivateAddresses::default(),
            constraint_processing: ConstraintProcessing::default(),
            remote_id: RemoteId::default(),
            tls: None,
            limits: Limits::default(),
            clock: Clock::system(),
            entropy: Entropy::system(),
        }
    }
}
