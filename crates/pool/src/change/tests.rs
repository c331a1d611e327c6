use proptest::prelude::*;

use super::*;
use crate::trial::{self, genesis, hub_id, key, offline, online, owner, owner_name, signed};
use crate::{BINDINGS_MAX, Founding, Genesis, HUB_KEYS_MAX, Membership};

mod actions;

fn membership() -> Membership {
    Membership::found(&genesis(5, 5, 3))
}

fn party(name: &str) -> PartyName {
    PartyName::new(name).expect("a name")
}

fn remove_hub(number: u16) -> Action {
    Action::RemoveHub { id: hub_id(number) }
}

fn replace_hub_key(membership: &Membership, hub: u16, new: u16, owner: u16) -> SignedChange {
    let action = Action::ReplaceHubKey { id: hub_id(hub), key: key(new).public_key() };
    let mut change = signed(membership, action, &[owner]);
    change.sign_with_new_key(&key(new));
    change
}

fn refusal(membership: &Membership, change: &SignedChange) -> Refusal {
    membership.after(change).expect_err("it must be refused")
}

#[test]
fn needs_a_quorum_of_different_owners() {
    let before = membership();

    let two = signed(&before, remove_hub(4), &[0, 1]);
    let too_few = Refusal::TooFewSignatures { needed: 3, signed: 2 };
    assert_eq!(refusal(&before, &two), too_few);
    let again = signed(&before, remove_hub(4), &[0, 1, 1, 0, 1]);
    assert_eq!(refusal(&before, &again), too_few);
    let none = SignedChange::unsigned(two.change.clone());
    assert_eq!(refusal(&before, &none), Refusal::TooFewSignatures { needed: 3, signed: 0 });
    assert!(before.after(&signed(&before, remove_hub(4), &[0, 2, 4])).is_ok());
    assert!(before.after(&signed(&before, remove_hub(4), &[0, 1, 2, 3, 4])).is_ok());
}

#[test]
fn rehearses_what_nobody_has_signed() {
    let before = membership();
    let four = signed(&before, remove_hub(4), &[0, 1, 2]);
    let mut elsewhere = four.change.clone();
    elsewhere.epoch += 1;

    assert_eq!(before.rehearse(&four.change), before.after(&four));
    assert_eq!(before.rehearse(&elsewhere), Err(Refusal::OtherEpoch));
    let unknown = signed(&before, remove_hub(9), &[]).change;
    assert_eq!(before.rehearse(&unknown), Err(Refusal::UnknownHub(hub_id(9))));
}

#[test]
fn takes_either_key_of_an_owner_but_each_owner_once() {
    let before = membership();
    let mut change = signed(&before, remove_hub(4), &[0, 1]);
    change.sign(&owner_name(2), OwnerKey::Offline, &offline(2)).expect("few");

    assert!(before.after(&change).is_ok());

    let mut both = signed(&before, remove_hub(4), &[0, 1]);
    both.sign(&owner_name(1), OwnerKey::Offline, &offline(1)).expect("few");
    assert_eq!(both.signatures().len(), 2);
}

#[test]
fn wants_the_offline_keys_where_it_is_about_owners() {
    let before = membership();
    let actions = [
        Action::AdmitOwner { owner: owner(9), quorum: 4 },
        Action::RemoveOwner { name: owner_name(4), quorum: 3 },
        Action::ReplaceOwnerKeys { owner: Owner { key: key(77).public_key(), ..owner(0) } },
        Action::SetQuorum { quorum: 4 },
    ];
    for action in actions {
        assert!(before.after(&signed(&before, action.clone(), &[0, 1, 2])).is_ok(), "{action:?}");

        let mut change = signed(&before, action, &[0, 1]);
        change.sign(&owner_name(2), OwnerKey::Online, &online(2)).expect("few");
        assert_eq!(refusal(&before, &change), Refusal::OnlineKey(owner_name(2)));
        // An online key that is passed off as the offline one is not good.
        change.sign(&owner_name(2), OwnerKey::Offline, &online(2)).expect("few");
        assert_eq!(refusal(&before, &change), Refusal::Signature(owner_name(2)));
    }
}

#[test]
fn has_no_effect_with_a_signature_of_a_stranger() {
    let before = membership();

    let stranger = signed(&before, remove_hub(4), &[0, 1, 9]);
    assert_eq!(refusal(&before, &stranger), Refusal::Signer(owner_name(9)));
    let with_stranger = signed(&before, remove_hub(4), &[0, 1, 2, 9]);
    assert_eq!(refusal(&before, &with_stranger), Refusal::Signer(owner_name(9)));
}

