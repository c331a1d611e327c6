//! The way of a flight: find out what is there, decide, ask the hub, and again if it knows more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use airspace::operational_intent::OperationalIntentState;
use airspace::{EntityId, Ovn};
use futures_util::future::{BoxFuture, FutureExt};
use spacetime::Volume;
use tokio::time::Instant;
use wire::f3548::common::Volume4D;
use wire::f3548::operational_intents::{
    ImplicitSubscriptionParameters, PutOperationalIntentReferenceParameters,
};
use wire::f3548::uss::operational_intents::OperationalIntentDetails;

use crate::book::{Own, Pending, PendingChange, Taken, Wish};
use crate::change::ChangeError;
use crate::client::hub::{ConstraintProcessing, Submitted};
use crate::core::Core;
use crate::discover::{DiscoverError, Scene};
use crate::entity::{Details, Known, Period, Reference};
use crate::flight::{Conflict, EntityKind, GivenUp, Report, Resolution};
use crate::plan::decide::{Decision, decide, must_avoid};
use crate::plan::moves::Move;

/// How often a flight is decided on anew because the airspace changed before the hub took it.
pub const PLAN_ATTEMPTS_MAX: u32 = 32;
/// How long a flight may keep the turn to learn what it lost to; after that others go first.
const TURN_TIME_MAX: Duration = Duration::from_secs(2);

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
    /// Whether nothing in the scene can be gone, as far as the hub said just now.
    fresh: bool,
}

/// How one attempt ended.
enum Attempt {
    /// The hub took it; resolves when that is durable.
    Taken(BoxFuture<'static, Taken>),
    /// There is more than was known.
    Missing(Vec<Reference>),
    /// It is given up.
    GivenUp(GivenUp),
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
        let mut planning = Planning::new(scene);
        loop {
            let learned = match self.take_turn(&target, &mut planning).await? {
                Attempt::Taken(written) => return Ok(report(id, &written.await, planning)),
                Attempt::GivenUp(GivenUp::NoRoom) if !planning.fresh => {
                    // What was in the way may be gone by now.
                    planning.fresh = true;
                    self.discover(&target.wish).await.map(|scene| planning.scene = scene)
                }
                Attempt::GivenUp(why) => return Ok(given_up(id, why, Some(planning))),
                Attempt::Missing(references) => self.learn(&mut planning.scene, references).await,
            };
            match learned {
                Ok(()) => {}
                Err(DiscoverError::Hub(error)) => return Err(error.into()),
                Err(DiscoverError::GivenUp(why)) => {
                    return Ok(given_up(id, why, Some(planning)));
                }
            }
        }
    }

    /// Decides and asks the hub, holding the turn.
    ///
    /// A flight that lost learns at once what it lost to and keeps the turn for it, but not for
    /// long: while it waits behind others, it would lose to all that the other parties put.
    async fn take_turn(
        self: &Arc<Self>,
        target: &Target,
        planning: &mut Planning,
    ) -> Result<Attempt, ChangeError> {
        let _turn = self.turn.lock().await;
        let until = Instant::now() + TURN_TIME_MAX;
        loop {
            let references = match self.attempt(target, planning).await? {
                Attempt::Missing(references) => references,
                ended => return Ok(ended),
            };
            planning.fresh = false;
            for reference in &references {
                // Its OVN was in the key: what its manager told is not what the hub has.
                if let Some(known) = planning.scene.find(reference.id()) {
                    self.cache().distrust(known);
                }
                self.settle_in_turn(reference.id()).await;
            }
            let learning = self.learn(&mut planning.scene, references.clone());
            match tokio::time::timeout_at(until, learning).await {
                Ok(Ok(())) => {}
                Ok(Err(DiscoverError::Hub(error))) => return Err(error.into()),
                Ok(Err(DiscoverError::GivenUp(why))) => return Ok(Attempt::GivenUp(why)),
                Err(_) => return Ok(Attempt::Missing(references)),
            }
        }
    }

    /// Decides and asks the hub, once; the caller holds the turn.
    async fn attempt(
        self: &Arc<Self>,
        target: &Target,
        planning: &mut Planning,
    ) -> Result<Attempt, ChangeError> {
        let own = self.current(target)?;
        let asked = own.taken.as_ref().map_or_else(Move::default, |taken| taken.moved);
        let owns = self.own_known(own.id, possible_period(&target.wish));
        let Some(decision) = self.decide(&target.wish, &owns, asked, planning).await else {
            return Ok(Attempt::GivenUp(GivenUp::TooCrowded));
        };
        planning.add_conflicts(decision.conflicts);
        let Some(moved) = decision.taken else {
            return Ok(Attempt::GivenUp(GivenUp::NoRoom));
        };
        if planning.attempts == PLAN_ATTEMPTS_MAX {
            return Ok(Attempt::GivenUp(GivenUp::TooManyAttempts));
        }
        planning.attempts += 1;
        planning.last = Some(moved);
        let course = moved_course(&target.wish, moved);
        let key = key(&course, &owns, &planning.scene);
        let pending = Arc::new(self.flight_pending(&own, target, (moved, course), key));
        self.begin(&own, Arc::clone(&pending)).await?;
        match self.persist(|| self.hub.submit(own.kind, &pending)).await {
            Submitted::Done(changed) => {
                let written = self.finish(own, &pending, changed).await?;
                Ok(Attempt::Taken(written.boxed()))
            }
            Submitted::Refused(refusal) if !refusal.missing.is_empty() => {
                self.abandon(own.id).await?;
                Ok(Attempt::Missing(refusal.missing))
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
}

impl Planning {
    fn new(scene: Scene) -> Self {
        Planning { scene, conflicts: Vec::new(), last: None, attempts: 0, fresh: true }
    }

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

/// Returns the time in which a flight may be, however it is delayed.
fn possible_period(wish: &Wish) -> Period {
    let asked = Period::of(wish.course.iter().map(|one| &one.volume));
    let delay = Duration::from_secs(u64::from(wish.moves.delay_s_max()));
    Period { ends_at: asked.ends_at.map(|end| end.plus(delay)), ..asked }
}

/// Returns the OVNs of all that the hub may compare the course with: everything of others that is
/// known, and the desk's own that share a time with it.
fn key(course: &[Volume], owns: &[Arc<Known>], scene: &Scene) -> Vec<Ovn> {
    let period = Period::of(course.iter());
    let near = owns.iter().filter(|known| known.period.overlaps(period));
    let all: BTreeSet<&Ovn> = scene.ovns().chain(near.map(|known| &known.ovn)).collect();
    all.into_iter().cloned().collect()
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
