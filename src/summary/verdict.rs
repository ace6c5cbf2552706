//! The verdict on a run: the table of the module's page, rule by rule.

use super::contract::{Counts, Own, Reason, Severity, Validity, Verdict};
use super::facts::RunFacts;
use super::stop::Stop;
use super::thresholds::{Observed, needed, share};
use crate::client::outcome::{Outcome, Shortage};
use crate::metric::Metric;
use crate::record::ledger::Window;
use crate::scenario::{Model, Overflow, Scenario};
use crate::units::{THREE, human, plural, plural_was, significant, was};

/// A machine that slept for less has not slept: the two clocks are read one after the other.
// derived: between the two readings a thread can lose its core for some slices of a scheduler (up to 4 ms each at 250 Hz); no machine
// suspends and wakes in 10 ms
const ASLEEP_US: u64 = 10_000;

/// Beyond this share of a core a thread has nothing to spare.
// derived: work that arrives at random (M/M/1) waits for rho / (1 - rho) times its own length: 19 times at 95 %
const FULL_CORE: f64 = 0.95;

/// With less left there is no memory left.
// source: Linux charges a control group in advance, 64 pages a CPU (MEMCG_CHARGE_BATCH): what four CPUs hold and nobody else gets
const NO_MEMORY_BYTES: u64 = 1 << 20;

/// What the rules look at.
pub(super) struct RunCase<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) facts: &'a RunFacts,
    pub(super) observed: &'a Observed<'a>,
    pub(super) own: &'a Own,
}

