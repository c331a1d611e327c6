//! The core against a store in memory that answers when it is told to.

use std::collections::{BTreeMap, VecDeque};

use ::pool::{
    Action, Batch, Change, Command, Evidence, Founding, Genesis, GenesisHub, Hash, Kind, Owner,
    OwnerKey, OwnerName, PoolName, Rule, SignedChange,
};

use super::*;
use crate::local::Placement;
use crate::{AppendError, Entry, Family, Position, Proposer, Ticket};

mod catch_up;
mod life;
mod links;
mod puts;
mod readers;

const A: &str = "hub-a";
const B: &str = "hub-b";

/// An etcd as it should be.
#[derive(Clone, Default)]
struct Store {
    revision: u64,
    /// Version and revision of each key.
    keys: BTreeMap<Vec<u8>, (u64, u64)>,
    events: Vec<Event>,
    genesis: Option<Hash>,
    opening: Option<Vec<u8>>,
    is_full: bool,
}

impl Store {
    fn of(genesis: &Genesis) -> Self {
        Store { revision: 1, genesis: Some(*genesis.fingerprint().as_bytes()), ..Store::default() }
    }

    fn version(&self, key: &[u8]) -> u64 {
        self.keys.get(key).map_or(0, |(version, _)| *version)
    }

    /// Puts a version of a key, if the one before is there.
    fn put(&mut self, key: &[u8], version: u64, value: &[u8]) -> PutAnswer {
        let (now, since) = self.keys.get(key).copied().unwrap_or_default();
        if self.is_full {
            return PutAnswer::Full;
        }
        if now + 1 != version {
            return PutAnswer::Other { version: now, revision: since };
        }
        self.write(key, value);
        PutAnswer::Put { revision: self.revision }
    }

    /// Writes as somebody would who is not held to anything.
    fn write(&mut self, key: &[u8], value: &[u8]) {
        self.revision += 1;
        let version = self.version(key) + 1;
        self.keys.insert(key.to_vec(), (version, self.revision));
        let (revision, key, value) = (self.revision, key.to_vec(), Some(value.to_vec()));
        self.events.push(Event { revision, key, version, value });
    }

    fn delete(&mut self, key: &[u8]) {
        self.revision += 1;
        self.keys.remove(key);
        let (revision, key) = (self.revision, key.to_vec());
        self.events.push(Event { revision, key, version: 0, value: None });
    }

    fn highest(&self) -> u64 {
        self.keys.values().map(|(_, revision)| *revision).max().unwrap_or(0)
    }

    fn values(&self, hub: &str) -> Vec<Batch> {
        let key = key_of(&id(hub));
        let own = self.events.iter().filter(|event| event.key == key);
        own.filter_map(|event| Batch::from_bytes(event.value.as_deref()?).ok()).collect()
    }
}

/// A put that a hub has sent.
#[derive(Clone, Debug)]
struct Sent {
    attempt: u64,
    version: u64,
    value: Value,
    again: bool,
}

/// A hub, and everything it has asked for.
struct Rig {
    name: &'static str,
    core: Core,
    now: Duration,
    clock: Timestamp,
    /// The link that was asked for, and how many events it has shown.
    link: Option<(u64, u64)>,
    shown: Option<usize>,
    puts: VecDeque<Sent>,
    questions: VecDeque<(u64, bool)>,
    fetches: VecDeque<(u64, Position, u64)>,
    placed: Vec<Placement>,
    answers: BTreeMap<u64, Result<Position, AppendError>>,
    released: usize,
    resolved: BTreeMap<u64, Result<Head, ReadError>>,
    evidence: Vec<Evidence>,
    refused: Vec<Refused>,
    stopped: Option<Stop>,
    closed: bool,
    appended: u64,
}

impl Rig {
    fn new(name: &'static str) -> Self {
        Self::of(name, &genesis())
    }

    fn of(name: &'static str, genesis: &Genesis) -> Self {
        let (state, placement) = found(genesis).expect("this release's rules");
        let mut rig = Self::from(name, Start { state, head: placement.head, held: None });
        rig.placed.push(placement);
        rig
    }

