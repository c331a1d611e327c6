//! A hub of a pool whose other hubs put what the tests want, and what it takes to speak for them.

use std::sync::Mutex;
use std::time::Duration;

use airspace::{Command, EntityId, Outcome, Request};
use log::pool::Witness;
use log::{AppendError, Entry, Family, Follower, HeadFuture, LogError, Position, Receipt, Ticket};
use pool::{
    Action, AppliedHead, Batch, Change, Effect, Evidence, Founding, Genesis, GenesisHub, HubId,
    KeyPair, Owner, OwnerKey, OwnerName, PartyName, Placed, PoolName, Report, SignedChange,
    StateHash,
};
use spacetime::{Cell, Cells};
use tempfile::TempDir;

use super::super::*;

pub(super) const HUBS: [&str; 3] = ["hub-0", "hub-1", "hub-2"];
pub(super) const NOW_US: i64 = 1_800_000_000_000_000;

/// The log of one machine in the place of a pool's.
pub(super) struct TrialEngine {
    pub(super) log: Arc<LocalLog>,
    pub(super) announced: Mutex<(AppliedHead, Option<StateHash>)>,
    evidence: Mutex<Vec<Evidence>>,
    /// Questions how far the log is are answered.
    pub(super) answers: bool,
}

/// The hub that is tested, and what it takes to speak for the others.
pub(super) struct Trial {
    pub(super) replica: Replica,
    pub(super) engine: Arc<TrialEngine>,
    pub(super) clock: Clock,
    pub(super) revision: u64,
    _dir: TempDir,
}

impl Log for TrialEngine {
    fn append(&self, entry: Entry, ticket: Ticket) -> Result<Receipt, AppendError> {
        self.log.append(entry, ticket)
    }

    fn follow(&self, after: Position) -> Result<Follower, LogError> {
        self.log.follow(after)
    }

    fn committed(&self) -> HeadFuture {
        if self.answers { self.log.committed() } else { Box::pin(std::future::pending()) }
    }
}

impl Engine for TrialEngine {
    fn announce(&self, applied: AppliedHead, state: Option<StateHash>) {
        *self.announced.lock().expect("nobody panics here") = (applied, state);
    }
}

impl TrialEngine {
    /// Returns what the hub has found wrong so far.
    pub(super) fn evidence(&self) -> Vec<Evidence> {
        self.evidence.lock().expect("nobody panics here").clone()
    }
}

impl Witness for TrialEngine {
    fn evidence(&self, evidence: &Evidence, _: &[u8]) {
        self.evidence.lock().expect("nobody panics here").push(evidence.clone());
    }
}

impl Trial {
    pub(super) async fn start() -> Self {
        Self::start_with(Consistency::Linearizable, true).await
    }

    pub(super) async fn start_with(consistency: Consistency, answers: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let log_options = log::Options { disk_free_bytes_min: 0, ..log::Options::default() };
        let log = Arc::new(LocalLog::open(dir.path(), log_options).expect("the log opens"));
        let genesis = pool::Command::Genesis(genesis());
        let entry = pool_entry(Timestamp::MIN, &genesis);
        log.append(entry, Ticket(0)).expect("queued").await.expect("durable");
        let engine = TrialEngine {
            log: Arc::clone(&log),
            announced: Mutex::default(),
            evidence: Mutex::default(),
            answers,
        };
        let engine = Arc::new(engine);
        let clock = Clock::manual(at(0));
        let options = Options {
            proposer: Proposer::new(HUBS[0]).expect("a name"),
            snapshot_entries: 1_000_000,
            clock: clock.clone(),
        };
        let start = Start::load(&log).expect("it is read");
        let in_pool = InPool {
            engine: Arc::clone(&engine) as _,
            hub: hub_id(0),
            consistency,
            witness: Arc::clone(&engine) as _,
            told: None,
        };
        let replica = Replica::start_in_pool(in_pool, log, start, options).expect("it starts");
        let trial = Trial { replica, engine, clock, revision: 0, _dir: dir };
        trial.reach(1).await;
        trial.replica.0.in_pool().agreement().go_live();
        trial
    }

    /// Waits until the replica has applied the log up to here.
    pub(super) async fn reach(&self, position: u64) {
        let mut progress = self.replica.0.progress.subscribe();
        let reached = progress.wait_for(|now| position <= now.head.position.number());
        let reached = tokio::time::timeout(Duration::from_secs(60), reached);
        reached.await.expect("in time").expect("the replica is there");
    }

    pub(super) async fn append(&self, entry: Entry) {
        let receipt = self.engine.log.append(entry, Ticket(u64::MAX)).expect("queued");
        let position = receipt.await.expect("durable");
        // The sender tells the progress before it compares what hubs said.
        self.reach(position.number()).await;
    }

    /// Puts a batch of a hub.
    pub(super) async fn put(
        &mut self,
        hub: usize,
        seconds: i64,
        state: Option<StateHash>,
        entries: &[Entry],
    ) {
        let (applied, _) = self.replica.own_head();
        let slot = self.replica.read_pool(|pool| pool.expect("it is one").next_slot(&hub_id(hub)));
        let report = Report { applied, state, stamp: at(seconds), rules: known_rules() };
        let bytes = entries.iter().map(|entry| entry.to_bytes().expect("small")).collect();
        let batch = Batch::sign(slot.expect("admitted"), report, bytes, &key(hub));
        self.revision += 1;
        let placed = Placed::of(self.revision, &batch.expect("small"));
        let placed = pool::Command::Placed(Box::new(placed));
        self.append(pool_entry(at(seconds), &placed)).await;
        for entry in entries {
            self.append(entry.clone()).await;
        }
    }

