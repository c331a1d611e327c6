//! How long it takes to decide one command in a busy cell.

use criterion::{Criterion, criterion_group, criterion_main};
use spacetime::Altitude;

use flights::{Traffic, cells};

#[path = "shared/flights.rs"]
mod flights;

/// Create, activate and delete, three commands, with so many others live in the cell.
fn fly(criterion: &mut Criterion) {
    let cell = cells(1, 1);
    for live in [0, 1, 100] {
        let mut traffic = Traffic::new();
        for _ in 0..live {
            traffic.create(&cell);
        }
        criterion.bench_function(&format!("flight, {live} live"), |bencher| {
            bencher.iter(|| traffic.fly(&cell));
        });
    }
}

/// The same where 100,000 others were in the last hours, or will be in the next, at one altitude.
fn fly_among_others(criterion: &mut Criterion) {
    let cell = cells(1, 1);
    for (name, first_s) in [("past", -100_000), ("to come", 700)] {
        let mut traffic = Traffic::new();
        traffic.pass(-100_000);
        for number in 0..100_000 {
            let start_s = if name == "past" { 0 } else { 100_000 + first_s + number };
            traffic.create_at(&cell, start_s, Altitude::from_millimeters(number as i32 * 2));
            if name == "past" {
                traffic.pass(1);
            }
        }
        if name == "to come" {
            traffic.pass(100_000);
        }
        traffic.pass(if name == "past" { 700 } else { 0 });
        criterion.bench_function(&format!("flight, 100,000 {name}"), |bencher| {
            bencher.iter(|| traffic.fly(&cell));
        });
    }
}

criterion_group!(benches, fly, fly_among_others);
criterion_main!(benches);
