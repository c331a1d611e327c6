//! The kill test: a hub under load is killed at random moments and started again. Everything that
//! it acknowledged of F3548 and F3411 is there, what was under way is wholly there or wholly not, and
//! its log holds.
//!
//! `TANSIQ_KILL_ROUNDS` sets how many times it is killed, up to 1,000; `TANSIQ_KILL_SEED` what is
//! sent and when.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use crate::support::{
    Ask, Client, Hub, Place, Random, STRATEGIC_COORDINATION, WAIT_S_MAX, display, intent_body,
    intent_path, tansiq_ok,
};

#[path = "kill/remote_id.rs"]
mod remote_id;

use remote_id::RemoteId;

const ROUNDS: u64 = 3;
const ROUNDS_MAX: u64 = 1_000;

/// How many clients write at the same time.
const CLIENTS: u64 = 4;

/// How many operational intents each client has at most.
const INTENTS: u64 = 8;

/// After how many acknowledged writes the hub is killed, at most.
const WRITES_MAX: u64 = 400;

/// A snapshot after so many entries, so that kills meet snapshots too.
const SNAPSHOT_ENTRIES: u64 = 150;

/// An operational intent as its client knows it.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    id: String,
    ovn: String,
    version: u64,
}

/// What a write is about.
#[derive(Clone, Copy, Debug)]
enum Slot {
    Intent(usize),
    RemoteId(remote_id::Slot),
}

/// What a client has: a slot holds an intent in an altitude of its own, or nothing.
struct Party {
    number: u64,
    token: String,
    random: Random,
    intents: Vec<Option<Known>>,
    remote_id: RemoteId,
    /// The write that was not answered, and the slot that it is for.
    under_way: Option<(Slot, Ask)>,
}

#[test]
fn keeps_everything_acknowledged_through_kills() {
    let place = Place::new();
    let config = place.path("hub.toml");
    std::fs::write(&config, format!("[log]\nsnapshot_entries = {SNAPSHOT_ENTRIES}\n"))
        .expect("written");
    let mut arguments = place.hub_arguments();
    arguments.extend(["--config".to_owned(), display(&config)]);
    let seed = number_from("TANSIQ_KILL_SEED").unwrap_or(20_261_124);
    let rounds = number_from("TANSIQ_KILL_ROUNDS").unwrap_or(ROUNDS).min(ROUNDS_MAX);
    let mut random = Random::new(seed);
    let mut parties: Vec<Party> = (0..CLIENTS).map(|number| party(&place, number, seed)).collect();
    let mut head: Option<String> = None;

    for round in 0..rounds {
        let mut hub = Hub::start(&arguments);
        for party in &mut parties {
            party.check(&hub, round);
        }
        write_until_killed(&mut hub, &mut parties, 1 + random.below(WRITES_MAX));
        // What was once the head stays in the log.
        let data = place.data();
        let mut verify = vec!["log", "verify", &data];
        if let Some(head) = &head {
            verify.extend(["--expect", head]);
        }
        tansiq_ok(&verify);
        head = Some(tansiq_ok(&["log", "head", &data]).trim().to_owned());
    }

    let hub = Hub::start(&arguments);
    for party in &mut parties {
        party.check(&hub, rounds);
    }
}

fn number_from(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch")]
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn party(place: &Place, number: u64, seed: u64) -> Party {
    Party {
        number,
        token: place.token_for(
            &format!("party-{number}"),
            &format!("{STRATEGIC_COORDINATION} {}", remote_id::SCOPES),
        ),
        random: Random::new(seed ^ (number + 1) << 32),
        intents: vec![None; INTENTS as usize],
        remote_id: RemoteId::new(lat_deg(number)),
        under_way: None,
    }
}

/// Returns where a client has everything that it has.
fn lat_deg(number: u64) -> f64 {
    40.0 + number as f64
}

/// Lets all parties write and kills the hub once `writes` were acknowledged.
fn write_until_killed(hub: &mut Hub, parties: &mut [Party], writes: u64) {
    let address = hub.address;
    let killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (acknowledged, written) = mpsc::channel();
        for party in parties {
            let (acknowledged, killed) = (acknowledged.clone(), &killed);
            let client = Client::connect(address).expect("the hub accepts");
            scope.spawn(move || party.write(client, &acknowledged, killed));
        }
        for _ in 0..writes {
            let within = Duration::from_secs(WAIT_S_MAX);
            written.recv_timeout(within).expect("the hub acknowledges writes");
        }
        killed.store(true, Ordering::SeqCst);
        hub.process.kill();
    });
}