#[test]
fn has_no_effect_with_any_signature_that_is_not_good() {
    let before = membership();
    let mut forged = signed(&before, remove_hub(4), &[0, 1, 2]);
    forged.sign(&owner_name(3), OwnerKey::Online, &online(0)).expect("few");
    assert_eq!(refusal(&before, &forged), Refusal::Signature(owner_name(3)));

    // A signature for another change, of the same owners, in the same pool.
    let mut other = signed(&before, remove_hub(3), &[0, 1, 2]);
    other.change.action = remove_hub(4);
    assert_eq!(refusal(&before, &other), Refusal::Signature(owner_name(0)));
}

#[test]
fn works_once() {
    let before = membership();
    let change = signed(&before, remove_hub(4), &[0, 1, 2]);

    let after = before.after(&change).expect("good");

    assert_eq!(after.number(), 1);
    assert_eq!(refusal(&after, &change), Refusal::Before);
}

#[test]
fn never_works_again_when_everything_is_as_it_was() {
    let start = membership();
    let bind = Action::Bind { party: party("uss"), hubs: vec![hub_id(0)] };
    let bind = signed(&start, bind, &[0, 1, 2]);
    let bound = start.after(&bind).expect("good");
    let unbind = signed(&bound, Action::Unbind { party: party("uss") }, &[0, 1, 2]);
    let unbound = bound.after(&unbind).expect("good");

    assert_eq!(unbound.bindings(), start.bindings());
    assert_eq!(refusal(&unbound, &bind), Refusal::Before);
    assert_eq!(refusal(&unbound, &unbind), Refusal::Before);
}

#[test]
fn works_in_its_pool_and_epoch_only() {
    let before = membership();
    let change = signed(&before, remove_hub(4), &[0, 1, 2]);

    let founding = Founding { nonce: [8; 32], ..genesis(5, 5, 3).founding().clone() };
    let other = Membership::found(&Genesis::new(founding).expect("valid"));
    assert_eq!(refusal(&other, &change), Refusal::OtherPool);

    let head = AppliedHead { position: 9, chain: [9; 32] };
    let open = signed(&before, Action::OpenEpoch { head }, &[0, 1, 2]);
    let next = before.after(&open).expect("good");
    assert_eq!(next.epoch(), 2);
    assert_eq!(refusal(&next, &change), Refusal::OtherEpoch);
    assert_eq!(refusal(&next, &open), Refusal::OtherEpoch);
}

#[test]
fn lets_an_owner_alone_replace_the_key_of_its_own_hub() {
    let before = membership();

    let after = before.after(&replace_hub_key(&before, 1, 50, 1)).expect("good");
    assert_eq!(after.hub(&hub_id(1)).expect("a hub").key, key(50).public_key());

    let stranger = replace_hub_key(&before, 1, 50, 2);
    assert_eq!(refusal(&before, &stranger), Refusal::Signer(owner_name(2)));
    let mut together = replace_hub_key(&before, 1, 50, 1);
    together.sign(&owner_name(2), OwnerKey::Online, &online(2)).expect("few");
    assert_eq!(refusal(&before, &together), Refusal::Signer(owner_name(2)));
}

#[test]
fn replaces_a_hubs_key_once() {
    let before = membership();
    let change = replace_hub_key(&before, 1, 50, 1);
    let after = before.after(&change).expect("good");
    let back = replace_hub_key(&after, 1, 1, 1);
    let back = after.after(&back).expect("good");

    assert_eq!(back.hub(&hub_id(1)).expect("a hub").key, key(1).public_key());
    assert_eq!(refusal(&back, &change), Refusal::Before);
}

#[test]
fn lets_nobody_take_a_key_that_it_does_not_have() {
    let before = membership();
    let action = Action::ReplaceHubKey { id: hub_id(1), key: key(50).public_key() };
    let mut change = signed(&before, action, &[1]);
    assert_eq!(refusal(&before, &change), Refusal::Possession);

    change.sign_with_new_key(&key(51));
    assert_eq!(refusal(&before, &change), Refusal::Possession);
    change.sign_with_new_key(&key(50));
    assert!(before.after(&change).is_ok());

    let mut other = signed(&before, remove_hub(4), &[0, 1, 2]);
    other.sign_with_new_key(&key(50));
    assert_eq!(refusal(&before, &other), Refusal::Possession);
}

