//! What every kind of entity has: an owner, a USS that is reached somewhere, and a place.

use spacetime::Timestamp;

use crate::constraint::Constraint;
use crate::identification_service_area::IdentificationServiceArea;
use crate::index::Occupied;
use crate::limits::{Parties, UssBaseUrls};
use crate::operational_intent::OperationalIntent;
use crate::remote_id_subscription::RemoteIdSubscription;
use crate::subscription::Subscription;
use crate::table::{Record, Slot, Table};
use crate::{Party, UssBaseUrl};

/// A record of something that somebody has somewhere.
pub(crate) trait Entity: Record {
    fn owner(&self) -> &Party;
    fn owner_mut(&mut self) -> &mut Party;
    fn uss_base_url(&self) -> &UssBaseUrl;
    fn uss_base_url_mut(&mut self) -> &mut UssBaseUrl;
    fn occupied(&self) -> &Occupied;
    fn occupied_mut(&mut self) -> &mut Occupied;
}

/// What entities have in common, kept once and counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shared {
    pub(crate) parties: Parties,
    pub(crate) uss_base_urls: UssBaseUrls,
}

impl<E: Entity> Table<E> {
    /// Finds what is stored with an id and ended after `horizon`.
    pub(crate) fn find_live(&self, horizon: Timestamp, id: &E::Key) -> Option<Slot> {
        let slot = self.find(id)?;
        (horizon < self.at(slot).occupied().bounds.ends_at).then_some(slot)
    }
}

impl Shared {
    /// Counts an entity, which from now on has the one shared text of each.
    pub(crate) fn add<E: Entity>(&mut self, new: &mut E) {
        *new.owner_mut() = self.parties.add_entity(new.owner(), new.occupied().cells.len());
        *new.uss_base_url_mut() = self.uss_base_urls.add(new.uss_base_url());
    }

    /// Counts an entity in place of what it was; its owner is the same.
    pub(crate) fn replace<E: Entity>(&mut self, old: &E, new: &mut E) {
        *new.owner_mut() = old.owner().clone();
        *new.uss_base_url_mut() = self.uss_base_urls.add(new.uss_base_url());
        self.uss_base_urls.remove(old.uss_base_url());
        self.parties.change(old.owner(), |usage| {
            usage.cells += new.occupied().cells.len() as u64;
            usage.cells -= old.occupied().cells.len() as u64;
        });
    }

    /// Counts an entity no more.
    pub(crate) fn remove<E: Entity>(&mut self, removed: &E) {
        self.parties.remove_entity(removed.owner(), removed.occupied().cells.len());
        self.uss_base_urls.remove(removed.uss_base_url());
    }
}

macro_rules! entity {
    ($record:ty, $owner:ident) => {
        impl Entity for $record {
            fn owner(&self) -> &Party {
                &self.$owner
            }

            fn owner_mut(&mut self) -> &mut Party {
                &mut self.$owner
            }

            fn uss_base_url(&self) -> &UssBaseUrl {
                &self.uss_base_url
            }

            fn uss_base_url_mut(&mut self) -> &mut UssBaseUrl {
                &mut self.uss_base_url
            }

            fn occupied(&self) -> &Occupied {
                &self.occupied
            }

            fn occupied_mut(&mut self) -> &mut Occupied {
                &mut self.occupied
            }
        }
    };
}

entity!(OperationalIntent, manager);
entity!(Constraint, manager);
entity!(Subscription, manager);
entity!(IdentificationServiceArea, owner);
entity!(RemoteIdSubscription, owner);
