//! Operational intent references at the DSS (F3548-21).

use airspace::operational_intent::{
    self, NotifyForConstraints, OperationalIntentState, SubscriptionChoice,
};
use airspace::uss_availability::UssAvailabilityState;
use airspace::{
    EntityId, NextOvn, Ovn, OvnHash, OvnSuffix, Party, Search, SubscriberToNotify as Notified,
    SubscriptionId, UssBaseUrl,
};
use serde::{Deserialize, Serialize};

use crate::base_url::{BaseUrlError, Schemes};
use crate::f3548::common::{
    OperationalIntentStateText, SubscriberToNotify, Subscribers, Time, UssAvailabilityStateText,
    Volume4D,
};
use crate::f3548::constraints::ConstraintReference;
use crate::f3548::volumes::{self, ExtentsError, Required, VolumeError};
use crate::json::{self, JsonError};
use crate::list::Mapped;
use crate::period::PeriodOf;
use crate::text;

/// What the DSS tells of an operational intent (`OperationalIntentReference`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationalIntentReference {
    /// Which one.
    #[serde(with = "text::required")]
    pub id: EntityId,
    /// Whose it is.
    #[serde(with = "text::required")]
    pub manager: Party,
    /// Whether its manager answers.
    #[serde(with = "UssAvailabilityStateText")]
    pub uss_availability: UssAvailabilityState,
    /// How many times it was put.
    pub version: u32,
    /// Its state.
    #[serde(with = "OperationalIntentStateText")]
    pub state: OperationalIntentState,
    /// Its OVN; `None` is written as the literal that sends the reader to the manager.
    #[serde(default, with = "text::ovn")]
    pub ovn: Option<Ovn>,
    /// When it starts.
    pub time_start: Time,
    /// When it ends.
    pub time_end: Time,
    /// Where its details are found.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
    /// The subscription that keeps its manager informed; `None` is written as the id for none.
    #[serde(with = "text::subscription")]
    pub subscription_id: Option<SubscriptionId>,
}

/// Asks to create or update an operational intent (`PutOperationalIntentReferenceParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutOperationalIntentReferenceParameters {
    /// Volumes that bound it.
    pub extents: Vec<Volume4D>,
    /// The OVNs that the caller has seen; read as those that can match, ascending, each once.
    #[serde(default, with = "text::key")]
    pub key: Vec<Ovn>,
    /// The state to be in.
    #[serde(with = "OperationalIntentStateText")]
    pub state: OperationalIntentState,
    /// Where its details are found.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
    /// An existing subscription to keep the caller informed.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub subscription_id: Option<SubscriptionId>,
    /// A new implicit subscription to keep the caller informed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_subscription: Option<ImplicitSubscriptionParameters>,
    /// What the next OVN shall end with: an extension that deployed hubs and clients share.
    #[serde(default, with = "text::optional", skip_serializing_if = "Option::is_none")]
    pub requested_ovn_suffix: Option<OvnSuffix>,
}

/// What an implicit subscription needs (`ImplicitSubscriptionParameters`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImplicitSubscriptionParameters {
    /// Where to notify.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
    /// Whether changes of constraints are notified too.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub notify_for_constraints: bool,
}

/// Tells of one operational intent (`GetOperationalIntentReferenceResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetOperationalIntentReferenceResponse {
    /// What there is.
    pub operational_intent_reference: OperationalIntentReference,
}

/// Answers a creation, an update or a deletion (`ChangeOperationalIntentReferenceResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeOperationalIntentReferenceResponse<L = Vec<SubscriberToNotify>> {
    /// Whom the caller must notify.
    pub subscribers: L,
    /// What there is now, or what there was.
    pub operational_intent_reference: OperationalIntentReference,
}

/// Asks what there is (`QueryOperationalIntentReferenceParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryOperationalIntentReferenceParameters {
    /// Where and when; required here.
    pub area_of_interest: Volume4D,
}

