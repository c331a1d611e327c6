//! A scenario of our own making: an invented town, in the middle of the ocean so that it is
//! nobody's, with parcels, surveys, a hospital and relief through a corridor under a ceasefire.

mod map;

use std::time::Duration;

use airspace::EntityId;
use desk::{Bounds, Course, FlightRequest, PathPoint};
use spacetime::{Altitude, Area, Circle, LatLng, Polygon, Timestamp, Volume};

pub(crate) use self::map::{draw, letter};

use super::flight::Planned;

/// The parties: two operators, and an authority that protects people and flies relief.
pub(crate) const PARTIES: [&str; 3] = ["alder", "birch", "relief"];
pub(crate) const ALDER: usize = 0;
pub(crate) const BIRCH: usize = 1;
pub(crate) const RELIEF: usize = 2;

/// How large the town is, in meters east and north.
pub(crate) const EXTENT_M: (f64, f64) = (6_000.0, 3_000.0);

/// Its south-west corner.
const CORNER_DEG: (f64, f64) = (12.0, -38.0);

/// How long a degree of latitude is, in meters.
const DEGREE_M: f64 = 111_195.0;

/// How fast the drones fly, in meters a second.
const SPEED_M_PER_S: f64 = 15.0;

/// The room that every flight keeps around its path.
const LATERAL_M: f64 = 50.0;
const VERTICAL_M: f64 = 15.0;

/// The hospital: its middle, and how far drones keep away from it.
pub(crate) const HOSPITAL_M: (f64, f64) = (3_900.0, 2_100.0);
pub(crate) const HOSPITAL_RADIUS_M: f64 = 350.0;

/// The corridor, from south-west to north-east.
pub(crate) const CORRIDOR_M: ((f64, f64), (f64, f64)) = ((2_100.0, 750.0), (6_000.0, 1_050.0));

/// A part of the airspace that the authority closes.
#[derive(Clone, Debug)]
pub(crate) struct Closed {
    /// What it is, for people.
    pub(crate) name: &'static str,
    /// Where and when.
    pub(crate) volume: Volume,
}

/// The ids of what was closed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosedIds {
    /// Of the space around the hospital.
    pub(crate) hospital: EntityId,
    /// Of the corridor.
    pub(crate) corridor: EntityId,
}

/// A flight of the story and how it is told.
pub(crate) struct Scene {
    /// Why it is flown, and what is to be seen.
    pub(crate) told: &'static str,
    /// The flight.
    pub(crate) planned: Planned,
    /// Its way over the map, in meters.
    pub(crate) way_m: Vec<(f64, f64)>,
}

/// The town at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Town {
    /// When the story begins.
    pub(crate) starts_at: Timestamp,
}

/// How far a flight may be moved.
#[derive(Clone, Copy)]
enum Patience {
    /// Not at all.
    None,
    /// By so many minutes.
    Delay(u32),
    /// Up to so many meters.
    Climb(f64),
}

/// A flight as the table below has it.
struct Line {
    told: &'static str,
    name: &'static str,
    desk: usize,
    /// Minutes and seconds after the story begins.
    at: (u64, u64),
    patience: Patience,
    allowed: Option<EntityId>,
    way: Way,
}

enum Way {
    /// From point to point at 60 m.
    Path(&'static [(f64, f64)]),
    /// Around a point, from 30 to 90 m, for minutes.
    Around { middle_m: (f64, f64), radius_m: f64, minutes: u64 },
}

/// Returns opposite corners of the town; a view of remote ID holds it.
pub(crate) fn corners() -> [LatLng; 2] {
    [position((0.0, 0.0)), position(EXTENT_M)]
}

impl Town {
    /// Returns what the authority closes, and what it is: the hospital, then the corridor.
    pub(crate) fn closed(self) -> [Closed; 2] {
        let circle = Circle::new(position(HOSPITAL_M), HOSPITAL_RADIUS_M);
        let ((west, south), (east, north)) = CORRIDOR_M;
        let corners = [(west, south), (east, south), (east, north), (west, north)];
        let strip = Polygon::new(corners.into_iter().map(position).collect());
        let hospital = circle.expect("its radius is good").into();
        let corridor = strip.expect("its corners are good").into();
        [
            Closed {
                name: "the hospital: no drone within 350 m, up to 200 m, all day",
                volume: self.volume(hospital, (0.0, 200.0), (0, 8 * 60)),
            },
            Closed {
                name: "the corridor under the ceasefire: relief only, up to 150 m, for 20 minutes",
                volume: self.volume(corridor, (0.0, 150.0), (20, 40)),
            },
        ]
    }

