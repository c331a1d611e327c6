//! Runs the appending process and judges what it has left.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use log::{Entry, LocalLog, Options, Position, export, verify};
use tempfile::TempDir;

use crate::child;

/// An entry that the process has printed as durable.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) position: u64,
    pub(crate) name: String,
}

/// The appending process, under `preload.c`.
pub(crate) struct Run {
    process: Child,
    output: BufReader<ChildStdout>,
    said: Vec<String>,
    shadow: TempDir,
}

impl Run {
    /// Starts the process on the log in `dir`; `mode` is what it does, see `child`.
    pub(crate) fn start(mode: &str, dir: &Path, faults: &[(&str, String)]) -> Self {
        let shadow = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(env::current_exe().expect("known"));
        command
            .args(["--ignored", "--exact", "--nocapture", child::TEST])
            .env(child::MODE, mode)
            .env(child::DIR, dir)
            .env("TANSIQ_FAULT_DIR", dir)
            .env("TANSIQ_FAULT_SHADOW", shadow.path())
            .env("LD_PRELOAD", library())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for (name, value) in faults {
            command.env(name, value);
        }
        let mut process = command.spawn().expect("started");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Run { process, output, said: Vec::new(), shadow }
    }

    /// Returns where `preload.c` keeps what was synced.
    pub(crate) fn shadow(&self) -> &Path {
        self.shadow.path()
    }

    /// Reads until `count` more entries are acknowledged.
    pub(crate) fn wait_for_more(&mut self, count: usize) {
        let mut more = 0;
        while more < count {
            let line = self.read_line().expect("the process goes on");
            more += usize::from(parse(&line).is_some());
        }
    }

    /// Kills the process at whatever it does and returns everything that it has acknowledged.
    pub(crate) fn kill(&mut self) -> Vec<Acknowledged> {
        self.process.kill().expect("it runs");
        self.process.wait().expect("killed");
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("ASCII");
        let complete = rest.rsplit_once('\n').map_or("", |(complete, _)| complete);
        self.said.extend(complete.lines().map(str::to_owned));
        self.said.iter().filter_map(|line| parse(line)).collect()
    }

    /// Reads until the process says `words`.
    pub(crate) fn wait_for(&mut self, words: &str) {
        while !self.has_said(words) {
            self.read_line().expect("the process goes on");
        }
    }

    /// Tells whether the process has said `words`.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        self.said.iter().any(|line| line == words)
    }

    /// Lets a waiting process go on.
    pub(crate) fn go_on(&mut self) {
        let input = self.process.stdin.as_mut().expect("piped");
        input.write_all(b"\n").expect("it waits");
    }

    /// Lets the process come to its end and returns everything that it has acknowledged.
    pub(crate) fn finish(&mut self) -> Vec<Acknowledged> {
        while self.read_line().is_some() {}
        assert!(self.process.wait().expect("ended").success(), "it said {:?}", self.said.last());
        self.said.iter().filter_map(|line| parse(line)).collect()
    }

    /// Returns how many syncs there were.
    pub(crate) fn syncs(&self) -> usize {
        let text = fs::read_to_string(self.shadow.path().join("syncs")).expect("there were some");
        text.trim().parse().expect("a number")
    }

    fn read_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.output.read_line(&mut line).expect("ASCII");
        if length == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        self.said.push(line.clone());
        Some(line)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // A test that fails must not leave its process behind; one that has ended is no error.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn parse(line: &str) -> Option<Acknowledged> {
    let (position, name) = line.strip_prefix("ack ")?.split_once(' ')?;
    Some(Acknowledged { position: position.parse().ok()?, name: name.to_owned() })
}

/// Returns `preload.c`, built.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fault/preload.c");
        let name = format!("fault-{}.so", std::process::id());
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let status = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .args([&library, &source])
            .args(["-ldl", "-lpthread"])
            .status()
            .expect("a C compiler is needed to build this, so there is one");
        assert!(status.success(), "preload.c does not build");
        library
    })
}

/// Says what is wrong with what is left in `dir`: an acknowledged entry that is missing or another
/// one, an entry that nobody asked for, a chain that does not fit, or a log that does not open.
pub(crate) fn missing(dir: &Path, acknowledged: &[Acknowledged]) -> Result<(), String> {
    let log = LocalLog::open(dir, Options::default()).map_err(|error| error.to_string())?;
    let head = log.head().map_err(|error| error.to_string())?;
    let mut there = BTreeMap::new();
    export(dir, Position::ZERO..=Position::MAX, |exported| {
        let entry = exported.entry.expect("entries are sealed whole");
        there.insert(exported.head.position.number(), entry);
        Ok(())
    })
    .map_err(|error| format!("{error:?}"))?;
    for ack in acknowledged {
        let found = there.get(&ack.position).map(child::name_of);
        if found.as_ref() != Some(&ack.name) {
            return Err(format!("position {} has {found:?}, not {:?}", ack.position, ack.name));
        }
    }
    for (position, entry) in &there {
        if *entry != child::entry_named(&child::name_of(entry)) {
            return Err(format!("nobody asked for the entry at position {position}"));
        }
    }
    let report = verify(dir, Some(head)).map_err(|error| error.to_string())?;
    if !report.is_sound() {
        return Err(report.to_string());
    }
    missing_outcomes(&log, &there)
}

/// A snapshot that is there must not be ahead of the outcomes that it assumes.
fn missing_outcomes(log: &LocalLog, there: &BTreeMap<u64, Entry>) -> Result<(), String> {
    let Some(snapshot) = log.snapshots().newest_good().map_err(|error| error.to_string())? else {
        return Ok(());
    };
    for (position, entry) in there.range(..=snapshot.head.position.number()) {
        let at = Position::new(*position).expect("of an entry");
        let outcome = log.outcomes().find(at).map_err(|error| error.to_string())?;
        let expected = child::keeps_outcome(*position).then(|| child::name_of(entry).into_bytes());
        if outcome != expected {
            return Err(format!("the outcome of position {position} is {outcome:?}"));
        }
    }
    Ok(())
}