/// Tells what there is (`QueryOperationalIntentReferenceResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryOperationalIntentReferenceResponse<L = Vec<OperationalIntentReference>> {
    /// What there is.
    pub operational_intent_references: L,
}

/// Tells what a caller has not shown to know (`AirspaceConflictResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AirspaceConflictResponse<
    O = Vec<OperationalIntentReference>,
    C = Vec<ConstraintReference>,
> {
    /// For a person to read.
    #[serde(default)]
    pub message: String,
    /// Operational intents whose OVNs were not in the key.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub missing_operational_intents: Option<O>,
    /// Constraints whose OVNs were not in the key.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub missing_constraints: Option<C>,
}

/// A request about operational intents is malformed; the text begins with the field's name.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It is not the JSON of the message.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// Its volumes are malformed.
    #[error(transparent)]
    Extents(#[from] ExtentsError),
    /// Its area of interest is malformed.
    #[error("area_of_interest.{0}")]
    AreaOfInterest(VolumeError),
    /// Where its details are found is no base URL.
    #[error("uss_base_url: {0}")]
    UssBaseUrl(BaseUrlError),
    /// Where to notify is no base URL.
    #[error("new_subscription.uss_base_url: {0}")]
    NewSubscription(BaseUrlError),
    /// A creation asks for a state other than `Accepted`.
    #[error("state: an operational intent is created as Accepted")]
    CreatedInOtherState,
    /// Both an existing and a new subscription are given.
    #[error("subscription_id: it must not be given together with new_subscription")]
    TwoSubscriptions,
    /// No subscription is given for a state that needs one.
    #[error("subscription_id: it or new_subscription must be given in any state but Accepted")]
    NoSubscription,
}

/// What a put needs besides its body.
#[derive(Clone, Debug)]
pub struct PutTarget {
    /// Which operational intent.
    pub id: EntityId,
    /// The OVN that the caller believes current; `None` creates.
    pub ovn: Option<Ovn>,
    /// What was drawn for it.
    pub drawn: Drawn,
}

/// What the proposer draws once for each put of an operational intent, needed or not.
#[derive(Clone, Copy)]
pub struct Drawn {
    /// The id of an implicit subscription.
    pub subscription_id: SubscriptionId,
    /// The random bits of its next OVN: a secret of its manager, and so never shown.
    pub next_ovn: [u8; 16],
}

impl std::fmt::Debug for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drawn")
            .field("subscription_id", &self.subscription_id)
            .finish_non_exhaustive()
    }
}

impl ParseError {
    /// Tells whether the request is well-formed but its area is too large.
    pub fn is_area_too_large(&self) -> bool {
        match self {
            ParseError::Extents(error) => error.is_too_large(),
            ParseError::AreaOfInterest(error) => error.is_too_large(),
            ParseError::Json(_)
            | ParseError::UssBaseUrl(_)
            | ParseError::NewSubscription(_)
            | ParseError::CreatedInOtherState
            | ParseError::TwoSubscriptions
            | ParseError::NoSubscription => false,
        }
    }
}

/// Returns the command that a `PutOperationalIntentReferenceParameters` asks for.
pub fn parse_put(
    body: &[u8],
    target: PutTarget,
    schemes: Schemes,
) -> Result<operational_intent::Put, ParseError> {
    let message: PutOperationalIntentReferenceParameters = json::parse(body)?;
    if target.ovn.is_none() && message.state != OperationalIntentState::Accepted {
        return Err(ParseError::CreatedInOtherState);
    }
    schemes.check(&message.uss_base_url).map_err(ParseError::UssBaseUrl)?;
    let subscription = choose_subscription(&message, target.drawn.subscription_id, schemes)?;
    let extent = volumes::extent_of(&message.extents, Required::TimesAndAltitudes)?;
    Ok(operational_intent::Put {
        id: target.id,
        ovn: target.ovn,
        extent,
        state: message.state,
        key: OvnHash::key_of(&message.key),
        uss_base_url: message.uss_base_url,
        subscription,
        next_ovn: match message.requested_ovn_suffix {
            Some(suffix) => NextOvn::Requested(suffix),
            None => NextOvn::Random(target.drawn.next_ovn),
        },
    })
}

