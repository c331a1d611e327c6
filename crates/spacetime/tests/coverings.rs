//! Coverings against those of golang/geo, in the revision that the deployed DSS uses.
//!
//! The table is kept beside the repository (`../shared/data/s2_coverings.tsv.gz`, or under
//! `TANSIQ_SHARED`); where it is absent the test says so and passes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use spacetime::{Area, Cell, Cells, Circle, LatLng, Polygon};

#[test]
fn covers_as_golang_geo_does() {
    let Some(lines) = open_table() else {
        return;
    };
    let mut counts = [0, 0, 0];

    for line in lines {
        let line = line.expect("the table is text");
        let (area, tokens) = line.split_once('\t').expect("area, tab, tokens");
        let (kind, numbers) = area.split_once(' ').expect("kind, numbers");
        let expected = cells(tokens);
        let found = parse(kind, numbers).cells().expect(area);
        match kind {
            // The deployed DSS covers an inscribed 20-gon, which misses the rim.
            "C" => assert!(found.contains_all(&expected), "{area}"),
            _ => assert_eq!(found, expected, "{area}"),
        }
        counts[["P", "K", "C"].iter().position(|k| *k == kind).expect("a known kind")] += 1;
    }

    assert_eq!(counts, [5_000, 1_500, 2_500]);
}

#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
fn open_table() -> Option<impl Iterator<Item = std::io::Result<String>>> {
    let path = shared().join("data/s2_coverings.tsv.gz");
    let Ok(file) = File::open(&path) else {
        println!("skipped: {} is not there", path.display());
        return None;
    };
    Some(BufReader::new(GzDecoder::new(file)).lines())
}

#[expect(clippy::disallowed_methods, reason = "where the data is may be said from outside")]
fn shared() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var_os("TANSIQ_SHARED").map_or_else(beside, PathBuf::from)
}

fn parse(kind: &str, numbers: &str) -> Area {
    let numbers: Vec<f64> =
        numbers.split(' ').skip(1).map(|number| number.parse().expect("a number")).collect();
    let point = |lat_lng: &[f64]| LatLng::new(lat_lng[0], lat_lng[1]).expect("in range");
    if kind == "P" {
        let vertices = numbers.chunks_exact(2).map(point).collect();
        return Polygon::new(vertices).expect(kind).into();
    }
    Circle::new(point(&numbers), numbers[2]).expect(kind).into()
}

fn cells(tokens: &str) -> Cells {
    let cell = |token: &str| {
        let id = u64::from_str_radix(&format!("{token:0<16}"), 16).expect("a cell token");
        Cell::from_id(id).expect("a cell of level 13")
    };
    Cells::from_unsorted(tokens.split(' ').map(cell).collect()).expect("a covering")
}

/// What golang/geo returns in places where a covering is easily wrong.
const ODD: &[(&str, &str)] = &[
    // Lines: along a meridian, and doubling back on itself.
    ("P 3 47 8 47.01 8 47.02 8", "478fc324 478fc32c 478fdcd4"),
    ("P 3 47 8 47.02 8 47.01 8", "478fc324 478fc32c 478fdcd4"),
    // Around the poles, and with a vertex at one.
    (
        "P 4 89.99 0 89.99 90 89.99 180 89.99 -90",
        "4555554c 45555554 4555555c 4fffffe4 4ffffff4 4ffffffc 50000004 5000000c 5000001c 5aaaaaa4 \
         5aaaaaac 5aaaaab4",
    ),
    (
        "P 4 -89.99 0 -89.99 -90 -89.99 180 -89.99 90",
        "a555554c a5555554 a555555c afffffe4 affffff4 affffffc b0000004 b000000c b000001c baaaaaa4 \
         baaaaaac baaaaab4",
    ),
    ("P 3 90 0 89.99 10 89.99 40", "45555554 4555555c 4ffffffc 50000004 5aaaaaac"),
    // Across the antimeridian.
    (
        "P 4 -0.005 179.995 -0.005 -179.995 0.005 -179.995 0.005 179.995",
        "65555554 6ffffffc 70000004 7aaaaaac",
    ),
    // Around a corner of the cube, and with edges on the borders of cells.
    (
        "P 4 35.25 44.99 35.25 45.01 35.27 45.01 35.27 44.99",
        "15555544 1555554c 15555554 1555555c 15555564 1555556c 3fffffc4 3fffffdc 3fffffe4 3fffffec \
         3ffffff4 3ffffffc 40000004 4000000c 4000001c",
    ),
    (
        "P 4 0 0 0 0.01 0.01 0.01 0.01 0",
        "05555554 0fffffe4 0ffffffc 10000004 1000000c 10000014 1000001c 1aaaaaa4 1aaaaaac",
    ),
    (
        "P 3 0 44.99 0.001 45.0 0 45.01",
        "17fffff4 17fffffc 18000004 1800001c 22aaaaac 22aaaab4 3d55554c 3d555554",
    ),
    // Touching the border of two faces of the cube from either side.
    (
        "P 3 0.001 44.98 0.02 44.98 0.01 45",
        "17ffff8c 17ffff94 17ffffb4 17ffffbc 17ffffc4 17ffffdc 17ffffe4 17ffffec 17fffff4 17fffffc \
         3d55555c",
    ),
    (
        "P 3 0.001 45.02 0.02 45.02 0.01 45",
        "17ffffe4 3d55550c 3d555514 3d555534 3d55553c 3d555544 3d55554c 3d555554 3d55555c 3d555564 \
         3d55556c",
    ),
    // Smaller than a cell, and a sliver.
    ("P 4 47 8 47 8.000001 47.000001 8.000001 47.000001 8", "478fc324"),
    ("P 4 10 20 10 20.02 10.00001 20.02 10.00001 20", "11282084 1128209c"),
];

#[test]
fn covers_odd_places_as_golang_geo_does() {
    for (area, tokens) in ODD {
        let (kind, numbers) = area.split_once(' ').expect("kind, numbers");

        let found = parse(kind, numbers).cells().expect(area);

        assert_eq!(found, cells(tokens), "{area}");
    }
}

#[test]
fn covers_both_sides_of_a_border_that_a_line_runs_along() {
    let line = parse("P", "3 0 -0.19 0 0.08 0 -0.2").cells().expect("a line");

    let band = parse("P", "4 -1e-4 -0.2 -1e-4 0.08 1e-4 0.08 1e-4 -0.2").cells();

    assert_eq!(line, band.expect("a band"));
}
