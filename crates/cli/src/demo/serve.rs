//! What to try while the demonstration goes on serving.

use airspace::EntityId;

use super::flight::Flown;
use super::world::World;
use crate::clock::rfc3339;
use crate::failure::Failure;
use crate::output::note;
use crate::signals::Signals;

/// Says what can be tried with curl and serves until Ctrl-C or SIGTERM.
pub(crate) async fn until_stopped(
    world: &World,
    flights: &[Flown],
    watches: &[EntityId],
) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    tell(world, flights, watches)?;
    signals.next().await;
    note("stopping");
    Ok(())
}

fn tell(world: &World, flights: &[Flown], watches: &[EntityId]) -> Result<(), Failure> {
    let token = world.write_token()?;
    let hub = world.hub_url();
    note("");
    match world.pool() {
        None => note(format_args!("The hub serves at {hub}.")),
        Some(pool) => pool.note_hubs(&hub),
    }
    note(format_args!("The data are in {}.", world.dir().display()));
    for (party, desk) in world.parties.iter().zip(&world.desks) {
        note(format_args!("The desk of {party} serves at {}.", desk.base_url()));
    }
    note(format_args!("Their clock, at which flights fly, shows {}.", rfc3339(world.now())));
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
        note("  # and who flies, as remote ID tells it");
        let path = format!("uss/flights/{id}/details");
        note(format_args!("  curl -H \"Authorization: Bearer $TOKEN\" {}/{path}", desk.base_url()));
    }
    if let Some(address) = world.desks.first().and_then(desk::Desk::user_addr) {
        note("  # what the first party's own user sees");
        note(format_args!("  curl http://{address}/desk/v1/flights"));
        if let Some(watch) = watches.first() {
            note("  # and whom it sees by remote ID");
            note(format_args!("  curl http://{address}/desk/v1/watches/{watch}/flights"));
        }
    }
    note("");
    note("Press Ctrl-C to stop.");
    Ok(())
}
