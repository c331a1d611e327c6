//! What takes many entities to reach.

use std::time::Duration;

use airspace::operational_intent;
use airspace::subscription::{self, NotifyFor};
use airspace::uss_availability::{self, UssAvailabilityState};
use airspace::{
    Accepted, Command, Decision, ENTITIES_PER_SEARCH_MAX, EXPIRIES_PER_ENTRY_MAX,
    KEPT_OUTCOMES_PER_PARTY_MAX, NextOvn, PAST_SUFFIXES_MAX, Party, Refusal, Request, Retry,
    Settings, State, SubscriptionId, USS_AVAILABILITIES_MAX,
};
use testkit::commands::party;

use crate::pair::Pair;
use crate::samples::{
    DAY, ask, at, clone, constraint, everything, intent, later, len, outcome, suffix, url,
};

mod import;
mod remote_id;

/// More end at once than one entry removes: all of it is gone at once for everybody, and ids, cells
/// and indexes are free again while the rest is still being removed.
#[test]
fn hides_what_ended_while_it_is_being_removed() {
    let count = u64::try_from(EXPIRIES_PER_ENTRY_MAX).expect("it is small") * 2 + 3;
    let mut pair = Pair::default();
    for number in 0..count {
        // Several end together now and then, of either kind.
        let request = if number % 3 == 0 {
            Request::PutConstraint(constraint(number, at(DAY).plus(later(number % 7))))
        } else {
            Request::PutOperationalIntent(intent(number, at(DAY).plus(later(number % 5))))
        };
        pair.apply_command(at(Duration::ZERO), &ask(request)).expect("both decide alike");
    }
    assert_eq!(pair.model.operational_intents.len() + pair.model.constraints.len(), len(count));

    for number in 0..count {
        let long_after = at(5 * DAY).plus(later(number));
        let again = intent(count - number, long_after.plus(DAY));
        let decision = pair.apply_command(long_after, &ask(Request::PutOperationalIntent(again)));
        let found = pair.state.search_operational_intents(long_after, &party(0), &everything());

        assert!(outcome(decision.expect("both decide alike")).is_ok(), "{number}");
        assert_eq!(found.expect("few are there").len(), len(number + 1));
    }
}

#[test]
fn forgets_the_oldest_outcome_of_a_party_that_has_too_many() {
    let max = u64::try_from(KEPT_OUTCOMES_PER_PARTY_MAX).expect("it is small");
    let mut pair = Pair::default();
    let mut forgotten = Vec::new();
    for number in 0..max + 2 {
        let decision = pair.apply_command(at(Duration::ZERO), &with_key(number));
        let decision = decision.expect("both decide alike");
        let Decision::Decided { forgotten: now, .. } = decision else { panic!("{decision:?}") };
        forgotten.extend(now);
    }

    let first = pair.apply_command(at(Duration::ZERO), &with_key(0)).expect("both decide alike");
    let last = pair.apply_command(at(Duration::ZERO), &with_key(max)).expect("both decide alike");

    assert_eq!(forgotten, [1, 2]);
    assert!(matches!(first, Decision::Decided { forgotten, .. } if forgotten == [3]));
    assert_eq!(last, Decision::Repeat { first: max + 1 });
}

#[test]
fn remembers_a_bounded_number_of_suffixes_of_one_intent() {
    let mut pair = Pair::default();
    let mut ovn = None;
    let mut accepted = 0;
    let mut put_at = |after: Duration, number: u64| {
        let mut put = intent(0, at(DAY));
        put.ovn.clone_from(&ovn);
        put.next_ovn = NextOvn::Requested(suffix(number));
        let decision = pair.apply_command(at(after), &ask(Request::PutOperationalIntent(put)));
        let outcome = outcome(decision.expect("both decide alike"));
        if let Ok(Accepted::OperationalIntent { reference, .. }) = &outcome {
            ovn.clone_from(&reference.ovn);
            accepted += 1;
        }
        outcome
    };

    let max = u64::try_from(PAST_SUFFIXES_MAX).expect("it is small");
    let outcomes: Vec<_> = (0..max + 2).map(|n| put_at(Duration::ZERO, n)).collect();
    let refused = outcomes.iter().filter(|outcome| outcome.is_err()).count();
    let later = put_at(Duration::from_secs(5 * 60 + 2), 300_000);

    assert!(refused != 0, "there is a bound");
    assert!(later.is_ok(), "what is too old to be asked for is forgotten: {later:?}");
    assert_eq!(outcomes.last(), Some(&Err(too_many())));
    assert!(max <= accepted, "{accepted}");
}

