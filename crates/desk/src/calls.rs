//! What outgoing calls there are, how they ended and how long they took.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// An outgoing call, by what it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallName {
    /// Asks the token endpoint for a token.
    FetchToken,
    /// `queryOperationalIntentReferences` at the hub.
    QueryOperationalIntentReferences,
    /// `getOperationalIntentReference` at the hub.
    GetOperationalIntentReference,
    /// `createOperationalIntentReference` or `updateOperationalIntentReference` at the hub.
    PutOperationalIntentReference,
    /// `deleteOperationalIntentReference` at the hub.
    DeleteOperationalIntentReference,
    /// `queryConstraintReferences` at the hub.
    QueryConstraintReferences,
    /// `getConstraintReference` at the hub.
    GetConstraintReference,
    /// `createConstraintReference` or `updateConstraintReference` at the hub.
    PutConstraintReference,
    /// `deleteConstraintReference` at the hub.
    DeleteConstraintReference,
    /// `getOperationalIntentDetails` at a peer.
    GetOperationalIntentDetails,
    /// `notifyOperationalIntentDetailsChanged` at a peer.
    NotifyOperationalIntentDetails,
    /// `getConstraintDetails` at a peer.
    GetConstraintDetails,
    /// `notifyConstraintDetailsChanged` at a peer.
    NotifyConstraintDetails,
    /// `searchIdentificationServiceAreas` at the hub.
    SearchIdentificationServiceAreas,
    /// `getIdentificationServiceArea` at the hub.
    GetIdentificationServiceArea,
    /// `createIdentificationServiceArea` at the hub.
    PutIdentificationServiceArea,
    /// `deleteIdentificationServiceArea` at the hub.
    DeleteIdentificationServiceArea,
    /// `getSubscription` of F3411-22a at the hub.
    GetRemoteIdSubscription,
    /// `createSubscription` or `updateSubscription` of F3411-22a at the hub.
    PutRemoteIdSubscription,
    /// `deleteSubscription` of F3411-22a at the hub.
    DeleteRemoteIdSubscription,
    /// `searchFlights` at a peer.
    SearchFlights,
    /// `postIdentificationServiceArea` at a peer.
    NotifyIdentificationServiceArea,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// With a status below 400.
    Answered,
    /// With a status of 400 or above.
    Refused,
    /// Without an answer that could be used.
    Failed,
}

/// How calls of one name went so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallStats {
    /// Which calls.
    pub name: CallName,
    /// How many were answered with a status below 400.
    pub answered: u64,
    /// How many were answered with a status of 400 or above.
    pub refused: u64,
    /// How many got no answer that could be used.
    pub failed: u64,
    /// Half of them took no longer than this; accurate to an eighth.
    pub p50: Duration,
    /// 99 of 100 took no longer than this; accurate to an eighth.
    pub p99: Duration,
    /// The longest took no longer than this; accurate to an eighth.
    pub longest: Duration,
}

/// Counts calls by name.
#[derive(Debug, Default)]
pub(crate) struct Calls([Tally; CallName::ALL.len()]);

/// Durations fall into buckets that each span an eighth of a power of two microseconds.
const BUCKETS_PER_OCTAVE: u64 = 8;
/// Enough for 2^28 us, more than four minutes; what is longer counts as that.
const BUCKETS: usize = 28 * BUCKETS_PER_OCTAVE as usize;

#[derive(Debug)]
struct Tally {
    answered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

impl CallName {
    /// Every name, in the order of their declaration.
    pub const ALL: [CallName; 22] = [
        CallName::FetchToken,
        CallName::QueryOperationalIntentReferences,
        CallName::GetOperationalIntentReference,
        CallName::PutOperationalIntentReference,
        CallName::DeleteOperationalIntentReference,
        CallName::QueryConstraintReferences,
        CallName::GetConstraintReference,
        CallName::PutConstraintReference,
        CallName::DeleteConstraintReference,
        CallName::GetOperationalIntentDetails,
        CallName::NotifyOperationalIntentDetails,
        CallName::GetConstraintDetails,
        CallName::NotifyConstraintDetails,
        CallName::SearchIdentificationServiceAreas,
        CallName::GetIdentificationServiceArea,
        CallName::PutIdentificationServiceArea,
        CallName::DeleteIdentificationServiceArea,
        CallName::GetRemoteIdSubscription,
        CallName::PutRemoteIdSubscription,
        CallName::DeleteRemoteIdSubscription,
        CallName::SearchFlights,
        CallName::NotifyIdentificationServiceArea,
    ];

