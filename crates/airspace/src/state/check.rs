//! The invariants between tables and indices, for tests.

use super::State;
use super::frozen::dependents_of;
use crate::entity::{Entity, Shared};
use crate::index::Index;
use crate::table::Table;

impl State {
    /// Checks everything that follows from the tables against them, and all hashes.
    ///
    /// It takes time in proportion to what is stored: for tests, not for a hub that serves.
    ///
    /// # Errors
    /// Says the first thing that does not fit.
    pub fn check(&self) -> Result<(), String> {
        let tables = &self.tables;
        let remote_id = &tables.remote_id;
        let indices = &self.remote_id_indices;
        let mut shared = Shared::default();
        check_kind(&tables.operational_intents, &self.operational_intent_index, &mut shared)?;
        check_kind(&tables.constraints, &self.constraint_index, &mut shared)?;
        check_kind(&tables.subscriptions, &self.subscription_index, &mut shared)?;
        check_kind(
            &remote_id.identification_service_areas,
            &indices.identification_service_areas,
            &mut shared,
        )?;
        check_kind(&remote_id.subscriptions, &indices.subscriptions, &mut shared)?;
        tables.uss_availabilities.check()?;
        self.check_ends()?;
        self.check_subscriptions()?;
        self.check_kept_outcomes(&mut shared)?;
        if shared != self.shared {
            return Err("parties or base URLs are not counted as stored".to_owned());
        }
        self.check_version()
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

    fn check_kept_outcomes(&self, shared: &mut Shared) -> Result<(), String> {
        self.tables.kept_outcomes.check()?;
        for (slot, kept) in self.tables.kept_outcomes.iter() {
            shared.parties.add_kept(&kept.party, (kept.position, kept.key));
            if !self.kept.contains(&(kept.position, slot)) {
                return Err("a kept outcome is not known by its position".to_owned());
            }
        }
        if self.kept.len() != self.tables.kept_outcomes.len() {
            return Err("a position leads to no kept outcome".to_owned());
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), String> {
        let counts = self.counts();
        let remote_id = counts.identification_service_areas + counts.remote_id_subscriptions;
        if 0 < remote_id && !self.tables.has_remote_id() {
            return Err("what a snapshot of this version does not hold is stored".to_owned());
        }
        Ok(())
    }
}

/// Checks a table and its index, and counts what it holds.
fn check_kind<E: Entity>(
    table: &Table<E>,
    index: &Index,
    shared: &mut Shared,
) -> Result<(), String> {
    table.check()?;
    index.check()?;
    let mut entries = 0;
    for (slot, stored) in table.iter() {
        shared.add(&mut stored.clone());
        entries += stored.occupied().cells.len();
        if !index.contains(slot, stored.occupied()) {
            return Err("something stored is not in its index".to_owned());
        }
    }
    if entries != index.len() {
        return Err(format!("{} entries are in the index of {entries}", index.len()));
    }
    Ok(())
}
