//! Networks that are cut: sites from each other, hubs from members, and one way only.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use etcd::proxy::Condition;
use testkit::contention::Contention;

use crate::checks::Trial;
use crate::net::Cut;
use crate::pool::{Consistency, Pool, lasts};
use crate::scope::{Scope, scope};
use crate::support::{Ask, Client, Random, intent_body, intent_path};

/// How many operations are answered while something is cut, altogether or by each hub.
const OPERATIONS_MEANWHILE: u64 = 30;
const OPERATIONS_EACH: u64 = 10;

/// How long a hub that reaches no majority may take to say so.
const REFUSAL_MAX: Duration = Duration::from_secs(15);

/// How long after a cut something of a hub's clients is under way, so that what comes then waits.
const UNTIL_BUSY: Duration = Duration::from_millis(500);

/// How often a change may become one that is under way, of which nobody knows.
const UNKNOWN_MAX: u32 = 2;

#[test]
fn goes_on_where_a_majority_is_and_refuses_elsewhere() {
    let Some(pool) = Pool::start(3, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    trial.case("the leader and its hub are cut from the others", |pool, contention| {
        let leader = pool.leader();
        pool.net.isolate(&[leader]);
        goes_on_at(pool, contention, &[(leader + 1) % 3, (leader + 2) % 3]);
        refuse(pool, contention, &[leader]);
        goes_on_at(pool, contention, &[(leader + 1) % 3, (leader + 2) % 3]);
    });
    if scope() == Scope::All {
        trial.case("a follower and its hub are cut from the others", |pool, contention| {
            let follower = (pool.leader() + 1) % 3;
            pool.net.isolate(&[follower]);
            refuse(pool, contention, &[follower]);
            goes_on_at(pool, contention, &[(follower + 1) % 3, (follower + 2) % 3]);
        });
        trial.case("all sites are cut from each other", |pool, contention| {
            for site in 0..3 {
                pool.net.isolate(&[site]);
            }
            refuse(pool, contention, &[0, 1, 2]);
        });
        trial.case("the members are cut from each other, hubs reach all", |pool, contention| {
            for member in 0..3 {
                pool.net.members.isolate(&[member]);
            }
            refuse(pool, contention, &[0, 1, 2]);
        });
    }

    trial.end();
}

#[test]
fn goes_on_through_cuts_that_leave_everyone_a_way() {
    let Some(pool) = Pool::start(3, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    trial.case("nothing that the leader says reaches other members", |pool, contention| {
        let leader = pool.leader();
        for member in (0..3).filter(|member| *member != leader) {
            pool.net.members.set(leader, member, Condition::CUT);
        }
        goes_on_at(pool, contention, &[0, 1, 2]);
    });
    if scope() == Scope::All {
        everyone_has_a_way(&mut trial);
    }

    trial.end();
}

/// Cuts what leaves each hub a way to a majority of the members.
fn everyone_has_a_way(trial: &mut Trial) {
    trial.case("nothing that other members say reaches the leader", |pool, contention| {
        let leader = pool.leader();
        for member in (0..3).filter(|member| *member != leader) {
            pool.net.members.set(member, leader, Condition::CUT);
        }
        goes_on_at(pool, contention, &[0, 1, 2]);
    });
    trial.case("the leader is cut from the other members, hubs reach all", |pool, contention| {
        pool.net.members.isolate(&[pool.leader()]);
        goes_on_at(pool, contention, &[0, 1, 2]);
    });
    trial.case("what the leader says does not reach one follower", |pool, contention| {
        let leader = pool.leader();
        pool.net.members.set(leader, (leader + 1) % 3, Condition::CUT);
        goes_on_at(pool, contention, &[0, 1, 2]);
    });
    trial.case("what one follower says does not reach the leader", |pool, contention| {
        let leader = pool.leader();
        pool.net.members.set((leader + 1) % 3, leader, Condition::CUT);
        goes_on_at(pool, contention, &[0, 1, 2]);
    });
    trial.case("each hub is cut from the member beside it, in its own way", |pool, contention| {
        for (site, cut) in [Cut::Both, Cut::There, Cut::Back].into_iter().enumerate() {
            pool.net.cut(site, site, cut);
        }
        goes_on_at(pool, contention, &[0, 1, 2]);
    });
}

#[test]
fn refuses_at_a_hub_that_is_cut_from_all_members() {
    if scope() == Scope::Some {
        return;
    }
    let Some(pool) = Pool::start(3, Consistency::Linearizable) else { return };
    let mut trial = Trial::of(pool);

    trial.case("a hub is cut from all members, and another one way", |pool, contention| {
        pool.net.cut_off(0, Cut::Both);
        pool.net.cut_off(1, Cut::There);
        refuse(pool, contention, &[0, 1]);
        goes_on_at(pool, contention, &[2]);
    });
    trial.case("a hub hears nothing of any member", |pool, contention| {
        pool.net.cut_off(2, Cut::Back);
        refuse(pool, contention, &[2]);
        goes_on_at(pool, contention, &[0, 1]);
    });

    trial.end();
}

/// Shows that these tests can fail: hubs that read what they have, without asking.
#[test]
fn finds_a_hub_that_answers_with_what_was() {
    let Some(pool) = Pool::start(3, Consistency::Local) else { return };
    let contention = Contention::new(pool.token.clone(), 1);

    contention.while_doing(pool.addresses(), || {
        contention.wait_for_more(OPERATIONS_MEANWHILE);
        pool.net.cut_off(0, Cut::Both);
        goes_on_at(&pool, &contention, &[1, 2]);
    });
    contention.set_hubs(vec![pool.hubs[0].address]);
    let explained = std::panic::catch_unwind(|| contention.check(0));

    let why = explained.expect_err("what was read is old");
    let why = why.downcast_ref::<String>().expect("a sentence");
    assert!(why.contains("no order explains the history"), "{why}");
}

/// Waits until each of these hubs has answered some more.
fn goes_on_at(pool: &Pool, contention: &Contention, hubs: &[usize]) {
    for hub in hubs {
        contention.wait_for_more_at(pool.hubs[*hub].address, OPERATIONS_EACH);
    }
}

/// Checks that hubs answer reads and changes with 503 in time, and nothing else meanwhile.
fn refuse(pool: &Pool, contention: &Contention, hubs: &[usize]) {
    lasts(UNTIL_BUSY);
    std::thread::scope(|scope| {
        for number in hubs {
            let hub = &pool.hubs[*number];
            let (address, name, token) = (hub.address, hub.name.as_str(), pool.token.as_str());
            scope.spawn(move || assert_eq!(read(address, token), 503, "{name}"));
            scope.spawn(move || assert_eq!(change(address, token), 503, "{name}"));
        }
    });
    let answered = || hubs.iter().map(|hub| contention.answered_by(pool.hubs[*hub].address));
    let before: Vec<u64> = answered().collect();
    lasts(UNTIL_BUSY);
    assert_eq!(answered().collect::<Vec<_>>(), before, "a hub answers that cannot know");
}

fn read(hub: SocketAddr, token: &str) -> u16 {
    ask(hub, token, "GET", String::new())
}

/// Asks for a change until it does not become what is under way, and returns the last answer.
fn change(hub: SocketAddr, token: &str) -> u16 {
    let mut status = 504;
    for _ in 0..=UNKNOWN_MAX {
        if status == 504 {
            status = ask(hub, token, "PUT", intent_body(1.0, 1, "Accepted"));
        }
    }
    status
}

/// Asks about an operational intent that nobody else asks about; not in time is an error.
fn ask(hub: SocketAddr, token: &str, method: &'static str, body: String) -> u16 {
    let id = Random::new(u64::from(hub.port())).uuid();
    let ask = Ask {
        method,
        path: intent_path(&id, None),
        token: Some(token.to_owned()),
        body,
        ..Ask::default()
    };
    let stream = TcpStream::connect(hub).expect("the hub accepts");
    let same = stream.try_clone().expect("the socket is open");
    let mut client = Client::over(stream);
    same.set_read_timeout(Some(REFUSAL_MAX)).expect("the time is not zero");
    client.ask(&ask).expect("it answers in time").status
}
