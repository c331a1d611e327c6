//! How much of something one party may hold while others may come.
//!
//! One rule serves requests in flight, bytes of bodies and bytes of answers: what a party holds may
//! not become more than what would still be free. One party alone gets half, two get a third each,
//! and there is always as much left for the next one as the greediest holds. A party that holds
//! nothing gets what it asks as long as there is room at all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use airspace::Party;

/// A bounded amount of something that parties hold parts of; clones share it.
#[derive(Clone, Debug)]
pub struct Share(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    capacity: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    total: u64,
    by_party: HashMap<Party, u64>,
}

/// A part that a party holds until this is dropped.
#[derive(Debug)]
pub struct Permit {
    share: Share,
    party: Party,
    amount: u64,
}

/// Why a party is not given what it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It holds as much as one party may while there is no more than that left.
    #[error("this party has as many requests under way as one party may")]
    PartyShare,
    /// There is nothing left for anybody.
    #[error("the hub has as many requests under way as it can take")]
    Full,
}

impl Share {
    /// Returns a share of so much.
    pub fn new(capacity: u64) -> Self {
        Share(Arc::new(Shared { capacity, held: Mutex::default() }))
    }

    /// Gives a party an amount, until the permit is dropped.
    pub fn enter(&self, party: &Party, amount: u64) -> Result<Permit, Denied> {
        self.take(party, amount)?;
        Ok(Permit { share: self.clone(), party: party.clone(), amount })
    }

    /// Returns how much is held by all parties together.
    pub fn held(&self) -> u64 {
        self.lock().total
    }

    fn take(&self, party: &Party, amount: u64) -> Result<(), Denied> {
        if amount == 0 {
            return Ok(());
        }
        let mut held = self.lock();
        let of_party = held.by_party.get(party).copied().unwrap_or(0);
        let free = self.0.capacity - held.total;
        if free < amount {
            return Err(if of_party == 0 { Denied::Full } else { Denied::PartyShare });
        }
        if of_party != 0 && free - amount < of_party.saturating_add(amount) {
            return Err(Denied::PartyShare);
        }
        held.total += amount;
        held.by_party.insert(party.clone(), of_party + amount);
        Ok(())
    }

    fn give_back(&self, party: &Party, amount: u64) {
        let mut held = self.lock();
        let of_party = held.by_party.get_mut(party).expect("a permit's party is counted");
        *of_party -= amount;
        if *of_party == 0 {
            held.by_party.remove(party);
        }
        held.total -= amount;
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Gives the party more.
    pub fn grow(&mut self, more: u64) -> Result<(), Denied> {
        self.share.take(&self.party, more)?;
        self.amount += more;
        Ok(())
    }

    /// Returns how much is held.
    pub fn amount(&self) -> u64 {
        self.amount
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.amount != 0 {
            self.share.give_back(&self.party, self.amount);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn party(name: &str) -> Party {
        Party::new(name).expect("a good name")
    }

    fn fill(share: &Share, party: &Party) -> Vec<Permit> {
        let mut permits = Vec::new();
        while let Ok(permit) = share.enter(party, 1) {
            permits.push(permit);
        }
        permits
    }

    #[test]
    fn gives_one_party_half() {
        let share = Share::new(100);

        let greedy = fill(&share, &party("greedy"));

        assert_eq!(greedy.len(), 50);
        assert_eq!(share.enter(&party("greedy"), 1).expect_err("it is full"), Denied::PartyShare);
    }

    #[test]
    fn leaves_room_for_a_modest_party_beside_greedy_ones() {
        let share = Share::new(100);
        let _one = fill(&share, &party("greedy"));
        let other = fill(&share, &party("greedy too"));

        let modest = share.enter(&party("modest"), 1);

        assert_eq!(other.len(), 25);
        assert!(modest.is_ok());
    }

    #[test]
    fn gives_a_party_that_holds_nothing_all_that_is_free() {
        let share = Share::new(10);

        let first = share.enter(&party("one"), 10).expect("there is room");

        assert_eq!(share.enter(&party("other"), 1).expect_err("it is full"), Denied::Full);
        drop(first);
        assert!(share.enter(&party("other"), 1).is_ok());
    }

    #[test]
    fn takes_back_what_a_permit_grew_to() {
        let share = Share::new(10);
        let mut permit = share.enter(&party("one"), 0).expect("there is room");

        permit.grow(4).expect("there is room");
        assert_eq!(permit.grow(2), Err(Denied::PartyShare));
        assert_eq!(share.held(), 4);
        drop(permit);

        assert_eq!(share.held(), 0);
        assert!(share.lock().by_party.is_empty());
    }
}
