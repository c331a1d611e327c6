//! Polygons and circles, and what is refused of them.

use std::f64::consts::PI;

use crate::cell::{Cell, Cells};
use crate::circle::Circle;
use crate::cover;
use crate::intersect;
use crate::lat_lng::{EARTH_RADIUS_M, LatLng};
use crate::polygon::{Polygon, VERTICES_MAX};

/// The largest polygon that is covered with cells, in km2, as in the deployed DSS.
pub const POLYGON_AREA_KM2_MAX: f64 = 2_500.0;
/// The largest circle that is covered with cells, in km2 (F3548-21 CstrMaxAreaKm2).
pub const CIRCLE_AREA_KM2_MAX: f64 = 10_000.0;
/// The longest outline of a polygon that is covered with cells, in km. An outline with as many
/// vertices as there may be has it only when it is on average 100 km from one to the next; it
/// bounds the work of a covering.
pub const OUTLINE_LENGTH_KM_MAX: f64 = 1_000_000.0;
/// The most cells that one entity or one search may cover.
pub const CELLS_PER_ENTITY_MAX: usize = 20_000;

/// The area of the earth with which the deployed DSS computes areas, in km2.
const EARTH_AREA_KM2: f64 = 510_072_000.0;

/// A part of the earth's surface.
#[derive(Clone, Debug, PartialEq)]
pub enum Area {
    /// Bounded by great-circle arcs.
    Polygon(Polygon),
    /// Around a point.
    Circle(Circle),
}

/// A part of the earth's surface is refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum AreaError {
    /// A latitude is outside -90..=90 or no number.
    #[error("latitude {degrees} is not within -90 to 90 degrees")]
    Latitude {
        /// What was given.
        degrees: f64,
    },
    /// A longitude is outside -180..=180 or no number.
    #[error("longitude {degrees} is not within -180 to 180 degrees")]
    Longitude {
        /// What was given.
        degrees: f64,
    },
    /// A polygon has fewer than 3 vertices.
    #[error("a polygon needs at least 3 vertices, this one has {count}")]
    TooFewVertices {
        /// How many there are.
        count: usize,
    },
    /// A polygon has more than [`VERTICES_MAX`] vertices.
    #[error("a polygon has at most {VERTICES_MAX} vertices, this one has {count}")]
    TooManyVertices {
        /// How many there are.
        count: usize,
    },
    /// Two vertices of a polygon are at the same place; the first is not repeated at the end.
    #[error("vertices {first} and {second} of the polygon are at the same place")]
    DuplicateVertices {
        /// The index of one, from 0.
        first: usize,
        /// The index of the other, from 0.
        second: usize,
    },
    /// Two edges of a polygon cross.
    #[error("the edges of the polygon after vertices {first} and {second} cross")]
    CrossingEdges {
        /// The index of the vertex from which one starts, from 0.
        first: usize,
        /// The index of the vertex from which the other starts, from 0.
        second: usize,
    },
    /// The vertices of a polygon are not all on one half of the earth.
    #[error("the polygon is too large: it is not on one half of the earth")]
    TooWide,
    /// A radius is not finite or not more than zero.
    #[error("the radius must be more than 0 m, it is {radius_m} m")]
    Radius {
        /// What was given, in meters.
        radius_m: f64,
    },
    /// Half the width of a corridor is not finite or not more than zero.
    #[error("half the width of a corridor must be more than 0 m, it is {half_width_m} m")]
    HalfWidth {
        /// What was given, in meters.
        half_width_m: f64,
    },
    /// A polygon or a circle is larger than is covered with cells.
    #[error("the area is too large: {area_km2:.1} km2, at most {area_km2_max} km2")]
    TooLarge {
        /// Its area.
        area_km2: f64,
        /// The largest area allowed.
        area_km2_max: f64,
    },
    /// The outline of a polygon is longer than [`OUTLINE_LENGTH_KM_MAX`].
    #[error("the outline is too long: {length_km:.0} km, at most {OUTLINE_LENGTH_KM_MAX} km")]
    TooLong {
        /// Its length.
        length_km: f64,
    },
    /// There is no area to cover.
    #[error("no area is given")]
    NoArea,
    /// A covering, or a union of some, has more than [`CELLS_PER_ENTITY_MAX`] cells.
    #[error("the area is too large: it covers more than {CELLS_PER_ENTITY_MAX} cells")]
    TooManyCells,
}

impl AreaError {
    /// Tells whether the area is well-formed but too large: a search of a smaller one may succeed.
    pub const fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::TooWide | Self::TooLarge { .. } | Self::TooLong { .. } | Self::TooManyCells
        )
    }
}

