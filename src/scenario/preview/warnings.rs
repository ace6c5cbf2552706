//! What the author of a scenario may have overlooked. Nothing here is wrong in itself.

use std::time::Duration;

use super::super::{Model, Overflow, Scenario, cap_burst};
use super::numbers::Numbers;
use super::plot::{number, short};
use super::{capped_by_budget, paid_for};
use crate::limiter::{Quota, TokenBucket};
use crate::metric::Metric;
use crate::service::exception::name;
use crate::service::operation::Operation;
use crate::service::region;
use crate::units::plural;

pub(super) fn warnings(scenario: &Scenario, numbers: &Numbers) -> Vec<String> {
    let mut list = Vec::new();
    load(scenario, numbers, &mut list);
    quota(scenario, numbers, &mut list);
    tokens(scenario, numbers, &mut list);
    samples(scenario, numbers, &mut list);
    list
}

fn load(scenario: &Scenario, numbers: &Numbers, list: &mut Vec<String>) {
    if let (Some(needed), Some(room), Model::Open(open)) = (numbers.in_flight, numbers.concurrency, &scenario.load.model)
        && needed > room as u64
    {
        let then = if open.overflow == Overflow::Miss { "be missed" } else { "wait" };
        list.push(format!("up to {needed} calls may be in flight, concurrency is {room}: calls may {then}"));
    }
    if let (Some(cap), Some(peak)) = (scenario.load.max_rate, numbers.peak_rate)
        && cap.as_f64() < peak
    {
        list.push(format!("max_rate {cap} is below the peak of {}/s: calls will be capped, never sent", number(peak)));
    }
    if let (Some(cap), Some(burst)) = (scenario.load.max_rate, numbers.largest_burst)
        && let through = cap_burst(cap)
        && through < burst
    {
        list.push(format!(
            "max_rate {cap} lets {through} of the {burst} calls of a burst through at once: the others will be capped, never sent"
        ));
    }
    if let (Some(most), Some(calls)) = (scenario.budget.max_calls, numbers.calls)
        && most < calls
    {
        list.push(format!("budget.max_calls stops the run after {most} of {}", plural(calls, "call")));
    }
    if let Some(calls) = numbers.calls.map(|calls| capped_by_budget(calls, scenario))
        && let paid = paid_for(calls, scenario)
        && paid < calls
    {
        list.push(format!("on AWS budget.max_spend_usd stops the run after {paid} of {}", plural(calls, "call")));
    }
}

fn quota(scenario: &Scenario, numbers: &Numbers, list: &mut Vec<String>) {
    let emulator = &scenario.emulator;
    if region::find(&emulator.region).is_none() {
        list.push(format!("{} has no Face Liveness: every call is answered with {}", emulator.region, name::ACCESS_DENIED));
        return;
    }
    let Quota::TokenBucket(TokenBucket { rate, burst, .. }) = emulator.quota_of(Operation::Create, &emulator.region) else {
        return;
    };
    match numbers.throttled {
        Some(0) => {}
        Some(throttled) => {
            list.push(format!("the emulator's quota of {rate} with burst {burst} will throttle about {throttled} calls"));
        }
        None if numbers.peak_rate.is_some_and(|peak| peak > rate.as_f64()) => {
            list.push(format!("the peak rate is above the emulator's quota of {rate}: calls may be throttled"));
        }
        None => {}
    }
}

fn tokens(scenario: &Scenario, numbers: &Numbers, list: &mut Vec<String>) {
    for mix in scenario.mixes.iter().filter(|m| m.request.client_request_token.is_some()) {
        list.push(format!("mix {} has a fixed ClientRequestToken: all its calls share one session at a time", mix.name));
    }
    let (of, emulator) = (&scenario.idempotency, &scenario.emulator);
    if of.sum() <= 0.0 {
        return;
    }
    if of.expired.as_f64() > 0.0 && numbers.length <= of.session_ttl {
        let (length, life) = (short(numbers.length), short(of.session_ttl));
        list.push(format!("idempotency.expired cannot happen: the run lasts {length}, a session lives {life}"));
    }
    if of.session_ttl != emulator.session_ttl {
        let (ours, theirs) = (short(of.session_ttl), short(emulator.session_ttl));
        list.push(format!("idempotency.session_ttl is {ours}, the emulator's {theirs}: `expired` will not mean what it says"));
    }
    if of.after_throttle.as_f64() > 0.0 && numbers.throttled == Some(0) {
        list.push("idempotency.after_throttle cannot happen on the emulator: nothing is throttled".to_owned());
    }
    let faults = &emulator.faults;
    let losses = faults.reset_before.as_f64() + faults.reset_after.as_f64() + faults.half_open.as_f64();
    let timed_out = emulator.stalls.iter().any(|s| s.length >= READ_TIMEOUT);
    if of.after_loss.as_f64() > 0.0 && losses <= 0.0 && !timed_out {
        list.push("idempotency.after_loss cannot happen on the emulator: no answer is lost".to_owned());
    }
}

/// The default of `--cli-read-timeout`.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

fn samples(scenario: &Scenario, numbers: &Numbers, list: &mut Vec<String>) {
    let Some(calls) = numbers.calls.or(numbers.expected_calls) else { return };
    for threshold in &scenario.thresholds {
        let Metric::Latency(_, stat) = threshold.metric else { continue };
        let needed = stat.samples_needed();
        if calls < needed {
            list.push(format!(
                "{} needs {needed} samples, and there {} {} at most",
                threshold.metric,
                if calls == 1 { "is" } else { "are" },
                plural(calls, "call")
            ));
        }
    }
}
