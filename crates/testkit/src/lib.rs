//! What tests of several crates share.
//!
//! [`model`] holds the rules of the airspace a second time, naively, and [`commands`] draws random
//! sequences of commands to hold the two against each other. [`linearizable`] tells whether what
//! clients saw happened in one order, and [`contention`] has clients see something. [`schema`] checks
//! JSON against the standards' own API descriptions; [`shared_dir`] finds them; [`random`] draws
//! numbers. Nothing here is part of what a hub or a desk runs.

pub mod commands;
pub mod contention;
pub mod linearizable;
pub mod model;
pub mod random;
pub mod schema;

mod shared;

pub use shared::{shared_dir, skip};