impl Party {
    /// Writes until the hub is gone; what was not answered stays under way.
    fn write(&mut self, mut client: Client, acknowledged: &Sender<()>, killed: &AtomicBool) {
        loop {
            let (slot, ask) = self.next();
            let Ok(reply) = client.ask(&ask) else {
                assert!(killed.load(Ordering::SeqCst), "the hub broke a connection while it ran");
                self.under_way = Some((slot, ask));
                return;
            };
            self.learn(slot, &ask, reply.status, &reply.body);
            if acknowledged.send(()).is_err() {
                return;
            }
        }
    }

    /// Returns the next write, and the slot that it is for.
    fn next(&mut self) -> (Slot, Ask) {
        let (slot, ask) = if self.random.below(2) == 0 {
            let slot = self.random.below(INTENTS) as usize;
            (Slot::Intent(slot), self.next_of_intent(slot))
        } else {
            let slot = RemoteId::draw(&mut self.random);
            (Slot::RemoteId(slot), self.remote_id.next(slot, &mut self.random))
        };
        let idempotency_key = Some(self.random.uuid());
        (slot, Ask { token: Some(self.token.clone()), idempotency_key, ..ask })
    }

    /// Returns the next write for an intent: create, then update or delete.
    fn next_of_intent(&mut self, slot: usize) -> Ask {
        let band = slot as u32;
        let put = |path: String, state: &str| Ask {
            method: "PUT",
            path,
            body: intent_body(lat_deg(self.number), band, state),
            ..Ask::default()
        };
        let Some(known) = &self.intents[slot] else {
            return put(intent_path(&self.random.uuid(), None), "Accepted");
        };
        let path = intent_path(&known.id, Some(&known.ovn));
        if self.random.below(3) == 0 {
            return Ask { method: "DELETE", path, ..Ask::default() };
        }
        put(path, "Activated")
    }

    /// Notes what an acknowledged write has left.
    fn learn(&mut self, slot: Slot, ask: &Ask, status: u16, body: &[u8]) {
        let said = String::from_utf8_lossy(body);
        assert!(matches!(status, 200 | 201), "{} {}: {status} {said}", ask.method, ask.path);
        let reply: serde_json::Value = serde_json::from_slice(body).expect("a JSON body");
        match slot {
            Slot::Intent(slot) => {
                self.intents[slot] = (ask.method == "PUT").then(|| known(&reply));
            }
            Slot::RemoteId(slot) => self.remote_id.learn(slot, ask, &reply),
        }
    }

    /// Checks, on a hub that was started again, all that is known.
    fn check(&mut self, hub: &Hub, round: u64) {
        let mut client = hub.connect();
        if let Some((slot, ask)) = self.under_way.take() {
            // With its key it is answered as it was then, or carried out now, but only once.
            let reply = client.ask(&ask).expect("it answers");
            self.learn(slot, &ask, reply.status, &reply.body);
            let again = client.ask(&ask).expect("it answers");
            assert_eq!((again.status, again.body), (reply.status, reply.body), "round {round}");
        }
        for known_before in self.intents.iter().flatten() {
            let path = intent_path(&known_before.id, None);
            let token = Some(self.token.clone());
            let ask = Ask { method: "GET", path, token, ..Ask::default() };
            let reply = client.ask(&ask).expect("it answers");
            assert_eq!(reply.status, 200, "round {round}: {} is lost", known_before.id);
            assert_eq!(known(&reply.json()), *known_before, "round {round}");
        }
        self.check_nothing_else_is_there(&mut client, round);
        self.remote_id.check(&mut client, &self.token, round);
    }

    /// What was deleted of intents is gone, and nothing was invented.
    fn check_nothing_else_is_there(&self, client: &mut Client, round: u64) {
        let put: serde_json::Value =
            serde_json::from_str(&intent_body(lat_deg(self.number), 0, "Accepted"))
                .expect("it was made here");
        let mut area = put["extents"][0].clone();
        let volume = area["volume"].as_object_mut().expect("an object");
        volume.retain(|name, _| name == "outline_polygon");
        let ask = Ask {
            method: "POST",
            path: "/dss/v1/operational_intent_references/query".to_owned(),
            token: Some(self.token.clone()),
            body: serde_json::json!({ "area_of_interest": area }).to_string(),
            ..Ask::default()
        };
        let reply = client.ask(&ask).expect("it answers").json();
        let references = reply["operational_intent_references"].as_array().expect("a list");
        let mut found: Vec<&str> =
            references.iter().map(|reference| reference["id"].as_str().expect("an id")).collect();
        let known = self.intents.iter().flatten();
        let mut expected: Vec<&str> = known.map(|known| known.id.as_str()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "round {round}");
    }
}

fn known(reply: &serde_json::Value) -> Known {
    let reference = &reply["operational_intent_reference"];
    let text = |name: &str| reference[name].as_str().expect("a text").to_owned();
    Known { id: text("id"), ovn: text("ovn"), version: reference["version"].as_u64().expect("one") }
}
