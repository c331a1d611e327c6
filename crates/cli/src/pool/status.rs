//! `tansiq pool status`: how a pool does, as one of its hubs sees it.

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::admin::Address;
use super::table::Table;
use crate::failure::Failure;
use crate::output::line;

/// The arguments of `tansiq pool status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each hub sees the pool for itself; ask several. APART is how far a hub's last stamp is after
the pool's clock, LAG how many entries it had still to apply when it said so, SILENT how long
nothing was heard of it. LOG and STATE tell whether it has the same log and the same state as
the hub that is asked.

Example:
  tansiq pool status --admin 127.0.0.1:8083")]
pub(super) struct Status {
    /// The admin listener of a hub of the pool.
    #[arg(long, value_name = "HOST:PORT")]
    admin: Address,
    /// Prints what the hub answers, as JSON.
    #[arg(long)]
    json: bool,
}

/// What a hub answers.
#[derive(Deserialize)]
struct Shown {
    hub: String,
    standing: Option<String>,
    pool: Option<ShownPool>,
    log: ShownLog,
    clock: ShownClock,
    etcd: ShownEtcd,
    evidence: u64,
}

#[derive(Deserialize)]
struct ShownPool {
    id: String,
    epoch: u32,
    quorum: usize,
    owners: Vec<String>,
    clock: String,
    hubs: Vec<ShownHub>,
}

#[derive(Deserialize)]
struct ShownHub {
    id: String,
    owner: String,
    spent: u64,
    set_aside: Option<ShownSetAside>,
    last_stamp: Option<String>,
    apart_s: Option<f64>,
    silent_s: Option<f64>,
    applied_position: Option<u64>,
    log: String,
    state: String,
}

#[derive(Deserialize)]
struct ShownSetAside {
    position: u64,
    why: String,
}

#[derive(Deserialize)]
struct ShownLog {
    position: u64,
    applied_position: u64,
    chain: String,
}

#[derive(Deserialize)]
struct ShownClock {
    now: String,
    stands: bool,
}

#[derive(Deserialize)]
struct ShownEtcd {
    is_up: bool,
    trouble: Option<String>,
    members: Vec<ShownMember>,
}

#[derive(Deserialize)]
struct ShownMember {
    url: String,
    error: Option<String>,
    #[serde(default)]
    release: String,
    #[serde(default)]
    is_leader: bool,
    #[serde(default)]
    db_bytes: i64,
    #[serde(default)]
    db_bytes_in_use: i64,
    #[serde(default)]
    db_bytes_max: i64,
    #[serde(default)]
    errors: Vec<String>,
}

/// Runs `tansiq pool status`.
pub(super) fn run(status: &Status) -> Result<(), Failure> {
    let answer = status.admin.get("/pool/status")?;
    if status.json {
        return line(format_args!("{answer:#}"));
    }
    line(shown(&answer)?)
}

/// Returns what a hub answered, for people.
fn shown(answer: &Value) -> Result<String, Failure> {
    let shown = Shown::deserialize(answer).map_err(|error| {
        Failure::refused("the hub is of another release; --json prints what it answers", &error)
    })?;
    let mut text = shown.head();
    if let Some(pool) = &shown.pool {
        text.push_str("\n\n");
        text.push_str(&shown.hubs(pool));
    }
    text.push_str("\n\n");
    text.push_str(&shown.etcd.members());
    for problem in shown.problems() {
        text.push_str("\n! ");
        text.push_str(&problem);
    }
    Ok(text)
}

impl Shown {
    fn head(&self) -> String {
        let Shown { hub, log, clock, .. } = self;
        let standing = match self.standing.as_deref() {
            Some("majority") => "with the majority",
            Some("undecided") => {
                "undecided: hubs differ, and others have still to say who is right"
            }
            Some("no_majority") => "in no majority: hubs differ, and nobody is right",
            Some("minority") => "in the minority: most hubs differ from it",
            _ => "alone",
        };
        let mut lines = Vec::new();
        if let Some(pool) = &self.pool {
            lines.push(format!("pool    {}", pool.id));
            let (epoch, quorum) = (pool.epoch, pool.quorum);
            let owners = pool.owners.join(", ");
            lines.push(format!("        epoch {epoch}; owners {owners}; {quorum} decide"));
        }
        lines.push(format!("hub     {hub}, {standing}"));
        let (position, applied, chain) = (log.position, log.applied_position, &log.chain);
        lines.push(format!("log     {position}, applied to {applied}:{chain}"));
        let pool_clock = self.pool.as_ref().map_or("not begun", |pool| pool.clock.as_str());
        let stands = if clock.stands { ", which stands" } else { "" };
        lines.push(format!("clock   {}; the pool's is {pool_clock}{stands}", clock.now));
        lines.join("\n")
    }

