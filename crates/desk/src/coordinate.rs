//! The way of a change: decide, write down, ask the hub, take over what it did, tell others.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use airspace::operational_intent::OperationalIntentState;
use airspace::{EntityId, Ovn};
use spacetime::Volume;
use wire::f3548::common::{SubscriberToNotify, Volume4D};
use wire::f3548::constraints::PutConstraintReferenceParameters;
use wire::f3548::operational_intents::{
    ImplicitSubscriptionParameters, PutOperationalIntentReferenceParameters,
};
use wire::f3548::uss::operational_intents::OperationalIntentDetails;

use crate::book::{Own, Pending, PendingChange, Taken, Wish, entity_of};
use crate::client::hub::{ConstraintProcessing, Hub, HubError, Submitted};
use crate::core::Core;
use crate::discover::{DiscoverError, Scene};
use crate::entity::{Details, Entity, Known, Reference, notification};
use crate::flight::{Conflict, EntityKind, GivenUp, Report, Resolution};
use crate::outbox::Notice;
use crate::plan::decide::{Decision, decide, must_avoid};
use crate::plan::moves::Move;
use crate::store::WriteError;
use crate::wish::RequestError;

/// How often a flight is decided on anew because the airspace changed before the hub took it.
pub const PLAN_ATTEMPTS_MAX: u32 = 16;
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

/// What a put is to become.
pub(crate) struct Target {
    /// The flight, or what it would be.
    pub(crate) own: Own,
    /// What its user asked for.
    pub(crate) wish: Arc<Wish>,
    /// The state that it shall have.
    pub(crate) state: OperationalIntentState,
}

/// Planning in progress.
struct Planning {
    scene: Scene,
    conflicts: Vec<Conflict>,
    /// The move that was decided on before the airspace changed.
    last: Option<Move>,
    attempts: u32,
}

/// How one attempt ended.
enum Attempt {
    /// The hub took it.
    Taken(Taken),
    /// There is more than was known.
    Missing(Vec<Reference>),
    /// There is no room.
    NoRoom,
    /// More is there than can be looked at.
    TooCrowded,
}

impl From<WriteError> for ChangeError {
    fn from(error: WriteError) -> Self {
        ChangeError::Store(error.to_string())
    }
}

impl Core {
    /// Plans a new flight and puts it.
    pub(crate) async fn fly(self: &Arc<Self>, wish: Wish) -> Result<Report, ChangeError> {
        let _reservation = self.reserve().ok_or(ChangeError::Full)?;
        let wish = Arc::new(wish);
        let id = self.draw_id();
        let own = Own::new(id, EntityKind::OperationalIntent, Some(Arc::clone(&wish)));
        self.place(Target { own, wish, state: OperationalIntentState::Accepted }).await
    }

    /// Activates an accepted flight; it may be moved again if something came in its way.
    pub(crate) async fn activate(self: &Arc<Self>, id: EntityId) -> Result<Report, ChangeError> {
        let own = self.find(id).ok_or(ChangeError::NotFound)?;
        let wish = own.wish.clone().ok_or(ChangeError::NotFound)?;
        let flight = own.flight().ok_or(ChangeError::Unsettled)?;
        match flight.state {
            OperationalIntentState::Accepted | OperationalIntentState::Activated => {}
            state
            @ (OperationalIntentState::Nonconforming | OperationalIntentState::Contingent) => {
                return Err(ChangeError::State(state));
            }
        }
        self.place(Target { own, wish, state: OperationalIntentState::Activated }).await
    }

