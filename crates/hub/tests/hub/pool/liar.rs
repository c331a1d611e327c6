//! What the owner of a hub, or whoever has its key, can put into etcd, and what comes of it.

use airspace::{Party, constraint};
use hub::replica::known_rules;
use log::{Entry, Family, Proposer};
use pool::{
    Action, AppliedHead, BATCH_BYTES_MAX, Batch, CHANGES_PER_BATCH_MAX, Change, Command, HubId,
    OwnerKey, OwnerName, PartyName, Report, SignedChange, Slot, StateHash,
};
use spacetime::{Cell, Cells, Timestamp};

use crate::support::NOW_S;

use super::fixture::{HUBS, TestPool, genesis, key, sign};

/// Which hub lies: it is no process, but has its key.
pub(crate) const LIAR: usize = 2;

/// A way to lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Unsigned,
    OtherKey,
    OtherPool,
    OtherEpoch,
    OtherHub,
    OthersBatch,
    Repeated,
    Skipped,
    EntriesExchanged,
    Garbage,
    Nothing,
    TooLarge,
    Deleted,
    Previous,
    NoEntry,
    OthersEntry,
    OtherRules,
    NoChange,
    TooManyChanges,
    SignedTwice,
    TooFew,
    Replayed,
    ChangeOfOtherPool,
    ChangeOfOtherEpoch,
    OtherMembership,
    Stranger,
    Forged,
    OnlineKey,
    OtherLog,
    NotYet,
    OtherState,
    Stamp,
    NobodysKey,
    NoHubsKey,
    OtherPrefix,
    BoundParty,
}

/// What every hub must say of a lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// The value, with its bytes; the hub is set aside.
    SetAside(&'static str),
    /// The value, with its bytes; the place is spent.
    Spent(&'static str),
    /// The value, with its bytes, of nobody.
    OfNobody(&'static str),
    /// An entry of the batch, with its bytes: a change that had no effect.
    Change(&'static str),
    /// Another kind of evidence, which needs no bytes: the log of every hub has the batch.
    Kind(&'static str, &'static str),
    /// There is nothing wrong with it, or it is not the pool's.
    Nothing,
}

impl Lie {
    pub(crate) const ALL: [Lie; 36] = [
        Lie::Unsigned,
        Lie::OtherKey,
        Lie::OtherPool,
        Lie::OtherEpoch,
        Lie::OtherHub,
        Lie::OthersBatch,
        Lie::Repeated,
        Lie::Skipped,
        Lie::EntriesExchanged,
        Lie::Garbage,
        Lie::Nothing,
        Lie::TooLarge,
        Lie::Deleted,
        Lie::Previous,
        Lie::NoEntry,
        Lie::OthersEntry,
        Lie::OtherRules,
        Lie::NoChange,
        Lie::TooManyChanges,
        Lie::SignedTwice,
        Lie::TooFew,
        Lie::Replayed,
        Lie::ChangeOfOtherPool,
        Lie::ChangeOfOtherEpoch,
        Lie::OtherMembership,
        Lie::Stranger,
        Lie::Forged,
        Lie::OnlineKey,
        Lie::OtherLog,
        Lie::NotYet,
        Lie::OtherState,
        Lie::Stamp,
        Lie::NobodysKey,
        Lie::NoHubsKey,
        Lie::OtherPrefix,
        Lie::BoundParty,
    ];

    pub(crate) fn shown(self) -> Shown {
        match self {
            Lie::Unsigned | Lie::OtherKey | Lie::OthersBatch => Shown::SetAside("not signed with"),
            Lie::OtherPool => Shown::SetAside("of another pool"),
            Lie::OtherEpoch => Shown::SetAside("of another epoch"),
            Lie::OtherHub => Shown::SetAside("names another hub"),
            Lie::Repeated | Lie::Skipped => Shown::SetAside("repeated or out of sequence"),
            Lie::EntriesExchanged => Shown::SetAside("not those that were signed"),
            Lie::Garbage | Lie::Nothing => Shown::SetAside("not in the form of a batch"),
            Lie::TooLarge => Shown::SetAside("larger than a batch may be"),
            Lie::Deleted => Shown::SetAside("the key was deleted"),
            Lie::Previous => Shown::Spent("last good batch"),
            Lie::NoEntry => Shown::Spent("not in the form of the log"),
            Lie::OthersEntry => Shown::Spent("another proposer"),
            Lie::OtherRules => Shown::Spent("rules that are not active"),
            Lie::NoChange | Lie::SignedTwice => Shown::Spent("no change"),
            Lie::TooManyChanges => Shown::Spent("more changes than one may have"),
            Lie::TooFew => Shown::Change("1 signatures and needs 2"),
            Lie::Replayed | Lie::OtherMembership => Shown::Change("does not name what was decided"),
            Lie::ChangeOfOtherPool => Shown::Change("for another pool"),
            Lie::ChangeOfOtherEpoch => Shown::Change("for another epoch"),
            Lie::Stranger => Shown::Change("has signed the change and may not"),
            Lie::Forged => Shown::Change("the signature of birch is not good"),
            Lie::OnlineKey => Shown::Change("signed with its online key"),
            Lie::OtherLog | Lie::NotYet => Shown::Kind("differs", "its log differs"),
            Lie::OtherState => Shown::Kind("differs", "its state differs"),
            Lie::Stamp => Shown::Kind("stamp_apart", "apart from the pool's clock"),
            Lie::NobodysKey => Shown::OfNobody("not admitted"),
            Lie::NoHubsKey => Shown::OfNobody("not that of a hub"),
            Lie::OtherPrefix | Lie::BoundParty => Shown::Nothing,
        }
    }
}

/// What a liar knows from a hub that is honest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) applied: AppliedHead,
    pub(crate) state: Option<StateHash>,
    /// The version that its key has.
    pub(crate) version: u64,
}

/// What is put, and what of it is evidence.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) key: String,
    pub(crate) value: Option<Vec<u8>>,
    /// The bytes that every hub keeps.
    pub(crate) kept: Vec<u8>,
}

/// A hub that can be anything.
pub(crate) struct Liar<'a> {
    pool: &'a TestPool,
    /// A change that had an effect.
    decided: SignedChange,
    /// The membership's hash now.
    before: [u8; 32],
    previous: [u8; 32],
    last: Vec<u8>,
    /// How many constraints it has made.
    made: u8,
}

