//! Availability of a USS as an arbitrator has set it (F3548-21 `UssAvailabilityStatus`).

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::limits::USS_AVAILABILITIES_MAX;
use crate::state::State;
use crate::{Accepted, Party, version};

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

/// The availability of a USS as the state keeps it.
#[derive(Clone, Debug)]
pub(crate) struct UssAvailability {
    pub(crate) uss_id: Party,
    pub(crate) availability: UssAvailabilityState,
    pub(crate) updated_at: Timestamp,
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

impl UssAvailability {
    /// Returns what is known of a USS of which nobody has said anything.
    pub(crate) fn unknown(uss_id: &Party) -> UssAvailabilityStatus {
        UssAvailabilityStatus {
            uss_id: uss_id.clone(),
            version: String::new(),
            availability: UssAvailabilityState::Unknown,
        }
    }

    pub(crate) fn status(&self) -> UssAvailabilityStatus {
        UssAvailabilityStatus {
            uss_id: self.uss_id.clone(),
            version: version::of(&self.uss_id, self.updated_at),
            availability: self.availability,
        }
    }
}

/// Sets the availability of a USS; who may is a matter of scopes, which `hub` has checked.
pub(crate) fn put(state: &mut State, command: &Put) -> Result<Accepted, Refusal> {
    if state.find_uss_availability(&command.uss_id).version != command.old_version {
        return Err(Refusal::VersionMismatch);
    }
    let is_new = state.uss_availabilities().find(&command.uss_id).is_none();
    if is_new && USS_AVAILABILITIES_MAX <= state.uss_availabilities().len() {
        return Err(Refusal::TooMany);
    }

    state.put_uss_availability(UssAvailability {
        uss_id: command.uss_id.clone(),
        availability: command.availability,
        updated_at: state.clock(),
    });
    Ok(Accepted::UssAvailability(state.find_uss_availability(&command.uss_id)))
}
