//! Who must be told of a change (F3548-21 `SubscriberToNotify`).

use std::cmp::Ordering;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::{Cell, Timestamp};

use crate::index::{Bounds, Query};
use crate::state::State;
use crate::{SubscriptionId, UssBaseUrl};

/// A USS to notify, with the subscriptions that prompt it; ascending by URL, then by id.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubscriberToNotify {
    /// Where to notify.
    pub uss_base_url: UssBaseUrl,
    /// Which of its subscriptions, each with its index after this change.
    pub subscriptions: Vec<SubscriptionState>,
}

/// A subscription and its notification index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SubscriptionState {
    /// Which subscription.
    pub subscription_id: SubscriptionId,
    /// How many notifications it has prompted.
    pub notification_index: u32,
}

/// What a change was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    OperationalIntent,
    Constraint,
}

/// Bumps every subscription that wants to know of a change there, and lists it with its new index.
///
/// It shares a cell and a moment with the change, whatever the altitude, whoever owns it and
/// whether or not it has ended. An index stays at its highest number. Where nobody hears it, nothing
/// is listed.
pub(crate) fn notify(
    state: &mut State,
    change: Change,
    bounds: &Bounds,
    cells: &[Cell],
) -> Vec<SubscriberToNotify> {
    let query = Query { bounds: bounds.at_any_altitude(), cells };
    let slots =
        state.all_subscriptions_in(&query, |subscription| subscription.notify_for.includes(change));
    if !state.is_heard() {
        for slot in slots {
            state.bump_notification_index(slot);
        }
        return Vec::new();
    }
    let bump = |slot| {
        let bumped = state.bump_notification_index(slot);
        told(&bumped.uss_base_url, bumped.id, bumped.notification_index)
    };
    grouped(slots.into_iter().map(bump).collect())
}

/// Bumps every subscription of F3411 that shares a cell with a change of an identification service
/// area and has not ended, and lists it with its new index.
///
/// It is told whatever the times and the altitudes of either, and whoever owns it. An index stays at
/// its highest number.
pub(crate) fn notify_of_area(state: &mut State, cells: &[Cell]) -> Vec<SubscriberToNotify> {
    let query = Query { bounds: Bounds::of_time(state.clock(), Timestamp::MAX), cells };
    let slots = state.all_remote_id_subscriptions_in(&query, |_| true);
    let bump = |slot| {
        let bumped = state.bump_remote_id_notification_index(slot);
        told(&bumped.uss_base_url, bumped.id, bumped.notification_index)
    };
    grouped(slots.into_iter().map(bump).collect())
}

fn told(
    uss_base_url: &UssBaseUrl,
    subscription_id: SubscriptionId,
    notification_index: u32,
) -> (UssBaseUrl, SubscriptionState) {
    (uss_base_url.clone(), SubscriptionState { subscription_id, notification_index })
}

/// Groups what was bumped by URL.
fn grouped(mut bumped: Vec<(UssBaseUrl, SubscriptionState)>) -> Vec<SubscriberToNotify> {
    bumped.sort_unstable_by(|(a_url, a), (b_url, b)| {
        // Most are of few USSs, whose URLs are kept once each.
        let by_url = if a_url.is_same(b_url) { Ordering::Equal } else { a_url.cmp(b_url) };
        by_url.then_with(|| a.subscription_id.cmp(&b.subscription_id))
    });
    let mut subscribers: Vec<SubscriberToNotify> = Vec::new();
    for (uss_base_url, state) in bumped {
        match subscribers.last_mut() {
            Some(last) if last.uss_base_url.is_same(&uss_base_url) => {
                last.subscriptions.push(state);
            }
            _ => subscribers.push(SubscriberToNotify { uss_base_url, subscriptions: vec![state] }),
        }
    }
    subscribers
}
