//! A pool on this machine: members of etcd and hubs, all of them processes, each hub of an owner of
//! its own; for the demonstration and for measuring.
//!
//! Members and hubs know each other by certificates of their owners' authorities, or everything is
//! in the clear: then what is measured is the pool and not TLS. All of it is on loopback, and whoever
//! starts it holds all keys: it shows how a pool works, and is no pool for mistrust.

mod distance;
mod founding;
mod security;

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use etcd::ports::free_addresses;
use etcd::server::{Cluster, Options};

pub(crate) use self::distance::{DELAY_MS_MAX, Distance};
pub(crate) use self::security::Security;

use self::distance::Network;
use self::founding::Owned;
use self::security::Certificates;
use crate::failure::Failure;
use crate::hub_process::{HubProcess, Starting};
use crate::output::note;

/// How many hubs there may be, with as many members and owners.
pub(crate) const HUBS_MAX: usize = founding::OWNERS.len();

/// How a pool is started.
pub(crate) struct Spec<'a> {
    /// Where everything is kept.
    pub(crate) dir: &'a Path,
    /// How many hubs, and as many members of etcd; at most [`HUBS_MAX`].
    pub(crate) hubs: usize,
    /// The etcd to use, instead of one that is found or built.
    pub(crate) etcd: Option<&'a Path>,
    /// How far from each other the owners are; all next to each other unless given.
    pub(crate) distance: Option<Distance>,
    /// How members and hubs know each other.
    pub(crate) security: Security,
    /// What every hub is started with; where it listens, its data and its pool are set here.
    pub(crate) config: hub::Config,
    /// The subcommand that is a hub.
    pub(crate) command: &'static str,
}

/// The processes of a pool; they are killed when this is dropped.
pub(crate) struct LocalPool {
    /// The hubs.
    pub(crate) hubs: Vec<PoolHub>,
    members: Cluster,
    certificates: Certificates,
    /// What lies between the owners.
    _network: Option<Network>,
}

/// A hub of the pool.
pub(crate) struct PoolHub {
    /// Its name.
    pub(crate) name: String,
    /// Who owns it.
    pub(crate) owner: &'static str,
    /// Where its operator asks it.
    pub(crate) admin: SocketAddr,
    /// Where the standards' APIs are served.
    pub(crate) address: SocketAddr,
    /// Its process; `None` once it was killed.
    pub(crate) process: Option<HubProcess>,
}

impl LocalPool {
    /// Starts the members, founds a pool on them, and starts its hubs. Blocks now and then.
    pub(crate) async fn start(spec: &Spec<'_>) -> Result<Self, Failure> {
        let program = find_etcd(spec.etcd)?;
        let owned: Vec<Owned> = founding::OWNERS.iter().take(spec.hubs).map(Owned::new).collect();
        let genesis = founding::genesis(&owned)?;
        let genesis_file = spec.dir.join("pool.genesis");
        crate::keys::write_new_file(&genesis_file, &genesis.to_bytes(), 0o644)?;
        let certificates = Certificates::make(spec.security, spec.dir, &owned)?;
        let mut peers = free_addresses(2 * spec.hubs)
            .map_err(|error| Failure::refused("cannot find free ports", &error))?;
        let admins = peers.split_off(spec.hubs);
        let (members, network) = start_members(spec, program, &certificates, &peers)
            .map_err(|error| Failure::refused("cannot start etcd", &error))?;
        founding::found(&certificates.root_of(members.urls()), &genesis, spec.security).await?;
        let mut starting = Vec::new();
        for (number, owner) in owned.iter().enumerate() {
            let scheme = certificates.scheme();
            let (mut urls, mut others) = (members.urls(), peers.clone());
            if let Some(network) = &network {
                others = network.peers();
                network.put_before(&mut urls, number, scheme);
            }
            let others: Vec<_> =
                others.iter().map(|address| format!("{scheme}://{address}")).collect();
            let mut pool = founding::settings(&owned, number, &others, urls);
            pool.genesis.clone_from(&genesis_file);
            pool.key = spec.dir.join(format!("{}.key.pem", owner.hub));
            pool.peer_listen = Some(peers[number]);
            crate::keys::write_private(&pool.key, &owner.key_pem())?;
            certificates.add_to(number, &mut pool);
            starting.push(begin(spec, pool, admins[number])?);
        }
        let mut hubs = Vec::new();
        for ((starting, owner), admin) in starting.into_iter().zip(owned).zip(admins) {
            let process = starting.wait()?;
            let address = process.address;
            let (name, owner) = (owner.hub.to_string(), owner.name);
            hubs.push(PoolHub { name, owner, admin, address, process: Some(process) });
        }
        Ok(LocalPool { hubs, members, certificates, _network: network })
    }

