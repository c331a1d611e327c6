//! What the desk asks the hub (F3548-21 and F3411-22a, the DSS parts).

pub(crate) mod remote_id;

use std::fmt;

use airspace::{EntityId, Party};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use spacetime::Volume;
use wire::f3548::common::{ErrorResponse, SubscriberToNotify, Volume4D};
use wire::f3548::constraints::{
    self, GetConstraintReferenceResponse, QueryConstraintReferenceParameters,
    QueryConstraintReferencesResponse,
};
use wire::f3548::operational_intents::{
    self, AirspaceConflictResponse, GetOperationalIntentReferenceResponse,
    QueryOperationalIntentReferenceParameters, QueryOperationalIntentReferenceResponse,
};

use super::tokens::{TokenError, Tokens};
use super::{Answer, Call, CallError, Client, Server, audience_of, join};
use crate::book::{Pending, PendingChange};
use crate::calls::CallName;
use crate::entity::Reference;
use crate::flight::EntityKind;

/// How many characters of a hub's message are passed on.
const MESSAGE_LENGTH_MAX: usize = 500;

/// Whether the desk knows and heeds constraints of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConstraintProcessing {
    /// It searches constraints, avoids them and is notified of them.
    #[default]
    On,
    /// It knows nothing of them; for desks whose tokens do not open them.
    Off,
}

/// The hub gave no answer that could be used.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// It gave none, or it is not known which.
    #[error("the hub gave no answer: {0}")]
    NoAnswer(String),
    /// It refused.
    #[error("the hub answered {status}: {message}")]
    Refused {
        /// With this status.
        status: u16,
        /// And this message.
        message: String,
    },
    /// Its answer is not one of the standard's.
    #[error("the hub's answer cannot be read: {0}")]
    Unreadable(String),
}

/// What a request to put or delete came to.
#[derive(Debug)]
pub(crate) enum Submitted<T> {
    /// It was done.
    Done(T),
    /// It was refused.
    Refused(Refusal),
    /// It was not taken up and will not be; it may be sent again.
    NotTaken {
        /// Why.
        why: String,
        /// When to try again, if the hub said so.
        retry_after_s: Option<u64>,
    },
    /// Whether it was done is not known.
    Unknown {
        /// Why.
        why: String,
    },
}

/// How a request to put or delete was refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// With this status.
    pub(crate) status: u16,
    /// And this message.
    pub(crate) message: String,
    /// What the airspace holds that the key does not name, if that is why.
    pub(crate) missing: Vec<Reference>,
}

/// What was done with an entity.
#[derive(Debug)]
pub(crate) struct Changed {
    /// The entity as it is, or as it last was.
    pub(crate) reference: Reference,
    /// Whom the desk must notify.
    pub(crate) subscribers: Vec<SubscriberToNotify>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.message)
    }
}

impl From<Refusal> for HubError {
    fn from(refusal: Refusal) -> Self {
        HubError::Refused { status: refusal.status, message: refusal.message }
    }
}

/// A request to put or delete, as it is sent.
struct Request<'a> {
    name: CallName,
    scopes: &'static str,
    path: &'a str,
    /// The body of a put; `None` deletes.
    put: Option<&'a str>,
    idempotency_key: &'a str,
}

/// Asks the hub.
#[derive(Clone)]
pub(crate) struct Hub {
    client: Client,
    tokens: Tokens,
    base_url: String,
    audience: String,
    constraint_processing: ConstraintProcessing,
}

const STRATEGIC_COORDINATION: &str = "utm.strategic_coordination";
const CONSTRAINT_PROCESSING: &str = "utm.constraint_processing";
const CONSTRAINT_MANAGEMENT: &str = "utm.constraint_management";
const COORDINATION_WITH_CONSTRAINTS: &str = "utm.strategic_coordination utm.constraint_processing";

impl Hub {
    /// Returns what asks the hub at `base_url`.
    pub(crate) fn new(
        client: Client,
        tokens: Tokens,
        base_url: &str,
        constraint_processing: ConstraintProcessing,
    ) -> Result<Self, CallError> {
        let audience = audience_of(&join(base_url, "/")?)?;
        let base_url = base_url.trim_end_matches('/').to_owned();
        Ok(Hub { client, tokens, base_url, audience, constraint_processing })
    }

    /// Returns whether the desk heeds constraints.
    pub(crate) const fn constraint_processing(&self) -> ConstraintProcessing {
        self.constraint_processing
    }

    /// Returns the party that the desk's tokens speak for.
    pub(crate) async fn party(&self) -> Result<Party, TokenError> {
        self.tokens.party(&self.audience, STRATEGIC_COORDINATION).await
    }

