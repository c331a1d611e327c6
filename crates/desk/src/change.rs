//! The way of a change: write down, ask the hub, take over what it did, tell others.

use std::sync::Arc;
use std::time::Duration;

use airspace::EntityId;
use airspace::operational_intent::OperationalIntentState;
use wire::f3548::common::SubscriberToNotify;
use wire::f3548::constraints::PutConstraintReferenceParameters;
use wire::f3548::uss::constraints::ConstraintDetails;

use crate::book::{Own, Pending, PendingChange, Taken, entity_of};
use crate::client::hub::{Hub, HubError, Submitted};
use crate::core::Core;
use crate::entity::{Details, Entity, Known, Reference, notification};
use crate::flight::EntityKind;
use crate::outbox::Notice;
use crate::plan::moves::Move;
use crate::store::WriteError;
use crate::wish::RequestError;

/// How often the hub is asked the same while it does not answer.
pub(crate) const SUBMIT_ATTEMPTS_MAX: u32 = 4;
/// How long is waited before the hub is asked again; twice as long each time.
const SUBMIT_RETRY_AFTER: Duration = Duration::from_millis(200);
/// The longest wait that the hub may ask for.
const RETRY_AFTER_S_MAX: u64 = 5;

/// A change was not made for another reason than that there is no room.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// What is asked for cannot be.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// There is no such flight or constraint.
    #[error("there is no such flight or constraint")]
    NotFound,
    /// The flight is in a state in which this cannot be done.
    #[error("it cannot be done in state {0:?}")]
    State(OperationalIntentState),
    /// It is not known yet what the hub did with an earlier change; it will be.
    #[error("it is not known yet what the hub did with an earlier change")]
    Unsettled,
    /// The hub does not answer, or refuses.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// It is not known whether the hub made this change; the desk goes on to find out.
    #[error("it is not known whether the hub made this change: {0}")]
    Unknown(String),
    /// The desk's own disk failed, so the hub was not asked.
    #[error("the desk cannot write down what it does: {0}")]
    Store(String),
    /// The desk holds as much as it can.
    #[error("the desk holds as many flights and constraints as it can")]
    Full,
    /// The desk ends.
    #[error("the desk ends")]
    Ending,
}

impl From<WriteError> for ChangeError {
    fn from(error: WriteError) -> Self {
        ChangeError::Store(error.to_string())
    }
}

impl Core {
    /// Returns a request to put or delete an entity from where it is now.
    pub(crate) fn pending(&self, own: &Own, change: PendingChange, body: Vec<u8>) -> Pending {
        let ovn = own.taken.as_ref().map(|taken| taken.known.ovn.as_str());
        Pending {
            change,
            path: Hub::path(own.kind, own.id, ovn),
            body: String::from_utf8(body).expect("JSON is UTF-8"),
            idempotency_key: self.draw_id().to_string(),
        }
    }

    /// Sends a request until it is known what came of it, but not for ever.
    ///
    /// After a try without an answer, a refusal of the next proves nothing: a hub that knows no
    /// `Idempotency-Key` refuses what it has done already, and one that is busy does not look.
    pub(crate) async fn submit(&self, kind: EntityKind, pending: &Pending) -> Submitted {
        let mut wait = SUBMIT_RETRY_AFTER;
        let mut doubt = None;
        for attempt in 1..=SUBMIT_ATTEMPTS_MAX {
            let submitted = self.hub.submit(kind, pending).await;
            let asked_s = match submitted {
                Submitted::Unknown { why } => {
                    doubt = Some(why);
                    0
                }
                Submitted::NotTaken { retry_after_s, .. } if attempt < SUBMIT_ATTEMPTS_MAX => {
                    retry_after_s.unwrap_or(0)
                }
                Submitted::NotTaken { why, .. } if doubt.is_some() => {
                    return Submitted::Unknown { why };
                }
                Submitted::Refused { status, message } if doubt.is_some() => {
                    return Submitted::Unknown { why: format!("{status}: {message}") };
                }
                known => return known,
            };
            if attempt < SUBMIT_ATTEMPTS_MAX {
                let asked = Duration::from_secs(asked_s.min(RETRY_AFTER_S_MAX));
                tokio::time::sleep(wait.max(asked)).await;
                wait *= 2;
            }
        }
        Submitted::Unknown { why: doubt.unwrap_or_default() }
    }

