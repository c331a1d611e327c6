//! The frame of messages about subscriptions; `S` is how a version writes one.

use airspace::identification_service_area::IdentificationServiceAreaView;
use airspace::remote_id_subscription::RemoteIdSubscriptionView;
use serde::{Deserialize, Serialize};

use crate::json;
use crate::list::Mapped;
use crate::text;

/// Tells of one subscription (`GetSubscriptionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetSubscriptionResponse<S> {
    /// What there is.
    pub subscription: S,
}

/// Answers a creation or an update (`PutSubscriptionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>, L: Default + Deserialize<'de>"))]
pub struct PutSubscriptionResponse<S, L> {
    /// The identification service areas there.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub service_areas: L,
    /// The subscription as it is.
    pub subscription: S,
}

/// Answers a deletion (`DeleteSubscriptionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteSubscriptionResponse<S> {
    /// The subscription as it last was.
    pub subscription: S,
}

/// Tells what there is (`SearchSubscriptionsResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "L: Default + Deserialize<'de>"))]
pub struct SearchSubscriptionsResponse<L> {
    /// What there is.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub subscriptions: L,
}

pub(crate) fn render_get<'a, S>(subscription: &'a RemoteIdSubscriptionView) -> Vec<u8>
where
    S: From<&'a RemoteIdSubscriptionView> + Serialize,
{
    json::render(&GetSubscriptionResponse { subscription: S::from(subscription) })
}

pub(crate) fn render_put<'a, S, A>(
    subscription: &'a RemoteIdSubscriptionView,
    areas: &'a [IdentificationServiceAreaView],
) -> Vec<u8>
where
    S: From<&'a RemoteIdSubscriptionView> + Serialize,
    A: From<&'a IdentificationServiceAreaView> + Serialize,
{
    let service_areas: Mapped<'_, _, A> = Mapped::new(areas);
    json::render(&PutSubscriptionResponse { service_areas, subscription: S::from(subscription) })
}

pub(crate) fn render_delete<'a, S>(subscription: &'a RemoteIdSubscriptionView) -> Vec<u8>
where
    S: From<&'a RemoteIdSubscriptionView> + Serialize,
{
    json::render(&DeleteSubscriptionResponse { subscription: S::from(subscription) })
}

pub(crate) fn render_search<'a, S>(found: &'a [RemoteIdSubscriptionView]) -> Vec<u8>
where
    S: From<&'a RemoteIdSubscriptionView> + Serialize,
{
    let subscriptions: Mapped<'_, _, S> = Mapped::new(found);
    json::render(&SearchSubscriptionsResponse { subscriptions })
}
