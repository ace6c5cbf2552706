//! The whole harness in virtual time, under random scenarios, failing disks and interruptions: a seed is a case.
//!
//! Driver, journal, ledger and the emulator's model together, as `run`, `resume` and `merge` wire them. `LIVEBENCH_SEEDS` is how many seeds are
//! tried, `LIVEBENCH_SEED` the first of them; a seed that fails prints the command that tries it alone.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::drive::{Prepared, Ran};
use super::resume::taken_up;
use crate::cli::PartArgs;
use crate::client::outcome::Outcome;
use crate::emulator::model::Emulator;
use crate::load::{Part, Workload};
use crate::record::sample::{Role, Sample};
use crate::results::faulty::{FAULTS, Fault, FaultyDisk};
use crate::results::{MergeTerms, MergedRun, RunDir, merge};
use crate::scenario::{self, Scenario};
use crate::shard::{Shard, ShardIdentity};
use crate::stats::draw::{Stream, unit};
use crate::summary::{Stop, Summary, summarize};

/// Seeds that are tried where nobody says how many.
const SEEDS: u64 = 100; // derived: a second or two; the gate tries ten thousand

/// What is drawn for one case, in order.
struct Draws {
    seed: u64,
    n: u64,
}

impl Draws {
    fn share(&mut self) -> f64 {
        self.n += 1;
        unit(self.seed, Stream::Particle, self.n)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // small
    fn below(&mut self, most: u64) -> u64 {
        (self.share() * most as f64) as u64
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn yes(&mut self, share: f64) -> bool {
        self.share() < share
    }
}

/// A random scenario of some seconds and some hundred calls at most.
fn scenario_of(draws: &mut Draws) -> String {
    let mut text = format!("name = \"case\"\nseed = {}\n\n[load]\n", draws.below(1_000_000));
    let length = |draws: &mut Draws| 200 + draws.below(1500);
    // Of a run that was cut off the last two seconds are done with, whatever became of them: only a longer one can be gone on with.
    let long = |draws: &mut Draws| 3000 + draws.below(12_000);
    if draws.yes(0.25) {
        text += "model = \"closed\"\n";
        // Workers that pause for nothing, before a service that takes no time, call a million times a second.
        let _ = writeln!(text, "think_time = \"{}ms\"", 50 + draws.below(400));
        let (length, workers) = (long(draws), 1 + draws.below(3));
        let _ = writeln!(text, "stages = [ {{ for = \"{length}ms\", workers = {workers} }} ]");
    } else {
        let _ = writeln!(text, "arrivals = \"{}\"", draws.one_of(&["even", "poisson"]));
        let _ = writeln!(text, "concurrency = {}", draws.one_of(&[1, 3, 64]));
        let _ = writeln!(text, "overflow = \"{}\"", draws.one_of(&["miss", "miss", "wait"]));
        let quiet = format!("{{ for = \"{}ms\", rate = {} }}", long(draws), 1 + draws.below(8));
        let stages = (0..draws.below(3)).map(|_| match draws.below(4) {
            0 => format!("{{ calls = {} }}", 1 + draws.below(20)),
            1 => format!("{{ for = \"{}ms\", from = {}, to = {} }}", length(draws), draws.below(40), 1 + draws.below(60)),
            _ => format!("{{ for = \"{}ms\", rate = {} }}", length(draws), 1 + draws.below(60)),
        });
        let stages: Vec<String> = stages.chain([quiet]).collect();
        let _ = writeln!(text, "stages = [ {} ]", stages.join(", "));
        if draws.yes(0.3) {
            text += "\n[idempotency]\nsession_ttl = \"1s\"\n";
            for role in ["replay", "race", "mismatch", "expired", "after_throttle", "after_loss"] {
                let _ = writeln!(text, "{role} = {:.2}", draws.share() * 0.1);
            }
        }
    }
    if draws.yes(0.2) {
        let _ = writeln!(text, "\n[budget]\nmax_calls = {}", 1 + draws.below(60));
    }
    if draws.yes(0.3) {
        text += "\n[[mix]]\nname = \"fresh\"\n\n[[mix]]\nname = \"tokenless\"\ntoken = \"none\"\n";
    }
    text += "\n[emulator]\n";
    if text.contains("session_ttl") {
        text += "session_ttl = \"1s\"\n";
    }
    let quota = draws.one_of(&[
        "kind = \"none\"",
        "kind = \"token-bucket\", rate = 20, burst = 5",
        "kind = \"fixed-window\", limit = 9, window = \"400ms\"",
        "kind = \"sliding-log\", limit = 12, window = \"600ms\"",
        "kind = \"concurrency\", limit = 2",
    ]);
    let _ = writeln!(text, "quota = {{ {quota} }}");
    let latency = draws.one_of(&["\"0ms\"", "{ from = \"1ms\", to = \"30ms\" }", "{ median = \"45ms\", p99 = \"160ms\" }"]);
    let _ = writeln!(text, "latency = {latency}");
    if draws.yes(0.4) {
        let fault = draws.one_of(&["reset_before", "reset_after", "internal_error", "unavailable"]);
        let _ = writeln!(text, "faults = {{ {fault} = {:.2} }}", draws.share() * 0.2);
    }
    if draws.yes(0.1) {
        let _ = writeln!(text, "stalls = [ {{ at = \"{}ms\", for = \"300ms\" }} ]", draws.below(800));
    }
    text
}

/// A case: what runs, and where its files go.
struct Case {
    scenario: Scenario,
    text: String,
    work: tempfile::TempDir,
}

impl Case {
    fn new(draws: &mut Draws) -> Self {
        let text = scenario_of(draws);
        let scenario = scenario::read("case.toml", &text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
        Self { scenario, text, work: tempfile::tempdir().unwrap() }
    }

    /// Its load, on this disk; `None` if chance gave it no call.
    fn prepared(&self, disk: &FaultyDisk) -> Option<Prepared> {
        let prepared = Prepared::new(self.scenario.clone(), self.text.clone()).ok()?;
        Some(prepared.on_disk(Arc::new(disk.clone())))
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.work.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn summary(&self, ran: &Ran) -> Summary {
        let summary = summarize(&self.scenario, &ran.recorded, &ran.facts);
        ran.dir.conclude(&self.scenario, &summary, &ran.facts, &ran.recorded.recorder).unwrap();
        summary
    }

    fn rows(&self, dir: &RunDir) -> Vec<Sample> {
        dir.rows(&self.scenario).unwrap().map(Result::unwrap).collect()
    }

    /// A run that nothing befalls: every call is accounted for once, in the summary, the rows, what is rebuilt of them, and the emulator.
    fn whole(&self, prepared: &Prepared) -> (PathBuf, Summary) {
        let emulator = Rc::new(RefCell::new(prepared.model()));
        let ran = prepared.simulate_on(&emulator, &self.folder("whole"), &dated()).unwrap();
        let summary = self.summary(&ran);
        let rows = self.rows(&ran.dir);
        let counts = &summary.counts;
        assert_eq!(rows.len() as u64 + counts.unsent, counts.scheduled);
        assert_eq!(counts.ended + counts.unsent, counts.scheduled);
        assert_eq!(counts.sent, emulator.borrow().arrivals());
        let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
        for row in &rows {
            *outcomes.entry(row.answer.outcome).or_default() += 1;
        }
        assert_eq!(outcomes, counts.by_outcome.iter().filter(|(_, n)| **n > 0).map(|(outcome, n)| (*outcome, *n)).collect());
        if matches!(ran.facts.stop, Stop::Completed) && prepared.is_scheduled() {
            assert_eq!(counts.unsent, 0);
        }
        let found = ran.dir.recorded(&self.scenario).unwrap();
        assert!(found.ended && counts.unknown == 0, "{counts:?}");
        assert_eq!(found.together(), ran.recorded);
        once(&rows);
        owned(&rows, &emulator.borrow());
        assert_eq!(summary.idempotency.violations, 0);
        (ran.dir.path().to_owned(), summary)
    }

    /// The same once more is the same, byte for byte.
    fn again(&self, prepared: &Prepared, first: &Path) {
        let ran = prepared.simulate(&self.folder("again"), &dated()).unwrap();
        self.summary(&ran);
        for name in ["samples.csv", "timeline.csv", "summary.json"] {
            assert_eq!(std::fs::read(first.join(name)).unwrap(), std::fs::read(ran.dir.path().join(name)).unwrap(), "{name}");
        }
    }

    /// A run whose disk fails, which is gone on with until it is over: every call of the schedule has one row, and no token is used twice.
    /// How many segments it took.
    fn interrupted(&self, draws: &mut Draws, operations: u64, scheduled: Option<u64>) -> u64 {
        let folder = self.folder("interrupted");
        let mut segments = 0u64;
        loop {
            let last = segments == 3;
            let (at, fault) = (if last { u64::MAX } else { draws.below(operations) }, draws.one_of(&FAULTS));
            let disk = FaultyDisk::new(at, fault);
            let Some(prepared) = self.next(&folder, &disk) else { break };
            let ran = prepared.simulate(&folder, &dated());
            if let Ok(ran) = &ran {
                let summary = summarize(&self.scenario, &ran.recorded, &ran.facts);
                // What cannot be kept is what this is about.
                let _ = ran.dir.conclude(&self.scenario, &summary, &ran.facts, &ran.recorded.recorder);
            }
            drop(ran);
            if matches!(fault, Fault::PowerCut | Fault::PowerCutWithZeros) && disk.struck().is_some() {
                disk.lose_power();
            }
            segments += 1;
            if last {
                break;
            }
        }
        let Some(dir) = only_run(&folder) else { return segments };
        let rows = self.rows(&dir);
        once(&rows);
        let found = dir.recorded(&self.scenario).unwrap();
        let summary = summarize(&self.scenario, &found.together(), &dir.facts(&found.segments).unwrap());
        assert_eq!(rows.len() as u64, summary.counts.ended, "{:?}", summary.counts);
        let budget = self.scenario.budget.max_calls;
        // Also over segments; of calls that nobody saw the end of, nobody knows that they were sent.
        let sent = rows.iter().filter(|row| row.sent.is_some()).count() as u64;
        assert!(budget.is_none_or(|most| sent <= most), "{sent} of {budget:?} in {segments} segments");
        if let (Some(total), None, true) = (scheduled, budget, found.ended) {
            assert_eq!(rows.len() as u64, total, "{:?}", summary.counts);
        }
        segments
    }

    /// What comes next in a folder: the run, or another segment of it; `None` if there is nothing to go on with.
    fn next(&self, folder: &Path, disk: &FaultyDisk) -> Option<Prepared> {
        let mut prepared = self.prepared(disk)?;
        if std::fs::read_dir(folder).unwrap().next().is_none() {
            return Some(prepared);
        }
        let dir = only_run(folder)?;
        let manifest = dir.manifest().unwrap();
        let last = manifest.last_segment();
        if last.facts.as_ref().is_some_and(|facts| facts.stop == Stop::Completed) {
            return None;
        }
        let found = dir.recorded(&self.scenario).unwrap();
        let dir = dir.on_disk(Arc::new(disk.clone()));
        prepared.resume(taken_up(dir, &self.scenario, &found, last.number + 1).ok()?);
        Some(prepared)
    }

    /// Shards together are the whole schedule, in whatever order they are merged.
    fn sharded(&self, of: u64, scheduled: Option<u64>) {
        let folder = self.folder("shards");
        let shards: Vec<PathBuf> = (0..of)
            .map(|index| {
                let shard = Shard::new(index, of).unwrap();
                let identity = ShardIdentity { shard, source: None, run: None, attempt: 0, group: None };
                let ran = self.prepared(&quiet()).unwrap().of_shard(identity).unwrap().simulate(&folder, &dated()).unwrap();
                self.summary(&ran);
                ran.dir.path().to_owned()
            })
            .collect();
        let part = Part::new(&self.scenario, Shard::new(0, of).unwrap());
        let workload = Workload::of(&self.scenario).unwrap();
        let terms = MergeTerms {
            scenario: &self.scenario,
            total: workload.scheduled(),
            owner: &|k| part.owner(k),
            perhaps_sent: &|shard, told, take| {
                let budget = self.scenario.budget.max_calls.map_or(u64::MAX, |calls| shard.part_of(calls));
                workload.perhaps_sent(&Part::new(&self.scenario, shard), budget, told, take);
            },
        };
        let merged = |shards: &[PathBuf], out: &str| -> MergedRun { merge(shards, &self.folder(out), &terms).unwrap() };
        let one = merged(&shards, "merged");
        let backwards: Vec<PathBuf> = shards.iter().rev().cloned().collect();
        let other = merged(&backwards, "backwards");
        let read = |run: &MergedRun| std::fs::read(run.dir.path().join("samples.csv")).unwrap();
        assert!(read(&one) == read(&other) && one.recorded == other.recorded, "the order of shards tells");
        let rows = self.rows(&one.dir);
        once(&rows);
        let each: u64 = shards.iter().map(|path| self.rows(&RunDir::open(path).unwrap()).len() as u64).sum();
        assert_eq!(rows.len() as u64, each);
        if let (Some(total), None) = (scheduled, self.scenario.budget.max_calls) {
            assert_eq!(each, total);
        }
    }
}

/// A date, so that two runs have the same.
fn dated() -> PartArgs {
    PartArgs { start_at: Some(Duration::from_secs(1_795_256_101)), ..PartArgs::default() }
}

/// A disk that never fails, and does not sync either.
fn quiet() -> FaultyDisk {
    FaultyDisk::new(u64::MAX, Fault::Fails)
}

/// The run in a folder, if one began.
fn only_run(folder: &Path) -> Option<RunDir> {
    let path = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).next()?;
    RunDir::open(&path).ok()
}

/// Every call has one row, and ordinary calls have tokens of their own.
fn once(rows: &[Sample]) {
    let mut calls = BTreeSet::new();
    let mut tokens = BTreeSet::new();
    for row in rows {
        assert!(calls.insert(row.seq), "call {} has two rows", row.seq);
        let own = row.role == Role::Fresh && row.sent.is_some();
        if let Some(token) = row.token.filter(|_| own) {
            assert!(tokens.insert(token.as_str().to_owned()), "{token} is the token of two calls");
        }
    }
}

/// What the rows say of tokens and sessions is what the emulator's own table says.
fn owned(rows: &[Sample], emulator: &Emulator) {
    let state = emulator.state();
    let made: BTreeSet<&str> = state.sessions.iter().map(|session| session.session_id.as_str()).collect();
    for row in rows.iter().filter(|row| row.answer.outcome == Outcome::Ok) {
        let session = row.answer.session_id.expect("a session");
        let known = made.contains(session.as_str());
        assert!(known || state.sessions_made > made.len() as u64, "{session} was never made");
    }
    // The latest session of a token is one that a call with it got, unless the answer that told of it was lost.
    let mut of_token: BTreeMap<String, (BTreeSet<String>, bool)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.sent.is_some()) {
        let Some(token) = row.token else { continue };
        let (sessions, lost) = of_token.entry(token.as_str().to_owned()).or_default();
        match row.answer.session_id {
            Some(session) => _ = sessions.insert(session.as_str().to_owned()),
            None => *lost = true,
        }
    }
    for (token, (sessions, lost)) in of_token {
        if let Some(leads) = state.session_of(&token) {
            assert!(lost || sessions.contains(leads.as_str()), "{token} leads to {leads}, not to {sessions:?}");
        }
    }
    let distinct: BTreeSet<_> = rows.iter().filter_map(|row| row.answer.session_id).map(|id| id.as_str().to_owned()).collect();
    assert!(distinct.len() as u64 <= state.sessions_made, "{} of {}", distinct.len(), state.sessions_made);
}

/// How many segments it took.
fn case(seed: u64) -> u64 {
    let mut draws = Draws { seed, n: 0 };
    let case = Case::new(&mut draws);
    let disk = quiet();
    let Some(prepared) = case.prepared(&disk) else { return 0 };
    let (path, summary) = case.whole(&prepared);
    let scheduled = prepared.is_scheduled().then_some(summary.counts.scheduled);
    let operations = disk.operations();
    match draws.below(4) {
        0 => case.again(&prepared, &path),
        1 => case.sharded(2 + draws.below(3), scheduled),
        _ => return case.interrupted(&mut draws, operations, scheduled),
    }
    1
}

/// Tries a seed; what it does not hold is said with the command that tries it alone.
fn tried(seed: u64) -> u64 {
    std::panic::catch_unwind(|| case(seed)).unwrap_or_else(|_| {
        let text = scenario_of(&mut Draws { seed, n: 0 });
        panic!("LIVEBENCH_SEED={seed} cargo test --lib commands::simulation\n{text}")
    })
}

/// Every seed is a run in which nothing is lost.
#[test]
fn nothing_is_lost() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let first = number("LIVEBENCH_SEED").unwrap_or(1);
    let seeds = number("LIVEBENCH_SEEDS").unwrap_or(if number("LIVEBENCH_SEED").is_some() { 1 } else { SEEDS });
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let part = |thread| (first..first + seeds).filter(move |seed| seed % threads == thread);
    let resumed: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..threads).map(|n| scope.spawn(move || part(n).filter(|seed| tried(*seed) > 1).count())).collect();
        tries.into_iter().map(|tries| tries.join().unwrap()).sum()
    });
    // Or nothing would be said of what is resumed.
    assert!(seeds < SEEDS || resumed as u64 > seeds / 10, "{resumed} of {seeds} runs were resumed");
}
