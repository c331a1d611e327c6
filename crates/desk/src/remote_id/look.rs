//! Looks at a watch: asks the service providers there for their flights.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use airspace::{EntityId, Party, UssBaseUrl};
use futures_util::StreamExt;
use futures_util::stream;
use spacetime::Timestamp;
use tokio::time::Instant;
use wire::f3411_22a::identification_service_areas::IdentificationServiceArea;
use wire::f3411_22a::uss::flights::{RidFlight, UaType};
use wire::f3411_22a::uss::view::{SearchFlights, View};

use crate::change::ChangeError;
use crate::core::Core;
use crate::remote_id::state::SeenState;
use crate::remote_id::watched_area::WatchedArea;

/// How many service providers one look asks; the rest are told to be silent.
pub const PROVIDERS_PER_LOOK_MAX: usize = 64;
/// How many flights of one service provider are shown.
pub const FLIGHTS_PER_PROVIDER_MAX: usize = 2_000;
/// How many requests of one look run at once.
const REQUESTS_AT_ONCE_MAX: usize = 16;
/// How long a look takes; who has not answered by then is silent.
const LOOK_TIME_MAX: Duration = Duration::from_secs(8);

/// What is seen in a watched area.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// When the answers were there, by the desk's clock.
    pub time: Timestamp,
    /// The flights there, the desk's own too, ascending by owner and id.
    pub flights: Vec<SeenFlight>,
    /// Service providers that did not answer for the whole area, or of which not all is shown.
    pub silent: Vec<SilentProvider>,
}

/// A flight as its service provider tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenFlight {
    /// How its service provider names it.
    pub id: String,
    /// Whose service area told of its service provider.
    pub owner: Party,
    /// What kind of aircraft it is.
    pub aircraft_type: UaType,
    /// Whether no aircraft flies: it tests the system.
    pub simulated: bool,
    /// Where it is; `None` if its service provider does not tell a position in the area.
    pub state: Option<SeenState>,
}

/// A service provider of which something may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilentProvider {
    /// Whose service areas told of it.
    pub owner: Party,
    /// Where it was asked.
    pub uss_base_url: UssBaseUrl,
    /// Why.
    pub why: String,
}

/// Who is asked.
#[derive(Clone)]
struct Provider {
    owner: Party,
    uss_base_url: UssBaseUrl,
}

/// What is found out about one area.
struct Looking<'a> {
    area: &'a WatchedArea,
    seen: BTreeMap<(Party, String), SeenFlight>,
    /// How many flights of each service provider are shown.
    counts: BTreeMap<UssBaseUrl, usize>,
    silent: BTreeMap<UssBaseUrl, SilentProvider>,
}

impl Core {
    /// Asks the service providers of a watched area for the flights that are there.
    pub(crate) async fn look(self: &Arc<Self>, watch: EntityId) -> Result<Sight, ChangeError> {
        let area = self.registrations().find(watch).filter(|one| one.wanted).cloned();
        let area = area.as_ref().and_then(|one| one.watched()).ok_or(ChangeError::NotFound)?;
        let until = Instant::now() + LOOK_TIME_MAX;
        self.refresh(watch, area).await?;
        let mut providers = providers(self.sky().areas(watch, self.clock.now()));
        let mut looking = Looking::new(area);
        for beyond in providers.split_off(providers.len().min(PROVIDERS_PER_LOOK_MAX)) {
            looking.miss(&beyond, "there are too many service providers to ask");
        }
        self.ask_all(&mut looking, providers, until).await;
        Ok(looking.sight(self.clock.now()))
    }

    /// Asks the hub which service areas are there, unless that is known.
    async fn refresh(&self, watch: EntityId, area: &WatchedArea) -> Result<(), ChangeError> {
        let now = self.clock.now();
        if self.sky().is_fresh(watch, now) {
            return Ok(());
        }
        let mark = self.sky().mark(watch);
        let areas = self.hub.search_service_areas(area, now).await?;
        self.sky().replace(watch, areas, mark, now);
        Ok(())
    }

    async fn ask_all(&self, looking: &mut Looking<'_>, providers: Vec<Provider>, until: Instant) {
        let views = looking.area.views();
        let mut asks = Vec::new();
        for (number, provider) in providers.iter().enumerate() {
            asks.extend(views.iter().map(|view| (number, provider.clone(), *view)));
        }
        let mut unanswered = vec![views.len(); providers.len()];
        let mut answers = stream::iter(asks)
            .map(|(number, provider, view)| async move {
                (number, self.ask_provider(&provider, view).await)
            })
            .buffer_unordered(REQUESTS_AT_ONCE_MAX);
        while let Ok(Some((number, answer))) = tokio::time::timeout_at(until, answers.next()).await
        {
            unanswered[number] -= 1;
            match answer {
                Ok(flights) => looking.add(&providers[number], flights, self.clock.now()),
                Err(why) => looking.miss(&providers[number], &why),
            }
        }
        for (provider, _) in providers.iter().zip(&unanswered).filter(|(_, left)| 0 < **left) {
            looking.miss(provider, "it took too long");
        }
    }