impl Area {
    /// Returns the S2 cells of level 13 that the area meets.
    ///
    /// For polygons these are the cells that golang/geo's region coverer returns for a normalized
    /// loop (or, without area, a polyline; where such a line runs exactly along the border of
    /// cells, those on both sides). For circles they are those of the true cap, a superset of the
    /// 20-gon of the deployed DSS. Refuses an area too large for it before it is covered.
    pub fn cells(&self) -> Result<Cells, AreaError> {
        let area_km2 = self.area_km2();
        let area_km2_max = match self {
            Area::Polygon(_) => POLYGON_AREA_KM2_MAX,
            Area::Circle(_) => CIRCLE_AREA_KM2_MAX,
        };
        if area_km2_max < area_km2 {
            return Err(AreaError::TooLarge { area_km2, area_km2_max });
        }
        let cells = match self {
            Area::Polygon(polygon) => {
                let length_km = polygon.outline().length() * EARTH_RADIUS_M / 1000.0;
                if OUTLINE_LENGTH_KM_MAX < length_km {
                    return Err(AreaError::TooLong { length_km });
                }
                cover::outline(polygon.outline())?
            }
            Area::Circle(circle) => cover::cap(circle.direction(), circle.angle())?,
        };
        Ok(Cells::from_unsorted(cells).expect("every area meets a cell"))
    }

    /// Tells whether the areas share a point; areas that touch do.
    ///
    /// Computed on the sphere. It never misses an intersection, and never reports one of areas
    /// that are more than [`SLACK_M`](crate::SLACK_M) (a millimeter) apart.
    pub fn intersects(&self, other: &Area) -> bool {
        match (self, other) {
            (Area::Circle(a), Area::Circle(b)) => intersect::circles_meet(a, b),
            (Area::Polygon(a), Area::Polygon(b)) => {
                intersect::outlines_meet(a.outline(), b.outline())
            }
            (Area::Circle(circle), Area::Polygon(polygon))
            | (Area::Polygon(polygon), Area::Circle(circle)) => {
                intersect::circle_meets_outline(circle, polygon.outline())
            }
        }
    }

    /// Tells whether a point is inside, on the boundary, or within [`SLACK_M`](crate::SLACK_M) of
    /// it.
    pub fn contains(&self, point: LatLng) -> bool {
        match self {
            Area::Circle(circle) => intersect::circle_contains(circle, &point.direction()),
            Area::Polygon(polygon) => {
                intersect::outline_contains(polygon.outline(), &point.direction())
            }
        }
    }

    /// Returns a circle that contains the area; it need not be the smallest.
    pub fn bounding_circle(&self) -> Circle {
        match self {
            Area::Circle(circle) => *circle,
            Area::Polygon(polygon) => {
                let bound = polygon.outline().bound();
                let angle = 2.0 * (bound.radius / 2.0).min(1.0).asin();
                let radius_m = angle * EARTH_RADIUS_M + intersect::SLACK_M;
                Circle::new(LatLng::of_direction(&bound.center), radius_m)
                    .expect("the bound is finite and not a point")
            }
        }
    }

    /// Returns the area in km2, with the deployed DSS' area of the earth.
    pub fn area_km2(&self) -> f64 {
        let steradians = match self {
            Area::Polygon(polygon) => polygon.outline().area(),
            Area::Circle(circle) => circle.area(),
        };
        steradians * EARTH_AREA_KM2 / (4.0 * PI)
    }
}

impl From<Polygon> for Area {
    fn from(polygon: Polygon) -> Self {
        Area::Polygon(polygon)
    }
}

impl From<Circle> for Area {
    fn from(circle: Circle) -> Self {
        Area::Circle(circle)
    }
}

/// Returns the cells that are in any of the sets.
///
/// Refuses no sets at all, and a union of more than [`CELLS_PER_ENTITY_MAX`] cells; keeps only a
/// few times as many, however many sets there are.
pub fn union_of_cells(sets: impl IntoIterator<Item = Cells>) -> Result<Cells, AreaError> {
    let mut union: Vec<Cell> = Vec::new();
    for set in sets {
        union.extend_from_slice(set.as_slice());
        if 2 * CELLS_PER_ENTITY_MAX < union.len() {
            shrink(&mut union)?;
        }
    }
    shrink(&mut union)?;
    Cells::from_unsorted(union).map_err(|_| AreaError::NoArea)
}

