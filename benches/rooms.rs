//! What the rooms cost: the schedule, recording, the ledger, the limiter, the drivers; with their allocations.
//!
//! `cargo bench --bench rooms`. Drivers run in virtual time against a target that answers after a millisecond, so what is measured is
//! the driver, its script and its books, and neither a socket nor a clock.
#![allow(clippy::unwrap_used)] // a program of its own

use std::sync::Arc;
use std::time::Duration;

use divan::{AllocProfiler, Bencher, black_box, counter::ItemsCount};
use livebench::client::outcome::Outcome;
use livebench::client::{Answer, Ask, Client};
use livebench::load::{
    self, Admission, LoadLimits, LoadThread, OpenArrivals, Outbox, Pacer, RequestMix, Workforce, drive_closed, drive_open,
};
use livebench::record::ledger::LedgerEntry;
use livebench::record::ledger::online::Ledger;
use livebench::record::recorder::Recorder;
use livebench::record::sample::{Batch, Role, Sample};
use livebench::record::timeline::Live;
use livebench::scenario::{Closed, Overflow, Scenario, WorkerStage, load};
use livebench::schedule::{Arrivals, Schedule, Stage};
use livebench::units::{Rate, Text64};

#[global_allocator]
static ALLOCATOR: AllocProfiler<mimalloc::MiMalloc> = AllocProfiler::new(mimalloc::MiMalloc);

fn main() {
    divan::main();
}

const CALLS: u64 = 100_000;

fn schedule(arrivals: Arrivals) -> Schedule {
    let rate = |per_second: f64| Rate::per_second(per_second).unwrap();
    let stages = [
        Stage::Line { length: Duration::from_secs(50), from: rate(0.0), to: rate(1500.0) },
        Stage::Line { length: Duration::from_secs(50), from: rate(1500.0), to: rate(1000.0) },
    ];
    Schedule::new(&stages, arrivals, 7).unwrap()
}

/// Due times of a ramp.
#[divan::bench(args = [Arrivals::Even, Arrivals::Poisson])]
fn schedule_due_times(bencher: Bencher<'_, '_>, arrivals: Arrivals) {
    let schedule = schedule(arrivals);
    bencher
        .counter(ItemsCount::new(schedule.calls()))
        .bench_local(|| (&schedule).into_iter().fold(Duration::ZERO, |_, due| black_box(due)));
}

/// Call n of a run at 1000/s.
fn sample(n: u64) -> Sample {
    let due = Duration::from_millis(n);
    let sent = due + Duration::from_micros(20);
    let text = |text: String| Some(Text64::cut(&text));
    let answer = Answer {
        outcome: Outcome::Ok,
        status: Some(200),
        exception: None,
        session_id: text(format!("00000000-0000-4000-8000-{n:012x}")),
        request_id: text(format!("00000000-0000-4000-9000-{n:012x}")),
        server_second: None,
    };
    let token = text(format!("lb-0123456789abcdef-{n:016x}"));
    let done = Some(sent + Duration::from_micros(40_000 + n * 7919 % 90_000));
    Sample { seq: n, due, sent: Some(sent), done, mix: 0, role: Role::Fresh, attempt: 1, token, answer }
}

fn samples() -> Vec<Sample> {
    (0..CALLS).map(sample).collect()
}

/// Histograms and counts.
#[divan::bench]
fn recorder(bencher: Bencher<'_, '_>) {
    let (samples, mut recorder) = (samples(), Recorder::default());
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| samples.iter().for_each(|sample| recorder.record(black_box(sample))));
}

/// The second's row and interval histograms.
#[divan::bench]
fn timeline(bencher: Bencher<'_, '_>) {
    let (samples, mut timeline) = (samples(), Live::new(1));
    bencher.counter(ItemsCount::new(CALLS)).bench_local(|| samples.iter().for_each(|sample| timeline.sample(black_box(sample))));
}

/// The online ledger at its cap: every call is looked up, kept, and another one forgotten.
#[divan::bench]
fn ledger(bencher: Bencher<'_, '_>) {
    let entries: Vec<LedgerEntry> = samples().iter().filter_map(LedgerEntry::of).collect();
    bencher.counter(ItemsCount::new(CALLS)).with_inputs(|| Ledger::new(Duration::from_secs(180))).bench_local_values(
        |mut ledger| {
            for entry in &entries {
                ledger.observe(black_box(entry));
            }
            ledger
        },
    );
}

/// Answers after a millisecond of virtual time.
struct Instant<'a>(&'a Pacer);

impl Client for Instant<'_> {
    async fn call(&self, _ask: Ask) -> Answer {
        self.0.until(self.0.now() + Duration::from_millis(1)).await;
        Answer { status: Some(200), ..Answer::without_reply(Outcome::Ok) }
    }
}

fn scenario() -> Scenario {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "name = \"rooms\"\n[load]\nstages = [{ for = \"1s\", rate = 1 }]\n").unwrap();
    load(file.path()).map_or_else(|_| panic!("the scenario is sound"), |(scenario, _)| scenario)
}

fn outbox() -> Outbox<impl FnMut(&mut Batch) -> bool> {
    Outbox::new(0, |batch: &mut Batch| {
        batch.samples.clear();
        batch.seconds.clear();
        true
    })
}

/// A thread that shares the load with nobody.
fn alone(pacer: &Pacer, max_rate: Option<Rate>) -> LoadThread {
    let limits = LoadLimits { concurrency: 64, max_rate, max_calls: None, stop_on_denied: false };
    LoadThread {
        index: 0,
        threads: 1,
        pacer: pacer.clone(),
        from: std::time::Duration::ZERO,
        admission: Arc::new(Admission::new(limits)),
    }
}

/// The open driver, without and with a cap that lets everything through: what governor costs is the difference.
#[divan::bench(args = [false, true])]
fn open_driver(bencher: Bencher<'_, '_>, capped: bool) {
    let (scenario, schedule) = (scenario(), schedule(Arrivals::Even));
    bencher.counter(ItemsCount::new(schedule.calls())).bench_local(|| {
        let pacer = Pacer::virtual_time();
        let max_rate = capped.then(|| Rate::per_second(100_000.0).unwrap());
        let (thread, target) = (alone(&pacer, max_rate), Instant(&pacer));
        let arrivals = OpenArrivals { schedule: &schedule, overflow: Overflow::Miss };
        load::run_virtual(&pacer, drive_open(&thread, &target, arrivals, RequestMix::new(&scenario, 1), outbox())).unwrap();
    });
}

/// The closed driver with 64 workers.
#[divan::bench]
fn closed_driver(bencher: Bencher<'_, '_>) {
    let scenario = scenario();
    let stages = vec![WorkerStage { length: Duration::from_secs(1), workers: 64 }];
    let workforce = Workforce::new(&Closed { stages, think_time: Duration::ZERO });
    bencher.counter(ItemsCount::new(64_000u64)).bench_local(|| {
        let pacer = Pacer::virtual_time();
        let (thread, target) = (alone(&pacer, None), Instant(&pacer));
        let driving = drive_closed(&thread, &target, &workforce, RequestMix::new(&scenario, 1), outbox());
        load::run_virtual(&pacer, driving).unwrap();
    });
}