    async fn ask_provider(
        &self,
        provider: &Provider,
        view: View,
    ) -> Result<Vec<RidFlight>, String> {
        if provider.uss_base_url == self.base_url {
            let search = SearchFlights { view, recent_positions: Duration::ZERO };
            return Ok(self.search_flights(&search).flights);
        }
        let answer = self.peers.fetch_flights(&provider.uss_base_url, &view).await;
        answer.map(|answer| answer.flights).map_err(|error| error.to_string())
    }
}

impl<'a> Looking<'a> {
    fn new(area: &'a WatchedArea) -> Self {
        let (seen, counts, silent) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Looking { area, seen, counts, silent }
    }

    /// Adds flights; one that is in two views is seen where it was last.
    fn add(&mut self, provider: &Provider, flights: Vec<RidFlight>, now: Timestamp) {
        let count = self.counts.entry(provider.uss_base_url.clone()).or_default();
        let mut is_complete = true;
        for flight in flights {
            let seen = self.area.see(&provider.owner, &flight, now);
            let key = (seen.owner.clone(), seen.id.clone());
            let time = |seen: &SeenFlight| seen.state.map(|state| state.time);
            match self.seen.get(&key) {
                Some(before) if time(&seen) <= time(before) => {}
                Some(_) => {
                    self.seen.insert(key, seen);
                }
                None if *count < FLIGHTS_PER_PROVIDER_MAX => {
                    *count += 1;
                    self.seen.insert(key, seen);
                }
                None => is_complete = false,
            }
        }
        if !is_complete {
            self.miss(provider, "it tells of more flights than are shown");
        }
    }

    fn miss(&mut self, provider: &Provider, why: &str) {
        let silent = SilentProvider {
            owner: provider.owner.clone(),
            uss_base_url: provider.uss_base_url.clone(),
            why: why.to_owned(),
        };
        self.silent.entry(provider.uss_base_url.clone()).or_insert(silent);
    }

    /// Returns what is seen at a time, when all answers are there.
    fn sight(self, time: Timestamp) -> Sight {
        let mut flights: Vec<SeenFlight> = self.seen.into_values().collect();
        for state in flights.iter_mut().filter_map(|flight| flight.state.as_mut()) {
            state.age = time.since(state.time);
        }
        Sight { time, flights, silent: self.silent.into_values().collect() }
    }
}

impl WatchedArea {
    /// Returns a flight as its service provider tells of it, without a position that is not in the
    /// area.
    fn see(&self, owner: &Party, flight: &RidFlight, now: Timestamp) -> SeenFlight {
        let state = flight.current_state.as_ref();
        let state = state.and_then(|state| SeenState::of(state, now));
        SeenFlight {
            id: flight.id.to_string(),
            owner: owner.clone(),
            aircraft_type: flight.aircraft_type,
            simulated: flight.simulated,
            state: state.filter(|state| self.contains(state.position)),
        }
    }
}

/// Returns the service provider of each area once, in the order of their URLs.
fn providers(areas: Vec<IdentificationServiceArea>) -> Vec<Provider> {
    let by_url: BTreeMap<UssBaseUrl, Party> =
        areas.into_iter().map(|area| (area.uss_base_url, area.owner)).collect();
    let provider = |(uss_base_url, owner)| Provider { owner, uss_base_url };
    by_url.into_iter().map(provider).collect()
}

#[cfg(test)]
mod tests {
    use spacetime::LatLng;
    use wire::f3411_22a::uss::flight_id::RidFlightId;

