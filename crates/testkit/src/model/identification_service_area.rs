//! Identification service areas of F3411.

use airspace::identification_service_area::{Delete, IdentificationServiceAreaView, Put, Refusal};
use airspace::{Accepted, EntityId, Footprint, Party, RemoteIdVersion, UssBaseUrl};
use spacetime::{Cells, Timestamp};

use super::notification;
use super::overlap::share_a_cell;
use super::{CLOCK_SKEW_MAX, Model, limits, version};

/// An identification service area.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentificationServiceArea {
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
    /// Where it is, at any altitude.
    pub cells: Cells,
    /// Its version.
    pub version: RemoteIdVersion,
}

/// Deployed hubs look at the times of a new one first (400), then whether it exists (409). Of one
/// that exists they look whose it is (403), then at the version (409), and last at the times (400).
pub(super) fn put(model: &mut Model, party: &Party, put: &Put) -> Result<Accepted, Refusal> {
    let old = known(model, put.id).cloned();
    let (starts_at, ends_at) = match (&old, &put.version) {
        (None, Some(_)) => return Err(Refusal::NotFound),
        (None, None) => choose_times(model.at, put, None)?,
        (Some(_), None) => {
            choose_times(model.at, put, None)?;
            return Err(Refusal::AlreadyExists);
        }
        (Some(old), Some(_)) if old.owner != *party => return Err(Refusal::NotOwner),
        (Some(old), Some(version)) if old.version != *version => {
            return Err(Refusal::VersionMismatch);
        }
        (Some(old), Some(_)) => choose_times(model.at, put, Some(old))?,
    };

    let stored = IdentificationServiceArea {
        id: put.id,
        owner: party.clone(),
        uss_base_url: put.uss_base_url.clone(),
        starts_at,
        ends_at,
        cells: put.footprint.cells.clone(),
        version: version::of_remote_id(model.clock),
    };
    let area = shown(&stored);
    let mut after = model.clone();
    after.identification_service_areas.retain(|known| known.id != put.id);
    after.identification_service_areas.push(stored);
    if limits::exceeded(&after, party) {
        return Err(Refusal::TooMany);
    }
    *model = after;
    // One that is put so late that it would be gone is so at once.
    let horizon = model.horizons.f3411;
    model.identification_service_areas.retain(|known| horizon < known.ends_at);
    let new_cells = &put.footprint.cells;
    let cells = old.map_or_else(|| new_cells.clone(), |old| old.cells.union(new_cells));
    let subscribers = notification::notify_of_area(model, &cells);
    Ok(Accepted::IdentificationServiceArea { area, subscribers })
}

/// Unlike an update, a deletion is held to the version first (409), then to the owner (403).
pub(super) fn delete(
    model: &mut Model,
    party: &Party,
    delete: &Delete,
) -> Result<Accepted, Refusal> {
    let Some(old) = known(model, delete.id).cloned() else {
        return Err(Refusal::NotFound);
    };
    if old.version != delete.version {
        return Err(Refusal::VersionMismatch);
    }
    if old.owner != *party {
        return Err(Refusal::NotOwner);
    }

    model.identification_service_areas.retain(|known| known.id != delete.id);
    let subscribers = notification::notify_of_area(model, &old.cells);
    Ok(Accepted::IdentificationServiceArea { area: shown(&old), subscribers })
}

/// What has ended is found until it is removed.
pub(super) fn find(model: &Model, id: EntityId) -> Option<IdentificationServiceAreaView> {
    known(model, id).map(shown)
}

/// Everything that shares a cell and a moment and has not ended, ascending by id.
pub(super) fn matching(
    model: &Model,
    now: Timestamp,
    footprint: &Footprint,
) -> Vec<IdentificationServiceAreaView> {
    let earliest = footprint.starts_at.map_or(now, |earliest| earliest.max(now));
    let mut found = Vec::new();
    for area in &model.identification_service_areas {
        let starts_too_late = footprint.ends_at.is_some_and(|latest| latest < area.starts_at);
        if share_a_cell(&area.cells, &footprint.cells)
            && earliest <= area.ends_at
            && !starts_too_late
        {
            found.push(shown(area));
        }
    }
    found.sort_by_key(|view| *view.id.as_bytes());
    found
}

fn known(model: &Model, id: EntityId) -> Option<&IdentificationServiceArea> {
    model.identification_service_areas.iter().find(|known| known.id == id)
}

fn shown(area: &IdentificationServiceArea) -> IdentificationServiceAreaView {
    IdentificationServiceAreaView {
        id: area.id,
        owner: area.owner.clone(),
        uss_base_url: area.uss_base_url.clone(),
        starts_at: area.starts_at,
        ends_at: area.ends_at,
        version: area.version,
    }
}

/// What is not given: the start is the old one's or now, the end is the old one's; a new one needs
/// an end. It may last for as long as its owner likes.
///
/// The end may be in the past, unlike that of subscriptions of F3548: deployed hubs take it.
fn choose_times(
    now: Timestamp,
    put: &Put,
    old: Option<&IdentificationServiceArea>,
) -> Result<(Timestamp, Timestamp), Refusal> {
    let Footprint { starts_at, ends_at, .. } = put.footprint;
    if starts_at.is_some_and(|start| start < now.minus(CLOCK_SKEW_MAX)) {
        return Err(Refusal::StartsInPast);
    }
    let starts_at = starts_at.unwrap_or_else(|| old.map_or(now, |old| old.starts_at));
    let Some(ends_at) = ends_at.or(old.map(|old| old.ends_at)) else {
        return Err(Refusal::EndMissing);
    };
    if ends_at <= starts_at {
        return Err(Refusal::EndsBeforeStart);
    }
    Ok((starts_at, ends_at))
}
