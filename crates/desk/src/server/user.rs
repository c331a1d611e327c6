//! The desk's own API for its own user: flights, constraints, and what `watches` has.

use std::sync::Arc;

use airspace::EntityId;
use axum::body::Bytes;
use axum::http::header::{HeaderValue, LOCATION};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hub::reply::json;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::user_body::{
    ConstraintBody, ConstraintRequestBody, FlightBody, FlightRequestBody, FlownBody, ReportBody,
    Volumes,
};
use super::watches;
use crate::change::ChangeError;
use crate::core::Core;
use crate::flight::{EntityKind, Report, Resolution};
use crate::wish::RequestError;

/// How many flights or constraints one answer lists.
pub(crate) const LISTED_MAX: usize = 1_000;

/// A request of the desk's own user.
pub(super) struct Call {
    pub(super) core: Arc<Core>,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) body: Bytes,
}

#[derive(Serialize)]
struct FlightAnswer {
    flight: FlightBody,
}

#[derive(Serialize)]
struct FlightsAnswer {
    flights: Vec<FlightBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

#[derive(Serialize)]
struct ConstraintAnswer {
    constraint: ConstraintBody,
}

#[derive(Serialize)]
struct ConstraintsAnswer {
    constraints: Vec<ConstraintBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<String>,
}

/// Answers a request under `/desk/v1/`.
pub(super) async fn answer(call: Call) -> Result<Response, Problem> {
    let path = call.uri.path().to_owned();
    let segments: Vec<&str> = path.trim_start_matches("/desk/v1/").split('/').collect();
    let method = call.method.as_str();
    match (method, segments.as_slice()) {
        ("POST", ["flights"]) => fly(call).await,
        ("GET", ["flights"]) => list_flights(&call),
        ("GET", ["flights", id]) => flight(&call.core, parse_id(id)?),
        ("DELETE", ["flights", id]) => {
            end(call.core, EntityKind::OperationalIntent, parse_id(id)?).await
        }
        ("POST", ["flights", id, "activate"]) => activate(call.core, parse_id(id)?).await,
        ("POST", ["flights", id, "telemetry"]) => watches::tell_position(&call, parse_id(id)?),
        ("POST", ["watches"]) => watches::post(call).await,
        ("GET", ["watches"]) => Ok(watches::list(&call.core)),
        ("GET", ["watches", id]) => watches::get(&call.core, parse_id(id)?),
        ("DELETE", ["watches", id]) => watches::delete(call.core, parse_id(id)?).await,
        ("GET", ["watches", id, "flights"]) => watches::look(&call.core, parse_id(id)?).await,
        ("POST", ["constraints"]) => put_constraint(call).await,
        ("GET", ["constraints"]) => list_constraints(&call),
        ("GET", ["constraints", id]) => constraint(&call.core, parse_id(id)?),
        ("DELETE", ["constraints", id]) => {
            end(call.core, EntityKind::Constraint, parse_id(id)?).await
        }
        (_, _) => Err(Problem::new(StatusCode::NOT_FOUND, "there is nothing at this path")),
    }
}

async fn fly(call: Call) -> Result<Response, Problem> {
    let request = read::<FlightRequestBody>(&call.body)?.read()?;
    let report = call.core.fly_request(request).await?;
    let location = format!("/desk/v1/flights/{}", report.id);
    Ok(with_location(flown(&call.core, StatusCode::CREATED, &report)?, &location))
}

async fn activate(core: Arc<Core>, id: EntityId) -> Result<Response, Problem> {
    let task_core = Arc::clone(&core);
    let report = core.detached(async move { task_core.activate(id).await }).await?;
    flown(&core, StatusCode::OK, &report)
}

/// Answers with a flight that was taken, or with the problem that it was not.
fn flown(core: &Core, status: StatusCode, report: &Report) -> Result<Response, Problem> {
    if let Resolution::GivenUp(why) = &report.resolution {
        return Err(Problem::given_up(why.to_string(), report.into()));
    }
    let flight = core.book().find(report.id).and_then(|own| own.flight());
    let flight = flight.ok_or(ChangeError::NotFound)?;
    let flight = FlightBody::new(&flight, Volumes::Told);
    Ok(json(status, &FlownBody { flight, report: ReportBody::from(report) }))
}

fn flight(core: &Core, id: EntityId) -> Result<Response, Problem> {
    let flight = core.book().find(id).and_then(|own| own.flight());
    let flight = flight.ok_or(ChangeError::NotFound)?;
    Ok(json(StatusCode::OK, &FlightAnswer { flight: FlightBody::new(&flight, Volumes::Told) }))
}

fn list_flights(call: &Call) -> Result<Response, Problem> {
    let after = after(&call.uri)?;
    let book = call.core.book();
    let flights = book
        .taken()
        .filter_map(|(own, _)| Some((own.id, FlightBody::new(&own.flight()?, Volumes::Left))));
    let (flights, next_after) = page(flights, after);
    Ok(json(StatusCode::OK, &FlightsAnswer { flights, next_after }))
}

/// Returns the first [`LISTED_MAX`] items after an id, and after which id to go on if there are
/// more; items come ascending by id.
fn page<T>(
    items: impl Iterator<Item = (EntityId, T)>,
    after: Option<EntityId>,
) -> (Vec<T>, Option<String>) {
    let mut listed = Vec::new();
    let mut last = None;
    for (id, item) in items.filter(|(id, _)| Some(*id) > after) {
        if listed.len() == LISTED_MAX {
            return (listed, last);
        }
        last = Some(id.to_string());
        listed.push(item);
    }
    (listed, None)
}

async fn put_constraint(call: Call) -> Result<Response, Problem> {
    let details = read::<ConstraintRequestBody>(&call.body)?.read()?;
    for (index, volume) in details.volumes.iter().enumerate() {
        if volume.time_start.is_none() || volume.time_end.is_none() {
            return Err(ChangeError::from(RequestError::Unbounded { index }).into());
        }
    }
    let core = Arc::clone(&call.core);
    let known = call.core.detached(async move { core.put_constraint(details).await }).await?;
    let body = ConstraintBody::new(&known, Volumes::Told).ok_or(ChangeError::NotFound)?;
    let location = format!("/desk/v1/constraints/{}", known.entity.id());
    let response = json(StatusCode::CREATED, &ConstraintAnswer { constraint: body });
    Ok(with_location(response, &location))
}

fn constraint(core: &Core, id: EntityId) -> Result<Response, Problem> {
    let known = core.own_details(EntityKind::Constraint, id).ok_or(ChangeError::NotFound)?;
    let constraint = ConstraintBody::new(&known, Volumes::Told).ok_or(ChangeError::NotFound)?;
    Ok(json(StatusCode::OK, &ConstraintAnswer { constraint }))
}

fn list_constraints(call: &Call) -> Result<Response, Problem> {
    let after = after(&call.uri)?;
    let book = call.core.book();
    let constraints = book.taken().filter_map(|(own, taken)| {
        Some((own.id, ConstraintBody::new(&taken.known, Volumes::Left)?))
    });
    let (constraints, next_after) = page(constraints, after);
    Ok(json(StatusCode::OK, &ConstraintsAnswer { constraints, next_after }))
}

async fn end(core: Arc<Core>, kind: EntityKind, id: EntityId) -> Result<Response, Problem> {
    let task_core = Arc::clone(&core);
    core.detached(async move { task_core.end(kind, id).await }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Returns the message in a body.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    wire::parse(body).map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))
}

