//! The DSS part of F3548-21, one file a noun.

use airspace::{EntityId, Ovn, SubscriptionId};
use axum::http::StatusCode;
use axum::response::Response;
use wire::Schemes;
use wire::f3548::parse_version;

use crate::call::Call;
use crate::reply::{self, Failure};

pub(super) mod constraints;
pub(super) mod operational_intents;
pub(super) mod reports;
pub(super) mod subscriptions;
pub(super) mod uss_availability;

mod refusal;

/// An answer that lists more than this is written on a worker and not on the runtime.
const LISTED_INLINE_MAX: usize = 200;

/// Returns the id of the entity that the path names.
fn entity_id(call: &Call) -> Result<EntityId, Failure> {
    EntityId::parse(&call.parameter("entityid")?)
        .map_err(|error| Failure::bad_request(format!("entityid: {error}")))
}

/// Returns the OVN that the path names.
fn ovn(call: &Call) -> Result<Ovn, Failure> {
    Ovn::new(&call.parameter("ovn")?).map_err(|error| Failure::bad_request(format!("ovn: {error}")))
}

/// Returns the id of the subscription that the path names.
fn subscription_id(call: &Call) -> Result<SubscriptionId, Failure> {
    SubscriptionId::parse(&call.parameter("subscriptionid")?)
        .map_err(|error| Failure::bad_request(format!("subscriptionid: {error}")))
}

/// Returns the version that the path names.
fn version(call: &Call) -> Result<String, Failure> {
    parse_version(&call.parameter("version")?)
        .map_err(|error| Failure::bad_request(format!("version: {error}")))
}

/// Returns which schemes the base URLs of USSs may have here.
fn schemes(call: &Call) -> Schemes {
    if call.allows_http() { Schemes::HttpAllowed } else { Schemes::HttpsOnly }
}

/// Answers with what `render` writes, on a worker if it lists much.
async fn answer(
    call: &Call,
    status: StatusCode,
    listed: usize,
    render: impl FnOnce() -> Vec<u8> + Send + 'static,
) -> Result<Response, Failure> {
    let body = if listed <= LISTED_INLINE_MAX { render() } else { call.work(render).await? };
    Ok(reply::json_bytes(status, body))
}