    async fn place(self: &Arc<Self>, target: Target) -> Result<Report, ChangeError> {
        let _planning = self.planning.acquire().await.map_err(|_| ChangeError::Ending)?;
        let id = target.own.id;
        let scene = match self.discover(&target.wish).await {
            Ok(scene) => scene,
            Err(DiscoverError::Hub(error)) => return Err(error.into()),
            Err(DiscoverError::GivenUp(why)) => return Ok(given_up(id, why, None)),
        };
        let mut planning = Planning { scene, conflicts: Vec::new(), last: None, attempts: 0 };
        let mut fresh = true;
        while planning.attempts < PLAN_ATTEMPTS_MAX {
            planning.attempts += 1;
            match self.attempt(&target, &mut planning).await? {
                Attempt::Taken(taken) => return Ok(report(id, &taken, planning)),
                Attempt::TooCrowded => {
                    return Ok(given_up(id, GivenUp::TooCrowded, Some(planning)));
                }
                Attempt::NoRoom if fresh => {
                    return Ok(given_up(id, GivenUp::NoRoom, Some(planning)));
                }
                Attempt::NoRoom => {
                    // What was known may be gone by now.
                    let scene = self.discover(&target.wish).await;
                    fresh = true;
                    if let Some(why) = learned(scene.map(|scene| planning.scene = scene))? {
                        return Ok(given_up(id, why, Some(planning)));
                    }
                }
                Attempt::Missing(references) => {
                    fresh = false;
                    self.settle_own(&references).await;
                    let learn = self.learn(&mut planning.scene, references).await;
                    if let Some(why) = learned(learn)? {
                        return Ok(given_up(id, why, Some(planning)));
                    }
                }
            }
        }
        Ok(given_up(id, GivenUp::TooManyAttempts, Some(planning)))
    }

    /// Finds out what became of those of the desk's own of which that is not known.
    async fn settle_own(self: &Arc<Self>, references: &[Reference]) {
        for reference in references {
            if self.find(reference.id()).is_some_and(|own| own.pending.is_some()) {
                self.settle(reference.id()).await;
            }
        }
    }

    /// Decides and asks the hub, holding the turn.
    async fn attempt(
        self: &Arc<Self>,
        target: &Target,
        planning: &mut Planning,
    ) -> Result<Attempt, ChangeError> {
        let turn = self.turn.lock().await;
        let own = self.current(target)?;
        let asked = own.taken.as_ref().map_or_else(Move::default, |taken| taken.moved);
        let owns = self.own_known(own.id);
        let decision = self.decide(&target.wish, &owns, asked, planning).await;
        let Some(decision) = decision else {
            return Ok(Attempt::TooCrowded);
        };
        planning.add_conflicts(decision.conflicts);
        let Some(moved) = decision.taken else {
            return Ok(Attempt::NoRoom);
        };
        planning.last = Some(moved);
        let course = moved_course(&target.wish, moved);
        let key = key(&course, &owns, &planning.scene);
        let pending = Arc::new(self.flight_pending(&own, target, (moved, course), key));
        self.begin(&own, Arc::clone(&pending)).await?;
        match self.submit(own.kind, &pending).await {
            Submitted::Done { reference, subscribers } => {
                let written = self.finish(own, &pending, reference, subscribers).await?;
                drop(turn);
                Ok(Attempt::Taken(written.await))
            }
            Submitted::Missing(references) => {
                self.abandon(own.id).await?;
                Ok(Attempt::Missing(references))
            }
            not_done => Err(self.not_done(own.id, not_done).await),
        }
    }

    /// Returns the flight as it is now: it may have changed while others had the turn.
    fn current(&self, target: &Target) -> Result<Own, ChangeError> {
        match self.find(target.own.id) {
            Some(own) if own.pending.is_some() => Err(ChangeError::Unsettled),
            Some(own) => Ok(own),
            None if target.own.taken.is_none() => Ok(target.own.clone()),
            None => Err(ChangeError::NotFound),
        }
    }

    /// Decides on a thread that may take its time.
    async fn decide(
        &self,
        wish: &Arc<Wish>,
        owns: &[Arc<Known>],
        asked: Move,
        planning: &Planning,
    ) -> Option<Decision> {
        let obstacles: Vec<Arc<Known>> =
            planning.scene.known().chain(owns).filter(|k| must_avoid(wish, k)).cloned().collect();
        let preferred: Vec<Move> = [asked].into_iter().chain(planning.last).collect();
        let wish = Arc::clone(wish);
        let decided =
            tokio::task::spawn_blocking(move || decide(&wish, &obstacles, &preferred)).await;
        decided.expect("deciding does not panic").ok()
    }

