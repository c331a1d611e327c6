//! Who must be notified of a change.

use airspace::{SubscriptionId, UssBaseUrl};
use serde::{Deserialize, Serialize};

use crate::list::Mapped;
use crate::text;

/// A subscription that prompts a notification, and its index (`SubscriptionState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionState {
    /// Which subscription.
    #[serde(with = "text::required")]
    pub subscription_id: SubscriptionId,
    /// How many notifications it has prompted.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notification_index: u32,
}

/// A USS that must be notified (`SubscriberToNotify`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberToNotify<L = Vec<SubscriptionState>> {
    /// The subscriptions that prompt it.
    pub subscriptions: L,
    /// Where to notify: in F3411-19 the URL to which the id of the area is appended, in F3411-22a
    /// the base URL; each as its subscription gave it, in whichever version that was put.
    #[serde(with = "text::required")]
    pub url: UssBaseUrl,
}

/// The subscribers of a view, as they are written.
pub(crate) type Subscribers<'a> = Mapped<
    'a,
    airspace::SubscriberToNotify,
    SubscriberToNotify<Mapped<'a, airspace::SubscriptionState, SubscriptionState>>,
>;

impl From<&airspace::SubscriptionState> for SubscriptionState {
    fn from(state: &airspace::SubscriptionState) -> Self {
        SubscriptionState {
            subscription_id: state.subscription_id,
            notification_index: state.notification_index,
        }
    }
}

impl<'a> From<&'a airspace::SubscriberToNotify>
    for SubscriberToNotify<Mapped<'a, airspace::SubscriptionState, SubscriptionState>>
{
    fn from(subscriber: &'a airspace::SubscriberToNotify) -> Self {
        SubscriberToNotify {
            subscriptions: Mapped::new(&subscriber.subscriptions),
            url: subscriber.uss_base_url.clone(),
        }
    }
}
