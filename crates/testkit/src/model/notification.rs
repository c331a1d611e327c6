//! Who must be told of a change.

use airspace::{Extent, SubscriberToNotify, SubscriptionState, UssBaseUrl};
use spacetime::Cells;

use super::overlap::{in_time, search_of, share_a_cell};
use super::{Model, Subscription};

/// What a change was about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    OperationalIntent,
    Constraint,
}

/// Bumps every subscription that shares a cell and a moment with `extent`, whatever its altitude,
/// whoever owns it and whether or not it has ended, and returns them by URL.
pub(super) fn notify(
    model: &mut Model,
    change: Change,
    extent: &Extent,
) -> Vec<SubscriberToNotify> {
    let mut subscribers: Vec<SubscriberToNotify> = Vec::new();
    for subscription in &mut model.subscriptions {
        if !wants(subscription, change) || !is_there(subscription, extent) {
            continue;
        }
        let notification_index = bump(&mut subscription.notification_index);
        let state = SubscriptionState { subscription_id: subscription.id, notification_index };
        add(&mut subscribers, &subscription.uss_base_url, state);
    }
    in_order(subscribers)
}

/// Bumps every subscription of F3411 that shares a cell with what an identification service area
/// was or is and has not ended, whenever it starts and whoever owns it, and returns them by URL.
pub(super) fn notify_of_area(model: &mut Model, cells: &Cells) -> Vec<SubscriberToNotify> {
    let mut subscribers = Vec::new();
    for subscription in &mut model.remote_id_subscriptions {
        let has_ended = subscription.ends_at < model.clock;
        if has_ended || !share_a_cell(&subscription.cells, cells) {
            continue;
        }
        let notification_index = bump(&mut subscription.notification_index);
        let state = SubscriptionState { subscription_id: subscription.id, notification_index };
        add(&mut subscribers, &subscription.uss_base_url, state);
    }
    in_order(subscribers)
}

/// The bounding union of what an entity was and what it is: between the two as well.
pub(super) fn union(old: Option<&Extent>, new: &Extent) -> Extent {
    let mut union = new.clone();
    if let Some(old) = old {
        union.starts_at = old.starts_at.min(new.starts_at);
        union.ends_at = old.ends_at.max(new.ends_at);
        union.cells = old.cells.union(&new.cells);
    }
    union
}

fn wants(subscription: &Subscription, change: Change) -> bool {
    match change {
        Change::OperationalIntent => subscription.notify_for_operational_intents,
        Change::Constraint => subscription.notify_for_constraints,
    }
}

fn is_there(subscription: &Subscription, extent: &Extent) -> bool {
    share_a_cell(&subscription.extent.cells, &extent.cells)
        && in_time(&subscription.extent, &search_of(extent))
}

/// The highest number is the last: no client could tell what comes after it.
fn bump(notification_index: &mut u32) -> u32 {
    *notification_index = notification_index.saturating_add(1);
    *notification_index
}

fn add(
    subscribers: &mut Vec<SubscriberToNotify>,
    uss_base_url: &UssBaseUrl,
    state: SubscriptionState,
) {
    match subscribers.iter_mut().find(|known| known.uss_base_url == *uss_base_url) {
        Some(known) => known.subscriptions.push(state),
        None => subscribers.push(SubscriberToNotify {
            uss_base_url: uss_base_url.clone(),
            subscriptions: vec![state],
        }),
    }
}

fn in_order(mut subscribers: Vec<SubscriberToNotify>) -> Vec<SubscriberToNotify> {
    subscribers.sort_by(|a, b| a.uss_base_url.as_str().cmp(b.uss_base_url.as_str()));
    for subscriber in &mut subscribers {
        subscriber.subscriptions.sort_by_key(|state| *state.subscription_id.as_bytes());
    }
    subscribers
}
