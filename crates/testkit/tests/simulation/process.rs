//! One process of a hub: the core of its log, the states that follow it, and who waits for what.
//!
//! The core, the states and the agreement are those of the executable; what is here is what its
//! threads do between them, one step after the other.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use airspace::Command;
use hub::replica::{Agreement, Applied, FrozenStates, HeardBatch, History, Parsed, States, parse};
use log::pool::core::{self, Append, AppendId, Config, Core, Input, Now, Output, ReaderId, found};
use log::{Committed, Entry, Family, Head, Placement, Proposer, Ticket};
use pool::{Announced, AppliedHead, Effect, Evidence, HubId, SignedChange, Standing, StateHash};
use spacetime::Timestamp;

use super::disk::Disk;
use super::founding::Founders;
use super::intent::{self, Said};

/// After how many entries hubs compare their states here, so that a short run has some.
const COMPARED_EVERY: u64 = 16;

/// After how many entries a snapshot is taken here.
const SNAPSHOT_EVERY: u64 = 48;

/// How many entries are applied at once.
const APPLY_MAX: u64 = 8;

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    Client(usize),
    /// Nobody who waits.
    Owner,
}

/// Why a process has ended by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Log(core::Stop),
    /// Most hubs differ, also after the copy was replayed.
    Minority,
    /// An entry cannot be applied.
    Apply(String),
}

/// What a link shows next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) link: u64,
    pub(crate) next: u64,
    /// It is to be looked at already.
    pub(crate) is_awaited: bool,
}

pub(crate) struct Process {
    hub: HubId,
    born: Duration,
    pub(crate) core: Core,
    pub(crate) states: States,
    pub(crate) agreement: Agreement,
    head: Head,
    handed: VecDeque<Committed>,
    named: u64,
    waiting: BTreeMap<u64, Waiting>,
    readers: BTreeMap<u64, usize>,
    /// Who reads once so much is applied.
    reading: Vec<(u64, usize)>,
    snapshot_at: u64,
    /// The link that was asked for last, until it is answered.
    pub(crate) connecting: Option<u64>,
    pub(crate) stream: Option<Stream>,
    /// When the core is called next, as far as it is known.
    pub(crate) due: Option<Duration>,
    pub(crate) apply_is_due: bool,
    pub(crate) sync_is_due: bool,
    /// It is to leave out the effect of another hub's entry, once.
    pub(crate) skips: bool,
}

/// What applying entries came to.
#[derive(Default)]
pub(crate) struct Progress {
    pub(crate) said: Vec<(Waiting, Said)>,
    /// Clients whose reads can be answered.
    pub(crate) readers: Vec<usize>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) snapshot: Option<(Head, FrozenStates)>,
    pub(crate) announce: Option<core::Announced>,
    pub(crate) ended: Option<Ended>,
}

impl Process {
    /// Starts a hub with what is on its disk; founds the pool in an empty copy.
    pub(crate) fn start(founders: &Founders, number: u16, disk: &mut Disk, now: Duration) -> Self {
        if disk.length() == 0 {
            let (_, placement) = found(&founders.genesis).expect("a genesis of this release");
            disk.write(&[placement]);
        }
        let hub = founders.hub_id(number);
        let (head, states) = disk.newest();
        let start = super::start::start(&founders.genesis, disk, head, states.pool.clone());
        let config =
            Config { hub: hub.clone(), key: founders.key(number), rules: founders.known(number) };
        let handed = disk.after(head).iter().map(|stored| {
            let entry = Entry::from_bytes(&stored.bytes).expect("it was written here");
            let Head { position, chain } = stored.head;
            Committed { position, chain, ticket: None, entry: Arc::new(entry) }
        });
        Process {
            agreement: Agreement::new(hub.clone(), head),
            hub,
            born: now,
            core: Core::new(config, start).with_copies(founders.others()),
            states,
            head,
            handed: handed.collect(),
            named: 0,
            waiting: BTreeMap::new(),
            readers: BTreeMap::new(),
            reading: Vec::new(),
            snapshot_at: head.position.number(),
            connecting: None,
            stream: None,
            due: None,
            apply_is_due: false,
            sync_is_due: false,
            skips: false,
        }
    }

    pub(crate) fn handle(&mut self, now: Duration, clock: Timestamp, input: Input) -> Vec<Output> {
        self.core.handle(Now { elapsed: now - self.born, clock }, input)
    }

    /// Returns when the core wants to be called.
    pub(crate) fn core_due(&self) -> Option<Duration> {
        self.core.due().map(|due| self.born + due)
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }

