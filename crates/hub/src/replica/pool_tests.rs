//! A hub of a pool, whose other hubs put what the tests want into a log on one machine.

use std::sync::Mutex;
use std::time::Duration;

use airspace::{Command, EntityId, Outcome, Request};
use log::{AppendError, Entry, Family, Follower, HeadFuture, LogError, Position, Receipt, Ticket};
use pool::{
    Action, AppliedHead, Batch, Change, Effect, Founding, Genesis, GenesisHub, HubId, KeyPair,
    Owner, OwnerKey, OwnerName, PartyName, Placed, PoolName, Report, SignedChange, Standing,
    StateHash,
};
use spacetime::{Cell, Cells};
use tempfile::TempDir;

use super::*;
use crate::replica::declaration::Declaration;

const HUBS: [&str; 3] = ["hub-0", "hub-1", "hub-2"];
const NOW_US: i64 = 1_800_000_000_000_000;

/// The log of one machine in the place of a pool's.
struct Engine {
    log: Arc<LocalLog>,
    announced: Mutex<(AppliedHead, Option<StateHash>)>,
    /// Questions how far the log is are answered.
    answers: bool,
}

/// The hub that is tested, and what it takes to speak for the others.
struct Trial {
    replica: Replica,
    engine: Arc<Engine>,
    clock: Clock,
    revision: u64,
    _dir: TempDir,
}

impl Log for Engine {
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

impl super::Engine for Engine {
    fn announce(&self, applied: AppliedHead, state: Option<StateHash>) {
        *self.announced.lock().expect("nobody panics here") = (applied, state);
    }
}

impl Trial {
    async fn start() -> Self {
        Self::start_with(Consistency::Linearizable, true).await
    }

    async fn start_with(consistency: Consistency, answers: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let log_options = log::Options { disk_free_bytes_min: 0, ..log::Options::default() };
        let log = Arc::new(LocalLog::open(dir.path(), log_options).expect("the log opens"));
        let genesis = pool::Command::Genesis(genesis());
        let entry = pool_entry(Timestamp::MIN, &genesis);
        log.append(entry, Ticket(0)).expect("queued").await.expect("durable");
        let engine = Engine { log: Arc::clone(&log), announced: Mutex::default(), answers };
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
            witness: Arc::new(log::pool::NoWitness),
        };
        let replica = Replica::start_in_pool(in_pool, log, start, options).expect("it starts");
        let trial = Trial { replica, engine, clock, revision: 0, _dir: dir };
        trial.reach(1).await;
        trial.replica.0.in_pool().agreement().go_live();
        trial
    }

    /// Waits until the replica has applied the log up to here.
    async fn reach(&self, position: u64) {
        let mut progress = self.replica.0.progress.subscribe();
        let reached = progress.wait_for(|now| position <= now.head.position.number());
        let reached = tokio::time::timeout(Duration::from_secs(60), reached);
        reached.await.expect("in time").expect("the replica is there");
    }

    async fn append(&self, entry: Entry) {
        let receipt = self.engine.log.append(entry, Ticket(u64::MAX)).expect("queued");
        let position = receipt.await.expect("durable");
        // The sender tells the progress before it compares what hubs said.
        self.reach(position.number()).await;
    }

