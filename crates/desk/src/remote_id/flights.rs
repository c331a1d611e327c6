//! What service providers answer: where the desk's active flights are, and who flies them.

use std::sync::Arc;
use std::time::Duration;

use airspace::EntityId;
use spacetime::{Area, Timestamp};
use wire::f3411_22a::uss::flight_details::RidFlightDetails;
use wire::f3411_22a::uss::flight_id::RidFlightId;
use wire::f3411_22a::uss::flights::{GetFlightsResponse, RidFlight};
use wire::f3411_22a::uss::view::{SearchFlights, View};

use crate::book::{Taken, Wish};
use crate::config::RemoteId;
use crate::core::Core;
use crate::remote_id::course;
use crate::remote_id::registration::{Purpose, Registration};
use crate::remote_id::state::{Origin, recent, state};
use crate::remote_id::telemetry::{RECENT_MAX, Telemetry, TelemetryError};

/// An active flight and what its user told.
struct Shown {
    id: EntityId,
    wish: Arc<Wish>,
    taken: Taken,
    told: Vec<Telemetry>,
}

/// Where a flight was in the last minute.
struct Track {
    origin: Origin,
    /// Ascending by time.
    positions: Vec<Telemetry>,
    /// Where it is now, as far as is known.
    current: Option<Telemetry>,
}

impl Core {
    /// Takes where a flight is, as its user tells it.
    pub(crate) fn tell_position(
        &self,
        id: EntityId,
        told: Telemetry,
    ) -> Result<(), TelemetryError> {
        told.check(self.clock.now())?;
        let book = self.book();
        let own = book.find(id).filter(|own| own.wish.is_some() && own.taken.is_some());
        let own = own.ok_or(TelemetryError::NotFound)?;
        if own.shown().is_none() {
            return Err(TelemetryError::NotActivated);
        }
        // The book is held, so the flight cannot be removed before its position is there.
        self.positions().add(id, told)
    }

    /// Returns the flights that are or were in a view (F3411-22a `searchFlights`).
    pub(crate) fn search_flights(&self, search: &SearchFlights) -> GetFlightsResponse {
        let now = self.clock.now();
        let near = self.flights_near(&search.view, now);
        let no_isas_present = near.is_empty();
        let shown = self.shown(near, now);
        let flights = shown.iter().filter_map(|shown| self.flight(shown, search, now)).collect();
        GetFlightsResponse { timestamp: now.into(), flights, no_isas_present }
    }

    /// Returns who flies an active flight (F3411-22a `getFlightDetails`).
    pub(crate) fn flight_details(&self, id: EntityId) -> Option<RidFlightDetails> {
        if self.remote_id == RemoteId::Off {
            return None;
        }
        let book = self.book();
        let own = book.find(id).filter(|own| own.shown().is_some())?;
        let identification = own.wish.as_ref()?.identification.clone();
        Some(RidFlightDetails {
            id: flight_id(id),
            eu_classification: identification.eu_classification,
            uas_id: identification.uas_id,
            operator_id: identification.operator_id,
            operator_location: identification.operator_location,
            operation_description: identification.operation_description,
            auth_data: None,
        })
    }

    /// Returns the flights, ascending, one of whose service areas meets a view or did a minute ago.
    fn flights_near(&self, view: &View, now: Timestamp) -> Vec<EntityId> {
        let view = Area::from(view.bounding_circle());
        let is_near = |registration: &Registration| match &registration.purpose {
            Purpose::ServiceArea { extents, .. } => {
                extents.starts_at().is_none_or(|start| start <= now)
                    && extents.ends_at().is_none_or(|end| now <= end)
                    && extents.area().intersects(&view)
            }
            Purpose::Watch(_) => false,
        };
        let registrations = self.registrations();
        let flights = registrations.flights();
        let mut near: Vec<EntityId> =
            flights.filter(|flight| registrations.of_flight(*flight).any(is_near)).collect();
        near.sort_unstable();
        near
    }

    fn shown(&self, flights: Vec<EntityId>, now: Timestamp) -> Vec<Shown> {
        let book = self.book();
        let positions = self.positions();
        let shown = |id: EntityId| {
            let own = book.find(id).filter(|own| own.shown().is_some())?;
            let (wish, taken) = (Arc::clone(own.wish.as_ref()?), own.taken.clone()?);
            let told = positions.find(id).map_or_else(Vec::new, |told| {
                let recent = told.since(now.minus(RECENT_MAX));
                let last = told.newest().filter(|last| last.time < now.minus(RECENT_MAX));
                recent.chain(last).copied().collect()
            });
            Some(Shown { id, wish, taken, told })
        };
        flights.into_iter().filter_map(shown).collect()
    }

    /// Returns a flight if it is or was in the view.
    fn flight(&self, shown: &Shown, search: &SearchFlights, now: Timestamp) -> Option<RidFlight> {
        let track = match self.remote_id {
            RemoteId::Telemetry | RemoteId::Off => shown.told_track(now),
            RemoteId::Plan => shown.planned_track(now),
        };
        let is_inside = |told: &&Telemetry| search.view.contains(told.position);
        let inside = || track.positions.iter().filter(is_inside);
        let current = track.current.as_ref().filter(is_inside);
        if current.is_none() && inside().next().is_none() {
            return None;
        }
        let earliest = now.minus(search.recent_positions);
        let recent_positions = (Duration::ZERO < search.recent_positions).then(|| {
            let asked = inside().filter(|told| earliest <= told.time);
            asked.map(|told| recent(told, track.origin)).collect()
        });
        Some(RidFlight {
            id: flight_id(shown.id),
            aircraft_type: shown.wish.identification.aircraft_type,
            current_state: current.map(|told| state(told, track.origin)),
            operating_area: None,
            simulated: self.remote_id == RemoteId::Plan,
            recent_positions,
        })
    }
}

impl Shown {
    /// Returns where its user told that it was; until then, where its plan has it.
    fn told_track(&self, now: Timestamp) -> Track {
        let Some(current) = self.told.last().copied() else {
            let current = self.planned(now);
            let positions = current.into_iter().collect();
            return Track { origin: Origin::Planned, positions, current };
        };
        let earliest = now.minus(RECENT_MAX);
        let recent = self.told.iter().filter(|told| earliest <= told.time);
        let positions = recent.copied().collect();
        Track { origin: Origin::Told, positions, current: Some(current) }
    }

    /// Returns where its plan has it, each second.
    fn planned_track(&self, now: Timestamp) -> Track {
        let second = now.as_micros().rem_euclid(1_000_000).unsigned_abs();
        let current_second = now.minus(Duration::from_micros(second));
        let ago = (0..RECENT_MAX.as_secs()).rev().map(Duration::from_secs);
        let positions = ago.filter_map(|ago| self.planned(current_second.minus(ago))).collect();
        Track { origin: Origin::Planned, positions, current: self.planned(current_second) }
    }

    fn planned(&self, time: Timestamp) -> Option<Telemetry> {
        if self.wish.path.is_empty() {
            let volumes = self.taken.known.volumes.iter().map(|one| &one.volume);
            return course::in_volumes(volumes, time);
        }
        course::on_path(&self.wish.path, self.taken.moved, time)
    }
}

/// Returns how others name a flight: as its operational intent.
fn flight_id(id: EntityId) -> RidFlightId {
    RidFlightId::new(&id.to_string()).expect("an id is text that a path holds")
}
