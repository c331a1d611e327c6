//! The invariants between tables and indices, for tests.

use super::State;
use super::frozen::dependents_of;
use crate::index::{Index, Occupied};
use crate::limits::{Parties, UssBaseUrls};
use crate::table::{Record, Table};

impl State {
    /// Checks everything that follows from the tables against them, and all hashes.
    ///
    /// It takes time in proportion to what is stored: for tests, not for a hub that serves.
    ///
    /// # Errors
    /// Says the first thing that does not fit.
    pub fn check(&self) -> Result<(), String> {
        let tables = &self.tables;
        tables.operational_intents.check()?;
        tables.constraints.check()?;
        tables.subscriptions.check()?;
        tables.uss_availabilities.check()?;
        tables.kept_outcomes.check()?;
        check_index(&self.operational_intent_index, &tables.operational_intents, |r| &r.occupied)?;
        check_index(&self.constraint_index, &tables.constraints, |r| &r.occupied)?;
        check_index(&self.subscription_index, &tables.subscriptions, |r| &r.occupied)?;
        self.check_ends()?;
        self.check_subscriptions()?;
        self.check_counts()
    }

    fn check_ends(&self) -> Result<(), String> {
        if self.dependents != dependents_of(&self.tables.operational_intents) {
            return Err("the dependents of subscriptions are not those stored".to_owned());
        }
        if self.ends != self.ends_of_tables() {
            return Err("the ends are not those of what is stored".to_owned());
        }
        Ok(())
    }

    fn check_subscriptions(&self) -> Result<(), String> {
        for (_, subscription) in self.tables.subscriptions.iter() {
            if subscription.implicit && self.dependents.count(subscription.id) == 0 {
                return Err(format!("nothing names implicit subscription {}", subscription.id));
            }
        }
        for (_, intent) in self.tables.operational_intents.iter() {
            let Some(id) = intent.subscription_id else {
                continue;
            };
            let is_gone = intent.occupied.bounds.ends_at <= self.horizon();
            match self.tables.subscriptions.record(&id) {
                Some(found) if found.manager != intent.manager && !is_gone => {
                    return Err(format!("{} names another party's subscription", intent.id));
                }
                None if !is_gone => return Err(format!("{} names no subscription", intent.id)),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_counts(&self) -> Result<(), String> {
        let mut parties = Parties::default();
        let mut urls = UssBaseUrls::default();
        for (_, stored) in self.tables.operational_intents.iter() {
            parties.add_entity(&stored.manager, stored.occupied.cells.len());
            urls.add(&stored.uss_base_url);
        }
        for (_, stored) in self.tables.constraints.iter() {
            parties.add_entity(&stored.manager, stored.occupied.cells.len());
            urls.add(&stored.uss_base_url);
        }
        for (_, stored) in self.tables.subscriptions.iter() {
            parties.add_entity(&stored.manager, stored.occupied.cells.len());
            urls.add(&stored.uss_base_url);
        }
        for (slot, kept) in self.tables.kept_outcomes.iter() {
            parties.add_kept(&kept.party, (kept.position, kept.key));
            if !self.kept.contains(&(kept.position, slot)) {
                return Err("a kept outcome is not known by its position".to_owned());
            }
        }
        if self.kept.len() != self.tables.kept_outcomes.len() {
            return Err("a position leads to no kept outcome".to_owned());
        }
        if parties != self.parties || urls != self.uss_base_urls {
            return Err("parties or base URLs are not counted as stored".to_owned());
        }
        Ok(())
    }
}

fn check_index<R: Record>(
    index: &Index,
    table: &Table<R>,
    occupied: impl Fn(&R) -> &Occupied,
) -> Result<(), String> {
    index.check()?;
    let mut entries = 0;
    for (slot, record) in table.iter() {
        entries += occupied(record).cells.len();
        if !index.contains(slot, occupied(record)) {
            return Err("something stored is not in its index".to_owned());
        }
    }
    if entries != index.len() {
        return Err(format!("{} entries are in the index of {entries}", index.len()));
    }
    Ok(())
}
