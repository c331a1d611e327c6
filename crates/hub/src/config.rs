//! What an operator decides: one TOML file, unknown keys refused, flags before the file.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod limits;
mod pool;
mod seconds;

pub use limits::Limits;
pub(crate) use pool::TlsFiles;
pub use pool::{Newcomer, Pool};

/// How many bytes the public URL may have.
pub const PUBLIC_URL_BYTES_MAX: usize = 2_048;

/// Everything that a hub is started with.
///
/// Secrets are never in it, only the names of the files that hold them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the standards' APIs are served.
    pub listen: SocketAddr,
    /// Where health and metrics are served; nowhere unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_listen: Option<SocketAddr>,
    /// The name of this hub in the log.
    pub name: String,
    /// Where clients reach this hub, as it tells others; it tells nothing unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// The directory of the log; made when it is not there.
    pub data: PathBuf,
    /// Whether USS base URLs (and the key set's URL) may be `http`, for tests.
    pub allow_http: bool,
    /// How the process writes its own log to standard error.
    pub log_format: LogFormat,
    /// How long after its end an F3548-21 entity is kept.
    #[serde(rename = "f3548_retention_s", with = "seconds")]
    pub f3548_retention: Duration,
    /// How long after its end an F3411 entity is kept.
    #[serde(rename = "f3411_retention_s", with = "seconds")]
    pub f3411_retention: Duration,
    /// Whose tokens are believed.
    pub tokens: Tokens,
    /// TLS on the public listener; without it, something in front must do it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// The ordered log.
    pub log: Log,
    /// What makes this hub one of a pool; alone without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
    /// Bounds on what clients may take.
    pub limits: Limits,
    /// Says that DIR was put back from a backup. Only ever a flag: it is true of one start.
    #[serde(skip)]
    pub restored: bool,
    /// Says that the parties have put their entities again. Only ever a flag, as above.
    #[serde(skip)]
    pub confirm_restored: bool,
}

/// How the process writes its own log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// Lines of JSON.
    Json,
}

/// Whose tokens are believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tokens {
    /// PEM files with public keys or certificates; read again when they change.
    pub public_keys: Vec<PathBuf>,
    /// Where a JSON Web Key Set is fetched (RFC 7517).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// A token must be for one of these.
    pub audiences: Vec<String>,
    /// A token must be by this issuer; by any, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// How often the files are looked at.
    #[serde(rename = "refresh_s", with = "seconds")]
    pub refresh: Duration,
    /// How often the key set is fetched; besides, an unknown key in a token fetches it.
    #[serde(rename = "jwks_refresh_s", with = "seconds")]
    pub jwks_refresh: Duration,
}

/// TLS on the public listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A PEM file with the certificate and what leads to its root; read again when it changes.
    pub certificate: PathBuf,
    /// A PEM file with the private key; read again when it changes.
    pub key: PathBuf,
    /// A PEM file with the roots of client certificates; if given, clients must have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_roots: Option<PathBuf>,
    /// How often the files are looked at.
    #[serde(default = "refresh_default", rename = "refresh_s", with = "seconds")]
    pub refresh: Duration,
}

/// The ordered log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A snapshot is taken after so many entries.
    pub snapshot_entries: u64,
    /// Entries older than this leave the live log.
    #[serde(rename = "segment_age_s", with = "seconds")]
    pub segment_age: Duration,
    /// What becomes of entries that leave the live log.
    pub old_entries: OldEntries,
    /// When less is free on the disk no changes are taken, until there is more again.
    pub disk_free_bytes_min: u64,
}

/// What becomes of entries that leave the live log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldEntries {
    /// They are kept in sealed, compressed files beside it.
    #[default]
    Seal,
    /// They go; their hashes are kept.
    Drop,
}

