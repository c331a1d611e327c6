//! Faults of etcd itself: full, compacted, put back from a backup, of two minds.

use std::path::Path;
use std::time::Duration;

use etcd::Client;
use etcd::messages::alarm_request::AlarmAction;
use etcd::messages::{AlarmRequest, AlarmType};
use etcd::server::{Cluster, Options};
use reqwest::StatusCode;

use crate::support::{TestHub, eventually};

use super::fixture::{ETCD_ANSWER_MAX, TestPool, program};
use super::look::{acknowledge, even, find, heard, put, ready, status, testifies};

/// A quota that is soon used up, and what is put to use it up. What etcd has taken in the last 100 ms
/// it does not count yet, so that it must be much more than what is put in them.
const QUOTA: &str = "--quota-backend-bytes=16777216";
const FILLER_BYTES: usize = 32 * 1024;
const FILLERS_MAX: usize = 1_024;

const COMMANDS: [&str; 3] = ["etcdctl compact", "etcdctl defrag", "etcdctl alarm disarm"];

/// Fills etcd past the hubs until it takes no more, or is half full; each version replaces one.
async fn fill(pool: &TestPool, is_enough: impl AsyncFn() -> bool) {
    for _ in 0..FILLERS_MAX {
        let taken = pool.store("filler", Some(&vec![7; FILLER_BYTES])).await;
        if taken.is_err() || is_enough().await {
            return;
        }
    }
    panic!("etcd is never full");
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_changes_while_etcd_is_full_and_goes_on_after_the_three_commands() {
    let Some(pool) = TestPool::start_with(1, &[QUOTA]).await else { return };
    let hubs = [pool.hub(0).await, pool.hub(1).await];
    acknowledge(&hubs[0], 1).await;
    let is_half_full =
        async || status(&hubs[0]).await["etcd"]["members"][0]["is_half_full"] == true;
    assert!(!is_half_full().await);

    fill(&pool, is_half_full).await;

    let (is_ready, problems) = ready(&hubs[0]).await;
    assert!(is_ready && problems.contains("used half of its quota"), "{problems}");
    let url = &pool.cluster.urls()[0];
    let bytes = hubs[0].metric(&format!("tansiq_pool_etcd_db_bytes{{member=\"{url}\"}}")).await;
    assert!(8_000_000.0 < bytes, "{bytes}");
    acknowledge(&hubs[0], 2).await;

    fill(&pool, async || false).await;

    eventually(async || put(&hubs[0], "uss1", 3).await.status != StatusCode::CREATED).await;
    for (hub, n) in hubs.iter().zip([4, 5]) {
        let refused = put(hub, "uss1", n).await;
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
        eventually(async || !ready(hub).await.0).await;
        let problems = ready(hub).await.1;
        for command in COMMANDS {
            assert!(problems.contains(command), "{problems}");
        }
        assert_eq!(find(hub, 2).await, StatusCode::OK, "reads go on");
    }
    eventually(async || {
        let refused = put(&hubs[0], "uss1", 4).await.message();
        COMMANDS.iter().all(|command| refused.contains(command))
    })
    .await;

    pool.compact().await;
    let member = pool.member();
    member.defragment(ETCD_ANSWER_MAX).await.expect("defragmented");
    let raised = member.alarm(AlarmRequest::default(), ETCD_ANSWER_MAX).await.expect("answered");
    for alarm in raised.alarms {
        let disarm = AlarmRequest {
            action: AlarmAction::Deactivate.into(),
            member_id: alarm.member_id,
            alarm: alarm.alarm,
        };
        member.alarm(disarm, ETCD_ANSWER_MAX).await.expect("disarmed");
    }

    for (hub, n) in hubs.iter().zip([6, 7]) {
        acknowledge(hub, n).await;
        eventually(async || ready(hub).await.0).await;
    }
    for hub in &hubs {
        for n in [1, 2, 6, 7] {
            assert_eq!(find(hub, n).await, StatusCode::OK);
        }
        for n in [4, 5] {
            assert_eq!(find(hub, n).await, StatusCode::NOT_FOUND, "503 promises never");
        }
    }
    even(&hubs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goes_on_after_a_day_that_it_missed_and_etcd_has_forgotten() {
    const DAY: Duration = Duration::from_hours(24);
    let Some(pool) = TestPool::start().await else { return };
    let listening = |number| {
        let mut settings = pool.settings(number);
        settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
        settings
    };
    let first = TestHub::start_with(|config| config.pool = Some(listening(0))).await;
    let third = TestHub::start_with(|config| config.pool = Some(listening(2))).await;
    let mut settings = pool.settings(1);
    for (name, hub) in [("alder-1", &first), ("cedar-1", &third)] {
        let peer = format!("http://{}", hub.hub.peer_addr().expect("it listens"));
        settings.peers.insert(name.to_owned(), peer);
    }
    let second = TestHub::start_with(|config| config.pool = Some(settings)).await;
    acknowledge(&first, 1).await;
    heard(&second, 3).await;
    let second = second.stop().await;

    for quarter in 0..5 {
        for hub in [&first, &third] {
            hub.clock.advance(DAY / 4);
        }
        second.clock.advance(DAY / 4);
        // What the hubs say of now, of which etcd soon has only the last.
        for (hub, n) in [(&first, 10 + quarter), (&third, 20 + quarter)] {
            super::clocks::put_at(hub, n, 2 * DAY).await;
        }
        if quarter == 2 {
            pool.compact().await;
        }
    }
    pool.compact().await;
    let second = second.start().await;

    let hubs = [first, second, third];
    for hub in &hubs {
        heard(hub, 3).await;
    }
    even(&hubs).await;
    for hub in &hubs {
        let asked = super::clocks::find_at(hub, 1).await;
        assert_eq!(asked, StatusCode::NOT_FOUND, "it ended, and is not kept for longer than a day");
    }
}

/// A member that was started on a copy of another one's data, and is a cluster of its own; it answers.
async fn put_back(pool: &TestPool, data: &Path) -> Cluster {
    let dir = pool.dir.path().join("put-back");
    copy_all(data, &dir.join("member-0/data"));
    let mut options = Options::new(program().expect("one runs").clone(), dir, 1);
    options.flags = vec!["--force-new-cluster".to_owned()];
    let cluster = Cluster::start(options).expect("started");
    let config = etcd::Config { endpoints: cluster.urls(), tls: None };
    let member = Client::new(&config).expect("good").member();
    eventually(async || {
        let status = member.status(ETCD_ANSWER_MAX).await;
        status.is_ok_and(|status| status.leader != 0)
    })
    .await;
    cluster
}

/// Has an etcd say that it is full.
async fn raise_alarm(cluster: &Cluster) {
    let config = etcd::Config { endpoints: cluster.urls(), tls: None };
    let member = Client::new(&config).expect("good").member();
    eventually(async || {
        let Ok(status) = member.status(ETCD_ANSWER_MAX).await else { return false };
        let alarm = AlarmRequest {
            action: AlarmAction::Activate.into(),
            member_id: status.header.expect("it has one").member_id,
            alarm: AlarmType::Nospace.into(),
        };
        member.alarm(alarm, ETCD_ANSWER_MAX).await.is_ok()
    })
    .await;
}

fn copy_all(from: &Path, to: &Path) {
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

/// Copies what a member has on its disk, while it is down.
fn back_up(pool: &mut TestPool) -> std::path::PathBuf {
    let backup = pool.dir.path().join("backup");
    pool.cluster.kill_member(0).expect("killed");
    copy_all(&pool.cluster.member_dir(0).join("data"), &backup);
    pool.cluster.start_member(0).expect("started");
    backup
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_a_member_that_was_put_back_from_a_backup_for_another() {
    let Some(mut pool) = TestPool::start().await else { return };
    let hub = pool.hub(0).await;
    acknowledge(&hub, 1).await;
    let backup = back_up(&mut pool);
    acknowledge(&hub, 2).await;

    let old = put_back(&pool, &backup).await;
    let members = [old.urls(), pool.cluster.urls()].concat();
    let hub =
        hub.restart(|config| config.pool.as_mut().expect("it is in one").etcd = members).await;

    testifies(&hub, |piece| piece["kind"] == "engine_behind").await;
    acknowledge(&hub, 3).await;
    for n in 1..=3 {
        assert_eq!(find(&hub, n).await, StatusCode::OK);
    }
    let other = pool.hub(1).await;
    eventually(async || find(&other, 3).await == StatusCode::OK).await;
    even(&[hub, other]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_when_a_member_of_three_comes_back_with_old_data() {
    let Some(mut pool) = TestPool::start_with(3, &[]).await else { return };
    let hubs = [pool.hub(0).await, pool.hub(1).await];
    acknowledge(&hubs[0], 1).await;
    let backup = back_up(&mut pool);
    acknowledge(&hubs[0], 2).await;

    pool.cluster.kill_member(0).expect("killed");
    let data = pool.cluster.member_dir(0).join("data");
    std::fs::remove_dir_all(&data).expect("removed");
    copy_all(&backup, &data);
    pool.cluster.start_member(0).expect("started");

    acknowledge(&hubs[1], 3).await;
    acknowledge(&hubs[0], 4).await;
    for hub in &hubs {
        for n in 1..=4 {
            assert_eq!(find(hub, n).await, StatusCode::OK);
        }
    }
    even(&hubs).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_that_etcd_shows_two_hubs_two_histories() {
    let Some(mut pool) = TestPool::start().await else { return };
    let mut settings = pool.settings(0);
    settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
    let first = TestHub::start_with(|config| config.pool = Some(settings)).await;
    acknowledge(&first, 1).await;
    let peer = format!("http://{}", first.hub.peer_addr().expect("it listens"));
    let fork = back_up(&mut pool);
    let fork = put_back(&pool, &fork).await;
    let mut settings = pool.settings(1);
    settings.etcd = fork.urls();
    settings.peers.insert("alder-1".to_owned(), peer);

    let second = TestHub::start_with(|config| config.pool = Some(settings)).await;

    testifies(&second, |piece| piece["kind"] == "differs" && piece["hub"] == "alder-1").await;
    let refused = put(&second, "uss1", 2).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "{refused:?}");
}

/// An etcd that shows one hub nothing new and refuses what it puts as if it was full.
#[tokio::test(flavor = "multi_thread")]
async fn reads_nothing_from_an_etcd_that_is_frozen_for_it() {
    let Some(mut pool) = TestPool::start().await else { return };
    let listening = |number| {
        let mut settings = pool.settings(number);
        settings.peer_listen = Some(([127, 0, 0, 1], 0).into());
        settings
    };
    let first = TestHub::start_with(|config| config.pool = Some(listening(0))).await;
    let second = TestHub::start_with(|config| config.pool = Some(listening(1))).await;
    acknowledge(&first, 1).await;
    // An etcd that becomes a cluster of its own drops what it does not know to be committed yet.
    acknowledge(&first, 10).await;
    acknowledge(&second, 11).await;
    let mut settings = pool.settings(2);
    for (name, hub) in [("alder-1", &first), ("birch-1", &second)] {
        let peer = format!("http://{}", hub.hub.peer_addr().expect("it listens"));
        settings.peers.insert(name.to_owned(), peer);
    }
    let backup = back_up(&mut pool);
    let frozen = put_back(&pool, &backup).await;
    raise_alarm(&frozen).await;
    settings.etcd = frozen.urls();
    acknowledge(&first, 2).await;
    acknowledge(&second, 3).await;

    let third = TestHub::start_with(|config| config.pool = Some(settings)).await;
    eventually(async || find(&third, 1).await == StatusCode::OK).await;
    assert_eq!(find(&third, 2).await, StatusCode::NOT_FOUND, "it cannot know yet");
    let is_cut_off = async || {
        third.clock.advance(hub::replica::SILENCE_MAX);
        status(&third).await["is_cut_off"] == true
    };
    eventually(is_cut_off).await;

    let asked = super::clocks::find_at(&third, 1).await;
    assert_eq!(asked, StatusCode::SERVICE_UNAVAILABLE);
    let (is_ready, problems) = ready(&third).await;
    assert!(!is_ready && problems.contains("ahead of what etcd shows"), "{problems}");
}
