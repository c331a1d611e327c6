//! Availability of a USS as an arbitrator has set it (F3548-21 `UssAvailabilityStatus`).

use borsh::{BorshDeserialize, BorshSerialize};

use crate::Party;

/// Whether a USS answers.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub enum UssAvailabilityState {
    /// Nobody has said.
    #[default]
    Unknown,
    /// It answers.
    Normal,
    /// It does not answer.
    Down,
}

/// Asks to set the availability of a USS.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Whose availability.
    pub uss_id: Party,
    /// The version that the caller believes current; empty if none was ever set.
    pub old_version: String,
    /// What to set.
    pub availability: UssAvailabilityState,
}

/// What is known of the availability of a USS.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct UssAvailabilityStatus {
    /// Whose availability.
    pub uss_id: Party,
    /// Its version; empty if none was ever set.
    pub version: String,
    /// Whether it answers.
    pub availability: UssAvailabilityState,
}

/// Why an availability was not set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// The version given is not its current one.
    #[error("the version is not the current one of this availability")]
    VersionMismatch,
    /// As many USSs as allowed have an availability.
    #[error("as many availabilities are set as may be")]
    TooMany,
}
