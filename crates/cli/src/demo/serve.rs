//! What to try while the demonstration goes on serving.

use super::flight::Flown;
use super::world::World;
use crate::failure::Failure;
use crate::output::note;
use crate::signals::Signals;

/// Says what can be tried with curl and serves until Ctrl-C or SIGTERM.
pub(crate) async fn until_stopped(world: &World, flights: &[Flown]) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    tell(world, flights)?;
    signals.next().await;
    note("stopping");
    Ok(())
}

fn tell(world: &World, flights: &[Flown]) -> Result<(), Failure> {
    let token = world.write_token()?;
    let hub = world.hub_url();
    note("");
    note(format_args!("The hub serves at {hub}, the data are in {}.", world.dir().display()));
    for (party, desk) in world.parties.iter().zip(&world.desks) {
        note(format_args!("The desk of {party} serves at {}.", desk.base_url()));
    }
    note("In another terminal, try (the token is good for an hour):");
    note("");
    note(format_args!("  TOKEN=$(cat {})", token.display()));
    let flying = flights.iter().find(|flight| flight.has_flown() && !flight.landed);
    if let Some((flight, id)) = flying.and_then(|flight| Some((flight, flight.id()?))) {
        let desk = &world.desks[flight.planned.desk];
        note(format_args!("  # `{}` as the hub knows it: that it is there", flight.planned.name));
        let path = format!("dss/v1/operational_intent_references/{id}");
        note(format_args!("  curl -H \"Authorization: Bearer $TOKEN\" {hub}/{path}"));
        note("  # and as its owner knows it: what it is");
        let path = format!("uss/v1/operational_intents/{id}");
        note(format_args!("  curl -H \"Authorization: Bearer $TOKEN\" {}/{path}", desk.base_url()));
    }
    if let Some(address) = world.desks.first().and_then(desk::Desk::user_addr) {
        note("  # what the first party's own user sees");
        note(format_args!("  curl http://{address}/desk/v1/flights"));
    }
    note("");
    note("Press Ctrl-C to stop.");
    Ok(())
}