/// Why a configuration is not one to start with; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}; give --config an existing TOML file", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The text is not a configuration.
    #[error("{place} is not a configuration; compare it with docs/hub.sample.toml")]
    Malformed {
        /// Which file.
        place: String,
        /// Why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Nobody's tokens would be believed.
    #[error("no key to verify tokens with; give --public-key FILE or tokens.jwks_url")]
    NoKeys,
    /// No token would be for this hub.
    #[error("no audience; give --audience NAME, the name that tokens for this hub carry in `aud`")]
    NoAudience,
    /// An audience or the issuer is empty.
    #[error("tokens.{field} must not be empty; leave it out or give a name")]
    Empty {
        /// Which one.
        field: &'static str,
    },
    /// The key set's URL is not one to fetch keys from.
    #[error("tokens.jwks_url must be an https URL; http is for tests and needs --allow-http")]
    JwksUrl,
    /// The name of the hub is not one that the log can carry.
    #[error(
        "name must have from 1 to {} bytes and no control characters",
        log::Proposer::LENGTH_MAX
    )]
    Name,
    /// The public URL is none.
    #[error("public_url must be an https or http URL of at most {PUBLIC_URL_BYTES_MAX} bytes")]
    PublicUrl,
    /// A hub of the pool has no good name.
    #[error("pool: {name:?} cannot be the name of a hub: {source}")]
    Hub {
        /// The name.
        name: String,
        /// Why not.
        #[source]
        source: ::pool::NameError,
    },
    /// No etcd is named, or too many members.
    #[error("pool.etcd must name 1 to {} members of the pool's etcd", etcd::ENDPOINTS_MAX)]
    Etcd,
    /// Certificates are there in part.
    #[error("give {prefix}ca, {prefix}cert and {prefix}key, all of them or none")]
    TlsFiles {
        /// What the names of the settings begin with.
        prefix: &'static str,
    },
    /// A URL of the pool cannot be used.
    #[error(
        "pool: {url} must be an https URL with certificates given, or an http URL of this machine \
         without"
    )]
    PoolUrl {
        /// Which.
        url: String,
    },
    /// Other hubs would be answered without being known.
    #[error(
        "pool.peer_listen must be an address of this machine alone unless pool.peer_ca is given"
    )]
    PeerListen,
    /// The head that was told is none.
    #[error("pool.newcomer.head must be POSITION:CHAIN, as `tansiq log head` prints it")]
    PoolHead,
    /// What other hubs may need, and the decisions of the owners, would be gone.
    #[error(
        "log.old_entries must be \"seal\" in a pool: other hubs take what they missed from here"
    )]
    PoolDrop,
    /// Each hub of a pool would have its own retention.
    #[error("f3548_retention_s and f3411_retention_s cannot be set for one hub of a pool")]
    PoolRetention,
    /// A number is out of its bounds.
    #[error("{field} must be from {min} to {max}")]
    OutOfBounds {
        /// Which one.
        field: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
}

const fn refresh_default() -> Duration {
    Duration::from_secs(10)
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8082)),
            admin_listen: None,
            name: "hub".to_owned(),
            public_url: None,
            data: PathBuf::from("tansiq-data"),
            allow_http: false,
            log_format: LogFormat::Text,
            f3548_retention: Duration::from_hours(24),
            f3411_retention: Duration::from_mins(30),
            tokens: Tokens::default(),
            tls: None,
            log: Log::default(),
            pool: None,
            limits: Limits::default(),
            restored: false,
            confirm_restored: false,
        }
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Tokens {
            public_keys: Vec::new(),
            jwks_url: None,
            audiences: Vec::new(),
            issuer: None,
            refresh: refresh_default(),
            jwks_refresh: Duration::from_secs(60),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Log {
            snapshot_entries: 100_000,
            segment_age: Duration::from_hours(24 * 92),
            old_entries: OldEntries::Seal,
            disk_free_bytes_min: log::DISK_FREE_BYTES_MIN,
        }
    }
}

impl Config {
    /// Reads a configuration from a TOML file.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Reads a configuration from TOML text; `place` names it in errors.
    pub fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|source| ConfigError::Malformed {
            place: place.to_owned(),
            source: Box::new(source),
        })
    }

    /// Returns the configuration as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("paths that came in as text go out as text")
    }

    /// Refuses what a hub cannot be started with.
    pub fn check(&self) -> Result<(), ConfigError> {
        log::Proposer::new(&self.name).map_err(|_| ConfigError::Name)?;
        self.check_public_url()?;
        self.tokens.check(self.allow_http)?;
        self.limits.check()?;
        if let Some(pool) = &self.pool {
            pool.check(self)?;
        }
        // TOML's integers have a sign.
        within("log.disk_free_bytes_min", self.log.disk_free_bytes_min, 0, i64::MAX as u64)?;
        within("log.snapshot_entries", self.log.snapshot_entries, 1, u64::from(u32::MAX))?;
        // At 0 what ends at the moment of its creation would be gone within its own entry.
        within("f3548_retention_s", self.f3548_retention.as_secs(), 1, u64::from(u32::MAX))?;
        within("f3411_retention_s", self.f3411_retention.as_secs(), 1, u64::from(u32::MAX))
    }

    fn check_public_url(&self) -> Result<(), ConfigError> {
        let Some(text) = &self.public_url else { return Ok(()) };
        let url = reqwest::Url::parse(text).map_err(|_| ConfigError::PublicUrl)?;
        if PUBLIC_URL_BYTES_MAX < text.len() || !matches!(url.scheme(), "https" | "http") {
            return Err(ConfigError::PublicUrl);
        }
        Ok(())
    }
}

impl Tokens {
    fn check(&self, allow_http: bool) -> Result<(), ConfigError> {
        if self.public_keys.is_empty() && self.jwks_url.is_none() {
            return Err(ConfigError::NoKeys);
        }
        if self.audiences.is_empty() {
            return Err(ConfigError::NoAudience);
        }
        if self.audiences.iter().any(String::is_empty) {
            return Err(ConfigError::Empty { field: "audiences" });
        }
        if self.issuer.as_ref().is_some_and(String::is_empty) {
            return Err(ConfigError::Empty { field: "issuer" });
        }
        let Some(url) = &self.jwks_url else { return Ok(()) };
        let url = reqwest::Url::parse(url).map_err(|_| ConfigError::JwksUrl)?;
        match url.scheme() {
            "https" => Ok(()),
            "http" if allow_http => Ok(()),
            _ => Err(ConfigError::JwksUrl),
        }
    }
}

