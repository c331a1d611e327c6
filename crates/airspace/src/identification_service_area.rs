//! Identification service areas (F3411-19 and F3411-22a `IdentificationServiceArea`): where a USS
//! has flights that tell who and where they are.
//!
//! Both versions of the standard share one state: what is put through one is found through the
//! other. `wire` has refused what needs no state; here is refused what depends on it or its clock.

use std::sync::Arc;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::index::{Bounds, Occupied};
use crate::limits::Growth;
use crate::state::State;
use crate::table::Slot;
use crate::{
    Accepted, EntityId, Footprint, Party, RemoteIdVersion, UssBaseUrl, notification, times,
};

/// Asks to create (`version` is `None`) or update an identification service area.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Which one.
    pub id: EntityId,
    /// The version that the caller believes current; `None` creates.
    pub version: Option<RemoteIdVersion>,
    /// Where and when; a missing start or end is filled by the rules.
    pub footprint: Footprint,
    /// Where flights are asked for: `flights_url` of F3411-19, `uss_base_url` of F3411-22a.
    pub uss_base_url: UssBaseUrl,
}

/// Asks to delete an identification service area.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delete {
    /// Which one.
    pub id: EntityId,
    /// The version that the caller believes current.
    pub version: RemoteIdVersion,
}

/// What everybody is shown of an identification service area.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct IdentificationServiceAreaView {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub owner: Party,
    /// Where flights are asked for.
    pub uss_base_url: UssBaseUrl,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Its version.
    pub version: RemoteIdVersion,
}

/// An identification service area as the state keeps it.
#[derive(Clone, Debug)]
pub(crate) struct IdentificationServiceArea {
    pub(crate) id: EntityId,
    pub(crate) owner: Party,
    pub(crate) uss_base_url: UssBaseUrl,
    /// At any altitude.
    pub(crate) occupied: Occupied,
    /// When it was last put; its version is made of it.
    pub(crate) updated_at: Timestamp,
}

/// Why an identification service area was not put or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// A creation names an id that exists.
    #[error("an identification service area with this id exists; give its version to update it")]
    AlreadyExists,
    /// An update or a deletion names an id that does not exist.
    #[error("there is no identification service area with this id")]
    NotFound,
    /// It is another party's.
    #[error("the identification service area belongs to another party")]
    NotOwner,
    /// The version given is not its current one.
    #[error("the version is not the current one of this identification service area")]
    VersionMismatch,
    /// It would start more than 5 minutes before now.
    #[error("the identification service area would start in the past")]
    StartsInPast,
    /// No end is given and there is none yet.
    #[error("an identification service area needs an end")]
    EndMissing,
    /// It would end at or before its start.
    #[error("the identification service area would end before it starts")]
    EndsBeforeStart,
    /// The party has as many live entities or cells as it may.
    #[error("the party has as many live entities as it may have")]
    TooMany,
}

impl IdentificationServiceArea {
    pub(crate) fn view(&self) -> IdentificationServiceAreaView {
        IdentificationServiceAreaView {
            id: self.id,
            owner: self.owner.clone(),
            uss_base_url: self.uss_base_url.clone(),
            starts_at: self.occupied.bounds.starts_at,
            ends_at: self.occupied.bounds.ends_at,
            version: self.version(),
        }
    }

    fn version(&self) -> RemoteIdVersion {
        RemoteIdVersion::of(self.updated_at)
    }
}

/// Creates or updates an identification service area, and tells whoever subscribed to where it was
/// or is.
///
/// The refusals come in the order of the deployed hubs: on a creation the times before the id that
/// exists, on an update the owner, the version, the times.
pub(crate) fn put(
    state: &mut State,
    at: Timestamp,
    party: &Party,
    command: &Put,
) -> Result<Accepted, Refusal> {
    let stored = state.live_identification_service_area(state.remote_id_horizon(), command.id);
    let old = match command.version {
        Some(version) => Some(check_update(state, party, stored, version)?),
        None => None,
    };
    let was = old.map(|slot| &state.identification_service_areas().at(slot).occupied);
    let bounds = bounds(at, &command.footprint, was.map(|was| was.bounds))?;
    if old.is_none() && stored.is_some() {
        return Err(Refusal::AlreadyExists);
    }
    let occupied = Occupied::at_any_altitude(bounds, &command.footprint.cells);
    if !state.parties().allow(party, &Growth::of(&occupied, was)) {
        return Err(Refusal::TooMany);
    }

    let told = match was {
        Some(was) => was.union_of_cells(&occupied.cells),
        None => Arc::clone(&occupied.cells),
    };
    let slot = state.put_identification_service_area(IdentificationServiceArea {
        id: command.id,
        owner: party.clone(),
        uss_base_url: command.uss_base_url.clone(),
        occupied,
        updated_at: state.clock(),
    });
    let subscribers = notification::notify_of_area(state, &told);
    let area = state.identification_service_areas().at(slot).view();
    Ok(Accepted::IdentificationServiceArea { area, subscribers })
}

/// Deletes an identification service area, and tells whoever subscribed to where it was.
///
/// The version is checked before the owner, as deployed hubs do.
pub(crate) fn delete(
    state: &mut State,
    party: &Party,
    command: &Delete,
) -> Result<Accepted, Refusal> {
    let horizon = state.remote_id_horizon();
    let slot =
        state.live_identification_service_area(horizon, command.id).ok_or(Refusal::NotFound)?;
    let stored = state.identification_service_areas().at(slot);
    if stored.version() != command.version {
        return Err(Refusal::VersionMismatch);
    }
    if stored.owner != *party {
        return Err(Refusal::NotOwner);
    }

    let removed = state.remove_identification_service_area(slot);
    let subscribers = notification::notify_of_area(state, &removed.occupied.cells);
    Ok(Accepted::IdentificationServiceArea { area: removed.view(), subscribers })
}

/// Returns what is shown of these, ascending by id.
pub(crate) fn views(state: &State, slots: Vec<Slot>) -> Vec<IdentificationServiceAreaView> {
    let found = slots.into_iter().map(|slot| state.identification_service_areas().at(slot));
    let mut views: Vec<_> = found.map(IdentificationServiceArea::view).collect();
    views.sort_unstable_by_key(|view| view.id);
    views
}

/// Returns what is updated; the owner is checked before the version, unlike in a deletion.
fn check_update(
    state: &State,
    party: &Party,
    stored: Option<Slot>,
    version: RemoteIdVersion,
) -> Result<Slot, Refusal> {
    let slot = stored.ok_or(Refusal::NotFound)?;
    let stored = state.identification_service_areas().at(slot);
    if stored.owner != *party {
        return Err(Refusal::NotOwner);
    }
    if stored.version() != version {
        return Err(Refusal::VersionMismatch);
    }
    Ok(slot)
}

/// Returns the times of an area: those given, else those it had, else from now; there is no end by
/// default. It may last as long as it likes, and may have ended.
fn bounds(at: Timestamp, given: &Footprint, had: Option<Bounds>) -> Result<Bounds, Refusal> {
    let starts_at = times::start(at, given.starts_at, had)?;
    let ends_at = given.ends_at.or(had.map(|had| had.ends_at)).ok_or(Refusal::EndMissing)?;
    Ok(times::until(starts_at, ends_at)?)
}
