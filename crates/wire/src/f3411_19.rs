//! Messages of ASTM F3411-19 between a USS and the DSS.
//!
//! What it shares with F3411-22a is in [`crate::f3411`].

pub mod identification_service_areas;
pub mod subscriptions;
pub mod volumes;
