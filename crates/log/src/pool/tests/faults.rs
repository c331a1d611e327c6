//! Faults of etcd, of its answers, and of those who use it.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Mutex;
use std::thread;

use ::pool::{Evidence, Kind};
use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::pool::core::{Refused, Stop};
use crate::suite::{append_all, entry};
use crate::{Follower, Log, Position, Ticket};

/// How long what must happen may take, on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(60);

fn copy() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Appends until it is taken: a log that was just opened may not be linked yet.
fn append(log: &PoolLog, command: &[u8]) -> Position {
    let receipt = log.append(entry(command), Ticket(1)).expect("queued");
    receipt.wait_blocking().expect("written")
}

fn committed(log: &PoolLog) -> Result<Head, crate::LogError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(log.committed())
}

/// Waits until a log ends by itself.
fn stopped(log: &PoolLog) -> Stopped {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let ended = async { tokio::time::timeout(PATIENCE, log.failed()).await };
    runtime.expect("a runtime").block_on(ended).expect("it ends")
}

/// Follows a log and returns the commands of its suite entries, up to `count`.
fn commands(follower: &mut Follower, count: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < count {
        let batch = follower.next_batch().expect("not closed");
        let own = batch.iter().filter(|committed| committed.entry.family == Family::AIRSPACE);
        all.extend(own.map(|committed| committed.entry.command.clone()));
    }
    all
}

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
fn stops_when_a_second_process_has_its_key() {
    let Some(pool) = Pool::start(1) else { return };
    let (first_copy, second_copy) = (copy(), copy());
    let seen = Arc::new(Seen::default());
    let first = pool.open_witnessed("hub", &first_copy, &seen).expect("opened");
    append(&first, b"first");

    let second = pool.open("hub", &second_copy).expect("opened");
    append(&second, b"second");

    assert!(matches!(stopped(&first), Stopped::Pool(Stop::KeyUsedTwice { .. })));
    assert!(seen.kinds().iter().any(|kind| matches!(kind, Kind::KeyUsedTwice { .. })));
    assert_eq!(first.append(entry(b"third"), Ticket(1)).err(), Some(crate::AppendError::Closed));
    append(&second, b"fourth");
}

#[test]
fn two_hubs_have_the_same_log() {
    let Some(pool) = Pool::start(1) else { return };
    let (first_copy, second_copy) = (copy(), copy());
    let first = pool.open("hub", &first_copy).expect("opened");
    let second = pool.open("hub-b", &second_copy).expect("opened");

    thread::scope(|scope| {
        for (log, hub) in [(&first, "hub"), (&second, "hub-b")] {
            scope.spawn(move || {
                for number in 0..200_u64 {
                    let proposer = crate::Proposer::new(hub).expect("a name");
                    let entry = crate::Entry { proposer, ..entry(number.to_le_bytes()) };
                    let receipt = log.append(entry, Ticket(number)).expect("queued");
                    receipt.wait_blocking().expect("written");
                }
            });
        }
    });

    let read = |log: &PoolLog| {
        let head = committed(log).expect("linked");
        let mut follower = log.follow(Position::ZERO).expect("open");
        let mut chains = Vec::new();
        while (chains.len() as u64) < head.position.number() {
            chains.extend(follower.next_batch().expect("open").into_iter().map(|it| it.chain));
        }
        chains
    };
    let (one, other) = (read(&first), read(&second));
    let common = one.len().min(other.len());
    assert!(400 < common);
    assert_eq!(one[..common], other[..common]);
}

