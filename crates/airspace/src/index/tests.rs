use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Says how many nodes of the tree a search entered.
fn nodes_entered(index: &Index, query: &Query<'_>) -> usize {
    tree::NODES_ENTERED.set(0);
    index.search(query, |_| true);
    tree::NODES_ENTERED.get()
}

fn cell(number: u64) -> Cell {
    Cell::from_id(number << 35 | 1 << 34).expect("of level 13")
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_secs(seconds))
}

fn bounds(seconds: (u64, u64), meters: (i32, i32)) -> Bounds {
    Bounds {
        starts_at: time(seconds.0),
        ends_at: time(seconds.1),
        lower: Altitude::from_millimeters(meters.0 * 1000),
        upper: Altitude::from_millimeters(meters.1 * 1000),
    }
}

/// Bounds of a small world, so that many touch.
fn any_bounds() -> impl Strategy<Value = Bounds> {
    let stretch = |max: u64| (0..max, 0..max).prop_map(|(a, b)| (a.min(b), a.max(b)));
    (stretch(60), stretch(40))
        .prop_map(|(seconds, meters)| bounds(seconds, (meters.0 as i32 - 20, meters.1 as i32 - 20)))
}

fn any_cells() -> impl Strategy<Value = Vec<Cell>> {
    prop::collection::btree_set(0_u64..12, 1..6)
        .prop_map(|numbers| numbers.into_iter().map(cell).collect())
}

fn any_occupied() -> impl Strategy<Value = Occupied> {
    (any_bounds(), any_cells())
        .prop_map(|(bounds, cells)| Occupied { bounds, cells: Arc::from(cells) })
}

/// Finds by looking at everything.
fn naive(all: &[(Slot, Occupied)], query: &Query<'_>) -> Vec<Slot> {
    let overlaps = |occupied: &Occupied| {
        occupied.bounds.overlaps(&query.bounds)
            && occupied.cells.iter().any(|cell| query.cells.contains(cell))
    };
    let mut found: Vec<_> =
        all.iter().filter(|(_, occupied)| overlaps(occupied)).map(|(slot, _)| *slot).collect();
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn finds_what_looking_at_everything_finds(
        things in prop::collection::vec(any_occupied(), 0..400),
        removals in prop::collection::vec(any::<prop::sample::Index>(), 0..300),
        queries in prop::collection::vec((any_bounds(), any_cells()), 1..10),
    ) {
        let mut all: Vec<_> = (0..).map(Slot::numbered).zip(things).collect();
        let mut index = Index::default();
        for (slot, occupied) in &all {
            index.insert(*slot, occupied);
        }
        prop_assert_eq!(index.check(), Ok(()));
        for removal in removals {
            if all.is_empty() {
                break;
            }
            let (slot, occupied) = all.swap_remove(removal.index(all.len()));
            index.remove(slot, &occupied);
            prop_assert!(!index.contains(slot, &occupied));
        }
        prop_assert_eq!(index.check(), Ok(()));

        let built = Index::of(all.iter().map(|(slot, occupied)| (*slot, occupied)));
        prop_assert_eq!(built.check(), Ok(()));
        for (bounds, cells) in &queries {
            let query = Query { bounds: *bounds, cells };
            let expected = naive(&all, &query);
            prop_assert_eq!(&index.search(&query, |_| true), &expected);
            prop_assert_eq!(&built.search(&query, |_| true), &expected);
            if let Some(max) = expected.len().checked_sub(1) {
                prop_assert_eq!(index.search_at_most(max, &query, |_| true), Err(TooManyFound));
            }
            let found = index.search_at_most(expected.len(), &query, |_| true);
            prop_assert_eq!(found, Ok(expected));
        }
    }

    #[test]
    fn keeps_its_invariants_while_it_grows_and_shrinks(
        count in 0_u32..3_000,
        step in 1_u32..50,
    ) {
        let occupied = |number: u32| Occupied {
            bounds: bounds((u64::from(number) * 7 % 100, 100), (number as i32 % 13, 13)),
            cells: Arc::from([cell(u64::from(number) % 5)]),
        };
        let mut index = Index::default();
        for number in 0..count {
            index.insert(Slot::numbered(number), &occupied(number));
        }
        for first in 0..step.min(count) {
            for number in (first..count).step_by(step as usize) {
                index.remove(Slot::numbered(number), &occupied(number));
            }
            prop_assert_eq!(index.check(), Ok(()));
        }
        prop_assert_eq!(index.len(), 0);
    }
}