    fn flight_pending(
        &self,
        own: &Own,
        target: &Target,
        (moved, course): (Move, Vec<Volume>),
        key: Vec<Ovn>,
    ) -> Pending {
        let volumes: Vec<Volume4D> = course.iter().map(Volume4D::from).collect();
        let details = OperationalIntentDetails {
            volumes: volumes.clone(),
            off_nominal_volumes: Vec::new(),
            priority: target.wish.priority,
        };
        let current = own.taken.as_ref();
        // The subscription from before covers the volumes from before.
        let subscription_id = current
            .filter(|taken| taken.moved == moved)
            .and_then(|taken| taken.known.entity.reference().subscription_id());
        let new_subscription = ImplicitSubscriptionParameters {
            uss_base_url: self.base_url.clone(),
            notify_for_constraints: self.hub.constraint_processing() == ConstraintProcessing::On,
        };
        let body = wire::render(&PutOperationalIntentReferenceParameters {
            extents: volumes,
            key,
            state: target.state,
            uss_base_url: self.base_url.clone(),
            subscription_id,
            new_subscription: subscription_id.is_none().then_some(new_subscription),
            requested_ovn_suffix: None,
        });
        let change = PendingChange::Put { details: Details::OperationalIntent(details), moved };
        self.pending(own, change, body)
    }

    /// Returns a request to put or delete an entity from where it is now.
    fn pending(&self, own: &Own, change: PendingChange, body: Vec<u8>) -> Pending {
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
    /// A hub that knows no `Idempotency-Key` refuses a repeated request that it has done, so after
    /// a try without an answer a refusal proves nothing.
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

    /// Returns the error for a request that was not done, and forgets it or leaves it to be settled.
    async fn not_done(&self, id: EntityId, submitted: Submitted) -> ChangeError {
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
        details: wire::f3548::uss::constraints::ConstraintDetails,
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

impl Planning {
    /// Adds conflicts that were not found before, each version of an entity once.
    fn add_conflicts(&mut self, found: Vec<Conflict>) {
        for conflict in found {
            let same = |one: &Conflict| one.id == conflict.id && one.version == conflict.version;
            if !self.conflicts.iter().any(same) {
                self.conflicts.push(conflict);
            }
        }
    }
}

fn moved_course(wish: &Wish, moved: Move) -> Vec<Volume> {
    let volumes = wish.course.iter().map(|one| moved.of(&one.volume));
    volumes.map(|volume| volume.expect("a move within the bounds stays in range")).collect()
}

/// Returns the OVNs of all that the hub may compare the course with: everything of others that is
/// known, and the desk's own that share time and altitude with it.
fn key(course: &[Volume], owns: &[Arc<Known>], scene: &Scene) -> Vec<Ovn> {
    let start = course.iter().filter_map(Volume::starts_at).min();
    let end = course.iter().filter_map(Volume::ends_at).max();
    let near = |known: &&Arc<Known>| {
        let volumes = || known.volumes.iter().map(|one| &one.volume);
        let starts = volumes().map(|volume| volume.starts_at()).min().flatten();
        let ends = volumes().all(|volume| volume.ends_at().is_some());
        let ends = if ends { volumes().filter_map(Volume::ends_at).max() } else { None };
        let before = starts.is_some() && end.is_some() && end < starts;
        let after = ends.is_some() && start.is_some() && ends < start;
        !before && !after
    };
    let own = owns.iter().filter(near).map(|known| &known.ovn);
    let all: BTreeSet<&Ovn> = scene.ovns().chain(own).collect();
    all.into_iter().cloned().collect()
}

/// Tells why to give up, if what is there cannot be learned.
fn learned(result: Result<(), DiscoverError>) -> Result<Option<GivenUp>, ChangeError> {
    match result {
        Ok(()) => Ok(None),
        Err(DiscoverError::GivenUp(why)) => Ok(Some(why)),
        Err(DiscoverError::Hub(error)) => Err(error.into()),
    }
}

fn report(id: EntityId, taken: &Taken, planning: Planning) -> Report {
    Report {
        id,
        resolution: Resolution::taken(taken.moved),
        conflicts: planning.conflicts,
        attempts: planning.attempts,
        volumes: taken.known.volumes.iter().map(|one| one.volume.clone()).collect(),
        version: Some(taken.known.entity.version()),
    }
}

fn given_up(id: EntityId, why: GivenUp, planning: Option<Planning>) -> Report {
    let (conflicts, attempts) =
        planning.map_or((Vec::new(), 0), |planning| (planning.conflicts, planning.attempts));
    Report {
        id,
        resolution: Resolution::GivenUp(why),
        conflicts,
        attempts,
        volumes: Vec::new(),
        version: None,
    }
}
