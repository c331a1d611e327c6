//! The limits of a party, in a state that says the party is at them.

use spacetime::{Cell, Cells, Timestamp};

use super::*;
use crate::import::Import;
use crate::limits::{CELLS_PER_PARTY_MAX, LIVE_ENTITIES_PER_PARTY_MAX};
use crate::operational_intent::{NotifyForConstraints, OperationalIntentState, SubscriptionChoice};
use crate::subscription::NotifyFor;
use crate::{
    EntityId, Extent, Footprint, NextOvn, Ovn, Refusal, RemoteIdVersion, Search, SubscriptionId,
    UssBaseUrl,
};

fn party() -> Party {
    Party::new("uss").expect("a name")
}

fn url() -> UssBaseUrl {
    UssBaseUrl::new("https://uss").expect("a URL")
}

fn extent(cells: u64) -> Extent {
    let cells = (0..cells).map(|number| Cell::from_id(number << 35 | 1 << 34).expect("level 13"));
    Extent {
        starts_at: Timestamp::default(),
        ends_at: Timestamp::MAX,
        altitude_lower: None,
        altitude_upper: None,
        cells: Cells::from_unsorted(cells.collect()).expect("some"),
    }
}

fn intent(cells: u64, subscription: SubscriptionChoice) -> operational_intent::Put {
    operational_intent::Put {
        id: EntityId::from_random_bytes([1; 16]),
        ovn: None,
        extent: extent(cells),
        state: OperationalIntentState::Accepted,
        key: Vec::new(),
        uss_base_url: url(),
        subscription,
        next_ovn: NextOvn::Random([7; 16]),
    }
}

fn implicit(id: u8) -> SubscriptionChoice {
    SubscriptionChoice::Implicit {
        id: SubscriptionId::from_random_bytes([id; 16]),
        uss_base_url: url(),
        notify_for_constraints: NotifyForConstraints::No,
    }
}

fn update(cells: u64, subscription: SubscriptionChoice) -> operational_intent::Put {
    let ovn = Some(Ovn::of_bits(EntityId::from_random_bytes([1; 16]), [7; 16]));
    operational_intent::Put { ovn, ..intent(cells, subscription) }
}

fn constraint(cells: u64) -> constraint::Put {
    constraint::Put {
        id: EntityId::from_random_bytes([2; 16]),
        ovn: None,
        extent: extent(cells),
        uss_base_url: url(),
        next_ovn: [7; 16],
    }
}

fn subscription(cells: u64, version: Option<String>) -> subscription::Put {
    let Extent { cells, .. } = extent(cells);
    subscription::Put {
        id: SubscriptionId::from_random_bytes([3; 16]),
        version,
        extent: Search {
            starts_at: None,
            ends_at: None,
            altitude_lower: None,
            altitude_upper: None,
            cells,
        },
        uss_base_url: url(),
        notify_for: NotifyFor::Both,
    }
}

fn area(cells: u64, version: Option<RemoteIdVersion>) -> identification_service_area::Put {
    let Extent { starts_at, ends_at, cells, .. } = extent(cells);
    identification_service_area::Put {
        id: EntityId::from_random_bytes([4; 16]),
        version,
        footprint: Footprint { starts_at: Some(starts_at), ends_at: Some(ends_at), cells },
        uss_base_url: url(),
    }
}

fn remote_id_subscription(
    cells: u64,
    version: Option<RemoteIdVersion>,
) -> remote_id_subscription::Put {
    let Extent { cells, .. } = extent(cells);
    remote_id_subscription::Put {
        id: SubscriptionId::from_random_bytes([5; 16]),
        version,
        footprint: Footprint { starts_at: None, ends_at: None, cells },
        uss_base_url: url(),
    }
}

fn old_subscription(cells: u64) -> import::Subscription {
    import::Subscription {
        id: SubscriptionId::from_random_bytes([9; 16]),
        manager: party(),
        extent: extent(cells),
        uss_base_url: url(),
        notify_for: NotifyFor::Both,
        notification_index: 0,
        updated_at: Timestamp::default(),
    }
}

/// Returns one of each kind that may be carried over with so many cells, and what it needs.
fn imports(cells: u64) -> [(Import, (u64, u64)); 6] {
    let (starts_at, uss_base_url) = (Timestamp::default(), url());
    let intent = import::OperationalIntent {
        id: EntityId::from_random_bytes([1; 16]),
        manager: party(),
        version: 1,
        state: OperationalIntentState::Accepted,
        ovn: NextOvn::Random([7; 16]),
        past_suffixes: Vec::new(),
        extent: extent(cells),
        uss_base_url: url(),
        subscription_id: None,
        implicit_subscription: None,
    };
    let mut bringing = intent.clone();
    bringing.subscription_id = Some(old_subscription(1).id);
    bringing.implicit_subscription = Some(old_subscription(2 * cells));
    let constraint = import::Constraint {
        id: EntityId::from_random_bytes([2; 16]),
        manager: party(),
        version: 1,
        extent: extent(cells),
        uss_base_url: url(),
        updated_at: starts_at,
    };
    let area = import::IdentificationServiceArea {
        id: EntityId::from_random_bytes([4; 16]),
        owner: party(),
        extent: extent(cells),
        uss_base_url: url(),
        updated_at: starts_at,
    };
    let watch = import::RemoteIdSubscription {
        id: SubscriptionId::from_random_bytes([5; 16]),
        owner: party(),
        extent: extent(cells),
        uss_base_url,
        notification_index: 0,
        updated_at: starts_at,
    };
    [
        (Import::Subscription(old_subscription(cells)), (1, cells)),
        (Import::OperationalIntent(Box::new(intent)), (1, cells)),
        (Import::OperationalIntent(Box::new(bringing)), (2, 3 * cells)),
        (Import::Constraint(constraint), (1, cells)),
        (Import::IdentificationServiceArea(area), (1, cells)),
        (Import::RemoteIdSubscription(watch), (1, cells)),
    ]
}

