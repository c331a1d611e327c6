//! Flights that all overlap: each write must name the OVNs of all others that are there.
//!
//! Whoever writes bets that nobody else writes between its reading and its place in the log. One
//! party speaks for all, since OVNs are shown to their manager only.

use std::sync::Arc;

use hyper::Method;

use super::bodies::{BUSY, Bodies, Intent};
use super::busy::{Busy, REFERENCES, clients};
use super::connection::{text_value, text_values};
use super::load::{Client, Deadline, Tally, Written, run_all};
use super::target::Target;
use crate::failure::Failure;

/// One connection's flights.
struct Flyer {
    client: Client,
    bodies: Arc<Bodies>,
    deadline: Deadline,
    /// The OVNs of all flights, as they were read last.
    known: Vec<String>,
}

/// Creates, activates and deletes flights in one volume; what is refused is read and tried again.
pub(super) async fn fly(target: &Target, busy: Busy) -> Result<Tally, Failure> {
    let bodies = Arc::new(Bodies::new());
    let deadline = Deadline::after(busy.duration);
    let workers = clients(target, busy.connections).map(|client| {
        let mut flyer = Flyer { client, bodies: Arc::clone(&bodies), deadline, known: Vec::new() };
        async move {
            while !flyer.is_over() {
                flyer.fly_once().await;
            }
            flyer.client.tally
        }
    });
    run_all(workers).await
}

impl Flyer {
    fn is_over(&self) -> bool {
        self.deadline.has_passed() || self.client.gives_up()
    }

    async fn fly_once(&mut self) {
        let path = format!("{REFERENCES}/{}", self.client.new_id());
        let Some(ovn) = self.put(path.clone(), Intent::AcceptedAndSubscribed).await else { return };
        let activated = self.put(format!("{path}/{ovn}"), Intent::Activated).await;
        // What stays would be in everybody's way.
        let ovn = activated.unwrap_or(ovn);
        self.client.ask(Method::DELETE, format!("{path}/{ovn}"), "".into()).await;
    }

    /// Puts an intent until it names all others and returns its OVN, unless time is up.
    async fn put(&mut self, path: String, intent: Intent) -> Option<String> {
        while !self.is_over() {
            let body = self.bodies.put_knowing(&self.known, BUSY, intent, self.client.party());
            match self.client.write(Method::PUT, path.clone(), body).await {
                Written::Done(answer) => return text_value(&answer, "ovn").map(str::to_owned),
                Written::Refused => self.look().await,
                Written::Failed => {}
            }
        }
        None
    }

    async fn look(&mut self) {
        let path = format!("{REFERENCES}/query");
        let query = self.bodies.query(BUSY);
        if let Some(answer) = self.client.read(Method::POST, path, query).await {
            self.known = text_values(&answer, "ovn");
        }
    }
}
