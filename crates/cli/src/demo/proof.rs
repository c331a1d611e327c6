//! The proof: was what the planners agreed on true?
//!
//! It takes what was accepted and what was reported, and checks all pairs again. It shares neither
//! index nor intersection with the planners: of `spacetime` it uses what a volume is, never whether
//! two of them meet. Time is swept only to leave out pairs that do not overlap in time.

mod sphere;

use std::collections::{BTreeMap, BTreeSet};

use airspace::{EntityId, Party};
use spacetime::{Altitude, LatLng, Timestamp, Volume};

use self::sphere::Outline;

/// How far apart two outlines may be that a planner calls a conflict: planners err to the safe
/// side by less than this, and altitudes and times are exact.
const CONFLICT_GAP_M_MAX: f64 = 0.1;

/// How far a volume may move on its way from party to party as text: rounded outward each time.
const SENT_ALTITUDE_MM_MAX: u32 = 10;
/// The same for a corner of its outline.
const SENT_OUTLINE_M_MAX: f64 = 0.01;

/// An operational intent as it was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// Which one.
    pub(crate) id: EntityId,
    /// Whose it is.
    pub(crate) party: Party,
    /// Where and when.
    pub(crate) volumes: Vec<Volume>,
    /// The constraints that it may enter.
    pub(crate) allowed: BTreeSet<EntityId>,
}

/// A constraint that was kept up all the time.
#[derive(Clone, Debug)]
pub(crate) struct Zone {
    /// Which one.
    pub(crate) id: EntityId,
    /// Where and when.
    pub(crate) volumes: Vec<Volume>,
}

/// A conflict that a planner reported.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// What stood in the way.
    pub(crate) id: EntityId,
    /// Of the planner's flight.
    pub(crate) ours: Volume,
    /// Of what stood in the way.
    pub(crate) theirs: Volume,
}

/// All that is checked.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// Every accepted operational intent, as it last was.
    pub(crate) claims: Vec<Claim>,
    /// Every constraint.
    pub(crate) zones: Vec<Zone>,
    /// Every conflict reported.
    pub(crate) findings: Vec<Finding>,
    /// Volumes that an entity had before it was changed.
    pub(crate) earlier: BTreeMap<EntityId, Vec<Volume>>,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// How many operational intents were checked.
    pub(crate) intents: usize,
    /// Of how many parties.
    pub(crate) parties: usize,
    /// Pairs of operational intents of different parties that overlap.
    pub(crate) overlaps: Vec<(EntityId, EntityId)>,
    /// How many conflicts were reported.
    pub(crate) conflicts: usize,
    /// What stood in the way in conflicts that were none.
    pub(crate) invented: Vec<EntityId>,
    /// Operational intents in constraints that they may not enter.
    pub(crate) entered: Vec<(EntityId, EntityId)>,
}

impl Verdict {
    /// Tells whether nothing speaks against what the planners agreed on.
    pub(crate) fn holds(&self) -> bool {
        self.overlaps.is_empty() && self.invented.is_empty() && self.entered.is_empty()
    }
}

/// Checks all of it.
pub(crate) fn check(evidence: &Evidence) -> Verdict {
    let parties: BTreeSet<&Party> = evidence.claims.iter().map(|claim| &claim.party).collect();
    Verdict {
        intents: evidence.claims.len(),
        parties: parties.len(),
        overlaps: find_overlaps(&evidence.claims),
        conflicts: evidence.findings.len(),
        invented: find_invented(evidence),
        entered: find_entered(&evidence.claims, &evidence.zones),
    }
}

/// One volume, ready to be compared.
struct Piece<'a> {
    owner: usize,
    volume: &'a Volume,
    outline: Outline,
    starts_at: Timestamp,
    ends_at: Timestamp,
}

fn find_overlaps(claims: &[Claim]) -> Vec<(EntityId, EntityId)> {
    let mut found = BTreeSet::new();
    let mut pieces = pieces_of(claims.iter().map(|claim| claim.volumes.as_slice()));
    pieces.sort_by_key(|piece| piece.starts_at);
    let mut under_way: Vec<&Piece<'_>> = Vec::new();
    for piece in &pieces {
        under_way.retain(|earlier| piece.starts_at <= earlier.ends_at);
        for earlier in &under_way {
            let (ours, theirs) = (&claims[piece.owner], &claims[earlier.owner]);
            if ours.party != theirs.party && overlap(piece, earlier) {
                found.insert((ours.id.min(theirs.id), ours.id.max(theirs.id)));
            }
        }
        under_way.push(piece);
    }
    found.into_iter().collect()
}

fn find_entered(claims: &[Claim], zones: &[Zone]) -> Vec<(EntityId, EntityId)> {
    let mut found = BTreeSet::new();
    let forbidden = pieces_of(zones.iter().map(|zone| zone.volumes.as_slice()));
    for piece in pieces_of(claims.iter().map(|claim| claim.volumes.as_slice())) {
        let claim = &claims[piece.owner];
        for closed in &forbidden {
            let zone = zones[closed.owner].id;
            if !claim.allowed.contains(&zone) && overlap(&piece, closed) {
                found.insert((claim.id, zone));
            }
        }
    }
    found.into_iter().collect()
}

