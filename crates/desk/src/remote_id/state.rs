//! Where an aircraft is, from our words to the standard's and back.

use std::time::Duration;

use spacetime::{LatLng, Timestamp};
use wire::f3411_22a::uss::flights::{
    HorizontalAccuracy, RidAircraftPosition, RidAircraftState, RidOperationalStatus,
    RidRecentAircraftPosition, SpeedAccuracy, VerticalAccuracy,
};

use crate::remote_id::telemetry::Telemetry;

/// The fastest speeds that are told; faster ones are told as these.
const SPEED_M_PER_S_MAX: f64 = 254.25;
const CLIMB_M_PER_S_MAX: f64 = 62.0;
/// What the standard writes for what is not known.
const NO_ALTITUDE_M: f64 = -1_000.0;
const NO_TRACK_DEG: f64 = 361.0;
const NO_SPEED_M_PER_S: f64 = 255.0;
const NO_CLIMB_M_PER_S: f64 = 63.0;

/// Where a position comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The aircraft's user told it.
    Told,
    /// The plan has the aircraft there.
    Planned,
}

/// Where another's aircraft is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeenState {
    /// When it was there, by its service provider.
    pub time: Timestamp,
    /// How long before [`crate::Sight::time`] that is, by the desk's clock.
    pub age: Duration,
    /// Where.
    pub position: LatLng,
    /// How high, in meters above the WGS84 ellipsoid.
    pub altitude_m: Option<f64>,
    /// Where to it moves, in degrees clockwise from true north.
    pub track_deg: Option<f64>,
    /// How fast it moves over ground.
    pub speed_m_per_s: Option<f64>,
    /// How fast it climbs, negative if it sinks.
    pub climb_m_per_s: Option<f64>,
    /// Whether its service provider computed the position rather than measured it.
    pub extrapolated: bool,
    /// Whether it flies, as far as its service provider says.
    pub status: RidOperationalStatus,
}

impl SeenState {
    /// Returns what a service provider tells; `None` if it tells no position.
    pub(crate) fn of(state: &RidAircraftState, now: Timestamp) -> Option<Self> {
        let position = &state.position;
        // The standard writes an unknown position as 0,0.
        let place = LatLng::new(position.lat, position.lng).ok()?;
        if position.lat == 0.0 && position.lng == 0.0 {
            return None;
        }
        let time = state.timestamp.value.floor();
        Some(SeenState {
            time,
            age: now.since(time),
            position: place,
            altitude_m: known(position.alt, NO_ALTITUDE_M),
            track_deg: known(state.track, NO_TRACK_DEG),
            speed_m_per_s: known(state.speed, NO_SPEED_M_PER_S),
            climb_m_per_s: known(state.vertical_speed, NO_CLIMB_M_PER_S),
            extrapolated: position.extrapolated,
            status: state.operational_status,
        })
    }
}

/// Returns where an aircraft is, as the standard tells it.
pub(crate) fn state(told: &Telemetry, origin: Origin) -> RidAircraftState {
    let climb = told.climb_m_per_s.map(|climb| climb.clamp(-CLIMB_M_PER_S_MAX, CLIMB_M_PER_S_MAX));
    RidAircraftState {
        timestamp: told.time.into(),
        timestamp_accuracy: told.accuracy.time_s,
        operational_status: match origin {
            // Whether it has taken off is not told.
            Origin::Told => RidOperationalStatus::Undeclared,
            Origin::Planned => RidOperationalStatus::Airborne,
        },
        position: position(told, origin),
        track: told.track_deg.unwrap_or(NO_TRACK_DEG),
        speed: told.speed_m_per_s.map_or(NO_SPEED_M_PER_S, |speed| speed.min(SPEED_M_PER_S_MAX)),
        speed_accuracy: speed_accuracy(told.accuracy.speed_m_per_s),
        vertical_speed: climb.unwrap_or(NO_CLIMB_M_PER_S),
    }
}

/// Returns where an aircraft was, as the standard tells it.
pub(crate) fn recent(told: &Telemetry, origin: Origin) -> RidRecentAircraftPosition {
    RidRecentAircraftPosition { time: told.time.into(), position: position(told, origin) }
}

fn position(told: &Telemetry, origin: Origin) -> RidAircraftPosition {
    RidAircraftPosition {
        lat: told.position.lat_deg(),
        lng: told.position.lng_deg(),
        alt: told.altitude_m.unwrap_or(NO_ALTITUDE_M),
        accuracy_h: horizontal_accuracy(told.accuracy.horizontal_m),
        accuracy_v: vertical_accuracy(told.accuracy.vertical_m),
        extrapolated: origin == Origin::Planned,
        ..RidAircraftPosition::default()
    }
}

/// Returns a number unless it stands for one that is not known; both are written alike.
fn known(value: f64, unknown: f64) -> Option<f64> {
    ((value - unknown).abs() > 1e-6).then_some(value)
}

fn horizontal_accuracy(meters: Option<f64>) -> HorizontalAccuracy {
    let Some(meters) = meters else {
        return HorizontalAccuracy::Unknown;
    };
    let classes = [
        (1.0, HorizontalAccuracy::Meters1),
        (3.0, HorizontalAccuracy::Meters3),
        (10.0, HorizontalAccuracy::Meters10),
        (30.0, HorizontalAccuracy::Meters30),
        (92.6, HorizontalAccuracy::NauticalMiles005),
        (185.2, HorizontalAccuracy::NauticalMiles01),
        (555.6, HorizontalAccuracy::NauticalMiles03),
        (926.0, HorizontalAccuracy::NauticalMiles05),
        (1_852.0, HorizontalAccuracy::NauticalMiles1),
        (3_704.0, HorizontalAccuracy::NauticalMiles2),
        (7_408.0, HorizontalAccuracy::NauticalMiles4),
        (18_520.0, HorizontalAccuracy::NauticalMiles10),
    ];
    below(meters, &classes).unwrap_or(HorizontalAccuracy::NauticalMiles10Plus)
}

