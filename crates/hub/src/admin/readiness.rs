//! Whether the hub can do its work, and what stands in its way.

use serde::Serialize;
use spacetime::Timestamp;

use crate::clock::Trust;
use crate::context::Context;
use crate::hex;

use super::Admin;

/// How many entries the state may be behind the log.
pub const LAG_ENTRIES_MAX: u64 = 10_000;

/// What `/health/ready` says.
#[derive(Debug, Serialize)]
pub(super) struct Readiness {
    ready: bool,
    /// What stands in the way, a sentence each; some do not keep the hub from being ready.
    problems: Vec<String>,
    log: LogReadiness,
    disk: DiskReadiness,
    clock: ClockReadiness,
    keys: Vec<KeysReadiness>,
    /// Set from a start from a backup until the operator confirms.
    restored: Option<RestoredReadiness>,
}

#[derive(Debug, Serialize)]
struct LogReadiness {
    /// How far the log is durable.
    position: u64,
    chain: String,
    /// How far the state has taken it in.
    applied_position: u64,
    queue_entries: usize,
    queue_entries_max: usize,
}

#[derive(Debug, Serialize)]
struct DiskReadiness {
    free_bytes: Option<u64>,
    free_bytes_min: u64,
}

#[derive(Debug, Serialize)]
struct ClockReadiness {
    now: String,
    state: String,
    trusted: bool,
    /// How far the wall clock jumped against the steady one, in seconds.
    jumped_s: f64,
}

#[derive(Debug, Serialize)]
struct KeysReadiness {
    source: String,
    keys: usize,
    age_s: Option<u64>,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct RestoredReadiness {
    position: u64,
    at: String,
}

/// Whether a problem keeps the hub from its work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Hinders,
    Told,
}

impl Readiness {
    pub(super) fn is_ready(&self) -> bool {
        self.ready
    }
}

/// Returns how the hub does at this moment.
pub(super) fn readiness(admin: &Admin) -> Readiness {
    let context = &admin.context;
    let disk = DiskReadiness {
        free_bytes: admin.log.stats().disk_free_bytes,
        free_bytes_min: admin.disk_free_bytes_min,
    };
    let restored = context.replica.restored().map(|restored| RestoredReadiness {
        position: restored.position,
        at: rfc3339(restored.at),
    });
    let mut readiness = Readiness {
        ready: true,
        problems: Vec::new(),
        log: log_readiness(context, &admin.log),
        disk,
        clock: clock_readiness(context),
        keys: keys_readiness(context),
        restored,
    };
    let mut problems = problems(&readiness, context.replica.failure().as_deref());
    if let Some(pool) = &admin.pool {
        let found = pool.problems(context);
        problems.extend(found.hindering.into_iter().map(|problem| (Weight::Hinders, problem)));
        problems.extend(found.told.into_iter().map(|problem| (Weight::Told, problem)));
    }
    readiness.ready = problems.iter().all(|(weight, _)| *weight == Weight::Told);
    readiness.problems = problems.into_iter().map(|(_, problem)| problem).collect();
    readiness
}

fn problems(readiness: &Readiness, failure: Option<&str>) -> Vec<(Weight, String)> {
    let mut problems = Vec::new();
    let mut hinders = |problem: &str| problems.push((Weight::Hinders, problem.to_owned()));
    if let Some(why) = failure {
        hinders(&format!("the hub must end: {why}"));
    }
    let lag = readiness.log.position.saturating_sub(readiness.log.applied_position);
    if LAG_ENTRIES_MAX < lag {
        hinders("the state is behind the log");
    }
    if readiness.disk.free_bytes.is_some_and(|free| free < readiness.disk.free_bytes_min) {
        hinders("the disk is full: no changes are taken until there is room");
    }
    if !readiness.clock.trusted {
        hinders(
            "the clock cannot be trusted: no changes are taken; set it right, or say that it is \
             right with POST /clock/accept",
        );
    }
    if readiness.keys.iter().all(|source| source.keys == 0) {
        hinders("there is no key to verify tokens with");
    }
    for source in readiness.keys.iter().filter(|source| source.error.is_some()) {
        let problem = format!("the keys of {} cannot be renewed", source.source);
        problems.push((Weight::Told, problem));
    }
    if readiness.restored.is_some() {
        let problem = "the log was restored from a backup; confirm with POST /restored/confirm \
                       when the parties have put their entities again";
        problems.push((Weight::Told, problem.to_owned()));
    }
    problems
}

fn log_readiness(context: &Context, log: &log::LocalLog) -> LogReadiness {
    let applied = context.replica.progress().head;
    // A log that is closed or has failed still has what was applied.
    let head = log.head().unwrap_or(applied);
    LogReadiness {
        position: head.position.number(),
        chain: hex::encode(&head.chain),
        applied_position: applied.position.number(),
        queue_entries: log.stats().queue.waiting_entries,
        queue_entries_max: log::QUEUE_MAX,
    }
}

fn clock_readiness(context: &Context) -> ClockReadiness {
    let reading = context.clock.read();
    let jumped = match reading.trust {
        Trust::Steady => 0,
        Trust::Jumped { micros } => micros,
    };
    ClockReadiness {
        now: rfc3339(reading.now),
        state: rfc3339(context.replica.progress().clock),
        trusted: context.replica.check_clock().is_ok(),
        jumped_s: jumped as f64 / 1e6,
    }
}

fn keys_readiness(context: &Context) -> Vec<KeysReadiness> {
    let now = context.clock.now();
    let sources = context.authenticator.health().into_iter();
    sources
        .map(|source| KeysReadiness {
            source: source.name,
            keys: source.keys,
            age_s: source.good_at.map(|at| now.since(at).as_secs()),
            error: source.error,
        })
        .collect()
}

pub(super) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.as_micros())
        .map_or_else(|_| "out of range".to_owned(), |time| time.to_string())
}
