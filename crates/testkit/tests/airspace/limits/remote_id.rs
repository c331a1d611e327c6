//! Limits of remote ID, and what ends in great numbers.

use std::time::Duration;

use airspace::identification_service_area::{self, IdentificationServiceAreaView};
use airspace::remote_id_subscription::{self, SUBSCRIPTIONS_PER_CELL_MAX};
use airspace::{
    Accepted, Command, ENTITIES_PER_SEARCH_MAX, EXPIRIES_PER_ENTRY_MAX, Footprint, Outcome,
    Refusal, RemoteIdVersion, Request, State, SubscriptionId, import,
};
use spacetime::{Cell, Cells, Timestamp};
use testkit::commands::party;

use crate::pair::Pair;
use crate::samples::{ask, at, cells, clone, entity, extent, later, len, outcome, url};

const HOUR: Duration = Duration::from_secs(60 * 60);
const HALF_HOUR: Duration = Duration::from_secs(30 * 60);
const NOW: Duration = Duration::ZERO;

#[test]
fn lets_a_party_have_ten_subscriptions_in_a_cell() {
    let mut pair = Pair::default();
    let max = u64::try_from(SUBSCRIPTIONS_PER_CELL_MAX).expect("it is small");
    let mut last = None;
    for number in 0..max {
        last = Some(version_of(&apply(&mut pair, NOW, put(number, cells(), HOUR))));
    }

    let eleventh = apply(&mut pair, NOW, put(max, cells(), HOUR));
    let both_cells = apply(&mut pair, NOW, put(max, cells().union(&other_cell()), HOUR));
    let elsewhere = apply(&mut pair, NOW, put(max, other_cell(), HOUR));
    let of_other = apply(&mut pair, NOW, Command { party: party(1), ..put(11, cells(), HOUR) });
    let itself = apply(&mut pair, NOW, update(max - 1, last, cells()));
    let moved = apply(&mut pair, NOW, update(max - 1, last, other_cell()));
    let there_is_room = apply(&mut pair, NOW, put(12, cells(), HOUR));

    assert_eq!(eleventh, Err(too_many_in_cell()));
    assert_eq!(both_cells, Err(too_many_in_cell()));
    assert!(elsewhere.is_ok(), "{elsewhere:?}");
    assert!(of_other.is_ok(), "{of_other:?}");
    assert_eq!(itself, Err(too_many_in_cell()), "it counts itself");
    assert!(moved.is_ok(), "{moved:?}");
    assert!(there_is_room.is_ok(), "{there_is_room:?}");
}

#[test]
fn counts_a_subscription_in_its_cells_until_it_has_ended() {
    let mut pair = Pair::default();
    let max = u64::try_from(SUBSCRIPTIONS_PER_CELL_MAX).expect("it is small");
    for number in 0..max {
        apply(&mut pair, NOW, put(number, cells(), HOUR)).expect("there is room");
    }

    let at_their_end = apply(&mut pair, HOUR, put(max, cells(), 2 * HOUR));
    let after_it = apply(&mut pair, HOUR + later(1), put(max, cells(), 2 * HOUR));

    assert_eq!(at_their_end, Err(too_many_in_cell()));
    assert!(after_it.is_ok(), "{after_it:?}");
}

/// More end at once than one entry removes: all of it is gone at once for everybody, and ids, cells
/// and indexes are free again while the rest is still being removed.
#[test]
fn hides_remote_id_that_ended_while_it_is_being_removed() {
    let count = u64::try_from(EXPIRIES_PER_ENTRY_MAX).expect("it is small") * 2 + 3;
    let mut pair = Pair::default();
    for number in 0..count {
        let ends_at = at(HOUR).plus(later(number % 5));
        let request = if number % 3 == 0 {
            Request::Import(imported_subscription(number, ends_at))
        } else {
            Request::PutIdentificationServiceArea(area(number, ends_at))
        };
        apply(&mut pair, NOW, ask(request)).expect("nothing is wrong with it");
    }
    let kept = Duration::from_secs(10);
    let everything = Footprint { starts_at: None, ends_at: None, cells: cells() };
    let edge = HOUR + HALF_HOUR - kept;
    let settings = ask(Request::PutF3411Settings(pair.model.f3411_settings));
    apply(&mut pair, edge, settings).expect("settings are always good");
    let before = pair.model.identification_service_areas.len();

    for number in 0..count {
        let long_after = at(5 * HOUR).plus(later(number));
        let again = area(count - number, long_after.plus(HOUR));
        let request = ask(Request::PutIdentificationServiceArea(again));
        let decision = pair.apply_command(long_after, &request).expect("both decide alike");
        let found = pair.state.search_identification_service_areas(long_after, &everything);
        let gone = SubscriptionId::from_random_bytes(*entity(0).as_bytes());

        assert!(outcome(decision).is_ok(), "{number}");
        assert_eq!(found.expect("few are there").len(), len(number + 1));
        assert_eq!(pair.state.find_remote_id_subscription(long_after, gone), None);
    }
    assert!(EXPIRIES_PER_ENTRY_MAX < before, "{before} are kept until then");
}

