//! What could be done instead: the plan's own options, or a standard set.

use super::chance::{Chances, operations};
use super::document::{Plan, WhatIf};
use super::judge;
use super::scene::Situation;
use crate::num::float;

/// Days that a quota takes which AWS must grant: nobody promises any, so two weeks.
pub const LEAD_TIME_DAYS: u32 = 14;

/// The options of a plan in the order of its table: what is asked for first, if anything is.
pub fn options(plan: &Plan, chances: &Chances) -> Vec<WhatIf> {
    let ask = judge::ask(plan, chances);
    let asked = judge::asked_for(ask);
    let mut options = Vec::new();
    if asked.asks() {
        options.push(asked);
    }
    if plan.options.is_empty() {
        options.extend(standard(plan, ask));
    } else {
        options.extend(plan.options.iter().cloned());
    }
    options
}

/// More sessions alone, slower sending, a waiting room, a second region, and the SDKs' retries.
fn standard(plan: &Plan, ask: [Option<f64>; 4]) -> Vec<WhatIf> {
    let named = |name: String| WhatIf { name, ..WhatIf::default() };
    let mut options = Vec::new();
    let single = ask.iter().flatten().count() > 1;
    if let (true, Some(_)) = (single, ask[3]) {
        let only = judge::asked_for([None, None, None, ask[3]]);
        options.push(WhatIf { name: "more concurrent sessions alone".to_owned(), ..only });
    }
    if plan.demand.has_messages() {
        let sending = plan.demand.sending_s().max(600.0);
        for times in [3.0, 6.0, 12.0] {
            let minutes = sending * times / 60.0;
            let option = named(format!("send over {minutes:.0} min"));
            options.push(WhatIf { send_over_s: Some(sending * times), ..option });
        }
    }
    let pace = Situation::as_is(plan).safe_pace();
    if pace.is_finite() && pace > 0.0 {
        // One digit after the point is as fine as anybody sets it; never more than is safe.
        let pace = if pace >= 2.0 { pace.floor() } else { (pace * 10.0).floor().max(1.0) / 10.0 };
        options.push(WhatIf { waiting_room: Some(pace), ..named(format!("waiting room {pace}/s")) });
    }
    options.push(WhatIf { regions: Some(2), ..named("second region".to_owned()) });
    let (attempts, name) = if plan.client.attempts > 1 { (1, "no retries") } else { (3, "SDK retries, 3 attempts") };
    options.push(WhatIf { attempts: Some(attempts), ..named(name.to_owned()) });
    options
}

/// What an option changes, in a few words.
pub fn change(plan: &Plan, option: &WhatIf) -> String {
    let mut parts = Vec::new();
    for ((name, rate), quota) in ["Create", "Start", "Get"].into_iter().zip(option.rates).zip(operations(plan)) {
        if let Some(rate) = rate {
            parts.push(format!("{name} {} -> {rate}/s", quota.rate[1]));
        }
    }
    if let Some(sessions) = option.concurrent {
        parts.push(format!("concurrent {} -> {sessions}", plan.quotas.concurrent.sessions));
    }
    if let Some(seconds) = option.send_over_s {
        parts.push(format!("messages over {:.0} min instead of {:.0}", seconds / 60.0, plan.demand.sending_s() / 60.0));
    }
    if let Some(pace) = option.waiting_room {
        parts.push(format!("a waiting room lets in {pace} users/s"));
    }
    if let Some(regions) = option.regions {
        parts.push(format!("users over {regions} regions with these quotas each"));
    }
    if let Some(attempts) = option.attempts {
        parts.push(format!("{attempts} attempt{} a call", if attempts == 1 { "" } else { "s" }));
    }
    parts.join("; ")
}

/// What an option costs besides money.
pub fn costs(option: &WhatIf) -> String {
    if let Some(costs) = &option.costs {
        return costs.clone();
    }
    let mut parts = Vec::new();
    if option.asks() {
        parts.push("a request to AWS");
    }
    if option.send_over_s.is_some() {
        parts.push("the campaign's time");
    }
    if option.waiting_room.is_some() {
        parts.push("the users' patience");
    }
    if option.regions.is_some() {
        parts.push("routing; no failover left");
    }
    if option.attempts.is_some() {
        parts.push("a client setting");
    }
    parts.join("; ")
}

/// Days before an option is in effect.
pub fn lead_time_days(option: &WhatIf) -> u32 {
    option.lead_time_days.unwrap_or(if option.asks() { LEAD_TIME_DAYS } else { 0 })
}

/// The day so many days before another.
pub fn days_before(day: &str, days: u32) -> Option<String> {
    let date: jiff::civil::Date = day.parse().ok()?;
    let span = jiff::Span::new().try_days(i64::from(days)).ok()?;
    date.checked_sub(span).ok().map(|date| date.to_string())
}

/// The price of so many checks over all regions.
pub fn spend(plan: &Plan, checks: f64) -> f64 {
    plan.price.usd(checks)
}

/// Attempts of a call over all layers: the client's, and those of users who begin again.
pub fn attempts_all_layers(plan: &Plan) -> f64 {
    let again = plan.users.again.expected;
    let tries = super::scene::checks_per_user(again, plan.users.tries_at_most);
    float(u64::from(plan.client.attempts)) * tries
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dates go back over months, and what is no date has none.
    #[test]
    fn dates() {
        assert_eq!(days_before("2026-12-17", 14).as_deref(), Some("2026-12-03"));
        assert_eq!(days_before("2027-01-05", 14).as_deref(), Some("2026-12-22"));
        assert_eq!(days_before("soon", 14), None);
    }
}
