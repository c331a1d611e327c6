//! The identification service areas that each watch knows of.
//!
//! They come with the answers of the hub and with notifications. A notification may be missed, so
//! what is known is asked for anew after a while, and at once when the count of a notification
//! shows that one before it is missing. It is kept in memory alone: after a restart it is asked for.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use airspace::{EntityId, Party};
use spacetime::Timestamp;
use wire::f3411_22a::identification_service_areas::IdentificationServiceArea;

use crate::cache::OfferRefusal;

/// How long what is known is believed without asking the hub.
pub(crate) const FRESH_FOR: Duration = Duration::from_secs(60);
/// How many areas one watch knows of; more are not looked at.
pub(crate) const AREAS_PER_WATCH_MAX: usize = 10_000;

/// What all watches know.
#[derive(Debug, Default)]
pub(crate) struct Sky(HashMap<EntityId, Known>);

/// What one watch knows.
#[derive(Debug, Default)]
struct Known {
    areas: BTreeMap<EntityId, IdentificationServiceArea>,
    /// When the hub was asked; `None` if something may have been missed since.
    asked_at: Option<Timestamp>,
    /// The greatest index of a notification since the subscription was put.
    index: u32,
    /// How many notifications came, so that one that overtakes an answer is not lost.
    told: u64,
}

/// How many notifications had come when the hub was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(u64);

/// What another party tells of its area.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Who tells it.
    pub(crate) sender: Party,
    /// Of which area.
    pub(crate) id: EntityId,
    /// The area as it is, `None` if it was deleted.
    pub(crate) area: Option<IdentificationServiceArea>,
}

impl Sky {
    /// Returns a mark, to be taken before the hub is asked.
    pub(crate) fn mark(&mut self, watch: EntityId) -> Mark {
        Mark(self.0.entry(watch).or_default().told)
    }

    /// Takes over what the hub answered; `mark` was taken before it was asked.
    pub(crate) fn replace(
        &mut self,
        watch: EntityId,
        areas: Vec<IdentificationServiceArea>,
        mark: Mark,
        now: Timestamp,
    ) {
        let known = self.0.entry(watch).or_default();
        let overtaken = known.told != mark.0;
        if !overtaken {
            known.areas.clear();
        }
        known.areas.extend(areas.into_iter().map(|area| (area.id, area)));
        while AREAS_PER_WATCH_MAX < known.areas.len() {
            known.areas.pop_last();
        }
        // A notification that overtook the answer may say the same, or more.
        known.asked_at = (!overtaken).then_some(now);
    }

    /// Begins to count notifications anew, as the hub does when the subscription is put.
    pub(crate) fn restart(&mut self, watch: EntityId) {
        self.0.entry(watch).or_default().index = 0;
    }

    /// Forgets a watch.
    pub(crate) fn remove(&mut self, watch: EntityId) {
        self.0.remove(&watch);
    }

    /// Tells whether what is known can be believed without asking the hub.
    pub(crate) fn is_fresh(&self, watch: EntityId, now: Timestamp) -> bool {
        let asked_at = self.0.get(&watch).and_then(|known| known.asked_at);
        asked_at.is_some_and(|asked_at| now < asked_at.plus(FRESH_FOR))
    }

    /// Returns the areas that hold at a time.
    pub(crate) fn areas(&self, watch: EntityId, now: Timestamp) -> Vec<IdentificationServiceArea> {
        let areas = self.0.get(&watch).into_iter().flat_map(|known| known.areas.values());
        let holds = |area: &&IdentificationServiceArea| {
            area.time_start.value.floor() <= now && now <= area.time_end.value.ceil()
        };
        areas.filter(holds).cloned().collect()
    }

    /// Takes over what another party tells of its area, for one watch.
    ///
    /// `index` counts the notifications of the watch's subscription.
    pub(crate) fn tell(
        &mut self,
        watch: EntityId,
        index: u32,
        told: &Told,
    ) -> Result<(), OfferRefusal> {
        let known = self.0.entry(watch).or_default();
        let before = known.areas.get(&told.id);
        let owners = [before, told.area.as_ref()];
        if owners.into_iter().flatten().any(|area| area.owner != told.sender) {
            return Err(OfferRefusal::NotManager);
        }
        if let (Some(before), Some(area)) = (before, &told.area)
            && before.version == area.version
            && before != area
        {
            return Err(OfferRefusal::Stale);
        }
        known.told += 1;
        if index != known.index.wrapping_add(1) {
            known.asked_at = None;
        }
        known.index = known.index.max(index);
        let has_room =
            known.areas.len() < AREAS_PER_WATCH_MAX || known.areas.contains_key(&told.id);
        match &told.area {
            Some(area) if has_room => {
                known.areas.insert(told.id, area.clone());
            }
            Some(_) => known.asked_at = None,
            None => {
                known.areas.remove(&told.id);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use airspace::UssBaseUrl;

    use super::*;
    use crate::test_data::{id, party};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_800_000_000 + seconds) * 1_000_000).expect("in range")
    }

