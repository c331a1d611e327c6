//! What the demonstration says at its end: what was flown, what it took, and the proof.

use std::collections::BTreeMap;
use std::time::Duration;

use airspace::EntityId;
use desk::{CallStats, Desk, EntityKind};

use super::flight::{Flown, Resolutions};
use super::proof::{self, Claim, Evidence, Finding, Position, Room, Verdict, Zone};
use crate::failure::Failure;
use crate::output::line;

/// How many of the flights that went wrong are named.
const NAMED_MAX: usize = 5;

/// All that became of a demonstration.
pub(crate) struct Story<'a> {
    /// The desks, one a party.
    pub(crate) desks: &'a [Desk],
    /// The parties' names.
    pub(crate) parties: &'a [String],
    /// The flights.
    pub(crate) flights: &'a [Flown],
    /// What was closed.
    pub(crate) zones: Vec<Zone>,
    /// The room that recorded positions need.
    pub(crate) room: Room,
    /// How long filing and flying took.
    pub(crate) took: Duration,
}

/// Checks everything again and prints the report; the proof is its last line.
pub(crate) fn tell(story: Story<'_>) -> Result<(), Failure> {
    tell_flights(story.flights)?;
    tell_calls(story.desks, story.took)?;
    let outside = tell_containment(story.flights, story.room)?;
    let flown = story.flights.iter().filter(|flight| flight.has_flown()).count();
    let flights = story.flights.len();
    let verdict = proof::check(&evidence(story.flights, story.zones, story.parties));
    tell_verdict(&verdict)?;
    line(format_args!(
        "proof: {} intents of {} parties, {} overlaps, {} conflicts found, {} invented; {flown} of \
         {flights} flights flown, {} constraints entered",
        verdict.intents,
        verdict.parties,
        verdict.overlaps.len(),
        verdict.conflicts,
        verdict.invented.len(),
        verdict.entered.len()
    ))?;
    if !verdict.holds() || 0 < outside {
        return Err(Failure::Check("the proof fails".to_owned()));
    }
    Ok(())
}

fn tell_flights(flights: &[Flown]) -> Result<(), Failure> {
    let counts = Resolutions::of(flights);
    let accepted = flights.iter().filter(|flight| flight.accepted().is_some()).count();
    let landed = flights.iter().filter(|flight| flight.landed).count();
    let flown = flights.iter().filter(|flight| flight.has_flown()).count();
    let met = flights.iter().filter(|flight| flight.conflicts().next().is_some()).count();
    let conflicts = || flights.iter().flat_map(Flown::conflicts);
    let with_constraints =
        conflicts().filter(|conflict| conflict.kind == EntityKind::Constraint).count();
    line("")?;
    line(format_args!("flights      {}, {accepted} accepted, {flown} took off", flights.len()))?;
    line(format_args!("intents      {} in the air, {landed} landed", flown - landed))?;
    line(format_args!(
        "conflicts    {} found by {met} flights, {with_constraints} of them with constraints",
        conflicts().count()
    ))?;
    line(format_args!(
        "resolved     {} by delay, {} by altitude, {} by both; {} given up, {} failed",
        counts.by_delay, counts.by_altitude, counts.by_both, counts.given_up, counts.failed
    ))?;
    let errors = flights.iter().flat_map(|flight| {
        let took_off = flight.took_off.as_ref().and_then(|report| report.as_ref().err());
        flight.filed.as_ref().err().into_iter().chain(took_off).map(move |error| (flight, error))
    });
    for (flight, error) in errors.take(NAMED_MAX) {
        line(format_args!("failed       {}: {error}", flight.planned.name))?;
    }
    Ok(())
}

