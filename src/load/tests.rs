//! The drivers in virtual time, on a client that is a pure function.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::client::outcome::Outcome;
use crate::record::sample::Batch;
use crate::scenario::{Closed, Idempotency, Mix, Overflow, Scenario, WorkerStage};
use crate::schedule::{Arrivals, Schedule, Stage};
use crate::summary::{Called, Endpoint, Stop};
use crate::units::{Rate, Share};

/// Answers everything after `latency`; from `down` to `up` nothing is answered before `up`.
struct Toy {
    pacer: Pacer,
    latency: Duration,
    outage: (Duration, Duration),
    /// Until when it refuses every call at once.
    closed_until: Duration,
    /// What it costs the harness to send a call.
    cost: Duration,
    /// From when on, and for how long, the harness stands still once.
    stall: Cell<Option<(Duration, Duration)>>,
    most_in_flight: Cell<usize>,
    in_flight: Cell<usize>,
}

impl Toy {
    fn new(pacer: &Pacer, latency_ms: u64) -> Self {
        let latency = Duration::from_millis(latency_ms);
        Self {
            pacer: pacer.clone(),
            latency,
            outage: (Duration::MAX, Duration::MAX),
            closed_until: Duration::ZERO,
            cost: Duration::ZERO,
            stall: Cell::new(None),
            most_in_flight: Cell::new(0),
            in_flight: Cell::new(0),
        }
    }
}

impl Client for Toy {
    async fn call(&self, _ask: Ask) -> Answer {
        self.pacer.jump(self.pacer.now() + self.cost);
        if let Some((at, length)) = self.stall.get().filter(|(at, _)| *at <= self.pacer.now()) {
            self.pacer.jump(at + length);
            self.stall.set(None);
        }
        if self.pacer.now() < self.closed_until {
            return Answer::without_reply(Outcome::OtherTransport);
        }
        self.in_flight.update(|n| n + 1);
        self.most_in_flight.update(|most| most.max(self.in_flight.get()));
        let at = self.pacer.now() + self.latency;
        let (down, up) = self.outage;
        self.pacer.until(if (down..up).contains(&at) { up } else { at }).await;
        self.in_flight.update(|n| n - 1);
        Answer { status: Some(200), ..Answer::without_reply(Outcome::Ok) }
    }
}

fn scenario() -> Scenario {
    let mix =
        Mix { name: "only".to_owned(), weight: 1, request: crate::client::request::CreateRequest::default(), fresh_token: true };
    Scenario {
        name: "toy".to_owned(),
        description: String::new(),
        seed: 7,
        load: crate::scenario::Load {
            model: crate::scenario::Model::Closed(Closed { stages: Vec::new(), think_time: Duration::ZERO }),
            max_rate: None,
            transport: crate::scenario::Transport::Sdk,
            pacing: crate::scenario::Pacing::Timer,
        },
        mixes: vec![mix],
        idempotency: Idempotency { session_ttl: Duration::from_secs(180), ..Idempotency::default() },
        budget: crate::scenario::Budget::default(),
        thresholds: Vec::new(),
        emulator: crate::emulator::config::EmulatorConfig::default(),
    }
}

const FREE: LoadLimits = LoadLimits { concurrency: 1000, max_rate: None, max_calls: None, stop_on_denied: false };

fn admission(limits: LoadLimits) -> Arc<Admission> {
    Arc::new(Admission::new(limits))
}

/// A thread that shares the load with nobody.
fn alone(pacer: &Pacer, admission: &Arc<Admission>) -> LoadThread {
    LoadThread { index: 0, threads: 1, pacer: pacer.clone(), from: Duration::ZERO, admission: Arc::clone(admission) }
}

fn constant(rate: f64, secs: u64) -> Schedule {
    let rate = Rate::per_second(rate).unwrap();
    Schedule::new(&[Stage::Line { length: Duration::from_secs(secs), from: rate, to: rate }], Arrivals::Even, 7).unwrap()
}

/// Everything that the outbox was given.
#[derive(Debug, Default)]
struct Heard(RefCell<Batch>);

