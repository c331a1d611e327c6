//! Whole pools in one thread, from one seed: hubs, clients, clocks, disks, a network, and a model of
//! the store, all of which fail in every way that is known.
//!
//! What decides is what decides in the executable: the core of the pool's log, the states, the
//! agreement between hubs. What carries between them is played. After each run no answered change
//! is lost, hubs have equal logs and states, what clients saw is explained by one order, and who
//! lied was noticed by everybody (`check`).
//!
//! `TANSIQ_SIMULATION_SEEDS=100000` runs so many; `TANSIQ_SIMULATION_SEED=7` runs one again and
//! prints what happens in it.

mod carry;
mod check;
mod client;
mod clock;
mod disk;
mod faults;
mod founding;
mod intent;
mod liar;
mod plan;
mod process;
mod random;
mod start;
mod store;
mod trace;
mod weaken;
mod world;

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plan::{Cut, Fault, Plan, Scenario};
use random::Random;
use store::StoreFault;
use weaken::Weakness;
use world::{Violation, World};

/// How many seeds are run where nobody says how many.
const SEEDS: u64 = 192;

/// Seeds that once showed that something was wrong.
const KEPT: &str = include_str!("kept_seeds.txt");

/// In how many runs at most something that is wrong on purpose must show.
const FOUND_WITHIN: u64 = 40;

#[test]
fn keeps_its_promises_whatever_fails() {
    if let Some(seed) = variable("TANSIQ_SIMULATION_SEED") {
        return check_seeds(seed..seed + 1, Traces::Yes);
    }
    check_seeds(0..variable("TANSIQ_SIMULATION_SEEDS").unwrap_or(SEEDS), Traces::No);
}

#[test]
fn keeps_its_promises_where_it_once_did_not() {
    let lines = KEPT.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let seeds: Vec<u64> = lines
        .map(|line| line.split_whitespace().next().expect("a seed").parse().expect("a number"))
        .collect();
    check_seeds(seeds, Traces::No);
}

#[test]
fn is_the_same_run_for_the_same_seed() {
    for seed in [1, 30, 50] {
        let [first, second] = [(); 2].map(|()| run(seed, |_| ()).expect("it keeps its promises"));

        assert_eq!(first.chains, second.chains);
        let told = |world: &World| format!("{:?}", world.records);
        assert_eq!(told(&first), told(&second));
    }
}

#[test]
fn does_enough_to_find_something() {
    let worlds: Vec<_> = (40..60).map(|seed| run(seed, |_| ()).expect("promises kept")).collect();

    let answered = |world: &World| {
        let operations = world.records.history.iter().flatten();
        operations.filter(|operation| operation.answered.is_some()).count()
    };
    let few = worlds.iter().filter(|world| answered(world) < 30).count();
    assert!(few < worlds.len() / 2, "in {few} runs clients did hardly anything");
}

#[test]
fn finds_a_store_that_is_wrong() {
    for fault in [
        StoreFault::LosesPuts,
        StoreFault::AnswersLate,
        StoreFault::ComparesNothing,
        StoreFault::ReordersEvents,
    ] {
        finds(&format!("{fault:?}"), |plan| plan.store_fault = Some(fault));
    }
}

#[test]
fn finds_a_hub_that_is_wrong() {
    for weakness in [
        Weakness::ReadsAtOnce,
        Weakness::SaysNever,
        Weakness::TrustsPuts,
        Weakness::SkipsAnEntry,
        Weakness::AnswersEarly,
    ] {
        finds(&format!("{weakness:?}"), |plan| {
            plan.weakness = Some(weakness);
            // What is put in this time lands, and nobody there hears of it before he gives up.
            let (at, length) = (Duration::from_secs(5), Duration::from_secs(14));
            plan.faults.push((at, Fault::Cut { hub: 0, way: Cut::Back, length }));
        });
    }
}

/// Checks that something wrong shows in one of some honest runs.
fn finds(what: &str, wrong: impl Fn(&mut Plan)) {
    let honest = |seed: &u64| scenario_of(*seed) == Scenario::Honest;
    let mut seeds = (0..).filter(honest).take(usize::try_from(FOUND_WITHIN).expect("few"));
    assert!(seeds.any(|seed| run(seed, &wrong).is_err()), "{what} does not show");
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Traces {
    Yes,
    No,
}

/// Runs seeds on all processors and says which of them fail, and how to look at one.
fn check_seeds(seeds: impl IntoIterator<Item = u64>, traces: Traces) {
    let seeds: Vec<u64> = seeds.into_iter().collect();
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(seeds.len()) {
            scope.spawn(|| {
                let index = || usize::try_from(next.fetch_add(1, Ordering::Relaxed));
                while let Some(seed) = seeds.get(index().expect("few")) {
                    // A bug that stops a hub must not hide which seed found it.
                    let run = catch_unwind(|| run_traced(*seed, |_| (), traces));
                    let run = run.unwrap_or_else(|_| Err("it panicked".to_owned()));
                    if let Err(violation) = run {
                        let scenario = scenario_of(*seed);
                        let line = format!("seed {seed} ({scenario:?}): {violation}");
                        failed.lock().expect("no panic").push(line);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    assert!(
        failed.is_empty(),
        "{} of {} runs are not as they must be; look at one again with\n  \
         TANSIQ_SIMULATION_SEED=N cargo test -p testkit --test simulation -- --nocapture whatever\n\
         and keep it in kept_seeds.txt:\n{}",
        failed.len(),
        seeds.len(),
        failed.join("\n")
    );
}

fn run(seed: u64, wrong: impl FnOnce(&mut Plan)) -> Result<World, Violation> {
    run_traced(seed, wrong, Traces::No)
}

fn run_traced(
    seed: u64,
    wrong: impl FnOnce(&mut Plan),
    traces: Traces,
) -> Result<World, Violation> {
    let mut random = Random::new(seed);
    let mut plan = Plan::draw(seed, &mut random);
    wrong(&mut plan);
    check::run(plan, random, traces == Traces::Yes)
}

fn scenario_of(seed: u64) -> Scenario {
    Plan::draw(seed, &mut Random::new(seed)).scenario
}

#[expect(clippy::disallowed_methods, reason = "how much is tried is for whoever tries it to say")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
