//! Brings the hub to have what is wanted of registrations.

use std::collections::BTreeSet;
use std::sync::Arc;

use airspace::EntityId;
use futures_util::StreamExt;
use futures_util::stream;
use spacetime::{LatLng, Timestamp, Volume};
use wire::f3411::subscribers::{SubscriberToNotify, SubscriptionState};
use wire::f3411_22a::identification_service_areas::PutIdentificationServiceAreaParameters;
use wire::f3411_22a::subscriptions::PutSubscriptionParameters;
use wire::f3411_22a::uss::identification_service_areas::PutIdentificationServiceAreaNotificationParameters;

use crate::book::Own;
use crate::cache::OfferRefusal;
use crate::change::ChangeError;
use crate::client::hub::remote_id::{Registered, RegisteredWith};
use crate::client::hub::{Hub, HubError, Refusal, Submitted};
use crate::core::Core;
use crate::outbox::{About, Notice};
use crate::remote_id::registration::{Asked, Next, Purpose, Refused, Registration, SUBSCRIBED_FOR};
use crate::remote_id::sky::{Mark, Told};
use crate::remote_id::watched_area::{WatchedArea, subscription_id};
use crate::store::Change;
use crate::wish::RequestError;

/// How many requests one registration may need in a row: what is pending, what is wanted, and again
/// if the hub has something else than is known.
const STEPS_MAX: u32 = 8;
/// How many registrations are settled at once.
const SETTLED_AT_ONCE: usize = 16;

/// How often the hub is asked the same while it does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Once: it is asked again in the next round.
    Once,
    /// Several times, because somebody waits.
    Several,
}

impl Core {
    /// Wants the hub to have what follows from all flights, after the desk's start.
    pub(crate) fn follow_all(&self) {
        let owns: Vec<Own> = self.book().taken().map(|(own, _)| own.clone()).collect();
        let mut gone: BTreeSet<EntityId> = self.registrations().flights().collect();
        for own in owns {
            gone.remove(&own.id);
            self.follow(own.id, Some(&own));
        }
        for flight in gone {
            self.follow(flight, None);
        }
    }

    /// Asks the hub until it has what is wanted of a registration, or cannot be asked.
    pub(crate) async fn register(
        self: &Arc<Self>,
        id: EntityId,
        tries: Tries,
    ) -> Result<(), ChangeError> {
        let _lane = self.lane(id).await;
        for _ in 0..STEPS_MAX {
            let Some(registration) = self.find_registration(id) else {
                return Ok(());
            };
            let asked = match registration.next(self.clock.now()) {
                Next::Nothing => return Ok(()),
                Next::AskAgain(asked) => asked,
                Next::Put => {
                    self.begin_asking(&registration, Some(self.body(&registration))).await?
                }
                Next::Delete => self.begin_asking(&registration, None).await?,
                Next::Forget => {
                    self.registrations().remove(id);
                    self.sky().remove(id);
                    return Ok(self.store.write(vec![Change::RemoveRegistration(id)]).await?);
                }
            };
            self.ask(&registration, &asked, tries).await?;
        }
        Err(ChangeError::Unsettled)
    }

    /// Tries once to settle every registration of which the hub does not have what is wanted.
    pub(crate) async fn register_all(self: &Arc<Self>) {
        let unsettled = self.registrations().unsettled(self.clock.now());
        let settle = |id| async move { (id, self.register(id, Tries::Once).await) };
        let mut settled = stream::iter(unsettled).map(settle).buffer_unordered(SETTLED_AT_ONCE);
        while let Some((id, result)) = settled.next().await {
            if let Err(error) = result {
                tracing::warn!(registration.id = %id, error = %error,
                    "the hub does not have yet what remote id wants");
            }
        }
    }

    /// Begins to watch an area, between these opposite corners; returns which watch it is.
    ///
    /// If it is not known whether the hub took its subscription, the desk goes on to find out.
    pub(crate) async fn watch(
        self: &Arc<Self>,
        corners: [LatLng; 2],
    ) -> Result<EntityId, ChangeError> {
        let area = WatchedArea::new(corners).map_err(RequestError::from)?;
        let id = self.draw_id();
        {
            let mut registrations = self.registrations();
            if !registrations.has_room() {
                return Err(ChangeError::Full);
            }
            registrations.put(Registration::new(id, Purpose::Watch(area)));
        }
        match self.register(id, Tries::Several).await {
            Ok(()) | Err(ChangeError::Unknown(_)) => Ok(id),
            Err(error) => {
                let begun = self.registrations().change(id, Registration::unwant);
                self.store.write(begun.iter().map(Change::register).collect()).await?;
                // What was begun is undone in the background.
                self.unsettled.notify_one();
                Err(error)
            }
        }
    }

