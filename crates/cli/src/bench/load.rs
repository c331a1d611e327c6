//! Many connections that ask at the same time, and what came of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use hub::entropy::Entropy;
use hyper::{Method, StatusCode};
use tokio::task::JoinSet;

use super::connection::{Answer, CallError, Connection};
use super::histogram::Histogram;
use super::target::Party;
use crate::clock;
use crate::failure::{Failure, chain};

/// After how many errors in a row a connection gives up.
const ERRORS_IN_A_ROW_MAX: u32 = 20;

/// What one connection, or all of them together, saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How long the answers took.
    pub(crate) latencies: Histogram,
    /// How many requests failed.
    pub(crate) errors: u64,
    /// What the first failure was.
    pub(crate) first_error: Option<String>,
    /// How many bytes the answers had.
    pub(crate) answered_bytes: u64,
    /// How many writes were refused because they did not name everything that they overlap.
    pub(crate) refused: u64,
}

/// What came of a write.
pub(super) enum Written {
    /// It was done; the answer's body.
    Done(Bytes),
    /// It does not name everything that it overlaps.
    Refused,
    /// It failed, which was counted.
    Failed,
}

/// One connection's client: asks, counts, and connects again when the connection breaks.
pub(super) struct Client {
    address: SocketAddr,
    party: Party,
    connection: Option<Connection>,
    errors_in_a_row: u32,
    entropy: Entropy,
    /// What it saw.
    pub(super) tally: Tally,
}

impl Client {
    /// Returns a client that has not connected yet.
    pub(super) fn new(address: SocketAddr, party: Party) -> Self {
        Client {
            address,
            party,
            connection: None,
            errors_in_a_row: 0,
            entropy: Entropy::system(),
            tally: Tally::default(),
        }
    }

    /// Returns the name of the party that it speaks for.
    pub(super) fn party(&self) -> &str {
        &self.party.name
    }

    /// Returns a new id for an entity.
    pub(super) fn new_id(&self) -> String {
        airspace::EntityId::from_random_bytes(self.entropy.bytes()).to_string()
    }

    /// Asks once; a failure is counted and gives `None`.
    pub(super) async fn ask(&mut self, method: Method, path: String, body: Bytes) -> Option<Bytes> {
        let result = self.try_ask(method, path, body).await;
        self.count(result)
    }

    fn count(&mut self, result: Result<Answer, CallError>) -> Option<Bytes> {
        match result {
            Ok(answer) => {
                self.errors_in_a_row = 0;
                self.tally.latencies.record(answer.latency);
                self.tally.answered_bytes += answer.body.len() as u64;
                Some(answer.body)
            }
            Err(error) => {
                if !matches!(error, CallError::Status { .. }) {
                    self.connection = None;
                }
                self.errors_in_a_row += 1;
                self.tally.errors += 1;
                self.tally.first_error.get_or_insert_with(|| chain(&error));
                None
            }
        }
    }

    /// Asks for a write that others may have come before; only one that is done is timed.
    pub(super) async fn write(&mut self, method: Method, path: String, body: Bytes) -> Written {
        match self.try_ask(method, path, body).await {
            Err(CallError::Status { status: StatusCode::CONFLICT, .. }) => {
                self.errors_in_a_row = 0;
                self.tally.refused += 1;
                Written::Refused
            }
            result => self.count(result).map_or(Written::Failed, Written::Done),
        }
    }

    /// Asks for something that is not what is measured; a failure is counted and gives `None`.
    pub(super) async fn read(
        &mut self,
        method: Method,
        path: String,
        body: Bytes,
    ) -> Option<Bytes> {
        match self.try_ask(method, path, body).await {
            Ok(answer) => Some(answer.body),
            failed => self.count(failed),
        }
    }

    /// Tells whether so much failed that asking on makes no sense.
    pub(super) fn gives_up(&self) -> bool {
        ERRORS_IN_A_ROW_MAX <= self.errors_in_a_row
    }

    async fn try_ask(
        &mut self,
        method: Method,
        path: String,
        body: Bytes,
    ) -> Result<Answer, CallError> {
        if self.connection.is_none() {
            let opened = Connection::open(self.address, &self.party.authorization).await?;
            self.connection = Some(opened);
        }
        let connection = self.connection.as_mut().expect("it was just opened");
        connection.call(method, path, body).await
    }
}

impl Tally {
    /// Adds what another has seen.
    pub(super) fn add(&mut self, other: Tally) {
        self.latencies.add(&other.latencies);
        self.errors += other.errors;
        self.answered_bytes += other.answered_bytes;
        self.refused += other.refused;
        if self.first_error.is_none() {
            self.first_error = other.first_error;
        }
    }
}

/// Until when to ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(Instant);

impl Deadline {
    /// Returns the point `duration` from now.
    pub(super) fn after(duration: Duration) -> Self {
        Deadline(clock::instant() + duration)
    }

    /// Tells whether it has passed.
    pub(super) fn has_passed(self) -> bool {
        self.0 <= clock::instant()
    }
}

/// Runs the futures of all connections to their ends and adds up what they saw.
pub(super) async fn run_all(
    workers: impl Iterator<Item = impl Future<Output = Tally> + Send + 'static>,
) -> Result<Tally, Failure> {
    let mut running: JoinSet<Tally> = workers.collect();
    let mut all = Tally::default();
    while let Some(tally) = running.join_next().await {
        let tally = tally.map_err(|error| Failure::refused("a connection's task ended", &error))?;
        all.add(tally);
    }
    Ok(all)
}
