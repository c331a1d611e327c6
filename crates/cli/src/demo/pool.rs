//! The demonstration's pool: hubs of several owners on several members of etcd, some of which are
//! killed while flights go on.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::front::{self, Front};
use crate::failure::Failure;
use crate::local_pool::{LocalPool, Security, Spec};
use crate::output::{line, note};

/// The number of the flight during whose filing a hub is killed: the one that its desk asks.
const HUB_KILLED_AT: usize = 3;

/// The number of the flight during whose filing a member of etcd is killed: the one that the hub
/// asks that its desk asks.
const MEMBER_KILLED_AT: usize = 7;

/// How often the hubs are asked for their hashes until two of one position are seen.
const COMPARED_MAX: usize = 200;

/// How long is waited in between.
const COMPARED_STEP: Duration = Duration::from_millis(50);

/// How many characters of a hash are shown.
const HASH_SHOWN: usize = 16;

/// How large a pool is, and on which etcd.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size<'a> {
    /// How many hubs, and as many members.
    pub(crate) hubs: usize,
    /// The etcd to use, instead of one that is found or built.
    pub(crate) etcd: Option<&'a Path>,
}

/// A pool, and what stands before it for each desk.
pub(crate) struct Pool {
    processes: Mutex<Processes>,
    fronts: Vec<Front>,
}

struct Processes {
    pool: LocalPool,
    /// To what hubs are told, and from what they answer; in their order.
    pipes: Vec<(ChildStdin, BufReader<ChildStdout>)>,
}

/// How far a hub is, of what it tells its operator (`GET /pool/status`).
#[derive(Debug, Deserialize)]
struct Status {
    log: Applied,
    pool: Option<Shown>,
}

/// How far it has applied the log.
#[derive(Debug, Deserialize)]
struct Applied {
    applied_position: u64,
    chain: String,
}

/// The pool, as it has applied it.
#[derive(Debug, Deserialize)]
struct Shown {
    hubs: Vec<HubShown>,
}

/// What a hub has said of itself.
#[derive(Debug, Deserialize)]
struct HubShown {
    id: String,
    state_position: Option<u64>,
    state_hash: Option<String>,
}

/// What hubs said about one thing: by position, what each that was there said.
#[derive(Default)]
struct Said(BTreeMap<u64, BTreeMap<String, String>>);

impl Pool {
    /// Starts a pool in `dir`, and a front for each of so many desks, which ask hubs in turn.
    pub(crate) async fn start(
        dir: &Path,
        size: Size<'_>,
        config: hub::Config,
        desks: usize,
    ) -> Result<Self, Failure> {
        let Size { hubs, etcd } = size;
        let mut pool = LocalPool::start(&Spec {
            dir,
            hubs,
            etcd,
            distance: None,
            security: Security::Certificates,
            config,
            command: "demo-hub",
        })
        .await?;
        let processes = pool.hubs.iter_mut().filter_map(|hub| hub.process.as_mut());
        let pipes = processes.filter_map(|process| process.take_pipes());
        let pipes = pipes.map(|(told, answers)| (told, BufReader::new(answers))).collect();
        let mut fronts = Vec::new();
        for desk in 0..desks {
            fronts.push(Front::start(pool.addresses(), desk % hubs).await?);
        }
        Ok(Pool { processes: Mutex::new(Processes { pool, pipes }), fronts })
    }

    /// Returns the URL at which a desk finds the pool.
    pub(crate) fn url(&self, desk: usize) -> String {
        format!("http://{}", self.fronts[desk].address)
    }

    /// Says what runs.
    pub(crate) fn tell(&self, parties: &[String]) -> Result<(), Failure> {
        let processes = self.processes();
        let hubs = &processes.pool.hubs;
        line(format_args!(
            "A pool: {0} hubs of {0} owners, which answer as one, on {0} members of etcd. All know each",
            hubs.len()
        ))?;
        line("other by certificates, which the owners' authorities have signed.")?;
        for (party, front) in parties.iter().zip(&self.fronts) {
            let hub = &hubs[front.hub()];
            line(format_args!(
                "  the desk of {party:<7} asks {}, a hub of {}",
                hub.name, hub.owner
            ))?;
        }
        line(
            "A desk knows one URL; on loopback a small front passes its requests on to its hub, or",
        )?;
        line("to the next one when that is gone.")?;
        line("")
    }

    /// Kills what is to be killed while a desk files the flight with this number.
    pub(crate) fn fail_at(&self, flight: usize, desk: usize) -> Result<(), Failure> {
        let number = self.fronts[desk].hub();
        let mut processes = self.processes();
        if flight == HUB_KILLED_AT {
            let id = processes.pool.kill_hub(number)?;
            let name = &processes.pool.hubs[number].name;
            line(format_args!(
                "!  kill -9 {id}: the hub {name}, while this flight is filed at it:"
            ))?;
        }
        if flight == MEMBER_KILLED_AT {
            let id = processes.pool.kill_member(number)?;
            let name = &processes.pool.hubs[number].name;
            line(format_args!(
                "!  kill -9 {id}: the member of etcd beside {name}, while this flight is filed there:"
            ))?;
        }
        Ok(())
    }

    /// Moves the clocks of the hubs that run on.
    pub(crate) fn move_on(&self, duration: Duration) -> Result<(), Failure> {
        let mut processes = self.processes();
        let Processes { pool, pipes } = &mut *processes;
        let running = || pool.hubs.iter().map(|hub| hub.process.is_some());
        let failed = |error| Failure::refused("cannot move a hub's clock", &error);
        // All of them are told before one is waited for: they must not be far apart.
        for ((told, _), _) in pipes.iter_mut().zip(running()).filter(|(_, runs)| *runs) {
            writeln!(told, "{}", duration.as_micros()).map_err(failed)?;
        }
        for ((_, answers), _) in pipes.iter_mut().zip(running()).filter(|(_, runs)| *runs) {
            answers.read_line(&mut String::new()).map_err(failed)?;
        }
        Ok(())
    }

