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
        matches!(self, Self::TooWide | Self::TooLarge { .. } | Self::TooManyCells)
    }
}

impl Area {
    /// Returns the S2 cells of level 13 that the area meets.
    ///
    /// For polygons these are the cells that golang/geo's region coverer returns for a normalized
    /// loop (or, without area, a polyline), and for circles those for the true cap, a superset of
    /// the 20-gon of the deployed DSS. Refuses an area too large for it before it is covered.
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
            Area::Polygon(polygon) => cover::outline(polygon.outline())?,
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
