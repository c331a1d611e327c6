//! Starting the executable, talking to it, and ending it.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
pub(crate) use testkit::random::Random;

/// How long a process may take for what it is waited for.
pub(crate) const WAIT_S_MAX: u64 = 120;

/// What the hubs of these tests are called in tokens.
pub(crate) const AUDIENCE: &str = "test.localhost";

pub(crate) const STRATEGIC_COORDINATION: &str = "utm.strategic_coordination";

/// Runs the executable to its end.
pub(crate) fn tansiq(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tansiq"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the executable runs")
}

/// Runs the executable, which must end well, and returns its standard output.
pub(crate) fn tansiq_ok(arguments: &[&str]) -> String {
    let output = tansiq(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A directory with a key pair and room for a hub's data.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let place = Place { dir };
        tansiq_ok(&["keys", "new", "--out", place.path("key").to_str().expect("UTF-8")]);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn data(&self) -> String {
        self.path("data").display().to_string()
    }

    pub(crate) fn public_key(&self) -> String {
        self.path("key.pub.pem").display().to_string()
    }

    pub(crate) fn token(&self, party: &str) -> String {
        self.token_for(party, STRATEGIC_COORDINATION)
    }

    /// Returns a token with scopes, separated by spaces.
    pub(crate) fn token_for(&self, party: &str, scopes: &str) -> String {
        let key = self.private_key();
        let arguments = ["token", "--key", &key, "--sub", party, "--audience", AUDIENCE];
        tansiq_ok(&[&arguments[..], &["--scope", scopes]].concat()).trim().to_owned()
    }

    /// The arguments that start a hub here, on any port.
    pub(crate) fn hub_arguments(&self) -> Vec<String> {
        [
            "hub",
            "--listen=127.0.0.1:0",
            "--data",
            &self.data(),
            "--public-key",
            &self.public_key(),
            "--audience",
            AUDIENCE,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    pub(crate) fn private_key(&self) -> String {
        self.path("key.key.pem").display().to_string()
    }

    pub(crate) fn start_hub(&self) -> Hub {
        Hub::start(&self.hub_arguments())
    }
}

/// A process of the executable, and what it says on standard error.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tansiq"))
            .args(arguments)
            .env("TANSIQ_LOG", "info")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the executable runs");
        let stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                // Read on when nobody listens any more: a full pipe would hold up the process.
                let _ = sender.send(line);
            }
        });
        Process { child, lines }
    }

    /// Waits for a line with this text and returns what follows it there.
    pub(crate) fn wait_for_line(&self, text: &str) -> String {
        let mut said = String::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(WAIT_S_MAX));
            let line = line.unwrap_or_else(|_| panic!("`{text}` did not come:\n{said}"));
            if let Some((_, rest)) = line.split_once(text) {
                return rest.trim().to_owned();
            }
            writeln!(said, "{line}").expect("memory does not fail");
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits for the end of the process; the pipe of its standard error closes with it.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        loop {
            match self.lines.recv_timeout(Duration::from_secs(WAIT_S_MAX)) {
                Ok(_) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("the process did not end"),
            }
        }
        self.child.wait().expect("it ends")
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(path).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it is there");
        let kib = line.split_ascii_whitespace().nth(1).expect("a number");
        kib.parse::<u64>().expect("a number") * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing of a failed test is to go on running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A hub's process that listens.
pub(crate) struct Hub {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Hub {
    pub(crate) fn start(arguments: &[String]) -> Self {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let process = Process::start(&arguments);
        let address = process.wait_for_line("the hub listens on ").parse().expect("an address");
        Hub { process, address }
    }

    pub(crate) fn end(mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address).expect("the hub accepts")
    }
}

/// A blocking HTTP/1.1 connection, as plain as can be.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// A request, with what few of them have left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) token: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Client::over(TcpStream::connect(address)?))
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("the socket is open");
        let wait_max = Some(Duration::from_secs(WAIT_S_MAX));
        stream.set_read_timeout(wait_max).expect("the time is not zero");
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) fn ask(&mut self, ask: &Ask) -> io::Result<Reply> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: localhost\r\n", ask.method, ask.path);
        let mut header = |name: &str, value: &str| {
            write!(head, "{name}: {value}\r\n").expect("memory does not fail");
        };
        if let Some(token) = &ask.token {
            header("Authorization", &format!("Bearer {token}"));
        }
        if let Some(key) = &ask.idempotency_key {
            header("Idempotency-Key", key);
        }
        header("Content-Type", "application/json");
        header("Content-Length", &ask.body.len().to_string());
        let request = format!("{head}\r\n{}", ask.body);
        self.stream.get_mut().write_all(request.as_bytes())?;
        self.read_reply()
    }

    fn read_reply(&mut self) -> io::Result<Reply> {
        let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let status_line = self.read_line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(cut_off)?;
        let mut length = 0;
        loop {
            let line = self.read_line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| cut_off())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Reply { status, body })
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

pub(crate) fn healthy(hub: &Hub) -> u16 {
    let ask = Ask { method: "GET", path: "/healthy".to_owned(), ..Ask::default() };
    hub.connect().ask(&ask).expect("it answers").status
}

/// The path of an operational intent, in the version of an OVN if given.
pub(crate) fn intent_path(id: &str, ovn: Option<&str>) -> String {
    let path = format!("/dss/v1/operational_intent_references/{id}");
    match ovn {
        None => path,
        Some(ovn) => format!("{path}/{ovn}"),
    }
}

/// The body that puts an operational intent in a place of its own.
pub(crate) fn intent_body(lat_deg: f64, band: u32, state: &str) -> String {
    let corner = |north: f64, east: f64| json!({ "lat": lat_deg + north, "lng": 7.0 + east });
    let altitude = |value: u32| json!({ "value": value, "reference": "W84", "units": "M" });
    let time = |value: &str| json!({ "value": value, "format": "RFC3339" });
    let base_url = "https://test.example.com/uss";
    json!({
        "extents": [{
            "volume": {
                "outline_polygon": { "vertices": [
                    corner(0.0, 0.0), corner(0.0, 0.001), corner(0.001, 0.001), corner(0.001, 0.0),
                ] },
                "altitude_lower": altitude(20 * band),
                "altitude_upper": altitude(20 * band + 10),
            },
            "time_start": time("2020-01-01T00:00:00Z"),
            "time_end": time("2120-01-01T00:00:00Z"),
        }],
        "key": [],
        "state": state,
        "uss_base_url": base_url,
        "new_subscription": { "uss_base_url": base_url },
    })
    .to_string()
}

pub(crate) fn display(path: &Path) -> String {
    path.display().to_string()
}
