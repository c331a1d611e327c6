use std::io::{ErrorKind, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::link::now;
use super::*;

/// How long something may take that is bound to come.
const COMES_MAX: Duration = Duration::from_secs(20);

/// How long is looked whether something comes that must not.
const SILENCE: Duration = Duration::from_millis(100);

/// Sends back what it is sent, on every connection, until the test ends.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let connection = connection.expect("it was accepted");
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut &connection, &mut &connection);
                let _ = connection.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

fn proxied() -> (Proxy, Link, TcpStream) {
    let link = Link::default();
    let proxy = Proxy::start(echo(), &link).expect("started");
    let client = connect(&proxy);
    (proxy, link, client)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).expect("connected");
    client.set_read_timeout(Some(COMES_MAX)).expect("set");
    client
}

fn said(mut client: &TcpStream, bytes: &[u8]) {
    client.write_all(bytes).expect("written");
}

fn heard(mut client: &TcpStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    client.read_exact(&mut read).expect("it comes");
    assert_eq!(read, bytes);
}

fn hears_nothing(mut client: &TcpStream) {
    client.set_read_timeout(Some(SILENCE)).expect("set");
    let error = client.read(&mut [0]).expect_err("nothing comes");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    client.set_read_timeout(Some(COMES_MAX)).expect("set");
}

fn hears_the_end(mut client: &TcpStream) {
    let read = client.read(&mut [0]);
    let is_end = match &read {
        Ok(count) => *count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(is_end, "{read:?}");
}

fn took(started: Instant) -> Duration {
    now().duration_since(started)
}

#[test]
fn carries_everything_both_ways_and_the_end_too() {
    let (_proxy, _link, client) = proxied();
    let much: Vec<u8> = (0..200_000_u32).map(|number| number.to_le_bytes()[0]).collect();

    std::thread::scope(|scope| {
        scope.spawn(|| said(&client, &much));
        heard(&client, &much);
    });
    client.shutdown(Shutdown::Write).expect("shut down");

    hears_the_end(&client);
}

#[test]
fn delays_each_way_by_its_own() {
    let (_proxy, link, client) = proxied();
    link.set(Way::There, Condition::delayed(Duration::from_millis(60)));
    link.set(Way::Back, Condition::delayed(Duration::from_millis(30)));

    let started = now();
    said(&client, b"hello");
    heard(&client, b"hello");

    assert!(Duration::from_millis(90) <= took(started));
}

#[test]
fn delays_what_follows_beside_what_is_under_way() {
    let (_proxy, link, client) = proxied();
    link.set(Way::There, Condition::delayed(Duration::from_millis(200)));

    let started = now();
    for _ in 0..100 {
        said(&client, b"x");
        std::thread::yield_now();
    }
    heard(&client, &[b'x'; 100]);

    // One after the other would take 20 s.
    assert!(took(started) < Duration::from_secs(10));
}

#[test]
fn holds_what_comes_while_a_way_is_cut_until_it_is_healed() {
    let (_proxy, link, client) = proxied();
    said(&client, b"before");
    heard(&client, b"before");

    for way in [Way::There, Way::Back] {
        link.set(way, Condition::CUT);
        said(&client, b"meanwhile");
        hears_nothing(&client);
        link.set_both(Condition::default());
        heard(&client, b"meanwhile");
    }
}

#[test]
fn cuts_one_way_and_lets_the_other_pass() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let link = Link::default();
    let address = server.local_addr().expect("it is bound");
    let proxy = Proxy::start(address, &link).expect("started");
    let client = connect(&proxy);
    let (served, _) = server.accept().expect("connected");

    link.set(Way::There, Condition::CUT);
    said(&client, b"lost for now");
    said(&served, b"passes");

    heard(&client, b"passes");
    hears_nothing(&served);
}

#[test]
fn lets_no_connection_be_made_while_a_way_is_cut() {
    let link = Link::default();
    link.set(Way::Back, Condition::CUT);
    let proxy = Proxy::start(echo(), &link).expect("started");

    let client = connect(&proxy);
    said(&client, b"hello");
    hears_nothing(&client);
    link.set_both(Condition::default());

    heard(&client, b"hello");
}

#[test]
fn forgets_a_client_that_hung_up_while_its_way_was_cut() {
    let link = Link::default();
    link.set_both(Condition::CUT);
    let proxy = Proxy::start(echo(), &link).expect("started");
    let client = connect(&proxy);
    wait_until(|| proxy.connections() == 1);

    drop(client);

    wait_until(|| proxy.connections() == 0);
}

#[test]
fn stalls_what_is_drawn_and_all_that_follows() {
    let (_proxy, link, client) = proxied();
    let stall = Some(Stall { per_mille: 1_000, length: Duration::from_millis(50) });
    link.set(Way::There, Condition { stall, ..Condition::default() });

    let started = now();
    said(&client, b"hello");
    heard(&client, b"hello");

    assert!(Duration::from_millis(50) <= took(started));
}

#[test]
fn stalls_about_as_many_as_asked_for() {
    let link = Link::default();
    let stall = Some(Stall { per_mille: 50, length: Duration::from_millis(200) });
    link.set(Way::There, Condition { stall, ..Condition::default() });

    let stalled = (0..10_000).filter(|_| !link.draw_delay(Way::There).is_zero()).count();

    assert!((400..600).contains(&stalled), "{stalled} of 10000");
}