    /// Puts a batch of a hub.
    async fn put(&mut self, hub: usize, seconds: i64, state: Option<StateHash>, entries: &[Entry]) {
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

    async fn beat(&mut self, hub: usize, seconds: i64) {
        self.put(hub, seconds, None, &[]).await;
    }

    /// Puts heartbeats of this hub until the next position at which states are compared.
    async fn fill(&mut self) -> StateHash {
        while !self.position().is_multiple_of(STATE_HASH_ENTRIES) {
            self.beat(0, 0).await;
        }
        self.settled().await;
        self.replica.own_head().1.expect("it was taken at this position")
    }

    /// Waits until what was applied is compared too.
    async fn settled(&self) {
        let position = self.position();
        eventually(|| self.replica.own_head().0.position == position).await;
    }

    fn position(&self) -> u64 {
        self.replica.progress().head.position.number()
    }

    /// Binds a party to a hub.
    async fn bind(&mut self, party: &str, hub: usize) -> Effect {
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

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW_US + seconds * 1_000_000).expect("in range")
}

fn key(number: usize) -> KeyPair {
    KeyPair::from_seed(&[u8::try_from(number).expect("small"); 32])
}

fn hub_id(number: usize) -> HubId {
    HubId::new(HUBS[number]).expect("a name")
}

fn owner_name(number: usize) -> OwnerName {
    OwnerName::new(&format!("owner-{number}")).expect("a name")
}

fn genesis() -> Genesis {
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

fn pool_entry(stamp: Timestamp, command: &pool::Command) -> Entry {
    Entry {
        family: Family::POOL,
        version: pool::VERSION,
        proposer: Proposer::new(pool::PROPOSER).expect("a name"),
        stamp,
        command: command.to_bytes(),
    }
}

/// Creates the `n`th constraint, from `seconds` on for an hour.
fn constraint(party: &str, n: u8, seconds: i64) -> Command {
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
fn entry(hub: usize, seconds: i64, command: &Command) -> Entry {
    Entry {
        family: Family::AIRSPACE,
        version: AIRSPACE_VERSION,
        proposer: Proposer::new(HUBS[hub]).expect("a name"),
        stamp: at(seconds),
        command: borsh::to_vec(command).expect("writing to memory does not fail"),
    }
}

fn count(replica: &Replica) -> usize {
    replica.read(|state, _| state.counts().constraints)
}

fn state_hash(replica: &Replica) -> [u8; 32] {
    replica.0.states().frozen().hash()
}

async fn submit(replica: &Replica, party: &str, n: u8) -> Result<Outcome, SubmitError> {
    replica.submit(constraint(party, n, 0), ()).await
}

async fn eventually(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it becomes so");
}

#[tokio::test]
async fn takes_nothing_of_a_bound_party_through_another_hub() {
    let mut trial = Trial::start().await;
    let effect = trial.bind("uss1", 1).await;
    assert!(matches!(effect, Effect::Changed(_)), "{effect:?}");

    let refused = submit(&trial.replica, "uss1", 1).await;
    let unbound = submit(&trial.replica, "uss2", 2).await;
    trial.put(2, 0, None, &[entry(2, 0, &constraint("uss1", 3, 0))]).await;
    assert_eq!(count(&trial.replica), 1);
    trial.put(1, 0, None, &[entry(1, 0, &constraint("uss1", 4, 0))]).await;

    assert_eq!(refused, Err(SubmitError::PartyBound));
    assert!(unbound.expect("decided").is_ok());
    assert_eq!(count(&trial.replica), 2);
}

#[tokio::test]
async fn refuses_a_party_that_is_bound_while_its_command_waits() {
    let mut trial = Trial::start().await;
    let bytes = borsh::to_vec(&constraint("uss1", 1, 0)).expect("small");
    trial.bind("uss1", 1).await;

    // As if it had been let in before the binding was applied.
    let party = Party::new("uss1").expect("a name");
    let form = (Family::AIRSPACE, AIRSPACE_VERSION);
    let queued = trial.replica.put_checked(&party, form, bytes, ()).await;

    assert_eq!(queued.expect_err("it has no effect"), SubmitError::PartyBound);
    assert_eq!(count(&trial.replica), 0);
}

#[tokio::test]
async fn goes_on_after_what_is_no_command_and_what_no_hub_may_decide() {
    let mut trial = Trial::start().await;
    let hash = |trial: &Trial| trial.replica.read(|state, _| state.frozen()).hash();
    let before = hash(&trial);
    let malformed = Entry { command: vec![99], ..entry(1, 0, &constraint("uss1", 1, 0)) };
    let settings = Request::PutSettings(airspace::Settings { f3548_retention_s: 1 });
    let settings = Command { party: own_party(), retry: None, request: settings };
    let declared = borsh::to_vec(&Declaration::Restored).expect("small");
    let restored = Entry {
        family: Family::HUB,
        version: HUB_VERSION,
        command: declared,
        ..entry(1, 0, &settings)
    };

    trial.put(1, 0, None, &[malformed, entry(1, 0, &settings), restored]).await;
    let own = trial.replica.submit(settings, ()).await;

    assert_eq!(own, Err(SubmitError::OneHubOnly));
    assert_eq!(hash(&trial), before);
    assert_eq!(trial.replica.restored(), None);
    assert_eq!(trial.replica.failure(), None);
}

#[tokio::test]
async fn goes_by_a_clock_that_one_hub_cannot_move() {
    let mut trial = Trial::start().await;
    for hub in 0..3 {
        trial.beat(hub, 0).await;
    }
    submit(&trial.replica, "uss1", 1).await.expect("decided").expect("accepted");

    let years = 10 * 365 * 24 * 3_600;
    trial.put(2, years, None, &[entry(2, years, &constraint("uss3", 3, years))]).await;
    let after = submit(&trial.replica, "uss1", 2).await;

    assert!(after.expect("decided").is_ok());
    assert_eq!(count(&trial.replica), 3);
    assert!(trial.replica.progress().clock < at(1));
    assert_eq!(trial.replica.check_clock(), Ok(at(0)));
}

#[tokio::test]
async fn takes_no_changes_while_its_clock_is_apart_from_the_pools() {
    let mut trial = Trial::start().await;
    for hub in 0..3 {
        trial.beat(hub, 0).await;
    }

    trial.clock.advance(pool::STAMP_APART_MAX);
    assert_eq!(trial.replica.check_clock(), Ok(trial.clock.now()));
    trial.clock.advance(Duration::from_secs(3_600));
    // So long after the last batches the pool's clock stands and says nothing of this hub's.
    assert!(trial.replica.clock_stands());
    assert!(trial.replica.check_clock().is_ok());
    for hub in 1..3 {
        trial.beat(hub, 1).await;
    }
    trial.settled().await;

    assert!(!trial.replica.clock_stands());
    assert_eq!(submit(&trial.replica, "uss1", 1).await, Err(SubmitError::ClockApart));
    // Reads go by the pool's clock then.
    assert!(trial.replica.read(|_, now| now) < at(2));
}

#[tokio::test]
async fn announces_how_far_it_is_and_its_state() {
    let mut trial = Trial::start().await;

    let state = trial.fill().await;

    let announced = *trial.engine.announced.lock().expect("nobody panics here");
    assert_eq!(announced.0.position, STATE_HASH_ENTRIES);
    assert_eq!(announced.1, Some(state));
    assert_eq!(state.position, STATE_HASH_ENTRIES);
    assert_eq!(state.hash, state_hash(&trial.replica));
}

#[tokio::test]
async fn ends_when_most_hubs_differ_also_after_it_replayed_its_copy() {
    let mut trial = Trial::start().await;
    let StateHash { position, mut hash } = trial.fill().await;
    hash[0] ^= 1;
    let other = StateHash { position, hash };

    trial.put(1, 0, Some(other), &[]).await;
    trial.settled().await;
    assert_eq!(trial.replica.standing(), Some(Standing::Undecided));
    assert_eq!(submit(&trial.replica, "uss1", 1).await, Err(SubmitError::HubsDiffer));
    trial.put(2, 0, Some(other), &[]).await;

    let failure = trial.replica.failed().await;
    assert!(failure.contains("most hubs of the pool differ"), "{failure}");
}

#[tokio::test]
async fn goes_on_when_the_others_agree_that_one_differs() {
    let mut trial = Trial::start().await;
    let state = trial.fill().await;
    let mut other = state;
    other.hash[0] ^= 1;

    trial.put(1, 0, Some(other), &[]).await;
    trial.put(2, 0, Some(state), &[]).await;
    trial.settled().await;

    assert_eq!(trial.replica.standing(), Some(Standing::Majority));
    assert!(matches!(trial.replica.neighbor(&hub_id(1)).state, pool::View::Differs { .. }));
    assert!(submit(&trial.replica, "uss1", 1).await.expect("decided").is_ok());
}

#[tokio::test]
async fn heals_a_bit_that_flipped_in_memory() {
    let mut trial = Trial::start().await;
    submit(&trial.replica, "uss1", 1).await.expect("decided").expect("accepted");
    let flip = constraint("nobody", 9, 0);
    {
        let mut states = trial.replica.0.states.write().expect("nobody panicked");
        let applied = states.airspace.apply(2, at(0), &flip);
        assert!(matches!(applied, airspace::Decision::Decided { outcome: Ok(_), .. }));
    }
    let flipped = trial.fill().await;
    let head = trial.replica.progress().head;
    let (mut good, _) = replay::replay(&trial.engine.log, head).expect("the copy is good");
    let state = StateHash { position: flipped.position, hash: good.hash() };
    assert_ne!(state, flipped);

    trial.put(1, 0, Some(state), &[]).await;
    trial.put(2, 0, Some(state), &[]).await;
    trial.settled().await;
    eventually(|| trial.replica.standing() == Some(Standing::Majority)).await;

    assert_eq!(count(&trial.replica), 1);
    assert_eq!(trial.replica.failure(), None);
    assert!(submit(&trial.replica, "uss1", 2).await.expect("decided").is_ok());
}

#[tokio::test]
async fn notices_another_log_from_what_a_hub_says_directly() {
    let trial = Trial::start().await;
    let (mut applied, state) = trial.replica.own_head();
    applied.chain[0] ^= 1;
    let forked = pool::Announced { applied, state, placed: None };

    assert_eq!(trial.replica.hear(&hub_id(1), &forked), Standing::Undecided);
    assert_eq!(submit(&trial.replica, "uss1", 1).await, Err(SubmitError::HubsDiffer));
}

#[tokio::test]
async fn starts_from_a_snapshot_with_the_pool_in_it() {
    let mut trial = Trial::start().await;
    trial.bind("uss1", 1).await;
    submit(&trial.replica, "uss2", 1).await.expect("decided").expect("accepted");
    let (frozen, head) = (trial.replica.0.states().frozen(), trial.replica.progress().head);
    let hash = frozen.hash();
    let snapshots = trial.engine.log.snapshots();
    snapshots.write(head, hash, |to| frozen.write(to)).expect("it is written");

    let start = Start::load(&trial.engine.log).expect("it is read");

    assert_eq!(start.head(), head);
    assert_eq!(Some(start.pool()), Some(&trial.replica.0.states().pool));
    assert!(start.pool().pool().is_some());
}

#[tokio::test]
async fn reads_only_what_is_known_to_be_present() {
    let trial = Trial::start().await;
    assert_eq!(trial.replica.barrier().await, Ok(()));
    assert_eq!(trial.replica.local_age(), None);
    drop(trial);

    let trial = Trial::start_with(Consistency::Linearizable, false).await;
    tokio::time::pause();
    assert_eq!(trial.replica.barrier().await, Err(ReadError::Behind));
}

#[tokio::test]
async fn says_how_old_what_it_reads_may_be_where_it_does_not_ask() {
    let mut trial = Trial::start_with(Consistency::Local, false).await;
    trial.beat(1, 0).await;

    trial.clock.advance(Duration::from_secs(3));

    assert_eq!(trial.replica.barrier().await, Ok(()));
    assert_eq!(trial.replica.local_age(), Some(Duration::from_secs(3)));
}
