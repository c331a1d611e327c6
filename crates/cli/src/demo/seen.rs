//! Who sees whom by remote ID, while the last flights are in the air.

use std::collections::HashMap;
use std::time::Duration;

use airspace::EntityId;
use desk::{Desk, SeenFlight, Sight};
use spacetime::{LatLng, Timestamp};

use super::flight::Flown;
use super::fly;
use super::world::World;
use crate::clock::rfc3339;
use crate::failure::Failure;
use crate::output::line;

/// How long after the last take-off the parties look.
const LOOK_AFTER: Duration = Duration::from_secs(20);

/// Half the side of the square that is watched over recorded traffic, in meters: as much as a watch
/// may hold, and a little less.
const HALF_SIDE_M: f64 = 9_000.0;

/// How many flights each party is told to see.
const NAMED_MAX: usize = 6;

/// Lets each desk watch the area between two corners.
pub(crate) async fn watch(desks: &[Desk], corners: [LatLng; 2]) -> Result<Vec<EntityId>, Failure> {
    let mut watches = Vec::new();
    for desk in desks {
        let watch = desk.watch(corners).await;
        watches.push(watch.map_err(|error| Failure::refused("cannot watch an area", &error))?);
    }
    Ok(watches)
}

/// Moves the clock of the demonstration on to shortly after the last take-off.
///
/// What desks still have to tell each other is told before: a token that was signed by the old clock
/// has expired by the new one, and its bearer would be refused.
pub(crate) async fn move_on(world: &World, flights: &[Flown]) -> Result<(), Failure> {
    for desk in &world.desks {
        desk.settle().await;
        desk.told().await;
    }
    let flown = flights.iter().filter(|flight| flight.has_flown()).filter_map(Flown::accepted);
    let last = flown.map(fly::starts_at).max();
    last.map_or(Ok(()), |last| world.move_on_to(last.plus(LOOK_AFTER)))
}

/// Returns the corners of a square around the flight in the air that has most others near it;
/// `None` if none is in the air.
pub(crate) fn busiest(flights: &[Flown], now: Timestamp) -> Option<[LatLng; 2]> {
    let places: Vec<LatLng> = flights.iter().filter_map(|flight| place(flight, now)).collect();
    let near = |middle: LatLng| {
        places.iter().filter(|place| place.distance_m(middle) < HALF_SIDE_M).count()
    };
    let middle = places.iter().copied().max_by_key(|place| near(*place))?;
    let corner = |bearing_deg: f64| middle.destination(bearing_deg, HALF_SIDE_M * 2_f64.sqrt());
    Some([corner(225.0), corner(45.0)])
}

/// Returns the middle of the volume that a flight is in, if it is in the air.
fn place(flight: &Flown, now: Timestamp) -> Option<LatLng> {
    let report = flight.accepted().filter(|_| flight.has_flown() && !flight.landed)?;
    let volume = report.volumes.iter().find(|volume| {
        volume.starts_at().is_none_or(|start| start <= now)
            && volume.ends_at().is_none_or(|end| now <= end)
    })?;
    Some(volume.area().bounding_circle().center())
}

/// Tells what each party sees of the others' flights, and how old that is.
pub(crate) async fn tell(
    world: &World,
    watches: &[EntityId],
    flights: &[Flown],
) -> Result<(), Failure> {
    let named = flights.iter().filter_map(|flight| Some((flight.id()?.to_string(), flight)));
    let names: HashMap<String, &str> =
        named.map(|(id, flight)| (id, flight.planned.name.as_str())).collect();
    line("")?;
    line(format_args!("remote ID    who sees whom at {}", rfc3339(whole_second(world.now()))))?;
    for ((desk, party), watch) in world.desks.iter().zip(&world.parties).zip(watches) {
        let sight = desk.look(*watch).await;
        let sight = sight.map_err(|error| Failure::refused("cannot look by remote ID", &error))?;
        tell_sight(party, &sight, &names)?;
    }
    Ok(())
}

fn tell_sight(party: &str, sight: &Sight, names: &HashMap<String, &str>) -> Result<(), Failure> {
    let others = || sight.flights.iter().filter(|flight| flight.owner.as_str() != party);
    let count = others().count();
    let noun = if count == 1 { "flight" } else { "flights" };
    line(format_args!("  {party:<7} sees {count} {noun} of the others"))?;
    for flight in others().take(NAMED_MAX) {
        let name = names.get(&flight.id).copied().unwrap_or("a flight");
        let owner = flight.owner.as_str();
        line(format_args!("    {name:<28} {owner:<7} {}", told_state(flight)))?;
    }
    if NAMED_MAX < count {
        line(format_args!("    and {} more", count - NAMED_MAX))?;
    }
    for silent in &sight.silent {
        line(format_args!("    the desk of {} does not answer: {}", silent.owner, silent.why))?;
    }
    Ok(())
}

fn told_state(flight: &SeenFlight) -> String {
    let Some(state) = flight.state else {
        return "left the area within the last minute".to_owned();
    };
    let position = state.position;
    let altitude_m = state.altitude_m.map_or("?".to_owned(), |meters| format!("{meters:.0}"));
    let speed = state.speed_m_per_s.map_or("?".to_owned(), |speed| format!("{speed:.0}"));
    format!(
        "{:>8.4},{:>9.4} {altitude_m:>6} m {speed:>4} m/s  age {:.1} s",
        position.lat_deg(),
        position.lng_deg(),
        state.age.as_secs_f64()
    )
}

fn whole_second(time: Timestamp) -> Timestamp {
    let beyond = time.as_micros().rem_euclid(1_000_000);
    time.minus(Duration::from_micros(beyond.unsigned_abs()))
}