impl Heard {
    fn outbox(&self, core: usize) -> Outbox<impl FnMut(&mut Batch) -> bool> {
        Outbox::new(core, move |batch: &mut Batch| {
            let mut all = self.0.borrow_mut();
            all.samples.append(&mut batch.samples);
            all.seconds.append(&mut batch.seconds);
            true
        })
    }

    fn count(&self, outcome: Outcome) -> u64 {
        self.0.borrow().samples.iter().filter(|s| s.outcome() == outcome).map(|_| 1).sum()
    }
}

fn open(schedule: &Schedule, admission: &Arc<Admission>, toy: &Toy, overflow: Overflow, scenario: &Scenario) -> Heard {
    let heard = Heard::default();
    let thread = alone(&toy.pacer, admission);
    let drive = drive_open(&thread, toy, OpenArrivals { schedule, overflow }, RequestMix::new(scenario, 1), heard.outbox(0));
    run_virtual(&toy.pacer, drive).unwrap();
    heard
}

fn since_due(at: Option<Duration>, sample: &Sample) -> Duration {
    at.unwrap().checked_sub(sample.due).unwrap()
}

/// A burst is sent to its end, however long the sending takes; what has piled up in a stall of our own is missed.
#[test]
fn bursts_are_sent_and_pile_ups_are_not() {
    let schedules = [(Schedule::new(&[Stage::Burst { calls: 300 }], Arrivals::Even, 7).unwrap(), 1), (constant(100.0, 1), 500)];
    let [burst, stalled] = schedules.map(|(schedule, cost_ms)| {
        let pacer = Pacer::virtual_time();
        let toy = Toy { cost: Duration::from_millis(cost_ms), ..Toy::new(&pacer, 45) };
        let heard = open(&schedule, &admission(FREE), &toy, Overflow::Miss, &scenario());
        (heard.count(Outcome::Ok), heard.count(Outcome::Missed))
    });
    assert_eq!(burst, (300, 0));
    // Sent at 0; then those of 400 ms, 900 ms and so on, when there is time for them.
    assert_eq!(stalled.0 + stalled.1, 100);
    assert!((2..=4).contains(&stalled.0), "{stalled:?}");
}

/// After a stall of our own what is late goes out at no more than twice the schedule's rate, in whatever window one looks, until all is on
/// time again; what the scenario would have missed is missed, what it would have made wait is sent.
#[test]
fn a_pile_up_is_no_burst() {
    let (rate, stall_ms) = (1000u64, 300u64);
    for (overflow, cores) in [(Overflow::Miss, 1), (Overflow::Wait, 1), (Overflow::Miss, 2)] {
        let pacer = Pacer::virtual_time();
        let toy = Toy::new(&pacer, 1);
        toy.stall.set(Some((Duration::from_secs(1), Duration::from_millis(stall_ms))));
        let (schedule, heard, gate, scenario) = (constant(1000.0, 3), Heard::default(), admission(FREE), scenario());
        let threads: Vec<LoadThread> =
            (0..cores).map(|index| LoadThread { index, threads: cores, ..alone(&pacer, &gate) }).collect();
        let drive = |thread| {
            let arrivals = OpenArrivals { schedule: &schedule, overflow };
            drive_open(thread, &toy, arrivals, RequestMix::new(&scenario, 1), heard.outbox(thread.index))
        };
        run_virtual(&pacer, futures_util::future::join_all(threads.iter().map(drive))).unwrap();
        let mut sent: Vec<Duration> = heard.0.borrow().samples.iter().filter_map(|s| s.sent).collect();
        sent.sort();
        assert_eq!(sent.len() as u64 + heard.count(Outcome::Missed), 3 * rate);
        let missed = if overflow == Overflow::Miss { stall_ms - 100 } else { 0 };
        assert!(heard.count(Outcome::Missed).abs_diff(missed) <= 2, "{overflow:?}: {} missed", heard.count(Outcome::Missed));
        for window_ms in [2usize, 10, 50, 200] {
            let window = Duration::from_millis(window_ms as u64);
            let most = (0..sent.len()).map(|i| sent[i..].iter().take_while(|at| **at < sent[i] + window).count()).max().unwrap();
            // One more for each core: those that were under way when it stood still.
            assert!(most <= 2 * window_ms + 1 + cores, "{overflow:?}: {most} calls in {window_ms} ms");
        }
        let late =
            heard.0.borrow().samples.iter().filter(|s| s.due > Duration::from_secs(2)).filter(|s| s.sent != Some(s.due)).count();
        assert_eq!(late, 0, "on time again within the time that it stood still");
    }
}

