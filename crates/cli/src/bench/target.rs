//! The hub under load: one that runs, or one that is started as a process of its own, so that the
//! load does not share an address space with it.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use hyper::header::HeaderValue;
use tempfile::TempDir;

use crate::clock;
use crate::failure::Failure;
use crate::hub::LISTENING;
use crate::keys;
use crate::token::{Claims, Signer};

/// How long a hub may take to start with a million intents, and then some.
const START_S_MAX: u64 = 120;

/// How long a hub may take to end.
const STOP_S_MAX: u64 = 60;

/// What a started hub is told its name is.
const AUDIENCE: &str = "bench.localhost";

/// What the load needs of F3548-21.
const SCOPES: &str = "utm.strategic_coordination";

/// A hub, and parties that may write to it.
pub(crate) struct Target {
    /// Where it answers.
    pub(crate) address: SocketAddr,
    /// The parties.
    pub(crate) parties: Vec<Party>,
    /// The process, if it was started here.
    pub(crate) process: Option<Process>,
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
    child: Child,
    arguments: Vec<String>,
    data: PathBuf,
    /// How long it took from the start until it listened.
    pub(crate) started_in: Duration,
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
        Ok(Target { address, parties, process: None })
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
        let (child, address, started_in) = spawn(&arguments)?;
        let parties = parties_of(&files.private, AUDIENCE, parties)?;
        let process = Process { child, arguments, data, started_in, _dir: dir };
        Ok(Target { address, parties, process: Some(process) })
    }
}

impl Process {
    /// Returns how much memory of the hub is resident, in bytes.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kib: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
        Some(kib * 1024)
    }

    /// Returns how large the hub's directory is, in bytes.
    pub(crate) fn stored_bytes(&self) -> u64 {
        size_of(&self.data)
    }

    /// Kills the hub, as a crash would, and starts it again on the same directory.
    pub(crate) fn crash_and_restart(&mut self) -> Result<SocketAddr, Failure> {
        let failed = |error| Failure::refused("cannot end the hub", &error);
        self.child.kill().map_err(failed)?;
        self.child.wait().map_err(failed)?;
        let (child, address, started_in) = spawn(&self.arguments)?;
        self.child = child;
        self.started_in = started_in;
        Ok(address)
    }

    /// Ends the hub as its operator would, and tells how long that took.
    pub(crate) fn stop(mut self) -> Result<Duration, Failure> {
        let asked_at = clock::instant();
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|error| Failure::refused("cannot end the hub", &error))?;
        let status = wait(&mut self.child)?;
        if !status.success() {
            return Err(Failure::Check(format!("the hub ended with {status}")));
        }
        Ok(elapsed(asked_at))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended already unless something failed; then nothing is to be left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> Result<std::process::ExitStatus, Failure> {
    let failed = |error| Failure::refused("cannot wait for the hub", &error);
    let began = clock::instant();
    while elapsed(began) < Duration::from_secs(STOP_S_MAX) {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(status);
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    Err(Failure::Check(format!("the hub did not end within {STOP_S_MAX} s")))
}

fn elapsed(since: Instant) -> Duration {
    clock::instant().duration_since(since)
}

/// Starts this executable again and waits until it says where it listens.
fn spawn(arguments: &[String]) -> Result<(Child, SocketAddr, Duration), Failure> {
    let began = clock::instant();
    let failed = |error| Failure::refused("cannot start a hub", &error);
    let executable = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(executable)
        .args(arguments)
        .env("TANSIQ_LOG", "info")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let stderr = child.stderr.take().expect("it is piped");
    let (listening, lines) = mpsc::channel();
    std::thread::spawn(move || {
        // Reads to the end, so that the hub is never held up by a full pipe.
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = listening.send(line);
        }
    });
    let mut said = String::new();
    let address = loop {
        let Ok(line) = lines.recv_timeout(Duration::from_secs(START_S_MAX)) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(Failure::Refused(format!("the hub did not start; it said:\n{said}")));
        };
        if let Some(address) = address_in(&line) {
            break address;
        }
        said.push_str(&line);
        said.push('\n');
    };
    Ok((child, address, elapsed(began)))
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once(LISTENING)?.1;
    rest.split_ascii_whitespace().next()?.parse().ok()
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