    /// Returns a command on its way into the log, or `None` where the hub takes no changes.
    ///
    /// Nobody waits for it where there is no client.
    pub(crate) fn write(
        &mut self,
        command: &Command,
        client: Option<usize>,
        clock: Timestamp,
    ) -> Option<Input> {
        let pool = self.states.pool.pool()?;
        if !self.agreement.standing().accepts_writes() || self.agreement.is_clock_apart(pool, clock)
        {
            return None;
        }
        let bytes = borsh::to_vec(command).expect("memory takes it");
        let waiting = client.map_or(Waiting::Owner, Waiting::Client);
        Some(self.append(Family::AIRSPACE, bytes, waiting, clock))
    }

    /// Returns a change on its way into the log.
    pub(crate) fn change(&mut self, change: SignedChange, clock: Timestamp) -> Input {
        let bytes = pool::Command::Change(Box::new(change)).to_bytes();
        self.append(Family::POOL, bytes, Waiting::Owner, clock)
    }

    /// Returns a question how far the log is, or `None` where the hub answers no reads.
    pub(crate) fn read(&mut self, client: usize, clock: Timestamp) -> Option<Input> {
        if self.is_cut_off(clock) {
            return None;
        }
        self.named += 1;
        self.readers.insert(self.named, client);
        Some(Input::Ask(ReaderId(self.named)))
    }

    /// Tells whether most others are where this hub is not shown the way.
    pub(crate) fn is_cut_off(&self, clock: Timestamp) -> bool {
        self.states.pool.pool().is_some_and(|pool| self.agreement.is_cut_off(pool, clock))
    }

    pub(crate) fn reader(&mut self, reader: ReaderId) -> Option<usize> {
        self.readers.remove(&reader.0)
    }

    pub(crate) fn waiting(&mut self, append: AppendId) -> Option<Waiting> {
        self.waiting.remove(&append.0)
    }

    /// Notes that a client reads once everything up to `head` is applied; says whether it is.
    pub(crate) fn read_at(&mut self, head: Head, client: usize) -> bool {
        let number = head.position.number();
        if number <= self.head.position.number() {
            return true;
        }
        self.reading.push((number, client));
        false
    }

    /// Takes what the core hands out.
    pub(crate) fn take(&mut self, placements: Vec<Placement>) {
        let committed = placements.into_iter().map(|placement| {
            let Head { position, chain } = placement.head;
            Committed { position, chain, ticket: placement.ticket, entry: placement.entry }
        });
        self.handed.extend(committed);
    }

    pub(crate) fn has_handed(&self) -> bool {
        !self.handed.is_empty()
    }

    /// Applies some of what was handed out, as the hub's follower does.
    pub(crate) fn apply(&mut self, disk: &Disk, clock: Timestamp) -> Progress {
        let mut progress = Progress::default();
        let position = self.head.position.number();
        let part = APPLY_MAX.min(COMPARED_EVERY - position % COMPARED_EVERY);
        let part = usize::try_from(part).expect("small").min(self.handed.len());
        let batch: Vec<Committed> = self.handed.drain(..part).collect();
        let (mut parsed, mut applied) = (Vec::new(), Vec::new());
        for committed in &batch {
            match self.apply_one(committed) {
                Ok((one, what)) => {
                    parsed.push(one);
                    applied.push(what);
                }
                Err(error) => {
                    progress.ended = Some(Ended::Apply(error));
                    return progress;
                }
            }
        }
        self.reach(&batch);
        self.hear_batches(&batch, &parsed, &applied, clock);
        self.settle(disk, &mut progress);
        self.answer(&batch, applied, &mut progress);
        if self.handed.is_empty() {
            self.agreement.go_live();
        }
        self.take_snapshot(&mut progress);
        progress
    }

    /// Takes in what another hub says directly.
    pub(crate) fn hear(
        &mut self,
        hub: &HubId,
        said: (AppliedHead, Option<StateHash>),
        disk: &Disk,
        clock: Timestamp,
    ) -> Progress {
        let mut progress = Progress::default();
        let (applied, state) = said;
        let announced = Announced { applied, state, placed: None };
        self.agreement.hear_directly(hub, &announced, clock);
        self.settle(disk, &mut progress);
        progress
    }

    fn append(
        &mut self,
        family: Family,
        command: Vec<u8>,
        waiting: Waiting,
        stamp: Timestamp,
    ) -> Input {
        let pool = self.states.pool.pool();
        let version = pool.map_or(0, |pool| pool.rules().version(family.0));
        let proposer = Proposer::new(self.hub.as_str()).expect("a hub's name");
        let entry = Entry { family, version, proposer, stamp, command };
        let bytes = entry.to_bytes().expect("it is small");
        self.named += 1;
        self.waiting.insert(self.named, waiting);
        let (id, ticket) = (AppendId(self.named), Ticket(self.named));
        Input::Append(Append { id, entry: Arc::new(entry), bytes, ticket })
    }

