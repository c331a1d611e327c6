//! What is asked of F3411.

use airspace::F3411Settings;
use proptest::option;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;

use super::{DAY, HALF_HOUR, HOUR, MINUTE, cells, choice, moment, version};
use crate::commands::step::{Action, Asker, FootprintPlan, Moment, VersionPlan};

pub(super) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        8 => put_area(),
        2 => delete_area(),
        8 => put_subscription(footprint_of_subscription()),
        2 => (choice(), version())
            .prop_map(|(id, version)| Action::DeleteRemoteIdSubscription { id, version }),
        // Not 0: what ends at the very moment of its creation would be gone within its own entry.
        1 => select(vec![1800, 1800, 3600, 60, 1]).prop_map(|retention_s| {
            Action::PutF3411Settings(F3411Settings { retention_s })
        }),
    ]
}

/// One party's subscriptions in the same few cells, which take a while to end.
pub(super) fn crowd_action() -> impl Strategy<Value = Action> {
    let start = prop_oneof![3 => Just(None), 1 => Just(Some(Moment::Now(HOUR)))];
    let end = prop_oneof![
        2 => Just(None),
        2 => select(vec![3 * HOUR, DAY]).prop_map(|end| Some(Moment::Now(end))),
        1 => moment(vec![-1, 0, 1]).prop_map(Some),
    ];
    let cells = select(vec![0b0001, 0b0001, 0b0001, 0b0011, 0b0111, 0b0010]);
    let footprint =
        (start, end, cells).prop_map(|(start, end, cells)| FootprintPlan { start, end, cells });
    prop_oneof![
        30 => put_subscription(footprint),
        4 => put_area(),
        1 => delete_area(),
        1 => (choice(), Just(VersionPlan::AsNeeded))
            .prop_map(|(id, version)| Action::DeleteRemoteIdSubscription { id, version }),
    ]
}

pub(super) fn crowd_asker() -> impl Strategy<Value = Asker> {
    prop_oneof![
        8 => Just(Asker::Party(0)),
        1 => choice().prop_map(Asker::Party),
    ]
}

fn put_area() -> impl Strategy<Value = Action> {
    (choice(), version(), footprint_of_area(), choice()).prop_map(
        |(id, version, footprint, url)| Action::PutIdentificationServiceArea {
            id,
            version,
            footprint,
            url,
        },
    )
}

fn delete_area() -> impl Strategy<Value = Action> {
    (choice(), version())
        .prop_map(|(id, version)| Action::DeleteIdentificationServiceArea { id, version })
}

fn put_subscription(
    footprint: impl Strategy<Value = FootprintPlan>,
) -> impl Strategy<Value = Action> {
    (choice(), version(), footprint, choice()).prop_map(|(id, version, footprint, url)| {
        Action::PutRemoteIdSubscription { id, version, footprint, url }
    })
}

/// An area may last for as long as its owner likes.
fn footprint_of_area() -> impl Strategy<Value = FootprintPlan> {
    let ends = vec![-1, 0, 1, MINUTE, HALF_HOUR, HOUR, 3 * HOUR, DAY + 1, 60 * DAY];
    (option::weighted(0.7, moment(starts())), option::weighted(0.8, moment(ends)), cells())
        .prop_map(|(start, end, cells)| FootprintPlan { start, end, cells })
}

/// Its edges are five minutes ago and a day after the start.
fn footprint_of_subscription() -> impl Strategy<Value = FootprintPlan> {
    let ends = vec![-1, 0, 1, MINUTE, HALF_HOUR, HOUR, 3 * HOUR, DAY - MINUTE, DAY, DAY + 1];
    let any =
        (option::weighted(0.7, moment(starts())), option::weighted(0.7, moment(ends)), cells())
            .prop_map(|(start, end, cells)| FootprintPlan { start, end, cells });
    let starts = select(vec![-5 * MINUTE, -MINUTE, 0, HOUR]);
    let day = (starts, select(vec![-1, 0, 0, 1]), cells()).prop_map(|(start, more, cells)| {
        let end = Some(Moment::Now(start + DAY + more));
        FootprintPlan { start: Some(Moment::Now(start)), end, cells }
    });
    prop_oneof![1 => day, 3 => any]
}

fn starts() -> Vec<i64> {
    vec![-DAY, -5 * MINUTE - 1, -5 * MINUTE, -MINUTE, 0, 0, 1, 5 * MINUTE, HALF_HOUR, HOUR]
}
