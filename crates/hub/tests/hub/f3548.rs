//! The DSS part of F3548-21 over HTTP: wiring, statuses and bodies. The rules themselves are tested
//! in `airspace`.

mod bad_input;
mod bad_volumes;
mod constraints;
mod fixture;
mod idempotency;
mod operational_intents;
mod reports;
mod routes;
mod subscriptions;
mod uss_availability;
