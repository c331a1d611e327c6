//! A hub's own copy, those of other hubs, and what etcd no longer holds.

use super::*;

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
