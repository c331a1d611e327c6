//! Subscriptions to identification service areas at the DSS (F3411-19).

use airspace::identification_service_area::IdentificationServiceAreaView;
use airspace::remote_id_subscription::{self, RemoteIdSubscriptionView};
use airspace::{Party, SubscriptionId, UssBaseUrl};
use serde::{Deserialize, Serialize};

use crate::base_url::Schemes;
use crate::f3411::{self, ParseError, PutTarget, subscriptions as shared};
use crate::f3411_19::identification_service_areas::IdentificationServiceArea;
use crate::f3411_19::volumes::{self, Volume4D};
use crate::json;
use crate::period::PeriodOf;
use crate::rfc3339::Rfc3339;
use crate::text;

/// What a party is told of its subscription (`Subscription`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which one.
    #[serde(with = "text::required")]
    pub id: SubscriptionId,
    /// Where to notify.
    pub callbacks: SubscriptionCallbacks,
    /// Whose it is.
    #[serde(with = "text::required")]
    pub owner: Party,
    /// How many notifications it has prompted.
    pub notification_index: u32,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_end: Option<Rfc3339>,
    /// When it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_start: Option<Rfc3339>,
    /// Its version; a bump of the index leaves it.
    pub version: String,
}

/// Where to notify (`SubscriptionCallbacks`); at least one must be given, and there is but one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionCallbacks {
    /// The URL to which the id of an area is appended.
    #[serde(with = "text::required")]
    pub identification_service_area_url: UssBaseUrl,
}

/// Asks to create or update a subscription (`CreateSubscriptionParameters`,
/// `UpdateSubscriptionParameters`: they are the same).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutSubscriptionParameters {
    /// Where and when.
    pub extents: Volume4D,
    /// Where to notify.
    pub callbacks: SubscriptionCallbacks,
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
    let url = message.callbacks.identification_service_area_url;
    f3411::check_url("callbacks.identification_service_area_url", &url, schemes)?;
    Ok(remote_id_subscription::Put {
        id: target.id,
        version: target.version,
        footprint: volumes::footprint_of(&message.extents, PeriodOf::Subscription)?,
        uss_base_url: url,
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
            callbacks: SubscriptionCallbacks {
                identification_service_area_url: view.uss_base_url.clone(),
            },
            owner: view.owner.clone(),
            notification_index: view.notification_index,
            time_end: Some(view.ends_at.into()),
            time_start: Some(view.starts_at.into()),
            version: view.version.to_string(),
        }
    }
}
