//! A hub and desks, each on a port of its own on loopback, that talk real HTTP with real tokens.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use desk::{ConstraintProcessing, Desk, PrivateAddresses, RemoteId, TokenSource};
use hub::Hub;
use hub::clock::Clock;
use hub::entropy::Entropy;
use spacetime::Timestamp;
use tempfile::TempDir;

use super::pool::{Pool, Size};
use crate::clock;
use crate::failure::Failure;
use crate::keys;
use crate::token::{Claims, Signer};

/// What the hub and the desks are called in tokens: the host of their URLs.
const AUDIENCE: &str = "127.0.0.1";

/// Who tries with curl, and what it may do.
pub(crate) const VISITOR: &str = "visitor";
const VISITOR_SCOPES: &str =
    "utm.strategic_coordination utm.constraint_processing rid.display_provider";

/// Everything that runs.
pub(crate) struct World {
    hubs: Hubs,
    /// The clock that all of them go by; it begins now and is moved on to when the flights fly.
    clock: Clock,
    /// The desks, one a party.
    pub(crate) desks: Vec<Desk>,
    /// The parties' names.
    pub(crate) parties: Vec<String>,
    dir: PathBuf,
    /// Removes the directory, if it is a temporary one; goes last.
    _temporary: Option<TempDir>,
}

/// What the desks share: a hub in this process, or a pool of hubs that are processes.
enum Hubs {
    One(Hub),
    Pool(Pool),
}

impl World {
    /// Starts a hub, or a pool of them, and a desk for each party, with their data in `dir` or a
    /// temporary directory.
    pub(crate) async fn start(
        parties: &[&str],
        dir: Option<&Path>,
        pool: Option<Size<'_>>,
    ) -> Result<Self, Failure> {
        let (dir, temporary) = directory(dir)?;
        let mut public_keys = vec![new_key(&dir, VISITOR)?];
        for party in parties {
            public_keys.push(new_key(&dir, party)?);
        }
        let clock = Clock::simulated(clock::utc());
        let config = hub_config(&dir, &public_keys);
        let hubs = match pool {
            None => Hubs::One(start_hub(config, clock.clone()).await?),
            Some(size) => Hubs::Pool(Pool::start(&dir, size, config, parties.len()).await?),
        };
        let mut desks = Vec::new();
        for (number, party) in parties.iter().enumerate() {
            let mut config = desk_config(&dir, party, &hubs.url(number));
            config.public_keys = public_keys.clone();
            config.clock = clock.clone();
            desks.push(start_desk(party, config).await?);
        }
        let parties = parties.iter().map(|&party| party.to_owned()).collect();
        Ok(World { hubs, clock, desks, parties, dir, _temporary: temporary })
    }

    /// Returns the URL at which the first desk finds its hub.
    pub(crate) fn hub_url(&self) -> String {
        self.hubs.url(0)
    }

    /// Returns the pool, if it is not one hub alone.
    pub(crate) fn pool(&self) -> Option<&Pool> {
        match &self.hubs {
            Hubs::One(_) => None,
            Hubs::Pool(pool) => Some(pool),
        }
    }

    /// Returns what time it is in the demonstration.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves its clock on to a time, unless it is later already.
    pub(crate) fn move_on_to(&self, time: Timestamp) -> Result<(), Failure> {
        let duration = time.since(self.clock.now());
        self.clock.advance(duration);
        self.pool().map_or(Ok(()), |pool| pool.move_on(duration))
    }

    /// Returns where all data are.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a token for whoever tries with curl, and returns its file.
    pub(crate) fn write_token(&self) -> Result<PathBuf, Failure> {
        let signer = Signer::read(&key_path(&self.dir, VISITOR, ".key.pem"))?;
        let claims = Claims::of(VISITOR, VISITOR_SCOPES, AUDIENCE).from(self.now());
        let token = signer.sign(&claims)?;
        let path = self.dir.join("token");
        keys::write_private(&path, &token)?;
        Ok(path)
    }

    /// Ends the desks, then the hub or the pool.
    pub(crate) async fn shutdown(self) -> Result<(), Failure> {
        for desk in self.desks {
            desk.shutdown().await;
        }
        match self.hubs {
            Hubs::One(hub) => hub.shutdown().await,
            Hubs::Pool(pool) => pool.stop()?,
        }
        Ok(())
    }
}

impl Hubs {
    fn url(&self, desk: usize) -> String {
        match self {
            Hubs::One(hub) => format!("http://{}", hub.local_addr()),
            Hubs::Pool(pool) => pool.url(desk),
        }
    }
}

fn directory(dir: Option<&Path>) -> Result<(PathBuf, Option<TempDir>), Failure> {
    let failed = |error| Failure::refused("cannot make a directory for the data", &error);
    let Some(dir) = dir else {
        let temporary = tempfile::Builder::new().prefix("tansiq-demo-").tempdir();
        let temporary = temporary.map_err(failed)?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    if std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
        let message = format!("{} is not empty; give --data a new directory", dir.display());
        return Err(Failure::Refused(message));
    }
    Ok((dir.to_owned(), None))
}

fn key_path(dir: &Path, name: &str, ending: &str) -> PathBuf {
    dir.join(format!("{name}{ending}"))
}

fn new_key(dir: &Path, name: &str) -> Result<PathBuf, Failure> {
    Ok(keys::write_new(&dir.join(name))?.public)
}

fn hub_config(dir: &Path, public_keys: &[PathBuf]) -> hub::Config {
    let mut config = hub::Config {
        listen: any_port(),
        data: dir.join("hub"),
        allow_http: true,
        ..hub::Config::default()
    };
    config.tokens.public_keys = public_keys.to_vec();
    config.tokens.audiences = vec![AUDIENCE.to_owned()];
    config
}

async fn start_hub(config: hub::Config, clock: Clock) -> Result<Hub, Failure> {
    Hub::start_with(config, clock, Entropy::system())
        .await
        .map_err(|error| Failure::refused("cannot start the hub", &error))
}

fn desk_config(dir: &Path, party: &str, hub_url: &str) -> desk::Config {
    let tokens =
        TokenSource::Key { key_file: key_path(dir, party, ".key.pem"), party: party.to_owned() };
    let mut config = desk::Config::new(dir.join(party), hub_url.to_owned(), tokens);
    config.listen = any_port();
    config.audiences = vec![AUDIENCE.to_owned()];
    config.private_addresses = PrivateAddresses::Allow;
    config.constraint_processing = ConstraintProcessing::On;
    config.remote_id = RemoteId::Plan;
    config
}

async fn start_desk(party: &str, config: desk::Config) -> Result<Desk, Failure> {
    Desk::start(config)
        .await
        .map_err(|error| Failure::refused(&format!("cannot start the desk of {party}"), &error))
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}