/// Drops repetitions, then refuses too many cells.
fn shrink(union: &mut Vec<Cell>) -> Result<(), AreaError> {
    union.sort_unstable();
    union.dedup();
    if CELLS_PER_ENTITY_MAX < union.len() {
        return Err(AreaError::TooManyCells);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat_deg: f64, lng_deg: f64) -> LatLng {
        LatLng::new(lat_deg, lng_deg).expect("in range")
    }

    fn circle(radius_m: f64) -> Result<Area, AreaError> {
        Circle::new(at(47.0, 8.0), radius_m).map(Area::from)
    }

    /// A square around a point of the equator, with sides of so many km.
    fn square(side_km: f64) -> Area {
        let half = side_km / 2.0 / 111.195;
        let vertices = vec![at(-half, -half), at(-half, half), at(half, half), at(half, -half)];
        Polygon::new(vertices).expect("a square").into()
    }

    #[test]
    fn refuses_radii_that_are_none() {
        for radius_m in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let refusal = circle(radius_m).expect_err("no radius");
            assert!(matches!(refusal, AreaError::Radius { .. }) && !refusal.is_too_large());
        }
        assert!(circle(1e-6).expect("a circle").cells().is_ok());
    }

    #[test]
    fn covers_polygons_up_to_2_500_km2_and_circles_up_to_10_000() {
        let is_too_large = |area: Area| area.cells().expect_err("too large").is_too_large();

        assert!(square(49.99).cells().is_ok());
        assert!(is_too_large(square(50.01)));
        assert!(is_too_large(square(10_000.0)));
        assert!(circle(56_400.0).expect("a circle").cells().is_ok());
        assert!(is_too_large(circle(56_430.0).expect("a circle")));
        assert!(is_too_large(circle(10_000_000.0).expect("a circle")));
        assert!(is_too_large(circle(1e300).expect("a circle")));
    }

    #[test]
    fn covers_at_most_20_000_cells() {
        let corridor = Polygon::corridor(at(0.01, 0.0), at(40.0, 60.0), 100.0);
        let corridor = Area::from(corridor.expect("a corridor"));
        assert!(corridor.cells().expect("few enough").len() < CELLS_PER_ENTITY_MAX);

        // A narrow band that goes up and down over 30,000 km.
        let turn = |step: i32, offset: f64| {
            let lng = if step.rem_euclid(2) == 0 { 0.0 } else { 5.0 };
            at(f64::from(step) * 0.02, lng + offset)
        };
        let there = (0..=60).map(|step| turn(step, 0.0));
        let back = (0..=60).rev().map(|step| turn(step, 0.05));
        let zigzag = there.chain(back).collect();
        let zigzag = Area::from(Polygon::new(zigzag).expect("a polygon"));
        assert_eq!(zigzag.cells(), Err(AreaError::TooManyCells));
    }

    #[test]
    fn covers_outlines_up_to_a_million_km_long() {
        // Teeth side by side, three kilometers high in all.
        let comb = |tooth_km: f64| {
            let tooth = |index: usize| {
                let lng = if index.is_multiple_of(2) { 0.0 } else { tooth_km / 111.195 };
                at(index as f64 * 0.03 / VERTICES_MAX as f64, lng)
            };
            let teeth = (0..VERTICES_MAX - 2).map(tooth);
            let comb = teeth.chain([at(0.03, -0.01), at(0.0, -0.01)]).collect();
            Area::from(Polygon::new(comb).expect("a comb"))
        };

        assert!(comb(99.0).cells().is_ok());
        let refusal = comb(101.0).cells().expect_err("too long");
        assert!(matches!(refusal, AreaError::TooLong { .. }) && refusal.is_too_large());
    }

    #[test]
    fn covers_a_long_corridor_with_cells_along_it_only() {
        let (a, b) = (at(10.0, -20.0), at(50.0, 60.0));
        let area = Area::from(Polygon::corridor(a, b, 100.0).expect("a corridor"));
        let wide = Area::from(Polygon::corridor(a, b, 2_000.0).expect("a corridor"));

        let cells = area.cells().expect("few enough");

        assert!(7_000 < cells.len(), "{}", cells.len());
        for cell in cells.as_slice() {
            let middle = s2::point::Point::from(s2::cellid::CellID(cell.id())).0;
            assert!(wide.contains(LatLng::of_direction(&middle)), "{cell:?}");
        }
    }

    #[test]
    fn unites_up_to_20_000_cells() {
        let cells = |range: std::ops::Range<u64>| {
            let cell = |number: u64| Cell::from_id((2 * number + 1) << 34).expect("level 13");
            Cells::from_unsorted(range.map(cell).collect()).expect("not empty")
        };

        assert_eq!(union_of_cells([cells(0..20), cells(10..30)]), Ok(cells(0..30)));
        assert_eq!(union_of_cells([]), Err(AreaError::NoArea));
        let many = |count: u64| union_of_cells((0..count).map(|at| cells(at..at + 2)));
        assert_eq!(many(19_999).expect("20,000").len(), CELLS_PER_ENTITY_MAX);
        assert_eq!(many(20_000), Err(AreaError::TooManyCells));
        assert_eq!(many(200_000), Err(AreaError::TooManyCells));
        assert_eq!(union_of_cells(std::iter::repeat_n(cells(0..2), 100_000)), Ok(cells(0..2)),);
    }

    #[test]
    fn meets_what_is_within_a_millimeter() {
        let left = square(10.0);
        let beside = |gap_m: f64| {
            let from = 5.0 / 111.195 + (gap_m / EARTH_RADIUS_M).to_degrees();
            let corners = vec![at(-1.0, from), at(-1.0, 1.0), at(1.0, 1.0), at(1.0, from)];
            Area::from(Polygon::new(corners).expect("a polygon"))
        };

        assert!(left.intersects(&beside(-1.0)) && beside(-1.0).intersects(&left));
        assert!(left.intersects(&beside(0.0)) && beside(0.0).intersects(&left));
        assert!(left.intersects(&beside(0.000_9)) && beside(0.000_9).intersects(&left));
        assert!(!left.intersects(&beside(0.001_1)) && !beside(0.001_1).intersects(&left));
    }

    #[test]
    fn meets_circles_that_touch_within_a_millimeter() {
        let circle = |lat_deg: f64, radius_m| {
            Area::from(Circle::new(at(lat_deg, 0.0), radius_m).expect("a circle"))
        };
        let south_m = 1_f64.to_radians() * EARTH_RADIUS_M;
        let (left, square) = (circle(0.0, 1_000.0), square(2.0));
        let edge_m = (1.0_f64 / 111.195).to_radians() * EARTH_RADIUS_M;

        for (gap_m, expected) in [(-0.1, true), (0.000_9, true), (0.001_1, false)] {
            let beside = circle(1.0, south_m - 1_000.0 - gap_m);
            assert_eq!(left.intersects(&beside), expected, "{gap_m}");
            assert_eq!(beside.intersects(&left), expected, "{gap_m}");
            let beside = circle(1.0, south_m - edge_m - gap_m);
            assert_eq!(square.intersects(&beside), expected, "{gap_m}");
            assert_eq!(beside.intersects(&square), expected, "{gap_m}");
        }
    }

    #[test]
    fn meets_circles_of_any_size() {
        let place = Area::from(Circle::new(at(-47.0, -172.0), 1.0).expect("a circle"));
        let opposite_m = EARTH_RADIUS_M * PI;
        let far_square = Area::from(
            Polygon::new(vec![at(-47.1, -172.1), at(-47.1, -171.9), at(-46.9, -172.0)])
                .expect("a polygon"),
        );

        for (radius_m, expected) in
            [(opposite_m - 20_000.0, false), (opposite_m - 0.5, true), (1e300, true)]
        {
            let circle = circle(radius_m).expect("a circle");
            assert_eq!(circle.intersects(&place), expected, "{radius_m}");
            assert_eq!(circle.intersects(&far_square), expected, "{radius_m}");
            assert_eq!(far_square.intersects(&circle), expected, "{radius_m}");
        }
        let half = circle(EARTH_RADIUS_M * PI * 0.6).expect("a circle");
        assert!(half.intersects(&square(1.0)) && half.contains(at(-30.0, 8.0)));
        assert!(!half.contains(at(-80.0, -172.0)));
        // A hundred degrees from the center, less than the circle's 108.
        let south = vec![at(-53.0, 8.0), at(-53.0, 9.0), at(-52.0, 8.5)];
        assert!(half.intersects(&Polygon::new(south).expect("a polygon").into()));
    }

    #[test]
    fn is_bounded_by_a_circle_that_is_hardly_larger() {
        let bound = square(2.0).bounding_circle();

        let corner_m = (2_f64.sqrt() / 111.195).to_radians() * EARTH_RADIUS_M;
        assert!(bound.center().distance_m(at(0.0, 0.0)) < 0.001);
        assert!(corner_m < bound.radius_m() && bound.radius_m() < corner_m + 0.01);
        let circle = circle(5.0).expect("a circle");
        assert_eq!(Area::from(circle.bounding_circle()), circle);
    }

    #[test]
    fn tells_what_is_too_large_from_what_is_wrong() {
        let too_large = AreaError::TooLarge { area_km2: 3_000.04, area_km2_max: 2_500.0 };

        assert!(too_large.is_too_large());
        assert!(AreaError::TooWide.is_too_large() && AreaError::TooManyCells.is_too_large());
        assert!(!AreaError::TooManyVertices { count: 10_001 }.is_too_large());
        assert!(!AreaError::NoArea.is_too_large());
        assert_eq!(too_large.to_string(), "the area is too large: 3000.0 km2, at most 2500 km2",);
    }
}
