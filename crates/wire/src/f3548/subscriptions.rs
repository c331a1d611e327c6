//! Subscriptions at the DSS (F3548-21).

use airspace::subscription::{self, NotifyFor, SubscriptionView};
use airspace::{EntityId, Search, SubscriptionId, UssBaseUrl, constraint, operational_intent};
use serde::{Deserialize, Serialize};

use crate::base_url::{BaseUrlError, Schemes};
use crate::f3548::common::{Time, Volume4D};
use crate::f3548::constraints::{self, ConstraintReference};
use crate::f3548::operational_intents::{self, OperationalIntentReference};
use crate::f3548::volumes::{self, VolumeError};
use crate::json::{self, JsonError};
use crate::list::Mapped;
use crate::period::PeriodOf;
use crate::text;

/// What a party is told of its subscription (`Subscription`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which one.
    #[serde(with = "text::required")]
    pub id: SubscriptionId,
    /// Its version; a bump of the index leaves it.
    pub version: String,
    /// How many notifications it has prompted.
    pub notification_index: u32,
    /// When it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_start: Option<Time>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_end: Option<Time>,
    /// Where to notify.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
    /// Whether changes of operational intents are notified.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notify_for_operational_intents: bool,
    /// Whether changes of constraints are notified.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notify_for_constraints: bool,
    /// Whether an operational intent brought it.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub implicit_subscription: bool,
    /// The operational intents that name it.
    #[serde(default, with = "text::list")]
    pub dependent_operational_intents: Vec<EntityId>,
}

/// Asks to create or update a subscription (`PutSubscriptionParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutSubscriptionParameters {
    /// Where and when.
    pub extents: Volume4D,
    /// Where to notify.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
    /// Whether changes of operational intents are to be notified.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notify_for_operational_intents: bool,
    /// Whether changes of constraints are to be notified.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notify_for_constraints: bool,
}

/// Answers a creation or an update (`PutSubscriptionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutSubscriptionResponse<
    O = Vec<OperationalIntentReference>,
    C = Vec<ConstraintReference>,
> {
    /// The subscription as it is.
    pub subscription: Subscription,
    /// The operational intents there; absent unless it notifies of them.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub operational_intent_references: Option<O>,
    /// The constraints there; absent unless it notifies of them.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub constraint_references: Option<C>,
}

/// Tells of one subscription (`GetSubscriptionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetSubscriptionResponse {
    /// What there is.
    pub subscription: Subscription,
}

/// Answers a deletion (`DeleteSubscriptionResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteSubscriptionResponse {
    /// The subscription as it last was.
    pub subscription: Subscription,
}

/// Asks what there is (`QuerySubscriptionParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuerySubscriptionParameters {
    /// Where and when; required here.
    pub area_of_interest: Volume4D,
}

/// Tells what there is (`QuerySubscriptionsResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuerySubscriptionsResponse<L = Vec<Subscription>> {
    /// What there is.
    pub subscriptions: L,
}

/// A request about subscriptions is malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It is not the JSON of the message.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Its volume is malformed.
    #[error("extents.{0}")]
    Extents(VolumeError),
    /// Its area of interest is malformed.
    #[error("area_of_interest.{0}")]
    AreaOfInterest(VolumeError),
    /// Where to notify is no base URL.
    #[error("uss_base_url: {0}")]
    UssBaseUrl(BaseUrlError),
    /// It would notify of nothing.
    #[error("notify_for_operational_intents: it or notify_for_constraints must be true")]
    NotifiesOfNothing,
}

/// What a put needs besides its body.
#[derive(Clone, Debug)]
pub struct PutTarget {
    /// Which subscription.
    pub id: SubscriptionId,
    /// The version that the caller believes current; `None` creates.
    pub version: Option<String>,
}

