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