    /// Returns the flights in the order in which they are filed.
    pub(crate) fn scenes(self, closed: ClosedIds) -> Vec<Scene> {
        let mut lines = morning(closed);
        lines.extend(ceasefire(closed));
        lines.into_iter().map(|line| self.scene(line)).collect()
    }

    fn scene(self, line: Line) -> Scene {
        let starts_at = self.at(line.at);
        let (course, way_m) = match line.way {
            Way::Path(corners_m) => (path(corners_m, starts_at), corners_m.to_vec()),
            Way::Around { middle_m, radius_m, minutes } => {
                let circle = Circle::new(position(middle_m), radius_m);
                let area = circle.expect("its radius is good").into();
                let volume = self.volume(area, (30.0, 90.0), (line.at.0, line.at.0 + minutes));
                (Course::Volumes(vec![volume]), vec![middle_m])
            }
        };
        let mut request = FlightRequest::new(course);
        request.bounds = bounds(line.patience);
        request.allowed_constraints.extend(line.allowed);
        request.identification.operator_id = format!("TEST.{}", PARTIES[line.desk].to_uppercase());
        request.identification.operation_description = line.name.to_owned();
        let planned =
            Planned { name: line.name.to_owned(), desk: line.desk, request, recorded: Vec::new() };
        Scene { told: line.told, planned, way_m }
    }

    fn volume(self, area: Area, altitude_m: (f64, f64), minutes: (u64, u64)) -> Volume {
        Volume::new(
            area,
            Some(Altitude::floor_of_meters(altitude_m.0)),
            Some(Altitude::ceil_of_meters(altitude_m.1)),
            Some(self.at((minutes.0, 0))),
            Some(self.at((minutes.1, 0))),
        )
        .expect("altitudes and times ascend")
    }

