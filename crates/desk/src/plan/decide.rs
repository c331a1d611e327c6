//! Decides on one flight among what is known to be there.

use std::sync::Arc;

use crate::book::Wish;
use crate::entity::Known;
use crate::flight::{Conflict, EntityKind, LowerPriority};
use crate::plan::board::{Board, TooCrowded};
use crate::plan::moves::Move;

/// What was decided.
#[derive(Debug)]
pub(crate) struct Decision {
    /// The move to make, if there is room for any.
    pub(crate) taken: Option<Move>,
    /// What stands in the way of the moves that were preferred.
    pub(crate) conflicts: Vec<Conflict>,
}

/// Tells whether a flight must keep clear of an entity.
///
/// Constraints are kept clear of unless the flight may enter them. So are flights, whatever their
/// priority: one of equal or higher priority because it must be, one of lower priority unless the
/// user chose to override those.
pub(crate) fn must_avoid(wish: &Wish, known: &Known) -> bool {
    match known.entity.kind() {
        EntityKind::Constraint => !wish.allowed_constraints.contains(&known.entity.id()),
        EntityKind::OperationalIntent => {
            wish.lower_priority == LowerPriority::Avoid || wish.priority <= known.entity.priority()
        }
    }
}

/// Decides: the first of `preferred` if nothing is in its way, else the least disturbing move.
///
/// What is in the way of any of `preferred` is reported, each obstacle once.
pub(crate) fn decide(
    wish: &Wish,
    obstacles: &[Arc<Known>],
    preferred: &[Move],
) -> Result<Decision, TooCrowded> {
    let volumes: Vec<_> = obstacles.iter().map(|known| known.volumes.as_slice()).collect();
    let board = Board::new(&wish.course, &volumes, &wish.moves)?;
    let mut conflicts = Vec::new();
    let mut reported = Vec::new();
    for moved in preferred {
        for pair in board.in_the_way(*moved) {
            if reported.contains(&pair.obstacle) {
                continue;
            }
            reported.push(pair.obstacle);
            let known = &obstacles[pair.obstacle];
            let ours = moved.of(&wish.course[pair.ours].volume);
            conflicts.push(Conflict {
                kind: known.entity.kind(),
                id: known.entity.id(),
                manager: known.entity.manager().clone(),
                version: known.entity.version(),
                ours: ours.expect("what is preferred is within the bounds"),
                theirs: known.volumes[pair.theirs].volume.clone(),
            });
        }
    }
    let first = preferred.first().filter(|first| board.in_the_way(**first).is_empty());
    let taken = first.copied().or_else(|| board.least_disturbing(&wish.moves));
    Ok(Decision { taken, conflicts })
}
