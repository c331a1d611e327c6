//! The state of the airspace: what the log so far has come to.
//!
//! `apply` reads nothing but the state and the entry, so the same log gives the same state, bit for
//! bit. What a snapshot holds is in [`Tables`]; the indices beside it follow from it. They change
//! together, in `state/change.rs` and, for remote ID, in `state/remote_id.rs`, and nowhere else.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use crate::constraint::{self, Constraint};
use crate::entity::Shared;
use crate::expiry::{self, Ends};
use crate::idempotency::{self, KeptOutcome};
use crate::index::{Bounds, Index};
use crate::limits::Parties;
use crate::operational_intent::{self, OperationalIntent};
use crate::subscription::{self, Dependents, Subscription};
use crate::table::{Hash, Slot, Table};
use crate::uss_availability::{self, UssAvailability};
use crate::{
    Accepted, Command, Decision, Outcome, Party, Request, Settings, identification_service_area,
    import, remote_id_subscription, stored,
};

mod change;
mod check;
mod frozen;
mod read;
mod remote_id;
#[cfg(test)]
mod tests;

pub use frozen::FrozenState;
use remote_id::{RemoteIdIndices, RemoteIdTables};

/// How long an entity is kept after its end unless an operator sets another time.
const F3548_RETENTION_DEFAULT_S: u32 = 24 * 60 * 60;

/// What a hash of the whole state begins with; 0 to 2 begin those inside a table.
const ROOT: u8 = 3;

/// The airspace as F3548-21 and F3411 share it; `Default` is the empty one, before the first entry.
#[derive(Clone, Default)]
pub struct State {
    tables: Tables,
    operational_intent_index: Index,
    constraint_index: Index,
    subscription_index: Index,
    remote_id_indices: RemoteIdIndices,
    dependents: Dependents,
    ends: Ends,
    shared: Shared,
    /// Kept outcomes by position.
    kept: BTreeSet<(u64, Slot)>,
    /// While an entry is applied whose answer nobody hears; nothing else depends on it.
    is_unheard: bool,
}

/// All that a snapshot holds.
#[derive(Clone, Debug)]
struct Tables {
    /// Of the stored form and the hash: the latest version that any accepted request came with.
    version: u16,
    clock: Timestamp,
    horizon: Timestamp,
    settings: Settings,
    subscriptions: Table<Subscription>,
    operational_intents: Table<OperationalIntent>,
    constraints: Table<Constraint>,
    uss_availabilities: Table<UssAvailability>,
    kept_outcomes: Table<KeptOutcome>,
    /// Neither stored nor hashed in version 1.
    remote_id: RemoteIdTables,
}

/// What time it is where an entry is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// What moves the state's clock, by which expiry and versions go; in a pool nobody owns it.
    pub clock: Timestamp,
    /// The proposer's: a command's own times are judged by the later of it and the clock.
    pub stamp: Timestamp,
}

/// How much there is, for metrics; what is gone but not yet removed is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operational intents.
    pub operational_intents: usize,
    /// Constraints.
    pub constraints: usize,
    /// Subscriptions, explicit and implicit.
    pub subscriptions: usize,
    /// Identification service areas.
    pub identification_service_areas: usize,
    /// Subscriptions of F3411.
    pub remote_id_subscriptions: usize,
    /// USSs whose availability was set.
    pub uss_availabilities: usize,
    /// Outcomes kept for repeated requests.
    pub kept_outcomes: usize,
    /// Parties that have any of these.
    pub parties: usize,
    /// Cells of all entities, each as often as it is covered.
    pub cells: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { f3548_retention_s: F3548_RETENTION_DEFAULT_S }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Tables {
            version: stored::VERSION_MIN,
            clock: Timestamp::default(),
            horizon: Timestamp::MIN,
            settings: Settings::default(),
            subscriptions: Table::default(),
            operational_intents: Table::default(),
            constraints: Table::default(),
            uss_availabilities: Table::default(),
            kept_outcomes: Table::default(),
            remote_id: RemoteIdTables::default(),
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("clock", &self.clock())
            .field("counts", &self.counts())
            .finish()
    }
}

/// With one hub its stamp is the clock.
impl From<Timestamp> for Times {
    fn from(stamp: Timestamp) -> Self {
        Times { clock: stamp, stamp }
    }
}

impl State {
    /// Decides the entry at `position`, at `times`: its proposer's stamp alone where there is one hub.
    ///
    /// First the clock moves and what is long past is removed, whatever comes of the command. A
    /// refusal and a repeat change nothing else, but that a refusal with a retry key is remembered.
    pub fn apply(&mut self, position: u64, times: impl Into<Times>, command: &Command) -> Decision {
        let Times { clock, stamp } = times.into();
        self.advance(clock);
        expiry::remove_gone(self);
        if let Some(retry) = &command.retry
            && let Some(known) = idempotency::find(self, &command.party, retry)
        {
            return known;
        }
        let mut forgotten = idempotency::forget_old(self);
        // A proposer that is late does not bring back what the clock has passed.
        let at = stamp.max(self.clock());
        let outcome = self.decide(at, &command.party, &command.request);
        if let Some(retry) = &command.retry {
            forgotten.extend(idempotency::keep(self, position, &command.party, retry));
        }
        Decision::Decided { outcome, forgotten }
    }

    /// Decides as [`State::apply`] does, where nobody hears the answer: it does not list who must be
    /// told of a change, unless it is to be kept for a [`Retry`](crate::Retry).
    ///
    /// The state is the same. In a pool an entry is heard on one hub, and applied on all.
    pub fn apply_unheard(
        &mut self,
        position: u64,
        times: impl Into<Times>,
        command: &Command,
    ) -> Decision {
        self.is_unheard = command.retry.is_none();
        let decision = self.apply(position, times, command);
        self.is_unheard = false;
        decision
    }

