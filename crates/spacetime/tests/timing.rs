//! How long the work of a hub and of a desk takes; run by hand, since it reads the clock:
//! `cargo test --release -p spacetime --test timing -- --ignored --nocapture`.

use std::f64::consts::TAU;
use std::hint::black_box;
use std::time::{Duration, Instant};

use spacetime::{Area, Circle, LatLng, Polygon, VERTICES_MAX};

/// What a check of the largest outline may take, in the dev profile too.
const OUTLINE_CHECK_MAX: Duration = Duration::from_millis(50);
/// What a covering of a square kilometer may take, checks included.
const COVERING_MAX: Duration = Duration::from_micros(50);

#[test]
#[ignore = "measures time"]
fn checks_the_largest_outlines_in_time() {
    for (name, outline) in outlines() {
        let mut refusal = None;
        let took = fastest(5, || refusal = Polygon::new(outline.clone()).err());

        println!("{name}: {took:?}, {}", refusal.map_or("good".into(), |error| error.to_string()));
        assert!(took < OUTLINE_CHECK_MAX, "{name} took {took:?}");
    }
}

#[test]
#[ignore = "measures time"]
fn covers_small_areas_in_time() {
    for (name, side_deg) in [("1 km square", 0.009), ("5 km square", 0.045), ("49 km", 0.44)] {
        let took = fastest(100, || {
            black_box(square(47.0, 8.0, side_deg).cells().expect("small enough"));
        });
        println!("{name}: checked and covered in {took:?}");
        assert!(0.1 < side_deg || took < COVERING_MAX, "{name} took {took:?}");
    }
    for radius_m in [100.0, 1_000.0, 56_000.0] {
        let circle = Area::from(Circle::new(at(47.0, 8.0), radius_m).expect("a circle"));
        let took = fastest(100, || {
            black_box(circle.cells().expect("small enough"));
        });
        println!("circle of {radius_m} m: covered in {took:?}");
    }
}

#[test]
#[ignore = "measures time"]
fn intersects_thousands_of_areas_in_time() {
    let ring = |count: usize, lat: f64, lng: f64| {
        let vertex = |index: usize| {
            let (sin, cos) = (index as f64 / count as f64 * TAU).sin_cos();
            at(lat + 0.0045 * sin, lng + 0.0066 * cos)
        };
        Area::from(Polygon::new((0..count).map(vertex).collect()).expect("a ring"))
    };
    for count in [4, 20, 200] {
        let place = |index: usize| (47.0 + (index % 10) as f64 * 0.004, 8.0 + index as f64 * 5e-4);
        let rings: Vec<Area> =
            (0..100).map(place).map(|(lat, lng)| ring(count, lat, lng)).collect();
        let pairs = || rings.iter().flat_map(|a| rings.iter().map(move |b| (a, b)));
        let mut meeting = 0;
        let took = fastest(5, || meeting = pairs().filter(|(a, b)| a.intersects(b)).count());
        println!("{count} vertices: {:?} a pair, {meeting} of 10,000 meet", took / 10_000);
    }
}

/// Outlines with as many vertices as there may be, of shapes that are hard in different ways.
fn outlines() -> Vec<(&'static str, Vec<LatLng>)> {
    let all = |vertex: &dyn Fn(usize, f64) -> (f64, f64)| -> Vec<LatLng> {
        let count = VERTICES_MAX;
        let vertices = (0..count).map(|index| vertex(index, index as f64 / count as f64));
        vertices.map(|(lat, lng)| at(lat, lng)).collect()
    };
    let around = |part: f64, radius: f64| {
        let (sin, cos) = (part * TAU).sin_cos();
        (47.0 + 0.1 * radius * sin, 8.0 + 0.15 * radius * cos)
    };
    let comb = |lat: f64, turn: f64| {
        let tooth = |index: usize, part: f64| match VERTICES_MAX - index {
            2 => (0.2, -0.01),
            1 => (0.0, -0.01),
            _ => (part * 0.2, if index.is_multiple_of(2) { 0.0 } else { 0.2 }),
        };
        let (sin, cos) = turn.sin_cos();
        all(&|index, part| {
            let (x, y) = tooth(index, part);
            (lat + x * sin + y * cos, 8.0 + x * cos - y * sin)
        })
    };
    vec![
        ("circle", all(&|_, part| around(part, 1.0))),
        ("star", all(&|index, part| around(part, [1.0, 0.01][index % 2]))),
        ("comb", comb(47.0, 0.0)),
        ("comb aslant", comb(47.0, 0.785)),
        ("comb across", comb(47.0, 1.57)),
        ("comb on the equator", comb(0.0, 0.0)),
        ("meridian", all(&|_, part| (47.0 + part / 2.0, 8.0))),
        ("meridian, shuffled", all(&|index, _| (47.0 + (index * 7 % 10_000) as f64 * 5e-5, 8.0))),
        ("equator", all(&|_, part| (0.0, part / 2.0))),
        ("equator, shuffled", all(&|index, _| (0.0, (index * 7 % 10_000) as f64 * 5e-5))),
        ("sliver of a millimeter", all(&|_, part| sliver(part))),
        ("ring of a meter", all(&|_, part| around(part, 1e-4))),
        ("scribble", all(&|index, _| around((index * 7_919 % 10_007) as f64 / 10_007.0, 1.0))),
    ]
}

fn sliver(part: f64) -> (f64, f64) {
    let there = if part < 0.5 { part } else { 1.0 - part };
    (47.0 + there, 8.0 + 0.3 * there + if part < 0.5 { 0.0 } else { 1e-8 })
}

fn square(lat_deg: f64, lng_deg: f64, side_deg: f64) -> Area {
    let (north, east) = (lat_deg + side_deg, lng_deg + side_deg * 1.4);
    let vertices =
        vec![at(lat_deg, lng_deg), at(lat_deg, east), at(north, east), at(north, lng_deg)];
    Polygon::new(vertices).expect("a square").into()
}

fn at(lat_deg: f64, lng_deg: f64) -> LatLng {
    LatLng::new(lat_deg, lng_deg).expect("in range")
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn fastest(rounds: usize, mut work: impl FnMut()) -> Duration {
    let measure = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..rounds).map(measure).min().expect("at least one round")
}
