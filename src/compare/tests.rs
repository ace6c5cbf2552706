//! What holds for every comparison.

use proptest::prelude::*;

use super::*;
use crate::client::outcome::Outcome;
use crate::record::calls::{Call, Calls};
use crate::stats::draw::{Stream, normal, unit};

/// How a made run behaves.
#[derive(Debug, Clone, Copy)]
struct Made {
    seed: u64,
    calls: u64,
    per_second: u64,
    median_ms: f64,
    sigma: f64,
    throttled: f64,
}

const MADE: Made = Made { seed: 1, calls: 3000, per_second: 50, median_ms: 45.0, sigma: 0.545, throttled: 0.0 };

fn made(of: Made) -> (Subject, Calls) {
    let call = |i: u64| {
        let throttled = unit(of.seed, Stream::Fault, i) < of.throttled;
        let ms = of.median_ms * (of.sigma * normal(of.seed, Stream::Latency, i)).exp();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // some milliseconds
        let service_us = (ms * 1000.0) as u32;
        let outcome = if throttled { Outcome::ThrottledQuota } else { Outcome::Ok };
        Call { due_us: i * 1_000_000 / of.per_second, lateness_us: 60, service_us, outcome }
    };
    let subject = Subject { name: format!("run-{}", of.seed), seed: of.seed, ..Subject::default() };
    (subject, (0..of.calls).map(call).collect())
}

fn of(base: Made, new: Made) -> Comparison {
    compare(&[made(base)], &[made(new)], &CompareSettings::default())
}

fn line<'a>(comparison: &'a Comparison, name: &str) -> &'a MetricLine {
    comparison.metrics.iter().find(|m| m.name == name).unwrap()
}

/// A run compared with itself is unchanged in every metric, without a doubt, whatever its length.
#[test]
fn itself_is_unchanged() {
    for run in
        [MADE, Made { throttled: 0.3, ..MADE }, Made { calls: 7, ..MADE }, Made { calls: 1, ..MADE }, Made { calls: 0, ..MADE }]
    {
        let comparison = of(run, run);
        assert_eq!(comparison.verdict, ChangeVerdict::Unchanged, "{run:?}");
        for metric in &comparison.metrics {
            assert_eq!(metric.verdict, ChangeVerdict::Unchanged, "{run:?} {metric:?}");
            assert!(metric.change_pct.is_none_or(|c| c.abs() < 1e-12), "{metric:?}");
        }
    }
}

/// A large change is found, with its direction, and in the metrics that it is in.
#[test]
fn large_changes_are_found() {
    let slower = of(MADE, Made { seed: 2, median_ms: 55.0, ..MADE });
    assert_eq!(slower.verdict, ChangeVerdict::Regressed);
    let p50 = line(&slower, "response.p50");
    assert_eq!(p50.verdict, ChangeVerdict::Regressed);
    assert!(p50.low_pct.unwrap() < 22.2 && p50.high_pct.unwrap() > 22.2, "{p50:?}");
    let faster = of(Made { seed: 2, median_ms: 55.0, ..MADE }, MADE);
    assert_eq!(faster.verdict, ChangeVerdict::Improved);
    let throttled = of(MADE, Made { seed: 2, throttled: 0.1, ..MADE });
    let quota = line(&throttled, "throttled.quota");
    assert_eq!(
        (throttled.verdict, quota.verdict, quota.change_in),
        (ChangeVerdict::Regressed, ChangeVerdict::Regressed, ChangeIn::Points)
    );
    assert!(quota.low_pct.unwrap() < 10.0 && quota.high_pct.unwrap() > 10.0, "{quota:?}");
    assert_eq!(line(&throttled, "rate.ok").verdict, ChangeVerdict::Regressed);
}

/// Figures that do not vary at all are known exactly.
#[test]
fn what_does_not_vary_is_sure() {
    // Calls that wait for answers: how many there are is an answer.
    let closed = |of| {
        let (subject, calls) = made(of);
        (Subject { closed: true, planned_us: Some(60_000_000), ..subject }, calls)
    };
    let (base, new) = (closed(MADE), closed(Made { seed: 2, calls: 2940, per_second: 49, ..MADE }));
    let fewer = compare(&[base], &[new], &CompareSettings::default());
    let rate = line(&fewer, "rate.ok");
    assert_eq!(
        (rate.verdict, rate.low_pct, rate.high_pct),
        (ChangeVerdict::Regressed, rate.change_pct, rate.change_pct),
        "{rate:?}"
    );
    assert!((rate.change_pct.unwrap() + 2.0).abs() < 1e-9 && rate.p_value.unwrap() < 1e-6, "{rate:?}");
}

