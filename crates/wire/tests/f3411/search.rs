//! Searches by an outline and times.

use insta::assert_snapshot;
use proptest::prelude::*;
use spacetime::{LatLng, Polygon, Timestamp};
use wire::f3411::{SearchError, SearchParameters, parse_search};

const TRIANGLE: &str = "47,8,47,8.1,47.1,8";

fn of(area: &str) -> SearchParameters<'_> {
    SearchParameters { area: Some(area), ..SearchParameters::default() }
}

fn refusal(parameters: &SearchParameters<'_>) -> SearchError {
    parse_search(parameters).expect_err("a malformed search was accepted")
}

/// Returns a ring of `count` vertices.
fn ring(count: u32) -> String {
    let points: Vec<String> = (0..count)
        .map(|step| f64::from(step) * std::f64::consts::TAU / f64::from(count))
        .map(|angle| format!("{},{}", 47.0 + angle.sin() * 0.1, 8.0 + angle.cos() * 0.1))
        .collect();
    points.join(",")
}

#[test]
fn covers_the_area_inside_the_outline() {
    let vertex = |lat, lng| LatLng::new(lat, lng).expect("in range");
    let vertices = vec![vertex(47.0, 8.0), vertex(47.0, 8.1), vertex(47.1, 8.0)];
    let area = spacetime::Area::from(Polygon::new(vertices).expect("a triangle"));

    let found = parse_search(&of(TRIANGLE)).expect("a good search");

    assert_eq!(Ok(&found.cells), area.cells().as_ref());
    assert_eq!((found.starts_at, found.ends_at), (None, None));
    assert_eq!(parse_search(&of(" 47 ,+8,\t47,8.10, 4.71e1,8.")), Ok(found));
}

#[test]
fn refuses_areas_that_are_none() {
    let refusal = |area: &str| {
        let error = refusal(&of(area));
        assert!(!error.is_too_large(), "{area}");
        error.to_string()
    };

    assert_snapshot!(parse_search(&SearchParameters::default()).expect_err("there is no area"),
        @"area: it must be given");
    assert_snapshot!(refusal(""),
        @"area: every latitude needs a longitude, but there are 1 numbers");
    assert_snapshot!(refusal("47,8,47,8.1,47.1"),
        @"area: every latitude needs a longitude, but there are 5 numbers");
    assert_snapshot!(refusal("47,8,47,8.1,47.1,8,"),
        @"area: every latitude needs a longitude, but there are 7 numbers");
    assert_snapshot!(refusal("47,8"),
        @"area: a polygon needs at least 3 vertices, this one has 1");
    assert_snapshot!(refusal("47,8,47,8.1"),
        @"area: a polygon needs at least 3 vertices, this one has 2");
    assert_snapshot!(refusal("47,8,,8.1,47.1,8"),
        @"area: part 2, counted from 0, is not a number");
    assert_snapshot!(refusal(",,,,,"),
        @"area: part 0, counted from 0, is not a number");
    assert_snapshot!(refusal("47,8,47,8.1,47.1,0x8"),
        @"area: part 5, counted from 0, is not a number");
    assert_snapshot!(refusal("47;8,47;8.1,47.1;8,0"),
        @"area: part 0, counted from 0, is not a number");
    assert_snapshot!(refusal("NaN,8,47,8.1,47.1,8"),
        @"area: latitude NaN is not within -90 to 90 degrees");
    assert_snapshot!(refusal("47,inf,47,8.1,47.1,8"),
        @"area: longitude inf is not within -180 to 180 degrees");
    assert_snapshot!(refusal("47,8,47,8.1,1e999,8"),
        @"area: latitude inf is not within -90 to 90 degrees");
    assert_snapshot!(refusal("90.01,8,47,8.1,47.1,8"),
        @"area: latitude 90.01 is not within -90 to 90 degrees");
    assert_snapshot!(refusal("47,8,47,-180.01,47.1,8"),
        @"area: longitude -180.01 is not within -180 to 180 degrees");
    assert_snapshot!(refusal("47,8,47,8.1,47.1,8,47,8"),
        @"area: vertices 0 and 3 of the polygon are at the same place");
    assert_snapshot!(refusal("0,0,0.1,0.1,0,0.1,0.1,0"),
        @"area: the edges of the polygon after vertices 0 and 2 cross");
}

#[test]
fn takes_ten_thousand_points() {
    assert!(parse_search(&of(&ring(10_000))).is_ok());
    let error = refusal(&of(&ring(10_001)));
    assert_eq!(error, SearchError::TooManyPoints { count: 10_001 });
    assert!(!error.is_too_large());
    let error = refusal(&of(&"0,".repeat(2_000_001)));
    assert_eq!(error, SearchError::TooManyPoints { count: 1_000_001 });
}

#[test]
fn tells_that_an_area_is_too_large() {
    let too_large = |area: &str| refusal(&of(area)).is_too_large();

    assert!(too_large("-23,130,-24,130,-24,132,-23,132"));
    assert!(too_large("0,0,0,120,0,-120"));
    assert!(!too_large("5,5,0,5,5,0,0,0,5,4"), "crossing edges are told before the size");
}

#[test]
fn widens_times_to_whole_microseconds() {
    let parameters = SearchParameters {
        earliest_time: Some("1970-01-01T01:00:01.0000019+01:00"),
        latest_time: Some("1970-01-01T00:00:02.0000011Z"),
        ..of(TRIANGLE)
    };

    let found = parse_search(&parameters).expect("a good search");

    let micros = |time: Option<Timestamp>| time.map(Timestamp::as_micros);
    assert_eq!(micros(found.starts_at), Some(1_000_001));
    assert_eq!(micros(found.ends_at), Some(2_000_002));
}

#[test]
fn refuses_times_that_are_none_or_reversed() {
    let time = "2026-11-23T18:34:59Z";
    let search = |earliest_time, latest_time| {
        parse_search(&SearchParameters { earliest_time, latest_time, ..of(TRIANGLE) })
    };
    let refusal = |earliest, latest| search(earliest, latest).expect_err("refused").to_string();

    assert!(search(Some(time), None).is_ok() && search(None, Some(time)).is_ok());
    assert!(search(Some(time), Some(time)).is_ok(), "a moment can be asked for");
    assert_snapshot!(refusal(Some(""), None),
        @"earliest_time: it is not an RFC 3339 time such as 1985-04-12T23:20:50.52Z");
    assert_snapshot!(refusal(Some(time), Some("2026-11-23")),
        @"latest_time: it is not an RFC 3339 time such as 1985-04-12T23:20:50.52Z");
    assert_snapshot!(refusal(Some("2026-11-23T18:34:59.0000001Z"), Some(time)),
        @"latest_time: it is before earliest_time");
}

proptest! {
    /// Any text is refused or read; nothing breaks.
    #[test]
    fn never_breaks_on_any_text(
        area in "([-+0-9.eNaif ]{0,6},){0,9}[-+0-9.e]{0,6}",
        earliest in proptest::option::of("2026-0[1-9]-[0-3][0-9]T12:00:00(\\.[0-9]{1,16})?Z"),
    ) {
        let parameters = SearchParameters { earliest_time: earliest.as_deref(), ..of(&area) };

        if let Err(error) = parse_search(&parameters) {
            prop_assert!(error.to_string().len() < 300);
        }
    }
}
