//! Who must be told of a change (F3548-21 `SubscriberToNotify`).

use borsh::{BorshDeserialize, BorshSerialize};

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
