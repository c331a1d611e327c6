//! Where the desk's flights were in the last minute, as their user told it.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use airspace::EntityId;
use spacetime::{LatLng, Timestamp};

/// How far back positions are kept and told (F3411-22a NetMaxNearRealTimeDataPeriod).
pub const RECENT_MAX: Duration = Duration::from_secs(60);
/// How far ahead of the desk's clock an aircraft's clock may be.
pub const TELEMETRY_AHEAD_MAX: Duration = Duration::from_secs(5);
/// Positions are kept at least so far apart, but for the newest.
const APART_MIN: Duration = Duration::from_millis(500);
/// How many positions of a flight are kept: a minute of them, and the one before that minute.
pub(crate) const POSITIONS_PER_FLIGHT_MAX: usize = 122;

/// Where an aircraft was and how it moved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Telemetry {
    /// When.
    pub time: Timestamp,
    /// Where.
    pub position: LatLng,
    /// How high, in meters above the WGS84 ellipsoid.
    pub altitude_m: Option<f64>,
    /// Where to it moved, in degrees clockwise from true north, 0 to 360.
    pub track_deg: Option<f64>,
    /// How fast it moved over ground.
    pub speed_m_per_s: Option<f64>,
    /// How fast it climbed, negative if it sank.
    pub climb_m_per_s: Option<f64>,
    /// How far off all that may be.
    pub accuracy: Accuracy,
}

/// How far off telemetry may be; what is not given is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accuracy {
    /// To the side.
    pub horizontal_m: Option<f64>,
    /// Up and down.
    pub vertical_m: Option<f64>,
    /// Of the speed over ground.
    pub speed_m_per_s: Option<f64>,
    /// Of the time.
    pub time_s: f64,
}

/// Telemetry is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// There is no such flight.
    #[error("there is no such flight")]
    NotFound,
    /// The flight is not activated, so nobody is told where it is.
    #[error("the flight is not activated")]
    NotActivated,
    /// It is not later than what was told before.
    #[error("time: it is not later than that of the position before")]
    Stale,
    /// It is later than the desk's clock.
    #[error("time: it is more than {} s ahead of the desk's clock", TELEMETRY_AHEAD_MAX.as_secs())]
    Ahead,
    /// A number cannot be.
    #[error("{field}: it is out of range")]
    Range {
        /// Which.
        field: &'static str,
    },
}

/// What was told of one flight, ascending by time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Positions(VecDeque<Telemetry>);

/// What was told of all flights.
#[derive(Debug, Default)]
pub(crate) struct AllPositions(HashMap<EntityId, Positions>);

impl Telemetry {
    /// Refuses numbers that the standard cannot tell.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), TelemetryError> {
        let within = |value: Option<f64>, range: std::ops::RangeInclusive<f64>| {
            value.is_none_or(|value| range.contains(&value))
        };
        let accuracy = &self.accuracy;
        let checks = [
            ("altitude_m", within(self.altitude_m, -8_000.0..=100_000.0)),
            ("track_deg", within(self.track_deg, 0.0..=360.0)),
            ("speed_m_per_s", within(self.speed_m_per_s, 0.0..=10_000.0)),
            ("climb_m_per_s", within(self.climb_m_per_s, -10_000.0..=10_000.0)),
            ("accuracy_horizontal_m", within(accuracy.horizontal_m, 0.0..=1e6)),
            ("accuracy_vertical_m", within(accuracy.vertical_m, 0.0..=1e6)),
            ("accuracy_speed_m_per_s", within(accuracy.speed_m_per_s, 0.0..=1e6)),
            ("accuracy_time_s", within(Some(accuracy.time_s), 0.0..=1e6)),
        ];
        if let Some((field, _)) = checks.into_iter().find(|(_, good)| !good) {
            return Err(TelemetryError::Range { field });
        }
        if now.plus(TELEMETRY_AHEAD_MAX) < self.time {
            return Err(TelemetryError::Ahead);
        }
        Ok(())
    }
}

impl Positions {
    /// Adds where a flight was last, and forgets what was before the last minute.
    fn add(&mut self, told: Telemetry) -> Result<(), TelemetryError> {
        if self.newest().is_some_and(|newest| told.time <= newest.time) {
            return Err(TelemetryError::Stale);
        }
        let mut latest = self.0.iter().rev();
        let too_near = latest
            .next()
            .zip(latest.next())
            .is_some_and(|(newest, before)| newest.time.since(before.time) < APART_MIN);
        if too_near {
            self.0.pop_back();
        }
        self.0.push_back(told);
        let earliest = told.time.minus(RECENT_MAX);
        // One from before the minute stays: a minute long it was the newest.
        while self.0.get(1).is_some_and(|second| second.time < earliest) {
            self.0.pop_front();
        }
        assert!(self.0.len() <= POSITIONS_PER_FLIGHT_MAX, "positions are kept apart");
        Ok(())
    }