    /// Returns the name in `snake_case`.
    pub const fn as_str(self) -> &'static str {
        match self {
            CallName::FetchToken => "fetch_token",
            CallName::QueryOperationalIntentReferences => "query_operational_intent_references",
            CallName::GetOperationalIntentReference => "get_operational_intent_reference",
            CallName::PutOperationalIntentReference => "put_operational_intent_reference",
            CallName::DeleteOperationalIntentReference => "delete_operational_intent_reference",
            CallName::QueryConstraintReferences => "query_constraint_references",
            CallName::GetConstraintReference => "get_constraint_reference",
            CallName::PutConstraintReference => "put_constraint_reference",
            CallName::DeleteConstraintReference => "delete_constraint_reference",
            CallName::GetOperationalIntentDetails => "get_operational_intent_details",
            CallName::NotifyOperationalIntentDetails => "notify_operational_intent_details",
            CallName::GetConstraintDetails => "get_constraint_details",
            CallName::NotifyConstraintDetails => "notify_constraint_details",
            CallName::SearchIdentificationServiceAreas => "search_identification_service_areas",
            CallName::GetIdentificationServiceArea => "get_identification_service_area",
            CallName::PutIdentificationServiceArea => "put_identification_service_area",
            CallName::DeleteIdentificationServiceArea => "delete_identification_service_area",
            CallName::GetRemoteIdSubscription => "get_remote_id_subscription",
            CallName::PutRemoteIdSubscription => "put_remote_id_subscription",
            CallName::DeleteRemoteIdSubscription => "delete_remote_id_subscription",
            CallName::SearchFlights => "search_flights",
            CallName::NotifyIdentificationServiceArea => "notify_identification_service_area",
        }
    }
}

impl fmt::Display for CallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Calls {
    /// Counts a call that ended.
    pub(crate) fn count(&self, name: CallName, ending: Ending, took: Duration) {
        let tally = &self.0[name as usize];
        let counter = match ending {
            Ending::Answered => &tally.answered,
            Ending::Refused => &tally.refused,
            Ending::Failed => &tally.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        tally.buckets[bucket(took)].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns what was counted, for every name that was called at all.
    pub(crate) fn stats(&self) -> Vec<CallStats> {
        let all = CallName::ALL.iter().zip(&self.0);
        all.filter_map(|(name, tally)| tally.stats(*name)).collect()
    }
}

impl Tally {
    fn stats(&self, name: CallName) -> Option<CallStats> {
        let counts: Vec<u64> = self.buckets.iter().map(|b| b.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        Some(CallStats {
            name,
            answered: self.answered.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            p50: longest_of(&counts, total.div_ceil(2)),
            p99: longest_of(&counts, total - total / 100),
            longest: longest_of(&counts, total),
        })
    }
}

impl Default for Tally {
    fn default() -> Self {
        Tally {
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

/// Returns the upper bound of the bucket in which the `rank`-th shortest duration lies.
fn longest_of(counts: &[u64], rank: u64) -> Duration {
    let mut seen = 0;
    for (bucket, count) in counts.iter().enumerate() {
        seen += count;
        if rank <= seen {
            return upper_bound(bucket);
        }
    }
    upper_bound(BUCKETS - 1)
}

fn bucket(took: Duration) -> usize {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    if micros < BUCKETS_PER_OCTAVE {
        return usize::try_from(micros).expect("below eight");
    }
    // Three bits after the leading one choose the bucket within the octave.
    let octave = u64::from(micros.ilog2()) - 3;
    let within = (micros >> octave) - BUCKETS_PER_OCTAVE;
    let index = BUCKETS_PER_OCTAVE * (octave + 1) + within;
    usize::try_from(index).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> Duration {
    let bucket = u64::try_from(bucket).expect("a small number");
    if bucket < BUCKETS_PER_OCTAVE {
        return Duration::from_micros(bucket);
    }
    let octave = bucket / BUCKETS_PER_OCTAVE - 1;
    let within = bucket % BUCKETS_PER_OCTAVE;
    Duration::from_micros(((BUCKETS_PER_OCTAVE + within + 1) << octave) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_every_name_at_its_own_place() {
        for (place, name) in CallName::ALL.iter().enumerate() {
            assert_eq!(*name as usize, place, "{name}");
        }
    }

    #[test]
    fn bounds_every_duration_from_above_by_at_most_an_eighth() {
        for micros in (0..2_000).chain([12_345, 1_000_000, 5_000_001, 60_000_000]) {
            let took = Duration::from_micros(micros);

            let bound = upper_bound(bucket(took));

            assert!(took <= bound, "{micros} us: {bound:?}");
            assert!(bound.as_micros() <= u128::from(micros + micros / 8), "{micros} us: {bound:?}");
        }
    }

    #[test]
    fn takes_hours_for_the_last_bucket() {
        assert_eq!(bucket(Duration::from_secs(36_000)), BUCKETS - 1);
    }

    #[test]
    fn tells_percentiles_and_endings() {
        let calls = Calls::default();
        for millis in 1..=100 {
            let ending = if millis == 100 { Ending::Failed } else { Ending::Answered };
            calls.count(CallName::FetchToken, ending, Duration::from_millis(millis));
        }
        calls.count(CallName::GetConstraintDetails, Ending::Refused, Duration::ZERO);

        let stats = calls.stats();

        assert_eq!(stats.len(), 2);
        assert_eq!((stats[0].answered, stats[0].refused, stats[0].failed), (99, 0, 1));
        assert!(Duration::from_millis(50) <= stats[0].p50, "{:?}", stats[0]);
        assert!(stats[0].p50 < Duration::from_millis(57), "{:?}", stats[0]);
        assert!(Duration::from_millis(99) <= stats[0].p99, "{:?}", stats[0]);
        assert!(Duration::from_millis(100) <= stats[0].longest, "{:?}", stats[0]);
        assert_eq!((stats[1].refused, stats[1].longest), (1, Duration::ZERO));
    }
}
