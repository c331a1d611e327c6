//! A PostgreSQL server of one test's own, if its programs are installed.

use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls};

use crate::support::{WAIT_S_MAX, text};

/// The owner of everything in it, and a password with characters that URLs treat in their own way.
pub(crate) const USER: &str = "dss";
pub(crate) const PASSWORD: &str = "hunter@2/";

/// How often another port is tried: between the choice and the start somebody may take it.
const STARTS_MAX: usize = 5;

/// Where Debian puts a version's programs.
const DEBIAN: &str = "/usr/lib/postgresql";

/// A server that ends with the test.
pub(crate) struct Postgres {
    /// Removed after the server has ended.
    _dir: TempDir,
    child: Child,
    lines: Receiver<String>,
    pub(crate) port: u16,
}

/// A connection that the test talks over.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
}

/// Whom the server runs as: it refuses to be root.
#[derive(Clone, Copy)]
struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// Starts an empty server; `None`, and the reason on standard error, where that cannot be done.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            skip("PostgreSQL is not installed (Debian's package postgresql)");
            return None;
        };
        let Some(user) = user() else {
            skip("a server does not run as root, and there is no user postgres");
            return None;
        };
        let dir = tempfile::tempdir().expect("a directory");
        prepare(dir.path(), user);
        initialize(&programs, dir.path(), user);
        for _ in 0..STARTS_MAX {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = free.local_addr().expect("it is bound").port();
            drop(free);
            if let Some((child, lines)) = serve(&programs, dir.path(), user, port) {
                return Some(Postgres { _dir: dir, child, lines, port });
            }
        }
        panic!("a PostgreSQL server does not start in {}", dir.path().display());
    }

    /// The URL of the server for clients that give a password.
    pub(crate) fn url(&self) -> String {
        format!("postgresql://{USER}:hunter%402%2F@127.0.0.1:{}/", self.port)
    }

    /// Runs statements in a database.
    pub(crate) fn execute(&self, database: &str, sql: &str) {
        self.session(database).execute(sql);
    }

    pub(crate) fn session(&self, database: &str) -> Session {
        let runtime = Runtime::new().expect("a runtime");
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).user(USER).password(PASSWORD).dbname(database);
        let (client, connection) = runtime.block_on(config.connect(NoTls)).expect("it accepts");
        runtime.spawn(connection);
        Session { runtime, client }
    }

    /// Waits for the server to log a line with this text.
    pub(crate) fn wait_for_line(&self, text: &str) {
        wait_for_line(&self.lines, text).unwrap_or_else(|| panic!("`{text}` was not logged"));
    }
}

impl Session {
    pub(crate) fn execute(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).unwrap_or_else(|error| {
            panic!("{error}: {:?}", error.as_db_error().map(ToString::to_string));
        });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It ends its own processes at once, which SIGKILL would not let it do.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let _ = self.child.wait();
    }
}

/// Makes what the server and its clients need in the directory, and gives it to the server's user.
fn prepare(dir: &Path, user: User) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hub/tests/fixtures");
    std::fs::write(dir.join("password"), PASSWORD).expect("written");
    for (from, to) in [("server-one.cert.pem", "server.crt"), ("server-one.key.pem", "server.key")]
    {
        std::fs::copy(fixtures.join(from), dir.join(to)).expect("the fixture is there");
    }
    for name in ["password", "server.crt", "server.key"] {
        let path = dir.join(name);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is ours");
        chown(&path, Some(user.uid), Some(user.gid)).expect("it is ours");
    }
    chown(dir, Some(user.uid), Some(user.gid)).expect("it is ours");
}

fn initialize(programs: &Path, dir: &Path, user: User) {
    let output = command(&programs.join("initdb"), dir, user)
        .args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
        .args(["--no-locale", "--no-sync", "--pwfile"])
        .arg(dir.join("password"))
        .arg("--pgdata")
        .arg(dir.join("data"))
        .output()
        .expect("initdb runs");
    assert!(output.status.success(), "initdb: {}", text(&output.stderr));
}

/// Starts the server and waits until it accepts connections; `None` when it ends instead.
fn serve(programs: &Path, dir: &Path, user: User, port: u16) -> Option<(Child, Receiver<String>)> {
    let mut child = command(&programs.join("postgres"), dir, user)
        .arg("-D")
        .arg(dir.join("data"))
        .args(["-c", "listen_addresses=127.0.0.1", "-c", &format!("port={port}")])
        .args(["-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "ssl=on"])
        .args(["-c", &format!("ssl_cert_file={}", dir.join("server.crt").display())])
        .args(["-c", &format!("ssl_key_file={}", dir.join("server.key").display())])
        // So that it tells at once who waits for a lock.
        .args(["-c", "log_lock_waits=on", "-c", "deadlock_timeout=10ms"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("postgres runs");
    let stderr = child.stderr.take().expect("it is piped");
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    if wait_for_line(&lines, "ready to accept connections").is_none() {
        child.wait().expect("it has closed its standard error");
        return None;
    }
    Some((child, lines))
}

/// Waits for a line with a text; `None` when there will be none.
fn wait_for_line(lines: &Receiver<String>, text: &str) -> Option<String> {
    loop {
        match lines.recv_timeout(Duration::from_secs(WAIT_S_MAX)) {
            Ok(line) if line.contains(text) => return Some(line),
            Ok(_) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("`{text}` did not come"),
        }
    }
}

fn command(program: &Path, dir: &Path, user: User) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null());
    if geteuid().is_root() {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// Returns the directory of `initdb` and `postgres`; an empty path finds them where others are.
fn programs() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output();
    let asked = asked.ok().map(|output| PathBuf::from(text(&output.stdout).trim()));
    let mut places: Vec<PathBuf> = asked.into_iter().collect();
    let versions = std::fs::read_dir(DEBIAN).into_iter().flatten().filter_map(Result::ok);
    places.extend(versions.map(|version| version.path().join("bin")));
    places.push(PathBuf::new());
    places.into_iter().find(|place| {
        ["initdb", "postgres"].iter().all(|name| {
            let asked = Command::new(place.join(name)).arg("--version").output();
            asked.is_ok_and(|output| output.status.success())
        })
    })
}

/// Returns this user, or for root the user that Debian's package makes.
fn user() -> Option<User> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        text(&output.stdout).trim().parse().ok()
    };
    let name: &[&str] = if geteuid().is_root() { &["postgres"] } else { &[] };
    let uid = id(&[&["-u"], name].concat())?;
    let gid = id(&[&["-g"], name].concat())?;
    Some(User { uid, gid })
}

/// Says that nothing was tested, around the capture of test output, so that it is seen.
fn skip(why: &str) {
    // Without a standard error there is nobody to tell.
    let _ = io::stderr().write_all(format!("skipped: tansiq import: {why}\n").as_bytes());
}
