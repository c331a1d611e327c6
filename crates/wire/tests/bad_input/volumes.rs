//! Volumes: outlines, sizes, widening and their union.

use serde_json::{Value, json};
use spacetime::Altitude;

use crate::{
    URL, altitude, circle, operational_intent, parse, parse_constraint, polygon, time, volume, with,
};

#[test]
fn refuses_outlines_that_are_none() {
    let check = |vertices: &[(f64, f64)], expected: &str| {
        let body = with(operational_intent(), "/extents/0/volume/outline_circle", Value::Null);
        let body = with(body, "/extents/0/volume/outline_polygon", polygon(vertices));
        let error = parse(&body).expect_err("a malformed outline was accepted");
        assert_eq!(error.is_area_too_large(), expected.starts_with("extents[0].volume: "));
        let error = error.to_string();
        assert!(error.starts_with(expected), "{error}\ninstead of\n{expected}");
    };
    let of_vertices = "extents[0].volume.outline_polygon.vertices: ";
    let circle: Vec<(f64, f64)> = (0..100_000)
        .map(|step| f64::from(step) * std::f64::consts::TAU / 100_000.0)
        .map(|angle| (angle.sin() * 0.1, angle.cos() * 0.1))
        .collect();

    check(&[], of_vertices);
    check(&[(0.0, 0.0), (0.0, 0.1)], of_vertices);
    check(&[(0.0, 0.0), (0.0, 0.1), (0.1, 0.0), (0.0, 0.0)], of_vertices);
    check(&[(0.0, 0.0), (0.1, 0.1), (0.0, 0.1), (0.1, 0.0)], of_vertices);
    check(&[(0.0, 0.0), (0.0, 0.1), (91.0, 0.0)], of_vertices);
    check(&circle, "extents: the outlines have more than 10000 vertices together");
    // Crossing edges are told before the size.
    check(&[(0.0, 0.0), (5.0, 5.0), (0.0, 5.0), (5.0, 0.0)], of_vertices);
    check(&[(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)], "extents[0].volume: ");
}

#[test]
fn refuses_areas_that_are_too_large() {
    let with_circle = |radius_m: f64| {
        with(operational_intent(), "/extents/0/volume/outline_circle", circle(radius_m))
    };

    assert!(parse(&with_circle(56_000.0)).is_ok());
    let error = parse(&with_circle(57_000.0)).expect_err("more than 10,000 km2");
    assert!(error.is_area_too_large());
    assert!(error.to_string().starts_with("extents[0].volume: the area is too large"), "{error}");
    let error = parse(&with_circle(10_000_000.0)).expect_err("a quarter of the earth");
    assert!(error.is_area_too_large());
}

#[test]
fn bounds_what_is_covered_more_than_once() {
    let same = with(volume(), "/volume/outline_circle", circle(50_000.0));
    let body = with(operational_intent(), "/extents", json!(vec![same; 1_000]));

    let error = parse(&body).expect_err("a thousand large circles in one place");

    assert!(error.is_area_too_large());
    assert_eq!(error.to_string(), "extents: the volumes cover more than 400000 cells one by one");
}

#[test]
fn bounds_the_union_of_all_volumes() {
    let at = |lat: f64| {
        let circle = with(circle(50_000.0), "/center/lat", json!(lat));
        with(volume(), "/volume/outline_circle", circle)
    };
    let body = |count: i32| {
        let volumes: Vec<Value> = (0..count).map(|step| at(f64::from(step))).collect();
        with(operational_intent(), "/extents", json!(volumes))
    };

    assert!(parse(&body(2)).is_ok());
    let error = parse(&body(4)).expect_err("more than 20,000 cells");
    assert!(error.is_area_too_large());
    assert_eq!(
        error.to_string(),
        "extents: the area is too large: it covers more than 20000 cells"
    );
}

