//! What the signed headers of a majority prove to a hub that was not there.
//!
//! A hub that is new, or that missed more than etcd keeps, takes entries or a snapshot from
//! another hub's copy. Nobody has to believe that hub: each batch is signed, the order is what a
//! majority's log hashes say, and a snapshot is one whose hash a majority announced.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{Hash, Header, HubId, Membership, Signature, StateHash};

/// A header without its entries.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedHeader {
    /// What the hub signed.
    pub header: Header,
    /// Its signature.
    pub signature: Signature,
}

/// Returns the state hashes that a majority of the admitted hubs has signed, ascending by position.
///
/// `membership` must be one that the genesis leads to ([`Membership::follow`]). Headers of hubs
/// that are not admitted, or not signed with their present keys, count nothing.
pub fn announced_by_majority(membership: &Membership, headers: &[SignedHeader]) -> Vec<StateHash> {
    let mut hubs: BTreeMap<(u64, Hash), BTreeSet<&HubId>> = BTreeMap::new();
    for signed in headers.iter().filter(|signed| is_good(membership, signed)) {
        if let Some(StateHash { position, hash }) = signed.header.report.state {
            hubs.entry((position, hash)).or_default().insert(&signed.header.slot.hub);
        }
    }
    let announced = hubs.into_iter().filter(|(_, hubs)| membership.majority() <= hubs.len());
    announced.map(|((position, hash), _)| StateHash { position, hash }).collect()
}

/// Returns up to which position a majority of the admitted hubs has signed the same log.
///
/// `chain_at` gives the chain of the copy in question. A hub vouches for the highest position at
/// which it has signed the chain of the copy, and so for all before it.
pub fn confirmed(
    membership: &Membership,
    headers: &[SignedHeader],
    chain_at: impl Fn(u64) -> Option<Hash>,
) -> u64 {
    let mut vouched: BTreeMap<&HubId, u64> = BTreeMap::new();
    for signed in headers.iter().filter(|signed| is_good(membership, signed)) {
        let applied = signed.header.report.applied;
        if chain_at(applied.position) == Some(applied.chain) {
            let highest = vouched.entry(&signed.header.slot.hub).or_default();
            *highest = applied.position.max(*highest);
        }
    }
    let mut positions: Vec<_> = vouched.into_values().collect();
    positions.sort_unstable_by(|one, other| other.cmp(one));
    positions.get(membership.majority() - 1).copied().unwrap_or(0)
}

fn is_good(membership: &Membership, signed: &SignedHeader) -> bool {
    let slot = &signed.header.slot;
    slot.pool == membership.pool()
        && membership
            .hub(&slot.hub)
            .is_some_and(|hub| signed.header.verify(&signed.signature, &hub.key))
}

#[cfg(test)]
mod tests {
    use spacetime::Timestamp;

    use super::*;
    use crate::{AppliedHead, Batch, Report, Slot, trial};

    fn membership() -> Membership {
        Membership::found(&trial::genesis(5, 5, 3))
    }

    /// The header of a hub that says how far it is and which state it has, signed with a key.
    fn header(hub: u16, key: u16, position: u64, chain: u8, state: u8) -> SignedHeader {
        let slot = Slot {
            pool: membership().pool(),
            epoch: 1,
            hub: trial::hub_id(hub),
            sequence: 1,
            previous: [0; 32],
        };
        let report = Report {
            applied: AppliedHead { position, chain: [chain; 32] },
            state: Some(StateHash { position: 100, hash: [state; 32] }),
            stamp: Timestamp::MIN,
            rules: trial::rules(),
        };
        let batch = Batch::sign(slot, report, Vec::new(), &trial::key(key)).expect("small");
        let (header, _, signature) = batch.into_parts();
        SignedHeader { header, signature }
    }

    fn chain_at(position: u64) -> Option<Hash> {
        (position <= 200).then_some([1; 32])
    }

    #[test]
    fn takes_the_state_that_a_majority_announced() {
        let two = [header(0, 0, 150, 1, 7), header(1, 1, 150, 1, 7)];
        let three = [&two[..], &[header(2, 2, 150, 1, 7)]].concat();

        assert_eq!(announced_by_majority(&membership(), &two), []);
        let announced = announced_by_majority(&membership(), &three);
        assert_eq!(announced, [StateHash { position: 100, hash: [7; 32] }]);
    }

    #[test]
    fn counts_a_hub_once_and_only_with_its_own_key() {
        let again = [0, 0, 0, 1].map(|hub| header(hub, hub, 150, 1, 7));
        let forged = [header(0, 0, 150, 1, 7), header(1, 1, 150, 1, 7), header(2, 1, 150, 1, 7)];
        let stranger = [header(0, 0, 150, 1, 7), header(1, 1, 150, 1, 7), header(9, 9, 150, 1, 7)];

        for headers in [again.to_vec(), forged.to_vec(), stranger.to_vec()] {
            assert_eq!(announced_by_majority(&membership(), &headers), []);
            assert_eq!(confirmed(&membership(), &headers, chain_at), 0);
        }
    }

    #[test]
    fn takes_no_header_of_another_pool() {
        let mut headers = [0, 1, 2].map(|hub| header(hub, hub, 150, 1, 7));
        let other = Membership::found(&trial::genesis(5, 4, 3));

        assert_eq!(announced_by_majority(&other, &headers), []);
        headers[0].header.report.stamp = Timestamp::MAX;
        assert_eq!(announced_by_majority(&membership(), &headers), []);
    }

    #[test]
    fn confirms_as_far_as_a_majority_has_signed() {
        let headers = [
            header(0, 0, 190, 1, 7),
            header(1, 1, 150, 1, 7),
            header(2, 2, 120, 1, 7),
            header(3, 3, 110, 1, 7),
        ];
        assert_eq!(confirmed(&membership(), &headers, chain_at), 120);

        // A hub that says something else, or that is further than the copy, vouches for nothing.
        let other = [header(2, 2, 180, 2, 7), header(4, 4, 300, 1, 7)];
        let with = [&headers[..2], &other[..]].concat();
        assert_eq!(confirmed(&membership(), &with, chain_at), 0);
        let with = [&headers[..], &other[..]].concat();
        assert_eq!(confirmed(&membership(), &with, chain_at), 120);
    }
}
