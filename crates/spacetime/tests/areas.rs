//! Coverings, intersections and corridors against dense samples, anywhere on earth.

#[path = "support/star.rs"]
mod star;

use proptest::prelude::*;
use s2::cellid::CellID;
use s2::point::Point;
use spacetime::{Area, Cell, LatLng, Polygon};

use star::{Star, Vector, distance_m, lat_lng, place, star, vector};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn covers_every_point_inside(
        star in place().prop_flat_map(|center| star(center, 20_000.0)),
    ) {
        let cells = star.area.cells().expect("small enough");

        for point in star.samples() {
            let cell = Cell::from_id(cell_of(&point)).expect("level 13");
            prop_assert!(cells.as_slice().contains(&cell), "{:?} is not covered", lat_lng(&point));
        }
    }

    #[test]
    fn covers_all_of_a_corridor_however_long(
        a in place(),
        course in 0.0..360.0,
        length_m in 1_000.0..8_000_000.0,
    ) {
        let b = a.destination(course, length_m);
        let corridor = Area::from(Polygon::corridor(a, b, 50.0).expect("a corridor"));

        let cells = corridor.cells().expect("small enough");

        for step in 0..=500 {
            let point = between(a, b, f64::from(step) / 500.0);
            let cell = Cell::from_id(cell_of(&vector(point))).expect("level 13");
            prop_assert!(cells.as_slice().binary_search(&cell).is_ok(), "{point:?}");
        }
    }

    #[test]
    fn covers_little_that_is_outside(
        star in place().prop_flat_map(|center| star(center, 20_000.0)),
    ) {
        let cells = star.area.cells().expect("small enough");

        // The diagonal of the largest cell of level 13 is below 2 km.
        let bound = star.area.bounding_circle();
        for cell in cells.as_slice() {
            let middle = Point::from(CellID(cell.id())).0;
            let middle = lat_lng(&[middle.x, middle.y, middle.z]);
            prop_assert!(bound.center().distance_m(middle) < bound.radius_m() + 2_000.0);
        }
    }

    #[test]
    fn contains_its_samples_and_bounds_them(
        star in place().prop_flat_map(|center| star(center, 500_000.0)),
    ) {
        let bound = star.area.bounding_circle();

        for point in star.samples() {
            let point = lat_lng(&point);
            prop_assert!(star.area.contains(point));
            prop_assert!(bound.center().distance_m(point) <= bound.radius_m() + 0.001);
        }
    }

    #[test]
    fn contains_what_an_independent_test_says(
        (star, other) in place().prop_flat_map(pair_near),
    ) {
        for point in other.samples() {
            let contains = star.area.contains(lat_lng(&point));
            if star.holds(&point, 0.01) {
                prop_assert!(contains, "{:?} is inside", lat_lng(&point));
            }
            if contains {
                prop_assert!(star.holds(&point, -0.01), "{:?} is outside", lat_lng(&point));
            }
        }
    }

    #[test]
    fn intersects_as_dense_samples_do((a, b) in place().prop_flat_map(pair_near)) {
        let intersects = a.area.intersects(&b.area);

        prop_assert_eq!(intersects, b.area.intersects(&a.area));
        let (points_a, points_b) = (a.samples(), b.samples());
        let is_shared = points_a.iter().any(|point| b.holds(point, 0.01))
            || points_b.iter().any(|point| a.holds(point, 0.01));
        prop_assert!(intersects || !is_shared, "an intersection is missed");
        if intersects {
            let apart_m = nearest_m(&points_a, &points_b);
            let spacing_m = a.spacing_m() + b.spacing_m();
            prop_assert!(apart_m <= spacing_m, "they are {apart_m} m apart, within {spacing_m}");
        }
    }

    #[test]
    fn intersects_itself_and_its_parts(
        star in place().prop_flat_map(|center| star(center, 50_000.0)),
        scale in 0.01..1.0,
    ) {
        let inner = star::shrunk(&star, scale);

        prop_assert!(star.area.intersects(&star.area));
        prop_assert!(star.area.intersects(&inner) && inner.intersects(&star.area));
    }

    #[test]
    fn a_corridor_holds_all_within_half_its_width(
        a in place(),
        course in 0.0..360.0,
        length_m in prop_oneof![Just(0.0), 0.001..1.0, 1.0..100_000.0, 100_000.0..3_000_000.0],
        half_width_m in 0.5..20_000.0,
        walk in prop::collection::vec((0.0..=1.0, 0.0..360.0, 0.0..=1.0_f64), 50),
    ) {
        let b = a.destination(course, length_m);

        let corridor = Area::from(
            Polygon::corridor(a, b, half_width_m).expect("a corridor"),
        );

        for (along, bearing_deg, out) in walk {
            let point = between(a, b, along).destination(bearing_deg, out * half_width_m);
            prop_assert!(corridor.contains(point), "{point:?}");
        }
        for bearing_deg in [0.0, 90.0, 180.0, 270.0] {
            let beyond = b.destination(course + bearing_deg, half_width_m * 1.6 + length_m * 1.2);
            prop_assert!(!corridor.contains(beyond), "{beyond:?}");
        }
    }
}

/// Returns two areas whose sizes and distance are such that about half of them meet.
fn pair_near(center: LatLng) -> impl Strategy<Value = (Star, Star)> {
    (0.0..360.0, 0.0..40_000.0, 10.0..30_000.0_f64, 10.0..30_000.0_f64).prop_flat_map(
        move |(course, distance_m, reach_a, reach_b)| {
            let other = center.destination(course, distance_m);
            (star(center, reach_a.max(distance_m * 0.6)), star(other, reach_b))
        },
    )
}

fn nearest_m(a: &[Vector], b: &[Vector]) -> f64 {
    let nearest = |point: &Vector| {
        b.iter().map(|other| distance_m(point, other)).fold(f64::INFINITY, f64::min)
    };
    a.iter().map(nearest).fold(f64::INFINITY, f64::min)
}

fn between(a: LatLng, b: LatLng, part: f64) -> LatLng {
    a.destination(a.bearing_deg(b), a.distance_m(b) * part)
}

fn cell_of(point: &Vector) -> u64 {
    let point = Point(s2::r3::vector::Vector::new(point[0], point[1], point[2]));
    CellID::from(point).parent(Cell::LEVEL).0
}