    fn from(name: &'static str, start: Start) -> Self {
        let config = Config { hub: id(name), key: key(name), rules: rules(1) };
        Rig {
            name,
            core: Core::new(config, start),
            now: Duration::ZERO,
            clock: Timestamp::from_micros(1_000_000_000).expect("in range"),
            link: None,
            shown: None,
            puts: VecDeque::new(),
            questions: VecDeque::new(),
            fetches: VecDeque::new(),
            placed: Vec::new(),
            answers: BTreeMap::new(),
            released: 0,
            resolved: BTreeMap::new(),
            evidence: Vec::new(),
            refused: Vec::new(),
            stopped: None,
            closed: false,
            appended: 0,
        }
    }

    /// Ends the process and starts it again from what its copy holds.
    fn restart(self) -> Self {
        let start = Start {
            state: self.core.state().clone(),
            head: self.core.head(),
            held: self.core.intake.held().cloned(),
        };
        let mut rig = Self::from(self.name, start);
        rig.placed = self.placed;
        rig
    }

    /// A hub that is linked to a store and has put its first batch there.
    fn up(name: &'static str, store: &mut Store) -> Self {
        let mut rig = Self::new(name);
        rig.settle(store);
        assert!(rig.core.is_up());
        rig
    }

    fn give(&mut self, input: Input) {
        let now = Now { elapsed: self.now, clock: self.clock };
        for output in self.core.handle(now, input) {
            match output {
                Output::Connect { link, from } => {
                    self.link = Some((link, from));
                    self.shown = None;
                }
                Output::Put { attempt, version, value, again } => {
                    self.puts.push_back(Sent { attempt, version, value, again });
                }
                Output::Ask { question, again } => self.questions.push_back((question, again)),
                Output::Fetch { fetch, after, turn } => {
                    self.fetches.push_back((fetch, after, turn))
                }
                Output::Place(placements) => self.placed.extend(placements),
                Output::Answer { id: AppendId(id), result } => {
                    assert!(self.answers.insert(id, result).is_none(), "answered once");
                }
                Output::Release { .. } => self.released += 1,
                Output::Resolve { reader: ReaderId(reader), result } => {
                    assert!(self.resolved.insert(reader, result).is_none(), "answered once");
                }
                Output::Evidence(evidence, _) => self.evidence.push(evidence),
                Output::Refused(refused) => self.refused.push(refused),
                Output::Stop(stop) => self.stopped = Some(stop),
                Output::Closed => self.closed = true,
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.give(Input::Tick);
    }

    fn append(&mut self, command: &[u8]) -> u64 {
        self.append_entry(entry(self.name, command))
    }

    fn append_entry(&mut self, entry: Entry) -> u64 {
        self.appended += 1;
        let (id, ticket) = (AppendId(self.appended), Ticket(self.appended));
        let bytes = entry.to_bytes().expect("small");
        self.give(Input::Append(Append { id, entry: Arc::new(entry), bytes, ticket }));
        self.appended
    }

    fn ask(&mut self, reader: u64) {
        self.give(Input::Ask(ReaderId(reader)));
    }

    /// Answers the link that was asked for with what the store has.
    fn connect(&mut self, store: &Store) {
        let (link, from) = self.link.expect("a link was asked for");
        self.shown = Some(store.events.partition_point(|event| event.revision < from));
        self.give(Input::Connected(Connected {
            link,
            revision: store.revision,
            highest: store.highest(),
            own_version: store.version(&key_of(&id(self.name))),
            genesis: store.genesis,
            opening: store.opening.clone(),
        }));
    }

    /// Shows everything that the store has and that was not shown.
    fn watch(&mut self, store: &Store) {
        let (link, _) = self.link.expect("linked");
        let Some(shown) = self.shown else { return };
        let events = store.events[shown..].to_vec();
        self.shown = Some(store.events.len());
        if !events.is_empty() {
            self.give(Input::Events { link, events, more: false });
        }
    }

    /// Does the oldest put that was sent and returns its answer, which is given to nobody.
    fn put(&mut self, store: &mut Store) -> (Sent, PutAnswer) {
        let sent = self.puts.pop_front().expect("a put was sent");
        let answer = store.put(&key_of(&id(self.name)), sent.version, &sent.value);
        (sent, answer)
    }

    fn answer_put(&mut self, attempt: u64, answer: PutAnswer) {
        self.give(Input::PutAnswered { attempt, answer });
    }

    fn answer_questions(&mut self, store: &Store) {
        let answer = QuestionAnswer { revision: store.revision, highest: store.highest() };
        for (question, _) in std::mem::take(&mut self.questions) {
            self.give(Input::QuestionAnswered { question, answer: Some(answer) });
        }
    }

    /// Lets everything happen that is asked for, as on a quick and quiet network.
    fn settle(&mut self, store: &mut Store) {
        self.give(Input::Tick);
        loop {
            if self.link.is_some() && self.shown.is_none() && self.stopped.is_none() {
                self.connect(store);
            }
            self.watch(store);
            self.answer_questions(store);
            if self.puts.is_empty() {
                return;
            }
            let (sent, answer) = self.put(store);
            self.answer_put(sent.attempt, answer);
            self.watch(store);
        }
    }

    /// Answers the oldest question for entries from another hub's copy, at most `count` of them.
    fn answer_fetch(&mut self, other: &[Placement], count: usize) {
        let (fetch, after, _) = self.fetches.pop_front().expect("asked");
        let later = other.iter().filter(|placement| after < placement.head.position);
        let entries = later.take(count).map(|placement| placement.bytes.clone()).collect();
        self.give(Input::Fetched { fetch, entries: Some(entries) });
    }

    /// Returns the commands of airspace entries that have places.
    fn commands(&self) -> Vec<Vec<u8>> {
        let entries = self.placed.iter().map(|placement| &placement.entry);
        let own = entries.filter(|entry| entry.family == Family::AIRSPACE);
        own.map(|entry| entry.command.clone()).collect()
    }

    fn kinds(&self) -> Vec<Kind> {
        self.evidence.iter().map(|evidence| evidence.kind.clone()).collect()
    }
}

fn id(name: &str) -> HubId {
    HubId::new(name).expect("a name")
}

fn key(of: &str) -> KeyPair {
    let mut seed = [0x5a; 32];
    seed[..of.len()].copy_from_slice(of.as_bytes());
    KeyPair::from_seed(&seed)
}

fn rules(airspace: u16) -> Rules {
    let rule = |Family(family), version| Rule { family, version };
    let rules = [rule(Family::AIRSPACE, airspace), rule(Family::POOL, ::pool::VERSION)];
    Rules::new(rules.to_vec()).expect("valid")
}

/// A pool of one owner and two hubs.
fn genesis() -> Genesis {
    let owner = OwnerName::new("owner").expect("a name");
    let hub =
        |name: &str| GenesisHub { id: id(name), owner: owner.clone(), key: key(name).public_key() };
    Genesis::new(Founding {
        name: PoolName::new("trial").expect("a name"),
        nonce: [7; 32],
        owners: vec![Owner {
            name: owner.clone(),
            key: key("online").public_key(),
            offline_key: key("offline").public_key(),
        }],
        quorum: 1,
        hubs: [A, B].map(hub).to_vec(),
        rules: rules(1),
    })
    .expect("valid")
}

fn entry(hub: &str, command: &[u8]) -> Entry {
    Entry {
        family: Family::AIRSPACE,
        version: 1,
        proposer: Proposer::new(hub).expect("a name"),
        stamp: Timestamp::from_micros(1_000_000_000).expect("in range"),
        command: command.to_vec(),
    }
}

/// An entry with a change that the owner has signed for the pool as the hub sees it.
fn change(rig: &Rig, action: Action) -> Entry {
    let membership = rig.core.state().pool().expect("founded").membership();
    let (pool, epoch) = (membership.pool(), membership.epoch());
    let before = membership.hash();
    let mut signed = SignedChange::unsigned(Change { pool, epoch, before, action });
    let owner = OwnerName::new("owner").expect("a name");
    signed.sign(&owner, OwnerKey::Offline, &key("offline")).expect("one signature");
    let command = Command::Change(Box::new(signed)).to_bytes();
    Entry { family: Family::POOL, version: ::pool::VERSION, command, ..entry(rig.name, b"") }
}