/// With room, every call is sent at the instant at which it is due, and every second is told.
#[test]
fn open_obeys_the_schedule() {
    let pacer = Pacer::virtual_time();
    let (schedule, toy) = (constant(7.0, 60), Toy::new(&pacer, 45));
    let heard = open(&schedule, &admission(FREE), &toy, Overflow::Miss, &scenario());
    let all = heard.0.borrow();
    let due: Vec<Duration> = schedule.iter().collect();
    assert_eq!(all.samples.iter().map(|s| s.sent.unwrap()).collect::<Vec<_>>(), due);
    assert!(all.samples.iter().all(|s| since_due(s.done, s) == Duration::from_millis(45)));
    assert_eq!(all.seconds.iter().map(|s| s.offered).sum::<u64>(), 420);
    assert_eq!(all.seconds.iter().map(|s| s.sent).sum::<u64>(), 420);
    assert_eq!(all.seconds.len(), 60);
}

/// A stall of the server does not hold arrivals back: with room nothing is missed, and each waits as long as a user would have.
#[test]
fn a_stall_is_felt_in_full() {
    let pacer = Pacer::virtual_time();
    let (down, up) = (Duration::from_secs(10), Duration::from_secs(12));
    let toy = Toy { outage: (down, up), ..Toy::new(&pacer, 1) };
    let heard = open(&constant(200.0, 20), &admission(FREE), &toy, Overflow::Miss, &scenario());
    let mut response: Vec<_> = heard.0.borrow().samples.iter().map(|s| since_due(s.done, s)).collect();
    response.sort();
    assert_eq!(response.len(), 4000);
    // 400 of 4000 calls meet the stall and wait 2 s down to 0: the 99th percentile is the 40th longest wait.
    assert_eq!(response[3960], Duration::from_millis(2000 - 5 * 39));
}

/// Without room calls are missed and never sent later; the cap on calls in flight holds.
#[test]
fn a_full_room_misses() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 999);
    let gate = admission(LoadLimits { concurrency: 5, ..FREE });
    let heard = open(&constant(10.0, 10), &gate, &toy, Overflow::Miss, &scenario());
    assert_eq!(toy.most_in_flight.get(), 5);
    assert_eq!((heard.count(Outcome::Ok), heard.count(Outcome::Missed)), (50, 50));
    assert!(
        heard.0.borrow().samples.iter().filter_map(|s| s.sent.map(|sent| sent.saturating_sub(s.due))).all(|late| late.is_zero())
    );
}

/// With `overflow = "wait"` nothing is missed and the lateness tells how long each waited.
#[test]
fn a_full_room_makes_wait() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 1000);
    let gate = admission(LoadLimits { concurrency: 5, ..FREE });
    let heard = open(&constant(10.0, 10), &gate, &toy, Overflow::Wait, &scenario());
    assert_eq!(toy.most_in_flight.get(), 5);
    assert_eq!(heard.count(Outcome::Ok), 100);
    let latest = heard.0.borrow().samples.iter().map(|s| since_due(s.sent, s)).max().unwrap();
    assert_eq!(latest, Duration::from_millis(19_000 - 9_500), "call 95 is the first of the twentieth five");
}

/// Virtual time needs no runtime, and does not stumble over the one that a command runs in: tokio's semaphore gives way after 128
/// operations of a task, and here nobody would ever renew them.
#[test]
fn a_runtime_around_virtual_time_does_no_harm() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answered = runtime.block_on(async {
        let pacer = Pacer::virtual_time();
        let gate = admission(LoadLimits { concurrency: 2, ..FREE });
        open(&constant(100.0, 10), &gate, &Toy::new(&pacer, 100), Overflow::Wait, &scenario()).count(Outcome::Ok)
    });
    assert_eq!(answered, 1000);
}

