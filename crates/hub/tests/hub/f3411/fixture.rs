//! Both versions of the standard, and good bodies as each writes them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, Fixture, ID, OTHER_ID};
use crate::support;

pub(crate) const URL: &str = "https://uss.example.com/rid";
pub(crate) const OTHER_URL: &str = "https://Other.example.com:443/rid/v1/";

/// A version that nothing here has.
pub(crate) const WRONG_VERSION: &str = "0123456789abc";

/// Every scope of both versions.
pub(crate) const SCOPES: &str = "dss.read.identification_service_areas \
     dss.write.identification_service_areas rid.display_provider rid.service_provider";

/// A version of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    F3411_19,
    F3411_22a,
}

use Version::{F3411_19, F3411_22a};

pub(crate) const BOTH: [Version; 2] = [F3411_19, F3411_22a];

impl Version {
    /// Returns the other version.
    pub(crate) fn other(self) -> Version {
        match self {
            F3411_19 => F3411_22a,
            F3411_22a => F3411_19,
        }
    }

    fn base(self) -> &'static str {
        match self {
            F3411_19 => "/v1/dss",
            F3411_22a => "/rid/v2/dss",
        }
    }

    pub(crate) fn areas(self) -> String {
        format!("{}/identification_service_areas", self.base())
    }

    pub(crate) fn area(self, id: &str) -> String {
        format!("{}/{id}", self.areas())
    }

    pub(crate) fn subscriptions(self) -> String {
        format!("{}/subscriptions", self.base())
    }

    pub(crate) fn subscription(self, id: &str) -> String {
        format!("{}/{id}", self.subscriptions())
    }

    /// Returns where an area's URL is, in its put and in what is shown of it.
    pub(crate) fn area_url(self) -> &'static str {
        match self {
            F3411_19 => "/flights_url",
            F3411_22a => "/uss_base_url",
        }
    }

    /// Returns where a subscription's URL is, in its put and in what is shown of it.
    pub(crate) fn subscription_url(self) -> &'static str {
        match self {
            F3411_19 => "/callbacks/identification_service_area_url",
            F3411_22a => "/uss_base_url",
        }
    }

    /// Returns where the vertices of a put are.
    pub(crate) fn vertices(self) -> &'static str {
        match self {
            F3411_19 => "/extents/spatial_volume/footprint/vertices",
            F3411_22a => "/extents/volume/outline_polygon/vertices",
        }
    }

    /// Returns a time so long after the hub's start.
    pub(crate) fn time(self, after: Duration) -> Value {
        self.time_of(&support::time(after))
    }

    pub(crate) fn time_of(self, text: &str) -> Value {
        match self {
            F3411_19 => json!(text),
            F3411_22a => json!({"value": text, "format": "RFC3339"}),
        }
    }

    /// Returns what puts an area of half a kilometer around a place, from now on for an hour.
    pub(crate) fn area_put(self, lat: f64) -> Value {
        match self {
            F3411_19 => json!({"extents": self.extents(lat), "flights_url": URL}),
            F3411_22a => json!({"extents": self.extents(lat), "uss_base_url": URL}),
        }
    }

    /// Returns what puts a subscription for the same extents.
    pub(crate) fn subscription_put(self, lat: f64) -> Value {
        let extents = self.extents(lat);
        match self {
            F3411_19 => json!({
                "extents": extents,
                "callbacks": {"identification_service_area_url": URL},
            }),
            F3411_22a => json!({"extents": extents, "uss_base_url": URL}),
        }
    }

    fn extents(self, lat: f64) -> Value {
        let (start, end) = (self.time(Duration::ZERO), self.time(Duration::from_hours(1)));
        let vertices = vertices(&square(lat, 0.005));
        let altitude = |meters: f64| json!({"value": meters, "reference": "W84", "units": "M"});
        match self {
            F3411_19 => json!({
                "spatial_volume": {
                    "footprint": {"vertices": vertices},
                    "altitude_lo": 20.0,
                    "altitude_hi": 120.0,
                },
                "time_start": start,
                "time_end": end,
            }),
            F3411_22a => json!({
                "volume": {
                    "outline_polygon": {"vertices": vertices},
                    "altitude_lower": altitude(20.0),
                    "altitude_upper": altitude(120.0),
                },
                "time_start": start,
                "time_end": end,
            }),
        }
    }
}

/// Returns the corners of a square around a place on longitude 8.
pub(crate) fn square(lat: f64, half: f64) -> [(f64, f64); 4] {
    [
        (lat - half, 8.0 - half),
        (lat - half, 8.0 + half),
        (lat + half, 8.0 + half),
        (lat + half, 8.0 - half),
    ]
}

pub(crate) fn vertices(points: &[(f64, f64)]) -> Value {
    points.iter().map(|(lat, lng)| json!({"lat": lat, "lng": lng})).collect()
}

/// Returns points as the parameter `area` writes them.
pub(crate) fn area_of(points: &[(f64, f64)]) -> String {
    points.iter().map(|(lat, lng)| format!("{lat},{lng}")).collect::<Vec<_>>().join(",")
}

/// Returns the parameter `area` for the place of [`Version::area_put`].
pub(crate) fn around(lat: f64) -> String {
    area_of(&square(lat, 0.005))
}

/// Returns the version of what an answer shows.
pub(crate) fn version_of(shown: &Value) -> String {
    shown["version"].as_str().expect("a version").to_owned()
}

/// Returns the `n`th id of its own.
pub(crate) fn id(n: u32) -> String {
    support::id(n)
}

/// Lists every operation that takes a body, with a good one.
pub(crate) fn puts(version: Version) -> [(String, Value); 4] {
    let (area, subscription) = (version.area(ID), version.subscription(OTHER_ID));
    [
        (area.clone(), version.area_put(47.0)),
        (format!("{area}/{WRONG_VERSION}"), version.area_put(47.0)),
        (subscription.clone(), version.subscription_put(47.0)),
        (format!("{subscription}/{WRONG_VERSION}"), version.subscription_put(47.0)),
    ]
}

/// Returns a party with every scope of both versions.
pub(crate) fn party(hub: &Fixture, sub: &str) -> Client {
    hub.party(sub, SCOPES)
}