    fn apply_one(&mut self, committed: &Committed) -> Result<(Parsed, Applied), String> {
        let parsed: Parsed =
            parse(committed.position, &committed.entry).map_err(|error| error.to_string())?;
        if self.skips && matches!(parsed, Parsed::Command(_)) && committed.ticket.is_none() {
            self.skips = false;
            self.head = Head { position: committed.position, chain: committed.chain };
            return Ok((parsed, Applied::Declared));
        }
        let applied = self.states.apply(self.head.chain, committed, &parsed);
        let applied = applied.map_err(|error| error.to_string())?;
        self.head = Head { position: committed.position, chain: committed.chain };
        Ok((parsed, applied))
    }

    /// Notes how far the log is applied.
    fn reach(&mut self, batch: &[Committed]) {
        for committed in batch {
            let Committed { position, chain, .. } = *committed;
            self.agreement.reach(Head { position, chain });
        }
        if self.head.position.number().is_multiple_of(COMPARED_EVERY) {
            self.agreement.take_state_hash(self.states.hash());
        }
    }

    /// Hears what hubs say in their batches.
    fn hear_batches(
        &mut self,
        batch: &[Committed],
        parsed: &[Parsed],
        applied: &[Applied],
        clock: Timestamp,
    ) {
        let Some(pool) = self.states.pool.pool() else { return };
        for ((committed, parsed), applied) in batch.iter().zip(parsed).zip(applied) {
            if let (Parsed::Pool(command), Applied::Pool(Effect::Placed { hub, apart_us })) =
                (parsed, applied)
                && let pool::Command::Placed(placed) = &**command
            {
                let (position, report) = (committed.position.number(), &placed.header.report);
                let heard = HeardBatch { hub, position, report, apart_us: *apart_us };
                self.agreement.hear_batch(pool, &heard, clock);
            }
        }
    }

    /// Compares, heals where most others differ, and ends where that does not help.
    fn settle(&mut self, disk: &Disk, progress: &mut Progress) {
        let Some(pool) = self.states.pool.pool() else { return };
        if self.agreement.settle(pool) == Standing::Minority {
            let (states, history) = self.replay(disk);
            self.states = states;
            let pool = self.states.pool.pool().expect("the pool is founded");
            if self.agreement.begin_anew(history, pool) == Standing::Minority {
                progress.ended = Some(Ended::Minority);
            }
        }
        progress.evidence.extend(self.agreement.take_evidence());
        let (applied, state) = self.agreement.own_head();
        progress.announce = Some(core::Announced { applied, state });
    }

    /// Makes the states once more from what is on the disk, up to where they are.
    fn replay(&self, disk: &Disk) -> (States, History) {
        let (head, states) = disk.oldest();
        let mut history = History::starting_at(head);
        let mut again = Replayed { head, states };
        for stored in disk.after(head) {
            if self.head.position < stored.head.position {
                break;
            }
            again.take(stored.head, &stored.bytes);
            history.reach(stored.head);
            if stored.head.position.number().is_multiple_of(COMPARED_EVERY) {
                history.take_state_hash(again.states.hash());
            }
        }
        (again.states, history)
    }

    fn answer(&mut self, batch: &[Committed], applied: Vec<Applied>, progress: &mut Progress) {
        for (committed, one) in batch.iter().zip(applied) {
            let waiting = committed.ticket.and_then(|ticket| self.waiting.remove(&ticket.0));
            match one {
                Applied::Decided(decision) => {
                    progress.said.extend(waiting.map(|it| (it, intent::said_of(&decision))));
                }
                Applied::Pool(effect) => progress.effects.push(effect),
                Applied::Void(_) => progress.said.extend(waiting.map(|it| (it, Said::Never))),
                Applied::Declared => {}
            }
        }
        let reached = self.head.position.number();
        let (now, later): (Vec<_>, _) =
            std::mem::take(&mut self.reading).into_iter().partition(|(at, _)| *at <= reached);
        self.reading = later;
        progress.readers.extend(now.into_iter().map(|(_, client)| client));
    }

    fn take_snapshot(&mut self, progress: &mut Progress) {
        let position = self.head.position.number();
        if position.is_multiple_of(COMPARED_EVERY) && SNAPSHOT_EVERY <= position - self.snapshot_at
        {
            self.snapshot_at = position;
            progress.snapshot = Some((self.head, self.states.frozen()));
        }
    }
}

/// States on their way through a log.
struct Replayed {
    head: Head,
    states: States,
}

impl Replayed {
    fn take(&mut self, head: Head, bytes: &[u8]) {
        let entry = Arc::new(Entry::from_bytes(bytes).expect("it was written here"));
        let Head { position, chain } = head;
        let committed = Committed { position, chain, ticket: None, entry };
        let parsed = parse(position, &committed.entry).expect("it was applied before");
        let applied = self.states.apply(self.head.chain, &committed, &parsed);
        applied.expect("it was applied before");
        self.head = head;
    }
}