/// What `max_rate` refuses is capped and counted, not sent later.
#[test]
fn max_rate_caps() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 10);
    let gate = admission(LoadLimits { max_rate: Some(Rate::per_second(20.0).unwrap()), ..FREE });
    let heard = open(&constant(40.0, 10), &gate, &toy, Overflow::Miss, &scenario());
    assert_eq!(heard.count(Outcome::Ok) + heard.count(Outcome::Capped), 400);
    assert!((200..=202).contains(&heard.count(Outcome::Ok)), "{}", heard.count(Outcome::Ok));
}

/// The budget is a hard stop: exactly its calls are sent, and the answers are waited for.
#[test]
fn budget_is_exact() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 500);
    let gate = admission(LoadLimits { max_calls: Some((33, StopCause::BudgetCalls)), ..FREE });
    let heard = open(&constant(10.0, 10), &gate, &toy, Overflow::Miss, &scenario());
    assert_eq!((heard.count(Outcome::Ok), heard.0.borrow().samples.len()), (33, 33));
    assert_eq!(gate.stopped(), Some(StopCause::BudgetCalls));
}

/// A stop from outside: nothing is sent any more, and every call in flight still ends.
#[test]
fn a_stop_waits_for_answers() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 500);
    let gate = admission(FREE);
    let (schedule, scenario, heard) = (constant(10.0, 10), scenario(), Heard::default());
    let (thread, arrivals) = (alone(&pacer, &gate), OpenArrivals { schedule: &schedule, overflow: Overflow::Miss });
    let drive = drive_open(&thread, &toy, arrivals, RequestMix::new(&scenario, 1), heard.outbox(0));
    let stop = async {
        pacer.until(Duration::from_millis(2050)).await;
        gate.stop(StopCause::Interrupted);
    };
    run_virtual(&pacer, futures_util::future::join(drive, stop)).unwrap();
    assert_eq!(heard.count(Outcome::Ok), 21);
    assert_eq!(pacer.now(), Duration::from_millis(2500));
}

/// Two cores together make exactly the calls of one.
#[test]
fn cores_share_the_schedule() {
    let schedule = constant(13.0, 10);
    let mut scenario = scenario();
    scenario.idempotency.race = Share::new(0.2).unwrap();
    let run = |cores| {
        let mut seen = Vec::new();
        for core in 0..cores {
            let pacer = Pacer::virtual_time();
            let (toy, gate, heard) = (Toy::new(&pacer, 20), admission(FREE), Heard::default());
            let thread = LoadThread { index: core, threads: cores, ..alone(&pacer, &gate) };
            let arrivals = OpenArrivals { schedule: &schedule, overflow: Overflow::Miss };
            run_virtual(&pacer, drive_open(&thread, &toy, arrivals, RequestMix::new(&scenario, 1), heard.outbox(core))).unwrap();
            seen.append(&mut heard.0.borrow_mut().samples);
        }
        seen.sort_by_key(|s| s.seq);
        seen
    };
    assert_eq!(run(2), run(1));
    assert!(run(1).iter().any(|s| s.role == crate::record::sample::Role::Race));
}

fn closed(workforce: &Workforce, admission: &Arc<Admission>, toy: &Toy) -> Heard {
    let heard = Heard::default();
    let thread = alone(&toy.pacer, admission);
    let drive = drive_closed(&thread, toy, workforce, RequestMix::new(&scenario(), 1), heard.outbox(0));
    run_virtual(&toy.pacer, drive).unwrap();
    heard
}

/// Workers wait for their answer and think: so many calls fit into the time, numbered without gaps.
#[test]
fn closed_workers_wait() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 150);
    let stages = vec![WorkerStage { length: Duration::from_secs(10), workers: 4 }];
    let workforce = Workforce::new(&Closed { stages, think_time: Duration::from_millis(100) });
    let heard = closed(&workforce, &admission(FREE), &toy);
    assert_eq!(heard.count(Outcome::Ok), 4 * 40, "a call every 250 ms for 10 s, four times");
    assert_eq!(toy.most_in_flight.get(), 4);
    let mut numbers: Vec<u64> = heard.0.borrow().samples.iter().map(|s| s.seq).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..160));
}

