//! An operational intent as clients see it: what is asked of it, how that is sent, and what a hub's
//! answer means.

use serde_json::{Value, json};

use crate::linearizable::Object;
use crate::random::Random;

use super::client::{Reply, Request};

/// An operational intent, known by the number in its OVN; `None` is not there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Intent(pub(super) Option<u32>);

/// What is asked of an operational intent; each OVN is asked for once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asked {
    Read,
    Create { to: u32 },
    Update { from: u32, to: u32 },
    Delete { from: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Is(Option<u32>),
    Done,
    Refused,
}

/// Where an operational intent is: apart from all others, so that it needs no key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    lat_deg: f64,
    lng_deg: f64,
}

impl Object for Intent {
    type Ask = Asked;
    type Answer = Answer;

    fn after(&self, asked: &Asked, answer: Option<&Answer>) -> Option<Self> {
        let (after, would_answer) = match *asked {
            Asked::Read => (self.clone(), Answer::Is(self.0)),
            Asked::Create { to } if self.0.is_none() => (Intent(Some(to)), Answer::Done),
            Asked::Update { from, to } if self.0 == Some(from) => (Intent(Some(to)), Answer::Done),
            Asked::Delete { from } if self.0 == Some(from) => (Intent(None), Answer::Done),
            _ => (self.clone(), Answer::Refused),
        };
        answer.is_none_or(|answer| *answer == would_answer).then_some(after)
    }
}

impl Asked {
    /// Returns what is sent; `now_ms` since 1970 is what requested OVNs carry.
    pub(super) fn request(self, id: &str, place: &Place, now_ms: u64) -> Request {
        let (method, from, to) = match self {
            Asked::Read => ("GET", None, None),
            Asked::Create { to } => ("PUT", None, Some(to)),
            Asked::Update { from, to } => ("PUT", Some(from), Some(to)),
            Asked::Delete { from } => ("DELETE", Some(from), None),
        };
        let path = format!("/dss/v1/operational_intent_references/{id}");
        let path = match from {
            None => path,
            Some(from) => format!("{path}/{id}_{}", suffix(from, now_ms)),
        };
        let body = to.map(|to| place.intent(&suffix(to, now_ms)).to_string());
        Request { method, path, body: body.unwrap_or_default() }
    }

    /// Returns what a hub's answer means.
    ///
    /// # Panics
    /// If a hub cannot answer so.
    pub(super) fn answer(self, reply: &Reply) -> Answer {
        match (self, reply.status) {
            (Asked::Read, 404) => Answer::Is(None),
            (Asked::Read, 200) => {
                let reply = reply.json();
                let ovn = reply["operational_intent_reference"]["ovn"].as_str().expect("a text");
                let digits = &ovn[ovn.len() - 8..];
                let ovn = u32::from_str_radix(digits, 16).expect("an OVN that was asked for");
                Answer::Is(Some(ovn))
            }
            (Asked::Create { .. } | Asked::Update { .. }, 200 | 201) => Answer::Done,
            (Asked::Delete { .. }, 200) => Answer::Done,
            (Asked::Create { .. }, 409) => Answer::Refused,
            (Asked::Update { .. }, 400 | 409) => Answer::Refused,
            (Asked::Delete { .. }, 404 | 409) => Answer::Refused,
            (_, status) => panic!("{self:?}: {status} {}", reply.text()),
        }
    }

    /// Returns the OVN that there is after an answer, if it tells one.
    pub(super) fn ovn_after(self, answer: Answer) -> Option<u32> {
        match (self, answer) {
            (Asked::Read, Answer::Is(ovn)) => ovn,
            (Asked::Create { to } | Asked::Update { to, .. }, Answer::Done) => Some(to),
            _ => None,
        }
    }
}

/// The UUIDv7 that carries the number of an OVN.
fn suffix(number: u32, now_ms: u64) -> String {
    let (high, low) = (now_ms >> 16, now_ms & 0xffff);
    format!("{high:08x}-{low:04x}-7000-8000-0000{number:08x}")
}

impl Place {
    /// Draws one of 28 million places, 1.1 km apart or more.
    pub(super) fn draw(random: &mut Random) -> Self {
        let lat_deg = random.below(12_000) as f64 / 100.0 - 60.0;
        let lng_deg = random.below(34_000) as f64 / 100.0 - 170.0;
        Place { lat_deg, lng_deg }
    }

    fn intent(&self, ovn_suffix: &str) -> Value {
        let corner = |north: f64, east: f64| json!({ "lat": self.lat_deg + north, "lng": self.lng_deg + east });
        let altitude = |value: u32| json!({ "value": value, "reference": "W84", "units": "M" });
        let time = |value: &str| json!({ "value": value, "format": "RFC3339" });
        let base_url = "https://test.example.com/uss";
        json!({
            "extents": [{
                "volume": {
                    "outline_polygon": { "vertices": [
                        corner(0.0, 0.0), corner(0.0, 0.001),
                        corner(0.001, 0.001), corner(0.001, 0.0),
                    ] },
                    "altitude_lower": altitude(100),
                    "altitude_upper": altitude(110),
                },
                "time_start": time("2020-01-01T00:00:00Z"),
                "time_end": time("2120-01-01T00:00:00Z"),
            }],
            "key": [],
            "state": "Accepted",
            "uss_base_url": base_url,
            "new_subscription": { "uss_base_url": base_url },
            "requested_ovn_suffix": ovn_suffix,
        })
    }
}
