//! Constraint references at the DSS (F3548-21).

use airspace::uss_availability::UssAvailabilityState;
use airspace::{
    EntityId, Ovn, Party, Search, SubscriberToNotify as Notified, UssBaseUrl, constraint,
};
use serde::{Deserialize, Serialize};

use crate::base_url::{BaseUrlError, Schemes};
use crate::f3548::common::{
    SubscriberToNotify, Subscribers, Time, UssAvailabilityStateText, Volume4D,
};
use crate::f3548::volumes::{self, ExtentsError, Required, VolumeError};
use crate::json::{self, JsonError};
use crate::list::Mapped;
use crate::period::PeriodOf;
use crate::text;

/// What the DSS tells of a constraint (`ConstraintReference`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConstraintReference {
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
}

/// Asks to create or update a constraint (`PutConstraintReferenceParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutConstraintReferenceParameters {
    /// Volumes that bound it.
    pub extents: Vec<Volume4D>,
    /// Where its details are found.
    #[serde(with = "text::required")]
    pub uss_base_url: UssBaseUrl,
}

/// Tells of one constraint (`GetConstraintReferenceResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetConstraintReferenceResponse {
    /// What there is.
    pub constraint_reference: ConstraintReference,
}

/// Answers a creation, an update or a deletion (`ChangeConstraintReferenceResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeConstraintReferenceResponse<L = Vec<SubscriberToNotify>> {
    /// Whom the caller must notify.
    pub subscribers: L,
    /// What there is now, or what there was.
    pub constraint_reference: ConstraintReference,
}

/// Asks what there is (`QueryConstraintReferenceParameters`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryConstraintReferenceParameters {
    /// Where and when; required here.
    pub area_of_interest: Volume4D,
}

/// Tells what there is (`QueryConstraintReferencesResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryConstraintReferencesResponse<L = Vec<ConstraintReference>> {
    /// What there is.
    pub constraint_references: L,
}

/// A request about constraints is malformed; the text begins with the field's name.
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
}

/// What a put needs besides its body.
#[derive(Clone)]
pub struct PutTarget {
    /// Which constraint.
    pub id: EntityId,
    /// The OVN that the caller believes current; `None` creates.
    pub ovn: Option<Ovn>,
    /// The random bits drawn for its next OVN: a secret of its manager, and so never shown.
    pub next_ovn: [u8; 16],
}

impl std::fmt::Debug for PutTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PutTarget")
            .field("id", &self.id)
            .field("ovn", &self.ovn)
            .finish_non_exhaustive()
    }
}

impl ParseError {
    /// Tells whether the request is well-formed but its area is too large.
    pub fn is_area_too_large(&self) -> bool {
        match self {
            ParseError::Extents(error) => error.is_too_large(),
            ParseError::AreaOfInterest(error) => error.is_too_large(),
            ParseError::Json(_) | ParseError::UssBaseUrl(_) => false,
        }
    }
}

/// Returns the command that a `PutConstraintReferenceParameters` asks for.
pub fn parse_put(
    body: &[u8],
    target: PutTarget,
    schemes: Schemes,
) -> Result<constraint::Put, ParseError> {
    let message: PutConstraintReferenceParameters = json::parse(body)?;
    schemes.check(&message.uss_base_url).map_err(ParseError::UssBaseUrl)?;
    Ok(constraint::Put {
        id: target.id,
        ovn: target.ovn,
        extent: volumes::extent_of(&message.extents, Required::Times)?,
        uss_base_url: message.uss_base_url,
        next_ovn: target.next_ovn,
    })
}

/// Returns the search that a `QueryConstraintReferenceParameters` asks for.
pub fn parse_query(body: &[u8]) -> Result<Search, ParseError> {
    let message: QueryConstraintReferenceParameters = json::parse(body)?;
    volumes::search_of(&message.area_of_interest, PeriodOf::Search)
        .map_err(ParseError::AreaOfInterest)
}

/// Returns the JSON of a `GetConstraintReferenceResponse`.
pub fn render_get(reference: &constraint::ConstraintReference) -> Vec<u8> {
    json::render(&GetConstraintReferenceResponse { constraint_reference: reference.into() })
}

/// Returns the JSON of a `ChangeConstraintReferenceResponse`.
pub fn render_change(
    reference: &constraint::ConstraintReference,
    subscribers: &[Notified],
) -> Vec<u8> {
    json::render(&ChangeConstraintReferenceResponse::<Subscribers<'_>> {
        subscribers: Mapped::new(subscribers),
        constraint_reference: reference.into(),
    })
}

/// Returns the JSON of a `QueryConstraintReferencesResponse`.
pub fn render_query(found: &[constraint::ConstraintReference]) -> Vec<u8> {
    json::render(&QueryConstraintReferencesResponse {
        constraint_references: References::new(found),
    })
}

/// The references of views, as they are written.
pub(crate) type References<'a> = Mapped<'a, constraint::ConstraintReference, ConstraintReference>;

impl From<&constraint::ConstraintReference> for ConstraintReference {
    fn from(view: &constraint::ConstraintReference) -> Self {
        ConstraintReference {
            id: view.id,
            manager: view.manager.clone(),
            uss_availability: view.uss_availability,
            version: view.version,
            ovn: view.ovn.clone(),
            time_start: view.starts_at.into(),
            time_end: view.ends_at.into(),
            uss_base_url: view.uss_base_url.clone(),
        }
    }
}