impl RunCase<'_> {
    /// Applies every rule.
    pub(super) fn verdict(&self) -> Verdict {
        let mut reasons: Vec<Reason> = Vec::new();
        reasons.extend(self.accounting());
        reasons.extend(super::stopped::reason(self.facts, self.counts()));
        reasons.extend(self.facts.merged.iter().flat_map(|merged| super::merged::reasons(merged, self.counts().unknown)));
        reasons.extend(super::resumed::reasons(self.facts, self.counts()));
        reasons.extend(self.exhausted());
        reasons.extend(self.answers());
        reasons.extend(self.held_back());
        reasons.extend(self.missed());
        reasons.extend(self.lateness());
        reasons.extend(self.cpu());
        reasons.extend(self.waited());
        reasons.extend(self.clocks());
        reasons.extend(self.connections());
        reasons.extend(self.files());
        reasons.extend(self.memory());
        reasons.extend(self.capped());
        reasons.extend(self.few_samples());
        reasons.extend(self.ledger());
        // Stable: within one severity the order of the rules stays.
        reasons.sort_by_key(|r| std::cmp::Reverse(r.severity));
        let validity = match reasons.first().map(|r| r.severity) {
            Some(Severity::Invalid) => Validity::Invalid,
            Some(Severity::Suspect) => Validity::Suspect,
            Some(Severity::Note) | None => Validity::Valid,
        };
        Verdict { validity, reasons }
    }

    const fn counts(&self) -> &Counts {
        self.observed.counts
    }

    fn accounting(&self) -> Option<Reason> {
        let c = self.counts();
        let too_many = c.ended.checked_sub(c.scheduled).filter(|n| *n > 0)?;
        let what = format!("{} ended beyond those that the schedule has", plural(too_many, "call"));
        Some(reason(
            Severity::Invalid,
            what,
            "the files do not belong together, or this is a fault of livebench: keep the directory and report it",
        ))
    }

    /// A shard whose part of the run has no call. A whole run has one at least.
    fn nothing_to_do(&self) -> Option<String> {
        let c = self.counts();
        if c.ended > 0 {
            return None;
        }
        match self.facts.stop {
            Stop::Completed if self.facts.scheduled == Some(0) => Some("this shard has no call of the schedule".to_owned()),
            Stop::BudgetCalls => Some("this shard has no call of budget.max_calls".to_owned()),
            Stop::BudgetSpend => Some("this shard has no call of budget.max_spend_usd".to_owned()),
            _ => None,
        }
    }

    fn answers(&self) -> Option<Reason> {
        let c = self.counts();
        if c.sent == 0 && super::stopped::is_counted_before(self.facts) {
            return Some(reason(
                Severity::Invalid,
                "nothing was sent: this shard joined late, and an earlier attempt may have used up its budget".to_owned(),
                super::stopped::ANOTHER_ATTEMPT,
            ));
        }
        if let Some(what) = self.nothing_to_do() {
            return Some(reason(
                Severity::Note,
                what,
                "nothing: the other shards have its calls; use fewer shards if many are like this one",
            ));
        }
        if c.sent == 0 && c.harness == 0 {
            return Some(reason(
                Severity::Invalid,
                "no call was sent".to_owned(),
                "look at missed and capped; if the stages have a rate and a length, this machine had no time: stop what else runs on it",
            ));
        }
        if c.ok > 0 || c.sent == 0 {
            return None;
        }
        let answered: u64 = c.by_outcome.iter().filter(|(o, _)| o.was_answered()).map(|(_, n)| n).sum();
        if answered == 0 {
            return Some(self.silence());
        }
        let most = c.by_outcome.iter().filter(|(o, _)| o.was_sent()).max_by_key(|(o, n)| (**n, std::cmp::Reverse(**o)));
        let (outcome, n) = most.map_or((Outcome::Unmodelled, 0), |(o, n)| (*o, *n));
        let ended = if n == c.sent { format!("all ended as {outcome}") } else { format!("most ended as {outcome} ({n})") };
        let what = format!("none of the {} got a session; {ended}", plural(c.sent, "call"));
        Some(reason(Severity::Suspect, what, "check endpoint, region and credentials with one call by hand before loading it"))
    }

    /// Workers that nobody answers do not call as fast as they can: how many calls there are is ours then.
    fn held_back(&self) -> Option<Reason> {
        let held_back = std::time::Duration::from_micros(self.facts.held_back_us);
        (!held_back.is_zero()).then(|| {
            let what = format!(
                "workers held back for {} in all, since their calls ended without an answer: 10 ms after the second in a row, twice as \
                 long after each further one, 1 s at most",
                human(held_back)
            );
            reason(Severity::Note, what, "set load.think_time to choose how often a worker calls, or check that the service listens")
        })
    }

    /// Calls that were never sent for want of something of this machine are ours, and what was sent is not the load that was asked for.
    fn exhausted(&self) -> Option<Reason> {
        let c = self.counts();
        if c.harness == 0 {
            return None;
        }
        let names = &self.observed.recorder.exceptions().by_name;
        let seen: Vec<&str> = Shortage::ALL.map(Shortage::name).into_iter().filter(|name| names.contains_key(*name)).collect();
        let wanting = if seen.is_empty() { "resources".to_owned() } else { seen.join(", ") };
        let what =
            format!("this machine ran out of {wanting}: {} of {} calls {} not sent", c.harness, c.scheduled, was(c.harness));
        let remedy = "raise the limit (ulimit -n, ip_local_port_range, memory), lower load.concurrency, or spread the load over more machines";
        Some(reason(Severity::Invalid, what, remedy))
    }

    /// Nobody answered. What stood in the way of most calls is the one thing to know.
    fn silence(&self) -> Reason {
        let c = self.counts();
        let most = c.by_outcome.iter().filter(|(o, _)| o.was_sent()).max_by_key(|(o, n)| (**n, std::cmp::Reverse(**o)));
        let cause = self.observed.recorder.exceptions().most().map(|(cause, _)| plain_cause(cause));
        let cause = cause.unwrap_or_else(|| most.map_or_else(String::new, |(outcome, _)| outcome.name().replace('_', " ")));
        let what = format!("no call got an answer ({cause}): {} sent", c.sent);
        reason(Severity::Invalid, what, "check that the service listens there, with one call: livebench call --endpoint-url URL")
    }

    fn missed(&self) -> Option<Reason> {
        let c = self.counts();
        if c.missed == 0 {
            return None;
        }
        let severity = if c.missed.saturating_mul(100) > c.scheduled { Severity::Invalid } else { Severity::Suspect };
        let missed = format!(
            "{} of {} scheduled calls {} missed ({})",
            c.missed,
            c.scheduled,
            was(c.missed),
            percent(c.missed, c.scheduled)
        );
        let usual = format!("all {} places were taken, or the harness was more than 100 ms late", concurrency(self.scenario));
        Some(match self.joined() {
            Some(joined) => reason(
                severity,
                format!("{missed}: {joined}, too late for what was due before; if others were missed, {usual}"),
                "run the whole run again, and start every process before its time 0 (a later --start-at, or --barrier)",
            ),
            None => reason(
                severity,
                format!("{missed}: {usual}; the calls that would have been slowest are not in the percentiles"),
                "raise load.concurrency (rate times the longest response that you want to see), lower the rate, or run on a machine with \
                 more free CPU if lateness is high",
            ),
        })
    }

    /// Who began when the schedule had begun, and how late.
    fn joined(&self) -> Option<String> {
        let late = human(std::time::Duration::from_micros(self.facts.joined_us?));
        let late_shards = self.facts.merged.as_ref().map_or(&[][..], |merged| merged.late.as_slice());
        Some(match (late_shards, self.facts.of_shards) {
            ([], false) => format!("livebench joined the schedule {late} after its start"),
            ([], true) => format!("this shard joined the schedule {late} after its start"),
            ([shard], _) => format!("shard {shard} joined the schedule {late} after its start"),
            (shards, _) => {
                format!("{} shards ({}) joined the schedule up to {late} after its start", shards.len(), shards.join(", "))
            }
        })
    }

    fn lateness(&self) -> Option<Reason> {
        let (late_us, share, what) = self.late()?;
        // derived: response = lateness + service: beyond a half, most of a slow response is ours; a tenth is the smallest change of a tail that
        // `compare` takes for one that matters. 1 ms is ten times what an idle machine is late (results/example-*: p90 of 110 us), and 10 ms as much again
        let severity = if share > 0.5 && late_us > 10_000 {
            Severity::Invalid
        } else if share > 0.1 && late_us > 1_000 {
            Severity::Suspect
        } else {
            return None;
        };
        let remedy = match &self.scenario.load.model {
            Model::Open(open) if open.overflow == Overflow::Wait => {
                "calls waited for room: raise load.concurrency, or lower the rate; service stays right, response contains the wait"
            }
            Model::Open(_) | Model::Closed(_) => {
                "lower the rate, or run on a machine with more free CPU; service stays right, response contains the wait"
            }
        };
        Some(reason(severity, what, remedy))
    }

    /// How late it sent, which part of the response that is, and the same in words: the 99th percentiles, and of a run that has too few calls
    /// for one the longest.
    fn late(&self) -> Option<(u64, f64, String)> {
        let shown = |us| human(std::time::Duration::from_micros(us));
        if let (Some(p99_us), Some(share)) = (self.own.lateness_p99_us, self.own.lateness_share_of_response) {
            let what =
                format!("livebench sent late: lateness p99 {} is {:.0} % of the response p99", shown(p99_us), share * 100.0);
            return Some((p99_us, share, what));
        }
        let all = self.observed.recorder.timed_all()?;
        let late_us = all.lateness.max_us()?;
        let part = share(late_us, all.response.max_us()?)?;
        let what = format!(
            "livebench sent late: the longest lateness of {}, {}, is {:.0} % of the longest response",
            plural(all.lateness.count(), "call"),
            shown(late_us),
            part * 100.0
        );
        Some((late_us, part, what))
    }

    fn cpu(&self) -> Option<Reason> {
        let share = self.own.cpu?.busiest_load_thread_share;
        let severity = match share {
            s if s > FULL_CORE => Severity::Invalid,
            // derived: work that arrives at random waits for 4 times its own length at 80 %
            s if s > 0.8 => Severity::Suspect,
            _ => return self.busiest_second(),
        };
        let what = format!("the busiest load thread used {:.0} % of a core: latencies may be livebench's own", share * 100.0);
        let remedy = "lower the rate, or run on a machine with more cores";
        self.busiest_second().filter(|_| severity < Severity::Invalid).or_else(|| Some(reason(severity, what, remedy)))
    }

    /// A run that has time to spare on average may have none at its peak, which is what it was made for.
    fn busiest_second(&self) -> Option<Reason> {
        let threads = self.own.harness.iter().flat_map(|h| &h.load_threads);
        let share = threads.filter_map(|t| t.busiest_second_share).reduce(f64::max).filter(|share| *share > FULL_CORE)?;
        let what = format!(
            "a load thread had no time to spare in its busiest second ({:.0} % on a core, or kept from one): latencies around the peak \
             may be the harness's own",
            share * 100.0
        );
        Some(reason(
            Severity::Invalid,
            what,
            "lower the peak, stop what else runs here, or run on a machine with more or freer cores",
        ))
    }

    /// Whether others kept the load threads from their cores. In the closed model nothing else tells: a worker that is held up is due
    /// later, so it is never late.
    fn waited(&self) -> Option<Reason> {
        let threads = self.own.harness.iter().flat_map(|h| &h.load_threads);
        let known = threads.filter_map(|t| Some((t.waited_share?, t.wait_mean_us?)));
        let (share, mean_us) = known.max_by(|a, b| a.0.total_cmp(&b.0))?;
        let severity = match (share, mean_us) {
            // derived: it waited longer than it had a core, and each time for more than the lateness that is noted
            (s, us) if s > 0.5 && us > 1_000 => Severity::Invalid,
            // derived: half of that
            (s, us) if s > 0.25 && us > 1_000 => Severity::Suspect,
            _ => return None,
        };
        let what = format!(
            "others had the cores: a load thread that could have run waited for {:.0} % of the run, {} each time; latencies contain it",
            share * 100.0,
            human(std::time::Duration::from_micros(mean_us))
        );
        Some(reason(severity, what, "stop what else runs on this machine, or run on one with more free CPU"))
    }

    /// Whether time went on evenly. The schedule is kept on the monotonic clock, which no step of the wall clock moves.
    fn clocks(&self) -> Option<Reason> {
        let harness = self.own.harness.as_ref()?;
        let human_us = |us: u64| human(std::time::Duration::from_micros(us));
        if let Some(us) = harness.asleep_us.filter(|us| *us > ASLEEP_US) {
            let what = format!("the machine slept for {} during the run", human_us(us));
            return Some(reason(Severity::Invalid, what, "keep it awake (systemd-inhibit, caffeinate) and run again"));
        }
        // source: adjtimex(2): a clock is slewed by at most 500 millionths; a fourth more for how unlike the two clocks run. ntpd(8) steps a
        // clock that is off by more than 128 ms: 100 ms lie below every step
        let allowed_us = 100_000 + self.facts.elapsed_us.unwrap_or(0) / 1_600;
        let moved_us = harness.wall_clock_moved_us.unsigned_abs();
        (moved_us > allowed_us).then(|| {
            let way = if harness.wall_clock_moved_us < 0 { "back" } else { "on" };
            let what = format!("the wall clock was set {way} by {} during the run", human_us(moved_us));
            let remedy = "due, sent and done are right; signatures may have been refused and times of day are not comparable: let the \
                          clock settle and run again";
            reason(Severity::Suspect, what, remedy)
        })
    }

    /// Whether calls went over connections that were there already.
    fn connections(&self) -> Option<Reason> {
        let opened = self.own.harness.as_ref()?.connections_opened;
        let room = u64::try_from(concurrency(self.scenario)).unwrap_or(u64::MAX);
        let sent = self.counts().sent;
        // derived: with one handshake in ten calls, what a p90 says is no longer what a call over an open connection takes
        (opened > room.saturating_add(sent / 10)).then(|| {
            let what = format!(
                "{} opened for {}: service contains a handshake in many of them",
                plural_was(opened, "connection"),
                plural(sent, "call")
            );
            reason(
                Severity::Suspect,
                what,
                "let whatever answers keep connections open, or read service as what a new client sees",
            )
        })
    }

    /// Whether there was room for the sockets.
    fn files(&self) -> Option<Reason> {
        let harness = self.own.harness.as_ref()?;
        let (open, limit) = (harness.files_open?, harness.files_limit?);
        // derived: at the limit itself whatever was wanted next was refused, to the calls or to the embedded emulator; the list that counts
        // is looked at every tenth of a second, so that beyond 90 % the limit may have been reached in between
        let severity = if open >= limit {
            Severity::Invalid
        } else if open.saturating_mul(10) > limit.saturating_mul(9) {
            Severity::Suspect
        } else {
            return None;
        };
        let what = format!("{open} of {limit} files and sockets were open: calls may have failed for want of one");
        Some(reason(severity, what, "raise the limit (ulimit -n), or lower load.concurrency"))
    }

    /// Whether there was room for what the harness keeps in mind.
    fn memory(&self) -> Option<Reason> {
        let harness = self.own.harness.as_ref()?;
        let (peak, left) = (harness.memory_peak_bytes?, harness.memory_left_bytes?);
        // derived: as for files: beyond 90 % of what it could have had, the rest may have been taken between two looks
        let severity = if left < NO_MEMORY_BYTES {
            Severity::Invalid
        } else if left.saturating_mul(9) < peak {
            Severity::Suspect
        } else {
            return None;
        };
        let mib = |bytes: u64| bytes.div_ceil(1 << 20); // derived: the unit
        let what = format!(
            "memory was short: livebench used {} MiB and less than {} MiB were left; a process that waits for memory answers late",
            mib(peak),
            mib(left.saturating_add(1))
        );
        Some(reason(severity, what, "raise the limit of memory, stop what else runs here, or run on a machine with more of it"))
    }

    fn capped(&self) -> Option<Reason> {
        let c = self.counts();
        if c.capped == 0 {
            return None;
        }
        let severity = if c.capped.saturating_mul(100) > c.scheduled { Severity::Suspect } else { Severity::Note };
        let rate = self.scenario.load.max_rate.map_or_else(String::new, |rate| format!(" ({rate})"));
        let what = format!(
            "load.max_rate{rate} held back {} of {} scheduled calls ({})",
            c.capped,
            c.scheduled,
            percent(c.capped, c.scheduled)
        );
        Some(reason(
            severity,
            what,
            "this is the load that max_rate allows, not the one of the stages: lower the stages or raise max_rate",
        ))
    }

    fn few_samples(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        for threshold in &self.scenario.thresholds {
            let Metric::Latency(series, stat) = threshold.metric else { continue };
            let Some(quantile) = stat.quantile() else { continue };
            let (n, wanted) = (self.observed.samples(series), stat.samples_needed());
            if n >= wanted {
                continue;
            }
            let least = needed(quantile);
            let severity = if n < least { Severity::Invalid } else { Severity::Suspect };
            let what = format!(
                "{} rests on {}; it takes {least} to know it at all and {wanted} to trust it",
                threshold.metric,
                plural(n, "sample")
            );
            reasons.push(reason(severity, what, MORE_SAMPLES));
        }
        reasons
    }

    fn ledger(&self) -> Option<Reason> {
        let Window::WithinUs(us) = self.observed.idempotency.window else { return None };
        let what = format!(
            "idempotency was compared only among calls within {} of each other",
            human(std::time::Duration::from_micros(us))
        );
        Some(reason(Severity::Suspect, what, "livebench report on this directory compares the whole run"))
    }
}