fn within(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    if min <= value && value <= max {
        return Ok(());
    }
    Err(ConfigError::OutOfBounds { field, min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../docs/hub.sample.toml");

    fn good() -> Config {
        let mut config = Config::default();
        config.tokens.public_keys = vec![PathBuf::from("key.pem")];
        config.tokens.audiences = vec!["localhost".to_owned()];
        config
    }

    fn url_of(bytes: usize) -> String {
        format!("{:a<bytes$}", "https://hub.example/")
    }

    /// Returns every key of a table and of the tables in it, as `table.key`.
    fn keys(table: &toml::Table, prefix: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (key, value) in table {
            let key = format!("{prefix}{key}");
            match value {
                toml::Value::Table(table) => found.extend(keys(table, &format!("{key}."))),
                _ => found.push(key),
            }
        }
        found
    }

    #[test]
    fn has_a_sample_that_is_good_and_shows_every_key_with_its_default() {
        let sample = Config::parse(SAMPLE, "docs/hub.sample.toml").expect("the sample is good");
        sample.check().expect("a hub starts with it");

        let defaults: toml::Table = Config::default().to_toml().parse().expect("it is TOML");
        let shown: toml::Table = SAMPLE.parse().expect("it is TOML");
        let not_shown: Vec<String> =
            keys(&defaults, "").into_iter().filter(|key| !keys(&shown, "").contains(key)).collect();
        assert!(not_shown.is_empty(), "{not_shown:?}");
        assert_eq!(sample.limits, Limits::default());
        assert_eq!(sample.log, Log::default());
        assert!(sample.tls.is_some());
        assert!(sample.tokens.jwks_url.is_some() && sample.tokens.issuer.is_some());
        assert!(sample.admin_listen.is_some() && sample.public_url.is_some());
    }

    #[test]
    fn reads_what_it_writes() {
        let mut config = good();
        config.limits.header_max = Duration::from_millis(1_500);
        config.tls = Some(Tls {
            certificate: PathBuf::from("a"),
            key: PathBuf::from("b"),
            client_roots: None,
            refresh: Duration::from_secs(3),
        });

        let text = config.to_toml();

        assert_eq!(Config::parse(&text, "its own text").expect("it is good"), config);
        assert!(text.contains("header_s_max = 1.5"), "{text}");
        assert!(text.contains("idle_s_max = 120\n"), "{text}");
    }

    #[test]
    fn refuses_unknown_keys_and_values_of_no_sense() {
        for text in [
            "listn = '127.0.0.1:1'",
            "listen = 'somewhere'",
            "[limits]\nconnection_max = 5",
            "[limits]\nidle_s_max = -1",
            "[limits]\nidle_s_max = nan",
            "[log]\nold_entries = 'burn'",
            "restored = true",
        ] {
            let error = Config::parse(text, "here").expect_err(text);

            assert!(error.to_string().contains("docs/hub.sample.toml"), "{error}");
        }
    }

    #[test]
    fn refuses_to_start_with_too_little_or_too_much() {
        let check = |change: fn(&mut Config)| {
            let mut config = good();
            change(&mut config);
            config.check().map_err(|error| error.to_string())
        };

        assert_eq!(check(|_| {}), Ok(()));
        let longest = check(|config| config.public_url = Some(url_of(PUBLIC_URL_BYTES_MAX)));
        assert_eq!(longest, Ok(()));
        for (change, said) in [
            ((|config| config.tokens.public_keys.clear()) as fn(&mut Config), "--public-key"),
            (|config| config.tokens.audiences.clear(), "--audience"),
            (|config| config.tokens.audiences.push(String::new()), "audiences"),
            (|config| config.tokens.issuer = Some(String::new()), "issuer"),
            (|config| config.tokens.jwks_url = Some("http://a/keys".to_owned()), "https"),
            (|config| config.tokens.jwks_url = Some("keys".to_owned()), "https"),
            (|config| config.name = String::new(), "name"),
            (|config| config.public_url = Some("hub.example".to_owned()), "public_url"),
            (|config| config.public_url = Some("ftp://hub.example".to_owned()), "public_url"),
            (|config| config.public_url = Some(url_of(PUBLIC_URL_BYTES_MAX + 1)), "public_url"),
            (|config| config.log.snapshot_entries = 0, "log.snapshot_entries"),
            (|config| config.limits.requests_max = 1, "limits.requests_max"),
            (|config| config.limits.idle_max = Duration::ZERO, "limits.idle_s_max"),
            (|config| config.f3548_retention = Duration::MAX, "f3548_retention_s"),
            (|config| config.f3548_retention = Duration::ZERO, "f3548_retention_s"),
            (|config| config.f3411_retention = Duration::MAX, "f3411_retention_s"),
            (|config| config.f3411_retention = Duration::ZERO, "f3411_retention_s"),
        ] {
            let error = check(change).expect_err(said);

            assert!(error.contains(said), "{error}");
        }
        let allowed = check(|config| {
            config.allow_http = true;
            config.tokens.jwks_url = Some("http://localhost/keys".to_owned());
        });
        assert_eq!(allowed, Ok(()));
    }
}