    /// Returns how much was ever put to etcd.
    pub(crate) async fn revision(&self) -> Result<u64, Failure> {
        founding::revision(&self.certificates.root_of(self.members.urls())).await
    }

    /// Returns where the hubs answer that were started.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.hubs.iter().map(|hub| hub.address).collect()
    }

    /// Returns the hubs that run.
    pub(crate) fn living(&self) -> impl Iterator<Item = &PoolHub> {
        self.hubs.iter().filter(|hub| hub.process.is_some())
    }

    /// Kills a hub (SIGKILL), and returns which process that was.
    pub(crate) fn kill_hub(&mut self, number: usize) -> Result<u32, Failure> {
        let mut process = self.hubs[number].process.take().expect("it was not killed before");
        process.kill()?;
        Ok(process.id())
    }

    /// Kills a member of etcd (SIGKILL), and returns which process that was.
    pub(crate) fn kill_member(&mut self, number: usize) -> Result<u32, Failure> {
        let id = self.members.pid(number).expect("it was not killed before");
        self.members
            .kill_member(number)
            .map_err(|error| Failure::refused("cannot end a member of etcd", &error))?;
        Ok(id)
    }

    /// Returns the names and process ids of the hubs and members of etcd that run.
    pub(crate) fn processes(&self) -> Vec<(String, u32)> {
        let hubs = self.hubs.iter();
        let hubs = hubs.filter_map(|hub| Some((hub.name.clone(), hub.process.as_ref()?.id())));
        let member = |number| Some((format!("etcd-{number}"), self.members.pid(number)?));
        hubs.chain((0..self.hubs.len()).filter_map(member)).collect()
    }

    /// Ends the hubs as their operators would, then etcd. Blocks.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        let processes = self.hubs.into_iter().filter_map(|hub| hub.process);
        let stopped: Result<Vec<_>, Failure> = processes.map(HubProcess::stop).collect();
        stopped.map(drop)
    }
}

/// Starts the members, and whatever lies between them and hubs that listen for others at `peers`.
fn start_members(
    spec: &Spec<'_>,
    program: PathBuf,
    certificates: &Certificates,
    peers: &[SocketAddr],
) -> io::Result<(Cluster, Option<Network>)> {
    let (tls, flags) = certificates.of_members();
    let mut options = Options::new(program, spec.dir.join("etcd"), spec.hubs);
    options.flags = flags;
    options.flags.extend(spec.distance.into_iter().flat_map(Distance::etcd_flags));
    let mut members = Cluster::prepare(options)?;
    members.certify(tls);
    let Some(distance) = spec.distance else {
        for number in 0..spec.hubs {
            members.start_member(number)?;
        }
        return Ok((members, None));
    };
    let network = Network::start(distance, &mut members, peers)?;
    Ok((members, Some(network)))
}

fn begin(spec: &Spec<'_>, pool: hub::config::Pool, admin: SocketAddr) -> Result<Starting, Failure> {
    let name = pool.hub.clone();
    let mut config = spec.config.clone();
    config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    config.admin_listen = Some(admin);
    config.data = spec.dir.join(&name);
    config.pool = Some(pool);
    let file = spec.dir.join(format!("{name}.toml"));
    crate::keys::write_new_file(&file, config.to_toml().as_bytes(), 0o644)?;
    let log = spec.dir.join(format!("{name}.log"));
    let failed = |error| Failure::refused(&format!("cannot write {}", log.display()), &error);
    let log = File::create_new(&log).map_err(failed)?;
    let arguments = [spec.command.to_owned(), format!("--config={}", file.display())];
    Starting::begin(&arguments, Some(log))
}

/// Returns an etcd that a pool can be built on, or says what to install.
fn find_etcd(named: Option<&Path>) -> Result<PathBuf, Failure> {
    let built = etcd::program::built_path();
    let folders = folders_of_path();
    if named.is_none() && !built.is_file() && !folders.iter().any(|dir| dir.join("etcd").is_file())
    {
        note("looking for Go to build etcd from tools/etcd, once; it takes about half a minute");
    }
    etcd::program::find(named, &folders, &built)
        .map_err(|error| Failure::refused("a pool needs etcd", &error))
}

#[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
fn folders_of_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map_or_else(Vec::new, |path| std::env::split_paths(&path).collect())
}
