//! Limits of what is carried over.

use std::time::Duration;

use airspace::import::{self, Import};
use airspace::operational_intent::OperationalIntentState;
use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;
use airspace::{
    Accepted, DEPENDENTS_PER_SUBSCRIPTION_MAX, NextOvn, Outcome, OvnSuffix, PAST_SUFFIXES_MAX,
    Party, Refusal, Request, State, SubscriptionId, USS_AVAILABILITIES_MAX,
};
use testkit::commands::party;

use crate::pair::Pair;
use crate::samples::{DAY, ask, at, entity, extent, outcome, suffix, url};

const NOW: Duration = Duration::ZERO;

#[test]
fn carries_over_a_bounded_number_of_suffixes_that_could_be_asked_for() {
    let max = u64::try_from(PAST_SUFFIXES_MAX).expect("it is small");
    let minutes = Duration::from_secs(5 * 60);
    let recent = |count: u64| (0..count).map(suffix).collect::<Vec<_>>();
    let current = NextOvn::Requested(suffix(max + 7));
    let import = |after: Duration, past: Vec<OvnSuffix>, ovn: NextOvn| {
        let mut intent = intent(0, None);
        (intent.past_suffixes, intent.ovn) = (past, ovn);
        let command = ask(Request::Import(Import::OperationalIntent(Box::new(intent))));
        let decision = Pair::default().apply_command(at(after), &command);
        outcome(decision.expect("both decide alike"))
    };

    let at_the_edge = import(NOW, recent(max), NextOvn::of_time(at(NOW)));
    let above = import(NOW, recent(max + 1), NextOvn::of_time(at(NOW)));
    let with_current = import(NOW, recent(max), current);
    let mut twice = recent(max);
    twice.push(suffix(0));
    let twice = import(NOW, twice, NextOvn::of_time(at(NOW)));
    let first_is_too_old = minutes + Duration::from_millis(1);
    let of_a_while_ago = import(first_is_too_old, recent(max + 1), NextOvn::of_time(at(NOW)));

    assert_eq!(at_the_edge, Ok(Accepted::Imported));
    assert_eq!(above, Err(too_many()));
    assert_eq!(with_current, Err(too_many()), "the current one counts");
    assert_eq!(twice, Ok(Accepted::Imported), "each counts once");
    assert_eq!(of_a_while_ago, Ok(Accepted::Imported), "nobody could ask for the first");
}

/// The model would take minutes here, so what is expected is written down.
#[test]
fn carries_over_a_bounded_number_of_availabilities() {
    let mut state = State::default();
    let mut import = |number: usize| {
        apply(
            &mut state,
            Import::UssAvailability(import::UssAvailability {
                uss_id: Party::new(&format!("uss{number}")).expect("it is short"),
                availability: UssAvailabilityState::Down,
                updated_at: at(NOW),
            }),
        )
    };
    for number in 0..USS_AVAILABILITIES_MAX {
        assert_eq!(import(number), Ok(Accepted::Imported), "{number}");
    }

    let one_more = import(USS_AVAILABILITIES_MAX);
    let known = import(0);

    assert_eq!(one_more, Err(too_many()));
    assert_eq!(known, Err(Refusal::Import(import::Refusal::AlreadyExists)));
}

#[test]
fn carries_over_a_bounded_number_of_dependents() {
    let mut state = State::default();
    let id = SubscriptionId::from_random_bytes([1; 16]);
    let subscription = import::Subscription {
        id,
        manager: party(0),
        extent: extent(0, at(DAY)),
        uss_base_url: url(),
        notify_for: NotifyFor::OperationalIntents,
        notification_index: 0,
        updated_at: at(NOW),
    };
    apply(&mut state, Import::Subscription(subscription)).expect("nothing is wrong with it");
    let max = u64::try_from(DEPENDENTS_PER_SUBSCRIPTION_MAX).expect("it is small");
    let mut import = |number, subscription_id| {
        apply(&mut state, Import::OperationalIntent(Box::new(intent(number, subscription_id))))
    };
    for number in 0..max {
        assert_eq!(import(number, Some(id)), Ok(Accepted::Imported), "{number}");
    }

    let one_more = import(max, Some(id));
    let without = import(max, None);

    assert_eq!(one_more, Err(too_many()));
    assert_eq!(without, Ok(Accepted::Imported));
}

fn apply(state: &mut State, import: Import) -> Outcome {
    outcome(state.apply(1, at(NOW), &ask(Request::Import(import))))
}

fn too_many() -> Refusal {
    Refusal::Import(import::Refusal::TooMany)
}

fn intent(number: u64, subscription_id: Option<SubscriptionId>) -> import::OperationalIntent {
    import::OperationalIntent {
        id: entity(number),
        manager: party(0),
        version: 1,
        state: OperationalIntentState::Accepted,
        ovn: NextOvn::of_time(at(NOW)),
        past_suffixes: Vec::new(),
        extent: extent(number, at(DAY)),
        uss_base_url: url(),
        subscription_id,
        implicit_subscription: None,
    }
}
