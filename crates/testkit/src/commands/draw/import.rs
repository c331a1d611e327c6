//! What is carried over from a deployed hub, and what cannot be.

use airspace::subscription::NotifyFor;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;

use super::{DAY, HALF_HOUR, HOUR, MINUTE, SECOND, availability, cells, choice, moment, state};
use crate::commands::step::{
    Action, ExtentPlan, ImportKind, ImportPlan, ImportedIntent, ImportedSubscription,
};

/// Mostly something that is there and was changed a while ago.
pub(super) fn action() -> impl Strategy<Value = Action> {
    let number = select(vec![0, 1, 1, 7, u32::MAX - 1, u32::MAX]);
    (choice(), choice(), extent(), choice(), number, changed(), kind()).prop_map(
        |(id, owner, extent, url, number, changed, kind)| {
            Action::Import(ImportPlan { id, owner, extent, url, number, changed, kind })
        },
    )
}

fn kind() -> impl Strategy<Value = ImportKind> {
    prop_oneof![
        2 => notify_for().prop_map(ImportKind::Subscription),
        5 => intent().prop_map(ImportKind::OperationalIntent),
        2 => Just(ImportKind::Constraint),
        1 => availability().prop_map(ImportKind::UssAvailability),
        2 => Just(ImportKind::IdentificationServiceArea),
        2 => Just(ImportKind::RemoteIdSubscription),
    ]
}

fn intent() -> impl Strategy<Value = ImportedIntent> {
    // A suffix of a while ago may not be asked for again, but for another reason.
    let suffix = select(vec![-10 * 60 * 1000, -60 * 1000, 0, 60 * 1000]);
    (state(), option::weighted(0.3, suffix), 0..5_u8, subscription()).prop_map(
        |(state, suffix, past, subscription)| ImportedIntent { state, suffix, past, subscription },
    )
}

fn subscription() -> impl Strategy<Value = ImportedSubscription> {
    prop_oneof![
        3 => Just(ImportedSubscription::None),
        5 => choice().prop_map(ImportedSubscription::Existing),
        6 => notify_for().prop_map(ImportedSubscription::Implicit),
        1 => choice().prop_map(ImportedSubscription::Taken),
        1 => choice().prop_map(ImportedSubscription::OfOther),
        1 => choice().prop_map(ImportedSubscription::NotNamed),
        1 => changed().prop_map(ImportedSubscription::Changed),
    ]
}

fn notify_for() -> impl Strategy<Value = NotifyFor> {
    select(vec![NotifyFor::OperationalIntents, NotifyFor::Constraints, NotifyFor::Both])
}

fn changed() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => select(vec![-30 * DAY, -DAY, -HOUR, -MINUTE, -SECOND, -1, 0]),
        1 => select(vec![0, 1, SECOND]),
    ]
}

/// Ends at the edges of what is kept.
fn extent() -> impl Strategy<Value = ExtentPlan> {
    let starts = vec![-3 * DAY, -2 * DAY, -HOUR, -HOUR, -MINUTE, 0];
    let ends = vec![
        -DAY,
        1 - DAY,
        -HALF_HOUR,
        1 - HALF_HOUR,
        -1,
        0,
        MINUTE,
        HOUR,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        DAY,
    ];
    (moment(starts), moment(ends), choice(), choice(), cells()).prop_map(
        |(start, end, lower, height, cells)| ExtentPlan { start, end, lower, height, cells },
    )
}
