//! The moves that a user allows, as a lattice of whole steps.

use std::time::Duration;

use spacetime::{Altitude, Volume};

use crate::flight::{Bounds, DELAY_S_MAX};

/// How many altitudes a flight may be offered at; with each, every delay is considered.
pub const ALTITUDES_MAX: usize = 1_001;

/// One second of delay disturbs a flight as much as so many millimeters up or down.
const MILLIMETERS_PER_SECOND: u64 = 1_000;

/// A delay together with a climb.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Move {
    /// How many seconds later.
    pub(crate) delay_s: u32,
    /// How many millimeters higher, negative if lower.
    pub(crate) climb_mm: i32,
}

/// The moves that are allowed: every multiple of the delay step with each climb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moves {
    /// The step between delays; not 0.
    delay_s_step: u32,
    /// The longest delay, a multiple of the step.
    delay_s_max: u32,
    /// The climbs, least disturbing first; the first is 0.
    climbs_mm: Vec<i32>,
}

/// Bounds make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoundsError {
    /// The delay is longer than may be.
    #[error("delay_s_max: it is more than {DELAY_S_MAX}")]
    DelayTooLong,
    /// An altitude or the step between them is no number, out of range, or the step is negative.
    #[error("altitude_m_min, altitude_m_max, altitude_m_step: they must be within -8000 to 100000")]
    Altitudes,
    /// The flight as asked for lies outside the altitudes it may have.
    #[error("altitude_m_min, altitude_m_max: the flight as asked for is not between them")]
    AskedOutside,
    /// There are more altitudes than are considered.
    #[error("altitude_m_step: it is so small that there are more than {ALTITUDES_MAX} altitudes")]
    TooManyAltitudes,
}

impl Move {
    /// Returns the climb in meters.
    pub(crate) fn climb_m(self) -> f64 {
        f64::from(self.climb_mm) / 1_000.0
    }

    /// Returns a volume after the move; `None` if it would leave the range of time or altitude.
    pub(crate) fn of(self, volume: &Volume) -> Option<Volume> {
        let delay = Duration::from_secs(u64::from(self.delay_s));
        let later = |time: spacetime::Timestamp| {
            let moved = time.plus(delay);
            (moved.since(time) == delay).then_some(moved)
        };
        let higher = |altitude: Altitude| {
            let moved = altitude.as_millimeters().checked_add(self.climb_mm)?;
            Some(Altitude::from_millimeters(moved))
        };
        let moved = Volume::new(
            volume.area().clone(),
            moved(volume.altitude_lower(), higher)?,
            moved(volume.altitude_upper(), higher)?,
            moved(volume.starts_at(), later)?,
            moved(volume.ends_at(), later)?,
        );
        Some(moved.expect("both bounds moved by the same"))
    }

    /// Orders moves, least disturbing first; no two moves are equal in it.
    pub(crate) fn disturbance(self) -> (u64, u32, bool) {
        let climb = u64::from(self.climb_mm.unsigned_abs());
        let cost = u64::from(self.delay_s) * MILLIMETERS_PER_SECOND + climb;
        (cost, self.delay_s, self.climb_mm < 0)
    }
}

impl Moves {
    /// Returns the moves that keep what lies between two altitudes within `bounds`.
    pub(crate) fn new(bounds: &Bounds, lowest_m: f64, highest_m: f64) -> Result<Self, BoundsError> {
        if DELAY_S_MAX < bounds.delay_s_max {
            return Err(BoundsError::DelayTooLong);
        }
        let delay_s_step = bounds.delay_s_step.max(1);
        let delay_s_max = match bounds.delay_s_step {
            0 => 0,
            step => bounds.delay_s_max - bounds.delay_s_max % step,
        };
        let climbs_mm = climbs_mm(bounds, lowest_m, highest_m)?;
        Ok(Moves { delay_s_step, delay_s_max, climbs_mm })
    }

    /// Returns the one move that is none.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Moves { delay_s_step: 1, delay_s_max: 0, climbs_mm: vec![0] }
    }

    /// Returns the climbs, least disturbing first.
    pub(crate) fn climbs_mm(&self) -> &[i32] {
        &self.climbs_mm
    }

    /// Returns the step between delays.
    pub(crate) const fn delay_s_step(&self) -> u32 {
        self.delay_s_step
    }

    /// Returns the longest delay.
    pub(crate) const fn delay_s_max(&self) -> u32 {
        self.delay_s_max
    }

    /// Returns the lowest and the highest climb.
    pub(crate) fn climb_range_mm(&self) -> (i32, i32) {
        let lowest = self.climbs_mm.iter().min().expect("there is always a climb of 0");
        let highest = self.climbs_mm.iter().max().expect("there is always a climb of 0");
        (*lowest, *highest)
    }

    /// Returns every move, in any order.
    #[cfg(test)]
    pub(crate) fn all(&self) -> impl Iterator<Item = Move> {
        let delays = 0..=self.delay_s_max / self.delay_s_step;
        delays.flat_map(|steps| {
            let delay_s = steps * self.delay_s_step;
            self.climbs_mm.iter().map(move |climb_mm| Move { delay_s, climb_mm: *climb_mm })
        })
    }
}

