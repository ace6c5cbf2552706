//! The report of a plan, from its cases and its launches.

use super::chance::{Chances, Needed, operations};
use super::contract::{
    Band, DemandFigures, InputEffect, LaunchErrors, LaunchReport, OptionFigures, Percentiles, PlanReport, QuotaAsk, QuotaFigures,
    RateInterval, SCHEMA, Spend, StabilityFigures,
};
use super::document::{Plan, WhatIf};
use super::judge::{self, PlanVerdict};
use super::launch::LaunchFigures;
use super::limit::{LEAST_BURST_S, LimiterFamily, OperationQuota, rate_for};
use super::scene::{PeakLoad, Situation};
use super::spread::Case;
use super::whatif;
use crate::num::whole;
use crate::service::operation::Operation;
use crate::service::quota;
use crate::stats::bucket::BucketDepth;
use crate::stats::{dispersion, erlang, rank, retry};

/// The operations of the four quotas, as the contract names them.
pub const OPERATIONS: [&str; 4] =
    ["CreateFaceLivenessSession", "StartFaceLivenessSession", "GetFaceLivenessSessionResults", "ConcurrentSessions"];

/// Their codes in Service Quotas.
pub const CODES: [&str; 4] =
    [quota::code(Operation::Create), quota::START, quota::code(Operation::GetResults), quota::CONCURRENT_SESSIONS];

/// Cases of which the curves are drawn.
const DRAWN_CURVES: u64 = 200;

/// Instants of a drawn curve.
const DRAWN_POINTS: u64 = 160;

/// An option with its launches.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The option.
    pub option: WhatIf,
    /// Its launches.
    pub figures: LaunchFigures,
}

/// The report.
pub fn report(plan: &Plan, chances: &Chances, as_is: &LaunchFigures, tried: &[Tried]) -> PlanReport {
    let spend = whatif::spend(plan, as_is.checks.mean);
    let quotas = [0, 1, 2, 3].map(|of| quota_figures(plan, chances, of)).to_vec();
    let ask = asks(plan, chances);
    let verdict = judge::of_plan(chances);
    PlanReport {
        schema: SCHEMA,
        name: plan.name.clone(),
        region: plan.region.name.to_owned(),
        seed: plan.seed,
        verdict,
        reasons: reasons(plan, &quotas, as_is, verdict),
        target_refused_share: plan.target,
        launch_date: plan.launch.clone(),
        draws: chances.loads.len() as u64,
        demand: demand(plan, chances),
        quotas,
        launch: launch(as_is),
        timeline: as_is.timeline.clone(),
        options: tried.iter().map(|tried| option(plan, tried, spend)).collect(),
        sensitivity: effects(chances),
        ask,
        stability: stability(plan, chances),
        assumptions: plan.assumed.clone(),
        spend_usd: spending(plan, chances),
    }
}

/// A number as it is printed: six digits are more than anybody reads.
fn tidy(x: f64) -> f64 {
    if !x.is_finite() || x.abs() < f64::MIN_POSITIVE {
        return if x.is_finite() { 0.0 } else { f64::MAX };
    }
    let scale = 10.0_f64.powf(5.0 - x.abs().log10().floor());
    if scale.is_finite() && scale > 0.0 { (x * scale).round() / scale } else { x }
}

fn percentiles(expected: f64, drawn: impl Iterator<Item = f64>) -> Percentiles {
    let mut sorted: Vec<f64> = drawn.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| tidy(rank::quantile(&sorted, share));
    Percentiles { expected: tidy(expected), p10: at(0.1), p50: at(0.5), p90: at(0.9), p95: at(0.95) }
}

fn demand(plan: &Plan, chances: &Chances) -> DemandFigures {
    let of = |figure: &dyn Fn(&PeakLoad) -> f64| percentiles(figure(&chances.expected), chances.loads.iter().map(figure));
    DemandFigures {
        users_total: of(&|load| load.users),
        users_peak_per_s: of(&|load| load.users_peak),
        checks_peak_per_s: of(&|load| load.calls[1]),
        sessions_at_once: of(&|load| load.erlangs),
        checks_per_user: tidy(chances.expected.checks_per_user),
        peak_at_s: tidy(chances.expected.peak_at_s),
        length_s: plan.demand.length_s,
        dispersion_cv: tidy(plan.demand.dispersion),
        source: plan.demand.source.clone(),
        bands: bands(plan),
    }
}

