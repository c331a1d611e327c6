//! The board against trying every move, with the intersection that `spacetime` computes.

use proptest::prelude::*;
use spacetime::{Altitude, Circle, LatLng, Polygon, Timestamp, Volume};

use super::*;
use crate::flight::Bounds;

/// A circle or a square somewhere in a small town, for some seconds, between some meters.
#[derive(Clone, Debug)]
struct Drawn {
    east_m: i32,
    north_m: i32,
    radius_m: i32,
    square: bool,
    start_s: i64,
    lasts_s: i64,
    lower_m: i32,
    height_m: i32,
    unbounded: bool,
}

impl Drawn {
    fn volume(&self) -> Volume {
        let center = LatLng::new(46.95, 7.44).expect("in range");
        let at = center
            .destination(90.0, f64::from(self.east_m))
            .destination(0.0, f64::from(self.north_m));
        let radius_m = f64::from(self.radius_m);
        let area = if self.square {
            let corner = |bearing_deg| at.destination(bearing_deg, radius_m);
            Polygon::new([45.0, 135.0, 225.0, 315.0].map(corner).to_vec()).expect("a square").into()
        } else {
            Circle::new(at, radius_m).expect("a circle").into()
        };
        let altitude = |m: i32| Some(Altitude::from_millimeters(m * 1_000));
        let time = |s: i64| Timestamp::from_micros(s * 1_000_000).ok();
        let upper = if self.unbounded { None } else { altitude(self.lower_m + self.height_m) };
        let ends_at = if self.unbounded { None } else { time(self.start_s + self.lasts_s) };
        Volume::new(area, altitude(self.lower_m), upper, time(self.start_s), ends_at)
            .expect("in order")
    }
}

fn drawn(unbounded: bool) -> impl Strategy<Value = Drawn> {
    let place = (-300_i32..300, -300_i32..300, 20_i32..120, any::<bool>());
    let bounds = (0_i64..300, 1_i64..60, 0_i32..100, 0_i32..40);
    let unbounded =
        if unbounded { prop::bool::weighted(0.05).boxed() } else { Just(false).boxed() };
    (place, bounds, unbounded).prop_map(|(place, bounds, unbounded)| Drawn {
        east_m: place.0,
        north_m: place.1,
        radius_m: place.2,
        square: place.3,
        start_s: bounds.0,
        lasts_s: bounds.1,
        lower_m: bounds.2,
        height_m: bounds.3,
        unbounded,
    })
}

fn volumes(drawn: &[Drawn]) -> Vec<Volume> {
    drawn.iter().map(Drawn::volume).collect()
}

/// Tells what meets what after a move by moving every volume and asking for each pair.
fn meets(course: &[Volume], obstacle: &[Volume], taken: Move) -> bool {
    course.iter().any(|own| {
        let moved = taken.of(own).expect("small moves stay in range");
        obstacle.iter().any(|other| moved.intersects(other))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn agrees_with_trying_every_move(
        course in prop::collection::vec(drawn(false), 1..5),
        obstacles in prop::collection::vec(prop::collection::vec(drawn(true), 1..4), 0..6),
        delay_s_step in 0_u32..40,
        altitude_m_step in 0_i32..30,
    ) {
        let bounds = Bounds {
            delay_s_max: 240,
            delay_s_step,
            altitude_m_min: -20.0,
            altitude_m_max: 180.0,
            altitude_m_step: f64::from(altitude_m_step),
        };
        let moves = Moves::new(&bounds, 0.0, 140.0).expect("in order");
        let course = volumes(&course);
        let obstacles: Vec<Vec<Volume>> = obstacles.iter().map(|one| volumes(one)).collect();
        let bounded: Vec<Vec<Bounded>> = obstacles.iter().cloned().map(Bounded::all).collect();
        let slices: Vec<&[Bounded]> = bounded.iter().map(Vec::as_slice).collect();

        let board = Board::new(&Bounded::all(course.clone()), &slices, &moves).expect("few");

        let in_the_way = |taken: Move| -> Vec<usize> {
            let hit = |index: &usize| meets(&course, &obstacles[*index], taken);
            (0..obstacles.len()).filter(hit).collect()
        };
        let free = moves.all().filter(|taken| in_the_way(*taken).is_empty());
        prop_assert_eq!(board.least_disturbing(&moves), free.min_by_key(|one| one.disturbance()));
        for taken in moves.all().step_by(7) {
            let pairs = board.in_the_way(taken);
            let named: Vec<usize> = pairs.iter().map(|pair| pair.obstacle).collect();
            prop_assert_eq!(named, in_the_way(taken));
            for pair in pairs {
                let own = taken.of(&course[pair.ours]).expect("in range");
                prop_assert!(own.intersects(&obstacles[pair.obstacle][pair.theirs]));
            }
        }
    }
}

#[test]
fn gives_up_when_more_meets_than_is_kept() {
    let one = Drawn {
        east_m: 0,
        north_m: 0,
        radius_m: 50,
        square: false,
        start_s: 0,
        lasts_s: 60,
        lower_m: 0,
        height_m: 10,
        unbounded: false,
    };
    let course = vec![Bounded::new(one.volume()); 1_000];
    let obstacle = vec![Bounded::new(one.volume()); BLOCKS_MAX / 1_000 + 1];

    let at_bound = Board::new(&course, &[&obstacle[1..]], &Moves::none());
    let beyond = Board::new(&course, &[&obstacle], &Moves::none());

    assert!(at_bound.is_ok());
    assert_eq!(beyond.expect_err("one too many"), TooCrowded);
}
