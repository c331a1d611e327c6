//! What the desk asks other desks, and tells them (F3548-21 and F3411-22a, the parts between
//! USSs).

use airspace::UssBaseUrl;
use reqwest::{Method, StatusCode};
use wire::f3411_22a::uss::flights::GetFlightsResponse;
use wire::f3411_22a::uss::view::View;
use wire::f3548::uss::constraints::GetConstraintDetailsResponse;
use wire::f3548::uss::operational_intents::GetOperationalIntentDetailsResponse;

use super::tokens::Tokens;
use super::{Call, CallError, Client, Server, audience_of, join};
use crate::calls::CallName;
use crate::entity::{Entity, Known, Reference, UnusableEntity};
use crate::flight::EntityKind;
use crate::outbox::{About, Notice};

/// A peer did not give the details of its entity.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// There was no answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The answer was a refusal.
    #[error("the answer was {0}")]
    Refused(u16),
    /// The answer is not the standard's.
    #[error("the answer cannot be read: {0}")]
    Unreadable(#[from] wire::JsonError),
    /// The answer tells of something else.
    #[error("the answer tells of another entity or of another manager's")]
    Other,
    /// The answer cannot be planned with.
    #[error("the answer cannot be planned with: {0}")]
    Unusable(#[from] UnusableEntity),
    /// The answer is older than what the hub tells.
    #[error("the answer is version {found}, the hub has {wanted}")]
    Stale {
        /// The version of the answer.
        found: u32,
        /// The version that the hub has.
        wanted: u32,
    },
}

/// Asks and tells other desks.
#[derive(Clone)]
pub(crate) struct Peers {
    client: Client,
    tokens: Tokens,
}

impl PeerError {
    /// Tells whether asking again soon may help: a peer learns of its own put a little later than
    /// the hub answers others of it.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            PeerError::Refused(status) => matches!(status, 404 | 429 | 500..),
            PeerError::Stale { .. } => true,
            PeerError::Call(error) => matches!(
                error,
                CallError::NotConnected(_) | CallError::Connection(_) | CallError::Busy
            ),
            PeerError::Unreadable(_) | PeerError::Other | PeerError::Unusable(_) => false,
        }
    }
}

impl Peers {
    /// Returns what asks and tells other desks.
    pub(crate) const fn new(client: Client, tokens: Tokens) -> Self {
        Peers { client, tokens }
    }

    /// Asks the manager of an entity for its details, once.
    pub(crate) async fn fetch(&self, reference: &Reference) -> Result<Known, PeerError> {
        let (name, scope) = match reference.kind() {
            EntityKind::OperationalIntent => {
                (CallName::GetOperationalIntentDetails, "utm.strategic_coordination")
            }
            EntityKind::Constraint => (CallName::GetConstraintDetails, "utm.constraint_processing"),
        };
        let path = format!("/uss/v1/{}/{}", reference.kind().details(), reference.id());
        let base_url = reference.uss_base_url().as_str();
        let call = self.call(name, Method::GET, base_url, &path, scope).await?;
        let answer = self.client.call(call).await?;
        if answer.status != StatusCode::OK {
            return Err(PeerError::Refused(answer.status.as_u16()));
        }
        let entity = match reference.kind() {
            EntityKind::OperationalIntent => {
                let response: GetOperationalIntentDetailsResponse = wire::parse(&answer.body)?;
                Entity::OperationalIntent(response.operational_intent)
            }
            EntityKind::Constraint => {
                let response: GetConstraintDetailsResponse = wire::parse(&answer.body)?;
                Entity::Constraint(response.constraint)
            }
        };
        check(reference, entity)
    }

    /// Asks a service provider of remote ID for the flights in a view, once.
    pub(crate) async fn fetch_flights(
        &self,
        uss_base_url: &UssBaseUrl,
        view: &View,
    ) -> Result<GetFlightsResponse, PeerError> {
        let (name, scope) = (CallName::SearchFlights, "rid.display_provider");
        let base_url = uss_base_url.as_str();
        let mut call = self.call(name, Method::GET, base_url, "/uss/flights", scope).await?;
        call.url.query_pairs_mut().append_pair("view", &view.to_string());
        let answer = self.client.call(call).await?;
        if answer.status != StatusCode::OK {
            return Err(PeerError::Refused(answer.status.as_u16()));
        }
        Ok(wire::parse(&answer.body)?)
    }

    /// Delivers a notification, once.
    pub(crate) async fn notify(&self, notice: &Notice) -> Result<StatusCode, CallError> {
        let (name, scope, path) = match notice.about {
            About::Entity(kind @ EntityKind::OperationalIntent) => (
                CallName::NotifyOperationalIntentDetails,
                "utm.strategic_coordination",
                format!("/uss/v1/{}", kind.details()),
            ),
            About::Entity(kind @ EntityKind::Constraint) => (
                CallName::NotifyConstraintDetails,
                "utm.constraint_management",
                format!("/uss/v1/{}", kind.details()),
            ),
            About::ServiceArea(id) => (
                CallName::NotifyIdentificationServiceArea,
                "rid.service_provider",
                format!("/uss/identification_service_areas/{id}"),
            ),
        };
        let call = self.call(name, Method::POST, &notice.uss_base_url, &path, scope).await?;
        let body = Some(("application/json", notice.body.to_string()));
        Ok(self.client.call(Call { body, ..call }).await?.status)
    }

    async fn call(
        &self,
        name: CallName,
        method: Method,
        base_url: &str,
        path: &str,
        scope: &'static str,
    ) -> Result<Call, CallError> {
        let url = join(base_url, path)?;
        let audience = audience_of(&url)?;
        let authorization = Some(self.tokens.authorization(&audience, scope).await?);
        let server = Server::Peer;
        Ok(Call { name, server, method, url, authorization, idempotency_key: None, body: None })
    }
}

/// Returns what the details say, if they are of the entity that the hub told of, and not older.
fn check(reference: &Reference, entity: Entity) -> Result<Known, PeerError> {
    if entity.id() != reference.id() || entity.manager() != reference.manager() {
        return Err(PeerError::Other);
    }
    if entity.version() < reference.version() {
        let (found, wanted) = (entity.version(), reference.version());
        return Err(PeerError::Stale { found, wanted });
    }
    Ok(Known::new(entity)?)
}