/// Returns the bound after the move, `None` inside if it was not given, or outside if it cannot be.
fn moved<T>(bound: Option<T>, by: impl Fn(T) -> Option<T>) -> Option<Option<T>> {
    match bound {
        None => Some(None),
        Some(bound) => by(bound).map(Some),
    }
}

fn climbs_mm(bounds: &Bounds, lowest_m: f64, highest_m: f64) -> Result<Vec<i32>, BoundsError> {
    let all = [bounds.altitude_m_min, bounds.altitude_m_max, bounds.altitude_m_step];
    let step_mm = millimeters(bounds.altitude_m_step);
    if !all.iter().all(|altitude_m| (-8_000.0..=100_000.0).contains(altitude_m)) || step_mm < 0 {
        return Err(BoundsError::Altitudes);
    }
    if step_mm == 0 {
        return Ok(vec![0]);
    }
    let room_below_mm = millimeters((lowest_m - bounds.altitude_m_min).clamp(-1.0, 108_000.0));
    let room_above_mm = millimeters((bounds.altitude_m_max - highest_m).clamp(-1.0, 108_000.0));
    if room_below_mm < 0 || room_above_mm < 0 {
        return Err(BoundsError::AskedOutside);
    }
    let (steps_down, steps_up) = (room_below_mm / step_mm, room_above_mm / step_mm);
    let count = 1 + i64::from(steps_down) + i64::from(steps_up);
    if (ALTITUDES_MAX as i64) < count {
        return Err(BoundsError::TooManyAltitudes);
    }
    let mut climbs: Vec<i32> = (-steps_down..=steps_up).map(|steps| steps * step_mm).collect();
    climbs.sort_unstable_by_key(|climb_mm| Move { delay_s: 0, climb_mm: *climb_mm }.disturbance());
    Ok(climbs)
}

/// Rounds meters to millimeters; what is out of the range of integers saturates.
fn millimeters(meters: f64) -> i32 {
    (meters * 1_000.0).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(min: f64, max: f64, step: f64) -> Bounds {
        Bounds {
            delay_s_max: 100,
            delay_s_step: 30,
            altitude_m_min: min,
            altitude_m_max: max,
            altitude_m_step: step,
        }
    }

    #[test]
    fn stays_between_the_altitudes_that_are_allowed() {
        let moves = Moves::new(&bounds(0.0, 200.0, 30.0), 60.0, 100.0).expect("in order");

        assert_eq!(moves.climbs_mm(), [0, 30_000, -30_000, 60_000, -60_000, 90_000]);
        assert_eq!(moves.climb_range_mm(), (-60_000, 90_000));
    }

    #[test]
    fn delays_by_whole_steps_up_to_the_longest() {
        let moves = Moves::new(&bounds(0.0, 0.0, 0.0), 60.0, 100.0).expect("in order");

        let delays: Vec<u32> = moves.all().map(|one| one.delay_s).collect();

        assert_eq!(delays, [0, 30, 60, 90]);
    }

    #[test]
    fn allows_nothing_by_default() {
        let moves = Moves::new(&Bounds::default(), 60.0, 100.0).expect("in order");

        assert_eq!(moves, Moves::none());
        assert_eq!(moves.all().collect::<Vec<_>>(), [Move::default()]);
    }

    #[test]
    fn refuses_bounds_that_make_no_sense() {
        let check = |bounds: Bounds, error: BoundsError| {
            assert_eq!(Moves::new(&bounds, 60.0, 100.0), Err(error));
        };

        check(bounds(70.0, 200.0, 30.0), BoundsError::AskedOutside);
        check(bounds(0.0, 99.0, 30.0), BoundsError::AskedOutside);
        check(bounds(f64::NAN, 200.0, 30.0), BoundsError::Altitudes);
        check(bounds(0.0, f64::INFINITY, 30.0), BoundsError::Altitudes);
        check(bounds(0.0, 200.0, -30.0), BoundsError::Altitudes);
        check(bounds(0.0, 200.0, f64::NAN), BoundsError::Altitudes);
        check(bounds(0.0, 200.0, 0.1), BoundsError::TooManyAltitudes);
        let long = Bounds { delay_s_max: DELAY_S_MAX + 1, ..Bounds::default() };
        check(long, BoundsError::DelayTooLong);
    }

    #[test]
    fn takes_as_many_altitudes_as_there_may_be() {
        let last = bounds(0.0, 1_000.0, 1.0);
        let beyond = bounds(0.0, 1_001.0, 1.0);

        let taken = Moves::new(&last, 0.0, 0.0).map(|moves| moves.climbs_mm().len());

        assert_eq!(taken, Ok(ALTITUDES_MAX));
        assert_eq!(Moves::new(&beyond, 0.0, 0.0), Err(BoundsError::TooManyAltitudes));
    }

    #[test]
    fn prefers_the_smaller_disturbance() {
        let at = |delay_s, climb_mm| Move { delay_s, climb_mm }.disturbance();

        assert!(at(0, 0) < at(0, 1_000));
        assert!(at(0, 30_000) < at(30, 0));
        assert!(at(0, 30_000) < at(0, -30_000));
        assert!(at(30, 0) < at(0, 30_001));
        assert!(at(30, 1_000) < at(0, 31_001));
    }
}
