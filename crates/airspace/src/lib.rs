//! The rules of ASTM F3548-21's DSS as a pure, deterministic state machine.
//!
//! Same commands in the same order, same state, bit for bit. It reads no clock, draws no random
//! number and does no I/O: time, ids, random bits and cells arrive in the [`Command`]. It must
//! never hold what a party's flight is, only that something is there and where.

pub mod constraint;
pub mod operational_intent;
pub mod subscription;
pub mod uss_availability;

mod command;
mod extent;
mod id;
mod notification;
mod ovn;
mod text;

pub use command::{Accepted, Command, Outcome, Refusal, Request, Retry, Settings};
pub use extent::{Extent, Search};
pub use id::{EntityId, IdError, SubscriptionId};
pub use notification::{SubscriberToNotify, SubscriptionState};
pub use ovn::{NextOvn, Ovn, OvnSuffix};
pub use text::{Party, TextError, UssBaseUrl};
