//! Hubs and members of etcd are killed (SIGKILL), in every combination that leaves a majority, and
//! all of them at once, as by a power cut.

use crate::checks::Trial;
use crate::pool::{Consistency, Pool};
use crate::scope::{Scope, scope};

/// How many operations are answered while something is down.
const OPERATIONS_MEANWHILE: u64 = 30;

/// How often everything is killed at once.
const POWER_CUTS: u32 = 3;

/// Kills some hubs and members of three each; writes must go on with one hub and two members.
fn kill(trial: &mut Trial, hubs: &[usize], members: &[usize]) {
    trial.case(&format!("kill -9 of hubs {hubs:?} and members {members:?}"), |pool, contention| {
        for hub in hubs {
            pool.kill_hub(*hub);
        }
        for member in members {
            pool.kill_member(*member);
        }
        contention.set_hubs(pool.addresses());
        contention.wait_for_more(OPERATIONS_MEANWHILE);
    });
}

fn cut_power(trial: &mut Trial) {
    trial.case("kill -9 of all hubs and members at once", |pool, contention| {
        contention.set_hubs(Vec::new());
        pool.kill_all();
    });
}

#[test]
fn goes_on_through_kills_that_leave_a_majority_and_through_power_cuts() {
    let Some(pool) = Pool::start(3, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    if scope() == Scope::All {
        let hubs: [&[usize]; 7] = [&[], &[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]];
        let members: [&[usize]; 4] = [&[], &[0], &[1], &[2]];
        for hubs in hubs {
            for members in members.iter().filter(|members| !(hubs.is_empty() && members.is_empty()))
            {
                kill(&mut trial, hubs, members);
            }
        }
        for _ in 0..POWER_CUTS {
            cut_power(&mut trial);
        }
    } else {
        let leader = trial.pool.leader();
        kill(&mut trial, &[leader], &[leader]);
        kill(&mut trial, &[0, 2], &[]);
        cut_power(&mut trial);
    }

    trial.end();
}

#[test]
fn goes_on_without_two_hubs_and_two_members_of_five() {
    if scope() == Scope::Some {
        return;
    }
    let Some(pool) = Pool::start(5, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    let leader = trial.pool.leader();
    let (one, other) = ((leader + 1) % 5, (leader + 2) % 5);
    kill(&mut trial, &[leader, one], &[leader, one]);
    kill(&mut trial, &[one, other], &[leader, other]);

    trial.end();
}