#[test]
fn waits_for_a_slow_follower_and_goes_on_when_it_reads() {
    let Some(pool) = Pool::start(1) else { return };
    let (slow_copy, other_copy) = (copy(), copy());
    let slow = pool.open("hub", &slow_copy).expect("opened");
    let other = pool.open("hub-b", &other_copy).expect("opened");
    let mut follower = slow.follow(Position::ZERO).expect("open");
    let count = 2 * crate::QUEUE_MAX;

    for _ in 0..2 {
        let receipts: Vec<_> = (0..count / 2)
            .map(|_| {
                let proposer = crate::Proposer::new("hub-b").expect("a name");
                let entry = crate::Entry { proposer, ..entry("other") };
                other.append(entry, Ticket(1)).expect("queued")
            })
            .collect();
        for receipt in receipts {
            receipt.wait_blocking().expect("written");
        }
    }
    let held_up = slow.append(entry("own"), Ticket(1)).expect("queued");
    let all = commands(&mut follower, count + 1);
    held_up.wait_blocking().expect("written when it was read");

    assert_eq!(all.len(), count + 1);
    assert_eq!(slow.status().stopped, None);
}

#[test]
fn refuses_an_etcd_of_another_pool_and_writes_nothing() {
    let Some(pool) = Pool::start_empty(1) else { return };
    let none = pool.open("hub", &copy()).expect_err("no pool is there");
    pool.found(&genesis(2));

    let other = pool.open("hub", &copy()).expect_err("another pool's");

    let refused = |error| match error {
        PoolOpenError::Refused(Trouble::Refused(refused)) => refused,
        error => panic!("{error}"),
    };
    assert_eq!(refused(none), Refused::NoPool);
    assert_eq!(refused(other), Refused::OtherPool);
    let hubs = pool.ask(|member| async move {
        let hubs = etcd::messages::RangeRequest {
            key: "log/".into(),
            range_end: "log0".into(),
            ..Default::default()
        };
        member.range(hubs, PATIENCE).await.expect("it answers").kvs
    });
    assert_eq!(hubs, []);
}

#[test]
fn refuses_an_etcd_that_is_too_old() {
    let url = fake_etcd("3.4.23");
    let dir = copy();
    let log = Arc::new(LocalLog::open(dir.path(), crate::Options::default()).expect("opened"));
    let from = From { genesis: genesis(1), state: State::default(), head: Head::default() };
    let old = etcd::Config { endpoints: vec![url], tls: None };

    let error = PoolLog::open(log, from, options_of("hub", old)).expect_err("too old");

    let PoolOpenError::Refused(trouble @ Trouble::Release(_)) = error else { panic!("{error}") };
    assert!(trouble.to_string().contains("install 3.6.14, 3.7.1 or a later one"), "{trouble}");
}

/// Answers one call, as a member of this release does the one for its status, and nothing more.
fn fake_etcd(release: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).expect("short");
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let length = u8::try_from(release.len()).expect("short");
    let message = [&[0, 0, 0, 0, length + 2, 0x12, length], release.as_bytes()].concat();
    let settings = frame(4, 0, 0, &[]);
    let answer = [
        // `:status: 200`, `content-type: application/grpc`.
        frame(1, 4, 1, &[b"\x88\x0f\x10\x10".as_slice(), b"application/grpc"].concat()),
        frame(0, 0, 1, &message),
        frame(1, 5, 1, b"\x00\x0bgrpc-status\x010"),
    ]
    .concat();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("asked");
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).expect("HTTP/2");
        stream.write_all(&settings).expect("open");
        let mut head = [0; 9];
        // It ends when the one who asked is gone.
        while stream.read_exact(&mut head).is_ok() {
            let length = usize::from(head[1]) << 8 | usize::from(head[2]);
            stream.read_exact(&mut vec![0; length]).expect("whole");
            match (head[3], head[4]) {
                (4, 0) => stream.write_all(&frame(4, 1, 0, &[])).expect("open"),
                // The end of the message of the call.
                (0, 1) => stream.write_all(&answer).expect("open"),
                _ => {}
            }
        }
    });
    url
}

#[test]
fn refuses_a_copy_of_another_pool() {
    let Some(mut pool) = Pool::start(1) else { return };
    let copy = copy();
    pool.open("hub", &copy).expect("opened").close();
    pool.genesis = genesis(2);

    let error = pool.open("hub", &copy).expect_err("another pool's");

    assert!(matches!(error, PoolOpenError::Start(StartError::OtherPool { .. })), "{error}");
}

