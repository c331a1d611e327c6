//! The rules of the DSS of ASTM F3548-21 and F3411 as a pure, deterministic state machine.
//!
//! Same commands in the same order, same state, bit for bit. It reads no clock, draws no random
//! number and does no I/O: time, ids, random bits and cells arrive in the [`Command`]. It must
//! never hold what a party's flight is, only that something is there and where.

pub mod constraint;
pub mod identification_service_area;
pub mod import;
pub mod operational_intent;
pub mod remote_id_subscription;
pub mod subscription;
pub mod uss_availability;

mod base64;
mod command;
mod entity;
mod expiry;
mod extent;
mod id;
mod idempotency;
mod index;
mod limits;
mod notification;
mod ovn;
mod remote_id_version;
mod state;
mod stored;
mod table;
mod text;
mod times;
mod version;

pub use command::{
    Accepted, Command, Decision, F3411Settings, Outcome, Refusal, Request, Retry, Settings,
};
pub use expiry::EXPIRIES_PER_ENTRY_MAX;
pub use extent::{ENTITIES_PER_SEARCH_MAX, Extent, Footprint, Search, TooManyFound};
pub use id::{EntityId, IdError, SubscriptionId};
pub use idempotency::{FORGOTTEN_PER_ENTRY_MAX, KEPT_OUTCOMES_PER_PARTY_MAX, OUTCOME_KEPT_MAX};
pub use limits::{
    CELLS_PER_PARTY_MAX, DEPENDENTS_PER_SUBSCRIPTION_MAX, LIVE_ENTITIES_PER_PARTY_MAX,
    PAST_SUFFIXES_MAX, USS_AVAILABILITIES_MAX,
};
pub use notification::{SubscriberToNotify, SubscriptionState};
pub use ovn::{NextOvn, Ovn, OvnHash, OvnSuffix, SUFFIX_SKEW_MAX};
pub use remote_id_version::{RemoteIdVersion, RemoteIdVersionError};
pub use state::{Counts, FrozenState, State, Times};
pub use text::{Party, TextError, UssBaseUrl};