/// Lets the party have all but so many entities and cells of what it may have.
fn leave(state: &mut State, entities: u64, cells: u64) {
    state.shared.parties.change(&party(), |usage| {
        usage.entities = LIVE_ENTITIES_PER_PARTY_MAX - entities;
        usage.cells = CELLS_PER_PARTY_MAX - cells;
    });
}

fn ask(state: &mut State, request: impl Into<Request>) -> Outcome {
    let command = Command { party: party(), retry: None, request: request.into() };
    match state.apply(1, Timestamp::default(), &command) {
        Decision::Decided { outcome, .. } => outcome,
        other => panic!("{other:?} without a key"),
    }
}

fn is_too_many(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Err(Refusal::OperationalIntent(operational_intent::Refusal::TooMany)
            | Refusal::Constraint(constraint::Refusal::TooMany)
            | Refusal::Subscription(subscription::Refusal::TooMany)
            | Refusal::IdentificationServiceArea(identification_service_area::Refusal::TooMany)
            | Refusal::RemoteIdSubscription(remote_id_subscription::Refusal::TooMany)
            | Refusal::Import(import::Refusal::TooMany))
    )
}

/// Checks that a request needs exactly so many entities and cells more than `before` left.
fn check(before: &State, needs: (u64, u64), request: impl Into<Request>) {
    let request = request.into();
    let (entities, cells) = needs;
    let mut enough = before.clone();
    leave(&mut enough, entities, cells);
    let outcome = ask(&mut enough, request.clone());
    assert!(outcome.is_ok(), "with {needs:?} left: {outcome:?}");

    for (entities, cells) in
        [(entities.checked_sub(1), Some(cells)), (Some(entities), cells.checked_sub(1))]
    {
        if let (Some(entities), Some(cells)) = (entities, cells) {
            let mut short = before.clone();
            leave(&mut short, entities, cells);
            let outcome = ask(&mut short, request.clone());
            assert!(is_too_many(&outcome), "with {entities}, {cells} left: {outcome:?}");
        }
    }
}

#[test]
fn counts_what_a_creation_adds() {
    let empty = State::default();

    check(&empty, (1, 3), intent(3, SubscriptionChoice::None));
    check(&empty, (2, 6), intent(3, implicit(9)));
    check(&empty, (1, 3), constraint(3));
    check(&empty, (1, 3), subscription(3, None));
    check(&empty, (1, 3), area(3, None));
    check(&empty, (1, 3), remote_id_subscription(3, None));
}

#[test]
fn counts_what_is_carried_over() {
    for (import, needs) in imports(3) {
        check(&State::default(), needs, import);
    }
}

#[test]
fn counts_what_an_update_adds_and_removes() {
    let mut state = State::default();
    ask(&mut state, intent(3, implicit(9))).expect("it is new");
    ask(&mut state, constraint(3)).expect("it is new");
    let Ok(Accepted::SubscriptionPut { subscription: view, .. }) =
        ask(&mut state, subscription(3, None))
    else {
        panic!("it is new");
    };
    let same = SubscriptionChoice::Existing(SubscriptionId::from_random_bytes([9; 16]));

    // The implicit subscription grows with it, is replaced by another, or goes.
    check(&state, (0, 4), update(5, same.clone()));
    check(&state, (0, 4), update(5, implicit(8)));
    check(&state, (0, 0), update(6, SubscriptionChoice::None));
    check(&state, (0, 1), update(7, SubscriptionChoice::None));
    check(&state, (0, 0), update(2, same));
    let ovn = Some(Ovn::of_bits(EntityId::from_random_bytes([2; 16]), [7; 16]));
    check(&state, (0, 2), constraint::Put { ovn, ..constraint(5) });
    check(&state, (0, 2), subscription(5, Some(view.version)));
}

#[test]
fn counts_what_an_update_of_remote_id_adds() {
    let mut state = State::default();
    let Ok(Accepted::IdentificationServiceArea { area: stored, .. }) =
        ask(&mut state, area(3, None))
    else {
        panic!("it is new");
    };
    let Ok(Accepted::RemoteIdSubscriptionPut { subscription: watch, .. }) =
        ask(&mut state, remote_id_subscription(3, None))
    else {
        panic!("it is new");
    };

    check(&state, (0, 2), area(5, Some(stored.version)));
    check(&state, (0, 0), area(2, Some(stored.version)));
    check(&state, (0, 2), remote_id_subscription(5, Some(watch.version)));
}