    /// Tells whether somebody hears, or will hear, what is answered to the entry being applied.
    pub(crate) fn is_heard(&self) -> bool {
        !self.is_unheard
    }

    /// Returns the time of the last entry: it never goes back and moves with every entry.
    pub fn clock(&self) -> Timestamp {
        self.tables.clock
    }

    /// Returns what the operator has set.
    pub fn settings(&self) -> Settings {
        self.tables.settings
    }

    /// Returns how much there is.
    pub fn counts(&self) -> Counts {
        Counts {
            operational_intents: self.tables.operational_intents.len(),
            constraints: self.tables.constraints.len(),
            subscriptions: self.tables.subscriptions.len(),
            identification_service_areas: self.identification_service_areas().len(),
            remote_id_subscriptions: self.remote_id_subscriptions().len(),
            uss_availabilities: self.tables.uss_availabilities.len(),
            kept_outcomes: self.tables.kept_outcomes.len(),
            parties: self.shared.parties.len(),
            cells: self.shared.parties.cells(),
        }
    }

    /// Returns the hash of all that a snapshot holds; renews what changed since it was last asked.
    pub fn hash(&mut self) -> [u8; 32] {
        self.tables.hash()
    }

    /// Returns the state as it is now, to be written elsewhere while this one goes on.
    pub fn frozen(&self) -> FrozenState {
        FrozenState::of(self.tables.clone())
    }

    /// Returns the time at or before which what F3548-21 shares and that ended is gone.
    pub(crate) fn horizon(&self) -> Timestamp {
        self.tables.horizon
    }

    pub(crate) fn operational_intents(&self) -> &Table<OperationalIntent> {
        &self.tables.operational_intents
    }

    pub(crate) fn constraints(&self) -> &Table<Constraint> {
        &self.tables.constraints
    }

    pub(crate) fn subscriptions(&self) -> &Table<Subscription> {
        &self.tables.subscriptions
    }

    pub(crate) fn uss_availabilities(&self) -> &Table<UssAvailability> {
        &self.tables.uss_availabilities
    }

    pub(crate) fn kept_outcomes(&self) -> &Table<KeptOutcome> {
        &self.tables.kept_outcomes
    }

    pub(crate) fn ends(&self) -> &Ends {
        &self.ends
    }

    pub(crate) fn parties(&self) -> &Parties {
        &self.shared.parties
    }

    /// Moves the clock, and the horizons behind it; none ever goes back.
    fn advance(&mut self, clock: Timestamp) {
        let tables = &mut self.tables;
        tables.clock = clock.max(tables.clock.plus(Duration::from_micros(1)));
        tables.horizon = tables.horizon.max(tables.settings.horizon_at(tables.clock));
        tables.remote_id.advance(tables.clock);
    }

    /// Decides a request whose own times are judged at `at`; all others' are by the clock.
    fn decide(&mut self, at: Timestamp, party: &Party, request: &Request) -> Outcome {
        let accepted = match request {
            Request::PutOperationalIntent(put) => operational_intent::put(self, at, party, put)?,
            Request::DeleteOperationalIntent(delete) => {
                operational_intent::delete(self, party, delete)?
            }
            Request::PutConstraint(put) => constraint::put(self, at, party, put)?,
            Request::DeleteConstraint(delete) => constraint::delete(self, party, delete)?,
            Request::PutSubscription(put) => subscription::put(self, at, party, put)?,
            Request::DeleteSubscription(delete) => subscription::delete(self, party, delete)?,
            Request::PutUssAvailability(put) => uss_availability::put(self, put)?,
            Request::PutSettings(settings) => {
                self.tables.settings = *settings;
                Accepted::Settings(*settings)
            }
            Request::PutIdentificationServiceArea(put) => {
                identification_service_area::put(self, at, party, put)?
            }
            Request::DeleteIdentificationServiceArea(delete) => {
                identification_service_area::delete(self, party, delete)?
            }
            Request::PutRemoteIdSubscription(put) => {
                remote_id_subscription::put(self, at, party, put)?
            }
            Request::DeleteRemoteIdSubscription(delete) => {
                remote_id_subscription::delete(self, party, delete)?
            }
            Request::PutF3411Settings(settings) => {
                self.put_f3411_settings(*settings);
                Accepted::F3411Settings(*settings)
            }
            Request::Import(import) => import::put(self, import)?,
        };
        self.tables.version = self.tables.version.max(request.since_version());
        Ok(accepted)
    }
}

impl Settings {
    /// Returns the time at or before which an F3548-21 entity must have ended to be gone at `now`.
    fn horizon_at(&self, now: Timestamp) -> Timestamp {
        now.minus(Duration::from_secs(u64::from(self.f3548_retention_s)))
    }
}

impl Tables {
    /// Tells whether the stored form and the hash cover remote ID.
    fn has_remote_id(&self) -> bool {
        stored::REMOTE_ID_SINCE <= self.version
    }

    fn hash(&self) -> Hash {
        let mut hasher = Sha256::new_with_prefix([ROOT]);
        hasher.update(self.clock.as_micros().to_le_bytes());
        hasher.update(self.horizon.as_micros().to_le_bytes());
        hasher.update(self.settings.f3548_retention_s.to_le_bytes());
        hasher.update(self.subscriptions.hash());
        hasher.update(self.operational_intents.hash());
        hasher.update(self.constraints.hash());
        hasher.update(self.uss_availabilities.hash());
        hasher.update(self.kept_outcomes.hash());
        if self.has_remote_id() {
            self.remote_id.hash(&mut hasher);
        }
        hasher.finalize().into()
    }
}
