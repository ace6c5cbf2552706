//! Token buckets, and what else is named, under conditions that are not those of a laboratory.

use livebench::probe::{Kind, ProbeFinding, ProbeSettings};

use crate::world::{Conditions, Draws, KINDS, Truth, World, limiter};

/// A row: its name, the kind of limiter, what goes on, and what is right besides the kind.
type Row = (&'static str, usize, Conditions, fn(&ProbeFinding) -> bool);

/// Prints the table: `limiters` limiters a row.
pub(crate) fn conditions(limiters: usize, seed: u64, settings: &ProbeSettings) {
    println!("condition                        right  covers  false guarantees  rate error p50/max  half-width p50  calls p50");
    for row in rows() {
        print(row, limiters, seed, settings);
    }
}

fn rows() -> Vec<Row> {
    let usual = Conditions::default();
    let known = |f: &ProbeFinding| f.rejects_are_free == Some(true);
    let costs = |f: &ProbeFinding| f.rejects_are_free == Some(false);
    vec![
        ("round trip 1 ms", 0, Conditions { trip: 0.001, ..usual }, known),
        ("round trip 30 ms", 0, usual, known),
        ("round trip 200 ms", 0, Conditions { trip: 0.200, ..usual }, known),
        ("1 % of the calls lost", 0, Conditions { lost: 0.01, ..usual }, known),
        ("5 % of the calls lost", 0, Conditions { lost: 0.05, ..usual }, known),
        ("others take 10 %", 0, Conditions { others: 0.1, ..usual }, |f| f.shared_use || f.kind == Kind::ShardedBucket),
        ("quota halved after 8 s", 0, Conditions { change: Some((8.0, 0.5)), ..usual }, |f| f.quota_changed || f.seconds < 8.0),
        ("quota doubled after 8 s", 0, Conditions { change: Some((8.0, 2.0)), ..usual }, |f| f.quota_changed || f.seconds < 8.0),
        ("refused calls cost: bucket", 0, Conditions { cost: 1.0, ..usual }, costs),
        ("refused calls cost: log", 3, Conditions { cost: 1.0, ..usual }, costs),
        ("refused calls cost: counter", 4, Conditions { cost: 1.0, ..usual }, costs),
        ("HAProxy's counter", 4, Conditions { haproxy: true, ..usual }, costs),
    ]
}

fn print((name, kind, conditions, holds): Row, limiters: usize, seed: u64, settings: &ProbeSettings) {
    let (mut right, mut covers, mut wrong) = (0, 0, 0);
    let (mut errors, mut halves, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..limiters {
        let mut draws = Draws { seed: seed * 100_000 + (n * KINDS + kind) as u64, n: 0 };
        let truth = limiter(kind, &mut draws);
        let found = World::new(&truth, draws, conditions).probe(settings);
        if std::env::var_os("LIVEBENCH_BENCH_VERBOSE").is_some() {
            println!("  {} is {} {:?} {:?} {:?}", truth.quota, found.kind, found.rate_per_s, found.burst, found.notes);
        }
        let (rate, kept) = expected(&truth, conditions, &found);
        right += u32::from(kept && holds(&found));
        calls.push(f64::from(found.calls));
        let Some(said) = found.rate_per_s else { continue };
        let inside = said.low <= rate && rate <= said.high;
        covers += u32::from(inside);
        wrong += u32::from(found.guaranteed && !inside);
        errors.push((said.point / rate - 1.0).abs() * 100.0);
        halves.push((said.high - said.low) / 2.0 / said.point * 100.0);
    }
    let at = |list: &mut Vec<f64>, share: f64| {
        list.sort_by(f64::total_cmp);
        list.get(((list.len().max(1) - 1) as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    };
    println!(
        "{name:<31}  {right:>2}/{limiters}  {covers:>3}/{limiters}  {wrong:>16}  {:>8.3} % / {:.3} %  {:>12.3} %  {:>9.0}",
        at(&mut errors, 0.5),
        at(&mut errors, 1.0),
        at(&mut halves, 0.5),
        at(&mut calls, 0.5)
    );
}

/// The rate that counts, and whether the kind is right.
fn expected(truth: &Truth, conditions: Conditions, found: &ProbeFinding) -> (f64, bool) {
    // A probe that is over before knows nothing of it.
    let change = conditions.change.filter(|change| change.0 < found.seconds);
    let rate = truth.rate.unwrap_or(f64::NAN) * change.map_or(1.0, |change| change.1);
    (rate, found.kind == truth.kind || conditions.others > 0.0 && found.kind == Kind::ShardedBucket)
}
