//! Messages of ASTM F3411-22a: those between a USS and the DSS, and those between USSs ([`uss`]).
//!
//! Times, altitudes, areas and volumes are the ones of F3548-21 ([`crate::f3548::common`]): both
//! descriptions have the same schemas. What both versions of F3411 share is in [`crate::f3411`].

pub mod identification_service_areas;
pub mod subscriptions;
pub mod uss;