fn parse_id(text: &str) -> Result<EntityId, Problem> {
    EntityId::parse(text).map_err(|_| ChangeError::NotFound.into())
}

/// Returns the id after which a list begins, from `?after=`.
fn after(uri: &Uri) -> Result<Option<EntityId>, Problem> {
    let Some(query) = uri.query() else {
        return Ok(None);
    };
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "the query may be after=ID and no more");
    let text = query.strip_prefix("after=").ok_or_else(bad)?;
    EntityId::parse(text).map(Some).map_err(|_| bad())
}

/// Returns a response that says where what was made is found.
pub(super) fn with_location(mut response: Response, location: &str) -> Response {
    let value = HeaderValue::from_str(location).expect("an id is text for headers");
    response.headers_mut().insert(LOCATION, value);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: u16) -> impl Iterator<Item = (EntityId, u16)> {
        (0..count).map(|number| {
            let mut bytes = [0; 16];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            (EntityId::from_random_bytes(bytes), number)
        })
    }

    #[test]
    fn lists_all_if_there_are_as_many_as_one_answer_holds() {
        let (listed, next_after) = page(items(1_000), None);

        assert_eq!((listed.len(), next_after), (LISTED_MAX, None));
    }

    #[test]
    fn says_where_to_go_on_if_there_are_more() {
        let (first, next_after) = page(items(1_001), None);
        let after = next_after.map(|id| EntityId::parse(&id).expect("an id"));
        let (second, end) = page(items(1_001), after);

        assert_eq!(first, (0..1_000).collect::<Vec<_>>());
        assert_eq!((second, end), (vec![1_000], None));
    }
}
