//! Entities for tests.

use std::sync::Arc;

use airspace::operational_intent::OperationalIntentState;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{EntityId, Ovn, Party, UssBaseUrl};
use spacetime::{Altitude, Circle, LatLng, Timestamp, Volume};
use wire::f3548::common::Volume4D;
use wire::f3548::operational_intents::OperationalIntentReference;
use wire::f3548::uss::operational_intents::{OperationalIntent, OperationalIntentDetails};

use crate::entity::{Entity, Known};

/// Returns a party.
pub(crate) fn party(name: &str) -> Party {
    Party::new(name).expect("a name")
}

/// Returns the id of a number.
pub(crate) fn id(number: u8) -> EntityId {
    EntityId::from_random_bytes([number; 16])
}

/// Returns a circle for a minute, so many meters above ground.
pub(crate) fn volume(lower_m: i32) -> Volume {
    let center = LatLng::new(46.95, 7.44).expect("in range");
    let altitude = |meters: i32| Some(Altitude::from_millimeters(meters * 1_000));
    let time = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000).ok();
    let area = Circle::new(center, 100.0).expect("a circle").into();
    let (start, end) = (time(1_800_000_060), time(1_800_000_120));
    Volume::new(area, altitude(lower_m), altitude(lower_m + 30), start, end).expect("in order")
}

/// Returns an operational intent of a party.
pub(crate) fn intent(number: u8, manager: &str, version: u32) -> Arc<Known> {
    intent_at(number, manager, version, 100)
}

/// Returns the same operational intent elsewhere.
pub(crate) fn moved_intent(number: u8, manager: &str, version: u32) -> Arc<Known> {
    intent_at(number, manager, version, 200)
}

fn intent_at(number: u8, manager: &str, version: u32, lower_m: i32) -> Arc<Known> {
    let volume = volume(lower_m);
    let reference = OperationalIntentReference {
        id: id(number),
        manager: party(manager),
        uss_availability: UssAvailabilityState::Unknown,
        version,
        state: OperationalIntentState::Accepted,
        ovn: Ovn::new(&format!("ovn-of-{number}-version-{version}")).ok(),
        time_start: volume.starts_at().expect("given").into(),
        time_end: volume.ends_at().expect("given").into(),
        uss_base_url: UssBaseUrl::new("http://uss.example.com").expect("a url"),
        subscription_id: None,
    };
    let details = OperationalIntentDetails {
        volumes: vec![Volume4D::from(&volume)],
        ..OperationalIntentDetails::default()
    };
    let entity = Entity::OperationalIntent(OperationalIntent { reference, details });
    Arc::new(Known::new(entity).expect("it is in order"))
}
