//! Which moves which obstacle forbids.

use spacetime::{Altitude, Timestamp, Volume};

use crate::plan::bounded::Bounded;
use crate::plan::moves::{Move, Moves};

/// The moves that are forbidden because one volume of the flight would meet one of an obstacle.
#[derive(Clone, Copy, Debug)]
struct Block {
    pair: Pair,
    delay_us: Span,
    climb_mm: Span,
}

/// A volume of the flight and one of an obstacle, by their indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Which obstacle.
    pub(crate) obstacle: usize,
    /// Which volume of the flight.
    pub(crate) ours: usize,
    /// Which volume of the obstacle.
    pub(crate) theirs: usize,
}

/// Integers from `min` to `max`, both included.
#[derive(Clone, Copy, Debug)]
struct Span {
    min: i64,
    max: i64,
}

/// What stands in the way of a flight, for every move at once.
#[derive(Debug)]
pub(crate) struct Board {
    blocks: Vec<Block>,
}

/// How many pairs of volumes are kept that meet after some move.
pub(crate) const BLOCKS_MAX: usize = 1_000_000;

/// More stands in the way than [`BLOCKS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {BLOCKS_MAX} pairs of volumes meet")]
pub(crate) struct TooCrowded;

/// Stands for a bound that is not given; no sum of three of them overflows.
const UNBOUNDED: i64 = i64::MAX / 4;

impl Board {
    /// Returns what of the obstacles stands in the way of `course`, moved by any of `moves`.
    ///
    /// Volumes meet when their areas, their times and their altitudes do; bounds are included, and
    /// one that is not given is none, as in `spacetime::Volume::intersects`.
    pub(crate) fn new(
        course: &[Bounded],
        obstacles: &[&[Bounded]],
        moves: &Moves,
    ) -> Result<Self, TooCrowded> {
        let delays = Span { min: 0, max: micros(moves.delay_s_max()) };
        let (lowest, highest) = moves.climb_range_mm();
        let climbs = Span { min: i64::from(lowest), max: i64::from(highest) };
        let mut blocks = Vec::new();
        for (obstacle, volumes) in obstacles.iter().enumerate() {
            for (theirs, other) in volumes.iter().enumerate() {
                for (ours, own) in course.iter().enumerate() {
                    let (delay_us, climb_mm) = forbidden(&own.volume, &other.volume);
                    if delay_us.overlaps(delays) && climb_mm.overlaps(climbs) && own.meets(other) {
                        let pair = Pair { obstacle, ours, theirs };
                        blocks.push(Block { pair, delay_us, climb_mm });
                    }
                }
                if BLOCKS_MAX < blocks.len() {
                    return Err(TooCrowded);
                }
            }
        }
        Ok(Board { blocks })
    }

    /// Returns a pair of volumes that meet after `taken` for each obstacle in the way, ascending.
    pub(crate) fn in_the_way(&self, taken: Move) -> Vec<Pair> {
        let delay_us = micros(taken.delay_s);
        let climb_mm = i64::from(taken.climb_mm);
        let mut pairs: Vec<Pair> = Vec::new();
        for block in &self.blocks {
            let blocks = block.delay_us.contains(delay_us) && block.climb_mm.contains(climb_mm);
            let first = pairs.last().is_none_or(|last| last.obstacle != block.pair.obstacle);
            if blocks && first {
                pairs.push(block.pair);
            }
        }
        pairs
    }

    /// Returns the least disturbing of `moves` that nothing forbids.
    ///
    /// At each climb the earliest free delay is found by going through the forbidden delays in
    /// order, so the work does not grow with the number of delays.
    pub(crate) fn least_disturbing(&self, moves: &Moves) -> Option<Move> {
        let mut best: Option<Move> = None;
        for climb_mm in moves.climbs_mm() {
            let undelayed = Move { delay_s: 0, climb_mm: *climb_mm };
            if best.is_some_and(|best| best.disturbance() <= undelayed.disturbance()) {
                // Climbs come least disturbing first: no later one can be better.
                break;
            }
            let Some(delay_s) = self.earliest(*climb_mm, moves) else {
                continue;
            };
            let found = Move { delay_s, climb_mm: *climb_mm };
            if best.is_none_or(|best| found.disturbance() < best.disturbance()) {
                best = Some(found);
            }
        }
        best
    }

    fn earliest(&self, climb_mm: i32, moves: &Moves) -> Option<u32> {
        let at_climb = |block: &&Block| block.climb_mm.contains(i64::from(climb_mm));
        let mut forbidden: Vec<Span> =
            self.blocks.iter().filter(at_climb).map(|block| block.delay_us).collect();
        forbidden.sort_unstable_by_key(|span| span.min);
        let step_us = micros(moves.delay_s_step());
        let mut delay_us = 0;
        for span in forbidden {
            if delay_us < span.min {
                // All that follow begin later still.
                break;
            }
            if delay_us <= span.max {
                delay_us = (span.max / step_us + 1) * step_us;
            }
        }
        let delay_s = u32::try_from(delay_us / 1_000_000).ok()?;
        (delay_s <= moves.delay_s_max()).then_some(delay_s)
    }
}

impl Span {
    fn contains(self, value: i64) -> bool {
        self.min <= value && value <= self.max
    }

    fn overlaps(self, other: Span) -> bool {
        self.min <= other.max && other.min <= self.max
    }
}

/// Returns the delays and climbs of `own` with which it would share time and altitude with `other`.
fn forbidden(own: &Volume, other: &Volume) -> (Span, Span) {
    let time = |time: Option<Timestamp>, unbounded| time.map_or(unbounded, Timestamp::as_micros);
    let altitude = |altitude: Option<Altitude>, unbounded| {
        altitude.map_or(unbounded, |altitude| i64::from(altitude.as_millimeters()))
    };
    let delay_us = Span {
        min: time(other.starts_at(), -UNBOUNDED) - time(own.ends_at(), UNBOUNDED),
        max: time(other.ends_at(), UNBOUNDED) - time(own.starts_at(), -UNBOUNDED),
    };
    let climb_mm = Span {
        min: altitude(other.altitude_lower(), -UNBOUNDED)
            - altitude(own.altitude_upper(), UNBOUNDED),
        max: altitude(other.altitude_upper(), UNBOUNDED)
            - altitude(own.altitude_lower(), -UNBOUNDED),
    };
    (delay_us, climb_mm)
}

fn micros(seconds: u32) -> i64 {
    i64::from(seconds) * 1_000_000
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