fn vertical_accuracy(meters: Option<f64>) -> VerticalAccuracy {
    let Some(meters) = meters else {
        return VerticalAccuracy::Unknown;
    };
    let classes = [
        (1.0, VerticalAccuracy::Meters1),
        (3.0, VerticalAccuracy::Meters3),
        (10.0, VerticalAccuracy::Meters10),
        (25.0, VerticalAccuracy::Meters25),
        (45.0, VerticalAccuracy::Meters45),
        (150.0, VerticalAccuracy::Meters150),
    ];
    below(meters, &classes).unwrap_or(VerticalAccuracy::Meters150Plus)
}

fn speed_accuracy(meters_per_second: Option<f64>) -> SpeedAccuracy {
    let Some(meters_per_second) = meters_per_second else {
        return SpeedAccuracy::Unknown;
    };
    let classes = [
        (0.3, SpeedAccuracy::MetersPerSecond03),
        (1.0, SpeedAccuracy::MetersPerSecond1),
        (3.0, SpeedAccuracy::MetersPerSecond3),
        (10.0, SpeedAccuracy::MetersPerSecond10),
    ];
    below(meters_per_second, &classes).unwrap_or(SpeedAccuracy::MetersPerSecond10Plus)
}

/// Returns the first class, ascending by bound, whose bound is greater than the value.
fn below<T: Copy>(value: f64, classes: &[(f64, T)]) -> Option<T> {
    classes.iter().find(|(bound, _)| value < *bound).map(|(_, class)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote_id::telemetry::Accuracy;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000).expect("in range")
    }

    fn told() -> Telemetry {
        Telemetry {
            time: at(0),
            position: LatLng::new(46.95, 7.44).expect("in range"),
            altitude_m: Some(620.5),
            track_deg: Some(90.0),
            speed_m_per_s: Some(12.5),
            climb_m_per_s: Some(-1.5),
            accuracy: Accuracy {
                horizontal_m: Some(2.9),
                vertical_m: Some(3.0),
                speed_m_per_s: Some(0.2),
                time_s: 0.1,
            },
        }
    }

    #[test]
    fn is_seen_as_it_is_told() {
        let seen = SeenState::of(&state(&told(), Origin::Told), at(3)).expect("it has a place");

        let expected = SeenState {
            time: at(0),
            age: Duration::from_secs(3),
            position: told().position,
            altitude_m: Some(620.5),
            track_deg: Some(90.0),
            speed_m_per_s: Some(12.5),
            climb_m_per_s: Some(-1.5),
            extrapolated: false,
            status: RidOperationalStatus::Undeclared,
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn is_seen_as_unknown_where_nothing_is_told() {
        let nothing = Telemetry {
            altitude_m: None,
            track_deg: None,
            speed_m_per_s: None,
            climb_m_per_s: None,
            accuracy: Accuracy::default(),
            ..told()
        };

        let state = state(&nothing, Origin::Planned);
        let seen = SeenState::of(&state, at(0)).expect("it has a place");

        assert_eq!((state.position.alt, state.track, state.speed), (-1_000.0, 361.0, 255.0));
        assert_eq!((seen.altitude_m, seen.track_deg, seen.speed_m_per_s), (None, None, None));
        assert_eq!((seen.climb_m_per_s, seen.extrapolated), (None, true));
    }

    #[test]
    fn tells_no_speed_that_would_mean_unknown() {
        let fast = Telemetry { speed_m_per_s: Some(255.0), climb_m_per_s: Some(-900.0), ..told() };

        let state = state(&fast, Origin::Told);

        assert_eq!((state.speed, state.vertical_speed), (254.25, -62.0));
    }

    #[test]
    fn is_not_seen_without_a_place() {
        let mut unknown = state(&told(), Origin::Told);
        unknown.position.lat = 0.0;
        unknown.position.lng = 0.0;

        assert_eq!(SeenState::of(&unknown, at(0)), None);
    }

    #[test]
    fn is_as_far_off_as_the_next_class_says() {
        assert_eq!(horizontal_accuracy(None), HorizontalAccuracy::Unknown);
        for (meters, class) in [
            (0.0, HorizontalAccuracy::Meters1),
            (1.0, HorizontalAccuracy::Meters3),
            (50.0, HorizontalAccuracy::NauticalMiles005),
            (18_519.0, HorizontalAccuracy::NauticalMiles10),
            (18_520.0, HorizontalAccuracy::NauticalMiles10Plus),
        ] {
            assert_eq!(horizontal_accuracy(Some(meters)), class, "{meters}");
        }
        assert_eq!(vertical_accuracy(Some(149.0)), VerticalAccuracy::Meters150);
        assert_eq!(vertical_accuracy(Some(150.0)), VerticalAccuracy::Meters150Plus);
        assert_eq!(speed_accuracy(Some(0.3)), SpeedAccuracy::MetersPerSecond1);
        assert_eq!(speed_accuracy(Some(10.0)), SpeedAccuracy::MetersPerSecond10Plus);
    }
}