    use super::*;
    use crate::remote_id::state::{Origin, state};
    use crate::remote_id::telemetry::{Accuracy, Telemetry};
    use crate::test_data::{id, party};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000).expect("in range")
    }

    fn point(lat: f64) -> LatLng {
        LatLng::new(lat, 7.44).expect("in range")
    }

    fn area() -> WatchedArea {
        WatchedArea::new([point(46.94), point(46.96)]).expect("small")
    }

    /// A flight that was at a latitude so many seconds after the start, or that tells no position.
    fn flight(name: &str, place: Option<(f64, i64)>) -> RidFlight {
        let told = place.map(|(lat, seconds)| Telemetry {
            time: at(seconds),
            position: point(lat),
            altitude_m: None,
            track_deg: None,
            speed_m_per_s: None,
            climb_m_per_s: None,
            accuracy: Accuracy::default(),
        });
        RidFlight {
            id: RidFlightId::new(name).expect("a name"),
            aircraft_type: UaType::default(),
            current_state: told.map(|told| state(&told, Origin::Told)),
            operating_area: None,
            simulated: false,
            recent_positions: None,
        }
    }

    fn provider(owner: &str) -> Provider {
        let url = format!("http://{owner}.example");
        Provider { owner: party(owner), uss_base_url: UssBaseUrl::new(&url).expect("a url") }
    }

    fn seen_at(looking: Looking<'_>) -> Vec<(String, Option<Timestamp>)> {
        let flights = looking.sight(at(10)).flights.into_iter();
        flights.map(|flight| (flight.id, flight.state.map(|state| state.time))).collect()
    }

    #[test]
    fn sees_a_flight_of_two_views_where_it_was_last() {
        let area = area();
        let orders = [[1, 2], [2, 1]];
        for order in orders {
            let mut looking = Looking::new(&area);
            for seconds in order {
                let flights = vec![flight("one", Some((46.95, seconds)))];
                looking.add(&provider("birch"), flights, at(3));
            }
            looking.add(&provider("birch"), vec![flight("one", None)], at(3));

            assert_eq!(seen_at(looking), [("one".to_owned(), Some(at(2)))], "{order:?}");
        }
    }

    #[test]
    fn tells_how_old_a_position_is_when_all_answers_are_there() {
        let area = area();
        let mut looking = Looking::new(&area);

        looking.add(&provider("birch"), vec![flight("one", Some((46.95, 1)))], at(3));
        let sight = looking.sight(at(10));

        let age = sight.flights[0].state.map(|state| state.age);
        assert_eq!((sight.time, age), (at(10), Some(Duration::from_secs(9))));
    }

    #[test]
    fn tells_flights_of_two_owners_apart() {
        let area = area();
        let mut looking = Looking::new(&area);
        for owner in ["birch", "cedar"] {
            looking.add(&provider(owner), vec![flight("one", None)], at(3));
        }

        assert_eq!(looking.sight(at(10)).flights.len(), 2);
    }

    #[test]
    fn shows_no_position_outside_of_the_area() {
        let area = area();
        let mut looking = Looking::new(&area);

        looking.add(&provider("birch"), vec![flight("one", Some((47.0, 1)))], at(3));

        assert_eq!(seen_at(looking), [("one".to_owned(), None)]);
    }

    #[test]
    fn shows_bounded_many_flights_of_a_service_provider_and_says_so() {
        let area = area();
        let flights = |count: usize| -> Vec<RidFlight> {
            (0..count).map(|number| flight(&number.to_string(), None)).collect()
        };
        let look = |count: usize| {
            let mut looking = Looking::new(&area);
            looking.add(&provider("birch"), flights(count), at(3));
            // One that is shown already is still seen anew, and others are shown.
            looking.add(&provider("birch"), vec![flight("0", Some((46.95, 1)))], at(3));
            looking.add(&provider("cedar"), vec![flight("0", None)], at(3));
            looking.sight(at(10))
        };

        let (last, beyond) = (look(FLIGHTS_PER_PROVIDER_MAX), look(FLIGHTS_PER_PROVIDER_MAX + 1));

        for sight in [&last, &beyond] {
            assert_eq!(sight.flights.len(), FLIGHTS_PER_PROVIDER_MAX + 1);
            assert!(sight.flights[0].state.is_some(), "{:?}", sight.flights[0]);
        }
        assert_eq!((last.silent.len(), beyond.silent.len()), (0, 1));
        assert_eq!(beyond.silent[0].owner, party("birch"));
    }

    #[test]
    fn asks_each_service_provider_once() {
        let area = |number: u8, url: &str| IdentificationServiceArea {
            uss_base_url: UssBaseUrl::new(url).expect("a url"),
            owner: party("birch"),
            time_start: at(0).into(),
            time_end: at(600).into(),
            version: "a".to_owned(),
            id: id(number),
        };
        let (one, other) = ("http://one.example", "http://other.example");

        let found = providers(vec![area(1, other), area(2, one), area(3, other)]);

        let urls: Vec<&str> = found.iter().map(|found| found.uss_base_url.as_str()).collect();
        assert_eq!(urls, [one, other]);
    }
}
