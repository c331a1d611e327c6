//! What a million live operational intents cost, each with an implicit subscription.

use std::fs;
use std::hint::black_box;

use airspace::{Party, Search, State};
use criterion::{Criterion, criterion_group, criterion_main};

use flights::{Traffic, cells, scrambled};

#[path = "shared/flights.rs"]
mod flights;

const LIVE: u64 = 1_000_000;

/// How many cells they are spread over: a large country has about 300,000.
const CELLS: u64 = 250_000;

fn million(criterion: &mut Criterion) {
    let before = resident_bytes();
    let mut traffic = Traffic::new();
    for number in 0..LIVE {
        let first = u64::from_be_bytes(scrambled(number)[..8].try_into().expect("8 bytes")) % CELLS;
        traffic.create(&cells(first, 1 + number % 4));
    }
    say(&format!("{} bytes an intent", (resident_bytes() - before) / LIVE));
    traffic.pass(60);

    let mut group = criterion.benchmark_group("million");
    group.sample_size(10);
    group.bench_function("flight", |bencher| bencher.iter(|| traffic.fly(&cells(7, 3))));
    group.bench_function("search", |bencher| {
        let (reader, search) = (Party::new("uss2").expect("a name"), search());
        let now = traffic.time(0);
        bencher.iter(|| traffic.state.search_operational_intents(now, &reader, &search));
    });
    group.bench_function("frozen", |bencher| bencher.iter(|| black_box(traffic.state.frozen())));
    group.bench_function("frozen, then 100 flights", |bencher| {
        bencher.iter(|| {
            let frozen = traffic.state.frozen();
            for number in 0..100 {
                traffic.fly(&cells(number * 2_000, 3));
            }
            frozen
        });
    });
    group.bench_function("hash after 1,000 flights", |bencher| {
        bencher.iter(|| {
            for number in 0..1_000 {
                traffic.fly(&cells(number * 200, 3));
            }
            traffic.state.hash()
        });
    });
    let mut bytes = Vec::new();
    traffic.state.frozen().write(&mut bytes).expect("a vector takes any number of bytes");
    say(&format!("{} bytes a snapshot", bytes.len()));
    group.bench_function("write", |bencher| {
        let frozen = traffic.state.frozen();
        bencher.iter(|| frozen.write(std::io::sink()));
    });
    drop(traffic);
    group.bench_function("read", |bencher| bencher.iter(|| State::read(bytes.as_slice())));
    group.finish();
}

fn search() -> Search {
    Search {
        starts_at: None,
        ends_at: None,
        altitude_lower: None,
        altitude_upper: None,
        cells: cells(1_000, 20),
    }
}

/// Returns the memory of this process that is in use, as Linux counts it.
fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    pages * 4096
}

#[expect(clippy::print_stdout, reason = "it is what the benchmark is for")]
fn say(line: &str) {
    println!("{line}");
}

criterion_group!(benches, million);
criterion_main!(benches);
