//! Flights out of recorded traffic: shifted in time, dealt to the parties, with room to be moved.

use std::time::Duration;

use desk::{Bounds, Course, FlightRequest, PathPoint};
use spacetime::Timestamp;

use super::flight::Planned;
use super::proof::Room;
use super::tracks;
use super::traffic::{Aircraft, Fix, Recording, Unusable};

/// The parties that the aircraft are dealt to.
pub(crate) const PARTIES: [&str; 2] = ["alder", "birch"];

/// The room that every flight keeps around where it was recorded.
pub(crate) const ROOM: Room = Room { lateral_m: 50.0, vertical_m: 15.0 };

/// How much more room is asked for, so that rounding takes nothing from it.
const MARGIN_M: f64 = 0.1;

/// How long before the first flight starts planning begins.
const LEAD_S: u64 = 15 * 60;

/// How a flight may be moved: up to a quarter of an hour, up to 2,000 ft.
const DELAY_S_MAX: u32 = 900;
const DELAY_S_STEP: u32 = 15;
const CLIMB_M_MAX: f64 = 609.6;
const CLIMB_M_STEP: f64 = 152.4;

/// Recorded traffic as flights to be planned, in order of their starts.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// The flights.
    pub(crate) flights: Vec<Planned>,
    /// How many rows were recorded.
    pub(crate) rows: usize,
    /// How many positions are in the flights.
    pub(crate) positions: usize,
    /// How many aircraft fly.
    pub(crate) aircraft: usize,
    /// The rows left out.
    pub(crate) unusable: Unusable,
    /// By how many seconds all times were shifted.
    pub(crate) shift_s: i64,
}

impl Traffic {
    /// Returns the flights of a recording, the first of them starting soon after `now`.
    pub(crate) fn of(recording: &Recording, now: Timestamp) -> Self {
        let mut unusable = recording.unusable;
        let mut tracks: Vec<(&Aircraft, Vec<Fix>)> = Vec::new();
        for aircraft in &recording.aircraft {
            let split = tracks::split(aircraft, &mut unusable);
            tracks.extend(split.into_iter().map(|fixes| (aircraft, fixes)));
        }
        tracks.sort_by_key(|(_, fixes)| fixes[0].time);

        let first = tracks.first().map_or(now, |(_, fixes)| fixes[0].time);
        let start = now.plus(Duration::from_secs(LEAD_S));
        // Whole seconds, so that shifted times keep their fractions and are easy to shift back.
        let shift_s = (start.as_micros() - first.as_micros()).div_euclid(1_000_000);
        let mut dealt: Vec<&str> = Vec::new();
        let mut flights = Vec::new();
        let mut positions = 0;
        for (aircraft, fixes) in tracks {
            let known = dealt.iter().position(|icao24| *icao24 == aircraft.icao24);
            let number = known.unwrap_or_else(|| {
                dealt.push(&aircraft.icao24);
                dealt.len() - 1
            });
            positions += fixes.len();
            flights.push(planned(aircraft, &fixes, number % PARTIES.len(), shift_s));
        }
        let aircraft = dealt.len();
        Traffic { flights, rows: recording.rows, positions, aircraft, unusable, shift_s }
    }
}

fn planned(aircraft: &Aircraft, fixes: &[Fix], desk: usize, shift_s: i64) -> Planned {
    let points: Vec<PathPoint> = fixes
        .iter()
        .map(|fix| PathPoint {
            position: fix.position,
            altitude_m: fix.altitude_m,
            time: shifted(fix.time, shift_s),
        })
        .collect();
    let altitudes = || fixes.iter().map(|fix| fix.altitude_m);
    let lowest_m = altitudes().fold(f64::INFINITY, f64::min);
    let highest_m = altitudes().fold(f64::NEG_INFINITY, f64::max);
    let mut request = FlightRequest::new(Course::Path {
        points: points.clone(),
        buffer_lateral_m: ROOM.lateral_m + MARGIN_M,
        buffer_vertical_m: ROOM.vertical_m + MARGIN_M,
    });
    request.bounds = Bounds {
        delay_s_max: DELAY_S_MAX,
        delay_s_step: DELAY_S_STEP,
        altitude_m_min: lowest_m - CLIMB_M_MAX,
        altitude_m_max: highest_m + CLIMB_M_MAX,
        altitude_m_step: CLIMB_M_STEP,
    };
    let name = format!("{} {}", aircraft.icao24, aircraft.callsign).trim().to_owned();
    Planned { name, desk, request, recorded: points }
}

fn shifted(time: Timestamp, shift_s: i64) -> Timestamp {
    let by = Duration::from_secs(shift_s.unsigned_abs());
    if shift_s < 0 { time.minus(by) } else { time.plus(by) }
}

#[cfg(test)]
mod tests {
    use spacetime::LatLng;

    use super::*;

    fn recording() -> Recording {
        let aircraft = |icao24: &str, start_s: u64| Aircraft {
            icao24: icao24.to_owned(),
            callsign: "CALL".to_owned(),
            fixes: (0..3)
                .map(|n| Fix {
                    time: Timestamp::MIN.plus(Duration::from_secs(start_s + 10 * n)),
                    position: LatLng::new(46.0, 8.0 + 0.01 * n as f64).expect("in range"),
                    altitude_m: 9_000.0,
                })
                .collect(),
        };
        let aircraft = vec![aircraft("aa", 5_000), aircraft("bb", 1_000), aircraft("cc", 3_000)];
        Recording { rows: 9, aircraft, unusable: Unusable::default() }
    }

    fn start_of(planned: &Planned) -> Timestamp {
        planned.recorded[0].time
    }

    #[test]
    fn shifts_all_times_by_one_constant_into_the_future() {
        let now = Timestamp::MIN.plus(Duration::from_secs(1_000_000));

        let traffic = Traffic::of(&recording(), now);

        let starts: Vec<Timestamp> = traffic.flights.iter().map(start_of).collect();
        assert_eq!(starts[0], now.plus(Duration::from_secs(LEAD_S)));
        assert_eq!(starts[1].since(starts[0]), Duration::from_secs(2_000));
        assert_eq!(starts[2].since(starts[0]), Duration::from_secs(4_000));
        assert_eq!(traffic.positions, 9);
    }

    #[test]
    fn deals_aircraft_to_the_parties_in_turn() {
        let traffic = Traffic::of(&recording(), Timestamp::MIN);

        let desks: Vec<usize> = traffic.flights.iter().map(|planned| planned.desk).collect();
        assert_eq!(desks, [0, 1, 0]);
    }
}
