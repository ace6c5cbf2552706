//! From what was recorded to a [`Summary`].

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use super::contract::{
    ByClass, Counts, IdempotencyReport, LatencyTable, MixLine, ModelKind, Own, Rates, RoleLine, RunResult, SCHEMA, SessionCounts,
    Summary, Throttled,
};
use super::facts::{Called, RunFacts};
use super::figures::Stats;
use super::stop::Stop;
use super::thresholds::{Observed, share, supported};
use super::verdict::RunCase;
use crate::client::outcome::{Class, Outcome};
use crate::metric::Series;
use crate::num::float;
use crate::record::Recorded;
use crate::record::ledger::{LedgerReport, RoleRow, Window};
use crate::record::recorder::{Recorder, TIMED, TimeHistogram};
use crate::record::sample::Role;
use crate::scenario::{Model, Scenario};
use crate::schedule::Stage;
use crate::units::{floor_us, plural_was};

/// The summary of a run. A pure function: equal arguments give equal summaries, byte for byte.
pub fn summarize(scenario: &Scenario, recorded: &Recorded, facts: &RunFacts) -> Summary {
    let counts = counts(&recorded.recorder, facts);
    let rates = rates(scenario, &recorded.recorder, &counts, facts);
    let histograms = histograms(&recorded.recorder);
    Summary { histograms, ..assemble(scenario, recorded, facts, counts, rates) }
}

/// How a run that goes on stands after its first `over`, in which `offered` calls came due: as if these were all its calls. Without
/// histograms, so that it can be asked for every second.
pub fn so_far(scenario: &Scenario, recorded: &Recorded, called: &Called, offered: u64, over: Duration) -> Summary {
    let over_us = Some(floor_us(over));
    let facts = RunFacts { elapsed_us: over_us, ..RunFacts::untold(called.clone(), Stop::Completed) };
    let counts = counts(&recorded.recorder, &facts);
    let rates = Rates {
        offered_per_s: per_second(offered, over_us),
        sent_per_s: per_second(counts.sent, over_us),
        ok_per_s: per_second(counts.ok, over_us),
    };
    assemble(scenario, recorded, &facts, counts, rates)
}

/// Everything but the histograms.
fn assemble(scenario: &Scenario, recorded: &Recorded, facts: &RunFacts, counts: Counts, rates: Rates) -> Summary {
    let Recorded { recorder, ledger } = recorded;
    let throttled = Throttled {
        quota: recorder.count(Outcome::ThrottledQuota),
        ramp: recorder.count(Outcome::ThrottledRamp),
        service: recorder.count(Outcome::ThrottledService),
    };
    let sessions = sessions(recorded);
    let idempotency = idempotency(scenario, ledger);
    let own = own(recorder, facts);
    let observed = Observed {
        recorder,
        counts: &counts,
        rates: &rates,
        throttled: &throttled,
        sessions: &sessions,
        idempotency: &idempotency,
    };
    let lower_bounds = counts.missed > 0;
    let thresholds = scenario.thresholds.iter().map(|t| observed.judge(t, lower_bounds)).collect();
    let verdict = RunCase { scenario, facts, observed: &observed, own: &own }.verdict();
    let summary = Summary {
        schema: SCHEMA,
        // Both follow from the rest: see `with_result`.
        result: RunResult::NotTrusted,
        result_why: String::new(),
        verdict,
        name: scenario.name.clone(),
        description: scenario.description.clone(),
        seed: scenario.seed,
        model: match scenario.load.model {
            Model::Open(_) => ModelKind::Open,
            Model::Closed(_) => ModelKind::Closed,
        },
        called: facts.called.clone(),
        stop: facts.stop,
        elapsed_us: facts.elapsed_us,
        thresholds,
        rates,
        throttled,
        exceptions: recorder.exceptions().clone(),
        statuses: recorder.statuses().clone(),
        unexpected: facts.unexpected.clone(),
        mixes: mixes(scenario, recorder),
        latency: latency(recorder),
        percentiles_are_lower_bounds: lower_bounds,
        lower_bounds_why: lower_bounds.then(|| lower_bounds_why(&counts, facts)),
        sessions,
        idempotency,
        own,
        shards: facts.merged.as_ref().map(|merged| merged.shards),
        groups: facts.merged.as_ref().map_or_else(Vec::new, |merged| merged.groups.clone()),
        clocks: facts.merged.as_ref().map_or_else(Vec::new, |merged| merged.clocks.clone()),
        segments: facts.segments.clone(),
        histograms: BTreeMap::new(),
        counts,
    };
    summary.with_result()
}

