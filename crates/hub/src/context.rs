//! What every request of one hub shares.

use crate::admission::Share;
use crate::auth::Authenticator;
use crate::clock::Clock;
use crate::config::Limits;
use crate::entropy::Entropy;
use crate::replica::Replica;
use crate::reports::Reports;
use crate::telemetry::Telemetry;
use crate::workers::Workers;

/// What every request of one hub shares.
#[derive(Debug)]
pub(crate) struct Context {
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

/// What parties hold parts of.
#[derive(Debug)]
pub(crate) struct Shares {
    /// Requests under way.
    pub(crate) requests: Share,
    /// Bytes of bodies in memory.
    pub(crate) bodies: Share,
    /// Bytes of answers in memory.
    pub(crate) answers: Share,
}

impl Shares {
    pub(crate) fn new(limits: &Limits) -> Self {
        Shares {
            requests: Share::new(u64::from(limits.requests_max)),
            bodies: Share::new(limits.bodies_bytes_max),
            answers: Share::new(limits.answers_bytes_max),
        }
    }
}
