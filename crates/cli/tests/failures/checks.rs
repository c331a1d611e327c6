//! What must hold after each case, whatever was done to the pool in it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;
use testkit::contention::Contention;

use crate::pool::{Pool, wait_until};
use crate::scope::say;
use crate::support::{Ask, Client, tansiq_ok};

/// How many operations are answered before something is done, and by each hub after it.
const OPERATIONS_BEFORE: u64 = 20;
const OPERATIONS_AFTER: u64 = 8;

/// A hash of the state is taken every so many entries.
const STATE_HASH_ENTRIES: u64 = 256;

/// A pool, and what clients have seen of it in all cases so far.
pub(crate) struct Trial {
    pub(crate) pool: Pool,
    contentions: Vec<Contention>,
    /// Where all hubs were alike after each case.
    heads: Vec<Head>,
}

/// How far a log goes, and its hash there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    position: u64,
    chain: String,
}

impl Trial {
    pub(crate) fn of(pool: Pool) -> Self {
        Trial { pool, contentions: Vec::new(), heads: Vec::new() }
    }

    /// Does something to the pool while clients contend through all hubs, makes everything good
    /// again, and checks what must hold then.
    pub(crate) fn case(&mut self, what: &str, doing: impl FnOnce(&mut Pool, &Contention)) {
        let seed = 1 + self.contentions.len() as u64;
        let contention = Contention::new(self.pool.token.clone(), seed);
        let pool = &mut self.pool;
        contention.while_doing(pool.addresses(), || {
            contention.wait_for_more(OPERATIONS_BEFORE);
            doing(pool, &contention);
            pool.restore();
            contention.set_hubs(pool.addresses());
            for hub in pool.addresses() {
                contention.wait_for_more_at(hub, OPERATIONS_AFTER);
            }
            wait_for_new_hashes(pool);
        });
        let explained = contention.check(0);
        let head = alike(&self.pool);
        say(&format!(
            "{what}: {} operations, {} changes, one order explains them; all hubs have {} entries \
             and the same hashes",
            explained.operations, explained.changes, head.position
        ));
        self.heads.push(head);
        self.contentions.push(contention);
    }

    /// Checks that nothing of any case was lost, ends the hubs, and verifies every copy.
    pub(crate) fn end(mut self) {
        for contention in &self.contentions {
            contention.set_hubs(self.pool.addresses());
            contention.check(0);
        }
        self.pool.end_hubs();
        for hub in &self.pool.hubs {
            for Head { position, chain } in &self.heads {
                let (data, head) = (hub.data.display().to_string(), format!("{position}:{chain}"));
                tansiq_ok(&["log", "verify", &data, "--expect", &head]);
            }
        }
    }
}

/// Waits until each hub has told a hash of a state that is newer than all that any hub has now.
fn wait_for_new_hashes(pool: &Pool) {
    let newest = statuses(pool).iter().map(|status| head(status).position).max();
    let next = newest.expect("some hubs").next_multiple_of(STATE_HASH_ENTRIES);
    wait_until("every hub tells a new hash of its state", || {
        let statuses = statuses(pool);
        let is_told = |status: &Value| told_states(status).iter().all(|(at, _)| next <= *at);
        if statuses.iter().all(is_told) { Ok(()) } else { Err(format!("{next}: {statuses:?}")) }
    });
}

/// Waits until all hubs have the same log and state, and returns how far.
fn alike(pool: &Pool) -> Head {
    let newest = statuses(pool).iter().map(|status| head(status).position).max();
    let newest = newest.expect("some hubs");
    let mut chains: BTreeMap<u64, BTreeMap<usize, String>> = BTreeMap::new();
    wait_until("all hubs are alike", || {
        let statuses = statuses(pool);
        for (hub, status) in statuses.iter().enumerate() {
            let Head { position, chain } = head(status);
            let at = chains.entry(position).or_default();
            at.insert(hub, chain.clone());
            assert!(at.values().all(|other| *other == chain), "hubs differ at {position}: {at:?}");
            nothing_is_wrong(pool.hubs[hub].admin, status);
        }
        let last = newest / STATE_HASH_ENTRIES * STATE_HASH_ENTRIES;
        let mut heads = chains.range(newest..).rev();
        match heads.find(|(_, at)| at.len() == pool.hubs.len()) {
            Some((position, at)) if statuses.iter().all(|status| states_agree(status, last)) => {
                Ok(Head { position: *position, chain: at[&0].clone() })
            }
            _ => Err(format!("{newest}: {statuses:?}")),
        }
    })
}

fn statuses(pool: &Pool) -> Vec<Value> {
    pool.hubs.iter().map(|hub| ask(hub.admin, "/pool/status")).collect()
}

/// Asks a hub on its operator's side.
fn ask(admin: SocketAddr, path: &str) -> Value {
    let ask = Ask { method: "GET", path: path.to_owned(), ..Ask::default() };
    let reply = Client::connect(admin).expect("it listens").ask(&ask).expect("it answers");
    assert_eq!(reply.status, 200);
    reply.json()
}

fn head(status: &Value) -> Head {
    let log = &status["log"];
    Head {
        position: log["applied_position"].as_u64().expect("a number"),
        chain: log["chain"].as_str().expect("a text").to_owned(),
    }
}

/// Returns up to where each hub has told a hash of its state last, and which, as one of them heard.
fn told_states(status: &Value) -> Vec<(u64, String)> {
    let hubs = status["pool"]["hubs"].as_array().expect("a list");
    let told = |hub: &Value| {
        let position = hub["state_position"].as_u64().unwrap_or(0);
        (position, hub["state_hash"].as_str().unwrap_or_default().to_owned())
    };
    hubs.iter().map(told).collect()
}

/// Tells whether a hub has heard from all hubs the same hash of the state, at `last` or later.
fn states_agree(status: &Value, last: u64) -> bool {
    let told = told_states(status);
    last <= told[0].0 && told.iter().all(|other| *other == told[0])
}

/// Checks that a hub has found nothing wrong with any hub or with etcd.
///
/// But for stamps: what a hub had on its way when it was cut off or stood still comes late, and
/// nobody can tell that from a clock that is wrong.
fn nothing_is_wrong(admin: SocketAddr, status: &Value) {
    for hub in status["pool"]["hubs"].as_array().into_iter().flatten() {
        assert!(hub["set_aside"].is_null(), "{hub}");
        assert_ne!(hub["log"], "differs", "{hub}");
        assert_ne!(hub["state"], "differs", "{hub}");
    }
    if status["evidence"] != 0 {
        let evidence = ask(admin, "/pool/evidence");
        let mut kinds = evidence["evidence"].as_array().expect("a list").iter();
        assert!(kinds.all(|it| it["kind"] == "stamp_apart"), "{evidence}");
    }
}