fn bands(plan: &Plan) -> Vec<Band> {
    let curve = |case: &Case| plan.demand.curve(case, None).drawn(DRAWN_POINTS).collect::<Vec<_>>();
    let expected = curve(&Case::Expected);
    let drawn: Vec<Vec<(f64, f64)>> = (0..DRAWN_CURVES).map(|n| curve(&Case::Drawn { seed: plan.seed, n })).collect();
    let band = |(i, (at, rate)): (usize, &(f64, f64))| {
        let mut rates: Vec<f64> = drawn.iter().map(|curve| curve[i].1).collect();
        rates.sort_by(f64::total_cmp);
        Band {
            at_s: tidy(*at),
            p10: tidy(rank::quantile(&rates, 0.1)),
            expected: tidy(*rate),
            p90: tidy(rank::quantile(&rates, 0.9)),
        }
    };
    expected.iter().enumerate().map(band).collect()
}

fn quota_figures(plan: &Plan, chances: &Chances, of: usize) -> QuotaFigures {
    let needed = chances.needed(of);
    let enough = chances.enough[of];
    let (at_peak, total) = refused(plan, chances, of);
    let operation = operations(plan).get(of).copied();
    let have = operation.map_or(f64::from(plan.quotas.concurrent.sessions), |quota| quota.rate[1]);
    let limited = operation.filter(|quota| quota.rate[1].is_finite());
    let interval =
        |quota: &OperationQuota| RateInterval { low: tidy(quota.rate[0]), point: tidy(quota.rate[1]), high: tidy(quota.rate[2]) };
    let evidence = operation.map_or(plan.quotas.concurrent.evidence, |quota| quota.evidence);
    QuotaFigures {
        operation: OPERATIONS[of].to_owned(),
        quota_code: CODES[of].to_owned(),
        kind: operation.map_or("concurrency", OperationQuota::kind).to_owned(),
        rate_per_s: limited.map(interval),
        burst: operation.and_then(|quota| quota.burst),
        limit: operation.is_none().then_some(plan.quotas.concurrent.sessions),
        evidence,
        notes: operation.map(|quota| quota.notes.clone()).unwrap_or_default(),
        load: tidy(chances.expected.calls.get(of).copied().unwrap_or(chances.expected.erlangs)),
        needed: percentiles(needed.expected, needed.drawn.iter().copied()),
        needed_small_burst: operation.filter(|quota| quota.burst_is_unknown()).map(|quota| {
            let load = chances.expected.calls[of];
            tidy(
                rate_for(quota.family, BucketDepth::Seconds(LEAST_BURST_S), load, plan.demand.dispersion, plan.target)
                    + plan.quotas.shared,
            )
        }),
        needed_quantiles: (0..=100u32).map(|percent| tidy(needed.in_share(f64::from(percent) / 100.0))).collect(),
        headroom_share: have.is_finite().then(|| tidy(1.0 - needed.expected / have)),
        p_enough: enough[1],
        p_enough_worst: enough[0],
        p_enough_best: enough[2],
        verdict: judge::of_quota(enough),
        refused_share_at_peak: tidy(at_peak),
        refused_share_total: tidy(total),
    }
}

/// The shares refused at the peak and over the whole plan, as expected: the curve is stationary at every instant.
fn refused(plan: &Plan, chances: &Chances, of: usize) -> (f64, f64) {
    let load = &chances.expected;
    let per_user = |peak: f64| if load.users_peak > 0.0 { peak / load.users_peak } else { 0.0 };
    let cv = plan.demand.dispersion;
    let (factor, share): (f64, Box<dyn Fn(f64) -> f64>) = if let Some(quota) = operations(plan).get(of) {
        let mut known = quota.readings()[1];
        known.rate = (known.rate - plan.quotas.shared).max(0.0);
        (per_user(load.calls[of]), Box::new(move |rate| known.refused_of(rate, cv)))
    } else {
        let sessions = u64::from(plan.quotas.concurrent.sessions);
        (per_user(load.erlangs), Box::new(move |rate| dispersion::quasi_static(rate, cv, |rate| erlang::refused(rate, sessions))))
    };
    let curve = plan.demand.curve(&Case::Expected, None);
    let simulated =
        operations(plan).get(of).is_some_and(|quota| matches!(quota.family, LimiterFamily::Counter(_) | LimiterFamily::Other(_)));
    // Where a share is simulated a few instants must do.
    let points = if simulated { 8 } else { 120 };
    let (mut lost, mut all) = (0.0, 0.0);
    for (_, users) in curve.drawn(points) {
        lost += users * share(users * factor);
        all += users;
    }
    (share(load.users_peak * factor), if all > 0.0 { lost / all } else { 0.0 })
}

