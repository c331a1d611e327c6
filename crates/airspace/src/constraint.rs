//! Constraints (F3548-21 `ConstraintReference`).
//!
//! `wire` and `hub` refuse before the log what needs no state: forms and bounds, a missing scope.
//! Here is refused what depends on the state or its clock.

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

use crate::index::Occupied;
use crate::limits::Growth;
use crate::notification::{self, Change};
use crate::state::State;
use crate::table::Slot;
use crate::uss_availability::UssAvailabilityState;
use crate::{Accepted, EntityId, Extent, Ovn, Party, UssBaseUrl};

/// Asks to create (`ovn` is `None`) or update a constraint.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Put {
    /// Which one.
    pub id: EntityId,
    /// The OVN that the caller believes current; `None` creates.
    pub ovn: Option<Ovn>,
    /// The union of all volumes.
    pub extent: Extent,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
    /// 128 bits that the proposer drew once, for the next OVN.
    pub next_ovn: [u8; 16],
}

/// Asks to delete a constraint.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Delete {
    /// Which one.
    pub id: EntityId,
    /// The OVN that the caller believes current.
    pub ovn: Ovn,
}

/// What a party is shown of a constraint.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ConstraintReference {
    /// Which one.
    pub id: EntityId,
    /// Whose it is.
    pub manager: Party,
    /// Always `Unknown`, as deployed hubs answer.
    pub uss_availability: UssAvailabilityState,
    /// How many times it was put.
    pub version: u32,
    /// Its OVN, `None` where the reader is not its manager.
    pub ovn: Option<Ovn>,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Where its details are found.
    pub uss_base_url: UssBaseUrl,
}

/// A constraint as the state keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Constraint {
    pub(crate) id: EntityId,
    pub(crate) manager: Party,
    pub(crate) version: u32,
    /// The bits that its OVN is made of.
    pub(crate) made_of: [u8; 16],
    pub(crate) occupied: Occupied,
    pub(crate) uss_base_url: UssBaseUrl,
}

/// Why a constraint was not put or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum Refusal {
    /// A creation names an id that exists.
    #[error("a constraint with this id exists; give its OVN to update it")]
    AlreadyExists,
    /// An update or a deletion names an id that does not exist.
    #[error("there is no constraint with this id")]
    NotFound,
    /// It is another party's.
    #[error("the constraint is managed by another party")]
    NotManager,
    /// The OVN given is not its current one.
    #[error("the OVN is not the current one of this constraint")]
    OvnMismatch,
    /// It would end before now.
    #[error("the constraint would end in the past")]
    EndsInPast,
    /// The party has as many live entities or cells as it may.
    #[error("the party has as many live entities as it may have")]
    TooMany,
}

impl Constraint {
    pub(crate) fn ovn(&self) -> Ovn {
        Ovn::of_bits(self.id, self.made_of)
    }

    fn reference(&self, reader: &Party) -> ConstraintReference {
        ConstraintReference {
            id: self.id,
            manager: self.manager.clone(),
            uss_availability: UssAvailabilityState::Unknown,
            version: self.version,
            ovn: (self.manager == *reader).then(|| self.ovn()),
            starts_at: self.occupied.bounds.starts_at,
            ends_at: self.occupied.bounds.ends_at,
            uss_base_url: self.uss_base_url.clone(),
        }
    }
}

/// Creates or updates a constraint, and tells whoever subscribed to where it was or is.
pub(crate) fn put(
    state: &mut State,
    at: Timestamp,
    party: &Party,
    command: &Put,
) -> Result<Accepted, Refusal> {
    if command.extent.ends_at < at {
        return Err(Refusal::EndsInPast);
    }
    let old = check_version(state, party, command)?;
    let new = Constraint {
        id: command.id,
        manager: party.clone(),
        version: old.map_or(1, |old| state.constraints().at(old).version.saturating_add(1)),
        made_of: command.next_ovn,
        occupied: Occupied::from(&command.extent),
        uss_base_url: command.uss_base_url.clone(),
    };
    check_limits(state, &new, old)?;

    let mut told = new.occupied.clone();
    if let Some(old) = old {
        let was = &state.constraints().at(old).occupied;
        told = Occupied {
            bounds: told.bounds.union(&was.bounds),
            cells: was.union_of_cells(&told.cells),
        };
    }
    let slot = state.put_constraint(new);
    let subscribers = notification::notify(state, Change::Constraint, &told.bounds, &told.cells);
    let reference = state.constraints().at(slot).reference(party);
    Ok(Accepted::Constraint { reference, subscribers })
}

/// Deletes a constraint, and tells whoever subscribed to where it was.
pub(crate) fn delete(
    state: &mut State,
    party: &Party,
    command: &Delete,
) -> Result<Accepted, Refusal> {
    let slot = state.live_constraint(state.horizon(), command.id).ok_or(Refusal::NotFound)?;
    let stored = state.constraints().at(slot);
    if stored.manager != *party {
        return Err(Refusal::NotManager);
    }
    if stored.ovn() != command.ovn {
        return Err(Refusal::OvnMismatch);
    }

    let reference = stored.reference(party);
    let Occupied { bounds, cells } = state.remove_constraint(slot).occupied;
    let subscribers = notification::notify(state, Change::Constraint, &bounds, &cells);
    Ok(Accepted::Constraint { reference, subscribers })
}

/// Returns what `reader` is shown of these, ascending by id.
pub(crate) fn references(
    state: &State,
    reader: &Party,
    slots: Vec<Slot>,
) -> Vec<ConstraintReference> {
    let found = slots.into_iter().map(|slot| state.constraints().at(slot));
    let mut references: Vec<_> = found.map(|constraint| constraint.reference(reader)).collect();
    references.sort_unstable_by_key(|reference| reference.id);
    references
}

/// Returns what is updated; `None` is a creation.
fn check_version(state: &State, party: &Party, command: &Put) -> Result<Option<Slot>, Refusal> {
    let Some(slot) = state.live_constraint(state.horizon(), command.id) else {
        return match command.ovn {
            Some(_) => Err(Refusal::NotFound),
            None => Ok(None),
        };
    };
    let stored = state.constraints().at(slot);
    if stored.manager != *party {
        return Err(Refusal::NotManager);
    }
    let Some(ovn) = &command.ovn else {
        return Err(Refusal::AlreadyExists);
    };
    if *ovn != stored.ovn() {
        return Err(Refusal::OvnMismatch);
    }
    Ok(Some(slot))
}

fn check_limits(state: &State, new: &Constraint, old: Option<Slot>) -> Result<(), Refusal> {
    let old = old.map(|old| &state.constraints().at(old).occupied);
    if !state.parties().allow(&new.manager, &Growth::of(&new.occupied, old)) {
        return Err(Refusal::TooMany);
    }
    Ok(())
}
