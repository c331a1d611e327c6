//! What a hub is not started with, and an etcd that is not there.

use std::io::Read;
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::pool::core::Refused;
use crate::suite::append_all;

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
