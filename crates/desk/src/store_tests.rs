//! The store by what is there after it was opened again, also after a kill.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use spacetime::{LatLng, Timestamp};
use tempfile::TempDir;
use wire::f3411_22a::uss::flight_details::UasId;
use wire::f3411_22a::uss::flights::UaType;

use super::*;
use crate::book::{Pending, PendingChange, Taken};
use crate::entity::{Details, Entity};
use crate::flight::{Bounds, EntityKind, Identification, LowerPriority, PathPoint};
use crate::outbox::About;
use crate::plan::bounded::Bounded;
use crate::plan::moves::{Move, Moves};
use crate::remote_id::registration::{Asked, Held, Purpose};
use crate::remote_id::watched_area::WatchedArea;
use crate::test_data::{id, intent, volume};

/// How many entities the child has written when it is killed.
const WRITTEN_BEFORE_KILL: usize = 40;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn open(directory: &TempDir) -> (Store, Contents) {
    Store::open(directory.path()).expect("it opens")
}

fn point(seconds: i64) -> PathPoint {
    let time = Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000);
    PathPoint {
        position: LatLng::new(46.95, 7.44).expect("in range"),
        altitude_m: 115.25,
        time: time.expect("in range"),
    }
}

fn wish() -> crate::book::Wish {
    let bounds = Bounds {
        delay_s_max: 600,
        delay_s_step: 60,
        altitude_m_min: 0.5,
        altitude_m_max: 300.25,
        altitude_m_step: 10.125,
    };
    crate::book::Wish {
        course: vec![Bounded::new(volume(100))],
        bounds,
        lowest_m: 100.0,
        highest_m: 130.0,
        moves: Moves::new(&bounds, 100.0, 130.0).expect("in order"),
        priority: -3,
        lower_priority: LowerPriority::Override,
        allowed_constraints: [id(7), id(8)].into(),
        path: vec![point(60), point(120)],
        identification: Identification {
            aircraft_type: UaType::Helicopter,
            uas_id: Some(UasId { serial_number: "X1".to_owned(), ..UasId::default() }),
            operator_id: "N.OP123456".to_owned(),
            operation_description: "survey".to_owned(),
            ..Identification::default()
        },
    }
}

/// An entity that has everything that an entity can have.
fn full(number: u8) -> Own {
    let moved = Move { delay_s: 60, climb_mm: -10_125 };
    let known = intent(number, "alder", 2);
    let Entity::OperationalIntent(entity) = &known.entity else {
        panic!("it is an operational intent");
    };
    let details = Details::OperationalIntent(entity.details.clone());
    let pending = Pending {
        change: PendingChange::Put { details, moved },
        path: "/dss/v1/operational_intent_references/x".to_owned(),
        body: "{\"key\":[\"\u{e9}\"]}".to_owned(),
        idempotency_key: "once".to_owned(),
    };
    Own {
        id: id(number),
        kind: EntityKind::OperationalIntent,
        wish: Some(Arc::new(wish())),
        taken: Some(Taken { known, moved }),
        pending: Some(Arc::new(pending)),
    }
}

/// A registration that has everything that one can have.
fn registration(number: u8, purpose: Purpose) -> Registration {
    let asked = Asked {
        put: Some("{}".to_owned()),
        path: "/rid/v2/dss/subscriptions/x/v".to_owned(),
        idempotency_key: "once".to_owned(),
    };
    Registration {
        wanted: false,
        held: Some(Held { version: "v".to_owned(), ends_at: point(60).time }),
        pending: Some(Arc::new(asked)),
        ..Registration::new(id(number), purpose)
    }
}

fn service_area() -> Purpose {
    Purpose::ServiceArea { flight: id(1), version: 3, extents: volume(100) }
}

fn watch() -> Purpose {
    let corner = LatLng::new(46.9, 7.4).expect("in range");
    Purpose::Watch(WatchedArea::new([corner, point(0).position]).expect("small"))
}

fn notice(number: u64) -> Notice {
    Notice {
        number,
        about: About::Entity(EntityKind::Constraint),
        uss_base_url: "http://birch.example".to_owned(),
        body: "{}".into(),
    }
}

