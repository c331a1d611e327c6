//! Clients that contend for the same few operational intents, through one hub or several, and what
//! they saw: explained by one order of what they did, or wrong ([`crate::linearizable`]).
//!
//! A client stays with one hub, by their numbers, so that a hub that does not answer holds up its own
//! clients only. An operation whose answer did not come may have happened or not. One that was
//! answered with 429 or 503 must not have, since a hub promises that.
//!
//! ```no_run
//! use testkit::contention::Contention;
//! # let (token, hubs): (String, Vec<std::net::SocketAddr>) = Default::default();
//! let contention = Contention::new(token, 1);
//! contention.while_doing(hubs, || {
//!     contention.wait_for_more(100);
//!     // Something bad happens here.
//!     contention.wait_for_more(100);
//! });
//! contention.check(20);
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::linearizable::{self, Operation};
use crate::random::Random;

use self::client::Client;
use self::intent::{Answer, Asked, Intent};

mod client;
mod intent;
#[cfg(test)]
mod tests;

/// How many clients there are, and over how many operational intents they contend.
pub const CLIENTS: usize = 6;
/// See [`CLIENTS`].
pub const INTENTS: usize = 3;

/// How long a client waits for an answer; a hub answers within 15 s or not at all.
pub const ANSWER_MAX: Duration = Duration::from_secs(20);

/// How long clients may take to make some progress, and hubs to answer the last reads.
pub const PROGRESS_MAX: Duration = Duration::from_secs(120);

/// How long a client pauses after it was answered, so that not all of the machine's time is spent
/// on its questions.
const PACE: Duration = Duration::from_millis(12);

/// How long a client pauses after it was refused, or nobody was there.
const PAUSE: Duration = Duration::from_millis(20);

/// The clients, what they contend for, and what they saw.
#[derive(Debug)]
pub struct Contention {
    token: String,
    intents: [Contended; INTENTS],
    /// Milliseconds since 1970 when it began: requested OVNs must be of now, give or take 5 minutes.
    began_ms: u64,
    /// The hubs that are asked.
    hubs: Mutex<Vec<SocketAddr>>,
    hubs_changed: Condvar,
    has_ended: AtomicBool,
    moment: AtomicU64,
    ovns: AtomicU64,
    /// How many operations each hub has answered, other than with 429, 503 or 504.
    answered: Mutex<BTreeMap<SocketAddr, u64>>,
    progress: Condvar,
}

/// An operational intent that clients contend for.
#[derive(Debug)]
struct Contended {
    id: String,
    /// OVNs that somebody saw; a guess for who wants to change it.
    seen: Mutex<Vec<u32>>,
    history: Mutex<Vec<Operation<Asked, Answer>>>,
    place: intent::Place,
}

/// How much was recorded and could be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Operations that were answered, or may have happened.
    pub operations: usize,
    /// Changes that were answered with success.
    pub changes: usize,
}

impl Contention {
    /// Makes clients that use one token, of a party that may put operational intents; `seed` decides
    /// what they ask, and where in the world.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "requested OVNs carry the time of now")]
    pub fn new(token: String, seed: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let mut random = Random::new(seed);
        Contention {
            token,
            intents: std::array::from_fn(|_| Contended {
                id: random.uuid(),
                seen: Mutex::default(),
                history: Mutex::default(),
                place: intent::Place::draw(&mut random),
            }),
            began_ms: u64::try_from(now.as_millis()).expect("in this age"),
            hubs: Mutex::default(),
            hubs_changed: Condvar::new(),
            has_ended: AtomicBool::new(false),
            moment: AtomicU64::new(0),
            ovns: AtomicU64::new(1),
            answered: Mutex::default(),
            progress: Condvar::new(),
        }
    }

