//! Messages between USSs (F3548-21): details, notifications, telemetry.

pub mod constraints;
pub mod operational_intents;
pub mod telemetry;