/// Where there is too little data it is said, with how much would do; not that nothing changed.
#[test]
fn too_little_is_inconclusive() {
    let short = of(Made { calls: 200, ..MADE }, Made { seed: 2, calls: 200, ..MADE });
    assert_eq!(short.verdict, ChangeVerdict::Inconclusive);
    assert!(short.more_data.is_none_or(|more| more > 2.0), "{short:?}");
    let p95 = line(&short, "response.p95");
    assert!(p95.verdict == ChangeVerdict::Inconclusive && p95.more_data.unwrap() > 2.0, "{p95:?}");
}

/// With enough data equals are unchanged in every metric.
#[test]
fn enough_data_settles_it() {
    let long = |seed| made(Made { seed, calls: 40_000, ..MADE });
    let comparison = compare(&[long(1)], &[long(2)], &CompareSettings::default());
    assert_eq!(comparison.verdict, ChangeVerdict::Unchanged, "{:?}", comparison.metrics);
    assert_eq!(comparison.more_data, None);
}

/// More calls at the low end and as many slow ones as before are no regression, though the spread has grown.
#[test]
fn a_spread_alone_is_no_regression() {
    let (subject, calls) = made(Made { seed: 2, ..MADE });
    let cached =
        calls.iter().map(|c| Call { service_us: if c.service_us < 30_000 { c.service_us / 2 } else { c.service_us }, ..c });
    let comparison = compare(&[made(MADE)], &[(subject, cached.collect())], &CompareSettings::default());
    let spread = line(&comparison, "response.spread");
    assert!(spread.p_adjusted.unwrap() < 0.01 && spread.verdict == ChangeVerdict::Unchanged, "{spread:?}");
    assert_eq!(comparison.verdict, ChangeVerdict::Improved);
}

/// What is not the same experiment is not judged, unless that is asked for; its numbers are still shown.
#[test]
fn other_experiments_are_incomparable() {
    let with = |seed, kind, value: &str| {
        let (mut subject, calls) = made(Made { seed, ..MADE });
        subject.settings.insert((kind, "key".to_owned()), value.to_owned());
        (subject, calls)
    };
    for kind in [DifferenceKind::Scenario, DifferenceKind::Target, DifferenceKind::Transport, DifferenceKind::Machine] {
        let sides = ([with(1, kind, "a")], [with(2, kind, "b")]);
        let comparison = compare(&sides.0, &sides.1, &CompareSettings::default());
        assert_eq!(comparison.verdict, ChangeVerdict::Incomparable);
        assert_eq!(comparison.incomparable.iter().map(|r| r.kind).collect::<Vec<_>>(), [kind]);
        assert!(comparison.metrics.iter().all(|m| m.verdict == ChangeVerdict::Incomparable));
        assert!(line(&comparison, "response.p50").base.is_some());
        let forced = compare(&sides.0, &sides.1, &CompareSettings { force: true, ..CompareSettings::default() });
        assert!(forced.forced && forced.verdict != ChangeVerdict::Incomparable);
    }
    // Another version or seed is the point of a comparison.
    let comparison =
        compare(&[with(1, DifferenceKind::Version, "a")], &[with(2, DifferenceKind::Version, "b")], &CompareSettings::default());
    assert_eq!(
        comparison.differences.iter().map(|d| d.kind).collect::<Vec<_>>(),
        [DifferenceKind::Seed, DifferenceKind::Version]
    );
    assert!(comparison.incomparable.is_empty());
    let mut invalid = with(3, DifferenceKind::Version, "a");
    invalid.0.invalid = true;
    let comparison = compare(&[with(1, DifferenceKind::Version, "a")], &[invalid], &CompareSettings::default());
    assert_eq!(comparison.incomparable.iter().map(|r| r.kind).collect::<Vec<_>>(), [DifferenceKind::Validity]);
}

/// A smaller effect that matters makes a change matter.
#[test]
fn the_smallest_effect_counts() {
    let long = |seed, median_ms| made(Made { seed, calls: 60_000, median_ms, ..MADE });
    let with = |effect: f64| {
        let mut settings = CompareSettings::default();
        settings.min_effect.extend([(Family::Latency, effect), (Family::Tail, 0.2)]);
        compare(&[long(1, 45.0)], &[long(2, 46.0)], &settings)
    };
    assert_eq!(line(&with(0.05), "response.geomean").verdict, ChangeVerdict::Unchanged);
    assert_eq!(line(&with(0.01), "response.geomean").verdict, ChangeVerdict::Regressed);
}

