//! What each action does, and when it does nothing.

use super::*;
use crate::QuorumError;

/// Returns what a quorum makes of a membership.
fn after(before: &Membership, action: Action) -> Result<Membership, Refusal> {
    before.after(&signed(before, action, &[0, 1, 2]))
}

fn admit_hub(number: u16, of: u16, key_number: u16) -> Action {
    let key = key(key_number).public_key();
    Action::AdmitHub { id: hub_id(number), owner: owner_name(of), key }
}

fn bind(name: &str, hubs: &[u16]) -> Action {
    Action::Bind { party: party(name), hubs: hubs.iter().map(|hub| hub_id(*hub)).collect() }
}

#[test]
fn admits_a_hub() {
    let before = membership();

    let now = after(&before, admit_hub(7, 1, 50)).expect("good");

    let hub = now.hub(&hub_id(7)).expect("it is admitted");
    assert_eq!((hub.admitted, hub.key), (1, key(50).public_key()));
    assert!(now.allows("anybody", &hub_id(7)));
    for (action, refused) in [
        (admit_hub(1, 1, 50), Refusal::KnownHub(hub_id(1))),
        (admit_hub(7, 9, 50), Refusal::UnknownOwner(owner_name(9))),
        (admit_hub(7, 1, 2), Refusal::KeyInUse),
        (admit_hub(7, 1, 1002), Refusal::KeyInUse),
        (admit_hub(7, 1, 2002), Refusal::KeyInUse),
    ] {
        assert_eq!(after(&before, action), Err(refused));
    }
}

#[test]
fn admits_as_many_hubs_as_there_may_be_and_no_more() {
    let almost = Membership::found(&genesis(3, HUBS_MAX - 1, 2));

    let full = after(&almost, admit_hub(500, 1, 500)).expect("there is room");

    assert_eq!(after(&full, admit_hub(501, 1, 501)), Err(Refusal::TooManyHubs));
}

#[test]
fn removes_a_hub_unless_it_is_the_last() {
    let before = membership();

    let mut now = after(&before, remove_hub(3)).expect("good");
    assert!(!now.allows("anybody", &hub_id(3)));
    assert_eq!(after(&now, remove_hub(3)), Err(Refusal::UnknownHub(hub_id(3))));
    for number in [0, 1, 2] {
        now = after(&now, remove_hub(number)).expect("good");
    }
    assert_eq!(after(&now, remove_hub(4)), Err(Refusal::LastHub));
}

#[test]
fn gives_a_hub_no_key_that_is_in_use() {
    let before = membership();
    for used in [1, 2, 1001, 2000] {
        let change = replace_hub_key(&before, 1, used, 1);
        assert_eq!(refusal(&before, &change), Refusal::KeyInUse, "{used}");
    }
    let action = Action::ReplaceHubKey { id: hub_id(9), key: key(50).public_key() };
    let (pool, epoch, before_hash) = (before.pool(), before.epoch(), before.hash());
    let change = Change { pool, epoch, before: before_hash, action };
    let change = SignedChange::unsigned(change);
    assert_eq!(refusal(&before, &change), Refusal::UnknownHub(hub_id(9)));
}

#[test]
fn admits_an_owner_with_a_quorum_that_can_decide() {
    let before = membership();
    let admit = |number, quorum| Action::AdmitOwner { owner: owner(number), quorum };

    let now = after(&before, admit(9, 4)).expect("good");
    assert_eq!((now.owners().len(), now.quorum()), (6, 4));
    let too_small = Refusal::Quorum(QuorumError::NotMoreThanHalf);
    assert_eq!(after(&before, admit(9, 3)), Err(too_small));
    let too_large = Refusal::Quorum(QuorumError::MoreThanOwners);
    assert_eq!(after(&before, admit(9, 7)), Err(too_large));
    assert_eq!(after(&before, admit(4, 4)), Err(Refusal::KnownOwner(owner_name(4))));
    let key_in_use = Owner { key: key(3).public_key(), ..owner(9) };
    let action = Action::AdmitOwner { owner: key_in_use, quorum: 4 };
    assert_eq!(after(&before, action), Err(Refusal::KeyInUse));

    let almost = Membership::found(&genesis(OWNERS_MAX - 1, 1, 33));
    let all: Vec<_> = (0..40).collect();
    let full = almost.after(&signed(&almost, admit(900, 33), &all)).expect("there is room");
    let more = full.after(&signed(&full, admit(901, 34), &all));
    assert_eq!(more, Err(Refusal::TooManyOwners));
}

#[test]
fn removes_an_owner_with_its_hubs() {
    let before = membership();
    let remove = |number, quorum| Action::RemoveOwner { name: owner_name(number), quorum };

    let now = after(&before, remove(4, 3)).expect("good");
    assert_eq!((now.owner(&owner_name(4)), now.hub(&hub_id(4))), (None, None));
    assert_eq!(now.hubs().len(), 4);
    assert_eq!(after(&before, remove(9, 3)), Err(Refusal::UnknownOwner(owner_name(9))));
    let too_large = Refusal::Quorum(QuorumError::MoreThanOwners);
    assert_eq!(after(&before, remove(4, 5)), Err(too_large));

    let one = Membership::found(&genesis(1, 1, 1));
    let alone = one.after(&signed(&one, remove(0, 1), &[0]));
    assert_eq!(alone, Err(Refusal::LastOwner));
    let two = Membership::found(&genesis(2, 1, 2));
    let hubless = two.after(&signed(&two, remove(0, 1), &[0, 1]));
    assert_eq!(hubless, Err(Refusal::LastHub));
}

