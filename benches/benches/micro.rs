//! Single steps, for whoever changes one: `cargo bench -p benches`.

use benches::work::Work;
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

fn work() -> Work {
    match Work::new() {
        Ok(work) => work,
        Err(error) => panic!("the work cannot be prepared: {error}"),
    }
}

#[divan::bench]
fn parse_100_kb(bencher: Bencher) {
    let work = work();
    bencher.bench_local(|| black_box(work.parse().is_ok()));
}

#[divan::bench]
fn plan_100_kb(bencher: Bencher) {
    let work = work();
    bencher.bench_local(|| black_box(work.plan()));
}

#[divan::bench]
fn body_100_kb(bencher: Bencher) {
    let work = work();
    bencher.bench_local(|| black_box(work.body().is_ok()));
}

#[divan::bench]
fn stream_of_500_events(bencher: Bencher) {
    let work = work();
    bencher.bench_local(|| black_box(work.stream().is_ok()));
}

#[divan::bench]
fn record(bencher: Bencher) {
    let work = work();
    bencher.bench_local(|| black_box(work.record().is_ok()));
}