/// The model would take minutes here, so what is expected is written down.
#[test]
fn lists_a_bounded_number_of_areas() {
    let mut state = State::default();
    let count = u64::try_from(ENTITIES_PER_SEARCH_MAX).expect("it is small");
    for number in 0..count {
        let put = Request::PutIdentificationServiceArea(area(number, at(HOUR)));
        let outcome = outcome(state.apply(1, at(NOW), &ask(put)));
        assert!(outcome.is_ok(), "{number}: {outcome:?}");
    }
    let search = Footprint { starts_at: None, ends_at: None, cells: cells() };
    let subscribe = put(0, cells(), HOUR);

    let at_the_edge = state.search_identification_service_areas(state.clock(), &search);
    let subscribed = outcome(clone(&mut state).apply(1, at(NOW), &subscribe));
    let one_more = Request::PutIdentificationServiceArea(area(count, at(HOUR)));
    let one_more = outcome(state.apply(1, at(NOW), &ask(one_more)));
    let above = state.search_identification_service_areas(state.clock(), &search);
    let not_subscribed = outcome(state.apply(1, at(NOW), &subscribe));
    let later_one = put(0, cells(), 2 * HOUR);
    let once_they_ended = outcome(state.apply(1, at(HOUR + later(1)), &later_one));

    assert_eq!(at_the_edge.map(|found| found.len()), Ok(ENTITIES_PER_SEARCH_MAX));
    assert_eq!(subscribed.map(|accepted| areas(accepted).len()), Ok(ENTITIES_PER_SEARCH_MAX));
    assert!(one_more.is_ok(), "{one_more:?}");
    assert!(above.is_err(), "one too many");
    let too_many_found = remote_id_subscription::Refusal::TooManyFound;
    assert_eq!(not_subscribed, Err(Refusal::RemoteIdSubscription(too_many_found)));
    assert_eq!(once_they_ended.map(|accepted| areas(accepted).len()), Ok(0));
}

/// Only what was carried over can be so many in one cell.
#[test]
fn lists_a_bounded_number_of_subscriptions() {
    let mut state = State::default();
    let count = u64::try_from(ENTITIES_PER_SEARCH_MAX).expect("it is small");
    let mut import = |number| {
        let import = Request::Import(imported_subscription(number, at(HOUR)));
        let outcome = outcome(state.apply(1, at(NOW), &ask(import)));
        assert_eq!(outcome, Ok(Accepted::Imported), "{number}");
        // Searching each time would take minutes.
        (count <= number + 1).then(|| {
            let found = state.search_remote_id_subscriptions(state.clock(), &party(0), &cells());
            found.map(|found| found.len())
        })
    };
    for number in 0..count - 1 {
        import(number);
    }

    let at_the_edge = import(count - 1);
    let above = import(count);

    assert_eq!(at_the_edge, Some(Ok(ENTITIES_PER_SEARCH_MAX)));
    assert_eq!(above, Some(Err(airspace::TooManyFound)));
}

fn apply(pair: &mut Pair, after: Duration, command: Command) -> Outcome {
    outcome(pair.apply_command(at(after), &command).expect("both decide alike"))
}

fn too_many_in_cell() -> Refusal {
    Refusal::RemoteIdSubscription(remote_id_subscription::Refusal::TooManyInCell)
}

fn version_of(outcome: &Outcome) -> RemoteIdVersion {
    match outcome {
        Ok(Accepted::RemoteIdSubscriptionPut { subscription, .. }) => subscription.version,
        other => panic!("there is room: {other:?}"),
    }
}

fn areas(accepted: Accepted) -> Vec<IdentificationServiceAreaView> {
    match accepted {
        Accepted::RemoteIdSubscriptionPut { areas, .. } => areas,
        other => panic!("another answer than was asked for: {other:?}"),
    }
}

fn other_cell() -> Cells {
    let cell = Cell::from_id(0x4790_000c_0000_0000).expect("it is of level 13");
    Cells::from_unsorted(vec![cell]).expect("there is one")
}

/// Starts now and lasts for so long after the first entry.
fn put(number: u64, cells: Cells, duration: Duration) -> Command {
    let ends_at = Some(at(duration));
    let footprint = Footprint { starts_at: None, ends_at, cells };
    ask(Request::PutRemoteIdSubscription(remote_id_subscription::Put {
        id: SubscriptionId::from_random_bytes(*entity(number).as_bytes()),
        version: None,
        footprint,
        uss_base_url: url(),
    }))
}

fn update(number: u64, version: Option<RemoteIdVersion>, cells: Cells) -> Command {
    ask(Request::PutRemoteIdSubscription(remote_id_subscription::Put {
        id: SubscriptionId::from_random_bytes(*entity(number).as_bytes()),
        version,
        footprint: Footprint { starts_at: None, ends_at: None, cells },
        uss_base_url: url(),
    }))
}

fn area(number: u64, ends_at: Timestamp) -> identification_service_area::Put {
    identification_service_area::Put {
        id: entity(number),
        version: None,
        footprint: Footprint { starts_at: None, ends_at: Some(ends_at), cells: cells() },
        uss_base_url: url(),
    }
}

fn imported_subscription(number: u64, ends_at: Timestamp) -> import::Import {
    import::Import::RemoteIdSubscription(import::RemoteIdSubscription {
        id: SubscriptionId::from_random_bytes(*entity(number).as_bytes()),
        owner: party(0),
        extent: extent(0, ends_at),
        uss_base_url: url(),
        notification_index: 0,
        updated_at: at(NOW),
    })
}