/// Compares all that is stored of an entity, bit for bit.
fn check_same(one: &Own, other: &Own) {
    assert_eq!(record::write_own(one), record::write_own(other));
    assert_eq!(
        one.taken.as_ref().map(|t| t.known.entity.answer()),
        other.taken.as_ref().map(|t| t.known.entity.answer())
    );
}

#[tokio::test]
async fn keeps_entities_and_notifications() {
    let directory = directory();
    let (store, before) = open(&directory);
    let changes = vec![
        Change::put(&Own { pending: None, ..full(1) }),
        Change::put(&full(1)),
        Change::put(&full(2)),
        Change::put(&full(3)),
        Change::RemoveOwn(id(3)),
        Change::add(&notice(4)),
        Change::add(&notice(5)),
        Change::RemoveNotice(4),
    ];

    store.write(changes).await.expect("written");
    store.close().await;
    let (_store, after) = open(&directory);

    assert_eq!((before.owns.len(), before.notices.len()), (0, 0));
    assert_eq!(after.owns.len(), 2);
    check_same(&after.owns[0], &full(1));
    check_same(&after.owns[1], &full(2));
    assert_eq!(after.notices, [notice(5)]);
}

#[tokio::test]
async fn keeps_what_it_has_at_the_hub_by_remote_id() {
    let directory = directory();
    let (store, _) = open(&directory);
    let notice = Notice { about: About::ServiceArea(id(7)), ..notice(1) };
    let changes = vec![
        Change::register(&Registration::new(id(4), watch())),
        Change::register(&registration(4, watch())),
        Change::register(&registration(5, service_area())),
        Change::register(&registration(6, watch())),
        Change::RemoveRegistration(id(6)),
        Change::add(&notice),
    ];

    store.write(changes).await.expect("written");
    store.close().await;
    let (_store, after) = open(&directory);

    let written: Vec<String> = after.registrations.iter().map(record::write_registration).collect();
    let expected = [registration(4, watch()), registration(5, service_area())];
    assert_eq!(written, expected.each_ref().map(record::write_registration));
    assert_eq!(after.registrations[0].held, expected[0].held);
    assert_eq!(after.registrations[1].purpose, expected[1].purpose);
    assert_eq!(after.registrations[1].pending, expected[1].pending);
    assert_eq!(after.notices, [notice]);
}

#[tokio::test]
async fn reads_a_database_of_format_1() {
    let directory = directory();
    let path = directory.path().join("desk.sqlite3");
    let old = Connection::open(&path).expect("it opens");
    old.execute_batch(schema::TABLES_1).expect("executed");
    let insert = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
        old.execute(sql, parameters).expect("executed");
    };
    let one = include_str!("store/own.format-1.json").trim();
    insert("INSERT INTO owns (id, record) VALUES (?1, ?2)", params![id(1).as_bytes(), one]);
    let told = r#"{"kind":"constraint","uss_base_url":"http://birch.example","body":"{}"}"#;
    insert("INSERT INTO notices (number, record) VALUES (5, ?1)", params![told]);
    drop(old);

    let (store, contents) = open(&directory);
    store.write(vec![Change::register(&registration(4, watch()))]).await.expect("written");
    store.close().await;
    let (_store, again) = open(&directory);

    let mut wish = wish();
    (wish.path, wish.identification) = (Vec::new(), Identification::default());
    check_same(&contents.owns[0], &Own { wish: Some(Arc::new(wish)), ..full(1) });
    assert_eq!(contents.notices, [notice(5)]);
    assert_eq!((again.owns.len(), again.registrations.len()), (1, 1));
}

#[tokio::test]
async fn writes_all_changes_of_a_write_or_none() {
    let directory = directory();
    let (store, _) = open(&directory);
    store.write(vec![Change::add(&notice(1))]).await.expect("written");

    // The second notification has the number of one that is there.
    let refused = store.write(vec![Change::put(&full(1)), Change::add(&notice(1))]).await;
    store.write(vec![Change::put(&full(2))]).await.expect("it goes on");
    store.close().await;
    let (_store, after) = open(&directory);

    assert!(matches!(refused, Err(WriteError::Database(_))), "{refused:?}");
    let ids: Vec<_> = after.owns.iter().map(|own| own.id).collect();
    assert_eq!(ids, [id(2)]);
}

