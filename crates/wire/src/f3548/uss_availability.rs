//! Availability of USSs at the DSS (F3548-21).

use std::fmt;

use airspace::Party;
use airspace::uss_availability::{self, UssAvailabilityState};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::f3548::common::UssAvailabilityStateText;
use crate::f3548::{VERSION_LENGTH_MAX, VersionError};
use crate::json::{self, JsonError};
use crate::text;

/// Whether a USS answers (`UssAvailabilityStatus`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UssAvailabilityStatus {
    /// Which USS.
    #[serde(with = "text::required")]
    pub uss: Party,
    /// Whether it answers.
    #[serde(with = "UssAvailabilityStateText")]
    pub availability: UssAvailabilityState,
}

/// Asks to set an availability (`SetUssAvailabilityStatusParameters`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUssAvailabilityStatusParameters {
    /// The version that the caller believes current; empty or absent if none was ever set.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub old_version: String,
    /// What to set; any case is read, and empty is `Unknown`.
    #[serde(serialize_with = "UssAvailabilityStateText::serialize", deserialize_with = "any_case")]
    pub availability: UssAvailabilityState,
}

/// Tells an availability (`UssAvailabilityStatusResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UssAvailabilityStatusResponse {
    /// Its version; empty if none was ever set.
    pub version: String,
    /// What there is.
    pub status: UssAvailabilityStatus,
}

/// A request about availabilities is malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is not the JSON of the message.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The old version could be none.
    #[error("old_version: {0}")]
    OldVersion(VersionError),
}

/// Returns the command that a `SetUssAvailabilityStatusParameters` asks for.
pub fn parse_put(body: &[u8], uss_id: Party) -> Result<uss_availability::Put, ParseError> {
    let message: SetUssAvailabilityStatusParameters = json::parse(body)?;
    if VERSION_LENGTH_MAX < message.old_version.len() {
        return Err(ParseError::OldVersion(VersionError::TooLong));
    }
    Ok(uss_availability::Put {
        uss_id,
        old_version: message.old_version,
        availability: message.availability,
    })
}

/// Returns the JSON of a `UssAvailabilityStatusResponse`.
pub fn render(status: &uss_availability::UssAvailabilityStatus) -> Vec<u8> {
    json::render(&UssAvailabilityStatusResponse {
        version: status.version.clone(),
        status: UssAvailabilityStatus {
            uss: status.uss_id.clone(),
            availability: status.availability,
        },
    })
}

/// Reads a state as deployed hubs do: clients send `down`.
fn any_case<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UssAvailabilityState, D::Error> {
    struct StateVisitor;

    impl Visitor<'_> for StateVisitor {
        type Value = UssAvailabilityState;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Unknown, Normal or Down")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<UssAvailabilityState, E> {
            match text.to_ascii_lowercase().as_str() {
                "" | "unknown" => Ok(UssAvailabilityState::Unknown),
                "normal" => Ok(UssAvailabilityState::Normal),
                "down" => Ok(UssAvailabilityState::Down),
                _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
            }
        }
    }

    deserializer.deserialize_str(StateVisitor)
}
