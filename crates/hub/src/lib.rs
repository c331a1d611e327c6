//! The hub: the shared representation of who flies where, served in the standards' own APIs.
//!
//! A request is routed, authorized and bounded (`server`, `dispatch`, `auth`, `admission`), parsed
//! and answered by a handler (`api`), which asks the one state through the one log (`replica`).
//! Clock and random numbers are read in [`clock`] and [`entropy`] and nowhere else. The hub knows
//! that something is there, not what it is; what it refuses it explains, and it never logs a token
//! or a body.

pub mod admission;
pub mod auth;
pub mod body;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod import;
pub mod replica;
pub mod reply;
pub mod reports;
pub mod server;
pub mod telemetry;
pub mod workers;

mod admin;
mod api;
mod call;
mod context;
mod dispatch;
mod hex;
mod hub;
mod in_pool;
mod version;

pub use admin::LAG_ENTRIES_MAX;
pub use call::IDEMPOTENCY_KEY_BYTES_MAX;
pub use config::Config;
pub use hub::{Hub, StartError};
pub use in_pool::{
    ENTRIES_BYTES_MAX, EVIDENCE_WAITING_MAX, MEMBERS_INTERVAL, PEER_ANSWER_MAX, PEER_INTERVAL,
    PIECE_BYTES_MAX, PartError, ROUNDS_MAX, SNAPSHOT_BYTES_MAX,
};
pub use version::version;