    /// Tells which hubs answered the desks, and compares the hashes of those that run.
    pub(crate) async fn compare(&self, parties: &[String]) -> Result<(), Failure> {
        let (names, admins): (Vec<_>, Vec<_>) = {
            let processes = self.processes();
            self.tell_answered(parties, &processes.pool)?;
            processes.pool.living().map(|hub| (hub.name.clone(), hub.admin)).unzip()
        };
        let (mut logs, mut states) = (Said::default(), Said::default());
        for _ in 0..COMPARED_MAX {
            for (name, admin) in names.iter().zip(&admins) {
                let Status { log, pool } = status(*admin).await?;
                logs.hear(name, Some(log.applied_position), Some(log.chain));
                let hubs = pool.into_iter().flat_map(|pool| pool.hubs);
                for hub in hubs.filter(|hub| hub.id == *name) {
                    states.hear(name, hub.state_position, hub.state_hash);
                }
            }
            let (log, state) = (logs.of_all(&names)?, states.of_all(&names)?);
            // Hubs take the hash of their state now and then; in a short life perhaps never.
            if let Some(log) = log.filter(|_| state.is_some() || states.0.is_empty()) {
                line(format_args!("hashes       {} agree", names.join(" and ")))?;
                line(format_args!("  the log    {}", told(&log)))?;
                return state
                    .map_or(Ok(()), |state| line(format_args!("  the state  {}", told(&state))));
            }
            tokio::time::sleep(COMPARED_STEP).await;
        }
        Err(Failure::Check("the hubs did not come to one position".to_owned()))
    }

    /// Notes where the hubs that run are, and a front.
    pub(crate) fn note_hubs(&self, front: &str) {
        for hub in self.processes().pool.living() {
            note(format_args!("The hub {} serves at http://{}.", hub.name, hub.address));
            note(format_args!("  tansiq pool status --admin {}", hub.admin));
        }
        note(format_args!(
            "What the first desk asks, and passes on to one of them, is at {front}."
        ));
    }

    /// Ends what runs.
    pub(crate) fn stop(self) -> Result<(), Failure> {
        drop(self.fronts);
        self.processes.into_inner().unwrap_or_else(PoisonError::into_inner).pool.stop()
    }

    fn tell_answered(&self, parties: &[String], pool: &LocalPool) -> Result<(), Failure> {
        line("")?;
        for (party, front) in parties.iter().zip(&self.fronts) {
            let answered = front.answered();
            let counts = pool.hubs.iter().zip(answered).filter(|(_, count)| 0 < *count);
            let counts: Vec<_> =
                counts.map(|(hub, count)| format!("{count} by {}", hub.name)).collect();
            let what = "requests of the desk answered:";
            line(format_args!("pool         {party:<7} {what} {}", counts.join(", ")))?;
        }
        Ok(())
    }

    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn hear(&mut self, hub: &str, position: Option<u64>, hash: Option<String>) {
        if let (Some(position), Some(hash)) = (position, hash) {
            self.0.entry(position).or_default().insert(hub.to_owned(), hash);
        }
    }

    /// Returns the last position that all of these hubs were seen at, and the hash there; fails if
    /// two of them say different ones.
    fn of_all(&self, hubs: &[String]) -> Result<Option<(u64, String)>, Failure> {
        for (position, said) in &self.0 {
            let mut hashes = said.values();
            let first = hashes.next();
            if hashes.any(|hash| Some(hash) != first) {
                let told = format!("the hubs differ at position {position}: {said:?}");
                return Err(Failure::Check(told));
            }
        }
        let last = self.0.iter().rev().find(|(_, said)| hubs.len() == said.len());
        Ok(last.and_then(|(position, said)| Some((*position, said.values().next()?.clone()))))
    }
}

async fn status(admin: SocketAddr) -> Result<Status, Failure> {
    serde_json::from_slice(&front::get(admin, "/pool/status").await?)
        .map_err(|error| Failure::refused("a hub's status cannot be read", &error))
}

fn told((position, hash): &(u64, String)) -> String {
    let shown: String = hash.chars().take(HASH_SHOWN).collect();
    format!("{shown}... at position {position}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hubs() -> Vec<String> {
        ["beech-1", "cedar-1"].map(str::to_owned).to_vec()
    }

    fn hear(said: &mut Said, hub: &str, position: u64, hash: &str) {
        said.hear(hub, Some(position), Some(hash.to_owned()));
    }

    #[test]
    fn finds_a_position_that_all_hubs_were_at() {
        let mut said = Said::default();
        hear(&mut said, "beech-1", 7, "aa");
        hear(&mut said, "cedar-1", 8, "bb");
        assert!(matches!(said.of_all(&hubs()), Ok(None)));

        hear(&mut said, "beech-1", 8, "bb");

        assert_eq!(said.of_all(&hubs()).expect("they agree"), Some((8, "bb".to_owned())));
    }

    #[test]
    fn fails_when_two_hubs_differ() {
        let mut said = Said::default();
        hear(&mut said, "beech-1", 7, "aa");
        hear(&mut said, "cedar-1", 7, "ab");

        assert!(matches!(said.of_all(&hubs()), Err(Failure::Check(_))));
    }
}
