//! How steps are drawn.

use std::ops::RangeInclusive;

use airspace::Settings;
use airspace::operational_intent::{NotifyForConstraints, OperationalIntentState};
use airspace::subscription::NotifyFor;
use airspace::uss_availability::UssAvailabilityState;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;

use super::step::{
    Action, Asker, Choice, Elapse, ExtentPlan, KeyPlan, Look, Moment, NextOvnPlan, RetryPlan, Step,
    SubscriptionPlan, VersionPlan,
};

mod import;
mod remote_id;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HALF_HOUR: i64 = 30 * MINUTE;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Draws sequences of as many steps as `length` allows: of everything, of one standard, and of one
/// party that subscribes over and over.
pub fn steps(length: RangeInclusive<usize>) -> impl Strategy<Value = Vec<Step>> {
    let everything = prop_oneof![12 => f3548(), 5 => remote_id::action(), 5 => import::action()];
    prop_oneof![
        5 => vec(step(asker(), elapse(), everything), length.clone()),
        4 => vec(step(asker(), elapse(), f3548()), length.clone()),
        3 => vec(step(asker(), elapse(), remote_id::action()), length.clone()),
        1 => vec(step(remote_id::crowd_asker(), soon(), remote_id::crowd_action()), length),
    ]
}

fn step(
    asker: impl Strategy<Value = Asker>,
    elapse: impl Strategy<Value = Elapse>,
    action: impl Strategy<Value = Action>,
) -> impl Strategy<Value = Step> {
    (elapse, asker, option::weighted(0.2, retry()), action, look()).prop_map(
        |(elapse, asker, retry, action, look)| Step { elapse, asker, retry, action, look },
    )
}

fn choice() -> impl Strategy<Value = Choice> {
    any::<Choice>()
}

/// At an edge, and the smallest step to either side of it.
fn nudge() -> impl Strategy<Value = i64> {
    select(vec![-1, 0, 0, 1])
}

fn soon() -> impl Strategy<Value = Elapse> {
    select(vec![1, 2, 1000, SECOND, 10 * SECOND]).prop_map(Elapse::By)
}

fn elapse() -> impl Strategy<Value = Elapse> {
    let jumps = vec![
        MINUTE,
        4 * MINUTE,
        5 * MINUTE,
        HALF_HOUR,
        HALF_HOUR + 1,
        HOUR,
        2 * HOUR,
        12 * HOUR,
        DAY,
        DAY + 1,
    ];
    prop_oneof![
        3 => select(vec![-HOUR, -MINUTE, -1, 0]).prop_map(Elapse::By),
        20 => soon(),
        3 => select(jumps).prop_map(Elapse::By),
        1 => (choice(), nudge()).prop_map(|(which, by)| Elapse::PastEnd(which, by)),
        1 => (choice(), nudge()).prop_map(|(which, by)| Elapse::PastRetention(which, by)),
        1 => (choice(), nudge()).prop_map(|(which, by)| Elapse::PastKept(which, by)),
    ]
}

fn moment(near: Vec<i64>) -> impl Strategy<Value = Moment> {
    prop_oneof![
        6 => select(near).prop_map(Moment::Now),
        1 => (choice(), nudge()).prop_map(|(which, by)| Moment::StartOf(which, by)),
        1 => (choice(), nudge()).prop_map(|(which, by)| Moment::EndOf(which, by)),
    ]
}

fn asker() -> impl Strategy<Value = Asker> {
    prop_oneof![
        4 => choice().prop_map(Asker::Manager),
        1 => choice().prop_map(Asker::Party),
    ]
}

fn retry() -> impl Strategy<Value = RetryPlan> {
    (choice(), choice()).prop_map(|(key, fingerprint)| RetryPlan { key, fingerprint })
}

fn version() -> impl Strategy<Value = VersionPlan> {
    prop_oneof![
        10 => Just(VersionPlan::AsNeeded),
        1 => Just(VersionPlan::None),
        1 => Just(VersionPlan::Wrong),
        1 => choice().prop_map(VersionPlan::Other),
    ]
}

/// Mostly around now; a bound of a subscription's edges is five minutes ago or a day ahead.
fn extent() -> impl Strategy<Value = ExtentPlan> {
    let starts = vec![
        -DAY,
        -5 * MINUTE - 1,
        -5 * MINUTE,
        -5 * MINUTE + 1,
        -MINUTE,
        0,
        1,
        5 * MINUTE,
        HOUR,
        2 * HOUR,
    ];
    let ends = vec![-1, 0, 1, 4 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, DAY - MINUTE, DAY, 2 * DAY];
    (moment(starts), moment(ends), choice(), choice(), cells()).prop_map(
        |(start, end, lower, height, cells)| ExtentPlan { start, end, lower, height, cells },
    )
}

/// A subscription that lasts a day is as good as any other for an operational intent.
fn extent_of_subscription() -> impl Strategy<Value = ExtentPlan> {
    let day = (select(vec![-5 * MINUTE, -MINUTE, 0]), cells()).prop_map(|(start, cells)| {
        let (start, end) = (Moment::Now(start), Moment::Now(start + DAY));
        ExtentPlan { start, end, lower: 0, height: 3, cells: cells | 0b0011 }
    });
    prop_oneof![1 => day, 1 => extent()]
}

