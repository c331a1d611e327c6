//! Many clients contend for the same few operational intents while the hub is killed and started
//! again. What they saw is explained by one order of what they did, found by a checker that knows
//! nothing of hubs ([`testkit::linearizable`]).

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use testkit::linearizable::{self, Object, Operation};

use crate::support::{Ask, Client, Hub, Place, Random, intent_body, intent_path};

/// How often the hub is killed.
const KILLS: u64 = 3;

/// How many clients there are, and over how many operational intents they contend.
const CLIENTS: u64 = 6;
const INTENTS: usize = 3;

/// How many operations are answered between two kills.
const OPERATIONS_A_LIFE: u64 = 250;

/// How often a client tries to reach a hub that is down, and how long it waits in between.
const CONNECTS_MAX: u32 = 6_000;
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// An operational intent, known by the number in its OVN; `None` is not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Intent(Option<u32>);

/// What is asked of an operational intent; each OVN is asked for once.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Read,
    Create { to: u32 },
    Update { from: u32, to: u32 },
    Delete { from: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Is(Option<u32>),
    Done,
    Refused,
}

impl Object for Intent {
    type Ask = Asked;
    type Answer = Answer;

    fn after(&self, asked: &Asked, answer: Option<&Answer>) -> Option<Self> {
        let (after, would_answer) = match *asked {
            Asked::Read => (self.clone(), Answer::Is(self.0)),
            Asked::Create { to } if self.0.is_none() => (Intent(Some(to)), Answer::Done),
            Asked::Update { from, to } if self.0 == Some(from) => (Intent(Some(to)), Answer::Done),
            Asked::Delete { from } if self.0 == Some(from) => (Intent(None), Answer::Done),
            _ => (self.clone(), Answer::Refused),
        };
        answer.is_none_or(|answer| *answer == would_answer).then_some(after)
    }
}

/// What the clients share.
struct Scene {
    token: String,
    ids: Vec<String>,
    /// Milliseconds since 1970 when it began: requested OVNs must be of now.
    began_ms: u64,
    hub: Mutex<SocketAddr>,
    ended: AtomicBool,
    moment: AtomicU64,
    answered: AtomicU64,
    ovns: AtomicU64,
    /// By intent, OVNs that somebody saw; a guess for who wants to change it.
    seen: Vec<Mutex<Vec<u32>>>,
    history: Vec<Mutex<Vec<Operation<Asked, Answer>>>>,
}

#[test]
fn what_clients_see_through_kills_happened_in_one_order() {
    let place = Place::new();
    let mut random = Random::new(20_261_124);
    let mut hub = place.start_hub();
    let scene = Scene::new(&place, &hub, &mut random);

    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let scene = &scene;
            scope.spawn(move || scene.contend(Random::new(client)));
        }
        for life in 1..=KILLS {
            scene.wait_for(life * OPERATIONS_A_LIFE);
            hub.process.kill();
            hub = place.start_hub();
            *scene.hub.lock().expect("no panic") = hub.address;
        }
        scene.wait_for((KILLS + 1) * OPERATIONS_A_LIFE);
        scene.ended.store(true, Ordering::SeqCst);
    });

    for (number, history) in scene.history.iter().enumerate() {
        let history = history.lock().expect("no panic");
        let done = history.iter().filter(|it| matches!(it.answered, Some((_, Answer::Done))));
        assert!(20 < done.count(), "intent {number} was hardly changed");
        if let Err(error) = linearizable::check(&Intent(None), &history) {
            panic!("intent {number}, {} operations: {error}", history.len());
        }
    }
}

/// Lets some time pass between two looks at something that tells nobody when it changes.
#[expect(clippy::disallowed_methods, reason = "nothing tells when a killed hub is back")]
fn pause() {
    std::thread::sleep(CONNECT_PAUSE);
}