/// Report on 0.1.0 (B13): without think time a closed port was called 13,918 times in 2 s. Workers hold back, twice as long each time and a
/// second at most, find within one that somebody answers again, and every call is accounted for.
#[test]
fn workers_hold_back_from_a_closed_port() {
    let run = |closed_s: u64| {
        let stages = vec![WorkerStage { length: Duration::from_secs(10), workers: 4 }];
        let workforce = Workforce::new(&Closed { stages, think_time: Duration::ZERO });
        let workload = Workload::Closed(Arc::new(workforce));
        let session = LoadSession::new(FREE);
        let mut all = Vec::new();
        let work = workload.drive(RequestMix::new(&scenario(), 1), |batch: &mut Batch| {
            all.append(&mut batch.samples);
            batch.seconds.clear();
            true
        });
        let closed_until = Duration::from_secs(closed_s);
        let ended = session.simulate(work, |pacer| Toy { closed_until, ..Toy::new(pacer, 50) }).unwrap();
        let held_back = ended.held_back();
        all.sort_unstable_by_key(|sample| sample.seq);
        assert!((0..).zip(&all).all(|(n, sample)| sample.seq == n && sample.done.is_some()), "numbered without gaps");
        (all, held_back)
    };
    let (never, held_back) = run(10);
    // Two at once and eight waits up to a second are 10 calls in 1.3 to 2.3 s; then one or two a second.
    assert!((4 * 17..=4 * 30).contains(&never.len()), "{}", never.len());
    assert!(held_back > Duration::from_secs(39) && held_back <= Duration::from_secs(40), "four workers, 10 s: {held_back:?}");
    assert_eq!(run(10), (never, held_back), "the same in every run");
    let (back, held_back) = run(4);
    assert!(held_back < Duration::from_secs(4 * 5));
    let first = back.iter().filter(|sample| sample.outcome() == Outcome::Ok).map(|sample| sample.due).min().unwrap();
    assert!((Duration::from_secs(4)..=Duration::from_secs(5)).contains(&first), "{first:?}");
    let later = back.iter().filter(|sample| sample.due > Duration::from_secs(6));
    assert!(later.clone().all(|sample| sample.outcome() == Outcome::Ok) && later.count() > 4 * 70, "nobody holds back any more");
    assert_eq!(run(0).1, Duration::ZERO);
}

/// A capped worker waits until governor lets it go, and is due then.
#[test]
fn closed_workers_wait_for_the_cap() {
    let pacer = Pacer::virtual_time();
    let toy = Toy::new(&pacer, 1);
    let stages = vec![WorkerStage { length: Duration::from_secs(10), workers: 8 }];
    let workforce = Workforce::new(&Closed { stages, think_time: Duration::ZERO });
    let gate = admission(LoadLimits { max_rate: Some(Rate::per_second(50.0).unwrap()), ..FREE });
    let heard = closed(&workforce, &gate, &toy);
    assert!((500..=506).contains(&heard.count(Outcome::Ok)), "{}", heard.count(Outcome::Ok));
    assert!(heard.0.borrow().samples.iter().all(|s| s.sent == Some(s.due)));
}

/// A session needs neither files nor a command: a day's load runs in virtual time, and its facts are those of the load. A run that was
/// not cut short lasts as long as its stages, and one that ran out of budget ends where the first call is due that it may not send.
#[test]
fn a_session_simulates() {
    for (max_calls, sent, elapsed_s, stop) in [(None, 864, 86_400.0, Stop::Completed), (Some(10), 10, 1000.0, Stop::BudgetCalls)]
    {
        let workload = Workload::Open(Arc::new(constant(0.01, 86_400)), Overflow::Miss);
        let session = LoadSession::new(LoadLimits { max_calls: max_calls.map(|calls| (calls, StopCause::BudgetCalls)), ..FREE });
        let mut samples = 0;
        let work = workload.drive(RequestMix::new(&scenario(), 1), |batch: &mut Batch| {
            samples += batch.samples.drain(..).count();
            batch.seconds.clear();
            true
        });
        let ended = session.simulate(work, |pacer| Toy::new(pacer, 45)).unwrap();
        let called = Called { endpoint: Endpoint::Model, region: String::new(), transport: "toy".to_owned(), virtual_time: true };
        let facts = workload.facts(&session, &ended, called);
        assert_eq!((facts.scheduled, facts.stop, facts.harness), (Some(864), stop, None));
        assert_eq!(samples, sent);
        assert_eq!(Duration::from_micros(facts.elapsed_us.unwrap()), Duration::from_secs_f64(elapsed_s));
    }
}

