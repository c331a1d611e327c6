//! The frame of messages about identification service areas; `A` is how a version writes one.

use airspace::SubscriberToNotify as Notified;
use airspace::identification_service_area::IdentificationServiceAreaView;
use serde::{Deserialize, Serialize};

use crate::f3411::subscribers::{SubscriberToNotify, Subscribers};
use crate::json;
use crate::list::Mapped;
use crate::text;

/// Tells of one area (`GetIdentificationServiceAreaResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetIdentificationServiceAreaResponse<A> {
    /// What there is.
    pub service_area: A,
}

/// Answers a creation or an update (`PutIdentificationServiceAreaResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de>, L: Default + Deserialize<'de>"))]
pub struct PutIdentificationServiceAreaResponse<A, L = Vec<SubscriberToNotify>> {
    /// Whom the caller must notify.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub subscribers: L,
    /// The area as it is.
    pub service_area: A,
}

/// Answers a deletion (`DeleteIdentificationServiceAreaResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "A: Deserialize<'de>, L: Default + Deserialize<'de>"))]
pub struct DeleteIdentificationServiceAreaResponse<A, L = Vec<SubscriberToNotify>> {
    /// The area as it last was.
    pub service_area: A,
    /// Whom the caller must notify.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub subscribers: L,
}

/// Tells what there is (`SearchIdentificationServiceAreasResponse`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "L: Default + Deserialize<'de>"))]
pub struct SearchIdentificationServiceAreasResponse<L> {
    /// What there is.
    #[serde(default, deserialize_with = "text::null_is_default")]
    pub service_areas: L,
}

pub(crate) fn render_get<'a, A>(area: &'a IdentificationServiceAreaView) -> Vec<u8>
where
    A: From<&'a IdentificationServiceAreaView> + Serialize,
{
    json::render(&GetIdentificationServiceAreaResponse { service_area: A::from(area) })
}

pub(crate) fn render_put<'a, A>(
    area: &'a IdentificationServiceAreaView,
    subscribers: &'a [Notified],
) -> Vec<u8>
where
    A: From<&'a IdentificationServiceAreaView> + Serialize,
{
    let subscribers: Subscribers<'_> = Mapped::new(subscribers);
    json::render(&PutIdentificationServiceAreaResponse { subscribers, service_area: A::from(area) })
}

pub(crate) fn render_delete<'a, A>(
    area: &'a IdentificationServiceAreaView,
    subscribers: &'a [Notified],
) -> Vec<u8>
where
    A: From<&'a IdentificationServiceAreaView> + Serialize,
{
    let subscribers: Subscribers<'_> = Mapped::new(subscribers);
    json::render(&DeleteIdentificationServiceAreaResponse {
        service_area: A::from(area),
        subscribers,
    })
}

pub(crate) fn render_search<'a, A>(found: &'a [IdentificationServiceAreaView]) -> Vec<u8>
where
    A: From<&'a IdentificationServiceAreaView> + Serialize,
{
    let service_areas: Mapped<'_, _, A> = Mapped::new(found);
    json::render(&SearchIdentificationServiceAreasResponse { service_areas })
}
