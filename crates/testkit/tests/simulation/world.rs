//! Everything there is in a run, and what happens next: one thread, one seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hub::replica::FrozenStates;
use log::pool::core::{Connected, Input, PutAnswer, QuestionAnswer};
use log::{Hash, Head};
use pool::Evidence;
use spacetime::Timestamp;

use super::client::{Client, Records};
use super::disk::Disk;
use super::founding::Founders;
use super::liar::Liar;
use super::plan::{Fault, Plan, Scenario};
use super::process::{Ended, Process};
use super::random::Random;
use super::store::Store;
use super::trace;

/// How often a core may ask to be called at one moment: more is a loop without an end.
const CALLS_AT_ONCE_MAX: u32 = 1_000;

/// A process of a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) hub: usize,
    pub(crate) number: u32,
}

/// What happens.
pub(crate) enum Event {
    /// The core of a process is called, as it has asked.
    Tick(Life),
    /// Something reaches a process.
    Reach(Life, Box<Input>),
    /// A process has heard nothing of a link that it asked for.
    NoLink(Life, u64),
    /// The store has looked for a process, which begins to watch there.
    Linked {
        life: Life,
        connected: Connected,
        from: u64,
    },
    /// A request reaches the store.
    Put {
        life: Life,
        attempt: u64,
        version: u64,
        value: Arc<[u8]>,
    },
    Ask {
        life: Life,
        question: u64,
    },
    Connect {
        life: Life,
        link: u64,
        from: u64,
    },
    /// A watch shows what comes next, or how far it is.
    Show(Life, u64),
    Progress(Life, u64),
    /// A process applies what was handed out.
    Apply(Life),
    /// What a process has written is durable.
    Sync(Life),
    /// A snapshot of a process is whole.
    Keep(Life, Head, Box<FrozenStates>),
    /// A hub asks another directly.
    Talk(Life),
    Start(usize),
    Client(usize),
    Fault(Fault),
    /// The liar puts.
    Lie,
    /// A fault is over.
    Over(Fault),
}

/// One who runs a hub.
pub(crate) struct Hub {
    pub(crate) number: u16,
    pub(crate) store: usize,
    pub(crate) apart_us: i64,
    pub(crate) disk: Disk,
    pub(crate) life: u32,
    pub(crate) process: Option<Process>,
    pub(crate) paused_until: Duration,
    /// Until when nothing reaches the store, and nothing comes from it.
    pub(crate) cut: (Duration, Duration),
    pub(crate) evidence: Vec<Evidence>,
    /// It has looked at a store that was put back from a backup.
    pub(crate) has_met_backup: bool,
    /// What a link was refused for.
    pub(crate) refused: Vec<log::pool::core::Refused>,
    pub(crate) ended: Option<Ended>,
    /// It puts what it should not.
    pub(crate) is_liar: bool,
    /// It gives others now and then what its copy does not hold.
    pub(crate) lies_about_its_copy: bool,
}

/// Why a run is not as it must be.
pub(crate) type Violation = String;

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) random: Random,
    pub(crate) founders: Founders,
    pub(crate) now: Duration,
    events: BTreeMap<(Duration, u64), Event>,
    numbered: u64,
    calls_at_once: u32,
    pub(crate) stores: Vec<Store>,
    pub(crate) hubs: Vec<Hub>,
    pub(crate) clients: Vec<Client>,
    pub(crate) liar: Option<Liar>,
    /// The chain at each position, as the first honest hub has placed it.
    pub(crate) chains: Vec<Hash>,
    /// The liar's time has come.
    pub(crate) may_lie: bool,
    /// There was an occasion for the misdeed of this run.
    pub(crate) is_misdeed_done: bool,
    pub(crate) records: Records,
    /// The network is good, and nothing fails any more.
    pub(crate) is_calm: bool,
    /// What happens is printed.
    pub(crate) traces: bool,
    pub(crate) violation: Option<Violation>,
}

