//! The hub under load: one that runs, or one that is started as a process of its own, so that the
//! load does not share an address space with it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::header::HeaderValue;
use tempfile::TempDir;

use crate::failure::Failure;
use crate::hub_process::{HubProcess, Starting};
use crate::keys;
use crate::local_pool::{Distance, LocalPool, Security, Spec};
use crate::token::{Claims, Signer};

/// What a started hub is told its name is.
const AUDIENCE: &str = "bench.localhost";

/// What the load needs of F3548-21.
const SCOPES: &str = "utm.strategic_coordination";

/// A hub or a pool of them, and parties that may write to it.
pub(crate) struct Target {
    /// Where it answers; several if it is a pool.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The parties.
    pub(crate) parties: Vec<Party>,
    /// The process, if it was started here.
    pub(crate) process: Option<Process>,
    /// The processes of a pool, if they were started here.
    pub(crate) pool: Option<PoolProcesses>,
}

/// A party that the load speaks for.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    /// Its name.
    pub(crate) name: String,
    /// The header that says so.
    pub(crate) authorization: HeaderValue,
}

/// How to start a hub of one's own.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// Where its log goes; a temporary directory unless given.
    pub(crate) data: Option<PathBuf>,
    /// After how many entries it takes a snapshot; its own choice unless given.
    pub(crate) snapshot_entries: Option<u64>,
}

/// How to start a pool of one's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StartPool<'a> {
    /// How many hubs and members of etcd.
    pub(crate) hubs: usize,
    /// The etcd to use, instead of one that is found or built.
    pub(crate) etcd: Option<&'a Path>,
    /// How far from each other their owners are.
    pub(crate) distance: Option<Distance>,
    /// Where their logs go; a temporary directory unless given.
    pub(crate) data: Option<&'a Path>,
}

/// Whom a hub that runs already believes.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    /// The private half of a key whose public half it was started with.
    pub(crate) key: PathBuf,
    /// An audience that it was started with.
    pub(crate) audience: String,
}

/// A hub's process.
pub(crate) struct Process {
    hub: HubProcess,
    arguments: Vec<String>,
    data: PathBuf,
    /// Goes last.
    _dir: TempDir,
}

/// The processes of a pool.
pub(crate) struct PoolProcesses {
    /// They.
    pub(crate) pool: LocalPool,
    /// Where they keep what they have, and what they say.
    pub(crate) data: PathBuf,
    /// Goes last.
    _dir: TempDir,
}

impl Target {
    /// Returns the hub that runs at `url`.
    pub(crate) fn running(url: &str, trust: &Trust, parties: usize) -> Result<Self, Failure> {
        let host = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let host = host.ok_or_else(|| Failure::Refused(format!("{url} is no http URL")))?;
        let address = host
            .to_socket_addrs()
            .map_err(|error| Failure::refused(&format!("cannot resolve {host}"), &error))?
            .next()
            .ok_or_else(|| Failure::Refused(format!("{host} has no address")))?;
        let parties = parties_of(&trust.key, &trust.audience, parties)?;
        Ok(Target { addresses: vec![address], parties, process: None, pool: None })
    }

    /// Starts a hub and returns it.
    pub(crate) fn start(start: &Start, parties: usize) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()
            .map_err(|error| Failure::refused("cannot make a temporary directory", &error))?;
        let files = keys::write_new(&dir.path().join("bench"))?;
        let data = start.data.clone().unwrap_or_else(|| dir.path().join("data"));
        let mut arguments = vec![
            "hub".to_owned(),
            "--listen=127.0.0.1:0".to_owned(),
            format!("--data={}", data.display()),
            format!("--public-key={}", files.public.display()),
            format!("--audience={AUDIENCE}"),
        ];
        if let Some(entries) = start.snapshot_entries {
            let config = dir.path().join("hub.toml");
            std::fs::write(&config, format!("[log]\nsnapshot_entries = {entries}\n"))
                .map_err(|error| Failure::refused("cannot write a configuration", &error))?;
            arguments.push(format!("--config={}", config.display()));
        }
        let hub = Starting::begin(&arguments, None)?.wait()?;
        let parties = parties_of(&files.private, AUDIENCE, parties)?;
        let addresses = vec![hub.address];
        let process = Process { hub, arguments, data, _dir: dir };
        Ok(Target { addresses, parties, process: Some(process), pool: None })
    }

    /// Starts a pool of so many hubs, with a member of etcd each, in `data` or a temporary
    /// directory, and returns it.
    pub(crate) async fn start_pool(start: &StartPool<'_>, parties: usize) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()
            .map_err(|error| Failure::refused("cannot make a temporary directory", &error))?;
        let files = keys::write_new(&dir.path().join("bench"))?;
        let mut config = hub::Config::default();
        config.tokens.public_keys = vec![files.public.clone()];
        config.tokens.audiences = vec![AUDIENCE.to_owned()];
        let data = start.data.map_or_else(|| dir.path().join("pool"), Path::to_owned);
        std::fs::create_dir_all(&data)
            .map_err(|error| Failure::refused("cannot make a directory", &error))?;
        let StartPool { hubs, etcd, distance, .. } = *start;
        let security = Security::Clear;
        let spec = Spec { dir: &data, hubs, etcd, distance, security, config, command: "hub" };
        let pool = LocalPool::start(&spec).await?;
        let parties = parties_of(&files.private, AUDIENCE, parties)?;
        let addresses = pool.addresses();
        let pool = Some(PoolProcesses { pool, data, _dir: dir });
        Ok(Target { addresses, parties, process: None, pool })
    }
}

impl Process {
    /// Returns how much memory of the hub is resident, in bytes.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.hub.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Returns how large the hub's directory is, in bytes.
    pub(crate) fn stored_bytes(&self) -> u64 {
        size_of(&self.data)
    }

    /// Kills the hub, as a crash would, and starts it again on the same directory.
    pub(crate) fn crash_and_restart(&mut self) -> Result<(), Failure> {
        self.hub.kill()?;
        self.hub = Starting::begin(&self.arguments, None)?.wait()?;
        Ok(())
    }

    /// Returns how long it took from the start until it listened.
    pub(crate) fn started_in(&self) -> Duration {
        self.hub.started_in
    }

    /// Ends the hub as its operator would, and tells how long that took.
    pub(crate) fn stop(self) -> Result<Duration, Failure> {
        self.hub.stop()
    }
}

fn parties_of(key: &Path, audience: &str, count: usize) -> Result<Vec<Party>, Failure> {
    let signer = Signer::read(key)?;
    let mut parties = Vec::new();
    for number in 0..count {
        let name = format!("bench-{number}");
        let token = signer.sign(&Claims::of(&name, SCOPES, audience))?;
        let authorization = HeaderValue::from_str(&format!("Bearer {token}"))
            .expect("a token is made of base64 and dots");
        parties.push(Party { name, authorization });
    }
    Ok(parties)
}

fn size_of(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else {
        return path.metadata().map_or(0, |metadata| metadata.len());
    };
    entries.filter_map(Result::ok).map(|entry| size_of(&entry.path())).sum()
}
