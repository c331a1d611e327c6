//! The store by what is there after it was opened again, also after a kill.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::book::{Pending, PendingChange, Taken};
use crate::entity::{Details, Entity};
use crate::flight::{Bounds, EntityKind, LowerPriority};
use crate::plan::bounded::Bounded;
use crate::plan::moves::{Move, Moves};
use crate::test_data::{id, intent, volume};

/// How many entities the child has written when it is killed.
const WRITTEN_BEFORE_KILL: usize = 40;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn open(directory: &TempDir) -> (Store, Contents) {
    Store::open(directory.path()).expect("it opens")
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

fn notice(number: u64) -> Notice {
    Notice {
        number,
        kind: EntityKind::Constraint,
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

    execute("PRAGMA user_version = 2");
    let other = Store::open(directory.path());
    execute("PRAGMA user_version = 1; UPDATE owns SET record = '{}'");
    let damaged = Store::open(directory.path());

    assert!(matches!(other, Err(OpenError::Format { found: 2, .. })), "{other:?}");
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