/// Users without retries and streams are the calls of the open driver: the same answers at the same instants.
#[test]
fn users_are_the_open_driver() {
    use crate::client::model::ModelClient;
    use crate::client::request::CreateRequest;
    use crate::emulator::config::{EmulatorConfig, LatencyModel};
    use crate::emulator::model::Emulator;
    use crate::limiter::{Quota, TokenBucket};
    let rate = |per_s: f64| Rate::per_second(per_s).unwrap();
    let stages = [
        Stage::Line { length: Duration::from_secs(60), from: rate(0.0), to: rate(12.0) },
        Stage::Line { length: Duration::from_secs(60), from: rate(12.0), to: rate(2.0) },
    ];
    let schedule = Arc::new(Schedule::new(&stages, Arrivals::Poisson, 7).unwrap());
    let model = |pacer: &Pacer| {
        let config = EmulatorConfig {
            quota: Some(Quota::TokenBucket(TokenBucket::full(rate(5.0), 5))),
            latency: LatencyModel::Fixed(Duration::from_millis(50)),
            ..EmulatorConfig::default()
        };
        ModelClient::new(Emulator::new(config), vec![CreateRequest::default()], pacer.clone())
    };
    let limits = LoadLimits { concurrency: 10_000, max_rate: None, max_calls: None, stop_on_denied: false };
    let mut open: Vec<(Duration, Outcome)> = Vec::new();
    let keep = |batch: &mut Batch| {
        open.extend(batch.samples.drain(..).map(|sample| (sample.sent.unwrap(), sample.outcome())));
        true
    };
    let work = Workload::Open(Arc::clone(&schedule), Overflow::Miss).drive(RequestMix::new(&scenario(), 0), keep);
    LoadSession::new(limits).simulate(work, model).unwrap();
    let mut journey = journey(1);
    (journey.streams, journey.again) = (false, 0.0);
    let users = simulate_users(&schedule, &journey, model).unwrap();
    let of = |wanted: Outcome| open.iter().filter(|(_, outcome)| *outcome == wanted).count() as u64;
    assert_eq!((users.users, users.creates_sent), (schedule.calls(), open.len() as u64));
    assert_eq!((users.creates_ok, users.creates_refused), (of(Outcome::Ok), of(Outcome::ThrottledQuota)));
    assert!(
        users.creates_refused > 100
            && users.users_verified == users.creates_ok
            && users.users_with_error == users.creates_refused
    );
    let mut by_second = vec![0; users.seconds.len()];
    open.iter()
        .filter(|(_, outcome)| *outcome == Outcome::Ok)
        .for_each(|(sent, _)| by_second[usize::try_from(sent.as_secs()).unwrap()] += 1);
    assert_eq!(users.seconds.iter().map(|second| second.admitted).collect::<Vec<_>>(), by_second);
}

/// Users who all come again and again until they have a session that streams.
fn journey(attempts: u32) -> crate::plan::launch::Journey {
    use crate::plan::keys::{Jitter, TokenHabit};
    let s = Duration::from_secs;
    crate::plan::launch::Journey {
        seed: 7,
        streams: true,
        attempts,
        backoff: crate::stats::retry::Backoff { base: 1.0, most: 20.0 },
        jitter: Jitter::Full,
        processes: 1,
        token: TokenHabit::Reused,
        ready: (s(5), s(15)),
        session_s: 7.0,
        session_sigma: 0.25,
        gets_per_check: 1.0,
        fail: 0.1,
        repeat: 0.8,
        checks_at_most: 3,
        repeat_after: (s(5), s(20)),
        again: 0.7,
        tries_at_most: 4,
        again_after: (s(5), s(30)),
        pace: None,
    }
}