fn cells() -> impl Strategy<Value = u8> {
    prop_oneof![
        2 => select(vec![0b0001, 0b0010, 0b0011]),
        1 => any::<u8>(),
    ]
}

fn look() -> impl Strategy<Value = Look> {
    let now = prop_oneof![
        4 => Just(Elapse::By(0)),
        1 => select(vec![1, HALF_HOUR, HOUR, DAY, 2 * DAY]).prop_map(Elapse::By),
        1 => (choice(), nudge()).prop_map(|(which, by)| Elapse::PastEnd(which, by)),
        1 => (choice(), nudge()).prop_map(|(which, by)| Elapse::PastRetention(which, by)),
    ];
    (choice(), now, extent(), any::<u8>()).prop_map(|(reader, now, extent, given)| Look {
        reader,
        now,
        extent,
        given,
    })
}

/// What is asked of F3548, and the settings about it.
fn f3548() -> impl Strategy<Value = Action> {
    prop_oneof![
        10 => put_operational_intent(),
        2 => (choice(), version())
            .prop_map(|(id, ovn)| Action::DeleteOperationalIntent { id, ovn }),
        3 => (choice(), version(), extent(), any::<u8>(), choice()).prop_map(
            |(id, ovn, extent, given, url)| Action::PutConstraint { id, ovn, extent, given, url }
        ),
        1 => (choice(), version()).prop_map(|(id, ovn)| Action::DeleteConstraint { id, ovn }),
        4 => put_subscription(),
        2 => (choice(), version())
            .prop_map(|(id, version)| Action::DeleteSubscription { id, version }),
        3 => (choice(), version(), availability()).prop_map(|(uss, version, availability)| {
            Action::PutUssAvailability { uss, version, availability }
        }),
        // Not 0: what ends at the very moment of its creation would be gone within its own entry.
        1 => select(vec![86_400, 86_400, 172_800, 3600, 1])
            .prop_map(|s| Action::PutSettings(Settings { f3548_retention_s: s })),
    ]
}

fn put_operational_intent() -> impl Strategy<Value = Action> {
    (choice(), version(), extent(), state(), key(), choice(), subscription(), next_ovn()).prop_map(
        |(id, ovn, extent, state, key, url, subscription, next_ovn)| Action::PutOperationalIntent {
            id,
            ovn,
            extent,
            state,
            key,
            url,
            subscription,
            next_ovn,
        },
    )
}

fn put_subscription() -> impl Strategy<Value = Action> {
    let notify_for =
        select(vec![NotifyFor::OperationalIntents, NotifyFor::Constraints, NotifyFor::Both]);
    // Mostly without altitudes, which would leave out most of what depends on it.
    let given = prop_oneof![2 => any::<u8>().prop_map(|given| given & 0b0011), 1 => any::<u8>()];
    (choice(), version(), extent_of_subscription(), given, choice(), notify_for).prop_map(
        |(id, version, extent, given, url, notify_for)| Action::PutSubscription {
            id,
            version,
            extent,
            given,
            url,
            notify_for,
        },
    )
}

fn availability() -> impl Strategy<Value = UssAvailabilityState> {
    select(vec![
        UssAvailabilityState::Unknown,
        UssAvailabilityState::Normal,
        UssAvailabilityState::Down,
        UssAvailabilityState::Down,
    ])
}

fn state() -> impl Strategy<Value = OperationalIntentState> {
    prop_oneof![
        3 => Just(OperationalIntentState::Accepted),
        3 => Just(OperationalIntentState::Activated),
        1 => Just(OperationalIntentState::Nonconforming),
        1 => Just(OperationalIntentState::Contingent),
    ]
}

fn key() -> impl Strategy<Value = KeyPlan> {
    prop_oneof![
        6 => Just(KeyPlan::All),
        2 => choice().prop_map(KeyPlan::AllBut),
        2 => Just(KeyPlan::OperationalIntents),
        1 => Just(KeyPlan::Own),
        3 => Just(KeyPlan::Empty),
    ]
}

fn subscription() -> impl Strategy<Value = SubscriptionPlan> {
    let notify = select(vec![NotifyForConstraints::Yes, NotifyForConstraints::No]);
    prop_oneof![
        2 => Just(SubscriptionPlan::None),
        3 => choice().prop_map(SubscriptionPlan::Kept),
        5 => choice().prop_map(SubscriptionPlan::Existing),
        4 => (choice(), notify).prop_map(|(url, notify)| SubscriptionPlan::Implicit(url, notify)),
        1 => choice().prop_map(SubscriptionPlan::ImplicitTaken),
    ]
}

fn next_ovn() -> impl Strategy<Value = NextOvnPlan> {
    let five = 5 * 60 * 1000;
    let millis = vec![-five - 1, -five, 1 - five, -1, 0, 0, 0, 0, 1, five - 1, five, five + 1];
    prop_oneof![
        5 => Just(NextOvnPlan::Random),
        2 => select(millis).prop_map(NextOvnPlan::Requested),
        2 => choice().prop_map(NextOvnPlan::RequestedAgain),
    ]
}
