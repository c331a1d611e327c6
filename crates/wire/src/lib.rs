//! JSON of the standards to and from domain values: the only place that knows field names.
//!
//! A message of a standard is one struct here, named as the standard's schema, read and written
//! with the same field names: a hub writes what a desk reads. What a hub receives is parsed once,
//! by the `parse_*` functions, into values that need no further checks (`airspace`, `spacetime`);
//! what it answers is written straight from the state's views by the `render_*` functions.
//!
//! It does no I/O, reads no clock and draws no random number. It must never decide a rule of the
//! airspace: it tells whether a message is well-formed, not whether it may be granted.

pub mod aux_;
pub mod f3411;
pub mod f3411_19;
pub mod f3411_22a;
pub mod f3548;
pub mod versioning;

mod base_url;
mod json;
mod list;
mod period;
mod rfc3339;
mod text;

pub use base_url::{BaseUrlError, Schemes};
pub use json::{JsonError, NESTING_MAX, parse, render};
pub use list::Mapped;
pub use rfc3339::{Rfc3339, Rfc3339Error};
