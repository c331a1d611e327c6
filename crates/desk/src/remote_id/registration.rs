//! What the desk keeps at the hub by F3411-22a: identification service areas of its flights, and
//! subscriptions of its watches.
//!
//! Both are put, put anew and deleted in the same way, so one table holds both. A registration says
//! what is wanted; [`Registration::next`] says what the hub is to be asked next so that it has that.
//! What it is asked is in the registration, and on disk, before it is asked.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use airspace::EntityId;
use spacetime::{Timestamp, Volume};

use crate::remote_id::extents::extents;
use crate::remote_id::watched_area::WatchedArea;

/// How many watches a desk has; hubs take 10 subscriptions of a party in one place.
pub const WATCHES_MAX: usize = 100;
/// How long a watch subscribes: a little less than the day that hubs allow.
pub(crate) const SUBSCRIBED_FOR: Duration = Duration::from_secs(24 * 3_600 - 60);
/// How long before its end the subscription of a watch is put anew.
const RENEW_BEFORE: Duration = Duration::from_secs(3_600);
/// How long is waited after a refusal; twice as long after each further one.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// How often that is doubled: the longest wait is about 10 minutes.
const DOUBLINGS_MAX: u32 = 7;

/// Something that the desk keeps at the hub.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// Which: the id of the area or the subscription.
    pub(crate) id: EntityId,
    /// What for.
    pub(crate) purpose: Purpose,
    /// Whether the hub is to have it.
    pub(crate) wanted: bool,
    /// What the hub has, as far as is known.
    pub(crate) held: Option<Held>,
    /// What the hub was asked and has not answered, as far as is known.
    pub(crate) pending: Option<Arc<Asked>>,
    /// How often in a row it was refused, and until when nothing is asked because of that.
    pub(crate) refused: Refused,
}

/// What a registration is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Purpose {
    /// It is an identification service area.
    ServiceArea {
        /// Of this flight.
        flight: EntityId,
        /// In the version that the hub gave the flight.
        version: u32,
        /// Where and when.
        extents: Volume,
    },
    /// It is the subscription of a watch.
    Watch(WatchedArea),
}

/// What the hub has of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// In which version.
    pub(crate) version: String,
    /// When it ends.
    pub(crate) ends_at: Timestamp,
}

/// A request to the hub, exactly as it is sent: once more if need be, with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The body of a put; `None` deletes.
    pub(crate) put: Option<String>,
    /// The path at the hub, encoded.
    pub(crate) path: String,
    /// The value of `Idempotency-Key`.
    pub(crate) idempotency_key: String,
}

/// How often in a row the hub refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    times: u32,
    until: Option<Timestamp>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: the hub has what is wanted, or has just refused.
    Nothing,
    /// It is to be forgotten: neither the hub has it, nor is it wanted.
    Forget,
    /// The hub is to be asked to have it.
    Put,
    /// The hub is to be asked to delete it.
    Delete,
    /// The hub is to be asked this again.
    AskAgain(Arc<Asked>),
}

/// All registrations.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    all: BTreeMap<EntityId, Registration>,
    by_flight: HashMap<EntityId, Vec<EntityId>>,
}

impl Registration {
    /// Returns what is wanted and not yet asked for.
    pub(crate) fn new(id: EntityId, purpose: Purpose) -> Self {
        let refused = Refused::default();
        Registration { id, purpose, wanted: true, held: None, pending: None, refused }
    }

    /// Returns what is to be done next.
    pub(crate) fn next(&self, now: Timestamp) -> Next {
        if self.refused.until.is_some_and(|until| now < until) {
            return Next::Nothing;
        }
        if let Some(pending) = &self.pending {
            return Next::AskAgain(Arc::clone(pending));
        }
        match (self.wanted, &self.held) {
            (true, Some(held)) if !self.is_due(held, now) => Next::Nothing,
            (true, None) if self.is_over(now) => Next::Nothing,
            (true, _) => Next::Put,
            (false, Some(_)) => Next::Delete,
            (false, None) => Next::Forget,
        }
    }

    /// Wants it no more, whatever the hub refused before.
    pub(crate) fn unwant(&mut self) {
        self.wanted = false;
        self.refused = Refused::default();
    }

    /// Remembers that the hub refused.
    pub(crate) fn refuse(&mut self, now: Timestamp) {
        let doublings = self.refused.times.min(DOUBLINGS_MAX);
        let until = Some(now.plus(REFUSED_FOR * 2_u32.pow(doublings)));
        self.refused = Refused { times: self.refused.times.saturating_add(1), until };
    }

    /// Returns the flight whose area it is.
    pub(crate) fn flight(&self) -> Option<EntityId> {
        match &self.purpose {
            Purpose::ServiceArea { flight, .. } => Some(*flight),
            Purpose::Watch(_) => None,
        }
    }