impl<'a> Liar<'a> {
    pub(crate) fn new(pool: &'a TestPool, decided: SignedChange) -> Self {
        let previous = *pool.genesis.fingerprint().as_bytes();
        Liar { pool, decided, before: [0; 32], previous, last: Vec::new(), made: 0 }
    }

    /// It was readmitted by this change.
    pub(crate) fn begin_anew(&mut self, readmission: &SignedChange) {
        self.previous = readmission.change.hash();
    }

    /// Puts a batch as any hub does.
    pub(crate) async fn beat(&mut self, known: Known) {
        self.put_good(known, Vec::new()).await;
    }

    /// Makes a constraint in the name of a party, as its client might have asked for.
    pub(crate) async fn act_as(&mut self, party: &str, known: Known) -> u8 {
        self.made += 1;
        let entry = command_entry(HUBS[LIAR], party, self.made);
        self.put_good(known, vec![entry]).await;
        self.made
    }

    /// Lies once.
    pub(crate) async fn lie(&mut self, lie: Lie, before: [u8; 32], known: Known) -> Put {
        self.before = before;
        let put = self.lied(lie, known);
        let stored = self.pool.store(&put.key, put.value.as_deref()).await;
        stored.expect("etcd takes what it is given");
        put
    }

    async fn put_good(&mut self, known: Known, entries: Vec<Vec<u8>>) {
        let batch = signed(self.slot(known), report(known), entries, HUBS[LIAR]);
        self.previous = batch.hash();
        self.last = batch.to_bytes();
        self.pool.store(&own_key(), Some(&self.last)).await.expect("etcd takes it");
    }

