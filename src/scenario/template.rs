//! A scenario to start from.

use std::fmt::Write as _;
use std::time::Duration;

use humantime::format_duration;

use crate::num::whole;
use crate::service::price::USD_PER_CHECK;
use crate::service::region::{self, DEFAULT};
use crate::units::Rate;

/// What a new scenario shall do.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Its name: 1 to 64 of `a-z0-9-_`.
    pub name: String,
    /// Calls per second, above 0.
    pub rate: Rate,
    /// How long at that rate, above 0.
    pub length: Duration,
    /// How long the rate rises before; 0 is no ramp.
    pub ramp: Duration,
    /// The limit of the response time's 99th percentile.
    pub response_p99: Duration,
    /// Dollars that AWS may cost at most; 0 keeps it away from AWS.
    pub max_spend_usd: f64,
}

impl Template {
    /// Calls of the schedule, rounded up.
    fn calls(&self) -> u64 {
        whole((self.rate.as_f64() * (self.length.as_secs_f64() + self.ramp.as_secs_f64() * 0.55)).ceil()).saturating_add(1)
    }

    /// The file: commented, and read without a problem if its values are within the bounds of a scenario.
    pub fn text(&self) -> String {
        let Self { name, rate, length, ramp, response_p99, max_spend_usd } = self;
        let (per_s, calls) = (rate.as_f64(), self.calls());
        // In flight at the limit, with as much again to spare.
        let expected = (per_s * response_p99.as_secs_f64() * 2.0).ceil().clamp(64.0, 100_000.0);
        let mut text = format!(
            "# {name}: {per_s} calls per second for {length}.\n#\n\
             #   livebench check {name}.toml    # what it would send and cost; sends nothing\n\
             #   livebench run {name}.toml      # against the emulator inside livebench\n\n\
             name = \"{name}\"\n\
             seed = 1                   # from which every random draw comes\n\n\
             [load]                     # open: arrivals do not wait for answers, as users do not\n\
             concurrency = {expected:<12} # calls in flight at most; a call that finds no room is missed, and the report says so\n\
             stages = [\n",
            length = format_duration(*length),
        );
        if !ramp.is_zero() {
            let _ = writeln!(
                text,
                "    {{ for = \"{}\", from = {}, to = {per_s} }},    # slowly up: AWS throttles rates that rise too fast",
                format_duration(*ramp),
                per_s / 10.0
            );
        }
        let _ = write!(
            text,
            "    {{ for = \"{length}\", rate = {per_s} }},\n]\n\n\
             # [[mix]]                  # request settings by weight; without it every call is the empty request with a fresh token\n\
             # name = \"audited\"\n\
             # request = {{ Settings = {{ AuditImagesLimit = 4 }} }}\n\n\
             [budget]\n\
             max_calls = {calls:<14} # a hard stop, whatever the stages say; the stages need so many\n\
             max_spend_usd = {max_spend_usd:<10.2} # 0 forbids AWS; each call there is counted at ${USD_PER_CHECK}\n\n\
             [thresholds]               # what must hold for exit code 0\n\
             \"response.p99\" = \"< {p99}\"\n\
             \"throttled.quota\" = \"< 1%\"\n\
             \"idempotency.violations\" = \"== 0\"\n\n\
             [emulator]                 # what answers unless another target is named\n\
             quota = {{ kind = \"token-bucket\", rate = {documented} }}           # what {DEFAULT} documents; `livebench run` against AWS tells yours\n\
             latency = {{ median = \"45ms\", p99 = \"160ms\" }}\n",
            documented = region::calls_per_s(DEFAULT),
            length = format_duration(*length),
            p99 = format_duration(*response_p99),
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::scenario::{self, Model};
    use crate::schedule::Schedule;

    fn usual() -> Template {
        Template {
            name: "my-load".to_owned(),
            rate: Rate::per_second(10.0).unwrap(),
            length: Duration::from_secs(60),
            ramp: Duration::from_secs(10),
            response_p99: Duration::from_millis(800),
            max_spend_usd: 0.0,
        }
    }

    /// What `livebench init` writes when nothing is said.
    #[test]
    fn as_written() {
        insta::assert_snapshot!(usual().text());
    }

    proptest! {
        /// Whatever was asked for, the file reads without a problem, means it, and its budget is enough for its stages.
        #[test]
        fn reads_back(rate in 0.1f64..5000.0, length_ms in 100u64..100_000, ramp_ms in prop_oneof![Just(0u64), 10u64..100_000], p99_ms in 1u64..60_000, usd in 0.0f64..100.0) {
            let template = Template {
                rate: Rate::per_second((rate * 100.0).round() / 100.0).unwrap(),
                length: Duration::from_millis(length_ms),
                ramp: Duration::from_millis(ramp_ms),
                response_p99: Duration::from_millis(p99_ms),
                max_spend_usd: usd,
                ..usual()
            };
            let scenario = scenario::read("a.toml", &template.text(), Path::new("")).map_err(|e| TestCaseError::fail(format!("{e}\n{}", template.text())))?;
            prop_assert_eq!(&scenario.name, &template.name);
            let Model::Open(open) = &scenario.load.model else { panic!() };
            let schedule = Schedule::new(&open.stages, open.arrivals, scenario.seed).unwrap();
            prop_assert_eq!(schedule.length(), template.length + template.ramp);
            prop_assert!(scenario.budget.max_calls >= Some(schedule.calls()));
            prop_assert!((scenario.budget.max_spend_usd - usd).abs() < 0.01);
        }
    }
}
