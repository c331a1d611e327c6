//! Identification service areas at the DSS (F3411-19).

use airspace::identification_service_area::{self, IdentificationServiceAreaView};
use airspace::{EntityId, Party, SubscriberToNotify as Notified, UssBaseUrl};
use serde::{Deserialize, Serialize};

use crate::base_url::Schemes;
use crate::f3411::subscribers::SubscriberToNotify;
use crate::f3411::{self, ParseError, PutTarget, identification_service_areas as shared};
use crate::f3411_19::volumes::{self, Volume4D};
use crate::json;
use crate::period::PeriodOf;
use crate::rfc3339::Rfc3339;
use crate::text;

/// Where a USS has flights that tell who and where they are (`IdentificationServiceArea`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentificationServiceArea {
    /// Where flights are asked for: the URL to which the id of a flight is appended.
    #[serde(with = "text::required")]
    pub flights_url: UssBaseUrl,
    /// Whose it is.
    #[serde(with = "text::required")]
    pub owner: Party,
    /// When it starts.
    pub time_start: Rfc3339,
    /// When it ends.
    pub time_end: Rfc3339,
    /// Its version.
    pub version: String,
    /// Which one.
    #[serde(with = "text::required")]
    pub id: EntityId,
}

/// Asks to create or update an area (`CreateIdentificationServiceAreaParameters`,
/// `UpdateIdentificationServiceAreaParameters`: they are the same).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PutIdentificationServiceAreaParameters {
    /// Where and when.
    pub extents: Volume4D,
    /// Where flights are asked for: the URL to which the id of a flight is appended.
    #[serde(with = "text::required")]
    pub flights_url: UssBaseUrl,
}

/// Tells of one area (`GetIdentificationServiceAreaResponse`).
pub type GetIdentificationServiceAreaResponse =
    shared::GetIdentificationServiceAreaResponse<IdentificationServiceArea>;

/// Answers a creation or an update (`PutIdentificationServiceAreaResponse`).
pub type PutIdentificationServiceAreaResponse = shared::PutIdentificationServiceAreaResponse<
    IdentificationServiceArea,
    Vec<SubscriberToNotify>,
>;

/// Answers a deletion (`DeleteIdentificationServiceAreaResponse`).
pub type DeleteIdentificationServiceAreaResponse = shared::DeleteIdentificationServiceAreaResponse<
    IdentificationServiceArea,
    Vec<SubscriberToNotify>,
>;

/// Tells what there is (`SearchIdentificationServiceAreasResponse`).
pub type SearchIdentificationServiceAreasResponse =
    shared::SearchIdentificationServiceAreasResponse<Vec<IdentificationServiceArea>>;

/// Returns the command that a [`PutIdentificationServiceAreaParameters`] asks for.
pub fn parse_put(
    body: &[u8],
    target: PutTarget<EntityId>,
    schemes: Schemes,
) -> Result<identification_service_area::Put, ParseError> {
    let message: PutIdentificationServiceAreaParameters = json::parse(body)?;
    f3411::check_url("flights_url", &message.flights_url, schemes)?;
    Ok(identification_service_area::Put {
        id: target.id,
        version: target.version,
        footprint: volumes::footprint_of(&message.extents, PeriodOf::Entity)?,
        uss_base_url: message.flights_url,
    })
}

/// Returns the JSON of a [`GetIdentificationServiceAreaResponse`].
pub fn render_get(area: &IdentificationServiceAreaView) -> Vec<u8> {
    shared::render_get::<IdentificationServiceArea>(area)
}

/// Returns the JSON of a [`PutIdentificationServiceAreaResponse`].
pub fn render_put(area: &IdentificationServiceAreaView, subscribers: &[Notified]) -> Vec<u8> {
    shared::render_put::<IdentificationServiceArea>(area, subscribers)
}

/// Returns the JSON of a [`DeleteIdentificationServiceAreaResponse`].
pub fn render_delete(area: &IdentificationServiceAreaView, subscribers: &[Notified]) -> Vec<u8> {
    shared::render_delete::<IdentificationServiceArea>(area, subscribers)
}

/// Returns the JSON of a [`SearchIdentificationServiceAreasResponse`].
pub fn render_search(found: &[IdentificationServiceAreaView]) -> Vec<u8> {
    shared::render_search::<IdentificationServiceArea>(found)
}

impl From<&IdentificationServiceAreaView> for IdentificationServiceArea {
    fn from(view: &IdentificationServiceAreaView) -> Self {
        IdentificationServiceArea {
            flights_url: view.uss_base_url.clone(),
            owner: view.owner.clone(),
            time_start: view.starts_at.into(),
            time_end: view.ends_at.into(),
            version: view.version.to_string(),
            id: view.id,
        }
    }
}
