//! Decides whether a hub begins with a snapshot or with entries.

/// What this hub's own copy is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mine {
    /// How far it is, 0 where there is none.
    pub(super) position: u64,
    /// The hub has ended because no other hub had the entries that it needs.
    pub(super) is_wanted: bool,
}

/// What another hub has said of its copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other {
    /// How far it is.
    pub(super) position: u64,
    /// After which position it has entries.
    pub(super) begins_after: u64,
}

/// How a hub begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// With a snapshot.
    pub(super) takes_snapshot: bool,
    /// Entries are to be had, too.
    pub(super) has_entries: bool,
    /// How many are missing.
    pub(super) missing: u64,
}

/// Returns how a hub begins: with entries where few are missing, or where nobody answers.
///
/// A copy that has entries goes on with entries as long as another hub has the next: it would begin
/// later otherwise. And where few are missing etcd may well have them, so then only when the hub has
/// found that it has not.
pub(super) fn way(mine: Mine, others: impl Iterator<Item = Other>, entries_max: u64) -> Way {
    let mut way = Way { takes_snapshot: false, has_entries: false, missing: 0 };
    for other in others {
        way.has_entries |= other.begins_after <= mine.position;
        way.missing = way.missing.max(other.position.saturating_sub(mine.position));
    }
    let is_many = entries_max < way.missing;
    way.takes_snapshot = 0 < way.missing
        && match mine.position {
            0 => is_many || !way.has_entries,
            _ => !way.has_entries && (is_many || mine.is_wanted),
        };
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(mine: (u64, bool), others: &[(u64, u64)]) -> bool {
        let (position, is_wanted) = mine;
        let others = others.iter();
        let others = others.map(|&(position, begins_after)| Other { position, begins_after });
        way(Mine { position, is_wanted }, others, 100).takes_snapshot
    }

    #[test]
    fn begins_with_entries_where_few_are_missing_or_nobody_answers() {
        assert!(!takes((0, false), &[]));
        assert!(!takes((0, false), &[(0, 0)]));
        assert!(!takes((0, false), &[(100, 0)]));
        assert!(!takes((0, false), &[(100, 0), (100, 64)]));
    }

    #[test]
    fn begins_with_a_snapshot_where_many_are_missing_or_nobody_has_them() {
        assert!(takes((0, false), &[(101, 0)]));
        assert!(takes((0, false), &[(3, 0), (101, 0)]));
        assert!(takes((0, false), &[(100, 64)]));
        assert!(takes((0, false), &[(100, 64), (100, 1)]));
    }

    #[test]
    fn goes_on_with_a_copy_as_long_as_that_can_be() {
        assert!(!takes((10, false), &[(1_000, 10)]));
        assert!(!takes((10, true), &[(1_000, 11), (900, 0)]));
        assert!(takes((10, false), &[(1_000, 11)]));
        // Perhaps etcd has them: only once it was found that it has not.
        assert!(!takes((10, false), &[(110, 11)]));
        assert!(takes((10, true), &[(110, 11)]));
        assert!(!takes((110, true), &[(110, 111)]));
    }
}