/// Returns the search that a `QueryOperationalIntentReferenceParameters` asks for.
pub fn parse_query(body: &[u8]) -> Result<Search, ParseError> {
    let message: QueryOperationalIntentReferenceParameters = json::parse(body)?;
    volumes::search_of(&message.area_of_interest, PeriodOf::Search)
        .map_err(ParseError::AreaOfInterest)
}

/// Returns the JSON of a `GetOperationalIntentReferenceResponse`.
pub fn render_get(reference: &operational_intent::OperationalIntentReference) -> Vec<u8> {
    json::render(&GetOperationalIntentReferenceResponse {
        operational_intent_reference: reference.into(),
    })
}

/// Returns the JSON of a `ChangeOperationalIntentReferenceResponse`.
pub fn render_change(
    reference: &operational_intent::OperationalIntentReference,
    subscribers: &[Notified],
) -> Vec<u8> {
    json::render(&ChangeOperationalIntentReferenceResponse::<Subscribers<'_>> {
        subscribers: Mapped::new(subscribers),
        operational_intent_reference: reference.into(),
    })
}

/// Returns the JSON of a `QueryOperationalIntentReferenceResponse`.
pub fn render_query(found: &[operational_intent::OperationalIntentReference]) -> Vec<u8> {
    json::render(&QueryOperationalIntentReferenceResponse {
        operational_intent_references: References::new(found),
    })
}

/// Returns the JSON of an `AirspaceConflictResponse`; a list that is empty is left out.
pub fn render_conflict(
    message: &str,
    operational_intents: &[operational_intent::OperationalIntentReference],
    constraints: &[airspace::constraint::ConstraintReference],
) -> Vec<u8> {
    let constraints: Mapped<'_, _, ConstraintReference> = Mapped::new(constraints);
    json::render(&AirspaceConflictResponse {
        message: message.to_owned(),
        missing_operational_intents: Some(References::new(operational_intents))
            .filter(|list| !list.is_empty()),
        missing_constraints: Some(constraints).filter(|list| !list.is_empty()),
    })
}

/// The references of views, as they are written.
pub(crate) type References<'a> =
    Mapped<'a, operational_intent::OperationalIntentReference, OperationalIntentReference>;

fn choose_subscription(
    message: &PutOperationalIntentReferenceParameters,
    drawn: SubscriptionId,
    schemes: Schemes,
) -> Result<SubscriptionChoice, ParseError> {
    match (message.subscription_id, &message.new_subscription) {
        (Some(_), Some(_)) => Err(ParseError::TwoSubscriptions),
        (Some(id), None) => Ok(SubscriptionChoice::Existing(id)),
        (None, Some(new)) => {
            schemes.check(&new.uss_base_url).map_err(ParseError::NewSubscription)?;
            Ok(SubscriptionChoice::Implicit {
                id: drawn,
                uss_base_url: new.uss_base_url.clone(),
                notify_for_constraints: if new.notify_for_constraints {
                    NotifyForConstraints::Yes
                } else {
                    NotifyForConstraints::No
                },
            })
        }
        (None, None) if message.state == OperationalIntentState::Accepted => {
            Ok(SubscriptionChoice::None)
        }
        (None, None) => Err(ParseError::NoSubscription),
    }
}

/// An absent list of any kind; `Option::default` would need one of the list.
fn none<T>() -> Option<T> {
    None
}

impl From<&operational_intent::OperationalIntentReference> for OperationalIntentReference {
    fn from(view: &operational_intent::OperationalIntentReference) -> Self {
        OperationalIntentReference {
            id: view.id,
            manager: view.manager.clone(),
            uss_availability: view.uss_availability,
            version: view.version,
            state: view.state,
            ovn: view.ovn.clone(),
            time_start: view.starts_at.into(),
            time_end: view.ends_at.into(),
            uss_base_url: view.uss_base_url.clone(),
            subscription_id: view.subscription_id,
        }
    }
}