impl World {
    pub(crate) fn new(plan: Plan, mut random: Random) -> Self {
        let old = (plan.scenario == Scenario::Activation).then_some(plan.hubs - 1);
        let founders = Founders::new(plan.hubs, old);
        let mut store = Store::new(*founders.genesis.fingerprint().as_bytes());
        store.fault = plan.store_fault;
        let hubs = (0..plan.hubs).map(|number| Hub::new(number, plan.clocks[usize::from(number)]));
        let mut world = World {
            random: Random::new(random.next()),
            now: Duration::ZERO,
            events: BTreeMap::new(),
            numbered: 0,
            calls_at_once: 0,
            stores: vec![store],
            hubs: hubs.collect(),
            clients: (0..plan.clients).map(|_| Client::default()).collect(),
            liar: None,
            chains: Vec::new(),
            may_lie: false,
            is_misdeed_done: false,
            records: Records::default(),
            is_calm: false,
            traces: false,
            violation: None,
            founders,
            plan,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        if let Scenario::Liar(lie) = self.plan.scenario {
            let last = self.hubs.len() - 1;
            self.hubs[last].is_liar = true;
            self.liar = Some(Liar::new(&self.founders, self.hubs[last].number, lie));
            self.after(Duration::from_millis(300), Event::Lie);
        }
        if 2 < self.hubs.len() && self.random.chance(300) {
            self.hubs[1].lies_about_its_copy = true;
        }
        for hub in 0..self.hubs.len() {
            let at = self.random.millis(0, 500);
            self.after(at, Event::Start(hub));
        }
        for client in 0..self.clients.len() {
            let at = self.random.millis(500, 1_500);
            self.after(at, Event::Client(client));
        }
        for (at, fault) in self.plan.faults.clone() {
            self.after(at, Event::Fault(fault));
        }
    }

    /// Has something happen after a while.
    pub(crate) fn after(&mut self, wait: Duration, event: Event) {
        self.at(self.now + wait, event);
    }

    pub(crate) fn at(&mut self, at: Duration, event: Event) {
        self.numbered += 1;
        self.events.insert((at.max(self.now), self.numbered), event);
    }

    /// Lets everything happen up to a moment.
    pub(crate) fn run_until(&mut self, end: Duration) -> Result<(), Violation> {
        while let Some(first) = self.events.first_entry() {
            let at = first.key().0;
            if end < at {
                break;
            }
            if self.now < at {
                self.calls_at_once = 0;
            }
            self.now = at;
            let event = first.remove();
            self.happen(event);
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        self.now = end;
        Ok(())
    }

    pub(crate) fn violate(&mut self, why: String) {
        self.violation.get_or_insert(why);
    }

    /// Returns the process of a life that has not ended.
    pub(crate) fn process(&mut self, life: Life) -> Option<&mut Process> {
        let hub = &mut self.hubs[life.hub];
        if hub.life == life.number { hub.process.as_mut() } else { None }
    }

    pub(crate) fn life(&self, hub: usize) -> Life {
        Life { hub, number: self.hubs[hub].life }
    }

    /// Returns what a hub's clock says.
    pub(crate) fn clock(&self, hub: usize) -> Timestamp {
        super::clock::reading(self.now, self.hubs[hub].apart_us)
    }

    /// Returns the true time, which clients have.
    pub(crate) fn true_time(&self) -> Timestamp {
        super::clock::reading(self.now, 0)
    }

    /// Gives a process an input, does what it says, and calls it again when it wants.
    pub(crate) fn feed(&mut self, life: Life, input: Input) {
        let (now, clock) = (self.now, self.clock(life.hub));
        if self.process(life).is_none() {
            return;
        }
        let told = self.traces.then(|| trace::input(&input)).flatten();
        let process = self.process(life).expect("it was there");
        let outputs = process.handle(now, clock, input);
        if let Some(told) = told {
            trace::print(now, &format!("hub {} <- {told}", life.hub));
        }
        for output in outputs {
            if let Some(told) = self.traces.then(|| trace::output(&output)).flatten() {
                trace::print(now, &format!("hub {} -> {told}", life.hub));
            }
            self.carry(life, output);
        }
        self.call_when_due(life);
    }

    fn call_when_due(&mut self, life: Life) {
        let now = self.now;
        let Some(process) = self.process(life) else { return };
        let due = process.core_due().map(|due| due.max(now));
        if due == process.due {
            return;
        }
        process.due = due;
        if let Some(due) = due {
            self.at(due, Event::Tick(life));
        }
    }

    fn happen(&mut self, event: Event) {
        if let Some(until) = self.paused(&event) {
            // A process that is stopped meets all that has come when it goes on.
            return self.at(until, event);
        }
        match event {
            Event::Tick(life) => self.tick(life),
            Event::Reach(life, input) => self.feed(life, *input),
            Event::NoLink(life, link) => self.lack_link(life, link),
            Event::Linked { life, connected, from } => self.take_link(life, connected, from),
            Event::Put { life, attempt, version, value } => {
                self.take_put(life, attempt, version, value);
            }
            Event::Ask { life, question } => self.take_question(life, question),
            Event::Connect { life, link, from } => self.take_connect(life, link, from),
            Event::Show(life, link) => self.show(life, link),
            Event::Progress(life, link) => self.show_progress(life, link),
            Event::Apply(life) => self.apply(life),
            Event::Sync(life) => self.sync(life),
            Event::Keep(life, head, frozen) => self.keep(life, head, &frozen),
            Event::Talk(life) => self.talk(life),
            Event::Start(hub) => self.start(hub),
            Event::Client(client) => self.act(client),
            Event::Fault(fault) => {
                if self.traces {
                    trace::print(self.now, &format!("{fault:?}"));
                }
                self.fail(fault);
            }
            Event::Lie => self.lie(),
            Event::Over(fault) => self.mend(fault),
        }
    }

    fn tick(&mut self, life: Life) {
        let now = self.now;
        let Some(process) = self.process(life) else { return };
        // What was due while the process was paused is due when it goes on.
        if process.due.is_none_or(|due| now < due) {
            return;
        }
        process.due = None;
        self.calls_at_once += 1;
        if CALLS_AT_ONCE_MAX < self.calls_at_once {
            return self.violate(format!("hub {} is called without an end", life.hub));
        }
        self.feed(life, Input::Tick);
    }

    /// Returns until when the process that an event is of is paused, if it is.
    fn paused(&self, event: &Event) -> Option<Duration> {
        let life = match event {
            Event::Tick(life)
            | Event::Reach(life, _)
            | Event::NoLink(life, _)
            | Event::Linked { life, .. }
            | Event::Show(life, _)
            | Event::Progress(life, _)
            | Event::Apply(life)
            | Event::Sync(life)
            | Event::Keep(life, ..)
            | Event::Talk(life) => life,
            _ => return None,
        };
        let until = self.hubs[life.hub].paused_until;
        (self.now < until).then_some(until)
    }
}

impl Hub {
    pub(crate) fn new(number: u16, apart_us: i64) -> Self {
        Hub {
            number,
            store: 0,
            apart_us,
            disk: Disk::default(),
            life: 0,
            process: None,
            paused_until: Duration::ZERO,
            cut: (Duration::ZERO, Duration::ZERO),
            evidence: Vec::new(),
            has_met_backup: false,
            refused: Vec::new(),
            ended: None,
            is_liar: false,
            lies_about_its_copy: false,
        }
    }
}

/// An answer of the store, on its way.
pub(crate) fn answered(attempt: u64, answer: PutAnswer) -> Box<Input> {
    Box::new(Input::PutAnswered { attempt, answer })
}

/// An answer of the store to a question, on its way.
pub(crate) fn told(question: u64, answer: Option<QuestionAnswer>) -> Box<Input> {
    Box::new(Input::QuestionAnswered { question, answer })
}
