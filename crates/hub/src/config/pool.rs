//! What makes a hub one of a pool.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use pool::{AppliedHead, HubId};
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, OldEntries};
use crate::hex;
use crate::replica::Consistency;

/// A hub of a pool: which pool, who it is there, and how it reaches the pool's etcd and other hubs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The genesis that the owners have agreed on.
    pub genesis: PathBuf,
    /// The name of this hub in the pool; `name` is not used then.
    pub hub: String,
    /// A PEM file with the hub's private Ed25519 key, PKCS#8.
    pub key: PathBuf,
    /// Base URLs of members of the pool's etcd; the first is asked first.
    pub etcd: Vec<String>,
    /// A PEM file with whom the members' certificates are signed by; with it come the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_ca: Option<PathBuf>,
    /// A PEM file with the certificate by which etcd knows this hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_cert: Option<PathBuf>,
    /// A PEM file with the key to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etcd_key: Option<PathBuf>,
    /// Where other hubs of the pool ask this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_listen: Option<SocketAddr>,
    /// A PEM file with whom the hubs' certificates are signed by; with it come the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_ca: Option<PathBuf>,
    /// A PEM file with the certificate by which hubs know this one, in both directions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_cert: Option<PathBuf>,
    /// A PEM file with the key to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_key: Option<PathBuf>,
    /// Base URLs at which the other hubs are asked, by their names.
    #[serde(default)]
    pub peers: BTreeMap<String, String>,
    /// Which writes a read sees.
    #[serde(default)]
    pub consistency: Consistency,
    /// How a hub begins that has nothing of the log yet.
    #[serde(default)]
    pub newcomer: Newcomer,
}

/// How a hub begins that has nothing of the pool's log yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Newcomer {
    /// When it misses more entries than this, it begins with a snapshot of one of the `peers`.
    pub entries_max: u64,
    /// A recent head of the log that the owners have told, as `tansiq log head` prints it: the log
    /// that it takes must hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// Files of certificates that come together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsFiles<'a> {
    /// Whom the other side must be signed by.
    pub(crate) ca: &'a PathBuf,
    /// This side's own.
    pub(crate) cert: &'a PathBuf,
    /// The key to it.
    pub(crate) key: &'a PathBuf,
}

impl Pool {
    /// Refuses what a hub cannot be started with.
    pub(super) fn check(&self, config: &Config) -> Result<(), ConfigError> {
        HubId::new(&self.hub)
            .map_err(|source| ConfigError::Hub { name: self.hub.clone(), source })?;
        if self.etcd.is_empty() || etcd::ENDPOINTS_MAX < self.etcd.len() {
            return Err(ConfigError::Etcd);
        }
        let with_etcd_tls = self.etcd_tls()?.is_some();
        for url in &self.etcd {
            check_url(url, with_etcd_tls)?;
        }
        let with_peer_tls = self.peer_tls()?.is_some();
        let is_local = self.peer_listen.is_none_or(|listen| listen.ip().is_loopback());
        if !with_peer_tls && !is_local {
            return Err(ConfigError::PeerListen);
        }
        for (name, url) in &self.peers {
            HubId::new(name).map_err(|source| ConfigError::Hub { name: name.clone(), source })?;
            check_url(url, with_peer_tls)?;
        }
        self.newcomer.told()?;
        let defaults = Config::default();
        let retentions = |config: &Config| (config.f3548_retention, config.f3411_retention);
        if retentions(config) != retentions(&defaults) {
            return Err(ConfigError::PoolRetention);
        }
        if config.log.old_entries == OldEntries::Drop {
            return Err(ConfigError::PoolDrop);
        }
        Ok(())
    }

    /// Returns the name of this hub, which was checked.
    pub(crate) fn hub_id(&self) -> HubId {
        HubId::new(&self.hub).expect("the configuration was checked")
    }

    /// Returns the certificates for etcd, all or none.
    pub(crate) fn etcd_tls(&self) -> Result<Option<TlsFiles<'_>>, ConfigError> {
        together("pool.etcd_", [&self.etcd_ca, &self.etcd_cert, &self.etcd_key])
    }

    /// Returns the certificates for other hubs, all or none.
    pub(crate) fn peer_tls(&self) -> Result<Option<TlsFiles<'_>>, ConfigError> {
        together("pool.peer_", [&self.peer_ca, &self.peer_cert, &self.peer_key])
    }
}

impl Default for Newcomer {
    fn default() -> Self {
        Newcomer { entries_max: 50_000, head: None }
    }
}

impl Newcomer {
    /// Returns the head that the owners have told, if they have.
    pub(crate) fn told(&self) -> Result<Option<AppliedHead>, ConfigError> {
        let Some(text) = &self.head else { return Ok(None) };
        let parse = || {
            let (position, chain) = text.split_once(':')?;
            let position = log::Position::new(position.parse().ok()?)?.number();
            Some(AppliedHead { position, chain: hex::decode_hash(chain)? })
        };
        parse().map(Some).ok_or(ConfigError::PoolHead)
    }
}

fn together<'a>(
    prefix: &'static str,
    files: [&'a Option<PathBuf>; 3],
) -> Result<Option<TlsFiles<'a>>, ConfigError> {
    match files {
        [Some(ca), Some(cert), Some(key)] => Ok(Some(TlsFiles { ca, cert, key })),
        [None, None, None] => Ok(None),
        _ => Err(ConfigError::TlsFiles { prefix }),
    }
}

