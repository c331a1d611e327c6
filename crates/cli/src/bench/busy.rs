//! Load on one busy S2 cell: flights that come and go, or searches.
//!
//! Each connection's flights have a band of altitudes of their own, so no keys are needed, but
//! every write bumps and returns every live subscription of the cell.

use std::sync::Arc;
use std::time::Duration;

use hyper::Method;

use super::bodies::{BUSY, Bodies, Intent, Place};
use super::connection::text_value;
use super::load::{Client, Deadline, Tally, run_all};
use super::target::Target;
use crate::failure::Failure;

/// Where operational intents are put and searched.
pub(super) const REFERENCES: &str = "/dss/v1/operational_intent_references";

/// How much to ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy {
    /// Over how many connections.
    pub(crate) connections: usize,
    /// How many flights live in the cell all the time, each with its subscription.
    pub(crate) live: u32,
    /// For how long.
    pub(crate) duration: Duration,
}

/// Creates, activates and deletes flights; each answer to what was asked in time counts.
pub(crate) async fn fly(target: &Target, busy: Busy) -> Result<Tally, Failure> {
    settle(target, busy.live).await?;
    let bodies = Arc::new(Bodies::new());
    let deadline = Deadline::after(busy.duration);
    let workers = clients(target, busy.connections).zip(busy.live..).map(|(mut client, band)| {
        let place = Place { band, ..BUSY };
        let create = bodies.put(place, Intent::AcceptedAndSubscribed, client.party());
        let activate = bodies.put(place, Intent::Activated, client.party());
        async move {
            while !deadline.has_passed() && !client.gives_up() {
                let path = format!("{REFERENCES}/{}", client.new_id());
                let Some(ovn) = put(&mut client, path.clone(), create.clone()).await else {
                    continue;
                };
                if deadline.has_passed() {
                    break;
                }
                let versioned = format!("{path}/{ovn}");
                let Some(ovn) = put(&mut client, versioned, activate.clone()).await else {
                    continue;
                };
                if deadline.has_passed() {
                    break;
                }
                client.ask(Method::DELETE, format!("{path}/{ovn}"), "".into()).await;
            }
            client.tally
        }
    });
    run_all(workers).await
}

/// Searches the cell; each answer lists the flights that live there.
pub(crate) async fn search(target: &Target, busy: Busy) -> Result<Tally, Failure> {
    settle(target, busy.live).await?;
    let query = Bodies::new().query(BUSY);
    let deadline = Deadline::after(busy.duration);
    let workers = clients(target, busy.connections).map(|mut client| {
        let query = query.clone();
        async move {
            while !deadline.has_passed() && !client.gives_up() {
                client.ask(Method::POST, format!("{REFERENCES}/query"), query.clone()).await;
            }
            client.tally
        }
    });
    run_all(workers).await
}

/// Puts the flights that live in the cell all the time, below those that come and go.
async fn settle(target: &Target, live: u32) -> Result<(), Failure> {
    let bodies = Bodies::new();
    let mut clients: Vec<Client> = clients(target, target.parties.len()).collect();
    for band in 0..live {
        let index = band as usize % clients.len();
        let client = &mut clients[index];
        let place = Place { band, ..BUSY };
        let path = format!("{REFERENCES}/{}", client.new_id());
        let body = bodies.put(place, Intent::AcceptedAndSubscribed, client.party());
        if put(client, path, body).await.is_none() {
            let error = client.tally.first_error.take().unwrap_or_default();
            return Err(Failure::Refused(format!("cannot put a live flight: {error}")));
        }
    }
    Ok(())
}

/// Puts an operational intent and returns its OVN.
pub(super) async fn put(client: &mut Client, path: String, body: bytes::Bytes) -> Option<String> {
    let answer = client.ask(Method::PUT, path, body).await?;
    let ovn = text_value(&answer, "ovn").map(str::to_owned);
    if ovn.is_none() {
        client.tally.errors += 1;
        client.tally.first_error.get_or_insert_with(|| "an answer without an OVN".to_owned());
    }
    ovn
}

/// Returns clients, the parties taking turns, and the hubs if there are several.
pub(super) fn clients(target: &Target, count: usize) -> impl Iterator<Item = Client> {
    let parties = target.parties.iter().cycle().take(count);
    let hubs = target.addresses.iter().cycle();
    parties.zip(hubs).map(|(party, hub)| Client::new(*hub, party.clone()))
}