    /// Has clients ask while something is done with the hubs, which begin at `hubs`.
    pub fn while_doing<T>(&self, hubs: Vec<SocketAddr>, doing: impl FnOnce() -> T) -> T {
        self.set_hubs(hubs);
        self.has_ended.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                scope.spawn(move || self.contend(client));
            }
            // Also where something is not as it must be the clients come to an end.
            let end = End(&self.has_ended);
            let done = doing();
            drop(end);
            done
        })
    }

    /// Has clients ask these hubs from now on; nobody is asked while there are none.
    pub fn set_hubs(&self, hubs: Vec<SocketAddr>) {
        *self.hubs() = hubs;
        self.hubs_changed.notify_all();
    }

    /// Waits until so many more operations are answered, by whichever hub.
    ///
    /// # Panics
    /// If that takes longer than [`PROGRESS_MAX`].
    pub fn wait_for_more(&self, more: u64) {
        self.wait_until_answered(more, |answered| answered.values().sum());
    }

    /// Waits until so many more operations are answered by this hub.
    ///
    /// # Panics
    /// If that takes longer than [`PROGRESS_MAX`].
    pub fn wait_for_more_at(&self, hub: SocketAddr, more: u64) {
        self.wait_until_answered(more, |answered| answered.get(&hub).copied().unwrap_or(0));
    }

    /// Returns how many operations a hub has answered.
    pub fn answered_by(&self, hub: SocketAddr) -> u64 {
        self.answered.lock().expect("no panic").get(&hub).copied().unwrap_or(0)
    }

    /// Reads everything once more at every hub, and checks that one order explains all answers, so
    /// that nothing acknowledged was lost; and that there was something to explain: more than
    /// `changes_min` of each operational intent.
    ///
    /// It may be called again later, when hubs were started anew: what is read then must fit too.
    ///
    /// # Panics
    /// If there is no such order, or a hub does not answer within [`PROGRESS_MAX`].
    pub fn check(&self, changes_min: usize) -> Explained {
        let hubs = self.hubs().clone();
        for hub in hubs {
            self.read_all(hub);
        }
        let mut explained = Explained { operations: 0, changes: 0 };
        for (number, intent) in self.intents.iter().enumerate() {
            let history = intent.history.lock().expect("no panic");
            let is_change = |it: &&Operation<_, _>| matches!(it.answered, Some((_, Answer::Done)));
            let changes = history.iter().filter(is_change).count();
            assert!(changes_min < changes, "intent {number} was hardly changed: {changes} times");
            if let Err(error) = linearizable::check(&Intent(None), &history) {
                panic!("intent {number}, {} operations: {error}", history.len());
            }
            explained.operations += history.len();
            explained.changes += changes;
        }
        explained
    }

    fn wait_until_answered(&self, more: u64, count: impl Fn(&BTreeMap<SocketAddr, u64>) -> u64) {
        let answered = self.answered.lock().expect("no panic");
        let enough = count(&answered) + more;
        let is_less = |answered: &mut BTreeMap<SocketAddr, u64>| count(answered) < enough;
        let waited = self.progress.wait_timeout_while(answered, PROGRESS_MAX, is_less);
        let (answered, _) = waited.expect("no panic");
        assert!(enough <= count(&answered), "the clients make no progress: {answered:?}");
    }

    /// Asks one thing after the other until the end; reconnects when a hub was killed.
    fn contend(&self, number: usize) {
        let mut random = Random::new(number as u64);
        let mut connection: Option<Client> = None;
        while !self.has_ended.load(Ordering::SeqCst) {
            let hubs = self.hubs().clone();
            let Some(hub) = hubs.get(number % hubs.len().max(1)).copied() else {
                self.pause(PAUSE);
                continue;
            };
            let known = connection.take().filter(|client| client.hub == hub);
            let connected = known.map_or_else(|| Client::connect(hub, ANSWER_MAX), Ok);
            let Ok(mut client) = connected else {
                self.pause(PAUSE);
                continue;
            };
            let intent = random.below(INTENTS as u64) as usize;
            let asked = self.draw(intent, &mut random);
            match self.ask(&mut client, intent, asked) {
                Asking::Answered => self.pause(PACE),
                Asking::Refused => self.pause(PAUSE),
                Asking::CutOff => continue,
            }
            connection = Some(client);
        }
    }

    /// Asks one thing and remembers what came of it.
    fn ask(&self, client: &mut Client, number: usize, asked: Asked) -> Asking {
        let intent = &self.intents[number];
        let called = self.now();
        let request = asked.request(&intent.id, &intent.place, self.began_ms);
        let reply = client.ask(&self.token, &request);
        let (asking, answered) = match &reply {
            // 429 and 503 promise that nothing was done, so it is as if it was never asked.
            Ok(reply) if matches!(reply.status, 429 | 503) => return Asking::Refused,
            Ok(reply) if reply.status == 504 => (Asking::Refused, None),
            Ok(reply) => (Asking::Answered, Some((self.now(), asked.answer(reply)))),
            Err(_) => (Asking::CutOff, None),
        };
        if let Some(ovn) = answered.and_then(|(_, answer)| asked.ovn_after(answer)) {
            intent.seen.lock().expect("no panic").push(ovn);
        }
        intent.history.lock().expect("no panic").push(Operation { called, answered, ask: asked });
        if asking == Asking::Answered {
            *self.answered.lock().expect("no panic").entry(client.hub).or_default() += 1;
            self.progress.notify_all();
        }
        asking
    }

    /// Reads everything at a hub.
    #[expect(clippy::disallowed_methods, reason = "a real hub is waited for")]
    fn read_all(&self, hub: SocketAddr) {
        let began = Instant::now();
        let mut connection = None;
        for intent in 0..INTENTS {
            loop {
                let known = connection.take();
                let connected = known.map_or_else(|| Client::connect(hub, ANSWER_MAX), Ok);
                if let Ok(mut client) = connected {
                    let asking = self.ask(&mut client, intent, Asked::Read);
                    connection = (asking != Asking::CutOff).then_some(client);
                    if asking == Asking::Answered {
                        break;
                    }
                }
                assert!(began.elapsed() < PROGRESS_MAX, "the hub {hub} does not answer");
                self.pause(PAUSE);
            }
        }
    }

    /// Waits a little, or until other hubs are to be asked.
    fn pause(&self, length: Duration) {
        let waited = self.hubs_changed.wait_timeout(self.hubs(), length);
        drop(waited.expect("no panic"));
    }

    fn hubs(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.hubs.lock().expect("no panic")
    }

    fn now(&self) -> u64 {
        self.moment.fetch_add(1, Ordering::SeqCst)
    }

    fn draw(&self, number: usize, random: &mut Random) -> Asked {
        let seen = self.intents[number].seen.lock().expect("no panic");
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
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    Answered,
    Refused,
    CutOff,
}

/// Ends the clients when it is dropped.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
