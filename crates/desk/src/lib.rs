//! A desk: a party's own side (a USS in F3548-21).
//!
//! It plans its user's flights, holds their details, answers other desks and tells them of changes.
//! The way of a flight: find out at the hub what is there ([`Desk::fly`]), fetch the details from
//! their managers' desks, intersect exactly, move within the bounds that the user gave, write down,
//! put it at the hub with the keys, tell subscribers. A hub that knows more refuses; then the desk
//! fetches what is missing and decides again, [`PLAN_ATTEMPTS_MAX`] times at most.
//!
//! What the hub is asked is durable before it is asked, so that after a crash the desk finds out
//! what became of it. Deciding is pure and synchronous (`plan`); all I/O is around it.
//!
//! By remote ID (`remote_id`) others see its active flights, and its user sees theirs.
//!
//! It must never put a flight that it has not compared with everything the hub knows of, never
//! show a peer details that the hub has not taken, and never follow where a peer points without
//! looking where that is.

mod book;
mod cache;
mod calls;
mod change;
mod client;
mod config;
mod core;
mod desk;
mod discover;
mod entity;
mod flight;
mod fly;
mod outbox;
mod plan;
mod public_key;
mod remote_id;
mod server;
mod store;
#[cfg(test)]
mod test_data;
mod upkeep;
mod wish;

pub use calls::{CallName, CallStats};
pub use change::ChangeError;
pub use client::tokens::{Credentials, TokenError};
pub use config::{Config, ConstraintProcessing, PrivateAddresses, RemoteId, TokenSource};
pub use core::FLIGHTS_AT_ONCE_MAX;
pub use desk::{Desk, StartError};
pub use discover::ENTITIES_PER_FLIGHT_MAX;
pub use flight::{
    BUFFER_LATERAL_M, BUFFER_VERTICAL_M, Bounds, Conflict, Constraint, ConstraintRequest, Course,
    DELAY_S_MAX, EntityKind, Flight, FlightRequest, GivenUp, IDENTIFICATION_CHARS_MAX,
    Identification, LowerPriority, POINTS_MAX, PathPoint, Report, Resolution,
};
pub use fly::PLAN_ATTEMPTS_MAX;
pub use plan::VOLUMES_PER_INTENT_MAX;
pub use plan::corridor::PathError;
pub use plan::moves::{ALTITUDES_MAX, BoundsError};
pub use remote_id::look::{
    FLIGHTS_PER_PROVIDER_MAX, PROVIDERS_PER_LOOK_MAX, SeenFlight, Sight, SilentProvider,
};
pub use remote_id::registration::WATCHES_MAX;
pub use remote_id::state::SeenState;
pub use remote_id::telemetry::{
    Accuracy, RECENT_MAX, TELEMETRY_AHEAD_MAX, Telemetry, TelemetryError,
};
pub use remote_id::watched_area::{AreaTooLarge, VIEWS_PER_WATCH_MAX};
pub use server::operation::{OPERATIONS, Operation};
pub use wish::RequestError;