fn launch(figures: &LaunchFigures) -> LaunchReport {
    let us = |figure: f64| whole(figure.round());
    LaunchReport {
        replications: figures.replications,
        users: tidy(figures.users.mean),
        creates_sent: tidy(figures.creates_sent.mean),
        amplification: tidy(figures.amplification.mean),
        creates_peak_per_s: tidy(figures.creates_peak_per_s.mean),
        create_refused_share: tidy(figures.create_refused.mean),
        start_refused_share: tidy(figures.start_refused.mean),
        get_refused_share: tidy(figures.get_refused.mean),
        error_seen_share: tidy(figures.error_seen.mean),
        verified_share: tidy(figures.verified.mean),
        wait_p50_us: us(figures.wait_p50_us.mean),
        wait_p99_us: us(figures.wait_p99_us.mean),
        concurrent_max: tidy(figures.concurrent_max.mean),
        checks: tidy(figures.checks.mean),
        standard_errors: LaunchErrors {
            users: tidy(figures.users.error),
            creates_sent: tidy(figures.creates_sent.error),
            create_refused_share: tidy(figures.create_refused.error),
            start_refused_share: tidy(figures.start_refused.error),
            error_seen_share: tidy(figures.error_seen.error),
            verified_share: tidy(figures.verified.error),
            wait_p50_us: tidy(figures.wait_p50_us.error),
            wait_p99_us: tidy(figures.wait_p99_us.error),
            concurrent_max: tidy(figures.concurrent_max.error),
        },
    }
}

fn option(plan: &Plan, tried: &Tried, spend_as_is: f64) -> OptionFigures {
    let Tried { option, figures } = tried;
    let spend = whatif::spend(plan, figures.checks.mean);
    let lead_time_days = whatif::lead_time_days(option);
    let day = plan.launch.as_deref().filter(|_| lead_time_days > 0);
    OptionFigures {
        name: option.name.clone(),
        change: whatif::change(plan, option),
        waiting_room_per_s: option.waiting_room.map(tidy),
        launch: launch(figures),
        spend_usd: tidy(spend),
        delta_spend_usd: tidy(spend - spend_as_is),
        costs: whatif::costs(option),
        lead_time_days,
        latest_request_date: day.and_then(|day| whatif::days_before(day, lead_time_days)),
    }
}

fn effects(chances: &Chances) -> Vec<InputEffect> {
    let effect = |effect: &super::chance::Effect| InputEffect {
        input: effect.input.clone(),
        unit: effect.unit,
        low: tidy(effect.ends[0]),
        high: tidy(effect.ends[1]),
        quota: OPERATIONS[chances.shortest].to_owned(),
        needed_low: tidy(effect.needed[0]),
        needed_high: tidy(effect.needed[1]),
        spearman: tidy(effect.spearman),
    };
    chances.effects.iter().map(effect).collect()
}

fn asks(plan: &Plan, chances: &Chances) -> Vec<QuotaAsk> {
    let all = judge::ask(plan, chances).into_iter().enumerate();
    all.filter_map(|(of, desired)| {
        let desired = desired?;
        let needed = chances.needed(of);
        Some(QuotaAsk {
            quota_code: CODES[of].to_owned(),
            operation: OPERATIONS[of].to_owned(),
            region: plan.region.name.to_owned(),
            current: operations(plan).get(of).map_or(f64::from(plan.quotas.concurrent.sessions), |quota| tidy(quota.rate[1])),
            desired,
            p_enough: needed.within(desired),
            justification: justification(plan, chances, (of, desired), needed),
        })
    })
    .collect()
}

fn justification(plan: &Plan, chances: &Chances, (of, desired): (usize, f64), needed: &Needed) -> String {
    let target = plan.target * 100.0;
    let (p90, p95) = (needed.in_share(0.9), needed.in_share(0.95));
    let likely = needed.within(desired) * 100.0;
    if of == 3 {
        return format!(
            "{:.1} checks/s x {:.1} s a session = {:.0} at once on average; {:.0} keep refusals below {target} % (Erlang B), {p90:.0} in the 90 % \
             case, {p95:.0} in the 95 % case; {desired:.0} suffice with {likely:.0} % probability",
            chances.expected.calls[1], plan.users.session_s.expected, chances.expected.erlangs, needed.expected
        );
    }
    let burst = operations(plan)[of]
        .burst
        .map_or("one second of the rate as burst, which is not known".to_owned(), |burst| format!("burst {burst:.0}"));
    format!(
        "peak {:.1} calls/s; {:.1}/s keep refusals below {target} % of random arrivals ({burst}), {p90:.1}/s in the 90 % case, {p95:.1}/s in the \
         95 % case; {desired:.0}/s suffice with {likely:.0} % probability",
        chances.expected.calls[of], needed.expected
    )
}