#[test]
fn is_not_made_void_by_an_owner_that_replaces_its_hubs_key_in_between() {
    let before = membership();
    let removal =
        signed(&before, Action::RemoveOwner { name: owner_name(1), quorum: 3 }, &[0, 2, 3]);

    let evasion = before.after(&replace_hub_key(&before, 1, 50, 1)).expect("good");

    let after = evasion.after(&removal).expect("still good");
    assert_eq!(after.owner(&owner_name(1)), None);
}

#[test]
fn lets_an_owner_replace_a_key_only_so_often_until_the_quorum_looks_at_it() {
    let mut now = membership();
    let at = now.hubs.iter().position(|hub| hub.id == hub_id(1)).expect("a hub");
    now.hubs[at].keys_replaced = HUB_KEYS_MAX - 1;

    now = now.after(&replace_hub_key(&now, 1, 50, 1)).expect("the last one");
    assert_eq!(refusal(&now, &replace_hub_key(&now, 1, 51, 1)), Refusal::TooManyKeys);

    now = now.after(&signed(&now, Action::Readmit { id: hub_id(1) }, &[0, 1, 2])).expect("good");
    assert!(now.after(&replace_hub_key(&now, 1, 51, 1)).is_ok());
}

#[test]
fn leads_from_the_genesis_to_the_members_of_today() {
    let genesis = genesis(5, 5, 3);
    let mut now = Membership::found(&genesis);
    let mut changes = Vec::new();
    for number in 1..4 {
        changes.push(signed(&now, remove_hub(number), &[0, 1, 2]));
        now = now.after(&changes[changes.len() - 1]).expect("good");
        changes.push(replace_hub_key(&now, 4, 50 + number, 4));
        now = now.after(&changes[changes.len() - 1]).expect("good");
    }

    assert_eq!(Membership::follow(&genesis, &changes), Ok(now));
    assert_eq!(Membership::follow(&genesis, &changes[2..]), Err(Refusal::Before));
    changes.swap(0, 2);
    assert_eq!(Membership::follow(&genesis, &changes), Err(Refusal::Before));
}

#[test]
fn takes_a_signature_of_every_owner_there_may_be() {
    let many = Membership::found(&genesis(OWNERS_MAX, HUBS_MAX, 33));
    let most = u16::try_from(OWNERS_MAX).expect("small");
    let party = party(&"p".repeat(PartyName::LENGTH_MAX));
    let hubs: Vec<_> = many.hubs().iter().map(|hub| hub.id.clone()).collect();
    let all: Vec<_> = (0..most).collect();
    let mut change = signed(&many, Action::Bind { party, hubs }, &all);

    let bytes = change.to_bytes();
    assert!(bytes.len() <= CHANGE_BYTES_MAX, "{} bytes", bytes.len());
    assert_eq!(SignedChange::from_bytes(&bytes).expect("its own form"), change);
    assert!(many.after(&change).is_ok());
    let one_more = change.sign(&owner_name(most), OwnerKey::Online, &online(most));
    assert_eq!(one_more, Err(SignError));
}

#[test]
fn is_read_from_its_own_form_only() {
    let before = membership();
    let change = signed(&before, remove_hub(4), &[0, 1, 2]);

    let mut twice = change.clone();
    twice.signatures[1] = twice.signatures[0].clone();
    assert!(SignedChange::from_bytes(&twice.to_bytes()).is_err());
    let mut reversed = change.clone();
    reversed.signatures.reverse();
    assert!(SignedChange::from_bytes(&reversed.to_bytes()).is_err());
    assert!(SignedChange::from_bytes(&vec![1; CHANGE_BYTES_MAX + 1]).is_err());
}

proptest! {
    #[test]
    fn has_no_effect_after_any_byte_was_changed(
        index: prop::sample::Index,
        mask in 1..=255_u8,
    ) {
        let before = membership();
        let mut bytes = signed(&before, remove_hub(4), &[0, 1, 2]).to_bytes();
        let index = index.index(bytes.len());
        bytes[index] ^= mask;

        if let Ok(read) = SignedChange::from_bytes(&bytes) {
            prop_assert!(before.after(&read).is_err());
            prop_assert_eq!(read.to_bytes(), bytes);
        }
    }
}
