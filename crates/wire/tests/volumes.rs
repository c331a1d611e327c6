//! Volumes of messages to and from volumes of the domain.

use proptest::prelude::*;
use spacetime::{Altitude, Area, Circle, LatLng, Polygon, Timestamp, Volume};
use wire::f3548::common::Volume4D;

fn point() -> impl Strategy<Value = LatLng> {
    (-90.0..=90.0, -180.0..=180.0).prop_map(|(lat, lng)| LatLng::new(lat, lng).expect("in range"))
}

fn circle() -> impl Strategy<Value = Area> {
    (point(), 0.001..1e6)
        .prop_map(|(center, radius_m)| Circle::new(center, radius_m).expect("a radius").into())
}

fn triangle() -> impl Strategy<Value = Area> {
    (-80.0..80.0, -179.0..179.0, 0.000_1..0.9, 0.000_1..0.9).prop_map(|(lat, lng, north, east)| {
        let corners = [(lat, lng), (lat + north, lng), (lat, lng + east)];
        let corners =
            corners.iter().map(|(lat, lng)| LatLng::new(*lat, *lng).expect("in range")).collect();
        Polygon::new(corners).expect("a triangle").into()
    })
}

fn volume() -> impl Strategy<Value = Volume> {
    let altitudes =
        (-8_000_000..100_000_000, 0..8_000_000).prop_map(|(lower, height): (i32, i32)| {
            let upper = (lower + height).min(100_000_000);
            (Altitude::from_millimeters(lower), Altitude::from_millimeters(upper))
        });
    let times = (0..4_000_000_000_000_000_i64, 1..86_400_000_000_i64).prop_map(|(start, lasts)| {
        let time = |micros| Timestamp::from_micros(micros).expect("in range");
        (time(start), time(start + lasts))
    });
    let area = prop_oneof![circle(), triangle()];
    (area, proptest::option::of(altitudes), proptest::option::of(times)).prop_map(
        |(area, altitudes, times)| {
            let (lower, upper) = altitudes.unzip();
            let (starts_at, ends_at) = times.unzip();
            Volume::new(area, lower, upper, starts_at, ends_at).expect("in order")
        },
    )
}

proptest! {
    #[test]
    fn come_back_from_json_as_they_went(volume in volume()) {
        let json = wire::render(&Volume4D::from(&volume));

        let read: Volume4D = wire::parse(&json).expect("well-formed JSON");

        prop_assert_eq!(read.to_volume(), Ok(volume));
    }
}
