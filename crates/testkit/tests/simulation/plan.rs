//! What happens in a run, drawn from its seed.

use std::time::Duration;

use super::liar::Lie;
use super::random::Random;
use super::store::StoreFault;
use super::weaken::Weakness;

/// How long clients and faults go on.
pub(crate) const STORM: Duration = Duration::from_secs(30);

/// After how many seeds every scenario has come.
pub(crate) const SEEDS_A_ROUND: usize = 64;

/// When a fork is healed that is.
const HEALED_AT: Duration = Duration::from_secs(24);

/// An hour, by which clocks are apart.
const HOUR_US: i64 = 3_600_000_000;

/// What goes wrong in a run, beside what always does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Nobody lies.
    Honest,
    /// The pool begins with old rules, goes on to newer ones, and one hub knows only the old.
    Activation,
    /// One hub does what its key allows it to.
    Liar(Lie),
    /// There are two processes with the key of one hub.
    Clone,
    /// The whole store is put back from a backup.
    RollBack,
    /// One hub reaches a member that was put back from a backup, for a while.
    RollBackOne,
    /// Some hubs are shown another history than the others, for good.
    Fork {
        /// How many.
        away: usize,
    },
    /// Some hubs are shown another history for a while, and then that of the others.
    ForkHealed,
    /// One hub is shown nothing new any more, by a store that answers all the same.
    Frozen,
    /// One hub is shown another value than the others.
    Tamper,
    /// One hub is not shown a change.
    LeaveOut,
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Crash {
        hub: usize,
        down: Duration,
    },
    CrashAll {
        down: Duration,
    },
    Pause {
        hub: usize,
        length: Duration,
    },
    Cut {
        hub: usize,
        way: Cut,
        length: Duration,
    },
    BreakWatch {
        hub: usize,
    },
    Full {
        length: Duration,
    },
    Compact,
    /// The hub is down while the store forgets what it misses.
    MissADay {
        hub: usize,
        down: Duration,
    },
    Misdeed,
    HealFork,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// What the hub says does not reach the store.
    There,
    /// What the store says does not reach the hub.
    Back,
    Both,
}

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) hubs: u16,
    pub(crate) clients: usize,
    /// How long a client thinks at most before it asks again.
    pub(crate) thinks: Duration,
    pub(crate) scenario: Scenario,
    /// By hub, how far its clock is apart, in microseconds.
    pub(crate) clocks: Vec<i64>,
    /// In order of time.
    pub(crate) faults: Vec<(Duration, Fault)>,
    /// How many of a thousand messages come to nothing.
    pub(crate) loss_per_mille: u64,
    /// How many of a thousand puts hang for long.
    pub(crate) late_per_mille: u64,
    /// By hub, how far the member that it watches is behind the others at most.
    pub(crate) lags: Vec<Duration>,
    pub(crate) store_fault: Option<StoreFault>,
    pub(crate) weakness: Option<Weakness>,
}

impl Plan {
    /// Draws the run of a seed: seeds that follow one another go through all scenarios.
    pub(crate) fn draw(seed: u64, random: &mut Random) -> Self {
        Self::of(random, scenario(seed))
    }

    /// Draws a run of one scenario.
    pub(crate) fn of(random: &mut Random, scenario: Scenario) -> Self {
        let hubs = match scenario {
            Scenario::Honest => random.pick(&[1, 2, 3, 3, 3, 5]),
            Scenario::Fork { away: 2 } => 4,
            _ => 3,
        };
        let mut plan = Plan {
            hubs,
            clients: 2 + random.index(3),
            thinks: Duration::from_millis(800),
            scenario,
            clocks: vec![0; hubs.into()],
            faults: Vec::new(),
            loss_per_mille: random.pick(&[0, 0, 10, 50]),
            late_per_mille: random.pick(&[0, 20, 100]),
            lags: (0..hubs).map(|_| Duration::from_millis(random.pick(&[40, 40, 700]))).collect(),
            store_fault: None,
            weakness: None,
        };
        if random.chance(100) {
            (plan.clients, plan.thinks) = (8, Duration::from_millis(60));
        }
        // Where a hub is lost the others' clocks must be good: two of three make the pool's.
        let may_be_apart = matches!(scenario, Scenario::Honest | Scenario::RollBackOne);
        if may_be_apart && random.chance(250) && 2 < hubs {
            let wrong = random.index(hubs.into());
            plan.clocks[wrong] = random.pick(&[-HOUR_US, HOUR_US]);
        }
        plan.draw_faults(random);
        plan
    }

    fn draw_faults(&mut self, random: &mut Random) {
        let count = random.below(9);
        for _ in 0..count {
            let at = random.between(Duration::from_secs(2), STORM);
            let fault = self.draw_fault(random);
            self.faults.push((at, fault));
        }
        if !matches!(self.scenario, Scenario::Honest) {
            let at = random.between(Duration::from_secs(6), Duration::from_secs(18));
            self.faults.push((at, Fault::Misdeed));
        }
        if self.scenario == Scenario::ForkHealed || self.scenario == Scenario::RollBackOne {
            self.faults.push((HEALED_AT, Fault::HealFork));
        }
        self.faults.sort_by_key(|(at, _)| *at);
    }

    fn draw_fault(&self, random: &mut Random) -> Fault {
        let hub = random.index(self.hubs.into());
        let kinds = match self.scenario {
            Scenario::Honest | Scenario::Activation => 8,
            // A crash here would lose what shows the misdeed, or hide who did what.
            _ => 4,
        };
        match random.below(kinds) {
            0 => {
                let way = random.pick(&[Cut::There, Cut::Back, Cut::Both]);
                Fault::Cut { hub, way, length: random.millis(100, 12_000) }
            }
            1 => Fault::BreakWatch { hub },
            2 => Fault::Pause { hub, length: random.millis(100, 12_000) },
            3 => Fault::Full { length: random.millis(100, 4_000) },
            4 => Fault::Compact,
            5 => Fault::MissADay { hub, down: random.millis(3_000, 9_000) },
            6 => Fault::CrashAll { down: random.millis(10, 3_000) },
            _ => Fault::Crash { hub, down: random.millis(10, 6_000) },
        }
    }
}

/// Returns the scenario of a seed: each round of seeds goes through all, and half are honest.
///
/// A new one comes last, in the place of an honest one, so that all other seeds stay what they are.
fn scenario(seed: u64) -> Scenario {
    let wicked = [
        Scenario::Activation,
        Scenario::Clone,
        Scenario::RollBack,
        Scenario::RollBackOne,
        Scenario::Fork { away: 1 },
        Scenario::Fork { away: 2 },
        Scenario::ForkHealed,
        Scenario::Tamper,
        Scenario::LeaveOut,
    ];
    let lies = Lie::ALL.into_iter().map(Scenario::Liar);
    // What takes more than one occasion comes more than once.
    let again = [Scenario::RollBack, Scenario::RollBackOne, Scenario::RollBackOne];
    let more = [Scenario::Frozen].into_iter().chain(again);
    let mut round: Vec<_> = wicked.into_iter().chain(lies).chain(more).collect();
    round.resize(SEEDS_A_ROUND, Scenario::Honest);
    round[usize::try_from(seed).expect("a seed is small") % SEEDS_A_ROUND]
}
