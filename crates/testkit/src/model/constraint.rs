//! Constraints.

use airspace::constraint::{ConstraintReference, Delete, Put, Refusal};
use airspace::uss_availability::UssAvailabilityState;
use airspace::{Accepted, EntityId, Extent, NextOvn, Ovn, Party, Search, UssBaseUrl};

use super::notification::{self, Change};
use super::overlap::{in_time, share_a_cell};
use super::{Model, limits, version};

/// A constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// How many times it was put.
    pub version: u32,
    /// Its current OVN.
    pub ovn: Ovn,
    /// Where and when.
    pub extent: Extent,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
}

pub(super) fn put(model: &mut Model, party: &Party, put: &Put) -> Result<Accepted, Refusal> {
    if put.extent.ends_at < model.at {
        return Err(Refusal::EndsInPast);
    }
    let old = model.constraints.iter().find(|known| known.id == put.id).cloned();
    match (&old, &put.ovn) {
        (None, None) => {}
        (None, Some(_)) => return Err(Refusal::NotFound),
        (Some(old), _) if old.manager != *party => return Err(Refusal::NotManager),
        (Some(_), None) => return Err(Refusal::AlreadyExists),
        (Some(old), Some(ovn)) if old.ovn != *ovn => return Err(Refusal::OvnMismatch),
        (Some(_), Some(_)) => {}
    }

    let constraint = Constraint {
        id: put.id,
        manager: party.clone(),
        version: version::next(old.as_ref().map(|old| old.version)),
        ovn: version::next_ovn(put.id, NextOvn::Random(put.next_ovn)),
        extent: put.extent.clone(),
        uss_base_url: put.uss_base_url.clone(),
    };
    let reference = shown(&constraint, party);
    let mut after = model.clone();
    after.constraints.retain(|known| known.id != put.id);
    after.constraints.push(constraint);
    if limits::exceeded(&after, party) {
        return Err(Refusal::TooMany);
    }
    *model = after;
    let union = notification::union(old.as_ref().map(|old| &old.extent), &put.extent);
    let subscribers = notification::notify(model, Change::Constraint, &union);
    Ok(Accepted::Constraint { reference, subscribers })
}

pub(super) fn delete(
    model: &mut Model,
    party: &Party,
    delete: &Delete,
) -> Result<Accepted, Refusal> {
    let Some(old) = model.constraints.iter().find(|known| known.id == delete.id).cloned() else {
        return Err(Refusal::NotFound);
    };
    if old.manager != *party {
        return Err(Refusal::NotManager);
    }
    if old.ovn != delete.ovn {
        return Err(Refusal::OvnMismatch);
    }

    model.constraints.retain(|known| known.id != delete.id);
    let subscribers = notification::notify(model, Change::Constraint, &old.extent);
    Ok(Accepted::Constraint { reference: shown(&old, party), subscribers })
}

pub(super) fn find(model: &Model, reader: &Party, id: EntityId) -> Option<ConstraintReference> {
    model.constraints.iter().find(|known| known.id == id).map(|found| shown(found, reader))
}

/// Everything that shares a cell and a moment, whatever its altitudes, ascending by id.
pub(super) fn matching(model: &Model, reader: &Party, search: &Search) -> Vec<ConstraintReference> {
    let mut found = Vec::new();
    for constraint in &model.constraints {
        if share_a_cell(&constraint.extent.cells, &search.cells)
            && in_time(&constraint.extent, search)
        {
            found.push(shown(constraint, reader));
        }
    }
    found.sort_by_key(|reference| *reference.id.as_bytes());
    found
}

/// The availability of a constraint's manager is never told.
fn shown(constraint: &Constraint, reader: &Party) -> ConstraintReference {
    ConstraintReference {
        id: constraint.id,
        manager: constraint.manager.clone(),
        uss_availability: UssAvailabilityState::Unknown,
        version: constraint.version,
        ovn: (constraint.manager == *reader).then(|| constraint.ovn.clone()),
        starts_at: constraint.extent.starts_at,
        ends_at: constraint.extent.ends_at,
        uss_base_url: constraint.uss_base_url.clone(),
    }
}