    /// Returns where it was last.
    pub(crate) fn newest(&self) -> Option<&Telemetry> {
        self.0.back()
    }

    /// Returns where it was since a time, ascending.
    pub(crate) fn since(&self, time: Timestamp) -> impl Iterator<Item = &Telemetry> {
        self.0.iter().filter(move |told| time <= told.time)
    }
}

impl AllPositions {
    /// Adds where a flight was last.
    pub(crate) fn add(&mut self, flight: EntityId, told: Telemetry) -> Result<(), TelemetryError> {
        self.0.entry(flight).or_default().add(told)
    }

    /// Returns what was told of a flight, if anything was.
    pub(crate) fn find(&self, flight: EntityId) -> Option<&Positions> {
        self.0.get(&flight)
    }

    /// Forgets a flight.
    pub(crate) fn remove(&mut self, flight: EntityId) {
        self.0.remove(&flight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000 + millis * 1_000).expect("in range")
    }

    fn told(millis: i64) -> Telemetry {
        Telemetry {
            time: at(millis),
            position: LatLng::new(46.95, 7.44).expect("in range"),
            altitude_m: Some(620.0),
            track_deg: None,
            speed_m_per_s: None,
            climb_m_per_s: None,
            accuracy: Accuracy::default(),
        }
    }

    fn times(positions: &Positions) -> Vec<Timestamp> {
        positions.since(Timestamp::MIN).map(|told| told.time).collect()
    }

    #[test]
    fn refuses_what_is_not_later() {
        let mut positions = Positions::default();

        assert_eq!(positions.add(told(1_000)), Ok(()));
        assert_eq!(positions.add(told(1_000)), Err(TelemetryError::Stale));
        assert_eq!(positions.add(told(999)), Err(TelemetryError::Stale));
        assert_eq!(times(&positions), [at(1_000)]);
    }

    #[test]
    fn keeps_a_minute_and_the_position_before() {
        let mut positions = Positions::default();
        for millis in [0, 5_000, 10_000, 64_000, 70_001] {
            positions.add(told(millis)).expect("later");
        }

        assert_eq!(times(&positions), [at(10_000), at(64_000), at(70_001)]);
    }

    #[test]
    fn keeps_bounded_many_however_often_it_is_told() {
        let mut positions = Positions::default();
        let mut longest = 0;
        // The worst case: each pair of positions is just far enough apart.
        for millis in (0..200_000).step_by(250) {
            positions.add(told(millis)).expect("later");
            longest = longest.max(positions.0.len());
        }

        assert_eq!(longest, POSITIONS_PER_FLIGHT_MAX);
        assert_eq!(positions.newest().map(|told| told.time), Some(at(199_750)));
    }

    #[test]
    fn takes_clocks_that_are_a_little_ahead() {
        let ahead = i64::try_from(TELEMETRY_AHEAD_MAX.as_millis()).expect("small");

        assert_eq!(told(ahead).check(at(0)), Ok(()));
        assert_eq!(told(ahead + 1).check(at(0)), Err(TelemetryError::Ahead));
    }

    #[test]
    fn refuses_numbers_out_of_range() {
        let good = told(0);
        let accuracy = |accuracy| Telemetry { accuracy, ..good };
        let cases = [
            ("altitude_m", Telemetry { altitude_m: Some(100_000.1), ..good }),
            ("track_deg", Telemetry { track_deg: Some(360.1), ..good }),
            ("speed_m_per_s", Telemetry { speed_m_per_s: Some(-0.1), ..good }),
            ("climb_m_per_s", Telemetry { climb_m_per_s: Some(f64::NAN), ..good }),
            (
                "accuracy_horizontal_m",
                accuracy(Accuracy { horizontal_m: Some(-1.0), ..Accuracy::default() }),
            ),
            (
                "accuracy_vertical_m",
                accuracy(Accuracy { vertical_m: Some(f64::INFINITY), ..Accuracy::default() }),
            ),
            (
                "accuracy_speed_m_per_s",
                accuracy(Accuracy { speed_m_per_s: Some(-1.0), ..Accuracy::default() }),
            ),
            ("accuracy_time_s", accuracy(Accuracy { time_s: -0.1, ..Accuracy::default() })),
        ];
        for (field, told) in cases {
            assert_eq!(told.check(at(0)), Err(TelemetryError::Range { field }));
        }
    }
}
