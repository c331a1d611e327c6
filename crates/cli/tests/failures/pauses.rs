//! Processes that stand still for longer than anybody waits for them (SIGSTOP), and go on as if
//! nothing had happened.

use std::time::Duration;

use rustix::process::Signal;

use crate::checks::Trial;
use crate::pool::{Consistency, Pool, lasts};
use crate::scope::{Scope, scope};

/// Longer than a hub or a member waits for anything: a connection to etcd on which nothing comes is
/// given up after 15 s, an entry after 8 s and a put after 6 s, a hub is silent after 10 s.
const PAUSE: Duration = Duration::from_secs(17);

/// How long a pause lasts where not everything is tried: longer than a connection, a watch, a
/// question and an election.
const SHORT_PAUSE: Duration = Duration::from_secs(4);

/// How many operations each hub answers that does not stand still.
const OPERATIONS_EACH: u64 = 20;

#[test]
fn goes_on_while_some_stand_still_and_with_them_again() {
    let Some(pool) = Pool::start(3, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    let pause = if scope() == Scope::All { PAUSE } else { SHORT_PAUSE };
    stop(&mut trial, pause, &[0], |leader| vec![leader]);
    if scope() == Scope::All {
        stop(&mut trial, pause, &[1], |leader| vec![(leader + 1) % 3]);
    }

    trial.end();
}

#[test]
fn goes_on_while_two_of_five_stand_still() {
    if scope() == Scope::Some {
        return;
    }
    let Some(pool) = Pool::start(5, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    stop(&mut trial, PAUSE, &[3, 4], |leader| vec![leader, (leader + 1) % 5]);

    trial.end();
}

/// Has hubs and members, chosen by who leads, stand still; the others must go on.
fn stop(trial: &mut Trial, time: Duration, hubs: &[usize], members: impl Fn(usize) -> Vec<usize>) {
    let leader = trial.pool.leader();
    let members = members(leader);
    let what = format!("SIGSTOP of hubs {hubs:?} and members {members:?} for {time:?}");
    let what = format!("{what}, of which {leader} led");
    trial.case(&what, |pool, contention| {
        for hub in hubs {
            pool.signal_hub(*hub, Signal::STOP);
        }
        for member in &members {
            pool.signal_member(*member, Signal::STOP);
        }
        lasts(time);
        for (_, hub) in pool.hubs.iter().enumerate().filter(|(number, _)| !hubs.contains(number)) {
            contention.wait_for_more_at(hub.address, OPERATIONS_EACH);
        }
    });
}