impl Scene {
    #[expect(clippy::disallowed_methods, reason = "requested OVNs carry the time of now")]
    fn new(place: &Place, hub: &Hub, random: &mut Random) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Scene {
            token: place.token("contender"),
            ids: (0..INTENTS).map(|_| random.uuid()).collect(),
            began_ms: u64::try_from(now.as_millis()).expect("in this age"),
            hub: Mutex::new(hub.address),
            ended: AtomicBool::new(false),
            moment: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            ovns: AtomicU64::new(1),
            seen: (0..INTENTS).map(|_| Mutex::default()).collect(),
            history: (0..INTENTS).map(|_| Mutex::default()).collect(),
        }
    }

    fn wait_for(&self, answered: u64) {
        let mut pauses = 0;
        while self.answered.load(Ordering::SeqCst) < answered {
            assert!(pauses < CONNECTS_MAX, "the clients make no progress");
            pauses += 1;
            pause();
        }
    }

    /// Asks one thing after the other until the end; reconnects when the hub was killed.
    fn contend(&self, mut random: Random) {
        let mut connection = None;
        while !self.ended.load(Ordering::SeqCst) {
            let client = connection.get_or_insert_with(|| self.connect());
            let number = random.below(INTENTS as u64) as usize;
            let asked = self.draw(number, &mut random);
            let called = self.now();
            let reply = client.ask(&self.request(number, asked));
            let answered = match &reply {
                // 429 and 503 promise that nothing was done, so it is as if it was never asked.
                Ok(reply) if matches!(reply.status, 429 | 503) => continue,
                Ok(reply) if reply.status == 504 => None,
                Ok(reply) => Some((self.now(), self.answer(number, asked, reply))),
                Err(_) => {
                    connection = None;
                    None
                }
            };
            if answered.is_some() {
                self.answered.fetch_add(1, Ordering::SeqCst);
            }
            let mut history = self.history[number].lock().expect("no panic");
            history.push(Operation { called, answered, ask: asked });
        }
    }

    fn connect(&self) -> Client {
        for _ in 0..CONNECTS_MAX {
            let address = *self.hub.lock().expect("no panic");
            if let Ok(client) = Client::connect(address) {
                return client;
            }
            pause();
        }
        panic!("the hub does not come back");
    }

    fn now(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::SeqCst)
    }

    fn draw(&self, number: usize, random: &mut Random) -> Asked {
        let seen = self.seen[number].lock().expect("no panic");
        let last = seen.len().min(3) as u64;
        let from = match last {
            0 => 0,
            _ => seen[seen.len() - 1 - random.below(last) as usize],
        };
        drop(seen);
        let next = || self.ovns.fetch_add(1, Ordering::SeqCst) as u32;
        match random.below(10) {
            0..3 => Asked::Read,
            3..5 => Asked::Create { to: next() },
            5..8 => Asked::Update { from, to: next() },
            _ => Asked::Delete { from },
        }
    }

    fn request(&self, number: usize, asked: Asked) -> Ask {
        let id = &self.ids[number];
        let (method, from, to) = match asked {
            Asked::Read => ("GET", None, None),
            Asked::Create { to } => ("PUT", None, Some(to)),
            Asked::Update { from, to } => ("PUT", Some(from), Some(to)),
            Asked::Delete { from } => ("DELETE", Some(from), None),
        };
        let ovn = from.map(|from| format!("{id}_{}", self.suffix(from)));
        let body = to.map(|to| {
            let body = intent_body(45.0, number as u32, "Accepted");
            let mut body: serde_json::Value = serde_json::from_str(&body).expect("made here");
            body["requested_ovn_suffix"] = self.suffix(to).into();
            body.to_string()
        });
        Ask {
            method,
            path: intent_path(id, ovn.as_deref()),
            token: Some(self.token.clone()),
            body: body.unwrap_or_default(),
            ..Ask::default()
        }
    }

    /// The UUIDv7 that carries the number of an OVN.
    fn suffix(&self, number: u32) -> String {
        let (high, low) = (self.began_ms >> 16, self.began_ms & 0xffff);
        format!("{high:08x}-{low:04x}-7000-8000-0000{number:08x}")
    }

    fn answer(&self, number: usize, asked: Asked, reply: &crate::support::Reply) -> Answer {
        match (asked, reply.status) {
            (Asked::Read, 404) => Answer::Is(None),
            (Asked::Read, 200) => {
                let reply = reply.json();
                let ovn = reply["operational_intent_reference"]["ovn"].as_str().expect("a text");
                let digits = &ovn[ovn.len() - 8..];
                let ovn = u32::from_str_radix(digits, 16).expect("an OVN that was asked for");
                self.seen[number].lock().expect("no panic").push(ovn);
                Answer::Is(Some(ovn))
            }
            (Asked::Create { to } | Asked::Update { to, .. }, 200 | 201) => {
                self.seen[number].lock().expect("no panic").push(to);
                Answer::Done
            }
            (Asked::Delete { .. }, 200) => Answer::Done,
            (Asked::Create { .. }, 409) => Answer::Refused,
            (Asked::Update { .. }, 400 | 409) => Answer::Refused,
            (Asked::Delete { .. }, 404 | 409) => Answer::Refused,
            (_, status) => {
                panic!("{asked:?}: {status} {}", String::from_utf8_lossy(&reply.body))
            }
        }
    }
}