fn lower_bounds_why(counts: &Counts, facts: &RunFacts) -> String {
    // Nobody knows how long a call takes that came before there was anybody to make it.
    let verb = if facts.joined_us.is_some() { "could" } else { "would" };
    format!(
        "{} missed, never sent; {} {verb} have been among the slowest",
        plural_was(counts.missed, "call"),
        if counts.missed == 1 { "it" } else { "they" }
    )
}

fn counts(recorder: &Recorder, facts: &RunFacts) -> Counts {
    let ended = recorder.ended();
    let scheduled = facts.scheduled.unwrap_or(ended);
    Counts {
        scheduled,
        ended,
        unsent: scheduled.saturating_sub(ended),
        sent: recorder.sent(),
        ok: recorder.class(Class::Ok),
        throttled: recorder.class(Class::Throttled),
        errors: recorder.class(Class::Error),
        missed: recorder.count(Outcome::Missed),
        capped: recorder.count(Outcome::Capped),
        harness: recorder.count(Outcome::Harness),
        unknown: recorder.count(Outcome::Unknown),
        by_outcome: Outcome::ALL.iter().map(|o| (*o, recorder.count(*o))).collect(),
    }
}

/// How long the schedule is.
fn schedule_length(scenario: &Scenario) -> Duration {
    match &scenario.load.model {
        Model::Open(open) => open
            .stages
            .iter()
            .map(|stage| match stage {
                Stage::Line { length, .. } => *length,
                Stage::Burst { .. } => Duration::ZERO,
            })
            .sum(),
        Model::Closed(closed) => closed.stages.iter().map(|s| s.length).sum(),
    }
}

fn rates(scenario: &Scenario, recorder: &Recorder, counts: &Counts, facts: &RunFacts) -> Rates {
    let schedule_us = floor_us(schedule_length(scenario));
    let sending_us = sending_us(recorder.last_sent_us(), planned_us(scenario, facts.stop));
    Rates {
        offered_per_s: per_second(counts.scheduled, Some(schedule_us)),
        sent_per_s: per_second(counts.sent, sending_us),
        ok_per_s: per_second(counts.ok, sending_us),
    }
}

/// How long the schedule is of a run that came to its end; `None` of any other.
pub fn planned_us(scenario: &Scenario, stop: Stop) -> Option<u64> {
    (stop == Stop::Completed).then(|| floor_us(schedule_length(scenario)))
}

/// The time that the rates of a run are taken over: until its last call was sent, at least its schedule's length if it came to its end
/// (`planned_us`). `None` if nothing was sent.
pub fn sending_us(last_sent_us: Option<u64>, planned_us: Option<u64>) -> Option<u64> {
    last_sent_us.map(|last| last.max(planned_us.unwrap_or(0)))
}

/// Events per second, rounded to a millionth so that it reads well; `None` over no time.
pub fn per_second(n: u64, over_us: Option<u64>) -> Option<f64> {
    let over_us = over_us.filter(|us| *us > 0)?;
    Some(millionths(float(n) * 1e6 / float(over_us)))
}

