//! Limits over HTTP and in virtual time: one truth.

use super::*;
use crate::client::request::CreateRequest;
use crate::emulator::model::{ApiCall, Emulator};
use crate::emulator::ruling::Ruling;
use crate::limiter::{
    Ban, Concurrency, Delay, FixedWindow, PlainQuota, RefusalCost, RefusedPays, ShardedBucket, SlidingCounter, SlidingLog,
    Stacked, StepBucket, TokenAmount,
};

fn rate(per_s: f64) -> Rate {
    Rate::per_second(per_s).unwrap()
}

/// A call that a queue makes wait is answered so much later, and one that finds the queue full is refused at once.
#[test]
fn calls_wait_in_a_queue() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.jsonl");
    let emulator = logged(|c| c.quota = Some(Quota::Delay(Delay { rate: rate(100.0), queue: 3 })), Some(&path));
    let mut streams: Vec<TcpStream> = (0..4).map(|_| connect(&emulator)).collect();
    for stream in &mut streams {
        stream.write_all(&post(&[TARGET], "{}")).unwrap();
    }
    let statuses: Vec<u16> = streams.iter_mut().map(|stream| receive(stream).unwrap().status).collect();
    assert_eq!(statuses, [200; 4]);
    emulator.stop().unwrap();
    let mut planned: Vec<u64> = Vec::new();
    for record in lines(&path) {
        let at = |key: &str| record[key].as_u64().unwrap();
        assert!(at("replied_us") >= at("planned_reply_us"), "{record}");
        planned.push(at("planned_reply_us"));
    }
    planned.sort_unstable();
    // Instants are written in whole microseconds, rounded down.
    assert!(planned.windows(2).all(|pair| pair[1] - pair[0] >= 9_999), "{planned:?}");

    // One call an hour: the second waits, the third is refused while it does.
    let emulator = started(|c| c.quota = Some(Quota::Delay(Delay { rate: rate(1.0 / 3600.0), queue: 1 })));
    let mut streams: Vec<TcpStream> = (0..3).map(|_| connect(&emulator)).collect();
    assert_eq!(create(&mut streams[0], "{}").status, 200);
    streams[1].write_all(&post(&[TARGET], "{}")).unwrap();
    while emulator.arrivals() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(create(&mut streams[2], "{}").status, 400);
}

/// A limiter of every kind, so fast that calls as fast as they come meet all of its states.
fn every_kind() -> Vec<Quota> {
    let (limit, window) = (4, Duration::from_micros(300));
    let (rate, burst) = (rate(20_000.0), TokenAmount::new(3.7).unwrap());
    let plain = [
        PlainQuota::TokenBucket(TokenBucket { start: Some(TokenAmount::ONE), ..TokenBucket::full(rate, burst) }),
        PlainQuota::TokenBucket(TokenBucket { whole_tokens: true, ..TokenBucket::full(rate, burst) }),
        PlainQuota::StepBucket(StepBucket { start: Some(1), phase: window / 3, ..StepBucket::full(2, window, 5) }),
        PlainQuota::FixedWindow(FixedWindow { phase: window / 3, ..FixedWindow::on_grid(limit, window) }),
        PlainQuota::FixedWindow(FixedWindow::from_first_call(limit, window)),
        PlainQuota::SlidingLog(SlidingLog::exact(limit, window)),
        PlainQuota::SlidingLog(SlidingLog { phase: window / 7, ..SlidingLog::coarse(limit, window, 5) }),
        PlainQuota::SlidingCounter(SlidingCounter::exact(limit, window)),
        PlainQuota::SlidingCounter(SlidingCounter::floored(limit, window)),
        PlainQuota::Concurrency(Concurrency::of(limit)),
        PlainQuota::ShardedBucket(ShardedBucket::at_random(3, rate, burst)),
        PlainQuota::ShardedBucket(ShardedBucket::in_turn(3, rate, burst)),
        PlainQuota::Delay(Delay { rate, queue: 3 }),
    ];
    let pays = [RefusedPays::Nothing, RefusedPays::First, RefusedPays::Each];
    let pairs = plain.iter().zip(plain.iter().cycle().skip(3)).zip(pays.into_iter().cycle());
    let stacked =
        pairs.map(|((first, second), refused_pays)| Quota::Stacked(Stacked { first: *first, second: *second, refused_pays }));
    let ban = |(n, of): (usize, &PlainQuota)| Quota::Ban(Ban { of: *of, after: 3, length: window * 2, renewed: n % 2 == 1 });
    plain.iter().map(|of| Quota::from(*of)).chain(stacked).chain(plain.iter().enumerate().map(ban)).collect()
}

/// The HTTP edge answers as the model in virtual time does that is given the same instants, and as one that was written to disk in
/// between and goes on: whatever the limiter, also where refused calls cost a part.
#[test]
fn http_and_virtual_time_answer_alike() {
    for (n, quota) in every_kind().into_iter().enumerate() {
        let mut config = EmulatorConfig { quota: Some(quota), ..EmulatorConfig::default() };
        config.latency = LatencyModel::Uniform { from: Duration::from_micros(20), to: Duration::from_micros(400) };
        config.charge.rejected = [RefusalCost::NOTHING, RefusalCost::new(0.3).unwrap(), RefusalCost::FULL][n % 3];
        let control = Control::new(config.clone());
        let (mut whole, mut restored) = (Emulator::new(config.clone()), Emulator::new(config));
        let request = http::Request::builder().method("POST").uri("/").header("x-amz-target", TARGET.split_once(' ').unwrap().1);
        let (head, ()) = request.body(()).unwrap().into_parts();
        let plain = CreateRequest::default();
        let mut seen: Vec<Ruling> = Vec::new();
        for number in 0..200 {
            let ruling = control.judge_request(&head, b"{}", Duration::ZERO);
            if number == 90 {
                let text = serde_json::to_string(&restored.state()).unwrap();
                restored.restore(serde_json::from_str(&text).unwrap()).unwrap();
            }
            assert_eq!(whole.arrive(ruling.arrived, &ApiCall::create(&plain)), ruling, "{quota}");
            assert_eq!(restored.arrive(ruling.arrived, &ApiCall::create(&plain)), ruling, "{quota}");
            seen.push(ruling);
        }
        assert!(seen[0].spent, "{quota}: the first call finds room");
    }
}