    /// Ends a watch; if the hub does not answer, its subscription is deleted later.
    pub(crate) async fn end_watch(self: &Arc<Self>, id: EntityId) -> Result<(), ChangeError> {
        let is_watch = |one: &Registration| one.wanted && one.watched().is_some();
        let ended = {
            let mut registrations = self.registrations();
            let found = registrations.find(id).filter(|one| is_watch(one)).is_some();
            found.then(|| registrations.change(id, Registration::unwant)).flatten()
        };
        let ended = ended.ok_or(ChangeError::NotFound)?;
        self.store.write(vec![Change::register(&ended)]).await?;
        if let Err(error) = self.register(id, Tries::Several).await {
            tracing::warn!(registration.id = %id, error = %error,
                "the subscription of a watch that ended is not deleted yet");
        }
        Ok(())
    }

    fn find_registration(&self, id: EntityId) -> Option<Registration> {
        self.registrations().find(id).cloned()
    }

    /// Writes down what the hub is about to be asked: durable when it returns without error.
    async fn begin_asking(
        &self,
        registration: &Registration,
        put: Option<Vec<u8>>,
    ) -> Result<Arc<Asked>, ChangeError> {
        let asked = Arc::new(Asked {
            put: put.map(|body| String::from_utf8(body).expect("JSON is UTF-8")),
            path: Hub::path_of_registration(registration),
            idempotency_key: self.draw_id().to_string(),
        });
        let pending = Some(Arc::clone(&asked));
        // It may be wanted no longer by now, which must not be forgotten.
        let begun = self.registrations().change(registration.id, |one| one.pending = pending);
        let changes = begun.iter().map(Change::register).collect();
        match self.store.write(changes).await {
            Ok(()) => Ok(asked),
            Err(error) => {
                self.registrations().change(registration.id, |one| one.pending = None);
                Err(error.into())
            }
        }
    }

    fn body(&self, registration: &Registration) -> Vec<u8> {
        let now = self.clock.now();
        let uss_base_url = self.base_url.clone();
        match &registration.purpose {
            Purpose::ServiceArea { extents, .. } => {
                // Hubs refuse what started a while ago.
                let extents = (&not_before(extents, now)).into();
                wire::render(&PutIdentificationServiceAreaParameters { extents, uss_base_url })
            }
            Purpose::Watch(area) => {
                // The start is given: on an update hubs would keep the one from before, and the day
                // that they allow would soon be over.
                let until = Some(now.plus(SUBSCRIBED_FOR));
                let area = area.bounding_circle().into();
                let volume = Volume::new(area, None, None, Some(now), until);
                let extents = (&volume.expect("it ends after its start")).into();
                wire::render(&PutSubscriptionParameters { extents, uss_base_url })
            }
        }
    }

    async fn ask(
        self: &Arc<Self>,
        registration: &Registration,
        asked: &Asked,
        tries: Tries,
    ) -> Result<(), ChangeError> {
        let watch = registration.watched().map(|_| registration.id);
        let mark = watch.map(|watch| (watch, self.sky().mark(watch)));
        let submit = || self.hub.register(registration, asked);
        let submitted = match tries {
            Tries::Once => submit().await,
            Tries::Several => self.persist(submit).await,
        };
        match submitted {
            Submitted::Done(registered) => {
                self.registered(registration, registered, mark).await;
                Ok(())
            }
            Submitted::Refused(refusal) => self.refused(registration, asked, refusal).await,
            // It is asked the same again, with the same key.
            Submitted::NotTaken { why, .. } => Err(HubError::NoAnswer(why).into()),
            Submitted::Unknown { why } => Err(ChangeError::Unknown(why)),
        }
    }

