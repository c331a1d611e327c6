//! The rules of the airspace once more, as plainly as they can be written: the oracle that tests
//! hold the real ones against.
//!
//! Lists and loops, no index, no cache, no pages. It was written from the rules' description and
//! shares nothing with crate `airspace` but the types of commands, outcomes and views; it must
//! stay so, since two copies of one thought prove nothing. What the description leaves open is
//! decided in a comment at the place.

use std::time::Duration;

use airspace::constraint::ConstraintReference;
use airspace::identification_service_area::IdentificationServiceAreaView;
use airspace::operational_intent::OperationalIntentReference;
use airspace::remote_id_subscription::RemoteIdSubscriptionView;
use airspace::subscription::SubscriptionView;
use airspace::uss_availability::UssAvailabilityStatus;
use airspace::{
    Accepted, Command, Decision, EntityId, F3411Settings, Footprint, Outcome, Party, Request,
    Search, Settings, SubscriptionId, Times,
};
use spacetime::{Cells, Timestamp};

mod constraint;
mod expiry;
mod idempotency;
mod identification_service_area;
mod import;
mod limits;
mod notification;
mod operational_intent;
mod overlap;
mod remote_id_subscription;
mod subscription;
mod uss_availability;
mod version;

pub use constraint::Constraint;
pub use expiry::Horizons;
pub use identification_service_area::IdentificationServiceArea;
pub use operational_intent::{OperationalIntent, is_in_key};
pub use remote_id_subscription::RemoteIdSubscription;
pub use subscription::Subscription;
pub use uss_availability::UssAvailability;

/// How far from now a start in the past or a requested OVN may lie.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5 * 60);

/// How long a subscription may last.
pub const SUBSCRIPTION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the outcome of a command with an `Idempotency-Key` is kept.
pub const OUTCOME_KEPT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an entity of F3548 is kept after its end unless the settings say otherwise.
pub const F3548_RETENTION_S: u32 = 24 * 60 * 60;

/// How long an entity of F3411 is kept after its end unless the settings say otherwise.
pub const F3411_RETENTION_S: u32 = 30 * 60;

/// The airspace as the rules see it; every list is in the order in which things came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// The time of the last entry.
    pub clock: Timestamp,
    /// The time at which the last entry's own times are judged.
    pub at: Timestamp,
    /// What is gone for good.
    pub horizons: Horizons,
    /// What the operator set.
    pub settings: Settings,
    /// What the operator set about remote ID.
    pub f3411_settings: F3411Settings,
    /// Every operational intent.
    pub operational_intents: Vec<OperationalIntent>,
    /// Every constraint.
    pub constraints: Vec<Constraint>,
    /// Every subscription.
    pub subscriptions: Vec<Subscription>,
    /// Every identification service area.
    pub identification_service_areas: Vec<IdentificationServiceArea>,
    /// Every subscription of F3411.
    pub remote_id_subscriptions: Vec<RemoteIdSubscription>,
    /// Every availability that was set.
    pub uss_availabilities: Vec<UssAvailability>,
    kept_outcomes: Vec<idempotency::KeptOutcome>,
}

/// A search would find more than one answer may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl Default for Model {
    fn default() -> Self {
        Model {
            clock: Timestamp::default(),
            at: Timestamp::default(),
            horizons: Horizons { f3548: Timestamp::MIN, f3411: Timestamp::MIN },
            settings: Settings { f3548_retention_s: F3548_RETENTION_S },
            f3411_settings: F3411Settings { retention_s: F3411_RETENTION_S },
            operational_intents: Vec::new(),
            constraints: Vec::new(),
            subscriptions: Vec::new(),
            identification_service_areas: Vec::new(),
            remote_id_subscriptions: Vec::new(),
            uss_availabilities: Vec::new(),
            kept_outcomes: Vec::new(),
        }
    }
}

impl Model {
    /// Decides the entry at `position`.
    pub fn apply(&mut self, position: u64, times: impl Into<Times>, command: &Command) -> Decision {
        let Times { clock, stamp } = times.into();
        self.clock = self.clock_of(clock);
        self.at = self.clock.max(stamp);
        expiry::remove_ended(self, self.clock);
        if let Some(answered) = idempotency::find_answer(self, command) {
            return answered;
        }
        let outcome = self.decide(command);
        let forgotten = idempotency::keep(self, position, command);
        Decision::Decided { outcome, forgotten }
    }

    /// Returns the clock of an entry that comes next, when it is `clock` outside.
    pub fn clock_of(&self, clock: Timestamp) -> Timestamp {
        clock.max(self.clock.plus(Duration::from_micros(1)))
    }

    /// Returns what is there for somebody who reads at `now`: without what is past its retention.
    pub fn as_of(&self, now: Timestamp) -> Model {
        let mut model = self.clone();
        expiry::remove_ended(&mut model, now);
        model
    }