/// Virtual time has no lateness: service is response, and is asked once.
#[test]
fn twins_are_tested_once() {
    let on_time = |seed| {
        let (subject, calls) = made(Made { seed, ..MADE });
        (subject, calls.iter().map(|c| Call { lateness_us: 0, ..c }).collect::<Calls>())
    };
    let comparison = compare(&[on_time(1)], &[on_time(2)], &CompareSettings::default());
    let (service, response) = (line(&comparison, "service.p99"), line(&comparison, "response.p99"));
    assert_eq!(service.same_as.as_deref(), Some("response.p99"));
    assert_eq!((service.p_adjusted, service.low_pct), (response.p_adjusted, response.low_pct));
}

/// Several runs a side are one side: their differences widen the interval.
#[test]
fn runs_that_differ_widen_the_interval() {
    let side = |first: u64, shift: f64| -> Vec<(Subject, Calls)> {
        (0..4u32).map(|r| made(Made { seed: first + u64::from(r), median_ms: 45.0 + shift * f64::from(r), ..MADE })).collect()
    };
    let width = |c: &Comparison| line(c, "response.geomean").high_pct.unwrap() - line(c, "response.geomean").low_pct.unwrap();
    let alike = compare(&side(1, 0.0), &side(11, 0.0), &CompareSettings::default());
    let unlike = compare(&side(1, 3.0), &side(11, 3.0), &CompareSettings::default());
    assert!(width(&unlike) > 3.0 * width(&alike), "{} {}", width(&unlike), width(&alike));
    assert_eq!((alike.base.len(), unlike.verdict), (4, ChangeVerdict::Inconclusive));
    let note = line(&unlike, "response.geomean").note.clone().unwrap();
    assert!(note.contains("more runs"), "{note}");
}

proptest! {
    /// Exchanging the sides mirrors every answer.
    #[test]
    fn swap_mirrors(seed in 0u64..1000, calls in 50u64..600, median_ms in 30.0..70.0f64, throttled in 0.0..0.4f64) {
        let (a, b) = (Made { seed, calls, ..MADE }, Made { seed: seed + 1, calls, median_ms, throttled, ..MADE });
        let (there, back) = (of(a, b), of(b, a));
        for (x, y) in there.metrics.iter().zip(&back.metrics) {
            prop_assert_eq!((x.base, x.new), (y.new, y.base));
            let close = |p: Option<f64>, q: Option<f64>| match (p, q) {
                (Some(p), Some(q)) => (p - q).abs() < 1e-9,
                (p, q) => p.is_none() && q.is_none(),
            };
            prop_assert!(close(x.p_value, y.p_value), "{x:?} {y:?}");
            if x.change_in == ChangeIn::Points {
                prop_assert!(close(x.low_pct, y.high_pct.map(|p| -p)), "{x:?} {y:?}");
            }
            if x.verdict == ChangeVerdict::Regressed && x.family != Family::Rate {
                prop_assert!(y.verdict != ChangeVerdict::Regressed);
            }
        }
    }

    /// The estimate lies within its limits, p values within 0 and 1, and a correction never makes one smaller.
    #[test]
    fn answers_are_sound(seed in 0u64..1000, calls in 0u64..400, other in 0u64..400, throttled in 0.0..1.0f64) {
        let comparison = of(Made { seed, calls, ..MADE }, Made { seed: seed + 1, calls: other, throttled, ..MADE });
        for m in &comparison.metrics {
            if let (Some(low), Some(change)) = (m.low_pct, m.change_pct) { prop_assert!(low <= change + 1e-9, "{m:?}"); }
            if let (Some(high), Some(change)) = (m.high_pct, m.change_pct) { prop_assert!(high >= change - 1e-9, "{m:?}"); }
            if let (Some(p), Some(adjusted)) = (m.p_value, m.p_adjusted) {
                prop_assert!((0.0..=1.0).contains(&p) && (0.0..=1.0).contains(&adjusted) && adjusted >= p - 1e-12, "{m:?}");
            }
        }
    }
}

/// The schema is published: a change shows here, and needs a new number.
#[test]
fn schema_is_published() {
    insta::assert_snapshot!(schema());
}