fn stability(plan: &Plan, chances: &Chances) -> StabilityFigures {
    let attempts = whatif::attempts_all_layers(plan);
    let (load, rate) = (chances.expected.calls[0], plan.quotas.create.rate[1] - plan.quotas.shared);
    let costly = plan.quotas.create.notes.iter().any(|note| note.contains("refused calls cost"));
    let (class, meaning) = match retry::stability(load, attempts, rate) {
        retry::Stability::Safe => ("safe", format!("{load:.1}/s x {attempts:.1} attempts stay below {rate:.1}/s")),
        retry::Stability::Vulnerable => {
            let harm = if costly {
                "and refused calls cost, so a storm can keep itself alive"
            } else {
                "harmless as long as refused calls use no quota"
            };
            ("vulnerable", format!("{load:.1}/s x {attempts:.1} attempts exceed {rate:.1}/s: {harm}"))
        }
        retry::Stability::Overloaded => {
            let over = retry::lasting(load, rate.max(1e-9), plan.client.attempts);
            (
                "overloaded",
                format!(
                    "{load:.1}/s exceed {rate:.1}/s: {:.0} % fail for as long as it lasts, whatever the attempts",
                    over.failed * 100.0
                ),
            )
        }
    };
    StabilityFigures { attempts_all_layers: tidy(attempts), class: class.to_owned(), meaning }
}

fn spending(plan: &Plan, chances: &Chances) -> Spend {
    let usd = |load: &PeakLoad| whatif::spend(plan, load.users * load.checks_per_user);
    let all = percentiles(usd(&chances.expected), chances.loads.iter().map(usd));
    Spend { expected: all.expected, p90: all.p90, price_per_check_usd: plan.price.first() }
}

/// The answer in a line, then what is short and what is not known.
fn reasons(plan: &Plan, quotas: &[QuotaFigures], as_is: &LaunchFigures, verdict: PlanVerdict) -> Vec<String> {
    let mut reasons = vec![first_reason(quotas, as_is, verdict)];
    for quota in quotas {
        let have = quota.limit.map_or_else(|| quota.rate_per_s.map_or(0.0, |rate| rate.point), f64::from);
        match quota.verdict {
            PlanVerdict::NotEnough => reasons.push(format!(
                "{}: {have} of {:.0} that are needed; enough in {:.0} % of the cases",
                quota.operation,
                quota.needed.expected.ceil(),
                quota.p_enough * 100.0
            )),
            PlanVerdict::Unsure
                if quota.p_enough_worst < judge::ENOUGH && quota.p_enough_best >= judge::ENOUGH && quota.burst.is_none() =>
            {
                let remedy = if quota.operation == Operation::Create.name() {
                    "measure it: livebench probe".to_owned()
                } else {
                    let enough =
                        quota.needed_small_burst.map_or_else(String::new, |rate| format!(", or have {:.0}/s", rate.ceil()));
                    format!("livebench can't measure it: ask AWS{enough}")
                };
                reasons.push(format!("{}: enough unless its burst is small; {remedy}", quota.operation));
            }
            PlanVerdict::Unsure => {
                reasons.push(format!("{}: enough in {:.0} % of the cases", quota.operation, quota.p_enough * 100.0));
            }
            PlanVerdict::Enough => {}
        }
    }
    if plan.quotas.shared > 0.0 {
        reasons.push(format!("others use {}/s of each rate", plan.quotas.shared));
    }
    reasons
}

fn first_reason(quotas: &[QuotaFigures], as_is: &LaunchFigures, verdict: PlanVerdict) -> String {
    let felt = format!("{:.1} of 100 users would see an error", as_is.error_seen.mean * 100.0);
    let short: Vec<&str> = quotas.iter().filter(|quota| quota.verdict == PlanVerdict::NotEnough).map(short_name).collect();
    match verdict {
        PlanVerdict::Enough => format!("Every quota is enough in nine of ten cases; {felt}."),
        PlanVerdict::NotEnough => format!("Too little: {}; {felt}.", short.join(", ")),
        PlanVerdict::Unsure => format!("Probably enough, but not certain; {felt}."),
    }
}

/// What people call a quota.
pub fn short_name(quota: &QuotaFigures) -> &'static str {
    match quota.operation.as_str() {
        "CreateFaceLivenessSession" => "Create /s",
        "StartFaceLivenessSession" => "Start /s",
        "GetFaceLivenessSessionResults" => "Get /s",
        _ => "concurrent",
    }
}

/// The plan as it is with an option applied, for whoever simulates it.
pub fn scenes<'p>(plan: &'p Plan, options: &[WhatIf]) -> Vec<Situation<'p>> {
    std::iter::once(Situation::as_is(plan)).chain(options.iter().map(|option| Situation::with(plan, option))).collect()
}

/// Checks of a user as expected: what amplification is beside.
pub fn checks_of(plan: &Plan) -> f64 {
    super::scene::checks_per_user(plan.users.fail.expected * plan.users.repeat.expected, plan.users.checks_at_most)
}