    /// Finds an operational intent as `reader` is shown it.
    pub fn find_operational_intent(
        &self,
        reader: &Party,
        id: EntityId,
    ) -> Option<OperationalIntentReference> {
        operational_intent::find(self, reader, id)
    }

    /// Finds the operational intents that match, ascending by id.
    pub fn search_operational_intents(
        &self,
        reader: &Party,
        search: &Search,
    ) -> Result<Vec<OperationalIntentReference>, TooMany> {
        at_most_one_answer(operational_intent::matching(self, reader, search))
    }

    /// Finds a constraint as `reader` is shown it.
    pub fn find_constraint(&self, reader: &Party, id: EntityId) -> Option<ConstraintReference> {
        constraint::find(self, reader, id)
    }

    /// Finds the constraints that match, whatever their altitudes, ascending by id.
    pub fn search_constraints(
        &self,
        reader: &Party,
        search: &Search,
    ) -> Result<Vec<ConstraintReference>, TooMany> {
        at_most_one_answer(constraint::matching(self, reader, search))
    }

    /// Finds a subscription and whose it is.
    pub fn find_subscription(&self, id: SubscriptionId) -> Option<(Party, SubscriptionView)> {
        subscription::find(self, id)
    }

    /// Finds the subscriptions of `owner` that match and have not ended, ascending by id; what
    /// depends on them is listed too, so it counts like them.
    pub fn search_subscriptions(
        &self,
        now: Timestamp,
        owner: &Party,
        search: &Search,
    ) -> Result<Vec<SubscriptionView>, TooMany> {
        let found = at_most_one_answer(subscription::search(self, now, owner, search))?;
        let dependents = found.iter().map(|view| view.dependent_operational_intents.len());
        if airspace::ENTITIES_PER_SEARCH_MAX < dependents.sum() {
            return Err(TooMany);
        }
        Ok(found)
    }

    /// Finds an identification service area.
    pub fn find_identification_service_area(
        &self,
        id: EntityId,
    ) -> Option<IdentificationServiceAreaView> {
        identification_service_area::find(self, id)
    }

    /// Finds the identification service areas that match and have not ended, ascending by id.
    pub fn search_identification_service_areas(
        &self,
        now: Timestamp,
        footprint: &Footprint,
    ) -> Result<Vec<IdentificationServiceAreaView>, TooMany> {
        at_most_one_answer(identification_service_area::matching(self, now, footprint))
    }

    /// Finds a subscription of F3411.
    pub fn find_remote_id_subscription(
        &self,
        id: SubscriptionId,
    ) -> Option<RemoteIdSubscriptionView> {
        remote_id_subscription::find(self, id)
    }

    /// Finds the subscriptions of F3411 of `owner` in `cells` that have not ended, ascending by id.
    pub fn search_remote_id_subscriptions(
        &self,
        now: Timestamp,
        owner: &Party,
        cells: &Cells,
    ) -> Result<Vec<RemoteIdSubscriptionView>, TooMany> {
        at_most_one_answer(remote_id_subscription::search(self, now, owner, cells))
    }

    /// Finds what is known of the availability of a USS.
    pub fn find_uss_availability(&self, uss_id: &Party) -> UssAvailabilityStatus {
        uss_availability::find(self, uss_id)
    }

    fn decide(&mut self, command: &Command) -> Outcome {
        let party = &command.party;
        Ok(match &command.request {
            Request::PutOperationalIntent(put) => operational_intent::put(self, party, put)?,
            Request::DeleteOperationalIntent(delete) => {
                operational_intent::delete(self, party, delete)?
            }
            Request::PutConstraint(put) => constraint::put(self, party, put)?,
            Request::DeleteConstraint(delete) => constraint::delete(self, party, delete)?,
            Request::PutSubscription(put) => subscription::put(self, party, put)?,
            Request::DeleteSubscription(delete) => subscription::delete(self, party, delete)?,
            Request::PutUssAvailability(put) => uss_availability::put(self, put)?,
            Request::PutSettings(settings) => {
                self.settings = *settings;
                Accepted::Settings(*settings)
            }
            Request::PutIdentificationServiceArea(put) => {
                identification_service_area::put(self, party, put)?
            }
            Request::DeleteIdentificationServiceArea(delete) => {
                identification_service_area::delete(self, party, delete)?
            }
            Request::PutRemoteIdSubscription(put) => remote_id_subscription::put(self, party, put)?,
            Request::DeleteRemoteIdSubscription(delete) => {
                remote_id_subscription::delete(self, party, delete)?
            }
            Request::PutF3411Settings(settings) => {
                self.f3411_settings = *settings;
                Accepted::F3411Settings(*settings)
            }
            Request::Import(import) => import::import(self, import)?,
        })
    }
}

fn at_most_one_answer<T>(found: Vec<T>) -> Result<Vec<T>, TooMany> {
    if airspace::ENTITIES_PER_SEARCH_MAX < found.len() {
        return Err(TooMany);
    }
    Ok(found)
}