/// A cap on sessions at once refuses what Erlang B says; everything is accounted for; a waiting room lets in at its pace.
#[allow(clippy::cast_precision_loss)] // small counts
#[test]
fn users_stream_and_wait() {
    use crate::client::model::ModelClient;
    use crate::client::request::CreateRequest;
    use crate::emulator::config::EmulatorConfig;
    use crate::emulator::model::Emulator;
    let rate = |per_s: f64| Rate::per_second(per_s).unwrap();
    let stage = Stage::Line { length: Duration::from_secs(20_000), from: rate(1.5), to: rate(1.5) };
    let schedule = Schedule::new(&[stage], Arrivals::Poisson, 3).unwrap();
    let model = |pacer: &Pacer| {
        let config = EmulatorConfig { concurrent_sessions: Some(15), ..EmulatorConfig::default() };
        ModelClient::new(Emulator::new(config), vec![CreateRequest::default()], pacer.clone())
    };
    let alone = crate::plan::launch::Journey { fail: 0.0, again: 0.0, ..journey(1) };
    let tally = simulate_users(&schedule, &alone, model).unwrap();
    let refused = tally.starts_too_many as f64 / tally.starts as f64;
    assert!((refused - 0.046_988).abs() < 0.006, "oracle O22, in 30,000 arrivals: {refused}");
    assert_eq!(tally.users_verified + tally.users_with_error, tally.users);
    assert_eq!((tally.gets, tally.starts), (tally.users_verified, tally.users));
    assert_eq!(tally.seconds.iter().map(|second| second.concurrent).max(), Some(15));
    assert_eq!(tally.seconds.last().unwrap().concurrent, 1, "the last second saw the last stream end");
    let paced = crate::plan::launch::Journey { pace: Some(1.2), ..alone };
    let tally = simulate_users(&schedule, &paced, model).unwrap();
    let longest = tally.waits_us.max();
    // As a fluid: 30,000 arrivals in 20,000 s, served at 1.2/s, end 5,000 s late; the histogram counts up to an hour.
    assert!(longest >= 3_590_000_000, "{longest}");
    assert!(tally.seconds.iter().map(|second| second.waiting).max().unwrap() > 5_000);
    assert_eq!(tally.users_verified + tally.users_with_error, tally.users);
}

/// Oracles O28 and O29 on the house's own driver and model: a client that retries in lasting overload, without and with one process's retry
/// quota. Below the quota refusals cluster, and it takes hours to see their share: `cargo bench --bench plan`.
#[allow(clippy::cast_precision_loss)] // small counts
#[test]
fn users_retry_as_an_sdk() {
    use crate::client::model::ModelClient;
    use crate::client::request::CreateRequest;
    use crate::emulator::config::{EmulatorConfig, LatencyModel};
    use crate::emulator::model::Emulator;
    use crate::limiter::{Quota, TokenBucket};
    let rate = |per_s: f64| Rate::per_second(per_s).unwrap();
    let run = |load: f64, seconds: u64, attempts: u32, processes: u32| {
        let stage = Stage::Line { length: Duration::from_secs(seconds), from: rate(load), to: rate(load) };
        let schedule = Schedule::new(&[stage], Arrivals::Poisson, 5).unwrap();
        let journey = crate::plan::launch::Journey { streams: false, again: 0.0, processes, ..journey(attempts) };
        let tally = simulate_users(&schedule, &journey, |pacer| {
            let config = EmulatorConfig {
                quota: Some(Quota::TokenBucket(TokenBucket::full(rate(25.0), 25))),
                latency: LatencyModel::Fixed(Duration::from_millis(50)),
                ..EmulatorConfig::default()
            };
            ModelClient::new(Emulator::new(config), vec![CreateRequest::default()], pacer.clone())
        });
        let tally = tally.unwrap();
        (tally.creates_failed as f64 / tally.creates as f64, tally.creates_sent as f64 / tally.creates as f64)
    };
    let plenty = 100_000;
    let (failed, amplification) = run(30.0, 1_000, 3, plenty);
    assert!((failed - 0.1666).abs() < 0.01 && (amplification - 1.8387).abs() < 0.03, "O28: {failed} {amplification}");
    let (_, amplification) = run(50.0, 1_000, 3, 1);
    assert!((amplification - 1.1541).abs() < 0.01, "O29: {amplification}");
}