    fn lied(&mut self, lie: Lie, known: Known) -> Put {
        let (mut slot, mut report) = (self.slot(known), report(known));
        let (mut signer, mut entries) = (HUBS[LIAR], Vec::new());
        match lie {
            Lie::OtherKey => signer = HUBS[0],
            Lie::OtherPool => slot.pool = genesis(2).fingerprint(),
            Lie::OtherEpoch => slot.epoch += 1,
            Lie::OtherHub => slot.hub = hub_id(0),
            Lie::OthersBatch => (slot.hub, signer) = (hub_id(0), HUBS[0]),
            Lie::Skipped => slot.sequence += 1,
            Lie::Previous => slot.previous = [9; 32],
            Lie::OtherLog => report.applied.chain = [9; 32],
            Lie::NotYet => report.applied.position += 1_000_000,
            Lie::OtherState => {
                report.state.as_mut().expect("so many entries were put").hash = [9; 32];
            }
            Lie::Stamp => report.stamp = at(10 * 365 * 24 * 3_600),
            _ => entries = self.entries(lie),
        }
        let batch = signed(slot, report, entries, signer);
        let counts = match lie.shown() {
            Shown::Change(_) | Shown::Kind(..) => true,
            Shown::Nothing => lie == Lie::BoundParty,
            _ => false,
        };
        if counts {
            self.previous = batch.hash();
        }
        let entry = batch.entries().first().cloned();
        let mut bytes = batch.to_bytes();
        let end = bytes.len();
        match lie {
            Lie::Unsigned => bytes[end - 64..].fill(0),
            // The last byte of the only entry, before the signature.
            Lie::EntriesExchanged => bytes[end - 65] ^= 1,
            Lie::Garbage => bytes = b"garbage".to_vec(),
            Lie::Nothing => bytes = Vec::new(),
            Lie::TooLarge => bytes = vec![0; BATCH_BYTES_MAX + 1],
            Lie::Repeated => bytes = self.last.clone(),
            _ => {}
        }
        let key = match lie {
            Lie::NobodysKey => "log/nobody".to_owned(),
            Lie::NoHubsKey => "log/no hub".to_owned(),
            Lie::OtherPrefix => "logs/cedar-1".to_owned(),
            _ => own_key(),
        };
        let value = (lie != Lie::Deleted).then_some(bytes);
        let kept = match lie.shown() {
            Shown::Change(_) => entry.expect("it has a change"),
            _ => value.clone().unwrap_or_default(),
        };
        Put { key, value, kept }
    }

    fn entries(&mut self, lie: Lie) -> Vec<Vec<u8>> {
        match lie {
            Lie::NoEntry => vec![vec![1, 2, 3]],
            Lie::OthersEntry => vec![command_entry(HUBS[0], "uss2", 99)],
            Lie::OtherRules => vec![entry(HUBS[LIAR], Family(9), 1, vec![1])],
            Lie::NoChange => {
                let genesis = Command::Genesis(self.pool.genesis.clone()).to_bytes();
                vec![entry(HUBS[LIAR], Family::POOL, pool::VERSION, genesis)]
            }
            Lie::TooManyChanges => {
                vec![change_entry(&self.decided.to_bytes()); CHANGES_PER_BATCH_MAX + 1]
            }
            Lie::SignedTwice => vec![change_entry(&signed_twice(self.unbinding()))],
            Lie::BoundParty => vec![command_entry(HUBS[LIAR], "bound", 98)],
            Lie::EntriesExchanged => vec![command_entry(HUBS[LIAR], "uss2", 97)],
            _ => self
                .change(lie)
                .map(|signed| change_entry(&signed.to_bytes()))
                .into_iter()
                .collect(),
        }
    }

    /// Returns a change that must have no effect.
    fn change(&self, lie: Lie) -> Option<SignedChange> {
        let mut change = self.unbinding();
        let owners = ["alder", "birch"];
        let signed = match lie {
            Lie::Replayed => self.decided.clone(),
            Lie::TooFew => sign(change, &["cedar"]),
            Lie::ChangeOfOtherPool => {
                change.pool = genesis(2).fingerprint();
                sign(change, &owners)
            }
            Lie::ChangeOfOtherEpoch => {
                change.epoch += 1;
                sign(change, &owners)
            }
            Lie::OtherMembership => {
                change.before = [7; 32];
                sign(change, &owners)
            }
            Lie::Stranger => sign(change, &["cedar", "mallory"]),
            Lie::Forged => {
                let mut signed = sign(change, &["cedar"]);
                let birch = OwnerName::new("birch").expect("a name");
                signed.sign(&birch, OwnerKey::Online, &key("cedar")).expect("few");
                signed
            }
            Lie::OnlineKey => {
                change.action = Action::SetQuorum { quorum: 3 };
                sign(change, &owners)
            }
            _ => return None,
        };
        Some(signed)
    }