fn millionths(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn sessions(recorded: &Recorded) -> SessionCounts {
    SessionCounts {
        ok_200s: recorded.recorder.count(Outcome::Ok),
        malformed_200s: recorded.recorder.count(Outcome::MalformedSuccess),
        distinct: (recorded.ledger.window == Window::WholeRun).then_some(recorded.ledger.distinct_sessions),
    }
}

fn mixes(scenario: &Scenario, recorder: &Recorder) -> Vec<MixLine> {
    let count = |index: usize| recorder.mixes().get(index).copied().unwrap_or_default();
    let line = |(index, name): (usize, &String)| {
        let mix = count(index);
        MixLine { name: name.clone(), ended: mix.offered, sent: mix.sent, ok: mix.ok }
    };
    scenario.mixes.iter().map(|m| &m.name).enumerate().map(line).collect()
}

fn own(recorder: &Recorder, facts: &RunFacts) -> Own {
    let all = recorder.timed_all();
    let p99 = |times: &TimeHistogram| supported(times, 0.99); // derived: as the names say
    let lateness_p99_us = all.as_ref().and_then(|t| p99(&t.lateness));
    // Answers that are ok, unless there are too few of them.
    let ok_us = recorder.timed(Class::Ok).and_then(|t| p99(&t.response));
    let response_p99_us = ok_us.or_else(|| all.as_ref().and_then(|t| p99(&t.response)));
    let beside = lateness_p99_us.zip(response_p99_us).and_then(|(late, response)| share(late, response));
    Own { lateness_p99_us, lateness_share_of_response: beside.map(millionths), cpu: facts.cpu, harness: facts.harness.clone() }
}

/// What is told of a distribution; `None` without samples.
pub fn stats(times: &TimeHistogram) -> Option<Stats> {
    // derived: the percentiles that the names say
    Some(Stats {
        count: times.count(),
        min_us: times.min_us()?,
        mean_us: times.mean_us()?,
        p50_us: supported(times, 0.5),
        p90_us: supported(times, 0.9),
        p95_us: supported(times, 0.95),
        p99_us: supported(times, 0.99),
        p999_us: supported(times, 0.999),
        max_us: times.max_us()?,
        saturated: times.saturated(),
    })
}

fn latency(recorder: &Recorder) -> LatencyTable {
    let all = recorder.timed_all();
    let by_class = |series| {
        let of = |class| recorder.timed(class).and_then(|t| stats(t.of(series)));
        ByClass {
            all: all.as_ref().and_then(|t| stats(t.of(series))),
            ok: of(Class::Ok),
            throttled: of(Class::Throttled),
            error: of(Class::Error),
        }
    };
    let [lateness, service, response] = Series::ALL.map(by_class);
    LatencyTable { lateness, service, response }
}

/// The name of a histogram in `summary.json`.
pub(super) fn histogram_name(series: Series, class: Class) -> String {
    format!("{}.{}", series.name(), class_name(class))
}

const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Ok => "ok",
        Class::Throttled => "throttled",
        Class::Error => "error",
        Class::Unsent => "unsent",
    }
}

fn histograms(recorder: &Recorder) -> BTreeMap<String, String> {
    let mut serializer = V2DeflateSerializer::new();
    let mut texts = BTreeMap::new();
    for class in TIMED {
        let Some(timed) = recorder.timed(class) else { continue };
        for series in Series::ALL {
            let mut bytes = Vec::new();
            // Into memory and within the bounds of the format: it cannot fail; a histogram that did would be absent, not wrong.
            if serializer.serialize(timed.of(series).histogram(), &mut bytes).is_ok() {
                let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
                texts.insert(histogram_name(series, class), text);
            }
        }
    }
    texts
}

fn idempotency(scenario: &Scenario, ledger: &LedgerReport) -> IdempotencyReport {
    let by_role: Vec<RoleLine> = ledger.rows().map(|(role, row)| RoleLine { role, row: row.clone() }).collect();
    IdempotencyReport {
        session_ttl_us: floor_us(scenario.idempotency.session_ttl),
        window: ledger.window,
        violations: ledger.violations,
        findings: ledger.findings().cloned().collect(),
        observed: by_role.iter().flat_map(|line| observed(line.role, &line.row)).collect(),
        by_role,
    }
}

/// What only the service can define, in words.
fn observed(role: Role, row: &RoleRow) -> Vec<String> {
    let mut lines = Vec::new();
    let refused: u64 = row.refused.iter().filter(|(o, _)| o.class() != Class::Throttled).map(|(_, n)| n).sum();
    let throttled: u64 = row.refused.values().sum::<u64>() - refused;
    match role {
        Role::Mismatch if row.repeats > 0 => lines.push(format!(
            "a token with other settings: {} got the first session, {} another one, {refused} were refused, {throttled} throttled{}",
            row.same_session,
            row.new_session,
            named(row)
        )),
        Role::AfterThrottle if row.first_session + row.same_session > 0 => lines.push(format!(
            "a token whose first attempt was throttled: {} got a session when repeated",
            row.first_session + row.same_session + row.new_session
        )),
        Role::AfterLoss if row.first_session + row.same_session > 0 => lines.push(format!(
            "a token whose first answer was lost: {} got a session when repeated",
            row.first_session + row.same_session + row.new_session
        )),
        _ => {}
    }
    if row.expired_same + row.expired_new > 0 {
        lines.push(format!(
            "a token repeated ({role}) after its session's life: {} got the same session, {} another one",
            row.expired_same, row.expired_new
        ));
    }
    if throttled > 0 && role.repeats() && role != Role::Mismatch {
        lines.push(format!("repetitions can be throttled: {throttled} of {} ({role}) were", row.repeats));
    }
    lines
}

/// The exceptions behind refusals, ` (A 3, B 1)`, or nothing.
fn named(row: &RoleRow) -> String {
    if row.exceptions.is_empty() {
        return String::new();
    }
    let names: Vec<String> = row.exceptions.by_name.iter().map(|(name, n)| format!("{name} {n}")).collect();
    format!(" ({})", names.join(", "))
}