/// A conflict is invented when its volumes do not meet, or when the other party never put such a
/// volume.
fn find_invented(evidence: &Evidence) -> Vec<EntityId> {
    let mut put: BTreeMap<EntityId, Vec<&Volume>> = BTreeMap::new();
    let claims = evidence.claims.iter().map(|claim| (claim.id, &claim.volumes));
    let zones = evidence.zones.iter().map(|zone| (zone.id, &zone.volumes));
    let earlier = evidence.earlier.iter().map(|(id, volumes)| (*id, volumes));
    for (id, volumes) in claims.chain(zones).chain(earlier) {
        put.entry(id).or_default().extend(volumes);
    }
    let was_put = |finding: &Finding| {
        let volumes = put.get(&finding.id);
        volumes.is_some_and(|volumes| volumes.iter().any(|put| is_like(put, &finding.theirs)))
    };
    let is_invented = |finding: &&Finding| !meet(finding) || !was_put(finding);
    evidence.findings.iter().filter(is_invented).map(|finding| finding.id).collect()
}

fn meet(finding: &Finding) -> bool {
    let (ours, theirs) = (&finding.ours, &finding.theirs);
    let gap_m = Outline::of(ours).gap_m(&Outline::of(theirs));
    overlap_in_time(ours, theirs)
        && overlap_in_altitude(ours, theirs)
        && gap_m <= CONFLICT_GAP_M_MAX
}

fn is_like(put: &Volume, sent: &Volume) -> bool {
    put.starts_at() == sent.starts_at()
        && put.ends_at() == sent.ends_at()
        && altitude_is_like(put.altitude_lower(), sent.altitude_lower())
        && altitude_is_like(put.altitude_upper(), sent.altitude_upper())
        && Outline::of(put).is_like(&Outline::of(sent), SENT_OUTLINE_M_MAX)
}

fn altitude_is_like(put: Option<Altitude>, sent: Option<Altitude>) -> bool {
    match (put, sent) {
        (None, None) => true,
        (Some(put), Some(sent)) => {
            put.as_millimeters().abs_diff(sent.as_millimeters()) <= SENT_ALTITUDE_MM_MAX
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn pieces_of<'a>(owners: impl Iterator<Item = &'a [Volume]>) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for (owner, volumes) in owners.enumerate() {
        for volume in volumes {
            pieces.push(Piece {
                owner,
                volume,
                outline: Outline::of(volume),
                starts_at: volume.starts_at().unwrap_or(Timestamp::MIN),
                ends_at: volume.ends_at().unwrap_or(Timestamp::MAX),
            });
        }
    }
    pieces
}

fn overlap(ours: &Piece<'_>, theirs: &Piece<'_>) -> bool {
    overlap_in_time(ours.volume, theirs.volume)
        && overlap_in_altitude(ours.volume, theirs.volume)
        && ours.outline.meets(&theirs.outline)
}

fn overlap_in_time(ours: &Volume, theirs: &Volume) -> bool {
    let ends_before = |first: &Volume, second: &Volume| {
        first.ends_at().zip(second.starts_at()).is_some_and(|(end, start)| end < start)
    };
    !ends_before(ours, theirs) && !ends_before(theirs, ours)
}

fn overlap_in_altitude(ours: &Volume, theirs: &Volume) -> bool {
    let is_below = |low: &Volume, high: &Volume| {
        low.altitude_upper().zip(high.altitude_lower()).is_some_and(|(top, bottom)| top < bottom)
    };
    !is_below(ours, theirs) && !is_below(theirs, ours)
}

/// A position that a flight was recorded at, as moved with the flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// Where.
    pub(crate) position: LatLng,
    /// How high.
    pub(crate) altitude_m: f64,
    /// When.
    pub(crate) time: Timestamp,
}

/// How much room a flight needs around each of its positions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// To the side.
    pub(crate) lateral_m: f64,
    /// Up and down.
    pub(crate) vertical_m: f64,
}

/// Returns how many positions do not lie inside a volume of their time with `room` around them.
pub(crate) fn count_outside(volumes: &[Volume], positions: &[Position], room: Room) -> usize {
    let pieces = pieces_of(std::iter::once(volumes));
    let holds = |piece: &Piece<'_>, at: &Position| {
        let lower_m = piece.volume.altitude_lower().map_or(f64::NEG_INFINITY, Altitude::as_meters);
        let upper_m = piece.volume.altitude_upper().map_or(f64::INFINITY, Altitude::as_meters);
        piece.starts_at <= at.time
            && at.time <= piece.ends_at
            && lower_m <= at.altitude_m - room.vertical_m
            && at.altitude_m + room.vertical_m <= upper_m
            && room.lateral_m <= piece.outline.depth_m(at.position)
    };
    positions.iter().filter(|at| !pieces.iter().any(|piece| holds(piece, at))).count()
}

#[cfg(test)]
mod tests;
