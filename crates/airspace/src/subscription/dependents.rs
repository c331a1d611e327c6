//! Which operational intents name which subscription.

use std::collections::{BTreeMap, BTreeSet};

use spacetime::Timestamp;

use crate::SubscriptionId;
use crate::table::Slot;

/// Stored operational intents by the subscription that they name, then by end.
///
/// A subscription may be gone while an operational intent that is gone too still names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dependents {
    by_end: BTreeSet<(SubscriptionId, Timestamp, Slot)>,
    /// How many each subscription has; one alone is not counted here, since most have one.
    counts: BTreeMap<SubscriptionId, usize>,
}

impl Dependents {
    /// Adds what is not there yet.
    pub(crate) fn insert(&mut self, id: SubscriptionId, ends_at: Timestamp, slot: Slot) {
        let count = self.count(id) + 1;
        let inserted = self.by_end.insert((id, ends_at, slot));
        assert!(inserted, "an operational intent is attached once");
        if 1 < count {
            self.counts.insert(id, count);
        }
    }

    /// Removes what is there.
    pub(crate) fn remove(&mut self, id: SubscriptionId, ends_at: Timestamp, slot: Slot) {
        let count = self.count(id) - 1;
        let removed = self.by_end.remove(&(id, ends_at, slot));
        assert!(removed, "an operational intent is attached to what it names");
        if 1 < count {
            self.counts.insert(id, count);
        } else {
            self.counts.remove(&id);
        }
    }

    /// Returns how many name a subscription, gone or not.
    pub(crate) fn count(&self, id: SubscriptionId) -> usize {
        let first = (id, Timestamp::MIN, Slot::FIRST);
        let last = (id, Timestamp::MAX, Slot::LAST);
        match self.counts.get(&id) {
            Some(count) => *count,
            None => usize::from(self.by_end.range(first..=last).next().is_some()),
        }
    }

    /// Returns those of a subscription that end after `horizon`.
    pub(crate) fn after(
        &self,
        horizon: Timestamp,
        id: SubscriptionId,
    ) -> impl Iterator<Item = Slot> {
        // Slots are below the last, so nothing that ends at the horizon itself is in the range.
        let range = (id, horizon, Slot::LAST)..=(id, Timestamp::MAX, Slot::LAST);
        self.by_end.range(range).map(|(_, _, slot)| *slot)
    }
}

impl FromIterator<(SubscriptionId, Timestamp, Slot)> for Dependents {
    fn from_iter<I: IntoIterator<Item = (SubscriptionId, Timestamp, Slot)>>(all: I) -> Self {
        let by_end: BTreeSet<_> = all.into_iter().collect();
        let mut counts = BTreeMap::new();
        for (id, _, _) in &by_end {
            *counts.entry(*id).or_insert(0) += 1;
        }
        counts.retain(|_, count| 1 < *count);
        Dependents { by_end, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> SubscriptionId {
        SubscriptionId::from_random_bytes([number; 16])
    }

    #[test]
    fn counts_from_none_to_many_and_back() {
        let mut dependents = Dependents::default();
        let all: Vec<_> =
            (0..4).map(|number| (id(1), Timestamp::MAX, Slot::numbered(number))).collect();
        dependents.insert(id(2), Timestamp::MIN, Slot::numbered(9));

        for (before, (id, ends_at, slot)) in all.iter().enumerate() {
            assert_eq!(dependents.count(*id), before);
            dependents.insert(*id, *ends_at, *slot);
        }
        let other = (id(2), Timestamp::MIN, Slot::numbered(9));
        assert_eq!(dependents, all.iter().copied().chain([other]).collect());
        for (after, (id, ends_at, slot)) in all.iter().enumerate().rev() {
            dependents.remove(*id, *ends_at, *slot);
            assert_eq!(dependents.count(*id), after);
        }
        assert_eq!(dependents.count(id(2)), 1);
        assert_eq!(dependents, [other].into_iter().collect());
    }

    #[test]
    fn tells_those_that_end_after_the_horizon() {
        let time = |micros| Timestamp::from_micros(micros).expect("in range");
        let dependents: Dependents =
            (0..3).map(|number| (id(1), time(number), Slot::numbered(number as u32))).collect();
        let after = |horizon| dependents.after(horizon, id(1)).collect::<Vec<_>>();

        assert_eq!(after(time(-1)).len(), 3);
        assert_eq!(after(time(0)), [Slot::numbered(1), Slot::numbered(2)]);
        assert_eq!(after(time(2)), []);
        assert_eq!(after(Timestamp::MAX), []);
    }
}