/// What to do about a percentile that rests on few samples.
const MORE_SAMPLES: &str = "run longer, or ask for a lower percentile";

impl Reason {
    /// Whether it is that a percentile rests on few samples: what cures itself while a run still gets some.
    pub fn is_few_samples(&self) -> bool {
        self.remedy == MORE_SAMPLES
    }
}

fn reason(severity: Severity, what: String, remedy: &str) -> Reason {
    Reason { severity, what, remedy: remedy.to_owned() }
}

/// A system's message as part of a sentence: `Connection refused (os error 111)` becomes `connection refused`.
fn plain_cause(cause: &str) -> String {
    let text = cause.split(" (os error").next().unwrap_or(cause);
    let word = text.split(' ').next().unwrap_or_default();
    let mut letters = word.chars();
    match letters.next() {
        // A word with more capitals is a name.
        Some(first) if letters.clone().next().is_some() && letters.all(char::is_lowercase) => {
            first.to_lowercase().chain(text.chars().skip(1)).collect()
        }
        _ => text.to_owned(),
    }
}

fn concurrency(scenario: &Scenario) -> usize {
    match &scenario.load.model {
        Model::Open(open) => open.concurrency,
        Model::Closed(closed) => closed.stages.iter().map(|s| s.workers).max().unwrap_or(0),
    }
}

/// A share for people, to three digits: one in a hundred thousand does not read as nothing.
fn percent(part: u64, whole: u64) -> String {
    format!("{} %", significant(super::thresholds::share(part, whole).unwrap_or(1.0) * 100.0, THREE))
}
