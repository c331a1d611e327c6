use std::path::Path;
use std::sync::mpsc;

use airspace::{Command, EntityId, Outcome, Request};
use log::{Entry, Family, Ticket};
use spacetime::{Cell, Cells};

use super::declaration::Declaration;
use super::*;

const LARGE: usize = 512 * 1024 - 1024;

fn log_in(dir: &Path) -> Arc<LocalLog> {
    let options = log::Options { disk_free_bytes_min: 0, ..log::Options::default() };
    Arc::new(LocalLog::open(dir, options).expect("the log opens"))
}

fn options() -> Options {
    let now = Timestamp::from_micros(1_800_000_000_000_000).expect("in range");
    Options {
        proposer: Proposer::new("hub").expect("a name"),
        snapshot_entries: 1_000,
        clock: Clock::manual(now),
    }
}

fn start(log: &Arc<LocalLog>) -> Replica {
    Replica::start(Arc::clone(log), options()).expect("it starts")
}

fn party(name: &str) -> Party {
    Party::new(name).expect("a good name")
}

/// Creates the `n`th operational intent, above the one before, with a key of so many bytes.
fn command(party_name: &str, n: u8, key_bytes: usize) -> Command {
    let mut id = [0; 16];
    id[0] = n;
    let id = EntityId::from_random_bytes(id);
    let now = options().clock.now();
    let altitude = spacetime::Altitude::from_millimeters(1_000 * i32::from(n));
    let extent = airspace::Extent {
        starts_at: now,
        ends_at: now.plus(std::time::Duration::from_hours(1)),
        altitude_lower: Some(altitude),
        altitude_upper: Some(altitude),
        cells: Cells::from_unsorted(vec![Cell::from_id(0x4000_0004_0000_0000).expect("a cell")])
            .expect("there is one"),
    };
    let uss_base_url = airspace::UssBaseUrl::new("https://uss.example").expect("a URL");
    let key = (0..key_bytes / 16).map(|n| airspace::Ovn::new(&n.to_string()).expect("short"));
    let request = Request::PutOperationalIntent(airspace::operational_intent::Put {
        id,
        ovn: None,
        extent,
        state: airspace::operational_intent::OperationalIntentState::Accepted,
        key: airspace::OvnHash::key_of(&key.collect::<Vec<_>>()),
        uss_base_url,
        subscription: airspace::operational_intent::SubscriptionChoice::None,
        next_ovn: airspace::NextOvn::Random([n; 16]),
    });
    Command { party: party(party_name), retry: None, request }
}

fn count(replica: &Replica) -> usize {
    replica.read(|state, _| state.counts().operational_intents)
}

fn close(log: &LocalLog, replica: &Replica) {
    log.close();
    replica.join();
}

#[tokio::test]
async fn does_not_go_on_after_an_entry_of_a_later_version() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let proposer = options().proposer;
    let stamp = options().clock.now();
    let entry = Entry { family: Family(9), version: 2, proposer, stamp, command: vec![1] };
    log.append(entry, Ticket(1)).expect("queued").await.expect("durable");

    let replica = start(&log);

    let failure = replica.failed().await;
    assert!(failure.contains("family 9, version 2"), "{failure}");
    assert!(failure.contains("newer"), "{failure}");
    let refused = replica.submit(command("one", 1, 0), ()).await;
    assert_eq!(refused, Err(SubmitError::Closed));
    assert!(matches!(replica.caught_up().await, Err(ReplicaError::Failed(_))));
    close(&log, &replica);
}

#[tokio::test]
async fn passes_over_a_snapshot_of_another_state() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let replica = start(&log);
    replica.submit(command("one", 1, 0), ()).await.expect("decided").expect("accepted");
    let head = replica.progress().head;
    let mut other = States::default();
    let hash = other.hash();
    let body = |to: &mut dyn std::io::Write| other.frozen().write(to);
    log.snapshots().write(head, [hash[0] ^ 1; 32], body).expect("it is written");
    close(&log, &replica);

    let log = log_in(dir.path());
    let replica = start(&log);
    replica.caught_up().await.expect("it catches up");

    assert_eq!(count(&replica), 1);
    close(&log, &replica);
}

#[tokio::test]
async fn starts_from_a_snapshot_and_the_tail() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let replica = start(&log);
    for n in 1..=3 {
        replica.submit(command("one", n, 0), ()).await.expect("decided").expect("accepted");
        if n == 2 {
            let frozen = replica.0.states().frozen();
            let hash = frozen.hash();
            let head = replica.progress().head;
            log.snapshots().write(head, hash, |to| frozen.write(to)).expect("it is written");
        }
    }
    replica.declare(Declaration::Restored, ()).await.expect("declared");
    let (clock, hash) = (replica.progress().clock, replica.0.states().frozen().hash());
    close(&log, &replica);

    let log = log_in(dir.path());
    let restored = snapshots::restore(&log.snapshots()).expect("it is read");
    assert_eq!(restored.head.position.number(), 2);
    let replica = start(&log);
    replica.caught_up().await.expect("it catches up");

    assert_eq!(count(&replica), 3);
    assert_eq!(replica.progress().clock, clock);
    assert_eq!(replica.0.states().frozen().hash(), hash);
    assert!(replica.restored().is_some());
    close(&log, &replica);
}

async fn eventually(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let long = std::time::Duration::from_secs(60);
    tokio::time::timeout(long, waiting).await.expect("it becomes so");
}

