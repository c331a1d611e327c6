//! The DSS part of F3411, one file a noun.
//!
//! Both versions of the standard look at one state, and what is put through one is found through
//! the other. They differ in how their messages are written, and that is all a [`Version`] is.

use airspace::identification_service_area::{self, IdentificationServiceAreaView};
use airspace::remote_id_subscription::{self, RemoteIdSubscriptionView};
use airspace::{EntityId, RemoteIdVersion, SubscriberToNotify, SubscriptionId};
use axum::response::Response;
use wire::Schemes;
use wire::f3411::{ParseError, PutTarget};

use crate::auth::operation::f3411::Id;
use crate::call::Call;
use crate::reply::Failure;

mod identification_service_areas;
mod refusal;
mod subscriptions;

/// Makes a command of the body of a put.
type ParsePut<Id, Put> = fn(&[u8], PutTarget<Id>, Schemes) -> Result<Put, ParseError>;

/// How a version of the standard writes its messages.
#[derive(Debug)]
pub(super) struct Version {
    /// Messages about identification service areas.
    pub(super) areas: AreaMessages,
    /// Messages about subscriptions.
    pub(super) subscriptions: SubscriptionMessages,
}

/// How a version writes messages about identification service areas.
#[derive(Debug)]
pub(super) struct AreaMessages {
    pub(super) parse_put: ParsePut<EntityId, identification_service_area::Put>,
    pub(super) render_get: fn(&IdentificationServiceAreaView) -> Vec<u8>,
    pub(super) render_put: fn(&IdentificationServiceAreaView, &[SubscriberToNotify]) -> Vec<u8>,
    pub(super) render_delete: fn(&IdentificationServiceAreaView, &[SubscriberToNotify]) -> Vec<u8>,
    pub(super) render_search: fn(&[IdentificationServiceAreaView]) -> Vec<u8>,
}

/// How a version writes messages about subscriptions.
#[derive(Debug)]
pub(super) struct SubscriptionMessages {
    pub(super) parse_put: ParsePut<SubscriptionId, remote_id_subscription::Put>,
    pub(super) render_get: fn(&RemoteIdSubscriptionView) -> Vec<u8>,
    pub(super) render_put:
        fn(&RemoteIdSubscriptionView, &[IdentificationServiceAreaView]) -> Vec<u8>,
    pub(super) render_delete: fn(&RemoteIdSubscriptionView) -> Vec<u8>,
    pub(super) render_search: fn(&[RemoteIdSubscriptionView]) -> Vec<u8>,
}

/// Answers a request that is written as `version` has it.
pub(super) async fn answer(
    version: &'static Version,
    id: Id,
    call: Call,
) -> Result<Response, Failure> {
    use identification_service_areas as areas;

    match id {
        Id::SearchIdentificationServiceAreas => areas::search(&version.areas, call).await,
        Id::GetIdentificationServiceArea => areas::find(&version.areas, call).await,
        Id::CreateIdentificationServiceArea => areas::create(&version.areas, call).await,
        Id::UpdateIdentificationServiceArea => areas::update(&version.areas, call).await,
        Id::DeleteIdentificationServiceArea => areas::delete(&version.areas, call).await,
        Id::SearchSubscriptions => subscriptions::search(&version.subscriptions, call).await,
        Id::GetSubscription => subscriptions::find(&version.subscriptions, call).await,
        Id::CreateSubscription => subscriptions::create(&version.subscriptions, call).await,
        Id::UpdateSubscription => subscriptions::update(&version.subscriptions, call).await,
        Id::DeleteSubscription => subscriptions::delete(&version.subscriptions, call).await,
    }
}

/// Returns the version of an entity or a subscription that the path names.
fn version(call: &Call) -> Result<RemoteIdVersion, Failure> {
    RemoteIdVersion::parse(&call.parameter("version")?)
        .map_err(|error| Failure::bad_request(format!("version: {error}")))
}
