//! The part of F3411-22a between USSs, as a desk answers it.

use airspace::EntityId;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hub::reply::{Failure, json};
use reqwest::Url;
use wire::f3411_22a::uss::flight_details::GetFlightDetailsResponse;
use wire::f3411_22a::uss::identification_service_areas::{
    GetIdentificationServiceAreaDetailsResponse, PutIdentificationServiceAreaNotificationParameters,
};
use wire::f3411_22a::uss::view::{SearchFlightsParameters, parse_search_flights};

use super::{Call, refused};
use crate::cache::OfferRefusal;
use crate::remote_id::registration::{Purpose, Registration};
use crate::remote_id::sky::Told;

/// Answers with the flights in a view.
pub(super) fn search_flights(call: &Call) -> Result<Response, Failure> {
    let view = parameter(call, "view")?;
    let recent = parameter(call, "recent_positions_duration")?;
    let search = parse_search_flights(&SearchFlightsParameters {
        view: view.as_deref(),
        recent_positions_duration: recent.as_deref(),
    });
    let search = search.map_err(|error| {
        let status = if error.is_view_too_large() {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::BAD_REQUEST
        };
        Failure::new(status, error.to_string())
    })?;
    Ok(json(StatusCode::OK, &call.core.search_flights(&search)))
}

/// Answers with who flies.
pub(super) fn flight_details(call: &Call) -> Result<Response, Failure> {
    // Flights are named by ids here, so what is none names no flight.
    let id = EntityId::parse(&call.parameter).ok();
    let details = id.and_then(|id| call.core.flight_details(id));
    let details = details
        .ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, "there is no such flight here"))?;
    Ok(json(StatusCode::OK, &GetFlightDetailsResponse { details }))
}

/// Answers with where and when an area is that the hub is known to have.
pub(super) fn area_details(call: &Call) -> Result<Response, Failure> {
    let id = area_id(call)?;
    let registrations = call.core.registrations();
    let held = |one: &&Registration| one.wanted && one.held.is_some();
    let extents = match registrations.find(id).filter(held).map(|one| &one.purpose) {
        Some(Purpose::ServiceArea { extents, .. }) => extents.into(),
        Some(Purpose::Watch(_)) | None => {
            return Err(Failure::new(StatusCode::NOT_FOUND, "there is no such area here"));
        }
    };
    Ok(json(StatusCode::OK, &GetIdentificationServiceAreaDetailsResponse { extents }))
}

/// Takes over what another party tells of its area.
///
/// Only what a watch of the desk's own asked for is kept, so that nobody fills its memory.
pub(super) async fn notified(call: Call) -> Result<Response, Failure> {
    let id = area_id(&call)?;
    let Call { core, party, body, .. } = call;
    // Outlines may have thousands of vertices.
    let read = tokio::task::spawn_blocking(move || read_told(id, &body)).await;
    let message = read.expect("reading does not panic")?;
    let told = Told { sender: party, id, area: message.service_area };
    if told.area.as_ref().is_some_and(|area| area.owner != told.sender) {
        return Err(refused(OfferRefusal::NotManager));
    }
    core.told_of_area(&told, &message.subscriptions).map_err(refused)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn read_told(
    id: EntityId,
    body: &[u8],
) -> Result<PutIdentificationServiceAreaNotificationParameters, Failure> {
    let message: PutIdentificationServiceAreaNotificationParameters =
        wire::parse(body).map_err(|error| Failure::bad_request(error.to_string()))?;
    if message.service_area.as_ref().is_some_and(|area| area.id != id) {
        return Err(Failure::bad_request("service_area.id: it is not the id in the path"));
    }
    if let Some(extents) = &message.extents {
        let read = extents.to_volume();
        read.map_err(|error| Failure::bad_request(format!("extents.{error}")))?;
    }
    Ok(message)
}

fn area_id(call: &Call) -> Result<EntityId, Failure> {
    EntityId::parse(&call.parameter).map_err(|error| Failure::bad_request(format!("id: {error}")))
}

/// Returns a parameter of the query, decoded, if it is given once.
fn parameter(call: &Call, name: &'static str) -> Result<Option<String>, Failure> {
    let mut url = Url::parse("http://desk").expect("it is a url");
    url.set_query(Some(&call.query));
    let mut values = url.query_pairs().filter(|(key, _)| key == name);
    let value = values.next().map(|(_, value)| value.into_owned());
    if values.next().is_some() {
        return Err(Failure::bad_request(format!("{name}: it is given more than once")));
    }
    Ok(value)
}