#[test]
fn spreads_delays_evenly_around_the_one_asked_for() {
    let delay = Duration::from_micros(16_500);
    let jitter = Duration::from_micros(7_500);
    let condition = Condition { jitter, ..Condition::delayed(delay) };
    let drawn = |seed| {
        let link = Link::seeded(seed);
        link.set(Way::There, condition);
        (0..10_000).map(|_| link.draw_delay(Way::There)).collect::<Vec<_>>()
    };

    let delays = drawn(7);

    assert!(delays.iter().all(|drawn| (delay - jitter..=delay + jitter).contains(drawn)));
    for quarter in 0..4 {
        let from = delay - jitter + quarter * jitter / 2;
        let within = from..from + jitter / 2;
        let count = delays.iter().filter(|drawn| within.contains(drawn)).count();
        assert!((2_300..2_700).contains(&count), "{count} of 10000 in the quarter from {from:?}");
    }
    assert_eq!(drawn(7), delays);
    assert_ne!(drawn(8), delays);
}

#[test]
fn never_takes_less_than_no_time() {
    let link = Link::default();
    let jitter = Duration::from_millis(10);
    link.set(Way::Back, Condition { jitter, ..Condition::delayed(Duration::from_millis(1)) });

    let delays: Vec<_> = (0..1_000).map(|_| link.draw_delay(Way::Back)).collect();

    assert!(delays.iter().all(|drawn| *drawn <= Duration::from_millis(11)));
    assert!(delays.iter().any(Duration::is_zero));
}

#[test]
fn keeps_the_order_of_what_takes_more_or_less() {
    let (_proxy, link, client) = proxied();
    let jitter = Duration::from_millis(5);
    link.set_both(Condition { jitter, ..Condition::delayed(jitter) });
    let much: Vec<u8> = (0..100_u32).flat_map(u32::to_le_bytes).collect();

    for word in much.chunks(4) {
        said(&client, word);
        std::thread::yield_now();
    }

    heard(&client, &much);
}

#[test]
fn holds_up_a_sender_when_too_much_is_under_way() {
    let (_proxy, link, mut client) = proxied();
    link.set(Way::There, Condition::CUT);
    client.set_write_timeout(Some(SILENCE)).expect("set");
    let chunk = vec![0; CHUNK_BYTES_MAX];

    // What the kernel buffers besides is some MiB.
    let held_up = (0..CHUNKS_MAX + 4_096).any(|_| client.write_all(&chunk).is_err());

    assert!(held_up);
}

#[test]
fn drops_connections_for_both_ends() {
    let (proxy, link, client) = proxied();
    said(&client, b"hello");
    heard(&client, b"hello");
    link.set_both(Condition::CUT);
    said(&client, b"never comes");

    proxy.break_connections();

    hears_the_end(&client);
    wait_until(|| proxy.connections() == 0);
}

#[test]
fn closes_connections_beyond_the_bound() {
    let link = Link::default();
    link.set_both(Condition::CUT);
    let proxy = Proxy::start(echo(), &link).expect("started");
    let clients: Vec<_> = (0..CONNECTIONS_MAX).map(|_| connect(&proxy)).collect();

    let one_more = connect(&proxy);

    hears_the_end(&one_more);
    assert_eq!(proxy.connections(), clients.len());
}

#[test]
fn is_gone_when_it_is_dropped() {
    let (proxy, _link, client) = proxied();
    said(&client, b"hello");
    heard(&client, b"hello");
    let address = proxy.address();

    drop(proxy);

    hears_the_end(&client);
    assert!(TcpStream::connect(address).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn knows_pairs_of_members_by_who_connects() {
    let other = Process::start();
    let targets = [echo(), echo(), echo()];
    let mesh = Mesh::start(&targets).expect("started");
    mesh.set_process(1, std::process::id());
    mesh.set_process(2, other.0.id());
    let client = TcpStream::connect(mesh.addresses()[0]).expect("connected");
    client.set_read_timeout(Some(COMES_MAX)).expect("set");

    mesh.isolate(&[2]);
    said(&client, b"is of 1 and 0");
    heard(&client, b"is of 1 and 0");
    mesh.set(0, 1, Condition::CUT);
    said(&client, b"gets there");
    hears_nothing(&client);
    mesh.heal();
    heard(&client, b"gets there");

    mesh.break_connections(0);
    hears_the_end(&client);
}

#[test]
#[cfg(target_os = "linux")]
fn waits_until_it_is_known_who_connects() {
    let mesh = Mesh::start(&[echo()]).expect("started");
    let client = TcpStream::connect(mesh.addresses()[0]).expect("connected");
    client.set_read_timeout(Some(COMES_MAX)).expect("set");
    said(&client, b"hello");
    hears_nothing(&client);

    mesh.set_process(0, std::process::id());

    heard(&client, b"hello");
}

/// A process that does nothing, until the test ends.
struct Process(Child);

impl Process {
    fn start() -> Self {
        let sleeping = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn();
        Process(sleeping.expect("every Unix has it"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_until(is_so: impl Fn() -> bool) {
    let started = now();
    while !is_so() {
        assert!(took(started) < COMES_MAX, "it does not come about");
        std::thread::yield_now();
    }
}