    fn unbinding(&self) -> Change {
        let party = PartyName::new("bound").expect("a name");
        let pool = self.pool.genesis.fingerprint();
        Change { pool, epoch: 1, before: self.before, action: Action::Unbind { party } }
    }

    fn slot(&self, known: Known) -> Slot {
        Slot {
            pool: self.pool.genesis.fingerprint(),
            epoch: 1,
            hub: hub_id(LIAR),
            sequence: known.version + 1,
            previous: self.previous,
        }
    }
}

pub(crate) fn own_key() -> String {
    format!("log/{}", HUBS[LIAR])
}

pub(crate) fn hub_id(number: usize) -> HubId {
    HubId::new(HUBS[number]).expect("a name")
}

/// Returns the id of the `n`th constraint that is made past every hub.
pub(crate) fn constraint_path(n: u8) -> String {
    format!("/dss/v1/constraint_references/{n:02x}000000-0000-4000-8000-000000000000")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros((NOW_S + seconds) * 1_000_000).expect("in range")
}

fn report(known: Known) -> Report {
    let Known { applied, state, .. } = known;
    Report { applied, state, stamp: at(0), rules: known_rules() }
}

fn signed(slot: Slot, report: Report, entries: Vec<Vec<u8>>, signer: &str) -> Batch {
    Batch::sign(slot, report, entries, &key(signer)).expect("it is small")
}

fn entry(proposer: &str, family: Family, version: u16, command: Vec<u8>) -> Vec<u8> {
    let proposer = Proposer::new(proposer).expect("a name");
    let entry = Entry { family, version, proposer, stamp: at(0), command };
    entry.to_bytes().expect("it is small")
}

/// Returns a change as a hub puts it, of the bytes of a signed one.
fn change_entry(signed: &[u8]) -> Vec<u8> {
    let placeholder = SignedChange::unsigned(Change {
        pool: genesis(1).fingerprint(),
        epoch: 1,
        before: [0; 32],
        action: Action::Unbind { party: PartyName::new("bound").expect("a name") },
    });
    let command = Command::Change(Box::new(placeholder.clone())).to_bytes();
    // What the pool's commands have before a change: what is not the change in the placeholder's.
    let around = command.len() - (placeholder.to_bytes().len() - 1);
    let command = [&command[..around], &signed[1..]].concat();
    entry(HUBS[LIAR], Family::POOL, pool::VERSION, command)
}

/// Returns a change with the signature of one owner in it twice, which is not its form.
fn signed_twice(change: Change) -> Vec<u8> {
    let signed = sign(change, &["cedar"]);
    let [signature] = signed.signatures() else { panic!("one has signed") };
    let mut bytes = vec![signed.to_bytes()[0]];
    let parts = (&signed.change, [signature, signature].to_vec(), None::<pool::Signature>);
    borsh::to_writer(&mut bytes, &parts).expect("writing to memory does not fail");
    bytes
}

/// Returns an entry that makes the `n`th constraint in the name of a party.
fn command_entry(proposer: &str, party: &str, n: u8) -> Vec<u8> {
    let mut id = [0; 16];
    id[0] = n;
    let cell = Cell::from_id(0x4000_0004_0000_0000).expect("a cell");
    let request = airspace::Request::PutConstraint(constraint::Put {
        id: airspace::EntityId::from_random_bytes(id),
        ovn: None,
        extent: airspace::Extent {
            starts_at: at(0),
            ends_at: at(3_600),
            altitude_lower: None,
            altitude_upper: None,
            cells: Cells::from_unsorted(vec![cell]).expect("there is one"),
        },
        uss_base_url: airspace::UssBaseUrl::new("https://uss.example").expect("a URL"),
        next_ovn: [n; 16],
    });
    let party = Party::new(party).expect("a name");
    let command = airspace::Command { party, retry: None, request };
    let version = known_rules().version(Family::AIRSPACE.0);
    entry(proposer, Family::AIRSPACE, version, command.to_bytes())
}
