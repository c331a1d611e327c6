//! From an aircraft's fixes to flights that can be planned: split where the record has holes.

use std::time::Duration;

use super::traffic::{Aircraft, Fix, Unusable};

/// After how long without a fix a flight ends; what the aircraft did meanwhile nobody knows.
const GAP_S_MAX: u64 = 120;

/// How long a flight may last; a longer one becomes several, each an operational intent. Desks make
/// at most 64 volumes of a flight, so they stay about a minute long.
const FLIGHT_S_MAX: u64 = 2_400;

/// How fast an aircraft may be, and how much a fix may be off, to be believed.
const SPEED_M_PER_S_MAX: f64 = 700.0;
const POSITION_OFF_M_MAX: f64 = 1_000.0;

/// The same up and down.
const CLIMB_M_PER_S_MAX: f64 = 150.0;
const ALTITUDE_OFF_M_MAX: f64 = 60.0;

/// How many fixes in a row are disbelieved before it is the last one believed that was wrong.
const DISBELIEVED_MAX: usize = 10;

/// How many fixes make a flight at least.
const FIXES_MIN: usize = 2;

/// Splits an aircraft's fixes into flights; those left out are counted in `unusable`.
pub(crate) fn split(aircraft: &Aircraft, unusable: &mut Unusable) -> Vec<Vec<Fix>> {
    let mut flights: Vec<Vec<Fix>> = Vec::new();
    let mut disbelieved = 0;
    for &fix in &aircraft.fixes {
        let Some(flight) = flights.last_mut() else {
            flights.push(vec![fix]);
            continue;
        };
        let (first, last) = (flight[0], *flight.last().expect("a flight begins with a fix"));
        let is_over = Duration::from_secs(GAP_S_MAX) < fix.time.since(last.time)
            || Duration::from_secs(FLIGHT_S_MAX) < fix.time.since(first.time);
        if is_over || DISBELIEVED_MAX <= disbelieved {
            disbelieved = 0;
            flights.push(vec![fix]);
        } else if is_plausible(last, fix) {
            disbelieved = 0;
            flight.push(fix);
        } else {
            disbelieved += 1;
            unusable.implausible += 1;
        }
    }
    let (long, short): (Vec<_>, Vec<_>) =
        flights.into_iter().partition(|flight| FIXES_MIN <= flight.len());
    unusable.alone += short.iter().map(Vec::len).sum::<usize>();
    long
}

fn is_plausible(from: Fix, to: Fix) -> bool {
    let taken_s = to.time.since(from.time).as_secs_f64();
    let climbed_m = (to.altitude_m - from.altitude_m).abs();
    from.position.distance_m(to.position) <= SPEED_M_PER_S_MAX * taken_s + POSITION_OFF_M_MAX
        && climbed_m <= CLIMB_M_PER_S_MAX * taken_s + ALTITUDE_OFF_M_MAX
}

#[cfg(test)]
mod tests {
    use spacetime::{LatLng, Timestamp};

    use super::*;

    fn fix(s: u64, east_m: f64, north_m: f64, altitude_m: f64) -> Fix {
        let position = LatLng::new(46.0 + north_m / 111_195.0, 8.0 + east_m / 77_242.0);
        Fix {
            time: Timestamp::MIN.plus(Duration::from_secs(1_000_000 + s)),
            position: position.expect("in range"),
            altitude_m,
        }
    }

    fn flights(fixes: Vec<Fix>) -> (Vec<Vec<Fix>>, Unusable) {
        let mut unusable = Unusable::default();
        let aircraft = Aircraft { icao24: "aa".to_owned(), callsign: String::new(), fixes };
        (split(&aircraft, &mut unusable), unusable)
    }

    #[test]
    fn splits_at_gaps() {
        let at = |s| fix(s, 200.0 * s as f64, 0.0, 9_000.0);

        let (found, unusable) = flights(vec![at(0), at(GAP_S_MAX), at(2 * GAP_S_MAX + 1), at(300)]);

        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(unusable, Unusable::default());
    }

    #[test]
    fn splits_what_lasts_too_long() {
        let fixes = (0..=400).map(|n| fix(n * 10, 2_000.0 * n as f64, 0.0, 9_000.0)).collect();

        let (found, _) = flights(fixes);

        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [241, 160]);
    }

    #[test]
    fn counts_a_fix_alone() {
        let (found, unusable) = flights(vec![fix(0, 0.0, 0.0, 0.0), fix(1_000, 0.0, 0.0, 0.0)]);

        assert!(found.is_empty());
        assert_eq!(unusable.alone, 2);
    }

    #[test]
    fn leaves_out_jumps_to_where_it_cannot_be() {
        let mut fixes: Vec<Fix> = (0..20).map(|s| fix(s, 200.0 * s as f64, 0.0, 9_000.0)).collect();
        fixes[7] = fix(7, 200.0 * 7.0, 0.0, 32_800.0);
        fixes[12] = fix(12, 200.0 * 12.0, 90_000.0, 9_000.0);

        let (found, unusable) = flights(fixes);

        assert_eq!(found.len(), 1);
        assert_eq!((found[0].len(), unusable.implausible), (18, 2));
    }

    #[test]
    fn begins_anew_where_it_stays_after_a_jump() {
        let mut fixes: Vec<Fix> = (0..30).map(|s| fix(s, 200.0 * s as f64, 0.0, 9_000.0)).collect();
        for (s, fix_there) in (0..30).zip(&mut fixes).skip(5) {
            *fix_there = fix(s, 200.0 * s as f64, 90_000.0, 9_000.0);
        }

        let (found, unusable) = flights(fixes);

        assert_eq!(found.len(), 2);
        assert_eq!(unusable.implausible, DISBELIEVED_MAX);
    }
}
