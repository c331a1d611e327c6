use super::*;
use crate::Found;
use crate::trial::hub_id;

fn evidence(hub: Option<u16>, position: u64) -> Evidence {
    let kind = Kind::StampApart { position, apart_us: 1 };
    Evidence { hub: hub.map(hub_id), kind, hash: [0; 32] }
}

fn positions(shelf: &Shelf) -> Vec<u64> {
    let position = |evidence: &Evidence| match evidence.kind {
        Kind::StampApart { position, .. } => position,
        _ => unreachable!("there is no other"),
    };
    shelf.iter().map(position).collect()
}

#[test]
fn keeps_how_it_began_and_what_was_last() {
    let mut shelf = Shelf::default();
    let most = (EVIDENCE_FIRST_MAX + EVIDENCE_LAST_MAX) as u64;
    for position in 0..most {
        assert_eq!(shelf.put(evidence(Some(0), position)), None);
    }

    let first_of_last = EVIDENCE_FIRST_MAX as u64;
    assert_eq!(shelf.put(evidence(Some(0), most)), Some(evidence(Some(0), first_of_last)));

    let kept: Vec<_> = (0..=most).filter(|position| *position != first_of_last).collect();
    assert_eq!(positions(&shelf), kept);
    assert_eq!(shelf.count(Some(&hub_id(0))), most + 1);
}

#[test]
fn keeps_nothing_twice() {
    let mut shelf = Shelf::default();
    assert_eq!(shelf.put(evidence(Some(0), 1)), None);

    assert_eq!(shelf.put(evidence(Some(0), 1)), Some(evidence(Some(0), 1)));

    assert_eq!(positions(&shelf), [1]);
    assert_eq!(shelf.count(Some(&hub_id(0))), 1);
}

#[test]
fn lets_nobody_push_out_what_is_about_another() {
    let mut shelf = Shelf::default();
    shelf.put(evidence(Some(0), 1));
    for position in 100..1000 {
        shelf.put(evidence(Some(1), position));
        shelf.put(evidence(None, position));
    }

    assert!(shelf.iter().any(|kept| *kept == evidence(Some(0), 1)));
    assert_eq!(shelf.iter().count(), 1 + 2 * (EVIDENCE_FIRST_MAX + EVIDENCE_LAST_MAX));
}

#[test]
fn keeps_a_bounded_number_of_hubs_apart() {
    let mut shelf = Shelf::default();
    for hub in 0..1000 {
        shelf.put(evidence(Some(hub), 1));
    }

    let kept = HUBS_KEPT_MAX + EVIDENCE_FIRST_MAX + EVIDENCE_LAST_MAX;
    assert_eq!(shelf.iter().count(), kept);
    assert_eq!(shelf.count(None), 1000 - HUBS_KEPT_MAX as u64);
}

#[test]
fn is_about_a_hub_only_where_one_is_admitted() {
    let found = |key| Found { revision: 7, key, version: 3, value: Some(b"x") };
    let long = [b'k'; 1000];

    let about = Evidence::of_value(&found(b"log/hub-000"), Fault::Malformed);
    assert_eq!(about.hub, Some(hub_id(0)));
    assert_eq!(about.hash, crate::canonical::sha256(&[b"x"]));
    let foreign = Evidence::of_value(&found(b"log/hub-000"), Fault::NotAdmitted);
    assert_eq!(foreign.hub, None);
    let nobody = Evidence::of_value(&found(&long), Fault::NoHub);
    let (key, fault) = (long[..KEY_BYTES_MAX].to_vec(), Fault::NoHub);
    assert_eq!(nobody.kind, Kind::Value { key, revision: 7, version: 3, fault });
}
