//! What every request of one hub shares.

use std::sync::Arc;

use airspace::Party;
use log::Proposer;

use crate::admission::{Denied, Permit, Share};
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::Limits;
use crate::entropy::Entropy;
use crate::replica::Replica;
use crate::reports::Reports;
use crate::server::Acceptor;
use crate::telemetry::Telemetry;
use crate::workers::Workers;

/// What every request of one hub shares.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) instance: Instance,
    pub(crate) replica: Replica,
    pub(crate) authenticator: Authenticator,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) workers: Workers,
    pub(crate) reports: Reports,
    pub(crate) telemetry: Telemetry,
    pub(crate) shares: Shares,
    pub(crate) limits: Limits,
    /// Whether USS base URLs may be `http`.
    pub(crate) allow_http: bool,
}

/// What a hub tells of itself.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Its name in the log.
    pub(crate) name: Proposer,
    /// Where clients reach it, if its operator says so.
    pub(crate) public_url: Option<String>,
    /// What it accepts TLS connections with, if it does TLS itself.
    pub(crate) acceptor: Option<Arc<Acceptor>>,
}

/// How many requests of open operations are under way at once.
const OPEN_REQUESTS_MAX: u64 = 64;

/// How many bytes long answers of open operations take in memory at once: a large set of roots is
/// some hundred kilobytes.
const OPEN_ANSWERS_BYTES_MAX: u64 = 16 << 20;

/// What parties hold parts of.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Requests under way.
    pub(crate) requests: Share,
    /// Requests of open operations: apart, so that nobody without a token takes from parties.
    open_requests: Share,
    /// Bytes of answers of open operations in memory, apart for the same reason.
    pub(crate) open_answers: Share,
    /// Bytes of bodies in memory.
    pub(crate) bodies: Share,
    /// Bytes of answers in memory.
    pub(crate) answers: Share,
}

impl Shares {
    pub(crate) fn new(limits: &Limits) -> Self {
        Shares {
            requests: Share::new(u64::from(limits.requests_max)),
            // Who holds a share alone, as all that have no name do, has half of it.
            open_requests: Share::new(2 * OPEN_REQUESTS_MAX),
            open_answers: Share::new(2 * OPEN_ANSWERS_BYTES_MAX),
            bodies: Share::new(limits.bodies_bytes_max),
            answers: Share::new(limits.answers_bytes_max),
        }
    }
    /// Lets in a request that anybody may send.
    pub(crate) fn enter_open(&self) -> Result<Permit, Denied> {
        self.open_requests.enter(&anybody(), 1).map_err(|_| Denied::Full)
    }
}

/// Returns whom shares of open operations name.
pub(crate) fn anybody() -> Party {
    Party::new("anybody").expect("a short name without control characters")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_what_anybody_asks_and_leaves_parties_theirs() {
        let limits = Limits::default();
        let shares = Shares::new(&limits);

        let held: Vec<Permit> =
            (0..OPEN_REQUESTS_MAX).map(|_| shares.enter_open().expect("there is room")).collect();

        assert_eq!(shares.enter_open().expect_err("it is full"), Denied::Full);
        assert_eq!(shares.requests.held(), 0);
        drop(held);
        assert!(shares.enter_open().is_ok());
    }
}
