//! What tests that are written out put into an airspace.

use std::time::Duration;

use airspace::operational_intent::{self, OperationalIntentState, SubscriptionChoice};
use airspace::{
    Command, Decision, EntityId, Extent, NextOvn, OvnSuffix, Request, Search, State, UssBaseUrl,
    constraint,
};
use spacetime::{Altitude, Cell, Cells, Timestamp};
use testkit::commands::party;

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600_000_000;

pub(crate) fn ask(request: Request) -> Command {
    Command { party: party(0), retry: None, request }
}

pub(crate) fn outcome(decision: Decision) -> airspace::Outcome {
    match decision {
        Decision::Decided { outcome, .. } => outcome,
        other => panic!("it has no key: {other:?}"),
    }
}

/// A UUIDv7 of `millis` milliseconds after the start.
pub(crate) fn suffix(millis: u64) -> OvnSuffix {
    let unix_millis = u64::try_from(NOW / 1000).expect("long after 1970") + millis;
    OvnSuffix::parse(&format!("{unix_millis:012x}70008000000000000000")).expect("it is one")
}

/// A state cannot be cloned but through a snapshot.
pub(crate) fn clone(state: &mut State) -> State {
    let mut snapshot = Vec::new();
    state.frozen().write(&mut snapshot).expect("a vector takes everything");
    State::read(snapshot.as_slice()).expect("it was just written")
}

pub(crate) fn at(after: Duration) -> Timestamp {
    Timestamp::from_micros(NOW).expect("in range").plus(after)
}

pub(crate) fn later(number: u64) -> Duration {
    Duration::from_micros(number)
}

pub(crate) fn len(count: u64) -> usize {
    usize::try_from(count).expect("it is small")
}

pub(crate) fn entity(number: u64) -> EntityId {
    let mut bytes = [0; 16];
    bytes[9..].copy_from_slice(&number.to_be_bytes()[1..]);
    EntityId::from_random_bytes(bytes)
}

pub(crate) fn url() -> UssBaseUrl {
    UssBaseUrl::new("https://uss1.example").expect("it is short")
}

pub(crate) fn cells() -> Cells {
    let cell = Cell::from_id(0x4790_0004_0000_0000).expect("it is of level 13");
    Cells::from_unsorted(vec![cell]).expect("there is one")
}

pub(crate) fn everything() -> Search {
    let (altitude_lower, altitude_upper) = (None, None);
    Search { starts_at: None, ends_at: None, altitude_lower, altitude_upper, cells: cells() }
}

/// At a height of its own.
pub(crate) fn extent(number: u64, ends_at: Timestamp) -> Extent {
    let height = Altitude::from_millimeters(i32::try_from(number).expect("it is small"));
    Extent {
        starts_at: at(Duration::ZERO),
        ends_at,
        altitude_lower: Some(height),
        altitude_upper: Some(height),
        cells: cells(),
    }
}

pub(crate) fn intent(number: u64, ends_at: Timestamp) -> operational_intent::Put {
    operational_intent::Put {
        id: entity(number),
        ovn: None,
        extent: extent(number, ends_at),
        state: OperationalIntentState::Accepted,
        key: Vec::new(),
        uss_base_url: url(),
        subscription: SubscriptionChoice::None,
        next_ovn: NextOvn::Random([7; 16]),
    }
}

pub(crate) fn constraint(number: u64, ends_at: Timestamp) -> constraint::Put {
    constraint::Put {
        id: entity(number),
        ovn: None,
        extent: extent(number, ends_at),
        uss_base_url: url(),
        next_ovn: [7; 16],
    }
}
