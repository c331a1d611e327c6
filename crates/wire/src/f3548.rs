//! Messages of ASTM F3548-21: those between a USS and the DSS, and those between USSs ([`uss`]).

pub mod common;
pub mod constraints;
pub mod log_sets;
pub mod operational_intents;
pub mod reports;
pub mod subscriptions;
pub mod uss;
pub mod uss_availability;
pub mod volumes;

/// What a party is shown in place of another party's OVN; its USS tells the real one.
pub const AVAILABLE_FROM_USS: &str = "Available from USS";

/// The id that stands for no subscription where the standard requires one.
pub const NO_SUBSCRIPTION: &str = "00000000-0000-4000-8000-000000000000";

/// How many bytes a version of a subscription or an availability may have.
pub const VERSION_LENGTH_MAX: usize = 128;

/// A text is no version that a subscription or an availability could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// It has no characters.
    #[error("it is empty")]
    Empty,
    /// It is longer than any version.
    #[error("it is longer than {VERSION_LENGTH_MAX} bytes")]
    TooLong,
}

/// Returns the version that a path or a body names, if one could be written so.
pub fn parse_version(text: &str) -> Result<String, VersionError> {
    if text.is_empty() {
        return Err(VersionError::Empty);
    }
    if VERSION_LENGTH_MAX < text.len() {
        return Err(VersionError::TooLong);
    }
    Ok(text.to_owned())
}