#[test]
fn takes_no_signature_of_a_removed_owner() {
    let before = membership();
    let action = Action::RemoveOwner { name: owner_name(2), quorum: 3 };
    let now = after(&before, action).expect("good");

    let change = signed(&now, remove_hub(4), &[0, 1, 2]);

    assert_eq!(refusal(&now, &change), Refusal::Signer(owner_name(2)));
}

#[test]
fn replaces_the_keys_of_an_owner_whose_old_ones_are_good_no_more() {
    let before = membership();
    let keys = Owner { key: key(70).public_key(), ..owner(1) };
    let replace = |owner: &Owner| Action::ReplaceOwnerKeys { owner: owner.clone() };

    let now = after(&before, replace(&keys)).expect("good");

    let old = signed(&now, remove_hub(4), &[0, 1, 2]);
    assert_eq!(refusal(&now, &old), Refusal::Signature(owner_name(1)));
    let mut new = signed(&now, remove_hub(4), &[0, 2]);
    new.sign(&owner_name(1), OwnerKey::Online, &key(70)).expect("few");
    assert!(now.after(&new).is_ok());
    for (keys, refused) in [
        (owner(1), Refusal::KeyInUse),
        (Owner { key: key(1002).public_key(), ..owner(1) }, Refusal::KeyInUse),
        (Owner { key: owner(1).offline_key, ..owner(1) }, Refusal::KeyInUse),
        (owner(9), Refusal::UnknownOwner(owner_name(9))),
    ] {
        assert_eq!(after(&before, replace(&keys)), Err(refused));
    }
}

#[test]
fn sets_a_quorum_that_can_decide() {
    let before = membership();

    let now = after(&before, Action::SetQuorum { quorum: 5 }).expect("good");
    assert_eq!(now.quorum(), 5);
    for quorum in [0, 2, 6] {
        let set = after(&before, Action::SetQuorum { quorum });
        assert!(matches!(set, Err(Refusal::Quorum(_))), "{quorum}");
    }
}

#[test]
fn binds_a_party_to_hubs_and_lets_it_go_again() {
    let before = membership();

    let bound = after(&before, bind("uss", &[1, 3])).expect("good");
    assert!(bound.allows("uss", &hub_id(1)) && bound.allows("uss", &hub_id(3)));
    assert!(!bound.allows("uss", &hub_id(2)));
    assert!(bound.allows("uss2", &hub_id(2)) && bound.allows("us", &hub_id(2)));
    let moved = after(&bound, bind("uss", &[2])).expect("good");
    assert!(moved.allows("uss", &hub_id(2)) && !moved.allows("uss", &hub_id(1)));
    let free = after(&moved, Action::Unbind { party: party("uss") }).expect("good");
    assert!(free.allows("uss", &hub_id(1)));
    assert_eq!(after(&free, Action::Unbind { party: party("uss") }), Err(Refusal::NotBound));
    for (hubs, refused) in [
        (&[][..], Refusal::HubList),
        (&[3, 1], Refusal::HubList),
        (&[1, 1], Refusal::HubList),
        (&[1, 9], Refusal::UnknownHub(hub_id(9))),
    ] {
        assert_eq!(after(&before, bind("uss", hubs)), Err(refused));
    }
}

#[test]
fn keeps_a_party_bound_whose_hubs_are_gone_even_from_a_new_one_of_that_name() {
    let bound = after(&membership(), bind("uss", &[1])).expect("good");

    let gone = after(&bound, remove_hub(1)).expect("good");
    assert!(!gone.allows("uss", &hub_id(1)) && !gone.allows("uss", &hub_id(2)));
    let anew = after(&gone, admit_hub(1, 3, 50)).expect("good");

    assert!(!anew.allows("uss", &hub_id(1)));
    assert!(anew.allows("other", &hub_id(1)));
}

#[test]
fn binds_as_many_parties_as_may_be_and_no_more() {
    let mut almost = membership();
    almost.bindings = (1..BINDINGS_MAX)
        .map(|number| crate::Binding { party: party(&format!("{number:04}")), hubs: Vec::new() })
        .collect();

    let full = after(&almost, bind("uss", &[1])).expect("there is room");

    assert_eq!(after(&full, bind("more", &[1])), Err(Refusal::TooManyBindings));
    assert!(after(&full, bind("uss", &[2])).is_ok());
}

#[test]
fn opens_no_epoch_after_the_last() {
    let mut last = membership();
    last.epoch = u32::MAX;
    let action = Action::OpenEpoch { head: AppliedHead::default() };

    assert_eq!(after(&last, action), Err(Refusal::EpochHere));
}

#[test]
fn keeps_what_could_be_a_pool_whatever_is_decided() {
    let mut now = membership();
    for action in [
        bind("uss", &[0, 4]),
        admit_hub(9, 1, 50),
        Action::RemoveOwner { name: owner_name(4), quorum: 3 },
        Action::Readmit { id: hub_id(0) },
        Action::AdmitOwner { owner: owner(8), quorum: 3 },
        remove_hub(0),
    ] {
        now = after(&now, action).expect("good");

        assert_eq!(now.check(), Ok(()));
        let bytes = crate::canonical::to_bytes(&now);
        assert_eq!(Membership::try_from_slice(&bytes).expect("its own form"), now);
    }
    assert_eq!(trial::genesis(5, 5, 3).fingerprint(), now.pool());
}
