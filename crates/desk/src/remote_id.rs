//! Remote ID (F3411-22a): others see the desk's active flights, and the desk sees theirs.
//!
//! As a service provider the desk keeps an identification service area at the hub for each active
//! flight ([`extents`], [`registration`]), tells those who ask where its flights are ([`flights`])
//! from what their user told ([`telemetry`]) or from their plan ([`course`]), and who flies them.
//! As a display provider it keeps a subscription for each watch of its user ([`watched_area`]),
//! knows which service areas are there ([`sky`]), and asks their desks for flights ([`look`]).
//!
//! It must never tell the hub who flies, and never tells a position that is neither told nor
//! planned.

pub(crate) mod course;
pub(crate) mod extents;
pub(crate) mod flights;
pub(crate) mod look;
pub(crate) mod register;
pub(crate) mod registration;
pub(crate) mod sky;
pub(crate) mod state;
pub(crate) mod telemetry;
pub(crate) mod watched_area;