#[tokio::test]
async fn refuses_a_second_desk_on_the_directory() {
    let directory = directory();
    let (store, _) = open(&directory);

    let refused = Store::open(directory.path());
    store.close().await;

    assert!(matches!(refused, Err(OpenError::InUse { .. })), "{refused:?}");
    assert!(Store::open(directory.path()).is_ok());
}

#[tokio::test]
async fn refuses_writes_once_it_is_closed() {
    let directory = directory();
    let (store, _) = open(&directory);

    store.close().await;

    assert_eq!(store.write(Vec::new()).await, Err(WriteError::Closed));
}

#[tokio::test]
async fn refuses_a_database_of_another_format_or_a_damaged_one() {
    let directory = directory();
    let (store, _) = open(&directory);
    store.write(vec![Change::put(&full(1))]).await.expect("written");
    store.close().await;
    let path = directory.path().join("desk.sqlite3");
    let execute = |sql: &str| {
        Connection::open(&path).expect("it opens").execute_batch(sql).expect("executed");
    };

    execute("PRAGMA user_version = 3");
    let other = Store::open(directory.path());
    execute("PRAGMA user_version = 2; UPDATE owns SET record = '{}'");
    let damaged = Store::open(directory.path());

    assert!(matches!(other, Err(OpenError::Format { found: 3, .. })), "{other:?}");
    assert!(matches!(damaged, Err(OpenError::Damaged { .. })), "{damaged:?}");
}

#[test]
fn syncs_every_commit() {
    let directory = directory();
    let path = directory.path().join("desk.sqlite3");
    let mut connection = Connection::open(path).expect("it opens");

    schema::set_up(&mut connection).expect("set up");

    let read = |name: &str| {
        connection.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
    };
    assert_eq!(read("synchronous"), Ok(2.into()));
    assert_eq!(read("journal_mode"), Ok("wal".to_owned().into()));
}

#[tokio::test]
async fn keeps_no_more_reports_than_it_may() {
    let directory = directory();
    let (store, _) = open(&directory);
    let report = |number: u32| Change::AddReport(format!("{{\"number\":{number}}}"));

    store.write((0..=REPORTS_MAX).map(report).collect()).await.expect("written");
    store.close().await;

    let connection = Connection::open(directory.path().join("desk.sqlite3")).expect("it opens");
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
    assert_eq!(read("SELECT count(*) FROM reports"), Ok(REPORTS_MAX));
    assert_eq!(read("SELECT min(report ->> 'number') FROM reports"), Ok(1));
}

#[test]
fn has_all_that_was_written_after_a_kill() {
    let directory = directory();
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "store::tests::writes_until_it_is_killed", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdin = child.stdin.take().expect("piped");
    writeln!(stdin, "{}", directory.path().display()).expect("the child reads");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    let written: Vec<u8> = stdout
        .lines()
        .map(|line| line.expect("text"))
        .filter_map(|line| line.strip_prefix("written ")?.parse().ok())
        .take(WRITTEN_BEFORE_KILL)
        .collect();

    // SIGKILL on Unix: nothing of the child runs after it.
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let (_store, contents) = open(&directory);
    assert_eq!(written.len(), WRITTEN_BEFORE_KILL);
    for number in written {
        let own = contents.owns.iter().find(|own| own.id == id(number)).expect("it is there");
        check_same(own, &full(number));
        assert!(contents.notices.contains(&notice(u64::from(number))));
    }
}

/// What [`has_all_that_was_written_after_a_kill`] starts and kills; it ends at once by itself when
/// nobody tells it where to write.
#[test]
#[ignore = "it is started by another test"]
fn writes_until_it_is_killed() {
    let mut path = String::new();
    std::io::stdin().read_line(&mut path).expect("text");
    if path.is_empty() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (store, _) = Store::open(Path::new(path.trim())).expect("it opens");
        for number in 1..=u8::MAX {
            let changes = vec![Change::put(&full(number)), Change::add(&notice(u64::from(number)))];
            store.write(changes).await.expect("written");
            println!("written {number}");
        }
    });
    // Whoever started this kills it; without, the end of input ends it.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}