    /// Returns the path of an entity at the hub, for a creation or with the OVN to be replaced.
    pub(crate) fn path(kind: EntityKind, id: EntityId, ovn: Option<&str>) -> String {
        let mut url = Url::parse("http://hub").expect("it is a url");
        {
            let mut path = url.path_segments_mut().expect("http urls have paths");
            path.extend(["dss", "v1", kind.references(), &id.to_string()]);
            path.extend(ovn);
        }
        url.path().to_owned()
    }

    /// Returns what the hub has of a kind in a volume.
    pub(crate) async fn search(
        &self,
        kind: EntityKind,
        volume: &Volume,
    ) -> Result<Vec<Reference>, HubError> {
        let area_of_interest = Volume4D::from(volume);
        let (name, scopes, body) = match kind {
            EntityKind::OperationalIntent => (
                CallName::QueryOperationalIntentReferences,
                STRATEGIC_COORDINATION,
                wire::render(&QueryOperationalIntentReferenceParameters { area_of_interest }),
            ),
            EntityKind::Constraint => (
                CallName::QueryConstraintReferences,
                CONSTRAINT_PROCESSING,
                wire::render(&QueryConstraintReferenceParameters { area_of_interest }),
            ),
        };
        let path = format!("/dss/v1/{}/query", kind.references());
        let call = self.call(name, Method::POST, &path, scopes).await.map_err(no_answer)?;
        let call = Call { body: Some(("application/json", text(body))), ..call };
        let answer = self.client.call(call).await.map_err(no_answer)?;
        if answer.status != StatusCode::OK {
            return Err(refused(&answer));
        }
        match kind {
            EntityKind::OperationalIntent => {
                let found: QueryOperationalIntentReferenceResponse = read(&answer)?;
                let references = found.operational_intent_references.into_iter();
                Ok(references.map(Reference::OperationalIntent).collect())
            }
            EntityKind::Constraint => {
                let found: QueryConstraintReferencesResponse = read(&answer)?;
                let references = found.constraint_references.into_iter();
                Ok(references.map(Reference::Constraint).collect())
            }
        }
    }

    /// Returns what the hub has of one entity.
    pub(crate) async fn find(
        &self,
        kind: EntityKind,
        id: EntityId,
    ) -> Result<Option<Reference>, HubError> {
        let (name, scopes) = match kind {
            EntityKind::OperationalIntent => {
                (CallName::GetOperationalIntentReference, STRATEGIC_COORDINATION)
            }
            EntityKind::Constraint => {
                let scopes = match self.constraint_processing {
                    ConstraintProcessing::On => CONSTRAINT_PROCESSING,
                    ConstraintProcessing::Off => CONSTRAINT_MANAGEMENT,
                };
                (CallName::GetConstraintReference, scopes)
            }
        };
        let path = Self::path(kind, id, None);
        let call = self.call(name, Method::GET, &path, scopes).await.map_err(no_answer)?;
        let answer = self.client.call(call).await.map_err(no_answer)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(refused(&answer)),
        }
        let reference = match kind {
            EntityKind::OperationalIntent => {
                let found: GetOperationalIntentReferenceResponse = read(&answer)?;
                Reference::OperationalIntent(found.operational_intent_reference)
            }
            EntityKind::Constraint => {
                let found: GetConstraintReferenceResponse = read(&answer)?;
                Reference::Constraint(found.constraint_reference)
            }
        };
        Ok(Some(reference))
    }

    /// Sends a request to put or delete an entity, once.
    pub(crate) async fn submit(&self, kind: EntityKind, pending: &Pending) -> Submitted<Changed> {
        let scopes = match (kind, &pending.change, self.constraint_processing) {
            (EntityKind::Constraint, _, _) => CONSTRAINT_MANAGEMENT,
            (_, PendingChange::Put { .. }, ConstraintProcessing::On) => {
                COORDINATION_WITH_CONSTRAINTS
            }
            (_, _, _) => STRATEGIC_COORDINATION,
        };
        let put = match &pending.change {
            PendingChange::Put { .. } => Some(pending.body.as_str()),
            PendingChange::Delete => None,
        };
        let request = Request {
            name: submit_name(kind, &pending.change),
            scopes,
            path: &pending.path,
            put,
            idempotency_key: &pending.idempotency_key,
        };
        self.send(request, |answer| changed(kind, answer)).await
    }

    /// Sends a request to put or delete, once; `read` reads what was done.
    async fn send<T>(
        &self,
        request: Request<'_>,
        read: impl FnOnce(&Answer) -> Result<T, HubError>,
    ) -> Submitted<T> {
        let method = if request.put.is_some() { Method::PUT } else { Method::DELETE };
        let call = match self.call(request.name, method, request.path, request.scopes).await {
            Ok(call) => call,
            Err(error) => {
                return Submitted::NotTaken { why: error.to_string(), retry_after_s: None };
            }
        };
        let body = request.put.map(|body| ("application/json", body.to_owned()));
        let idempotency_key = Some(request.idempotency_key.to_owned());
        match self.client.call(Call { body, idempotency_key, ..call }).await {
            Ok(answer) => submitted(&answer, read),
            Err(
                error @ (CallError::Busy
                | CallError::Url(_)
                | CallError::Token(_)
                | CallError::NotConnected(_)),
            ) => Submitted::NotTaken { why: chain(&error), retry_after_s: None },
            Err(error) => Submitted::Unknown { why: chain(&error) },
        }
    }

    async fn call(
        &self,
        name: CallName,
        method: Method,
        path: &str,
        scopes: &'static str,
    ) -> Result<Call, CallError> {
        let url = join(&self.base_url, path)?;
        let authorization = Some(self.tokens.authorization(&self.audience, scopes).await?);
        let server = Server::Configured;
        Ok(Call { name, server, method, url, authorization, idempotency_key: None, body: None })
    }
}