    fn hubs(&self, pool: &ShownPool) -> String {
        let mut table = Table::new([
            "HUB",
            "OWNER",
            "LAST STAMP",
            "APART",
            "SILENT",
            "LAG",
            "LOG",
            "STATE",
            "",
        ]);
        for hub in &pool.hubs {
            let is_own = hub.id == self.hub;
            let lag = hub.applied_position.map(|applied| self.log.position.saturating_sub(applied));
            let same = |word: &str| if is_own { "own".to_owned() } else { word.to_owned() };
            let note = match &hub.set_aside {
                Some(_) => "set aside".to_owned(),
                None if 0 < hub.spent => format!("{} bad batch(es)", hub.spent),
                None => String::new(),
            };
            table.push([
                hub.id.clone(),
                hub.owner.clone(),
                hub.last_stamp.clone().unwrap_or_else(|| "never".to_owned()),
                seconds(hub.apart_s),
                if is_own { "-".to_owned() } else { seconds(hub.silent_s) },
                lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string()),
                same(&hub.log),
                same(&hub.state),
                note,
            ]);
        }
        table.to_string()
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.etcd.is_up {
            let trouble = self.etcd.trouble.as_deref().unwrap_or("no member answers");
            problems.push(format!("etcd is not reached: {trouble}"));
        }
        if self.clock.stands {
            problems.push(
                "fewer than a majority of the hubs are heard: the pool's clock stands, and nothing \
                 expires"
                    .to_owned(),
            );
        }
        for hub in self.pool.iter().flat_map(|pool| &pool.hubs) {
            if let Some(ShownSetAside { position, why }) = &hub.set_aside {
                problems.push(format!(
                    "hub {} is set aside since position {position}: {why}; find out why (tansiq \
                     pool evidence), then readmit it (tansiq pool readmit {0})",
                    hub.id
                ));
            }
        }
        if 0 < self.evidence {
            let pieces = self.evidence;
            problems.push(format!("{pieces} piece(s) of evidence are kept: tansiq pool evidence"));
        }
        problems
    }
}

impl ShownEtcd {
    fn members(&self) -> String {
        let mut table = Table::new(["ETCD", "RELEASE", "USED", "OF", ""]);
        for member in &self.members {
            table.push(member.row());
        }
        table.to_string()
    }
}

impl ShownMember {
    fn row(&self) -> [String; 5] {
        let url = self.url.clone();
        if let Some(error) = &self.error {
            return [url, "-".to_owned(), "-".to_owned(), "-".to_owned(), error.clone()];
        }
        let mut notes = Vec::new();
        if self.is_leader {
            notes.push("leader".to_owned());
        }
        if self.db_bytes_max < self.db_bytes.saturating_mul(2) && 0 < self.db_bytes_max {
            notes.push("more than half full".to_owned());
        }
        notes.extend(self.errors.iter().cloned());
        let size = format!("{} ({} live)", mib(self.db_bytes), mib(self.db_bytes_in_use));
        [url, self.release.clone(), size, mib(self.db_bytes_max), notes.join(", ")]
    }
}

fn seconds(number: Option<f64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.1} s"))
}

fn mib(bytes: i64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What the hub alder-1 answers while birch-1 is set aside.
    fn answer() -> Value {
        let hub = |id: &str, log: &str, set_aside: Value| {
            json!({
                "id": id, "owner": id[..5], "sequence": 9, "spent": 0, "set_aside": set_aside,
                "last_stamp": "2026-01-02T03:04:05Z", "apart_s": 0.25, "silent_s": 1.5,
                "is_heard": true, "applied_position": 40, "chain": "ab", "state_position": null,
                "state_hash": null, "log": log, "state": "unheard",
            })
        };
        json!({
            "hub": "alder-1",
            "standing": "majority",
            "pool": {
                "id": "c06c", "epoch": 1, "membership_hash": "ab", "quorum": 2,
                "owners": ["alder", "birch"], "revision": 7, "clock": "2026-01-02T03:04:04Z",
                "hubs": [
                    hub("alder-1", "unheard", Value::Null),
                    hub("birch-1", "agrees",
                        json!({ "position": 17, "why": "the key was deleted", "sha256": "00" })),
                ],
            },
            "log": { "position": 42, "applied_position": 42, "chain": "ef" },
            "clock": { "now": "2026-01-02T03:04:05Z", "state": "x", "stands": false,
                       "takes_changes": true },
            "etcd": {
                "is_up": true, "trouble": null,
                "members": [
                    { "url": "https://a:1", "release": "3.7.3", "is_leader": true,
                      "db_bytes": 5_i64 << 30, "db_bytes_in_use": 1 << 20, "db_bytes_max": 8_i64 << 30,
                      "is_half_full": true, "errors": [] },
                    { "url": "https://b:1", "error": "no answer" },
                ],
            },
            "evidence": 1,
        })
    }

    #[test]
    fn tells_how_the_pool_does_and_what_is_wrong() {
        let text = shown(&answer()).expect("an answer of this release");

        let has = |words: &[&str]| {
            let found = text.lines().any(|line| words.iter().all(|word| line.contains(word)));
            assert!(found, "{words:?}:\n{text}");
        };
        has(&["hub     alder-1, with the majority"]);
        has(&["epoch 1; owners alder, birch; 2 decide"]);
        has(&["alder-1", "0.2 s", "own  ", "own  "]);
        has(&["birch-1", "1.5 s", "agrees", "unheard", "set aside"]);
        has(&[
            "https://a:1",
            "3.7.3",
            "5120.0 MiB (1.0 MiB live)",
            "8192.0 MiB",
            "leader, more than half",
        ]);
        has(&["https://b:1", "no answer"]);
        has(&["! hub birch-1 is set aside since position 17: the key was deleted"]);
        has(&["! 1 piece(s) of evidence"]);
    }

    #[test]
    fn refuses_an_answer_that_it_does_not_know() {
        assert!(matches!(shown(&json!({ "hub": 1 })), Err(Failure::Refused(_))));
    }
}
