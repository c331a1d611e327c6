//! A hub as a process of its own: this executable, started again.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use crate::clock;
use crate::failure::Failure;
use crate::hub::LISTENING;

/// How long a hub may take to start with a million intents, and then some.
const START_S_MAX: u64 = 120;

/// How long a hub may take to end.
const STOP_S_MAX: u64 = 60;

/// A process that is killed when this is dropped.
struct Killed(Child);

/// A hub's process that was begun and does not answer yet; it is killed when this is dropped.
pub(crate) struct Starting {
    child: Killed,
    said: Receiver<String>,
    began: Instant,
}

/// A hub's process that answers; it is killed when this is dropped.
pub(crate) struct HubProcess {
    child: Killed,
    /// Where it serves the standards' APIs.
    pub(crate) address: SocketAddr,
    /// How long it took from the start until it listened.
    pub(crate) started_in: Duration,
}

impl Starting {
    /// Starts this executable again; what it says goes into `log` too, if given.
    pub(crate) fn begin(arguments: &[String], log: Option<File>) -> Result<Self, Failure> {
        let began = clock::instant();
        let failed = |error| Failure::refused("cannot start a hub", &error);
        let executable = std::env::current_exe().map_err(failed)?;
        let mut child = Command::new(executable)
            .args(arguments)
            .env("TANSIQ_LOG", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let stderr = child.stderr.take().expect("it is piped");
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            // Reads to the end, so that the hub is never held up by a full pipe.
            let mut log = log;
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(log) = &mut log {
                    // Whoever looks into it later is not worth stopping for now.
                    let _ = writeln!(log, "{line}");
                }
                let _ = sender.send(line);
            }
        });
        Ok(Starting { child: Killed(child), said, began })
    }

    /// Waits until it says where it listens. Blocks.
    pub(crate) fn wait(self) -> Result<HubProcess, Failure> {
        let mut all = String::new();
        let address = loop {
            let Ok(line) = self.said.recv_timeout(Duration::from_secs(START_S_MAX)) else {
                return Err(Failure::Refused(format!("the hub did not start; it said:\n{all}")));
            };
            if let Some(address) = address_in(&line) {
                break address;
            }
            all.push_str(&line);
            all.push('\n');
        };
        Ok(HubProcess { child: self.child, address, started_in: elapsed(self.began) })
    }
}

impl HubProcess {
    /// Returns its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Returns both ends of what can be told to it and what it answers, once.
    pub(crate) fn take_pipes(&mut self) -> Option<(ChildStdin, ChildStdout)> {
        Some((self.child.0.stdin.take()?, self.child.0.stdout.take()?))
    }

    /// Kills it, as a crash would, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        let failed = |error| Failure::refused("cannot end the hub", &error);
        self.child.0.kill().map_err(failed)?;
        self.child.0.wait().map_err(failed)?;
        Ok(())
    }

    /// Ends it as its operator would, and tells how long that took. Blocks.
    pub(crate) fn stop(mut self) -> Result<Duration, Failure> {
        let asked_at = clock::instant();
        let pid = rustix::process::Pid::from_child(&self.child.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|error| Failure::refused("cannot end the hub", &error))?;
        let status = wait(&mut self.child.0)?;
        if !status.success() {
            return Err(Failure::Check(format!("the hub ended with {status}")));
        }
        Ok(elapsed(asked_at))
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It has ended already unless something failed; then nothing is to be left behind.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait(child: &mut Child) -> Result<ExitStatus, Failure> {
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

fn address_in(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once(LISTENING)?.1;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_that_a_hub_says() {
        let line = format!("2026-01-01T00:00:00Z  INFO tansiq: {LISTENING}127.0.0.1:8082");

        assert_eq!(address_in(&line), Some(([127, 0, 0, 1], 8082).into()));
        assert_eq!(address_in("health and metrics are on 127.0.0.1:8083"), None);
    }
}
