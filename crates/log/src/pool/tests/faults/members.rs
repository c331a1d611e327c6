//! Members that are killed, frozen, or put back from a backup.

use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::pool::core::Refused;

/// How often a process that is to stop is looked at.
const STOP_LOOKS_MAX: usize = 1_000_000;

fn signal(pool: &Pool, member: usize, signal: Signal) {
    let number = pool.cluster.pid(member).expect("it runs");
    let pid = Pid::from_raw(i32::try_from(number).expect("a pid")).expect("not 0");
    kill_process(pid, signal).expect("it is ours");
    // A thread on another processor may answer one more question before it stops.
    for _ in 0..STOP_LOOKS_MAX {
        if signal != Signal::STOP || is_stopped(number) {
            return;
        }
        thread::yield_now();
    }
    panic!("member {member} does not stop");
}

/// Tells whether every thread of a process is stopped (proc(5)).
fn is_stopped(pid: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|after_name| after_name.trim_start().starts_with('T'))
    })
}

#[test]
fn goes_on_when_the_member_that_it_asks_is_killed() {
    let Some(mut pool) = Pool::start(3) else { return };
    let copy = copy();
    let log = pool.open("hub", &copy).expect("opened");
    append(&log, b"before");

    pool.cluster.kill_member(0).expect("killed");
    append(&log, b"after");
    let head = committed(&log).expect("the others answer");

    let mut follower = log.follow(Position::ZERO).expect("open");
    assert_eq!(commands(&mut follower, 2), [b"before".to_vec(), b"after".to_vec()]);
    assert!(head.position <= log.head().expect("open").position);
    pool.cluster.start_member(0).expect("started");
    pool.cluster.kill_member(1).expect("killed");
    append(&log, b"and again");
    assert_eq!(commands(&mut follower, 1), [b"and again"]);
}

#[test]
fn goes_on_when_a_member_is_frozen_for_longer_than_every_wait() {
    let Some(pool) = Pool::start(3) else { return };
    let copy = copy();
    let log = pool.open("hub", &copy).expect("opened");
    let frozen_max = [
        core::APPEND_WAIT_MAX,
        core::READ_WAIT_MAX,
        PUT_ANSWER_MAX,
        WATCH_SILENCE_MAX,
        OPEN_WAIT_MAX,
    ];
    let frozen_for = frozen_max.into_iter().max().expect("five") + Duration::from_secs(1);

    for member in 0..2 {
        signal(&pool, member, Signal::STOP);
        let started = crate::clock::monotonic_now();
        let mut appended = 0_u32;
        while started.elapsed() < frozen_for {
            append(&log, &appended.to_le_bytes());
            committed(&log).expect("the others answer");
            appended += 1;
        }
        signal(&pool, member, Signal::CONT);
        append(&log, b"thawed");
    }

    assert_eq!(log.status().stopped, None);
    let before = log.head().expect("open");
    let other_copy = self::copy();
    let other = pool.open("hub-b", &other_copy).expect("opened");
    assert!(before.position <= committed(&other).expect("linked").position);
}

#[test]
fn says_that_it_is_not_known_when_etcd_freezes_and_answers_when_it_thaws() {
    let Some(pool) = Pool::start(1) else { return };
    let copy = copy();
    let log = pool.open("hub", &copy).expect("opened");
    append(&log, b"before");
    let mut follower = log.follow(Position::ZERO).expect("open");
    commands(&mut follower, 1);

    signal(&pool, 0, Signal::STOP);
    let under_way = log.append(entry(b"under way"), Ticket(7)).expect("queued");
    let waits = log.append(entry(b"waits"), Ticket(8)).expect("queued");
    let read = committed(&log);
    let under_way = under_way.wait_blocking();
    let waits = waits.wait_blocking();
    signal(&pool, 0, Signal::CONT);
    append(&log, b"thawed");

    assert!(matches!(read, Err(crate::LogError::Unanswered)));
    assert_eq!(waits, Err(crate::AppendError::Unreachable));
    // A heartbeat may have been on its way, and then it was never put.
    match under_way {
        Err(crate::AppendError::Unanswered) => {
            let expected = [b"under way".to_vec(), b"thawed".to_vec()];
            assert_eq!(commands(&mut follower, 2), expected, "it came after all");
        }
        Err(crate::AppendError::Unreachable) => {
            assert_eq!(commands(&mut follower, 1), [b"thawed"]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn refuses_a_member_that_was_put_back_from_a_backup() {
    let Some(mut pool) = Pool::start(1) else { return };
    let copy = copy();
    let log = pool.open("hub", &copy).expect("opened");
    append(&log, b"1");
    let (data, backup) = (pool.cluster.member_dir(0).join("data"), self::copy());
    pool.cluster.kill_member(0).expect("killed");
    copy_all(&data, &backup.path().join("data"));
    pool.cluster.start_member(0).expect("started");
    append(&log, b"2");
    let before = log.head().expect("open");

    pool.cluster.kill_member(0).expect("killed");
    std::fs::remove_dir_all(&data).expect("removed");
    copy_all(&backup.path().join("data"), &data);
    pool.cluster.start_member(0).expect("started");
    let refused = log.append(entry(b"3"), Ticket(1)).expect("queued").wait_blocking();

    assert!(matches!(refused, Err(crate::AppendError::Unreachable)), "{refused:?}");
    let trouble = log.status().trouble;
    assert_eq!(trouble, Some(Trouble::Refused(Refused::Behind)));
    assert_eq!(log.head().expect("open"), before);
    assert_eq!(log.status().stopped, None);
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("created");
    for entry in std::fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("copied");
        }
    }
}