#[test]
fn refuses_the_log_of_one_machine_as_a_copy() {
    let dir = copy();
    let log = Arc::new(LocalLog::open(dir.path(), crate::Options::default()).expect("opened"));
    append_all(log.as_ref(), 3);
    drop(log);
    let log = Arc::new(LocalLog::open(dir.path(), crate::Options::default()).expect("opened"));
    let from = From { genesis: genesis(1), state: State::default(), head: Head::default() };
    let nowhere = etcd::Config { endpoints: vec!["http://127.0.0.1:1".to_owned()], tls: None };

    let error = PoolLog::open(log, from, options_of("hub", nowhere)).expect_err("no pool's");

    assert!(matches!(error, PoolOpenError::Start(StartError::NoPool)), "{error}");
}

#[test]
fn opens_without_an_etcd_and_refuses_appends_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let dir = copy();
    let log = Arc::new(LocalLog::open(dir.path(), crate::Options::default()).expect("opened"));
    let from = From { genesis: genesis(1), state: State::default(), head: Head::default() };
    let nowhere = etcd::Config { endpoints: vec![url], tls: None };

    let log = PoolLog::open(log, from, options_of("hub", nowhere)).expect("it may come");
    let refused = log.append(entry(b"1"), Ticket(1)).expect("queued").wait_blocking();

    assert_eq!(refused, Err(crate::AppendError::Unreachable));
    assert!(matches!(log.status().trouble, Some(Trouble::Call(_))));
    assert!(matches!(committed(&log), Err(crate::LogError::Unanswered)));
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

#[test]
fn goes_on_from_its_copy_and_puts_an_empty_batch_first() {
    let Some(pool) = Pool::start(1) else { return };
    let copy = copy();
    let log = pool.open("hub", &copy).expect("opened");
    append(&log, b"1");
    log.close();
    drop(log);

    let log = pool.open("hub", &copy).expect("opened");
    append(&log, b"2");

    let values = pool.ask(|member| async move {
        let watch = etcd::messages::WatchCreateRequest {
            key: "log/".into(),
            range_end: "log0".into(),
            start_revision: 1,
            ..Default::default()
        };
        let mut watch = member.watch(watch, PATIENCE).await.expect("watched");
        let mut values = Vec::new();
        while values.iter().map(Vec::len).sum::<usize>() < 2 {
            let events = watch.next().await.expect("it goes on").events;
            values.extend(events.into_iter().filter_map(|event| {
                let value = event.kv?.value;
                Some(::pool::Batch::from_bytes(&value).ok()?.entries().to_vec())
            }));
        }
        values
    });
    let full: Vec<_> = values.iter().enumerate().filter(|(_, it)| !it.is_empty()).collect();
    let [(first, _), (second, _)] = full[..] else { panic!("two have entries") };
    assert!(0 < first && first + 1 < second, "an empty batch comes before each: {values:?}");
    assert_eq!(commands(&mut log.follow(Position::ZERO).expect("open"), 2), [b"1", b"2"]);
}

#[test]
fn takes_what_a_power_cut_took_from_its_copy_from_etcd_again() {
    let Some(pool) = Pool::start(1) else { return };
    let (whole, cut) = (copy(), copy());
    let log = pool.open("hub", &whole).expect("opened");
    append(&log, b"1");
    log.close();
    let name = "log.sqlite3";
    std::fs::copy(whole.path().join(name), cut.path().join(name)).expect("copied");
    let log = pool.open("hub", &whole).expect("opened");
    append(&log, b"2");
    log.close();

    let log = pool.open("hub", &cut).expect("opened");
    append(&log, b"3");

    let mut follower = log.follow(Position::ZERO).expect("open");
    assert_eq!(commands(&mut follower, 3), [b"1", b"2", b"3"]);
}

