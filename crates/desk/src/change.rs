//! The way of a change: write down, ask the hub, take over what it did, tell others.

use std::sync::Arc;
use std::time::Duration;

use airspace::EntityId;
use airspace::operational_intent::OperationalIntentState;
use wire::f3548::common::SubscriberToNotify;
use wire::f3548::constraints::PutConstraintReferenceParameters;
use wire::f3548::uss::constraints::ConstraintDetails;

use crate::book::{Own, Pending, PendingChange, Taken, entity_of};
use crate::client::hub::{Changed, Hub, HubError, Submitted};
use crate::core::Core;
use crate::entity::{Details, Entity, Known, notification};
use crate::flight::EntityKind;
use crate::outbox::{About, Notice};
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
    /// There is no such flight, constraint or watch.
    #[error("there is no such flight, constraint or watch")]
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
    #[error("the desk holds as many of these as it can")]
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
    /// `Idempotency-Key` refuses what it has done already, and one that is busy does not look. Only
    /// one that asks for more of a key has not done it.
    pub(crate) async fn persist<T, F>(&self, submit: impl Fn() -> F) -> Submitted<T>
    where
        F: Future<Output = Submitted<T>>,
    {
        let mut wait = SUBMIT_RETRY_AFTER;
        let mut doubt = None;
        for attempt in 1..=SUBMIT_ATTEMPTS_MAX {
            let asked_s = match submit().await {
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
                Submitted::Refused(refusal) if doubt.is_some() && refusal.missing.is_empty() => {
                    return Submitted::Unknown { why: refusal.to_string() };
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
        changed: Changed,
    ) -> Result<impl Future<Output = Taken> + use<>, ChangeError> {
        let known = entity_of(changed.reference, pending)
            .filter(|(entity, _)| entity.id() == own.id)
            .and_then(|(entity, moved)| Some((Known::new(entity).ok()?, moved)));
        let Some((known, moved)) = known else {
            self.unsettled.notify_one();
            let why = "its answer is about something else, or does not show the OVN".to_owned();
            return Err(ChangeError::Unknown(why));
        };
        let subscribers = changed.subscribers;
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
            self.outbox.draft(About::Entity(kind), subscriber.uss_base_url.as_str(), body)
        };
        others.map(notice).collect()
    }

    /// Returns the error for a request that was not done; forgets it, or leaves it to be settled.
    pub(crate) async fn not_done(
        &self,
        id: EntityId,
        submitted: Submitted<Changed>,
    ) -> ChangeError {
        let error = match submitted {
            Submitted::Refused(refusal) => HubError::from(refusal),
            Submitted::NotTaken { why, .. } => HubError::NoAnswer(why),
            Submitted::Done(_) => unreachable!("the caller has taken over what was done"),
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
        let written = match self.persist(|| self.hub.submit(kind, &pending)).await {
            Submitted::Done(changed) => {
                let notices = self.notices(kind, id, None, changed.subscribers);
                self.remove(id, notices).await
            }
            // The hub has forgotten it, or never had it.
            Submitted::Refused(refusal) if refusal.status == 404 => {
                self.remove(id, Vec::new()).await
            }
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
        match self.persist(|| self.hub.submit(own.kind, &pending)).await {
            Submitted::Done(changed) => {
                let written = self.finish(own, &pending, changed).await?;
                drop(turn);
                Ok(written.await.known)
            }
            not_done => Err(self.not_done(own.id, not_done).await),
        }
    }
}