/// Returns the index of 100,000 things in one cell.
fn crowded(of: impl Fn(u32) -> Bounds) -> Index {
    let mut index = Index::default();
    for number in 0..100_000 {
        let occupied = Occupied { bounds: of(number), cells: Arc::from([cell(1)]) };
        index.insert(Slot::numbered(number), &occupied);
    }
    index
}

#[test]
fn enters_few_nodes_for_few_results_among_things_at_other_times() {
    let index = crowded(|number| {
        let start = u64::from(number) * 600;
        bounds((start, start + 599), (100, 200))
    });
    for second in [0, 30_000_000, 60_000_000] {
        let query = Query { bounds: bounds((second, second + 300), (0, 1_000)), cells: &[cell(1)] };

        assert!(index.search(&query, |_| true).len() <= 1);
        assert!(nodes_entered(&index, &query) <= 12, "{}", nodes_entered(&index, &query));
    }
}

#[test]
fn enters_few_nodes_for_few_results_among_things_stacked_above() {
    let index = crowded(|number| bounds((0, 600), (number as i32 * 20, number as i32 * 20 + 19)));
    for meters in [0, 1_000_000, 1_999_990] {
        let query = Query { bounds: bounds((0, 600), (meters, meters + 5)), cells: &[cell(1)] };

        assert!(index.search(&query, |_| true).len() <= 2);
        assert!(nodes_entered(&index, &query) <= 12, "{}", nodes_entered(&index, &query));
    }
}

#[test]
fn enters_few_nodes_for_few_results_among_things_scattered_in_time_and_altitude() {
    let index = crowded(|number| {
        let start = u64::from(number.wrapping_mul(2_654_435_761) >> 16) % 3_600;
        let lower = (number.wrapping_mul(40_503) % 65_536) as i32 * 20;
        bounds((start, start + 600), (lower, lower + 19))
    });
    let query = Query { bounds: bounds((5_000, 5_060), (0, 1_000_000)), cells: &[cell(1)] };
    assert_eq!(index.search(&query, |_| true), []);
    assert_eq!(nodes_entered(&index, &query), 1);

    let query = Query { bounds: bounds((600, 660), (600_000, 600_005)), cells: &[cell(1)] };
    let found = index.search(&query, |_| true).len();
    assert!(found <= 3, "{found}");
    assert!(nodes_entered(&index, &query) <= 60, "{}", nodes_entered(&index, &query));
}

#[test]
fn enters_few_nodes_among_things_in_other_cells() {
    let mut index = Index::default();
    for number in 0..100_000_u32 {
        let cells = Arc::from([cell(u64::from(number) * 2)]);
        let occupied = Occupied { bounds: bounds((0, 600), (0, 100)), cells };
        index.insert(Slot::numbered(number), &occupied);
    }
    let query = Query { bounds: bounds((0, 600), (0, 100)), cells: &[cell(9_999), cell(10_000)] };

    assert_eq!(index.search(&query, |_| true), [Slot::numbered(5_000)]);
    assert!(nodes_entered(&index, &query) <= 8, "{}", nodes_entered(&index, &query));
}

#[test]
fn finds_what_reaches_to_the_ends_of_time_and_altitude() {
    let mut index = Index::default();
    let always = Occupied {
        bounds: Bounds::of_time(Timestamp::MIN, Timestamp::MAX),
        cells: Arc::from([cell(1)]),
    };
    index.insert(Slot::FIRST, &always);

    for at in [time(0), Timestamp::MIN, Timestamp::MAX] {
        let query = Query { bounds: Bounds::of_time(at, at), cells: &[cell(1)] };
        assert_eq!(index.search(&query, |_| true), [Slot::FIRST]);
    }
}
