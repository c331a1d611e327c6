//! The cache by what it keeps and refuses.

use super::*;
use crate::test_data::{intent, party};

#[test]
fn finds_exactly_the_version_that_the_hub_names() {
    let mut cache = Cache::default();
    let known = intent(1, "alder", 2);
    cache.keep(Arc::clone(&known));

    let found = |version| cache.find(&intent(1, "alder", version).entity.reference()).is_some();

    assert!(found(2));
    assert!(!found(1));
    assert!(!found(3));
    assert!(cache.find(&intent(1, "birch", 2).entity.reference()).is_none());
    assert!(cache.find(&intent(2, "alder", 2).entity.reference()).is_none());
}

#[test]
fn takes_newer_versions_of_the_manager_only() {
    let mut cache = Cache::default();

    let offered = |cache: &mut Cache, sender: &str, manager: &str, version| {
        cache.offer(&party(sender), intent(1, manager, version))
    };

    assert_eq!(offered(&mut cache, "alder", "alder", 2), Ok(()));
    assert_eq!(offered(&mut cache, "alder", "alder", 2), Ok(()));
    assert_eq!(offered(&mut cache, "alder", "alder", 1), Err(OfferRefusal::Stale));
    assert_eq!(offered(&mut cache, "alder", "alder", 3), Ok(()));
    assert_eq!(offered(&mut cache, "birch", "alder", 4), Err(OfferRefusal::NotManager));
    assert_eq!(offered(&mut cache, "birch", "birch", 4), Err(OfferRefusal::NotManager));
}

#[test]
fn refuses_the_same_version_with_other_content() {
    let mut cache = Cache::default();
    cache.keep(intent(1, "alder", 2));
    let other = crate::test_data::moved_intent(1, "alder", 2);

    assert_eq!(cache.offer(&party("alder"), other), Err(OfferRefusal::Stale));
}

#[test]
fn forgets_what_its_manager_deleted() {
    let mut cache = Cache::default();
    let known = intent(1, "alder", 2);
    cache.keep(Arc::clone(&known));

    assert_eq!(cache.remove(&party("birch"), known.entity.id()), Err(OfferRefusal::NotManager));
    assert!(cache.find(&known.entity.reference()).is_some());
    assert_eq!(cache.remove(&party("alder"), known.entity.id()), Ok(()));
    assert!(cache.find(&known.entity.reference()).is_none());
    assert_eq!(cache.remove(&party("alder"), known.entity.id()), Ok(()));
    assert_eq!((cache.volumes, cache.order.len()), (0, 0));
}

#[test]
fn lets_the_oldest_go_when_it_is_full() {
    let mut cache = Cache::default();
    let large = |number| {
        let known = intent(number, "alder", 1);
        let one = known.volumes[0].clone();
        let volumes = vec![one; VOLUMES_MAX / 2];
        Arc::new(Known { volumes, ..Known::clone(&known) })
    };

    for number in [1, 2, 1, 3] {
        cache.keep(large(number));
    }

    let kept = |number| cache.find(&intent(number, "alder", 1).entity.reference()).is_some();
    assert_eq!((kept(1), kept(2), kept(3)), (true, false, true));
    assert_eq!(cache.volumes, VOLUMES_MAX);
}
