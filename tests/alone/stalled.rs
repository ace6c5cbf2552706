//! What a run reports of a server that stalls, beside the truth in the server's own log.

#![allow(clippy::print_stdout)] // what was measured, for `cargo test --test alone -- --nocapture`

use std::collections::BTreeMap;

use crate::support::{Run, STALL, arrivals, instant, nearest_rank, number};

/// A stall of the server is felt in full, over HTTP, too: the reported response p99 is within 0.5 % of the truth, with the service's time beside
/// it.
///
/// A pause of the machine between the server's last byte and our reading only adds to what is reported. So no run may report less than the
/// truth, and a run without such a pause, of three, must report no more.
#[test]
fn a_stall_is_told_as_it_was() {
    let _alone = crate::alone();
    assert!((0..3).any(|_| Stalled::measure().is_close()), "what was reported is more than 0.5 % above the truth in three runs");
}

/// The response p99 of [`STALL`] as it was reported and as it was, in microseconds.
struct Stalled {
    response: u64,
    truth: u64,
}

impl Stalled {
    fn measure() -> Self {
        let files = tempfile::tempdir().unwrap();
        let log = files.path().join("arrivals.jsonl");
        let (run, _work) = Run::of(STALL, &["--emulator-log", log.to_str().unwrap()], |_| {});
        let (summary, rows, lines) = (run.summary(), run.samples(), arrivals(&log, 1));
        let latency = |series: &str, class: &str, what: &str| number(&summary["latency"][series][class][what]);
        let missed = number(&summary["counts"]["missed"]);
        assert_eq!((rows.len() as u64, lines.len() as u64), (2000, 2000 - missed), "{}", run.stderr);
        let due: BTreeMap<&str, u64> = rows.iter().map(|row| (row["token"].as_str(), instant(row, "due_us"))).collect();
        let felt = lines.iter().map(|line| number(&line["replied_us"]) - due[line["token"].as_str().unwrap()]);
        let truth = nearest_rank(felt.collect(), 99);
        let [response, service] = ["response", "service"].map(|series| latency(series, "ok", "p99_us"));
        println!("response p99 {response} us, truth {truth} us, service p99 {service} us, {missed} missed");
        assert!(truth > 1_800_000, "the stall was not felt: {truth} us");
        assert!(service > 1_000_000, "{service}");
        assert!(latency("service", "ok", "min_us") >= 10_000, "an answer came sooner than the emulator gives any");
        Self { response, truth }
    }

    /// Whether it is within 0.5 %. Less than the truth, by more than three digits round off, it may never be.
    fn is_close(&self) -> bool {
        let Self { response, truth } = *self;
        assert!(response * 1000 >= truth * 999, "{response} us is reported where {truth} us were felt");
        response.abs_diff(truth) * 200 <= truth
    }
}
