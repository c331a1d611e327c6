//! The parts of F3548-21 and F3411-22a between USSs, as a desk answers them.

mod remote_id;

use std::sync::Arc;

use airspace::{EntityId, Party};
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hub::reply::{Failure, json, json_bytes};
use wire::f3548::common::SubscriptionState;
use wire::f3548::reports;
use wire::f3548::uss::constraints::PutConstraintDetailsParameters;
use wire::f3548::uss::operational_intents::PutOperationalIntentDetailsParameters;

use super::operation::Id;
use crate::book::is_off_nominal;
use crate::cache::OfferRefusal;
use crate::core::Core;
use crate::entity::{Entity, Known};
use crate::flight::EntityKind;
use crate::store::Change;

/// An authorized request of another party.
pub(super) struct Call {
    pub(super) core: Arc<Core>,
    /// `sub` of its token.
    pub(super) party: Party,
    /// The parameter in its path, percent-encoded as it came.
    pub(super) parameter: String,
    /// The query, percent-encoded as it came; may be empty.
    pub(super) query: String,
    pub(super) body: Bytes,
}

/// A change of an entity that another party tells of.
struct Told {
    id: EntityId,
    entity: Option<Entity>,
    subscriptions: Vec<SubscriptionState>,
}

/// Answers an operation.
pub(super) async fn answer(id: Id, call: Call) -> Result<Response, Failure> {
    match id {
        Id::GetOperationalIntentDetails => details(&call, EntityKind::OperationalIntent),
        Id::GetConstraintDetails => details(&call, EntityKind::Constraint),
        Id::GetOperationalIntentTelemetry => telemetry(&call),
        Id::NotifyOperationalIntentDetailsChanged => {
            notified(call, EntityKind::OperationalIntent).await
        }
        Id::NotifyConstraintDetailsChanged => notified(call, EntityKind::Constraint).await,
        Id::MakeUssReport => report(call).await,
        Id::GetLogSet => Err(Failure::new(
            StatusCode::NOT_FOUND,
            "log sets are not served here; ask the operator of this desk",
        )),
        Id::SearchFlights => remote_id::search_flights(&call),
        Id::GetFlightDetails => remote_id::flight_details(&call),
        Id::GetIdentificationServiceAreaDetails => remote_id::area_details(&call),
        Id::PostIdentificationServiceArea => remote_id::notified(call).await,
    }
}

/// Answers with the version that the hub is known to have taken, none before that.
fn details(call: &Call, kind: EntityKind) -> Result<Response, Failure> {
    let known = call.core.own_details(kind, entity_id(call)?).ok_or_else(nothing_here)?;
    Ok(json_bytes(StatusCode::OK, known.entity.answer()))
}

fn telemetry(call: &Call) -> Result<Response, Failure> {
    let kind = EntityKind::OperationalIntent;
    let known = call.core.own_details(kind, entity_id(call)?).ok_or_else(nothing_here)?;
    if known.entity.state().is_some_and(is_off_nominal) {
        let message = "no telemetry is available";
        return Err(Failure::new(StatusCode::PRECONDITION_FAILED, message));
    }
    let message = "the operational intent is not in a state that provides telemetry";
    Err(Failure::new(StatusCode::CONFLICT, message))
}

/// Takes over what another party tells of its entity.
///
/// Only what a subscription of the desk's own asked for is kept, so that nobody fills the cache.
async fn notified(call: Call, kind: EntityKind) -> Result<Response, Failure> {
    let Call { core, party, body, .. } = call;
    // Outlines may have thousands of vertices.
    let read = tokio::task::spawn_blocking(move || read_told(kind, &body));
    let (told, known) = read.await.expect("reading does not panic")?;
    if known.as_ref().is_some_and(|known| known.entity.manager() != &party) {
        return Err(refused(OfferRefusal::NotManager));
    }
    let ours = {
        let book = core.book();
        told.subscriptions.iter().any(|state| book.has_subscription(state.subscription_id))
    };
    let taken = match known {
        Some(known) if ours => core.cache().offer(&party, Arc::new(known)),
        Some(_) => Ok(()),
        None => core.cache().remove(&party, told.id),
    };
    taken.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn read_told(kind: EntityKind, body: &[u8]) -> Result<(Told, Option<Known>), Failure> {
    let bad = |error: wire::JsonError| Failure::bad_request(error.to_string());
    let told = match kind {
        EntityKind::OperationalIntent => {
            let message: PutOperationalIntentDetailsParameters = wire::parse(body).map_err(bad)?;
            Told {
                id: message.operational_intent_id,
                entity: message.operational_intent.map(Entity::OperationalIntent),
                subscriptions: message.subscriptions,
            }
        }
        EntityKind::Constraint => {
            let message: PutConstraintDetailsParameters = wire::parse(body).map_err(bad)?;
            Told {
                id: message.constraint_id,
                entity: message.constraint.map(Entity::Constraint),
                subscriptions: message.subscriptions,
            }
        }
    };
    if told.subscriptions.is_empty() {
        return Err(Failure::bad_request("subscriptions: at least one must be given"));
    }
    let Some(entity) = told.entity.clone() else {
        return Ok((told, None));
    };
    if entity.id() != told.id {
        return Err(Failure::bad_request("reference.id: it is not the id of the notification"));
    }
    let known = Known::new(entity).map_err(|error| Failure::bad_request(error.to_string()))?;
    Ok((told, Some(known)))
}

async fn report(call: Call) -> Result<Response, Failure> {
    let report = reports::parse(&call.body)
        .map_err(|error| Failure::bad_request(error.to_string()))?
        .with_id(call.core.draw_id().to_string())
        .without_secrets();
    let text = String::from_utf8(wire::render(&report)).expect("JSON is UTF-8");
    call.core.store.write(vec![Change::AddReport(text)]).await.map_err(|error| {
        tracing::error!(error = %error, "a report cannot be kept");
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the report cannot be kept")
            .with_retry_after(5)
    })?;
    tracing::info!(party.id = %call.party, "a report was received");
    Ok(json(StatusCode::CREATED, &report))
}

fn entity_id(call: &Call) -> Result<EntityId, Failure> {
    EntityId::parse(&call.parameter)
        .map_err(|error| Failure::bad_request(format!("entityid: {error}")))
}

fn nothing_here() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "there is no such entity here")
}

fn refused(refusal: OfferRefusal) -> Failure {
    let status = match refusal {
        OfferRefusal::NotManager => StatusCode::FORBIDDEN,
        OfferRefusal::Stale => StatusCode::CONFLICT,
    };
    Failure::new(status, refusal.to_string())
}