impl ParseError {
    /// Tells whether the request is well-formed but its area is too large.
    pub fn is_area_too_large(&self) -> bool {
        match self {
            ParseError::Extents(error) | ParseError::AreaOfInterest(error) => error.is_too_large(),
            ParseError::Json(_) | ParseError::UssBaseUrl(_) | ParseError::NotifiesOfNothing => {
                false
            }
        }
    }
}

/// Returns the command that a `PutSubscriptionParameters` asks for.
pub fn parse_put(
    body: &[u8],
    target: PutTarget,
    schemes: Schemes,
) -> Result<subscription::Put, ParseError> {
    let message: PutSubscriptionParameters = json::parse(body)?;
    schemes.check(&message.uss_base_url).map_err(ParseError::UssBaseUrl)?;
    let notify_for = match (message.notify_for_operational_intents, message.notify_for_constraints)
    {
        (true, true) => NotifyFor::Both,
        (true, false) => NotifyFor::OperationalIntents,
        (false, true) => NotifyFor::Constraints,
        (false, false) => return Err(ParseError::NotifiesOfNothing),
    };
    Ok(subscription::Put {
        id: target.id,
        version: target.version,
        extent: volumes::search_of(&message.extents, PeriodOf::Subscription)
            .map_err(ParseError::Extents)?,
        uss_base_url: message.uss_base_url,
        notify_for,
    })
}

/// Returns the search that a `QuerySubscriptionParameters` asks for.
pub fn parse_query(body: &[u8]) -> Result<Search, ParseError> {
    let message: QuerySubscriptionParameters = json::parse(body)?;
    volumes::search_of(&message.area_of_interest, PeriodOf::Search)
        .map_err(ParseError::AreaOfInterest)
}

/// Returns the JSON of a `GetSubscriptionResponse`.
pub fn render_get(subscription: &SubscriptionView) -> Vec<u8> {
    json::render(&GetSubscriptionResponse { subscription: subscription.into() })
}

/// Returns the JSON of a `PutSubscriptionResponse`; a list that is `None` is left out.
pub fn render_put(
    subscription: &SubscriptionView,
    operational_intents: Option<&[operational_intent::OperationalIntentReference]>,
    constraints: Option<&[constraint::ConstraintReference]>,
) -> Vec<u8> {
    json::render(&PutSubscriptionResponse {
        subscription: subscription.into(),
        operational_intent_references: operational_intents
            .map(operational_intents::References::new),
        constraint_references: constraints.map(constraints::References::new),
    })
}

/// Returns the JSON of a `DeleteSubscriptionResponse`.
pub fn render_delete(subscription: &SubscriptionView) -> Vec<u8> {
    json::render(&DeleteSubscriptionResponse { subscription: subscription.into() })
}

/// Returns the JSON of a `QuerySubscriptionsResponse`.
pub fn render_query(found: &[SubscriptionView]) -> Vec<u8> {
    let subscriptions: Mapped<'_, _, Subscription> = Mapped::new(found);
    json::render(&QuerySubscriptionsResponse { subscriptions })
}

/// An absent list of any kind; `Option::default` would need one of the list.
fn none<T>() -> Option<T> {
    None
}

impl From<&SubscriptionView> for Subscription {
    fn from(view: &SubscriptionView) -> Self {
        Subscription {
            id: view.id,
            version: view.version.clone(),
            notification_index: view.notification_index,
            time_start: Some(view.starts_at.into()),
            time_end: Some(view.ends_at.into()),
            uss_base_url: view.uss_base_url.clone(),
            notify_for_operational_intents: match view.notify_for {
                NotifyFor::OperationalIntents | NotifyFor::Both => true,
                NotifyFor::Constraints => false,
            },
            notify_for_constraints: match view.notify_for {
                NotifyFor::Constraints | NotifyFor::Both => true,
                NotifyFor::OperationalIntents => false,
            },
            implicit_subscription: view.implicit,
            dependent_operational_intents: view.dependent_operational_intents.clone(),
        }
    }
}