    fn at(self, (minutes, seconds): (u64, u64)) -> Timestamp {
        self.starts_at.plus(Duration::from_secs(60 * minutes + seconds))
    }
}

fn morning(closed: ClosedIds) -> Vec<Line> {
    vec![
        Line {
            told: "alder carries a parcel across the town; nobody is there yet",
            name: "parcel to the market",
            desk: ALDER,
            at: (2, 0),
            patience: Patience::None,
            allowed: None,
            way: Way::Path(&[(500.0, 1_500.0), (5_500.0, 1_500.0)]),
        },
        Line {
            told: "birch looks at roofs and would cross the parcel's way; it may climb",
            name: "survey of roofs",
            desk: BIRCH,
            at: (3, 20),
            patience: Patience::Climb(120.0),
            allowed: None,
            way: Way::Path(&[(3_000.0, 2_800.0), (3_000.0, 200.0)]),
        },
        Line {
            told: "birch circles over a field for ten minutes",
            name: "survey of a field",
            desk: BIRCH,
            at: (5, 0),
            patience: Patience::None,
            allowed: None,
            way: Way::Around { middle_m: (1_200.0, 750.0), radius_m: 350.0, minutes: 10 },
        },
        Line {
            told: "alder's parcel for the farm would cross that field; it may wait",
            name: "parcel to the farm",
            desk: ALDER,
            at: (7, 0),
            patience: Patience::Delay(20),
            allowed: None,
            way: Way::Path(&[(500.0, 1_500.0), (1_400.0, 300.0)]),
        },
        Line {
            told: "alder would fly right over the hospital; neither waiting nor climbing helps",
            name: "parcel to the bridge",
            desk: ALDER,
            at: (10, 0),
            patience: Patience::Delay(10),
            allowed: None,
            way: Way::Path(&[(500.0, 1_500.0), (5_500.0, 2_400.0)]),
        },
        Line {
            told: "so it goes around",
            name: "parcel to the bridge, around the hospital",
            desk: ALDER,
            at: (10, 0),
            patience: Patience::Delay(10),
            allowed: None,
            way: Way::Path(&[(500.0, 1_500.0), (4_600.0, 1_500.0), (5_500.0, 2_400.0)]),
        },
        Line {
            told: "alder brings blood to the hospital, which it was given leave to enter",
            name: "blood for the hospital",
            desk: ALDER,
            at: (14, 0),
            patience: Patience::Delay(5),
            allowed: Some(closed.hospital),
            way: Way::Path(&[(500.0, 1_500.0), (2_200.0, 2_400.0), HOSPITAL_M]),
        },
    ]
}

fn ceasefire(closed: ClosedIds) -> Vec<Line> {
    vec![
        Line {
            told: "birch counts tents over the camp for an hour",
            name: "survey of the camp",
            desk: BIRCH,
            at: (25, 0),
            patience: Patience::None,
            allowed: None,
            way: Way::Around { middle_m: (1_100.0, 2_600.0), radius_m: 300.0, minutes: 60 },
        },
        Line {
            told: "relief flies through the corridor, which was closed for it",
            name: "food through the corridor",
            desk: RELIEF,
            at: (22, 0),
            patience: Patience::None,
            allowed: Some(closed.corridor),
            way: Way::Path(&[(5_900.0, 900.0), (2_200.0, 900.0)]),
        },
        Line {
            told: "alder would cross the corridor; it waits until the ceasefire's window is over",
            name: "parcel to the south",
            desk: ALDER,
            at: (24, 0),
            patience: Patience::Delay(30),
            allowed: None,
            way: Way::Path(&[(2_500.0, 1_800.0), (2_500.0, 300.0)]),
        },
        Line {
            told: "birch would cross it too and may climb; it passes above",
            name: "inspection of a mast",
            desk: BIRCH,
            at: (25, 0),
            patience: Patience::Climb(250.0),
            allowed: None,
            way: Way::Path(&[(4_500.0, 200.0), (4_500.0, 1_400.0)]),
        },
        Line {
            told: "relief goes on to the camp, where birch is at work; it climbs above the survey",
            name: "medicine to the camp",
            desk: RELIEF,
            at: (39, 30),
            patience: Patience::Climb(150.0),
            allowed: Some(closed.corridor),
            way: Way::Path(&[(2_200.0, 900.0), (1_100.0, 2_600.0)]),
        },
    ]
}

fn bounds(patience: Patience) -> Bounds {
    match patience {
        Patience::None => Bounds::default(),
        Patience::Delay(minutes) => {
            Bounds { delay_s_max: 60 * minutes, delay_s_step: 30, ..Bounds::default() }
        }
        Patience::Climb(up_to_m) => Bounds {
            altitude_m_min: 30.0,
            altitude_m_max: up_to_m,
            altitude_m_step: VERTICAL_M,
            ..Bounds::default()
        },
    }
}

fn path(corners_m: &[(f64, f64)], starts_at: Timestamp) -> Course {
    let mut flown_m = 0.0;
    let mut last_m = corners_m[0];
    let mut points = Vec::new();
    for &(east_m, north_m) in corners_m {
        flown_m += (east_m - last_m.0).hypot(north_m - last_m.1);
        last_m = (east_m, north_m);
        points.push(PathPoint {
            position: position(last_m),
            altitude_m: 60.0,
            time: starts_at.plus(Duration::from_secs_f64(flown_m / SPEED_M_PER_S)),
        });
    }
    Course::Path { points, buffer_lateral_m: LATERAL_M, buffer_vertical_m: VERTICAL_M }
}

fn position((east_m, north_m): (f64, f64)) -> LatLng {
    let (lat_deg, lng_deg) = CORNER_DEG;
    let lng_m = DEGREE_M * lat_deg.to_radians().cos();
    LatLng::new(lat_deg + north_m / DEGREE_M, lng_deg + east_m / lng_m)
        .expect("the town is on Earth")
}