const fn submit_name(kind: EntityKind, change: &PendingChange) -> CallName {
    match (kind, change) {
        (EntityKind::OperationalIntent, PendingChange::Put { .. }) => {
            CallName::PutOperationalIntentReference
        }
        (EntityKind::OperationalIntent, PendingChange::Delete) => {
            CallName::DeleteOperationalIntentReference
        }
        (EntityKind::Constraint, PendingChange::Put { .. }) => CallName::PutConstraintReference,
        (EntityKind::Constraint, PendingChange::Delete) => CallName::DeleteConstraintReference,
    }
}

fn submitted<T>(
    answer: &Answer,
    read: impl FnOnce(&Answer) -> Result<T, HubError>,
) -> Submitted<T> {
    let message = || message(answer);
    match answer.status.as_u16() {
        200 | 201 => match read(answer) {
            Ok(done) => Submitted::Done(done),
            Err(error) => Submitted::Unknown { why: chain(&error) },
        },
        // The hub promises that it has not and will not take these up.
        408 | 503 => Submitted::NotTaken { why: message(), retry_after_s: answer.retry_after_s },
        // Without a time to try again, it is not that the hub is busy: the party has too much.
        429 if answer.retry_after_s.is_some() => {
            Submitted::NotTaken { why: message(), retry_after_s: answer.retry_after_s }
        }
        status @ 400..500 => {
            Submitted::Refused(Refusal { status, message: message(), missing: missing(answer) })
        }
        status => Submitted::Unknown { why: format!("{status}: {}", message()) },
    }
}

fn changed(kind: EntityKind, answer: &Answer) -> Result<Changed, HubError> {
    let (reference, subscribers) = match kind {
        EntityKind::OperationalIntent => {
            let change: operational_intents::ChangeOperationalIntentReferenceResponse =
                read(answer)?;
            let reference = Reference::OperationalIntent(change.operational_intent_reference);
            (reference, change.subscribers)
        }
        EntityKind::Constraint => {
            let change: constraints::ChangeConstraintReferenceResponse = read(answer)?;
            (Reference::Constraint(change.constraint_reference), change.subscribers)
        }
    };
    Ok(Changed { reference, subscribers })
}

/// Returns what the key of a refused put does not name.
fn missing(answer: &Answer) -> Vec<Reference> {
    let conflict = match answer.status.as_u16() {
        409 => read::<AirspaceConflictResponse>(answer).ok(),
        _ => None,
    };
    let Some(conflict) = conflict else {
        return Vec::new();
    };
    let intents = conflict.missing_operational_intents.unwrap_or_default();
    let constraints = conflict.missing_constraints.unwrap_or_default();
    intents
        .into_iter()
        .map(Reference::OperationalIntent)
        .chain(constraints.into_iter().map(Reference::Constraint))
        .collect()
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, HubError> {
    wire::parse(&answer.body).map_err(|error| HubError::Unreadable(error.to_string()))
}

fn refused(answer: &Answer) -> HubError {
    HubError::Refused { status: answer.status.as_u16(), message: message(answer) }
}

fn no_answer(error: CallError) -> HubError {
    HubError::NoAnswer(chain(&error))
}

/// Returns an error with its causes, for a person to read.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

fn message(answer: &Answer) -> String {
    let message = match serde_json::from_slice::<ErrorResponse>(&answer.body) {
        Ok(response) => response.message,
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    message.chars().filter(|character| !character.is_control()).take(MESSAGE_LENGTH_MAX).collect()
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON is UTF-8")
}
