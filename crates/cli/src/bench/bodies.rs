//! The bodies that are sent, made once.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use spacetime::Timestamp;

use crate::clock;

/// How long each flight of the load lasts.
const FLIGHT_S: u64 = 6 * 3_600;

/// How high a band is that a flight has to itself, in meters, and how much of it is free.
const BAND_M: u32 = 20;
const BAND_FREE_M: u32 = 10;

/// Where a flight of the load is: a square of about 200 m in a band of altitudes of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Its south-west corner.
    pub(super) lat_deg: f64,
    /// Its south-west corner.
    pub(super) lng_deg: f64,
    /// The number of its band, from the ground up.
    pub(super) band: u32,
}

/// The middle of one S2 cell, where the flights of the busy scenarios are.
pub(super) const BUSY: Place = Place { lat_deg: 46.95, lng_deg: 7.45, band: 0 };

/// What a flight's request asks besides its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Accepted, without a subscription.
    Accepted,
    /// Accepted, with an implicit subscription.
    AcceptedAndSubscribed,
    /// Activated, with an implicit subscription.
    Activated,
}

/// Makes bodies for flights that last from now on.
pub(super) struct Bodies {
    now: Timestamp,
}

impl Bodies {
    /// Returns what makes bodies of flights from now on.
    pub(super) fn new() -> Self {
        Bodies { now: clock::utc() }
    }

    /// Returns the body that puts an operational intent.
    pub(super) fn put(&self, place: Place, intent: Intent, party: &str) -> Bytes {
        self.put_knowing(&[], place, intent, party)
    }

    /// Returns the body that puts one which overlaps those with these OVNs.
    pub(super) fn put_knowing(
        &self,
        key: &[String],
        place: Place,
        intent: Intent,
        party: &str,
    ) -> Bytes {
        let base_url = format!("https://{party}.example.com/uss");
        let mut body = json!({
            "extents": [self.volume(place)],
            "key": key,
            "state": if intent == Intent::Activated { "Activated" } else { "Accepted" },
            "uss_base_url": base_url,
        });
        if intent != Intent::Accepted {
            body["new_subscription"] =
                json!({ "uss_base_url": base_url, "notify_for_constraints": false });
        }
        Bytes::from(body.to_string())
    }

    /// Returns the body that searches a place at all altitudes.
    pub(super) fn query(&self, place: Place) -> Bytes {
        let mut area = self.volume(place);
        let volume = area["volume"].as_object_mut().expect("it was made an object");
        volume.retain(|name, _| name == "outline_polygon");
        Bytes::from(json!({ "area_of_interest": area }).to_string())
    }

    fn volume(&self, place: Place) -> Value {
        let (south, west) = (place.lat_deg, place.lng_deg);
        let (north, east) = (south + 0.002, west + 0.002);
        let corner = |lat: f64, lng: f64| json!({ "lat": lat, "lng": lng });
        let altitude = |meters: u32| json!({ "value": meters, "reference": "W84", "units": "M" });
        let time = |at: Timestamp| json!({ "value": clock::rfc3339(at), "format": "RFC3339" });
        let lower_m = BAND_M * place.band;
        json!({
            "volume": {
                "outline_polygon": { "vertices": [
                    corner(south, west), corner(south, east),
                    corner(north, east), corner(north, west),
                ] },
                "altitude_lower": altitude(lower_m),
                "altitude_upper": altitude(lower_m + BAND_M - BAND_FREE_M),
            },
            "time_start": time(self.now),
            "time_end": time(self.now.plus(Duration::from_secs(FLIGHT_S))),
        })
    }
}

#[cfg(test)]
mod tests {
    use spacetime::{Area, LatLng, Polygon};

    use super::*;

    #[test]
    fn the_busy_place_lies_in_one_cell() {
        let body: Value = serde_json::from_slice(&Bodies::new().query(BUSY)).expect("JSON");
        let vertices = &body["area_of_interest"]["volume"]["outline_polygon"]["vertices"];
        let degrees = |vertex: &Value, name: &str| vertex[name].as_f64().expect("a number");
        let corner = |vertex| LatLng::new(degrees(vertex, "lat"), degrees(vertex, "lng"));
        let corners = vertices.as_array().expect("a list").iter();
        let corners = corners.map(|vertex| corner(vertex).expect("in range")).collect();

        let area = Area::from(Polygon::new(corners).expect("a polygon"));

        assert_eq!(area.cells().expect("small").len(), 1);
    }
}