    /// Takes over what the hub did, and whom to tell.
    ///
    /// Nobody waits until that is written: if it never is, the pending request is still in the
    /// store, and is sent again with the same key after a restart.
    async fn registered(
        self: &Arc<Self>,
        registration: &Registration,
        registered: Registered,
        mark: Option<(EntityId, Mark)>,
    ) {
        let deleted = registered.held.is_none();
        let notices = match registered.with {
            RegisteredWith::ServiceArea(area, subscribers) => {
                let (sender, id) = (area.owner.clone(), area.id);
                let told = Told { sender, id, area: (!deleted).then_some(area) };
                self.area_notices(registration, &told, subscribers)
            }
            RegisteredWith::Watch(areas) => {
                if let Some((watch, mark)) = mark.filter(|_| !deleted) {
                    let mut sky = self.sky();
                    sky.restart(watch);
                    sky.replace(watch, areas, mark, self.clock.now());
                }
                Vec::new()
            }
        };
        let held = registered.held;
        let mut changes = self.settled(registration.id, |one| {
            one.held = held;
            one.refused = Refused::default();
        });
        changes.extend(notices.iter().map(Change::add));
        let core = Arc::clone(self);
        let numbers = self.outbox.owe(notices);
        let written = self.store.queue(changes).await;
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::error!(error = %error,
                    "what the hub did is not written down; it is asked again after a restart");
            }
            core.deliver(numbers);
        });
    }

    /// Settles a refused request by what the hub has; whom to tell is not known then.
    async fn refused(
        &self,
        registration: &Registration,
        asked: &Asked,
        refusal: Refusal,
    ) -> Result<(), ChangeError> {
        let found = match (&asked.put, refusal.status) {
            (None, 404) => None,
            (_, _) => self.hub.find_registration(registration).await?,
        };
        // If the hub has something else than was known, there is something else to ask for.
        let goes_on = found.as_ref().map(|held| &held.version)
            != registration.held.as_ref().map(|held| &held.version);
        let now = self.clock.now();
        let changes = self.settled(registration.id, |one| {
            one.held = found;
            if !goes_on {
                one.refuse(now);
            }
        });
        self.store.write(changes).await?;
        if goes_on { Ok(()) } else { Err(HubError::from(refusal).into()) }
    }

    /// Changes a registration of which it is known what the hub did; returns what is to be written.
    fn settled(&self, id: EntityId, change: impl FnOnce(&mut Registration)) -> Vec<Change> {
        let mut registrations = self.registrations();
        let settled = registrations.change(id, |one| {
            one.pending = None;
            change(one);
        });
        let Some(settled) = settled else {
            return Vec::new();
        };
        if settled.wanted || settled.held.is_some() {
            return vec![Change::register(&settled)];
        }
        registrations.remove(id);
        self.sky().remove(id);
        vec![Change::RemoveRegistration(id)]
    }

    /// Returns what subscribers are to be told of an area; the desk's own watches learn it at once.
    fn area_notices(
        &self,
        registration: &Registration,
        told: &Told,
        subscribers: Vec<SubscriberToNotify>,
    ) -> Vec<Notice> {
        let extents = match &registration.purpose {
            Purpose::ServiceArea { extents, .. } if told.area.is_some() => Some(extents),
            Purpose::ServiceArea { .. } | Purpose::Watch(_) => None,
        };
        let mut notices = Vec::new();
        for subscriber in subscribers {
            if subscriber.url == self.base_url {
                if let Err(refusal) = self.told_of_area(told, &subscriber.subscriptions) {
                    tracing::warn!(registration.id = %told.id, error = %refusal,
                        "a watch does not take an area of the desk's own");
                }
                continue;
            }
            let body = wire::render(&PutIdentificationServiceAreaNotificationParameters {
                service_area: told.area.clone(),
                subscriptions: subscriber.subscriptions,
                extents: extents.map(Into::into),
            });
            let about = About::ServiceArea(registration.id);
            notices.push(self.outbox.draft(about, subscriber.url.as_str(), body));
        }
        notices
    }

    /// Takes over what its owner tells of an area, for those of the desk's watches whose
    /// subscriptions are named.
    pub(crate) fn told_of_area(
        &self,
        told: &Told,
        subscriptions: &[SubscriptionState],
    ) -> Result<(), OfferRefusal> {
        let registrations = self.registrations();
        let mut sky = self.sky();
        for (watch, _) in registrations.watches() {
            let asked = subscription_id(watch.id);
            for state in subscriptions.iter().filter(|state| state.subscription_id == asked) {
                sky.tell(watch.id, state.notification_index, told)?;
            }
        }
        Ok(())
    }
}

/// Returns the part of a volume that is not past.
fn not_before(volume: &Volume, now: Timestamp) -> Volume {
    let starts_at = volume.starts_at().map(|start| start.max(now));
    let (lower, upper) = (volume.altitude_lower(), volume.altitude_upper());
    Volume::new(volume.area().clone(), lower, upper, starts_at, volume.ends_at())
        .unwrap_or_else(|_| volume.clone())
}