fn tell_calls(desks: &[Desk], took: Duration) -> Result<(), Failure> {
    let mut by_name: BTreeMap<&str, Vec<CallStats>> = BTreeMap::new();
    for call in desks.iter().flat_map(Desk::calls) {
        by_name.entry(call.name.as_str()).or_default().push(call);
    }
    let count = |call: &CallStats| call.answered + call.refused + call.failed;
    let all: u64 = by_name.values().flatten().map(count).sum();
    let took_s = took.as_secs_f64();
    line(format_args!("requests     {all} in {took_s:.1} s: {:.0}/s", all as f64 / took_s))?;
    for (name, calls) in by_name {
        let total: u64 = calls.iter().map(count).sum();
        if total == 0 {
            continue;
        }
        let refused: u64 = calls.iter().map(|call| call.refused).sum();
        let failed: u64 = calls.iter().map(|call| call.failed).sum();
        // Each desk counts for itself; the slower one's latencies are told.
        let p50 = calls.iter().map(|call| call.p50).max().unwrap_or_default();
        let p99 = calls.iter().map(|call| call.p99).max().unwrap_or_default();
        line(format_args!(
            "  {name:<36} {total:>7}  p50 {:>6.1} ms  p99 {:>6.1} ms  {refused} refused, {failed} \
             failed",
            p50.as_secs_f64() * 1_000.0,
            p99.as_secs_f64() * 1_000.0
        ))?;
    }
    Ok(())
}

/// Tells how many recorded positions lie outside their flights' volumes, and returns it.
fn tell_containment(flights: &[Flown], room: Room) -> Result<usize, Failure> {
    let (mut checked, mut outside) = (0, 0);
    for flight in flights.iter().filter(|flight| !flight.planned.recorded.is_empty()) {
        let Some(report) = flight.accepted() else { continue };
        let Some((delay, climb_m)) = moved(flight) else { continue };
        let recorded = flight.planned.recorded.iter().map(|point| Position {
            position: point.position,
            altitude_m: point.altitude_m + climb_m,
            time: point.time.plus(delay),
        });
        let positions: Vec<Position> = recorded.collect();
        checked += positions.len();
        outside += proof::count_outside(&report.volumes, &positions, room);
    }
    if 0 < checked {
        line(format_args!(
            "containment  {checked} recorded positions, {outside} without {} m to the side and \
             {} m up and down",
            room.lateral_m, room.vertical_m
        ))?;
    }
    Ok(outside)
}

/// Returns by how much a flight was delayed and lifted in all; its first volume tells.
fn moved(flight: &Flown) -> Option<(Duration, f64)> {
    use desk::Resolution;

    let report = flight.accepted()?;
    Some(match &report.resolution {
        Resolution::AsAsked => (Duration::ZERO, 0.0),
        Resolution::Delayed { delay_s } => (Duration::from_secs(u64::from(*delay_s)), 0.0),
        Resolution::Moved { climb_m } => (Duration::ZERO, *climb_m),
        Resolution::DelayedAndMoved { delay_s, climb_m } => {
            (Duration::from_secs(u64::from(*delay_s)), *climb_m)
        }
        Resolution::GivenUp(_) => return None,
    })
}

fn evidence(flights: &[Flown], zones: Vec<Zone>, parties: &[String]) -> Evidence {
    let mut evidence = Evidence { zones, ..Evidence::default() };
    for flight in flights {
        evidence.findings.extend(flight.conflicts().map(|conflict| Finding {
            id: conflict.id,
            ours: conflict.ours.clone(),
            theirs: conflict.theirs.clone(),
        }));
        let Some(accepted) = flight.accepted() else { continue };
        let party = airspace::Party::new(&parties[flight.planned.desk]);
        evidence.claims.push(Claim {
            id: accepted.id,
            party: party.expect("parties are named in the code"),
            volumes: accepted.volumes.clone(),
            allowed: flight.planned.request.allowed_constraints.clone(),
        });
        let filed = flight.filed.as_ref().ok().filter(|filed| filed.volumes != accepted.volumes);
        if let Some(filed) = filed {
            evidence.earlier.insert(filed.id, filed.volumes.clone());
        }
    }
    evidence
}

fn tell_verdict(verdict: &Verdict) -> Result<(), Failure> {
    let pairs = |what: &str, pairs: &[(EntityId, EntityId)]| {
        for (ours, theirs) in pairs.iter().take(NAMED_MAX) {
            line(format_args!("{what} {ours} and {theirs}"))?;
        }
        Ok::<(), Failure>(())
    };
    pairs("overlap:    ", &verdict.overlaps)?;
    pairs("entered:    ", &verdict.entered)?;
    for id in verdict.invented.iter().take(NAMED_MAX) {
        line(format_args!("invented:    a conflict with {id}"))?;
    }
    Ok(())
}
