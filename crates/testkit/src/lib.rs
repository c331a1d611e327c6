//! What tests of several crates share.
//!
//! [`schema`] checks JSON against the standards' own API descriptions; [`shared_dir`] finds them.
//! Nothing here is part of what a hub or a desk runs.

pub mod schema;

mod shared;

pub use shared::{shared_dir, skip};