    /// Returns what a watch looks at.
    pub(crate) fn watched(&self) -> Option<&WatchedArea> {
        match &self.purpose {
            Purpose::ServiceArea { .. } => None,
            Purpose::Watch(area) => Some(area),
        }
    }

    /// Tells whether it must be put anew: subscriptions end, areas end with their flights.
    fn is_due(&self, held: &Held, now: Timestamp) -> bool {
        self.watched().is_some() && held.ends_at < now.plus(RENEW_BEFORE)
    }

    fn is_over(&self, now: Timestamp) -> bool {
        match &self.purpose {
            Purpose::ServiceArea { extents, .. } => extents.ends_at().is_some_and(|end| end < now),
            Purpose::Watch(_) => false,
        }
    }
}

impl Registrations {
    /// Returns the table of these.
    pub(crate) fn new(all: Vec<Registration>) -> Self {
        let mut registrations = Registrations::default();
        for registration in all {
            registrations.put(registration);
        }
        registrations
    }

    /// Returns one.
    pub(crate) fn find(&self, id: EntityId) -> Option<&Registration> {
        self.all.get(&id)
    }

    /// Changes one, if it is there, and returns it as it is then.
    pub(crate) fn change(
        &mut self,
        id: EntityId,
        change: impl FnOnce(&mut Registration),
    ) -> Option<Registration> {
        let registration = self.all.get_mut(&id)?;
        change(registration);
        Some(registration.clone())
    }

    /// Puts one as it is now.
    pub(crate) fn put(&mut self, registration: Registration) {
        if let Some(flight) = registration.flight() {
            let of_flight = self.by_flight.entry(flight).or_default();
            if !of_flight.contains(&registration.id) {
                of_flight.push(registration.id);
            }
        }
        self.all.insert(registration.id, registration);
    }

    /// Removes one.
    pub(crate) fn remove(&mut self, id: EntityId) {
        let Some(registration) = self.all.remove(&id) else {
            return;
        };
        let Some(flight) = registration.flight() else {
            return;
        };
        let of_flight = self.by_flight.get_mut(&flight).expect("areas are found by their flights");
        of_flight.retain(|area| *area != id);
        if of_flight.is_empty() {
            self.by_flight.remove(&flight);
        }
    }

    /// Wants areas for what a flight is now, and those of what it was before no more; returns what
    /// changed.
    ///
    /// `volumes` are those of a flight that others are to see, in the version that comes with
    /// them; `None` if they are not to see it.
    pub(crate) fn follow(
        &mut self,
        flight: EntityId,
        shown: Option<(u32, &[&Volume])>,
        mut draw_id: impl FnMut() -> EntityId,
    ) -> Vec<Registration> {
        let mut changed = Vec::new();
        let mut is_there = false;
        for id in self.by_flight.get(&flight).cloned().unwrap_or_default() {
            let registration = self.all.get_mut(&id).expect("areas are found by their flights");
            let Purpose::ServiceArea { version, .. } = &registration.purpose else { continue };
            let wanted = shown.is_some_and(|(shown, _)| shown == *version);
            is_there |= wanted;
            if registration.wanted != wanted {
                registration.wanted = wanted;
                registration.refused = Refused::default();
                changed.push(registration.clone());
            }
        }
        if let Some((version, volumes)) = shown
            && !is_there
        {
            for extents in extents(volumes) {
                let purpose = Purpose::ServiceArea { flight, version, extents };
                let registration = Registration::new(draw_id(), purpose);
                self.put(registration.clone());
                changed.push(registration);
            }
        }
        changed
    }

    /// Returns the areas of a flight that are wanted.
    pub(crate) fn of_flight(&self, flight: EntityId) -> impl Iterator<Item = &Registration> {
        let ids = self.by_flight.get(&flight).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.find(*id)).filter(|one| one.wanted)
    }

    /// Returns the flights that have areas.
    pub(crate) fn flights(&self) -> impl Iterator<Item = EntityId> {
        self.by_flight.keys().copied()
    }

    /// Returns the watches that are wanted, ascending by id.
    pub(crate) fn watches(&self) -> impl Iterator<Item = (&Registration, &WatchedArea)> {
        let wanted = self.all.values().filter(|one| one.wanted);
        wanted.filter_map(|one| Some((one, one.watched()?)))
    }

    /// Tells whether there may be one more watch; those that the hub still has count.
    pub(crate) fn has_room(&self) -> bool {
        self.all.values().filter(|one| one.watched().is_some()).count() < WATCHES_MAX
    }

    /// Returns those of which the hub does not have what is wanted.
    pub(crate) fn unsettled(&self, now: Timestamp) -> Vec<EntityId> {
        let unsettled = self.all.values().filter(|one| one.next(now) != Next::Nothing);
        unsettled.map(|one| one.id).collect()
    }
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
