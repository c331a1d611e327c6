//! etcd processes on this machine, for tests and the demonstration.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::ports::free_addresses;

/// Certificates of a member: its files in PEM form.
#[derive(Clone, Debug)]
pub struct ServerTls {
    /// Whom clients' and members' certificates must be signed by.
    pub ca: PathBuf,
    /// Its own, good for 127.0.0.1, as a server's and as a client's.
    pub cert: PathBuf,
    /// The key to it.
    pub key: PathBuf,
}

/// How the members of a cluster are started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program.
    pub program: PathBuf,
    /// Where the members keep their data and what they print, a folder each.
    pub dir: PathBuf,
    /// How many there are.
    pub members: usize,
    /// Certificates, on the side of clients; without them it is `http`.
    pub tls: Option<ServerTls>,
    /// More flags, the same for each.
    pub flags: Vec<String>,
}

/// A cluster whose members are processes of ours; they are killed when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    members: Vec<Process>,
    /// What each member has of its own; empty if nothing.
    certificates: Vec<ServerTls>,
}

#[derive(Debug)]
struct Process {
    name: String,
    client: SocketAddr,
    peer: SocketAddr,
    /// Where other members look for it.
    advertised_peer: SocketAddr,
    child: Option<Child>,
}

impl Options {
    /// Returns how a cluster is started that only this machine reaches, without certificates.
    pub fn new(program: PathBuf, dir: PathBuf, members: usize) -> Self {
        Options { program, dir, members, tls: None, flags: Vec::new() }
    }
}

impl Cluster {
    /// Starts all members on free ports of the loopback interface; they answer a little later.
    pub fn start(options: Options) -> io::Result<Self> {
        let mut cluster = Self::prepare(options)?;
        for number in 0..cluster.members.len() {
            cluster.start_member(number)?;
        }
        Ok(cluster)
    }

    /// Chooses ports for all members and starts none.
    pub fn prepare(options: Options) -> io::Result<Self> {
        let addresses = free_addresses(2 * options.members)?;
        let members = addresses
            .chunks(2)
            .enumerate()
            .map(|(number, pair)| Process {
                name: format!("member-{number}"),
                client: pair[0],
                peer: pair[1],
                advertised_peer: pair[1],
                child: None,
            })
            .collect();
        Ok(Cluster { options, members, certificates: Vec::new() })
    }

    /// Returns where members listen for each other.
    pub fn peer_addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.peer).collect()
    }

    /// Returns where members answer clients.
    pub fn client_addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.client).collect()
    }

    /// Has members look for each other elsewhere, where something stands before each; for members
    /// that were not started yet, since they remember it.
    pub fn advertise_peers(&mut self, addresses: &[SocketAddr]) {
        for (member, address) in self.members.iter_mut().zip(addresses) {
            member.advertised_peer = *address;
        }
    }

    /// Gives each member certificates of its own, for clients and for other members; for members
    /// that were not started yet.
    pub fn certify(&mut self, certificates: Vec<ServerTls>) {
        self.certificates = certificates;
    }

    /// Returns the base URLs at which members answer clients.
    pub fn urls(&self) -> Vec<String> {
        let with_tls = self.options.tls.is_some() || !self.certificates.is_empty();
        let scheme = scheme(with_tls);
        self.members.iter().map(|member| format!("{scheme}://{}", member.client)).collect()
    }

    /// Starts a member that is not running, with the data that it has.
    pub fn start_member(&mut self, number: usize) -> io::Result<()> {
        let dir = self.options.dir.join(&self.members[number].name);
        std::fs::create_dir_all(&dir)?;
        let printed = File::options().create(true).append(true).open(dir.join("log"))?;
        let mut command = self.command(number, &dir);
        command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed);
        self.members[number].child = Some(command.spawn()?);
        Ok(())
    }

    /// Kills a member as a power cut would (SIGKILL), and waits until it is gone.
    pub fn kill_member(&mut self, number: usize) -> io::Result<()> {
        if let Some(mut child) = self.members[number].child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Returns the process id of a member that runs.
    pub fn pid(&self, number: usize) -> Option<u32> {
        self.members[number].child.as_ref().map(Child::id)
    }

    /// Returns the folder that a member keeps its data in.
    pub fn member_dir(&self, number: usize) -> PathBuf {
        self.options.dir.join(&self.members[number].name)
    }

    /// Returns on how many cores each member may run: they share the machine, and what was started
    /// for all cores mostly looks for work that other members have.
    fn cores_each(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        (cores / self.members.len().max(1)).max(1)
    }

    fn command(&self, number: usize, dir: &Path) -> Command {
        let member = &self.members[number];
        let own = self.certificates.get(number);
        let scheme = scheme(own.is_some());
        let url = |address: SocketAddr| format!("{scheme}://{address}");
        let all: Vec<_> =
            self.members.iter().map(|m| format!("{}={}", m.name, url(m.advertised_peer))).collect();
        let client = &self.urls()[number];
        let mut command = Command::new(&self.options.program);
        command
            .args(["--name", &member.name, "--logger", "zap", "--log-level", "warn"])
            .arg("--data-dir")
            .arg(dir.join("data"))
            .args(["--listen-client-urls", client, "--advertise-client-urls", client])
            .args(["--listen-peer-urls", &url(member.peer)])
            .args(["--initial-advertise-peer-urls", &url(member.advertised_peer)])
            .args(["--initial-cluster", &all.join(","), "--initial-cluster-state", "new"])
            .args(&self.options.flags)
            .env("GOMAXPROCS", self.cores_each().to_string());
        if let Some(tls) = own.or(self.options.tls.as_ref()) {
            command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(&tls.ca);
            command.arg("--cert-file").arg(&tls.cert).arg("--key-file").arg(&tls.key);
        }
        if let Some(tls) = own {
            command.arg("--peer-client-cert-auth").arg("--peer-trusted-ca-file").arg(&tls.ca);
            command.arg("--peer-cert-file").arg(&tls.cert).arg("--peer-key-file").arg(&tls.key);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for number in 0..self.members.len() {
            // There is nobody to tell.
            let _ = self.kill_member(number);
        }
    }
}

fn scheme(with_tls: bool) -> &'static str {
    if with_tls { "https" } else { "http" }
}
