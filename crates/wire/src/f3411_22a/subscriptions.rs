//! Subscriptions to identification service areas at the DSS (F3411-22a).

use airspace::identification_service_area::IdentificationServiceAreaView;
use airspace::remote_id_subscription::{self, RemoteIdSubscriptionView};
use airspace::{Party, SubscriptionId, UssBaseUrl};
use serde::{Deserialize, Serialize};

use crate::base_url::Schemes;
use crate::f3411::{self, ParseError, PutTarget, subscriptions as shared};
use crate::f3411_22a::identification_service_areas::IdentificationServiceArea;
use crate::f3548::common::{Time, Volume4D};
use crate::json;
use crate::period::PeriodOf;
use crate::text;

/// What a party is told of its subscription (`Subscription`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which one.
    #[serde(with = "text::required")]
    pub id: SubscriptionId,
    /// Where to notify.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
    /// Whose it is.
    #[serde(with = "text::required")]
    pub owner: Party,
    /// How many notifications it has prompted.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notification_index: u32,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_end: Option<Time>,
    /// When it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_start: Option<Time>,
    /// Its version; a bump of the index leaves it.
    pub version: String,
}

/// Asks to create or update a subscription (`CreateSubscriptionParameters`,
/// `UpdateSubscriptionParameters`: they are the same).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutSubscriptionParameters {
    /// Where and when.
    pub extents: Volume4D,
    /// Where to notify.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
}

/// Tells of one subscription (`GetSubscriptionResponse`).
pub type GetSubscriptionResponse = shared::GetSubscriptionResponse<Subscription>;

/// Answers a creation or an update (`PutSubscriptionResponse`).
pub type PutSubscriptionResponse =
    shared::PutSubscriptionResponse<Subscription, Vec<IdentificationServiceArea>>;

/// Answers a deletion (`DeleteSubscriptionResponse`).
pub type DeleteSubscriptionResponse = shared::DeleteSubscriptionResponse<Subscription>;

/// Tells what there is (`SearchSubscriptionsResponse`).
pub type SearchSubscriptionsResponse = shared::SearchSubscriptionsResponse<Vec<Subscription>>;

/// Returns the command that a [`PutSubscriptionParameters`] asks for.
pub fn parse_put(
    body: &[u8],
    target: PutTarget<SubscriptionId>,
    schemes: Schemes,
) -> Result<remote_id_subscription::Put, ParseError> {
    let message: PutSubscriptionParameters = json::parse(body)?;
    f3411::check_url("uss_base_url", &message.uss_base_url, schemes)?;
    Ok(remote_id_subscription::Put {
        id: target.id,
        version: target.version,
        footprint: f3411::footprint_of(&message.extents, PeriodOf::Subscription)?,
        uss_base_url: message.uss_base_url,
    })
}

/// Returns the JSON of a [`GetSubscriptionResponse`].
pub fn render_get(subscription: &RemoteIdSubscriptionView) -> Vec<u8> {
    shared::render_get::<Subscription>(subscription)
}

/// Returns the JSON of a [`PutSubscriptionResponse`].
pub fn render_put(
    subscription: &RemoteIdSubscriptionView,
    areas: &[IdentificationServiceAreaView],
) -> Vec<u8> {
    shared::render_put::<Subscription, IdentificationServiceArea>(subscription, areas)
}

/// Returns the JSON of a [`DeleteSubscriptionResponse`].
pub fn render_delete(subscription: &RemoteIdSubscriptionView) -> Vec<u8> {
    shared::render_delete::<Subscription>(subscription)
}

/// Returns the JSON of a [`SearchSubscriptionsResponse`].
pub fn render_search(found: &[RemoteIdSubscriptionView]) -> Vec<u8> {
    shared::render_search::<Subscription>(found)
}

impl From<&RemoteIdSubscriptionView> for Subscription {
    fn from(view: &RemoteIdSubscriptionView) -> Self {
        Subscription {
            id: view.id,
            uss_base_url: view.uss_base_url.clone(),
            owner: view.owner.clone(),
            notification_index: view.notification_index,
            time_end: Some(view.ends_at.into()),
            time_start: Some(view.starts_at.into()),
            version: view.version.to_string(),
        }
    }
}
