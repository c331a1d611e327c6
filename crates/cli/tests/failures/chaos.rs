//! Everything together, at random from one seed: kills, pauses, cuts of both ways and of one, delays
//! and stalls. A majority may be gone for a while.

use std::time::Duration;

use etcd::proxy::{Condition, Stall};
use rustix::process::Signal;

use crate::checks::Trial;
use crate::net::Cut;
use crate::pool::{Consistency, Pool, lasts};
use crate::scope::{Scope, say, scope, seed};
use crate::support::Random;

const SITES: u64 = 3;

/// How often everything is made good again, and what happens before each time.
const ROUNDS: u32 = 4;
const STEPS: u32 = 6;

/// How long a step lasts at most.
const STEP_MS_MAX: u64 = 700;

#[test]
fn goes_on_after_whatever_happens() {
    if scope() == Scope::Some {
        return;
    }
    let Some(pool) = Pool::start(SITES as usize, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);
    let seed = seed();
    let mut random = Random::new(seed);
    say(&format!("TANSIQ_FAILURES_SEED={seed} has this happen again, as far as time allows"));

    for _ in 0..ROUNDS {
        let steps: Vec<_> =
            (0..STEPS).map(|_| (draw(&mut random), draw_time(&mut random))).collect();
        let happened: Vec<_> = steps.iter().map(|(step, _)| format!("{step:?}")).collect();
        trial.case(&happened.join(", "), |pool, contention| {
            for (step, time) in &steps {
                step.happen(pool);
                contention.set_hubs(pool.addresses());
                lasts(*time);
            }
        });
    }

    trial.end();
}

/// Something bad; what it concerns need not be there.
#[derive(Clone, Copy, Debug)]
enum Step {
    KillHub(usize),
    KillMember(usize),
    StopHub(usize),
    StopMember(usize),
    Isolate(usize),
    CutHub(usize, usize, Cut),
    CutMembers(usize, usize),
    Late,
    Heal,
    StartAgain,
}

fn draw_time(random: &mut Random) -> Duration {
    Duration::from_millis(random.below(STEP_MS_MAX))
}

fn draw(random: &mut Random) -> Step {
    let site = random.below(SITES) as usize;
    let other = (site + 1 + random.below(SITES - 1) as usize) % SITES as usize;
    match random.below(12) {
        0 => Step::KillHub(site),
        1 => Step::KillMember(site),
        2 => Step::StopHub(site),
        3 => Step::StopMember(site),
        4 => Step::Isolate(site),
        5 => Step::CutHub(site, other, Cut::There),
        6 => Step::CutHub(site, other, Cut::Back),
        7 => Step::CutHub(site, site, Cut::Both),
        8 => Step::CutMembers(site, other),
        9 => Step::Late,
        10 => Step::Heal,
        _ => Step::StartAgain,
    }
}

impl Step {
    fn happen(self, pool: &mut Pool) {
        match self {
            Step::KillHub(hub) if pool.hubs[hub].is_running() => pool.kill_hub(hub),
            Step::StopHub(hub) if pool.hubs[hub].is_running() => {
                pool.signal_hub(hub, Signal::STOP);
            }
            Step::StopMember(member) if pool.is_member_running(member) => {
                pool.signal_member(member, Signal::STOP);
            }
            Step::KillHub(_) | Step::StopHub(_) | Step::StopMember(_) => {}
            Step::KillMember(member) => pool.kill_member(member),
            Step::Isolate(site) => pool.net.isolate(&[site]),
            Step::CutHub(hub, member, cut) => pool.net.cut(hub, member, cut),
            Step::CutMembers(from, to) => pool.net.members.set(from, to, Condition::CUT),
            Step::Late => {
                let stall = Some(Stall { per_mille: 50, length: Duration::from_millis(200) });
                pool.net
                    .set_all(Condition { stall, ..Condition::delayed(Duration::from_millis(100)) });
            }
            Step::Heal => pool.net.heal(),
            Step::StartAgain => pool.restore(),
        }
    }
}