/// Refuses what is not `https` with certificates, or `http` to this machine without.
fn check_url(text: &str, with_tls: bool) -> Result<(), ConfigError> {
    let refused = || ConfigError::PoolUrl { url: text.to_owned() };
    let url = reqwest::Url::parse(text).map_err(|_| refused())?;
    let host = url.host_str().ok_or_else(refused)?;
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    let is_local =
        host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match url.scheme() {
        "https" if with_tls => Ok(()),
        "http" if !with_tls && is_local => Ok(()),
        _ => Err(refused()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        let text = "genesis = 'a'\nhub = 'hub-1'\nkey = 'b'\netcd = ['http://127.0.0.1:2379']";
        toml::from_str(text).expect("it is one")
    }

    fn check(change: impl FnOnce(&mut Pool)) -> Result<(), String> {
        let mut pool = pool();
        change(&mut pool);
        pool.check(&Config::default()).map_err(|error| error.to_string())
    }

    fn with_peer_tls(pool: &mut Pool) {
        for file in [&mut pool.peer_ca, &mut pool.peer_cert, &mut pool.peer_key] {
            *file = Some(PathBuf::from("file"));
        }
    }

    #[test]
    fn has_a_sample_that_is_good_and_shows_every_key() {
        let sample = include_str!("../../../../docs/hub.sample.toml");
        let lines = sample.lines().skip_while(|line| *line != "# [pool]");
        let lines = lines.take_while(|line| line.starts_with('#'));
        let lines = lines.map(|line| line.strip_prefix("# ").unwrap_or_default());
        let text = lines.collect::<Vec<_>>().join("\n");
        let config: Config = toml::from_str(&text).expect("it is a configuration");

        let shown = config.pool.expect("it is there");

        assert_eq!(shown.check(&Config::default()).map_err(|error| error.to_string()), Ok(()));
        let Pool { etcd_ca, etcd_cert, etcd_key, peer_listen, .. } = &shown;
        assert!(etcd_ca.is_some() && etcd_cert.is_some() && etcd_key.is_some());
        let Pool { peer_ca, peer_cert, peer_key, peers, .. } = &shown;
        assert!(peer_ca.is_some() && peer_cert.is_some() && peer_key.is_some());
        assert!(peer_listen.is_some() && !peers.is_empty());
        assert!(shown.newcomer.head.is_some());
        assert_eq!(shown.newcomer.entries_max, Newcomer::default().entries_max);
    }

    #[test]
    fn takes_plain_connections_on_this_machine_only() {
        let peer = |url: &str| ("hub-2".to_owned(), url.to_owned());

        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|pool| pool.etcd = vec!["http://[::1]:1".to_owned()]), Ok(()));
        assert_eq!(check(|pool| pool.peers.extend([peer("http://localhost:1")])), Ok(()));
        for (change, said) in [
            (
                (|pool| pool.etcd = vec!["http://etcd.example:1".to_owned()]) as fn(&mut Pool),
                "etcd.example",
            ),
            (|pool| pool.etcd = vec!["https://127.0.0.1:1".to_owned()], "https"),
            (|pool| pool.peer_listen = Some(([0, 0, 0, 0], 1).into()), "peer_listen"),
        ] {
            let error = check(change).expect_err(said);
            assert!(error.contains(said), "{error}");
        }
        let plain = check(|pool| {
            with_peer_tls(pool);
            pool.peers.extend([peer("http://localhost:1")]);
        });
        assert!(plain.is_err());
        let far = check(|pool| {
            with_peer_tls(pool);
            pool.peer_listen = Some(([0, 0, 0, 0], 1).into());
            pool.peers.extend([peer("https://hub-2.example")]);
        });
        assert_eq!(far, Ok(()));
    }

    #[test]
    fn wants_certificates_whole_and_names_and_members_that_can_be() {
        for (change, said) in [
            ((|pool| pool.etcd.clear()) as fn(&mut Pool), "pool.etcd"),
            (|pool| pool.etcd_cert = Some(PathBuf::from("a")), "pool.etcd_"),
            (|pool| pool.peer_key = Some(PathBuf::from("a")), "pool.peer_"),
            (|pool| pool.hub = "pool".to_owned(), "\"pool\""),
            (|pool| pool.newcomer.head = Some("12".to_owned()), "pool.newcomer.head"),
            (|pool| pool.newcomer.head = Some("12:ab".to_owned()), "pool.newcomer.head"),
        ] {
            let error = check(change).expect_err(said);
            assert!(error.contains(said), "{error}");
        }
        let mut many = pool();
        many.etcd = vec![many.etcd[0].clone(); etcd::ENDPOINTS_MAX];
        assert!(many.check(&Config::default()).is_ok());
        many.etcd.push(many.etcd[0].clone());
        assert!(many.check(&Config::default()).is_err());
    }

    #[test]
    fn leaves_retentions_to_the_pool() {
        let config = Config { f3548_retention: std::time::Duration::MAX, ..Config::default() };

        let error = pool().check(&config).expect_err("each hub would have its own");

        assert!(error.to_string().contains("retention"), "{error}");
    }

    #[test]
    fn keeps_every_entry_for_the_other_hubs() {
        let mut config = Config::default();
        config.log.old_entries = OldEntries::Drop;

        let error = pool().check(&config).expect_err("others may need them");

        assert!(error.to_string().contains("old_entries"), "{error}");
    }
}
