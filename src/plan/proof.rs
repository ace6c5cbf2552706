//! From plan to proof: the scenario that tests a plan's peak.

use super::chance::Chances;
use super::document::Plan;
use crate::num::whole;
use crate::service::price::Bill;

/// Seconds at the peak: as many as it takes to see the target's refusals, at least two minutes.
fn seconds(plan: &Plan, peak: f64) -> f64 {
    // Ten refusals at the target tell it from twice as many.
    (10.0 / plan.target / peak.max(1e-6)).clamp(120.0, 600.0)
}

/// The scenario's text, with thresholds from the target, the worst-case cost, and the plan's quota for the emulator.
pub fn scenario(plan: &Plan, chances: &Chances) -> String {
    let peak = chances.expected.calls[0].max(1e-6);
    let length = seconds(plan, peak).ceil();
    let calls = whole((peak * (length + 15.0)).ceil() * 1.1) + 100;
    let quota = plan.quotas.create.limiter(plan.quotas.shared);
    let quota = toml::Table::try_from(quota).map(|table| inline(&table)).unwrap_or_default();
    let Plan { name, region, target, .. } = plan;
    let cost = Bill::of(calls);
    format!(
        "# Tests the peak of the plan `{name}`: {peak:.2} creates per second, {length:.0} s long. Made by `livebench plan --scenario`.\n\
         #\n\
         #     livebench run proof.toml                                  against the emulator, with the quota of the plan\n\
         #     livebench run proof.toml --target aws --yes --region {region}   {cost} at worst\n\
         #\n\
         # It creates sessions and streams none: the limit on concurrent sessions is not tested by it.\n\
         name = \"{name}\"\n\
         description = \"The peak of the plan {name}: {peak:.2}/s, target < {percent}% refused\"\n\
         seed = {seed}\n\n\
         [load]\n\
         arrivals = \"poisson\"\n\
         concurrency = {room}\n\
         stages = [ {{ for = \"30s\", from = 0.0, to = {peak:.3} }}, {{ for = \"{length:.0}s\", rate = {peak:.3} }} ]\n\n\
         [budget]\n\
         max_calls = {calls}\n\
         max_spend_usd = {usd:.2}\n\n\
         [thresholds]\n\
         \"throttled.quota\" = \"< {percent}%\"\n\
         \"errors\" = \"< 0.1%\"\n\n\
         [emulator]\n\
         region = \"{region}\"\n\
         quota = {quota}\n\
         latency = \"{answer}ms\"\n",
        region = region.name,
        percent = target * 100.0,
        seed = plan.seed,
        // As many in flight as ten seconds of the peak bring.
        room = whole((peak * 10.0).ceil()).clamp(64, 100_000),
        usd = cost.usd(),
        answer = plan.client.answer.as_millis().max(1),
    )
}

/// A quota of the contract as a scenario writes it, in a line.
fn inline(table: &toml::Table) -> String {
    let value = |(key, value): (&String, &toml::Value)| match (key.strip_suffix("_us"), value.as_integer()) {
        (Some(name), Some(us)) => format!("{name} = \"{us}us\""),
        _ => format!("{key} = {value}"),
    };
    // The kind first, as people write it.
    let (kind, rest): (Vec<_>, Vec<_>) = table.iter().partition(|(key, _)| *key == "kind");
    format!("{{ {} }}", kind.into_iter().chain(rest).map(value).collect::<Vec<_>>().join(", "))
}
