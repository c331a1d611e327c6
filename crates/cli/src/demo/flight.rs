//! A flight that the demonstration plans, and what became of it.

use airspace::EntityId;
use desk::{Conflict, FlightRequest, PathPoint, Report, Resolution};

/// A flight to be planned.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// What it is, for people.
    pub(crate) name: String,
    /// By which of the desks.
    pub(crate) desk: usize,
    /// What its user asks of the desk.
    pub(crate) request: FlightRequest,
    /// Where it was recorded, if it was: every position must stay inside its volumes.
    pub(crate) recorded: Vec<PathPoint>,
}

/// What became of a flight.
#[derive(Clone, Debug)]
pub(crate) struct Flown {
    /// What was asked.
    pub(crate) planned: Planned,
    /// What the desk answered.
    pub(crate) filed: Result<Report, String>,
    /// What the desk answered when it took off; `None` if it was never accepted.
    pub(crate) took_off: Option<Result<Report, String>>,
    /// Whether it has landed and is no longer in the airspace.
    pub(crate) landed: bool,
}

/// How the flights that met conflicts got around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolutions {
    /// As they had asked.
    pub(crate) as_asked: usize,
    /// Later.
    pub(crate) by_delay: usize,
    /// Higher or lower.
    pub(crate) by_altitude: usize,
    /// Later, and higher or lower.
    pub(crate) by_both: usize,
    /// Not at all.
    pub(crate) given_up: usize,
    /// The desk or the hub failed.
    pub(crate) failed: usize,
}

impl Flown {
    /// Returns the report of what is in the airspace now, if anything is or was.
    pub(crate) fn accepted(&self) -> Option<&Report> {
        let filed = self.filed.as_ref().ok().filter(|report| report.version.is_some())?;
        match &self.took_off {
            Some(Ok(report)) if report.version.is_some() => Some(report),
            Some(Ok(_) | Err(_)) | None => Some(filed),
        }
    }

    /// Returns the id of its operational intent, if it was accepted.
    pub(crate) fn id(&self) -> Option<EntityId> {
        self.accepted().map(|report| report.id)
    }

    /// Tells whether it took off.
    pub(crate) fn has_flown(&self) -> bool {
        matches!(&self.took_off, Some(Ok(report)) if report.version.is_some())
    }

    /// Returns everything that stood in its way, when it was filed and when it took off.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = &Conflict> {
        let filed = self.filed.as_ref().ok();
        let took_off = self.took_off.as_ref().and_then(|report| report.as_ref().ok());
        filed.into_iter().chain(took_off).flat_map(|report| &report.conflicts)
    }
}

impl Resolutions {
    /// Counts how flights were filed.
    pub(crate) fn of(flights: &[Flown]) -> Self {
        let mut counts = Resolutions::default();
        for flight in flights {
            let counter = match flight.filed.as_ref().map(|report| &report.resolution) {
                Ok(Resolution::AsAsked) => &mut counts.as_asked,
                Ok(Resolution::Delayed { .. }) => &mut counts.by_delay,
                Ok(Resolution::Moved { .. }) => &mut counts.by_altitude,
                Ok(Resolution::DelayedAndMoved { .. }) => &mut counts.by_both,
                Ok(Resolution::GivenUp(_)) => &mut counts.given_up,
                Err(_) => &mut counts.failed,
            };
            *counter += 1;
        }
        counts
    }
}