#[test]
fn widens_what_is_finer_than_a_microsecond_or_a_millimeter() {
    let body =
        with(operational_intent(), "/extents/0/time_start", time("2026-11-23T18:34:59.000000999Z"));
    let body = with(body, "/extents/0/time_end", time("2026-11-23T18:34:59.000001001Z"));
    let body = with(body, "/extents/0/volume/altitude_lower", altitude(0.0019));
    let body = with(body, "/extents/0/volume/altitude_upper", altitude(120.0001));

    let extent = parse(&body).expect("a good request").extent;

    assert_eq!(extent.starts_at.as_micros() % 1_000_000, 0);
    assert_eq!(extent.ends_at.as_micros() % 1_000_000, 2);
    assert_eq!(extent.altitude_lower, Some(Altitude::from_millimeters(1)));
    assert_eq!(extent.altitude_upper, Some(Altitude::from_millimeters(120_001)));
}

#[test]
fn refuses_times_that_are_equal_below_a_microsecond() {
    let moment = time("2026-11-23T18:34:59.0000005Z");
    let body = with(operational_intent(), "/extents/0/time_start", moment.clone());
    let body = with(body, "/extents/0/time_end", moment);

    assert!(parse(&body).is_err());
}

#[test]
fn unites_all_volumes_of_an_entity() {
    let early = with(volume(), "/time_start", time("2026-11-23T10:00:00Z"));
    let early = with(early, "/volume/altitude_upper", altitude(50.0));
    let late = with(volume(), "/time_end", time("2026-11-23T20:00:00Z"));
    let late = with(late, "/volume/altitude_lower", altitude(40.0));
    let late = with(late, "/volume/outline_circle/center/lat", json!(48.0));
    let body = with(operational_intent(), "/extents", json!([early, late]));

    let extent = parse(&body).expect("a good request").extent;

    assert_eq!(extent.ends_at.since(extent.starts_at).as_secs(), 10 * 3600);
    assert_eq!(extent.altitude_lower, Some(Altitude::from_millimeters(0)));
    assert_eq!(extent.altitude_upper, Some(Altitude::from_millimeters(120_000)));
    let alone = parse(&operational_intent()).expect("a good request").extent;
    assert!(extent.cells.contains_all(&alone.cells) && alone.cells.len() < extent.cells.len());
}

#[test]
fn leaves_a_constraint_unbounded_where_one_of_its_volumes_is() {
    let low = with(volume(), "/volume/altitude_lower", Value::Null);
    let body = json!({"extents": [volume(), low], "uss_base_url": URL});

    let extent = parse_constraint(&body).expect("altitudes are optional").extent;

    assert_eq!(extent.altitude_lower, None);
    assert_eq!(extent.altitude_upper, Some(Altitude::from_millimeters(120_000)));
    let endless = with(volume(), "/time_end", Value::Null);
    let body = json!({"extents": [volume(), endless], "uss_base_url": URL});
    let error = parse_constraint(&body).expect_err("times are mandatory");
    assert_eq!(error.to_string(), "extents[1].time_end: it must be given");
}

/// Returns a ring of `count` vertices about a degree of latitude.
fn ring(count: u32, lat: f64) -> Value {
    let vertices: Vec<(f64, f64)> = (0..count)
        .map(|step| f64::from(step) * std::f64::consts::TAU / f64::from(count))
        .map(|angle| (lat + angle.sin() * 0.1, angle.cos() * 0.1))
        .collect();
    let volume = with(volume(), "/volume/outline_circle", Value::Null);
    with(volume, "/volume/outline_polygon", polygon(&vertices))
}

#[test]
fn counts_the_vertices_of_all_volumes() {
    let of = |volumes: Value| parse(&with(operational_intent(), "/extents", volumes));

    assert!(of(json!([ring(10_000, 0.0)])).is_ok());
    assert!(of(json!([ring(10_001, 0.0)])).is_err());
    assert!(of(json!([ring(5_000, 0.0), ring(5_000, 1.0)])).is_ok());
    assert!(of(json!([ring(5_000, 0.0), ring(5_001, 1.0)])).is_err());
}

#[test]
fn counts_the_cells_of_each_volume() {
    let same = with(volume(), "/volume/outline_circle", circle(50_000.0));
    let of = |count: usize| {
        parse(&with(operational_intent(), "/extents", json!(vec![same.clone(); count])))
    };
    let cells = of(1).expect("a good request").extent.cells.len();
    let most = wire::f3548::volumes::CELLS_COVERED_MAX / cells;

    assert!(of(most).is_ok());
    assert!(of(most + 1).is_err());
}