/// Holds up the follower, as a long search would, until the returned sender is dropped.
fn hold_up(replica: &Replica) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (holding, held) = mpsc::channel();
    let replica = replica.clone();
    std::thread::spawn(move || {
        replica.read(|_, _| {
            holding.send(()).expect("somebody waits");
            // An error means that it is released.
            let _ = released.recv();
        });
    });
    held.recv().expect("it holds");
    release
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_what_a_party_queued_until_it_is_decided_even_if_nobody_waits() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let replica = start(&log);
    let release = hold_up(&replica);
    let held = Arc::new(());

    let (asking, theirs) = (replica.clone(), Arc::clone(&held));
    let client = tokio::spawn(async move { asking.submit(command("one", 1, 0), theirs).await });
    eventually(|| replica.waiting() == 1).await;
    client.abort();
    assert!(client.await.is_err());
    assert_eq!(Arc::strong_count(&held), 2);
    assert_ne!(replica.0.queue.held(), 0);

    drop(release);
    eventually(|| Arc::strong_count(&held) == 1 && replica.0.queue.held() == 0).await;
    assert_eq!(count(&replica), 1);
    close(&log, &replica);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_a_heartbeat_as_its_reporters() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let replica = start(&log);
    let release = hold_up(&replica);
    let heartbeat = |reporter: &str| {
        Declaration::Heartbeat(declaration::Heartbeat {
            source: declaration::HeartbeatSource::new("test").expect("a good source"),
            reporter: party(reporter),
            timestamp: options().clock.now(),
            next_expected_before: None,
        })
    };
    // The party holds half of the queue, as much as one alone may.
    let half = log::QUEUE_BYTES_MAX as u64 / 2;
    let greedy = replica.0.queue.enter(&party("greedy"), half).expect("there is room");

    assert_eq!(replica.declare(heartbeat("greedy"), ()).await, Err(SubmitError::PartyShare));
    let asking = replica.clone();
    let modest = tokio::spawn(async move { asking.declare(heartbeat("modest"), ()).await });
    eventually(|| replica.waiting() == 1).await;
    assert!(half < replica.0.queue.held());
    drop((release, greedy));

    assert_eq!(modest.await.expect("no panic"), Ok(()));
    eventually(|| replica.0.queue.held() == 0).await;
    close(&log, &replica);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_room_in_the_queue_for_a_modest_party() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let replica = start(&log);
    let release = hold_up(&replica);

    // Each is queued before the next one is tried, until one is refused.
    let mut greedy = Vec::new();
    let refused = loop {
        let number = greedy.len();
        let (asking, n) = (replica.clone(), u8::try_from(number).expect("a few dozen"));
        let task =
            tokio::spawn(async move { asking.submit(command("greedy", n, LARGE), ()).await });
        eventually(|| replica.waiting() == number + 1 || task.is_finished()).await;
        if replica.waiting() == number {
            break task.await.expect("no panic");
        }
        greedy.push(task);
    };
    assert_eq!(refused, Err(SubmitError::PartyShare));
    assert!(replica.0.queue.held() <= log::QUEUE_BYTES_MAX as u64 / 2);

    let asking = replica.clone();
    let modest =
        tokio::spawn(async move { asking.submit(command("modest", 255, LARGE), ()).await });
    drop(release);

    assert!(modest.await.expect("no panic").expect("decided").is_ok());
    for task in greedy {
        assert!(task.await.expect("no panic").is_ok());
    }
    close(&log, &replica);
}

/// Asks, again with the same key, for a subscription where there are so many areas with long URLs.
async fn repeated_subscription(areas: u8) -> (Outcome, Result<Outcome, SubmitError>) {
    let dir = tempfile::tempdir().expect("a directory");
    let log = log_in(dir.path());
    let replica = start(&log);
    let now = options().clock.now();
    let cell = Cell::from_id(0x4000_0004_0000_0000).expect("a cell");
    let footprint = airspace::Footprint {
        starts_at: None,
        ends_at: Some(now.plus(std::time::Duration::from_hours(1))),
        cells: Cells::from_unsorted(vec![cell]).expect("there is one"),
    };
    let url = format!("https://uss.example/{}", "x".repeat(2_000));
    let uss_base_url = airspace::UssBaseUrl::new(&url).expect("not too long");
    for n in 0..areas {
        let area = airspace::identification_service_area::Put {
            id: EntityId::from_random_bytes([n; 16]),
            version: None,
            footprint: footprint.clone(),
            uss_base_url: uss_base_url.clone(),
        };
        let command = Command { party: party("one"), retry: None, request: area.into() };
        replica.submit(command, ()).await.expect("decided").expect("accepted");
    }
    let subscription = airspace::remote_id_subscription::Put {
        id: airspace::SubscriptionId::from_random_bytes([1; 16]),
        version: None,
        footprint,
        uss_base_url,
    };
    let retry = Some(airspace::Retry { key: [1; 32], fingerprint: [2; 32] });
    let command = Command { party: party("two"), retry, request: subscription.into() };

    let first = replica.submit(command.clone(), ()).await.expect("decided");
    let again = replica.submit(command, ()).await;

    close(&log, &replica);
    (first, again)
}

#[tokio::test]
async fn keeps_an_outcome_up_to_its_bound_and_says_when_it_was_longer() {
    let (short, repeated) = repeated_subscription(100).await;
    assert_eq!(repeated, Ok(short));

    let (long, repeated) = repeated_subscription(150).await;
    let bytes = borsh::to_vec(&long).expect("memory does not fail");
    assert!(KEPT_OUTCOME_BYTES_MAX < bytes.len());
    assert_eq!(repeated, Err(SubmitError::OutcomeForgotten));
}