/// The model would take minutes here, so what is expected is written down.
#[test]
fn sets_a_bounded_number_of_availabilities() {
    let mut state = State::default();
    let mut put = |number: usize, old_version: String| {
        let uss_id = Party::new(&format!("uss{number}")).expect("it is short");
        let availability = UssAvailabilityState::Down;
        let request = Request::PutUssAvailability(uss_availability::Put {
            uss_id,
            old_version,
            availability,
        });
        outcome(state.apply(1, at(Duration::ZERO), &ask(request)))
    };
    let mut last = String::new();
    for number in 0..USS_AVAILABILITIES_MAX {
        let Ok(Accepted::UssAvailability(status)) = put(number, String::new()) else {
            panic!("{number} is not too many");
        };
        last = status.version;
    }

    let one_more = put(USS_AVAILABILITIES_MAX, String::new());
    let known = put(USS_AVAILABILITIES_MAX - 1, last);

    assert_eq!(one_more, Err(Refusal::UssAvailability(uss_availability::Refusal::TooMany)));
    assert!(known.is_ok(), "{known:?}");
}

/// Operational intents one above the other, none of which needs a key of another.
#[test]
fn lists_a_bounded_number_of_entities() {
    let mut state = State::default();
    let count = u64::try_from(ENTITIES_PER_SEARCH_MAX).expect("it is small");
    for number in 0..count {
        let put = Request::PutOperationalIntent(intent(number, at(DAY)));
        let outcome = outcome(state.apply(1, at(Duration::ZERO), &ask(put)));
        assert!(outcome.is_ok(), "{number}: {outcome:?}");
    }
    let search = everything();
    let subscribe = ask(Request::PutSubscription(subscription::Put {
        id: SubscriptionId::from_random_bytes([1; 16]),
        version: None,
        extent: everything(),
        uss_base_url: url(),
        notify_for: NotifyFor::OperationalIntents,
    }));

    let at_the_edge = state.search_operational_intents(state.clock(), &party(0), &search);
    let subscribed = outcome(clone(&mut state).apply(1, at(Duration::ZERO), &subscribe));
    let put = Request::PutOperationalIntent(intent(count, at(DAY)));
    let one_more = outcome(state.apply(1, at(Duration::ZERO), &ask(put)));
    let above = state.search_operational_intents(state.clock(), &party(0), &search);
    let not_subscribed = outcome(state.apply(1, at(Duration::ZERO), &subscribe));

    assert_eq!(at_the_edge.expect("as many as may be").len(), ENTITIES_PER_SEARCH_MAX);
    assert!(subscribed.is_ok(), "as many as may be");
    assert!(one_more.is_ok(), "{one_more:?}");
    assert!(above.is_err(), "one too many");
    assert_eq!(not_subscribed, Err(Refusal::Subscription(subscription::Refusal::TooManyFound)));
}

fn settings() -> Command {
    ask(Request::PutSettings(Settings { f3548_retention_s: 86_400 }))
}

fn with_key(number: u64) -> Command {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    Command { retry: Some(Retry { key, fingerprint: [0; 32] }), ..settings() }
}

fn too_many() -> Refusal {
    Refusal::OperationalIntent(operational_intent::Refusal::TooMany)
}
