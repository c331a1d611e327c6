//! What parties ask, made of small numbers.

use airspace::operational_intent::{
    self, NotifyForConstraints, OperationalIntentState, SubscriptionChoice,
};
use airspace::subscription::{self, NotifyFor};
use airspace::{
    EntityId, Extent, Footprint, NextOvn, Ovn, OvnHash, OvnSuffix, Party, RemoteIdVersion, Search,
    SubscriptionId, UssBaseUrl, constraint, identification_service_area, remote_id_subscription,
};
use spacetime::{Altitude, Cell, Cells, Timestamp};

/// The moment from which times are counted.
pub(crate) const START_US: i64 = 1_700_000_000_000_000;

/// The party that asks most.
pub(crate) const A: &str = "uss-a";
/// Another.
pub(crate) const B: &str = "uss-b";

/// Where and when, from which commands are made.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) cells: Vec<u64>,
    pub(crate) seconds: (i64, i64),
    pub(crate) meters: Option<(i32, i32)>,
}

/// Returns cell 1 from 60 to 660 s, from 100 to 200 m.
pub(crate) fn place() -> Place {
    Place { cells: vec![1], seconds: (60, 660), meters: Some((100, 200)) }
}

impl Place {
    pub(crate) fn cells(mut self, cells: &[u64]) -> Self {
        self.cells = cells.to_vec();
        self
    }

    pub(crate) fn during(mut self, from: i64, to: i64) -> Self {
        self.seconds = (from, to);
        self
    }

    pub(crate) fn meters(mut self, lower: i32, upper: i32) -> Self {
        self.meters = Some((lower, upper));
        self
    }

    pub(crate) fn at_any_altitude(mut self) -> Self {
        self.meters = None;
        self
    }

    pub(crate) fn extent(&self) -> Extent {
        let search = self.search();
        Extent {
            starts_at: time(self.seconds.0),
            ends_at: time(self.seconds.1),
            altitude_lower: search.altitude_lower,
            altitude_upper: search.altitude_upper,
            cells: search.cells,
        }
    }

    pub(crate) fn footprint(&self) -> Footprint {
        let Search { starts_at, ends_at, cells, .. } = self.search();
        Footprint { starts_at, ends_at, cells }
    }

    pub(crate) fn search(&self) -> Search {
        let millimeters = |meters: i32| Altitude::from_millimeters(meters * 1000);
        let cells = self.cells.iter().map(|&number| cell(number)).collect();
        Search {
            starts_at: Some(time(self.seconds.0)),
            ends_at: Some(time(self.seconds.1)),
            altitude_lower: self.meters.map(|meters| millimeters(meters.0)),
            altitude_upper: self.meters.map(|meters| millimeters(meters.1)),
            cells: Cells::from_unsorted(cells).expect("some"),
        }
    }
}

/// Asks for an operational intent, `Accepted`, with OVN bits of its own and no subscription.
pub(crate) fn intent(id: u8, place: Place) -> operational_intent::Put {
    operational_intent::Put {
        id: entity(id),
        ovn: None,
        extent: place.extent(),
        state: OperationalIntentState::Accepted,
        key: Vec::new(),
        uss_base_url: url("u"),
        subscription: SubscriptionChoice::None,
        next_ovn: NextOvn::Random([id; 16]),
    }
}

/// Builders, so that a test says only what differs.
pub(crate) trait Intent {
    fn over(self, ovn: &Ovn) -> Self;
    fn state(self, state: OperationalIntentState) -> Self;
    fn with(self, subscription: SubscriptionChoice) -> Self;
    fn key(self, numbers: &[u8]) -> Self;
    fn bits(self, byte: u8) -> Self;
    fn suffix(self, suffix: OvnSuffix) -> Self;
}

impl Intent for operational_intent::Put {
    fn over(mut self, ovn: &Ovn) -> Self {
        self.ovn = Some(ovn.clone());
        self
    }

    fn state(mut self, state: OperationalIntentState) -> Self {
        self.state = state;
        self
    }

    fn with(mut self, subscription: SubscriptionChoice) -> Self {
        self.subscription = subscription;
        self
    }

    fn key(mut self, numbers: &[u8]) -> Self {
        let seen: Vec<_> = numbers.iter().map(|number| random_ovn(*number)).collect();
        self.key = OvnHash::key_of(&seen);
        self
    }

    fn bits(mut self, byte: u8) -> Self {
        self.next_ovn = NextOvn::Random([byte; 16]);
        self
    }

    fn suffix(mut self, suffix: OvnSuffix) -> Self {
        self.next_ovn = NextOvn::Requested(suffix);
        self
    }
}

/// Asks to delete an operational intent.
pub(crate) fn delete(id: u8, ovn: &Ovn) -> operational_intent::Delete {
    operational_intent::Delete { id: entity(id), ovn: ovn.clone() }
}

/// Attaches an existing subscription.
pub(crate) fn existing(id: u8) -> SubscriptionChoice {
    SubscriptionChoice::Existing(sub(id))
}

