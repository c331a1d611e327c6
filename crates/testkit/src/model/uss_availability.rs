//! Availability of USSs.

use airspace::uss_availability::{Put, Refusal, UssAvailabilityState, UssAvailabilityStatus};
use airspace::{Accepted, Party};

use super::{Model, version};

/// What an arbitrator set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UssAvailability {
    /// Whose availability.
    pub uss_id: Party,
    /// Its version.
    pub version: String,
    /// Whether it answers.
    pub availability: UssAvailabilityState,
}

/// Anybody with the scope may set anybody's availability, so it matters not who asks.
pub(super) fn put(model: &mut Model, put: &Put) -> Result<Accepted, Refusal> {
    let old = find(model, &put.uss_id);
    if old.version != put.old_version {
        return Err(Refusal::VersionMismatch);
    }
    let is_new = old.version.is_empty();
    if is_new && airspace::USS_AVAILABILITIES_MAX <= model.uss_availabilities.len() {
        return Err(Refusal::TooMany);
    }

    model.uss_availabilities.retain(|known| known.uss_id != put.uss_id);
    model.uss_availabilities.push(UssAvailability {
        uss_id: put.uss_id.clone(),
        version: version::hashed(put.uss_id.as_str(), model.clock),
        availability: put.availability,
    });
    Ok(Accepted::UssAvailability(find(model, &put.uss_id)))
}

pub(super) fn find(model: &Model, uss_id: &Party) -> UssAvailabilityStatus {
    for known in &model.uss_availabilities {
        if known.uss_id == *uss_id {
            return UssAvailabilityStatus {
                uss_id: uss_id.clone(),
                version: known.version.clone(),
                availability: known.availability,
            };
        }
    }
    UssAvailabilityStatus {
        uss_id: uss_id.clone(),
        version: String::new(),
        availability: UssAvailabilityState::Unknown,
    }
}
