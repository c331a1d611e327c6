//! The DSS part of F3411 over HTTP, in both versions: wiring, statuses and bodies. The rules
//! themselves are tested in `airspace`, what is wrong with a message in `wire`.

mod areas;
mod bad_input;
mod fixture;
mod idempotency;
mod retention;
mod routes;
mod search;
mod subscriptions;