    /// Takes over what the hub did with a put; what is returned waits until it is durable.
    pub(crate) async fn finish(
        self: &Arc<Self>,
        own: Own,
        pending: &Pending,
        reference: Reference,
        subscribers: Vec<SubscriberToNotify>,
    ) -> Result<impl Future<Output = Taken> + use<>, ChangeError> {
        let known = entity_of(reference, pending)
            .filter(|(entity, _)| entity.id() == own.id)
            .and_then(|(entity, moved)| Some((Known::new(entity).ok()?, moved)));
        let Some((known, moved)) = known else {
            self.unsettled.notify_one();
            let why = "its answer is about something else, or does not show the OVN".to_owned();
            return Err(ChangeError::Unknown(why));
        };
        let notices = self.notices(own.kind, own.id, Some(&known.entity), subscribers);
        let taken = Taken { known: Arc::new(known), moved };
        let written = self.take(own, taken.clone(), notices).await;
        Ok(async move {
            written.await;
            taken
        })
    }

    /// Returns what subscribers are to be told; the desk itself knows already.
    pub(crate) fn notices(
        &self,
        kind: EntityKind,
        id: EntityId,
        entity: Option<&Entity>,
        subscribers: Vec<SubscriberToNotify>,
    ) -> Vec<Notice> {
        let others =
            subscribers.into_iter().filter(|subscriber| subscriber.uss_base_url != self.base_url);
        let notice = |subscriber: SubscriberToNotify| {
            let body = notification(kind, id, entity, subscriber.subscriptions);
            self.outbox.draft(kind, subscriber.uss_base_url.as_str(), body)
        };
        others.map(notice).collect()
    }

    /// Returns the error for a request that was not done; forgets it, or leaves it to be settled.
    pub(crate) async fn not_done(&self, id: EntityId, submitted: Submitted) -> ChangeError {
        let error = match submitted {
            Submitted::Refused { status, message } => HubError::Refused { status, message },
            Submitted::NotTaken { why, .. } => HubError::NoAnswer(why),
            Submitted::Missing(_) => {
                let message = "it asks for a key, which this change does not need".to_owned();
                HubError::Refused { status: 409, message }
            }
            Submitted::Done { .. } => unreachable!("the caller has taken over what was done"),
            Submitted::Unknown { why } => {
                self.unsettled.notify_one();
                return ChangeError::Unknown(why);
            }
        };
        match self.abandon(id).await {
            Ok(()) => error.into(),
            Err(failed) => failed.into(),
        }
    }

    /// Deletes a flight or a constraint.
    pub(crate) async fn end(
        self: &Arc<Self>,
        kind: EntityKind,
        id: EntityId,
    ) -> Result<(), ChangeError> {
        let turn = self.turn.lock().await;
        let own = self.find(id).filter(|own| own.kind == kind).ok_or(ChangeError::NotFound)?;
        if own.pending.is_some() || own.taken.is_none() {
            return Err(ChangeError::Unsettled);
        }
        let pending = Arc::new(self.pending(&own, PendingChange::Delete, Vec::new()));
        self.begin(&own, Arc::clone(&pending)).await?;
        let written = match self.submit(kind, &pending).await {
            Submitted::Done { subscribers, .. } => {
                let notices = self.notices(kind, id, None, subscribers);
                self.remove(id, notices).await
            }
            // The hub has forgotten it, or never had it.
            Submitted::Refused { status: 404, .. } => self.remove(id, Vec::new()).await,
            not_done => return Err(self.not_done(id, not_done).await),
        };
        drop(turn);
        written.await;
        Ok(())
    }

    /// Puts a new constraint.
    pub(crate) async fn put_constraint(
        self: &Arc<Self>,
        details: ConstraintDetails,
    ) -> Result<Arc<Known>, ChangeError> {
        let _reservation = self.reserve().ok_or(ChangeError::Full)?;
        let turn = self.turn.lock().await;
        let own = Own::new(self.draw_id(), EntityKind::Constraint, None);
        let body = wire::render(&PutConstraintReferenceParameters {
            extents: details.volumes.clone(),
            uss_base_url: self.base_url.clone(),
        });
        let details = Details::Constraint(details);
        let change = PendingChange::Put { details, moved: Move::default() };
        let pending = Arc::new(self.pending(&own, change, body));
        self.begin(&own, Arc::clone(&pending)).await?;
        match self.submit(own.kind, &pending).await {
            Submitted::Done { reference, subscribers } => {
                let written = self.finish(own, &pending, reference, subscribers).await?;
                drop(turn);
                Ok(written.await.known)
            }
            not_done => Err(self.not_done(own.id, not_done).await),
        }
    }
}