/// Asks for an implicit subscription.
pub(crate) fn implicit(id: u8) -> SubscriptionChoice {
    SubscriptionChoice::Implicit {
        id: sub(id),
        uss_base_url: url("s"),
        notify_for_constraints: NotifyForConstraints::No,
    }
}

/// Asks for an implicit subscription that notifies of constraints.
pub(crate) fn implicit_for_constraints(id: u8) -> SubscriptionChoice {
    SubscriptionChoice::Implicit {
        id: sub(id),
        uss_base_url: url("s"),
        notify_for_constraints: NotifyForConstraints::Yes,
    }
}

/// Asks for a subscription to operational intents.
pub(crate) fn subscription(id: u8, place: Place) -> subscription::Put {
    subscription::Put {
        id: sub(id),
        version: None,
        extent: place.search(),
        uss_base_url: url("s"),
        notify_for: NotifyFor::OperationalIntents,
    }
}

/// Asks to update a subscription.
pub(crate) fn resubscribe(id: u8, version: &str, place: Place) -> subscription::Put {
    subscription::Put { version: Some(version.to_owned()), ..subscription(id, place) }
}

/// Asks to delete a subscription.
pub(crate) fn unsubscribe(id: u8, version: &str) -> subscription::Delete {
    subscription::Delete { id: sub(id), version: version.to_owned() }
}

/// Asks for a constraint with OVN bits of its own.
pub(crate) fn constraint(id: u8, place: Place) -> constraint::Put {
    constraint::Put {
        id: entity(id),
        ovn: None,
        extent: place.extent(),
        uss_base_url: url("c"),
        next_ovn: [id; 16],
    }
}

/// Asks for an identification service area.
pub(crate) fn area(id: u8, place: Place) -> identification_service_area::Put {
    identification_service_area::Put {
        id: entity(id),
        version: None,
        footprint: place.footprint(),
        uss_base_url: url("f"),
    }
}

/// Asks to update an identification service area.
pub(crate) fn change_area(
    id: u8,
    version: RemoteIdVersion,
    place: Place,
) -> identification_service_area::Put {
    identification_service_area::Put { version: Some(version), ..area(id, place) }
}

/// Asks to delete an identification service area.
pub(crate) fn delete_area(id: u8, version: RemoteIdVersion) -> identification_service_area::Delete {
    identification_service_area::Delete { id: entity(id), version }
}

/// Asks for a subscription to identification service areas.
pub(crate) fn watch(id: u8, place: Place) -> remote_id_subscription::Put {
    remote_id_subscription::Put {
        id: sub(id),
        version: None,
        footprint: place.footprint(),
        uss_base_url: url("w"),
    }
}

/// Asks to update a subscription to identification service areas.
pub(crate) fn rewatch(
    id: u8,
    version: RemoteIdVersion,
    place: Place,
) -> remote_id_subscription::Put {
    remote_id_subscription::Put { version: Some(version), ..watch(id, place) }
}

/// Asks to delete a subscription to identification service areas.
pub(crate) fn unwatch(id: u8, version: RemoteIdVersion) -> remote_id_subscription::Delete {
    remote_id_subscription::Delete { id: sub(id), version }
}

/// Returns a version that nothing here has.
pub(crate) fn no_version() -> RemoteIdVersion {
    RemoteIdVersion::parse("7").expect("a number")
}

pub(crate) fn party(name: &str) -> Party {
    Party::new(name).expect("a name")
}

pub(crate) fn url(name: &str) -> UssBaseUrl {
    UssBaseUrl::new(&format!("https://{name}")).expect("a URL")
}

pub(crate) fn entity(number: u8) -> EntityId {
    EntityId::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}")).expect("an id")
}

pub(crate) fn sub(number: u8) -> SubscriptionId {
    SubscriptionId::parse(&format!("00000000-0000-4000-8000-0000000000{number:02x}"))
        .expect("an id")
}

/// Returns the OVN of 16 equal random bytes.
pub(crate) fn random_ovn(byte: u8) -> Ovn {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = [byte; 16].iter().fold(0_u128, |bits, &byte| bits << 8 | u128::from(byte));
    let mut text = String::new();
    for place in 0..22 {
        let shifted = if place < 21 { bits >> (122 - 6 * place) } else { bits << 4 };
        text.push(char::from(digits[(shifted & 63) as usize]));
    }
    Ovn::new(&text).expect("22 characters")
}

/// Returns the suffix of a moment, told apart by a number.
pub(crate) fn suffix(seconds: i64, number: u8) -> OvnSuffix {
    let millis = (START_US / 1000 + seconds * 1000) as u64;
    let text = format!("{millis:012x}700080000000000000{number:02x}");
    OvnSuffix::parse(&text).expect("a UUIDv7")
}

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(START_US + seconds * 1_000_000).expect("in range")
}

pub(crate) fn cell(number: u64) -> Cell {
    Cell::from_id(number << 35 | 1 << 34).expect("of level 13")
}
