//! A scenario to start from.

use std::fmt::Write as _;
use std::time::Duration;

use humantime::format_duration;

use crate::metric::Stat;
use crate::num::{float, whole};
use crate::service::price::USD_PER_CHECK;
use crate::service::region::{self, DEFAULT};
use crate::units::Rate;

/// What a new scenario does.
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

/// Percentiles that a threshold may be on, the strictest first.
const STRICTEST_FIRST: [(&str, Stat); 4] = [("p99", Stat::P99), ("p95", Stat::P95), ("p90", Stat::P90), ("p50", Stat::P50)];

/// A ramp from a tenth of the rate makes this share of the calls that its whole length would make at the rate.
// derived: the mean of 0.1 and 1
const RAMP_SHARE: f64 = 0.55;

impl Template {
    /// How long a scenario of this rate runs unless somebody says how long: until its p99 has enough samples, in whole half minutes from one
    /// minute to ten. At low rates ten minutes are too short for a p99, and the threshold is on a lower percentile.
    pub fn usual_length(rate: Rate, ramp: Duration) -> Duration {
        // derived: a tenth more than a p99 needs, as some calls may be throttled or missed and are then no samples of it
        let calls = 1.1 * float(Stat::P99.samples_needed());
        let seconds = calls / rate.as_f64() - ramp.as_secs_f64() * RAMP_SHARE;
        // derived: nobody waits longer than ten minutes for a first run; a minute has room for a glance at the live view
        Duration::from_secs_f64(((seconds / 30.0).ceil() * 30.0).clamp(60.0, 600.0))
    }

    /// Calls of the schedule, rounded up.
    fn calls(&self) -> u64 {
        whole((self.rate.as_f64() * (self.length.as_secs_f64() + self.ramp.as_secs_f64() * RAMP_SHARE)).ceil()).saturating_add(1)
    }

    /// The threshold on the response time: on the strictest percentile that the calls are enough for, with the reason on its line.
    fn response_threshold(&self) -> String {
        let about = self.calls().saturating_sub(1); // the budget has one to spare
        let calls = about.saturating_sub(1); // a ramp may end just before its last call
        let limit = format_duration(self.response_p99);
        let fitting = STRICTEST_FIRST.into_iter().find(|(_, stat)| stat.samples_needed() <= calls);
        let (name, why) = match fitting {
            Some((name, stat)) if stat == Stat::P99 => {
                (name, format!("{name} needs {} samples; these stages make about {about} calls", stat.samples_needed()))
            }
            Some((name, _)) => {
                (name, format!("p99 needs {} samples; these stages make about {about} calls", Stat::P99.samples_needed()))
            }
            None => ("max", format!("about {about} calls are too few for a percentile")),
        };
        format!("\"response.{name}\" = \"< {limit}\"    # {why}")
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
             seed = 1                   # determines every random draw\n\n\
             [load]                     # open model: like users, calls don't wait for earlier answers\n\
             concurrency = {expected:<12} # maximum calls in flight; a call that is due above it is counted as missed\n\
             stages = [\n",
            length = format_duration(*length),
        );
        if !ramp.is_zero() {
            let _ = writeln!(
                text,
                "    {{ for = \"{}\", from = {}, to = {per_s} }},    # ramp up slowly: AWS throttles rates that rise too fast",
                format_duration(*ramp),
                per_s / 10.0
            );
        }
        let _ = write!(
            text,
            "    {{ for = \"{length}\", rate = {per_s} }},\n]\n\n\
             # [[mix]]                  # requests by weight; without it every call is the empty request with a fresh token\n\
             # name = \"audited\"\n\
             # request = {{ Settings = {{ AuditImagesLimit = 4 }} }}\n\n\
             [budget]\n\
             max_calls = {calls:<14} # a hard stop; the stages need this many\n\
             max_spend_usd = {max_spend_usd:<10.2} # 0 forbids AWS; a call there is counted at ${USD_PER_CHECK}\n\n\
             [thresholds]               # exit code 0 only if these are met\n\
             {threshold}\n\
             \"throttled.quota\" = \"< 1%\"\n\
             \"idempotency.violations\" = \"== 0\"\n\n\
             [emulator]                 # used unless you name another target\n\
             quota = {{ kind = \"token-bucket\", rate = {documented} }}           # the documented quota of {DEFAULT}; `livebench probe` measures yours\n\
             latency = {{ median = \"45ms\", p99 = \"160ms\" }}\n",
            documented = region::calls_per_s(DEFAULT),
            length = format_duration(*length),
            threshold = self.response_threshold(),
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::metric::{Metric, Series};
    use crate::scenario::{self, Model};
    use crate::schedule::Schedule;

    fn usual() -> Template {
        Template {
            name: "my-load".to_owned(),
            rate: Rate::per_second(10.0).unwrap(),
            length: Duration::from_secs(120),
            ramp: Duration::from_secs(10),
            response_p99: Duration::from_millis(800),
            max_spend_usd: 0.0,
        }
    }

    /// Unless somebody says how long, the p99 has enough samples wherever ten minutes are enough for that; what is usual is usual.
    #[test]
    fn the_usual_length_knows_its_p99() {
        let ramp = Duration::from_secs(10);
        assert_eq!(Template::usual_length(usual().rate, ramp), usual().length);
        for (rate, wanted) in [(0.1, 600), (1.0, 600), (2.0, 570), (20.0, 60), (5000.0, 60)] {
            assert_eq!(Template::usual_length(Rate::per_second(rate).unwrap(), ramp), Duration::from_secs(wanted), "{rate}/s");
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
            // No percentile is asked for that the first run could not know, and none less strict than it could.
            let asked = scenario.thresholds.iter().find_map(|threshold| match threshold.metric {
                Metric::Latency(Series::Response, stat) => Some(stat),
                _ => None,
            });
            let asked = asked.map_or(u64::MAX, Stat::samples_needed);
            prop_assert!(asked <= schedule.calls().max(1), "{asked}");
            for (_, stat) in STRICTEST_FIRST {
                let surely = stat.samples_needed() + 3 <= schedule.calls();
                prop_assert!(asked >= stat.samples_needed() || !surely, "{asked}");
            }
            prop_assert!((scenario.budget.max_spend_usd - usd).abs() < 0.01);
        }
    }
}
