//! What a plan of time and place means.

use std::time::Duration;

use airspace::{Extent, Footprint, Search};
use spacetime::{Altitude, Cell, Cells, Timestamp};

use super::pick;
use crate::commands::step::{Choice, ExtentPlan, FootprintPlan, Moment};
use crate::model::Model;

/// Level-13 cells beside one another.
const CELLS: [u64; 4] =
    [0x4790_0004_0000_0000, 0x4790_000c_0000_0000, 0x4790_0014_0000_0000, 0x4790_001c_0000_0000];

/// 2026-01-01T00:00:00Z: nothing is stamped earlier.
const START_MICROS: i64 = 1_767_225_600_000_000;

/// When an entity starts and ends, and for how long it is kept after that.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) starts_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) retention: Duration,
}

pub(super) fn start() -> Timestamp {
    Timestamp::from_micros(START_MICROS).expect("in range")
}

pub(super) fn shift(time: Timestamp, micros: i64) -> Timestamp {
    let by = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { time.minus(by) } else { time.plus(by) }
}

/// Picks an entity of any kind.
pub(super) fn span(model: &Model, which: Choice) -> Option<Span> {
    let retention = Duration::from_secs(u64::from(model.settings.f3548_retention_s));
    let intents = model.operational_intents.iter().map(|known| &known.extent);
    let constraints = model.constraints.iter().map(|known| &known.extent);
    let subscriptions = model.subscriptions.iter().map(|known| &known.extent);
    let mut spans: Vec<Span> = intents
        .chain(constraints)
        .chain(subscriptions)
        .map(|extent| Span { starts_at: extent.starts_at, ends_at: extent.ends_at, retention })
        .collect();

    let retention = Duration::from_secs(u64::from(model.f3411_settings.retention_s));
    for area in &model.identification_service_areas {
        spans.push(Span { starts_at: area.starts_at, ends_at: area.ends_at, retention });
    }
    for known in &model.remote_id_subscriptions {
        spans.push(Span { starts_at: known.starts_at, ends_at: known.ends_at, retention });
    }
    pick(&spans, which).copied()
}

/// Start before end and lower not above upper, as every extent in a command.
pub(super) fn extent(model: &Model, at: Timestamp, plan: ExtentPlan) -> Extent {
    let one = moment(model, at, plan.start);
    let other = moment(model, at, plan.end);
    let starts_at = one.min(other);
    let lower_m = i32::from(plan.lower % 4) * 50;
    let upper_m = lower_m + i32::from(plan.height % 4) * 50;
    Extent {
        starts_at,
        ends_at: one.max(other).max(starts_at.plus(Duration::from_micros(1))),
        altitude_lower: Some(Altitude::from_millimeters(lower_m * 1000)),
        altitude_upper: Some(Altitude::from_millimeters(upper_m * 1000)),
        cells: cells(plan.cells),
    }
}

/// A bound without its bit is not given.
pub(super) fn search(model: &Model, at: Timestamp, plan: ExtentPlan, given: u8) -> Search {
    let extent = extent(model, at, plan);
    let is_given = |bit: u8| given >> bit & 1 == 1;
    Search {
        starts_at: Some(extent.starts_at).filter(|_| is_given(0)),
        ends_at: Some(extent.ends_at).filter(|_| is_given(1)),
        altitude_lower: extent.altitude_lower.filter(|_| is_given(2)),
        altitude_upper: extent.altitude_upper.filter(|_| is_given(3)),
        cells: extent.cells,
    }
}

pub(super) fn footprint(model: &Model, at: Timestamp, plan: FootprintPlan) -> Footprint {
    Footprint {
        starts_at: plan.start.map(|start| moment(model, at, start)),
        ends_at: plan.end.map(|end| moment(model, at, end)),
        cells: cells(plan.cells),
    }
}

fn moment(model: &Model, at: Timestamp, moment: Moment) -> Timestamp {
    match moment {
        Moment::Now(micros) => shift(at, micros),
        Moment::StartOf(which, micros) => {
            span(model, which).map_or(at, |span| shift(span.starts_at, micros))
        }
        Moment::EndOf(which, micros) => {
            span(model, which).map_or(at, |span| shift(span.ends_at, micros))
        }
    }
}

/// One a bit; the first if there would be none.
fn cells(bits: u8) -> Cells {
    let mut cells = Vec::new();
    for (number, id) in CELLS.iter().enumerate() {
        if bits >> number & 1 == 1 {
            cells.push(Cell::from_id(*id).expect("it is of level 13"));
        }
    }
    if cells.is_empty() {
        cells.push(Cell::from_id(CELLS[0]).expect("it is of level 13"));
    }
    Cells::from_unsorted(cells).expect("there is one")
}
