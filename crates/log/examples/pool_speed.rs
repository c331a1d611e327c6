//! Measures a pool's log through one hub, with the etcd that is here or that Go builds:
//! `cargo run --release -p tansiq-log --example pool_speed`.
//!
//! Appends come from concurrent tasks, each waiting for its entry before the next, as requests do;
//! reads ask how far the log is, as a hub does for each.
#![expect(clippy::print_stdout, reason = "this is what it is for")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use etcd::Client;
use etcd::server::{Cluster, Options as ClusterOptions};
use log::pool::{FoundError, From, NoWitness, Options, PoolLog, found};
use log::{
    AppendError, Entry, Family, FollowError, Head, LocalLog, Log, Position, Proposer, SyncMode,
    Ticket,
};
use pool::{
    Founding, Genesis, GenesisHub, HubId, KeyPair, Owner, OwnerName, PoolName, Rule, Rules, State,
};
use spacetime::Timestamp;

/// How long is measured with each number of tasks.
const MEASURED: Duration = Duration::from_secs(5);

/// How many bytes a command has: about a flight without keys.
const COMMAND_BYTES: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let program = etcd::program::find(None, &path(), &etcd::program::built_path())?;
    for members in [1, 3] {
        let dir = tempfile::tempdir_in(".")?;
        let options = ClusterOptions::new(program.clone(), dir.path().join("etcd"), members);
        let cluster = Cluster::start(options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let urls = etcd::Config { endpoints: cluster.urls(), tls: None };
        let genesis = genesis()?;
        runtime.block_on(found_when_it_answers(&urls, &genesis))?;
        let log = Arc::new(open(&dir.path().join("hub"), urls, genesis)?);
        let follower = follow(&log)?;
        for tasks in [1, 16, 64, 256] {
            runtime.block_on(append(&log, members, tasks))?;
        }
        for tasks in [1, 64] {
            runtime.block_on(read(&log, members, tasks))?;
        }
        log.close();
        follower.join().expect("no panic");
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "finds a program for a measurement")]
fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

#[expect(clippy::disallowed_methods, reason = "measures")]
fn now() -> Instant {
    Instant::now()
}

fn clock() -> Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::default().plus(since)
}

async fn found_when_it_answers(
    urls: &etcd::Config,
    genesis: &Genesis,
) -> Result<(), Box<dyn Error>> {
    let client = Client::new(urls)?;
    loop {
        match found(&client.member(), genesis, None).await {
            Err(FoundError::Call(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            result => return Ok(result?),
        }
    }
}

fn open(
    dir: &std::path::Path,
    etcd: etcd::Config,
    genesis: Genesis,
) -> Result<PoolLog, Box<dyn Error>> {
    let options = log::Options { sync: SyncMode::Behind, ..log::Options::default() };
    let copy = Arc::new(LocalLog::open(dir, options)?);
    let from = From { genesis, state: State::default(), head: Head::default() };
    let options = Options {
        hub: HubId::new("hub")?,
        key: key(1),
        rules: rules()?,
        etcd,
        clock: Arc::new(clock),
        witness: Arc::new(NoWitness),
    };
    Ok(PoolLog::open(copy, from, options)?)
}

fn key(number: u8) -> KeyPair {
    KeyPair::from_seed(&[number; 32])
}

fn rules() -> Result<Rules, Box<dyn Error>> {
    let rule = |Family(family)| Rule { family, version: 1 };
    Ok(Rules::new([Family::HUB, Family::AIRSPACE, Family::POOL].map(rule).to_vec())?)
}

fn genesis() -> Result<Genesis, Box<dyn Error>> {
    let owner = OwnerName::new("owner")?;
    let (key, offline_key) = (key(2).public_key(), key(3).public_key());
    let hub = HubId::new("hub")?;
    Ok(Genesis::new(Founding {
        name: PoolName::new("speed")?,
        nonce: [0; 32],
        owners: vec![Owner { name: owner.clone(), key, offline_key }],
        quorum: 1,
        hubs: vec![GenesisHub { id: hub, owner, key: self::key(1).public_key() }],
        rules: rules()?,
    })?)
}

fn follow(log: &Arc<PoolLog>) -> Result<std::thread::JoinHandle<()>, log::LogError> {
    let mut follower = log.follow(Position::ZERO)?;
    Ok(std::thread::spawn(move || {
        loop {
            match follower.next_batch() {
                Ok(_) => {}
                Err(FollowError::Closed) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }))
}

async fn append(log: &Arc<PoolLog>, members: usize, tasks: u64) -> Result<(), Box<dyn Error>> {
    let before = log.head()?;
    let waits = on_tasks(tasks, |task, started| {
        let log = Arc::clone(log);
        async move {
            let mut waits = Vec::new();
            for number in 0.. {
                let from = now();
                if MEASURED <= from.duration_since(started) {
                    break;
                }
                let receipt = loop {
                    match log.append(entry(task, number), Ticket(number)) {
                        // The follower is behind, as when it has no core to run on.
                        Err(AppendError::QueueFull) => tokio::task::yield_now().await,
                        appended => break appended.expect("queued"),
                    }
                };
                receipt.await.expect("written");
                waits.push(from.elapsed());
            }
            waits
        }
    })
    .await?;
    let placed = log.head()?.position.number() - before.position.number();
    let batches = placed - waits.len() as u64;
    let each = waits.len() as f64 / batches as f64;
    print(&format!("{members} members, {tasks} tasks append"), waits);
    println!("    {each:.1} entries a batch");
    Ok(())
}

async fn read(log: &Arc<PoolLog>, members: usize, tasks: u64) -> Result<(), Box<dyn Error>> {
    let waits = on_tasks(tasks, |_, started| {
        let log = Arc::clone(log);
        async move {
            let mut waits = Vec::new();
            loop {
                let from = now();
                if MEASURED <= from.duration_since(started) {
                    return waits;
                }
                log.committed().await.expect("answered");
                waits.push(from.elapsed());
            }
        }
    })
    .await?;
    print(&format!("{members} members, {tasks} tasks read"), waits);
    Ok(())
}

async fn on_tasks<F>(
    tasks: u64,
    run: impl Fn(u64, Instant) -> F,
) -> Result<Vec<Duration>, tokio::task::JoinError>
where
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let started = now();
    let running: Vec<_> = (0..tasks).map(|task| tokio::spawn(run(task, started))).collect();
    let mut waits = Vec::new();
    for task in running {
        waits.extend(task.await?);
    }
    waits.sort_unstable();
    Ok(waits)
}

fn print(what: &str, waits: Vec<Duration>) {
    let percentile = |percent: usize| waits[(waits.len() - 1) * percent / 100];
    println!(
        "{what}: {:.0}/s, p50 {:?}, p99 {:?}, max {:?}",
        waits.len() as f64 / MEASURED.as_secs_f64(),
        percentile(50),
        percentile(99),
        percentile(100),
    );
}

fn entry(task: u64, number: u64) -> Entry {
    let mut command = vec![b'a'; COMMAND_BYTES];
    command[..8].copy_from_slice(&task.to_le_bytes());
    command[8..16].copy_from_slice(&number.to_le_bytes());
    Entry {
        family: Family::AIRSPACE,
        version: 1,
        proposer: Proposer::new("hub").expect("a name"),
        stamp: Timestamp::from_micros(1_700_000_000_000_000).expect("in range"),
        command,
    }
}
