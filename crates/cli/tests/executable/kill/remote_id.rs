//! What a client of the kill test has of F3411. It writes through one version and looks through the
//! other.

use serde_json::{Value, json};

use crate::support::{Ask, Client, Random};

/// How many identification service areas each client has at most.
const AREAS: u64 = 4;

/// How many subscriptions each client has at most, fewer than a cell may have.
const SUBSCRIPTIONS: u64 = 3;

pub(super) const SCOPES: &str = "dss.read.identification_service_areas \
     dss.write.identification_service_areas rid.display_provider";

/// Where a write goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    Area(usize),
    Subscription(usize),
}

#[derive(Clone, Debug, PartialEq)]
struct Area {
    id: String,
    version: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Subscription {
    id: String,
    version: String,
    notification_index: u64,
}

/// Areas in one place, subscriptions to them, and nobody else's there.
pub(super) struct RemoteId {
    lat_deg: f64,
    areas: Vec<Option<Area>>,
    subscriptions: Vec<Option<Subscription>>,
}

impl RemoteId {
    pub(super) fn new(lat_deg: f64) -> Self {
        RemoteId {
            lat_deg,
            areas: vec![None; AREAS as usize],
            subscriptions: vec![None; SUBSCRIPTIONS as usize],
        }
    }

    pub(super) fn draw(random: &mut Random) -> Slot {
        match random.below(AREAS + SUBSCRIPTIONS) {
            area if area < AREAS => Slot::Area(area as usize),
            other => Slot::Subscription((other - AREAS) as usize),
        }
    }

    /// Returns the next write for a slot: create, then update or delete.
    pub(super) fn next(&self, slot: Slot, random: &mut Random) -> Ask {
        let (noun, known, body) = match slot {
            Slot::Area(slot) => {
                let known = self.areas[slot].as_ref().map(|area| (&area.id, &area.version));
                ("identification_service_areas", known, self.area_body())
            }
            Slot::Subscription(slot) => {
                let known = self.subscriptions[slot].as_ref().map(|one| (&one.id, &one.version));
                ("subscriptions", known, self.subscription_body())
            }
        };
        let base = format!("/v1/dss/{noun}");
        let Some((id, version)) = known else {
            let path = format!("{base}/{}", random.uuid());
            return Ask { method: "PUT", path, body, ..Ask::default() };
        };
        let path = format!("{base}/{id}/{version}");
        if random.below(3) == 0 {
            return Ask { method: "DELETE", path, ..Ask::default() };
        }
        Ask { method: "PUT", path, body, ..Ask::default() }
    }

    /// Notes what an acknowledged write has left.
    pub(super) fn learn(&mut self, slot: Slot, ask: &Ask, reply: &Value) {
        let is_put = ask.method == "PUT";
        match slot {
            Slot::Area(slot) => {
                self.areas[slot] = is_put.then(|| area(&reply["service_area"]));
                self.count(reply);
            }
            Slot::Subscription(slot) => {
                let left = is_put.then(|| subscription(&reply["subscription"]));
                let index = left.as_ref().map(|left| left.notification_index);
                assert!(matches!(index, None | Some(0)), "a put begins to count anew: {reply}");
                self.subscriptions[slot] = left;
            }
        }
    }

    /// Every change of an area is counted once in every subscription, and told with that number.
    fn count(&mut self, reply: &Value) {
        let mut expected = Vec::new();
        for subscription in self.subscriptions.iter_mut().flatten() {
            subscription.notification_index += 1;
            expected.push((subscription.id.clone(), subscription.notification_index));
        }
        let mut told = Vec::new();
        for subscriber in list(&reply["subscribers"]) {
            for state in list(&subscriber["subscriptions"]) {
                told.push((text(state, "subscription_id"), number(state, "notification_index")));
            }
        }
        expected.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, expected);
    }

    /// Checks, on a hub that was started again, that all that is known is there and nothing else.
    pub(super) fn check(&self, client: &mut Client, token: &str, round: u64) {
        let mut search = |noun: &str, member: &str| {
            let corners = self.corners().map(|(lat, lng)| format!("{lat},{lng}"));
            let path = format!("/rid/v2/dss/{noun}?area={}", corners.join(","));
            let token = Some(token.to_owned());
            let ask = Ask { method: "GET", path, token, ..Ask::default() };
            let reply = client.ask(&ask).expect("it answers");
            assert_eq!(reply.status, 200, "round {round}: {noun}");
            reply.json()[member].clone()
        };
        let areas = search("identification_service_areas", "service_areas");
        let subscriptions = search("subscriptions", "subscriptions");

        let mut found: Vec<Area> = list(&areas).iter().map(area).collect();
        let mut expected: Vec<Area> = self.areas.iter().flatten().cloned().collect();
        found.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        expected.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(found, expected, "round {round}");

        let mut found: Vec<Subscription> = list(&subscriptions).iter().map(subscription).collect();
        let mut expected: Vec<_> = self.subscriptions.iter().flatten().cloned().collect();
        found.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        expected.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(found, expected, "round {round}");
    }

    fn area_body(&self) -> String {
        let extents = json!({
            "spatial_volume": self.spatial_volume(),
            "time_end": "2120-01-01T00:00:00Z",
        });
        json!({ "extents": extents, "flights_url": "https://test.example.com/rid" }).to_string()
    }

    /// Without times it lasts a day.
    fn subscription_body(&self) -> String {
        let callback = "https://test.example.com/rid/areas";
        json!({
            "extents": { "spatial_volume": self.spatial_volume() },
            "callbacks": { "identification_service_area_url": callback },
        })
        .to_string()
    }

    fn spatial_volume(&self) -> Value {
        let vertices = self.corners().map(|(lat, lng)| json!({ "lat": lat, "lng": lng }));
        json!({ "footprint": { "vertices": vertices } })
    }

    fn corners(&self) -> [(f64, f64); 4] {
        let (south, west) = (self.lat_deg, 7.0);
        let (north, east) = (south + 0.001, west + 0.001);
        [(south, west), (south, east), (north, east), (north, west)]
    }
}

fn area(shown: &Value) -> Area {
    Area { id: text(shown, "id"), version: text(shown, "version") }
}

fn subscription(shown: &Value) -> Subscription {
    Subscription {
        id: text(shown, "id"),
        version: text(shown, "version"),
        notification_index: number(shown, "notification_index"),
    }
}

fn text(of: &Value, name: &str) -> String {
    of[name].as_str().expect("a text").to_owned()
}

fn number(of: &Value, name: &str) -> u64 {
    of[name].as_u64().expect("a number")
}

fn list(of: &Value) -> &Vec<Value> {
    of.as_array().expect("a list")
}
