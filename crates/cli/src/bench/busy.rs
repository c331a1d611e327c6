//! Load on one busy S2 cell: flights that come and go, or searches.
//!
//! Each connection's flights have a band of altitudes of their own, so no keys are needed, but
//! every write bumps and returns every live subscription of the cell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Method;

use super::bodies::{BUSY, Bodies, Intent, Place};
use super::connection::last_text_value;
use super::load::{Client, Deadline, Tally, run_all};
use super::target::Target;
use crate::clock;
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
    /// How many flights begin in a second, all connections together; as many as can unless given.
    pub(crate) pace: Option<u32>,
}

/// When the flights of one connection begin: the connections take turns, evenly.
struct Turns {
    next: Instant,
    /// From one to the next; they follow one another at once where it is nothing.
    apart: Duration,
}

/// Creates, activates and deletes flights; each answer to what was asked in time counts.
pub(crate) async fn fly(target: &Target, busy: Busy) -> Result<Tally, Failure> {
    settle(target, busy.live).await?;
    let bodies = Arc::new(Bodies::new());
    let deadline = Deadline::after(busy.duration);
    let began = clock::instant();
    let workers = clients(target, busy.connections).zip(0..).map(|(mut client, number)| {
        let band = busy.live + number;
        let mut turns = busy.turns(began, number);
        let place = Place { band, ..BUSY };
        let create = bodies.put(place, Intent::AcceptedAndSubscribed, client.party());
        let activate = bodies.put(place, Intent::Activated, client.party());
        async move {
            while !deadline.has_passed() && !client.gives_up() {
                turns.wait().await;
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

impl Busy {
    /// Returns when the flights of the connection with this number begin.
    fn turns(&self, began: Instant, number: u32) -> Turns {
        let Some(pace) = self.pace else { return Turns { next: began, apart: Duration::ZERO } };
        let between = Duration::from_secs(1) / pace;
        let connections = u32::try_from(self.connections).expect("it has a bound");
        Turns { next: began + between * number, apart: between * connections }
    }
}

impl Turns {
    /// Waits for the next turn; one that is late is not made up for.
    async fn wait(&mut self) {
        tokio::time::sleep_until(self.next.into()).await;
        self.next = (self.next + self.apart).max(clock::instant());
    }
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
    let ovn = last_text_value(&answer, "ovn").map(str::to_owned);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_connections_take_turns_at_the_pace_asked_for() {
        let duration = Duration::from_secs(1);
        let busy = Busy { connections: 4, live: 0, duration, pace: Some(100) };
        let began = clock::instant();

        let turns: Vec<Turns> = (0..4).map(|number| busy.turns(began, number)).collect();

        let begin = turns.iter().map(|turns| (turns.next - began).as_millis());
        assert_eq!(begin.collect::<Vec<_>>(), [0, 10, 20, 30]);
        assert!(turns.iter().all(|turns| turns.apart == Duration::from_millis(40)));
        let busy = Busy { pace: None, ..busy };
        assert_eq!(busy.turns(began, 3).next, began);
        assert_eq!(busy.turns(began, 3).apart, Duration::ZERO);
    }
}