#[derive(Default)]
struct Seen(Mutex<Vec<Kind>>);

impl Seen {
    fn kinds(&self) -> Vec<Kind> {
        self.0.lock().expect("nobody panics").clone()
    }
}

impl Witness for Seen {
    fn evidence(&self, evidence: &Evidence, _bytes: &[u8]) {
        self.0.lock().expect("nobody panics").push(evidence.kind.clone());
    }
}

impl Pool {
    /// Has etcd drop all that is not the newest now.
    fn compact(&self) {
        self.ask(|member| async move {
            let any = etcd::messages::RangeRequest { key: "log/".into(), ..Default::default() };
            let header = member.range(any, PATIENCE).await.expect("it answers").header;
            let revision = header.expect("it has one").revision;
            let compaction = etcd::messages::CompactionRequest { revision, physical: true };
            member.compact(compaction, PATIENCE).await.expect("compacted");
        });
    }

    fn open_witnessed(
        &self,
        hub: &str,
        copy: &TempDir,
        witness: &Arc<Seen>,
    ) -> Result<PoolLog, PoolOpenError> {
        let log = LocalLog::open(copy.path(), crate::Options::default()).expect("opened");
        let genesis = self.genesis.clone();
        let from = From { genesis, state: State::default(), head: Head::default() };
        let witness = Arc::clone(witness) as _;
        PoolLog::open(Arc::new(log), from, Options { witness, ..options_of(hub, self.etcd()) })
    }
}

/// The other hubs of a test, which are other directories.
struct Copies(Vec<Arc<LocalLog>>);

impl Peers for Copies {
    fn count(&self) -> u64 {
        self.0.len() as u64
    }

    fn entries(&self, peer: u64, after: Position) -> EntriesFuture {
        let copy = Arc::clone(&self.0[usize::try_from(peer).expect("small")]);
        Box::pin(async move {
            let mut history = copy.history(after).ok()?;
            let end = history.end().ok()?;
            let records = history.read(end.position).ok()?;
            records.into_iter().map(|record| record.bytes).collect()
        })
    }
}

#[test]
fn takes_what_etcd_no_longer_holds_from_another_hub() {
    let Some(pool) = Pool::start(1) else { return };
    let copies = [copy(), copy()];
    let others = [("hub-b", &copies[0]), ("hub-c", &copies[1])];
    let others = others.map(|(hub, copy)| (hub, pool.open(hub, copy).expect("opened")));
    for number in 0..10_u64 {
        if number == 5 {
            pool.compact();
        }
        for (hub, log) in &others {
            let head = log.head().expect("open");
            let applied =
                ::pool::AppliedHead { position: head.position.number(), chain: head.chain };
            log.announce(applied, None);
            let proposer = crate::Proposer::new(hub).expect("a name");
            let entry = crate::Entry { proposer, ..entry(number.to_le_bytes()) };
            log.append(entry, Ticket(1)).expect("queued").wait_blocking().expect("written");
        }
    }
    let dir = copy();
    let log = LocalLog::open(dir.path(), crate::Options::default()).expect("opened");
    let from = From { genesis: genesis(1), state: State::default(), head: Head::default() };
    let peers = Copies(others.iter().map(|(_, log)| Arc::clone(log.copy())).collect());

    let late = PoolLog::open_beside(
        Arc::new(log),
        from,
        options_of("hub", pool.etcd()),
        Some(Arc::new(peers)),
    )
    .expect("opened");
    append(&late, b"late");

    let mut follower = late.follow(Position::ZERO).expect("open");
    let all = commands(&mut follower, 21);
    assert_eq!(all.last().expect("many"), b"late");
    let one = committed(&others[0].1).expect("linked");
    let mut follower = late.follow(Position::ZERO).expect("open");
    let chain = loop {
        let batch = follower.next_batch().expect("open");
        if let Some(found) = batch.iter().find(|committed| committed.position == one.position) {
            break found.chain;
        }
    };
    assert_eq!(chain, one.chain);
}