    fn area(number: u8, owner: &str, version: &str) -> IdentificationServiceArea {
        IdentificationServiceArea {
            uss_base_url: UssBaseUrl::new("http://uss.example.com").expect("a url"),
            owner: party(owner),
            time_start: at(0).into(),
            time_end: at(600).into(),
            version: version.to_owned(),
            id: id(number),
        }
    }

    fn put(area: IdentificationServiceArea) -> Told {
        Told { sender: area.owner.clone(), id: area.id, area: Some(area) }
    }

    fn deleted(number: u8, sender: &str) -> Told {
        Told { sender: party(sender), id: id(number), area: None }
    }

    /// A sky in which watch 9 knows area 1 of birch since the start.
    fn sky() -> Sky {
        let mut sky = Sky::default();
        let mark = sky.mark(id(9));
        sky.replace(id(9), vec![area(1, "birch", "a")], mark, at(0));
        sky
    }

    fn known(sky: &Sky) -> Vec<EntityId> {
        sky.areas(id(9), at(60)).iter().map(|area| area.id).collect()
    }

    #[test]
    fn follows_notifications_in_order_without_asking_the_hub() {
        let mut sky = sky();

        assert_eq!(sky.tell(id(9), 1, &put(area(2, "cedar", "b"))), Ok(()));
        assert_eq!(known(&sky), [id(1), id(2)]);
        assert_eq!(sky.tell(id(9), 2, &deleted(1, "birch")), Ok(()));
        assert_eq!(known(&sky), [id(2)]);

        assert!(sky.is_fresh(id(9), at(59)));
        assert!(!sky.is_fresh(id(9), at(60)));
    }

    #[test]
    fn asks_the_hub_when_a_notification_is_missing() {
        let mut sky = sky();

        sky.tell(id(9), 2, &put(area(2, "cedar", "b"))).expect("taken");

        assert!(!sky.is_fresh(id(9), at(1)));
    }

    #[test]
    fn keeps_a_notification_that_overtakes_an_answer() {
        let mut sky = sky();
        let mark = sky.mark(id(9));

        sky.tell(id(9), 1, &put(area(2, "cedar", "b"))).expect("taken");
        sky.replace(id(9), vec![area(1, "birch", "a")], mark, at(1));

        assert_eq!(known(&sky), [id(1), id(2)]);
        assert!(!sky.is_fresh(id(9), at(1)));
    }

    #[test]
    fn lets_only_the_owner_tell_of_an_area() {
        let mut sky = sky();
        let claimed = Told { sender: party("mallory"), ..put(area(1, "birch", "b")) };

        for told in [claimed, put(area(1, "mallory", "b")), deleted(1, "mallory")] {
            assert_eq!(sky.tell(id(9), 1, &told), Err(OfferRefusal::NotManager), "{told:?}");
        }
        assert_eq!(known(&sky), [id(1)]);
    }

    #[test]
    fn refuses_one_version_with_two_contents() {
        let mut sky = sky();
        let other = IdentificationServiceArea { time_end: at(601).into(), ..area(1, "birch", "a") };

        assert_eq!(sky.tell(id(9), 1, &put(area(1, "birch", "a"))), Ok(()));
        assert_eq!(sky.tell(id(9), 2, &put(other)), Err(OfferRefusal::Stale));
    }

    #[test]
    fn leaves_out_areas_that_do_not_hold() {
        let sky = sky();

        assert_eq!(sky.areas(id(9), at(-1)), []);
        assert_eq!(sky.areas(id(9), at(600)).len(), 1);
        assert_eq!(sky.areas(id(9), at(601)), []);
    }

    #[test]
    fn knows_of_bounded_many_areas() {
        let numbered = |number: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            let id = EntityId::from_random_bytes(bytes);
            IdentificationServiceArea { id, ..area(1, "birch", "a") }
        };
        let mut sky = Sky::default();
        let mark = sky.mark(id(9));

        sky.replace(id(9), (0..=AREAS_PER_WATCH_MAX).map(numbered).collect(), mark, at(0));
        assert_eq!(sky.areas(id(9), at(1)).len(), AREAS_PER_WATCH_MAX);
        sky.tell(id(9), 1, &put(area(200, "birch", "a"))).expect("taken");
        assert_eq!(sky.areas(id(9), at(1)).len(), AREAS_PER_WATCH_MAX);
        assert!(!sky.is_fresh(id(9), at(1)));
    }
}