    pub(super) async fn beat(&mut self, hub: usize, seconds: i64) {
        self.put(hub, seconds, None, &[]).await;
    }

    /// Puts heartbeats of this hub until the next position at which states are compared.
    pub(super) async fn fill(&mut self) -> StateHash {
        while !self.position().is_multiple_of(STATE_HASH_ENTRIES) {
            self.beat(0, 0).await;
        }
        self.settled().await;
        self.replica.own_head().1.expect("it was taken at this position")
    }

    /// Waits until what was applied is compared too.
    pub(super) async fn settled(&self) {
        let position = self.position();
        eventually(|| self.replica.own_head().0.position == position).await;
    }

    pub(super) fn position(&self) -> u64 {
        self.replica.progress().head.position.number()
    }

    /// Binds a party to a hub.
    pub(super) async fn bind(&mut self, party: &str, hub: usize) -> Effect {
        let signed = self.replica.read_pool(|pool| {
            let membership = pool.expect("it is one").membership();
            let action = Action::Bind {
                party: PartyName::new(party).expect("a name"),
                hubs: vec![hub_id(hub)],
            };
            let (pool, epoch, before) = (membership.pool(), membership.epoch(), membership.hash());
            let mut signed = SignedChange::unsigned(Change { pool, epoch, before, action });
            for owner in 0..2 {
                let name = owner_name(owner);
                signed.sign(&name, OwnerKey::Online, &key(10 + owner)).expect("few");
            }
            signed
        });
        self.replica.change(signed).await.expect("it is in the log")
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.engine.log.close();
        self.replica.join();
    }
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW_US + seconds * 1_000_000).expect("in range")
}

pub(super) fn key(number: usize) -> KeyPair {
    KeyPair::from_seed(&[u8::try_from(number).expect("small"); 32])
}

pub(super) fn hub_id(number: usize) -> HubId {
    HubId::new(HUBS[number]).expect("a name")
}

pub(super) fn owner_name(number: usize) -> OwnerName {
    OwnerName::new(&format!("owner-{number}")).expect("a name")
}

pub(super) fn genesis() -> Genesis {
    let owner = |number| Owner {
        name: owner_name(number),
        key: key(10 + number).public_key(),
        offline_key: key(20 + number).public_key(),
    };
    let hub = |number| GenesisHub {
        id: hub_id(number),
        owner: owner_name(number),
        key: key(number).public_key(),
    };
    let founding = Founding {
        name: PoolName::new("trial").expect("a name"),
        nonce: [1; 32],
        owners: (0..3).map(owner).collect(),
        quorum: 2,
        hubs: (0..3).map(hub).collect(),
        rules: known_rules(),
    };
    Genesis::new(founding).expect("a good one")
}

pub(super) fn pool_entry(stamp: Timestamp, command: &pool::Command) -> Entry {
    Entry {
        family: Family::POOL,
        version: pool::VERSION,
        proposer: Proposer::new(pool::PROPOSER).expect("a name"),
        stamp,
        command: command.to_bytes(),
    }
}

/// Creates the `n`th constraint, from `seconds` on for an hour.
pub(super) fn constraint(party: &str, n: u8, seconds: i64) -> Command {
    let mut id = [0; 16];
    id[0] = n;
    let cell = Cell::from_id(0x4000_0004_0000_0000).expect("a cell");
    let request = Request::PutConstraint(airspace::constraint::Put {
        id: EntityId::from_random_bytes(id),
        ovn: None,
        extent: airspace::Extent {
            starts_at: at(seconds),
            ends_at: at(seconds + 3_600),
            altitude_lower: None,
            altitude_upper: None,
            cells: Cells::from_unsorted(vec![cell]).expect("there is one"),
        },
        uss_base_url: airspace::UssBaseUrl::new("https://uss.example").expect("a URL"),
        next_ovn: [n; 16],
    });
    Command { party: Party::new(party).expect("a name"), retry: None, request }
}

/// Returns the entry of a command that another hub puts.
pub(super) fn entry(hub: usize, seconds: i64, command: &Command) -> Entry {
    Entry {
        family: Family::AIRSPACE,
        version: AIRSPACE_VERSION,
        proposer: Proposer::new(HUBS[hub]).expect("a name"),
        stamp: at(seconds),
        command: borsh::to_vec(command).expect("writing to memory does not fail"),
    }
}

pub(super) fn count(replica: &Replica) -> usize {
    replica.read(|state, _| state.counts().constraints)
}

pub(super) fn state_hash(replica: &Replica) -> [u8; 32] {
    replica.0.states().frozen().hash()
}

pub(super) async fn submit(replica: &Replica, party: &str, n: u8) -> Result<Outcome, SubmitError> {
    replica.submit(constraint(party, n, 0), ()).await
}

pub(super) async fn eventually(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it becomes so");
}
