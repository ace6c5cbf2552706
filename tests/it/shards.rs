//! One run over many machines: shards as processes of this machine, held against the single run and against the emulator's own log.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Emulate, eventually, livebench};

const START: &str = "2026-11-27T10:00:00Z";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A scenario of every kind of stage; `rest` comes after `[load]`.
fn scenario(rest: &str) -> String {
    format!(
        "name = \"many\"\nseed = 7\n[load]\nconcurrency = 64\nstages = [ {{ for = \"4s\", from = 5, to = 40 }}, {{ for = \"5s\", rate = 40 }}, {{ calls = 30 }} ]\n\
         {rest}\n[emulator]\nquota = {{ kind = \"none\" }}\nlatency = {{ median = \"45ms\", p99 = \"160ms\" }}\n"
    )
}

/// One directory with a scenario, and what is run in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(scenario: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.path().join("a.toml"), scenario).unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = livebench();
        for name in ["LIVEBENCH_SHARD", "LIVEBENCH_SHARDS", "SLURM_PROCID", "JOB_COMPLETION_INDEX"] {
            command.env_remove(name);
        }
        command.current_dir(self.path()).args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Every shard of a run in virtual time.
    fn shards(&self, of: u64, out: &str) {
        for index in 0..of {
            let output = self.run(&[
                "run",
                "a.toml",
                "--virtual-time",
                "--shard",
                &format!("{index}/{of}"),
                "--start-at",
                START,
                "--out",
                out,
            ]);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
    }

    fn only(&self, out: &str) -> PathBuf {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(self.path().join(out)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    fn entries(&self, out: &str) -> Vec<PathBuf> {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(self.path().join(out)).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries
    }
}

/// The rows of a run, by their number: due, sent, done, outcome, token.
fn rows(dir: &Path) -> BTreeMap<u64, Vec<String>> {
    let samples = std::fs::read_to_string(dir.join("samples.csv")).unwrap();
    let cells = samples.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    let mut all = BTreeMap::new();
    for cells in cells {
        assert!(all.insert(cells[0].parse().unwrap(), cells).is_none(), "a number stands twice");
    }
    all
}

fn summary(dir: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(dir.join("summary.json")).unwrap()).unwrap()
}

/// The union of the shards is the single run, exactly: numbers, due times, mixes and fresh tokens, for every arrival process; and twins of a
/// race stay with their leader.
#[test]
fn shards_together_are_the_single_run() {
    for (arrivals, of) in [("even", 1), ("even", 4), ("poisson", 3), ("poisson", 7)] {
        let place = Place::new(&scenario(&format!("arrivals = \"{arrivals}\"\n[idempotency]\nreplay = 0.05\nrace = 0.1")));
        place.shards(of, "parts");
        assert_eq!(place.run(&["run", "a.toml", "--virtual-time", "--out", "whole"]).status.code(), Some(0));
        let (whole, mut union) = (rows(&place.only("whole")), BTreeMap::new());
        for (index, part) in place.entries("parts").iter().enumerate() {
            for (k, cells) in rows(part) {
                let race = cells[11] == "race";
                let owner = if race { k - 1 } else { k };
                assert_eq!(owner % of, index as u64, "call {k} of {arrivals} in {of}");
                assert!(union.insert(k, cells).is_none(), "call {k} is made twice");
            }
        }
        let of_all = |rows: &BTreeMap<u64, Vec<String>>| -> Vec<(u64, String, String)> {
            rows.iter().map(|(k, cells)| (*k, cells[1].clone(), cells[4].clone())).collect()
        };
        assert_eq!(of_all(&union), of_all(&whole), "{arrivals} in {of}");
        for (k, cells) in &whole {
            if cells[11] == "fresh" && union[k][11] == "fresh" {
                assert_eq!(union[k][10], cells[10], "the token of call {k}");
            }
        }
    }
}

/// The same for what has no due times of its own or does not call all of it: workers that wait for answers, ramps and bursts with Poisson
/// arrivals, repeated tokens of every kind, and budgets: exactly the calls of the single run, none twice.
#[test]
fn every_model_is_split_exactly() {
    let closed = |rest: &str| {
        format!(
            "name = \"many\"\nseed = 7\n[load]\nmodel = \"closed\"\nthink_time = \"90ms\"\nstages = [ {{ for = \"3s\", workers = 3 }}, {{ for = \"2s\", workers = 7 }} ]\n{rest}\n\
             [emulator]\nquota = {{ kind = \"none\" }}\nlatency = \"60ms\"\n"
        )
    };
    let tokens = "[idempotency]\nreplay = 0.1\nmismatch = 0.05\nafter_throttle = 0.05\nrace = 0.1";
    let budget = "[budget]\nmax_calls = 61";
    let cases = [
        ("closed", closed(""), 2),
        ("closed, more shards than workers", closed(""), 9),
        ("closed with a budget", closed(budget), 4),
        ("tokens", scenario(tokens), 4),
        ("tokens, Poisson", scenario(&format!("arrivals = \"poisson\"\n{tokens}")), 3),
        ("budget", scenario(budget), 7),
        ("budget of less than the shards", scenario("[budget]\nmax_calls = 3"), 5),
    ];
    for (name, text, of) in cases {
        let place = Place::new(&text);
        place.shards(of, "parts");
        let whole = place.run(&["run", "a.toml", "--virtual-time", "--out", "whole"]);
        assert!(matches!(whole.status.code(), Some(0 | 3)), "{name}: {}", self::text(&whole.stderr));
        let whole = rows(&place.only("whole"));
        let union: Vec<(u64, Vec<String>)> = place.entries("parts").iter().flat_map(|part| rows(part)).collect();
        let numbers: std::collections::BTreeSet<u64> = union.iter().map(|(k, _)| *k).collect();
        assert_eq!(numbers.len(), union.len(), "{name}: a call is made twice");
        if name.starts_with("closed") {
            // Whose turn it is decides which number a worker's call has, and so whether it repeats a token: their number is the same.
            let sent = |rows: &mut dyn Iterator<Item = &Vec<String>>| rows.filter(|cells| !cells[2].is_empty()).count();
            let (together, alone) = (sent(&mut union.iter().map(|(_, cells)| cells)), sent(&mut whole.values()));
            // A share of the budget that the workers of a shard do not come to use is used by no other.
            let most = if text.contains("[budget]") { usize::try_from(of).unwrap() } else { 0 };
            assert!(alone.checked_sub(together).is_some_and(|left| left <= most), "{name} in {of}: {together} of {alone}");
            continue;
        }
        if !name.starts_with("budget") {
            let of_all = |k: &u64, cells: &Vec<String>| (*k, cells[1].clone(), cells[4].clone());
            let mut together: Vec<_> = union.iter().map(|(k, cells)| of_all(k, cells)).collect();
            together.sort();
            assert_eq!(together, whole.iter().map(|(k, cells)| of_all(k, cells)).collect::<Vec<_>>(), "{name} in {of}");
        }
        let sent = union.iter().filter(|(_, cells)| !cells[2].is_empty()).count();
        assert_eq!(sent, whole.values().filter(|cells| !cells[2].is_empty()).count(), "{name} in {of}");
    }
}

/// A shard without a call of its own is no fault: it says so, its run is good, and the merged run is trusted.
#[test]
fn a_shard_without_calls_is_no_fault() {
    let place = Place::new(&scenario("[budget]\nmax_calls = 3"));
    place.shards(5, "parts");
    let empty = summary(&place.entries("parts")[4]);
    assert_eq!((&empty["counts"]["sent"], &empty["result"]), (&0.into(), &"passed".into()));
    let said = empty["verdict"]["reasons"].to_string();
    assert!(said.contains("this shard has no call of budget.max_calls") && !said.contains("no call was sent"), "{said}");
    let merged = place.run(&["merge", "parts", "--out", "merged"]);
    assert_eq!(merged.status.code(), Some(0), "{}", text(&merged.stdout));
    assert_eq!(summary(&place.only("merged"))["counts"]["sent"], 3);
}

/// What is merged of regions is told by region, and all of them together are the run.
#[test]
fn groups_are_told() {
    let place = Place::new(&scenario(""));
    for (index, group) in [(0, "eu-west-1"), (1, "us-east-1"), (2, "eu-west-1")] {
        let shard = format!("{index}/3");
        let arguments = ["run", "a.toml", "--virtual-time", "--shard", &shard, "--start-at", START, "--out", "parts"];
        let output = place.command(&arguments).env("LIVEBENCH_GROUP", group).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let merged = place.run(&["merge", "parts", "--out", "merged"]);
    let said = text(&merged.stdout);
    assert!(said.contains("GROUPS") && said.contains("eu-west-1"), "{said}");
    let (all, summary) = (rows(&place.only("merged")), summary(&place.only("merged")));
    let groups = summary["groups"].as_array().unwrap();
    assert_eq!(
        groups.iter().map(|g| (g["group"].as_str(), g["shards"].as_u64())).collect::<Vec<_>>(),
        [(Some("eu-west-1"), Some(2)), (Some("us-east-1"), Some(1))]
    );
    assert_eq!(groups.iter().map(|group| group["ok"].as_u64().unwrap()).sum::<u64>(), all.len() as u64);
    assert_eq!(groups[1]["sent"].as_u64().unwrap(), all.keys().filter(|k| **k % 3 == 1).count() as u64);
    let report = place.run(&["report", place.only("merged").to_str().unwrap(), "--format", "json"]);
    assert_eq!(serde_json::from_slice::<Value>(&report.stdout).unwrap(), summary);
}

/// Merging gives what one machine would have recorded: the same bytes in whatever order and grouping, percentiles of all rows, thresholds
/// judged once; and its directory is a run like any other.
#[test]
fn merging_loses_nothing() {
    let place = Place::new(&scenario("[thresholds]\n\"response.p99\" = \"< 1us\"\n\"rate.ok\" = \">= 20/s\""));
    place.shards(3, "parts");
    let parts: Vec<String> = place.entries("parts").iter().map(|path| path.display().to_string()).collect();
    let merged = |runs: &[&str], out: &str| {
        let output = place.run(&[&["merge"], runs, &["--out", out, "--output", "json"]].concat());
        (output.status.code(), place.only(out), text(&output.stderr))
    };
    let [a, b, c] = [0, 1, 2].map(|n| parts[n].as_str());
    let (code, all, said) = merged(&[a, b, c], "abc");
    assert_eq!(code, Some(1), "{said}");
    let (_, back, _) = merged(&[c, a, b], "cab");
    let (_, ab, _) = merged(&[a, b], "ab");
    let (_, grouped, _) = merged(&[ab.to_str().unwrap(), c], "ab-c");
    let (_, folder, _) = merged(&["parts"], "folder");
    for other in [&back, &grouped, &folder] {
        for file in
            ["samples.csv", "timeline.csv", "latency.hlog", "summary.json", "summary.md", "manifest.json", "scenario.toml"]
        {
            let read = |dir: &Path| std::fs::read_to_string(dir.join(file)).unwrap();
            assert_eq!(read(other), read(&all), "{file} of {}", other.display());
        }
    }
    let (merged, rows) = (summary(&all), rows(&all));
    let mut responses: Vec<u64> =
        rows.values().map(|cells| cells[3].parse::<u64>().unwrap() - cells[1].parse::<u64>().unwrap()).collect();
    responses.sort_unstable();
    assert_eq!(merged["counts"]["ok"], rows.len());
    assert_eq!(merged["latency"]["response"]["ok"]["max_us"].as_u64(), responses.last().copied());
    let p50 = merged["latency"]["response"]["ok"]["p50_us"].as_u64().unwrap();
    let exact = responses[(responses.len() - 1) / 2];
    assert!(p50.abs_diff(exact) <= exact / 1000 + 1, "{p50} {exact}");
    let of =
        |metric: &str| merged["thresholds"].as_array().unwrap().iter().find(|t| t["metric"] == metric).unwrap()["status"].clone();
    assert_eq!((of("response.p99"), of("rate.ok")), ("failed".into(), "ok".into()));
    let report = place.run(&["report", all.to_str().unwrap(), "--format", "json"]);
    assert_eq!((report.status.code(), serde_json::from_slice::<Value>(&report.stdout).unwrap()), (Some(1), merged));
}

/// A shard that is missing, unfinished, doubled, damaged or another run's is named; nothing is put together that does not belong.
#[test]
fn what_does_not_fit_is_named() {
    let place = Place::new(&scenario(""));
    place.shards(3, "parts");
    let parts: Vec<String> = place.entries("parts").iter().map(|path| path.display().to_string()).collect();
    let missing = place.run(&["merge", &parts[0], &parts[2], "--out", "missing"]);
    assert_eq!(missing.status.code(), Some(3));
    let said = text(&missing.stdout);
    assert!(said.contains("shard 1/3 is missing") && said.contains("shard 1/3 left out"), "{said}");
    // Killed: the last rows and the end of the manifest are gone.
    let killed = PathBuf::from(&parts[1]);
    let samples = std::fs::read_to_string(killed.join("samples.csv")).unwrap();
    let half = samples.lines().take(40).collect::<Vec<_>>().join("\n") + "\n";
    kill(&killed, &half[..half.len() - 5]);
    let unfinished = place.run(&["merge", "parts", "--out", "unfinished"]);
    let said = text(&unfinished.stdout);
    assert_eq!(unfinished.status.code(), Some(3), "{said}");
    assert!(said.contains("shard 1/3 is unfinished") && said.contains("shard 1/3 left out"), "{said}");
    // The same shard again, by another attempt.
    let again = place.run(&["run", "a.toml", "--virtual-time", "--shard", "1/3", "--start-at", START, "--out", "parts"]);
    assert_eq!(again.status.code(), Some(0));
    let doubled = place.run(&["merge", "parts", "--out", "doubled"]);
    assert_eq!(doubled.status.code(), Some(3));
    let said = text(&doubled.stdout);
    assert!(said.contains("38 calls were made twice") && said.contains("two attempts at shard 1/3, between"), "{said}");
    assert_eq!(summary(&place.only("doubled"))["counts"]["ended"], rows(&place.only("doubled")).len());
    // Another seed, another scenario, the same directory twice, no shard at all.
    let refused = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
        text(&output.stderr)
    };
    let other =
        place.run(&["run", "a.toml", "--virtual-time", "--shard", "1/3", "--start-at", START, "--seed", "8", "--out", "other"]);
    assert_eq!(other.status.code(), Some(0));
    let other = place.only("other").display().to_string();
    assert!(refused(&["merge", &parts[0], &other]).contains("are not of one run: seed: 7 and 8"));
    std::fs::write(Path::new(&other).join("scenario.toml"), scenario("# edited")).unwrap();
    assert!(refused(&["merge", &parts[0], &other]).contains("does not belong to the rest of this run"));
    assert!(refused(&["merge", &parts[0], &parts[0]]).contains("is named twice"));
    assert_eq!(place.run(&["run", "a.toml", "--virtual-time", "--out", "whole"]).status.code(), Some(0));
    let whole = place.only("whole").display().to_string();
    assert!(refused(&["merge", &parts[0], &whole]).contains("is not a shard"));
    assert!(refused(&["merge", &whole]).contains("a whole run needs no merging"));
    // Lines that are no rows, a row of another shard, rows that were lost: what can be read is kept, and the shard is named.
    let path = Path::new(&parts[2]).join("samples.csv");
    let good = std::fs::read_to_string(&path).unwrap();
    let foreign = std::fs::read_to_string(Path::new(&parts[0]).join("samples.csv")).unwrap().lines().nth(3).unwrap().to_owned();
    for (what, damaged) in [
        ("damage-1", good.replacen('\n', "\nnonsense\n", 3)),
        ("damage-2", format!("{good}{foreign}\n")),
        ("damage-3", good.lines().take(20).fold(String::new(), |all, line| all + line + "\n")),
        ("damage-4", "seq,due_us\nx\n".to_owned()),
    ] {
        std::fs::write(&path, damaged).unwrap();
        let merged = place.run(&["merge", &parts[0], &parts[2], "--out", what]);
        let said = text(&merged.stdout);
        assert_eq!(merged.status.code(), Some(3), "{what}: {said}{}", text(&merged.stderr));
        assert!(said.contains("shard 2/3 is damaged"), "{what}: {said}");
        assert_eq!(summary(&place.only(what))["counts"]["ended"], rows(&place.only(what)).len(), "{what}");
    }
    assert!(!text(&place.run(&["merge", "nowhere"]).stderr).is_empty());
}

/// Whatever the summary says: what was true and what to do about it.
fn reasons(dir: &Path) -> String {
    let verdict = summary(dir)["verdict"]["reasons"].clone();
    let told = verdict.as_array().unwrap().iter().map(|reason| format!("{} -> {}", reason["what"], reason["remedy"]));
    told.collect::<Vec<_>>().join("\n")
}

/// Leaves of a shard what a kill leaves: these rows of its file, the seconds that were over by then, and no end.
fn kill(dir: &Path, samples: &str) {
    std::fs::write(dir.join("samples.csv"), samples).unwrap();
    let mut manifest: Value = serde_json::from_str(&std::fs::read_to_string(dir.join("manifest.json")).unwrap()).unwrap();
    manifest["facts"] = Value::Null;
    std::fs::write(dir.join("manifest.json"), manifest.to_string()).unwrap();
    std::fs::remove_file(dir.join("summary.json")).unwrap();
    let told_us = rows(dir).values().filter_map(|cells| cells[3].parse::<u64>().ok()).max().unwrap();
    let timeline = std::fs::read_to_string(dir.join("timeline.csv")).unwrap();
    let over: String = timeline.split_inclusive('\n').take(1 + usize::try_from(told_us / 1_000_000).unwrap()).collect();
    std::fs::write(dir.join("timeline.csv"), over).unwrap();
}

/// A shard is killed, and its second attempt comes too late for what the first one has sent: no call was made twice, the row of the one that was
/// sent is kept whatever the order and the grouping, and nothing is told to resume what cannot be resumed.
#[test]
fn what_was_sent_wins() {
    let place = Place::new(&scenario(""));
    place.shards(2, "parts");
    let again = place.run(&["run", "a.toml", "--virtual-time", "--shard", "1/2", "--start-at", START, "--out", "again"]);
    assert_eq!(again.status.code(), Some(0));
    let (first, other, second) = (place.entries("parts")[1].clone(), place.entries("parts")[0].clone(), place.only("again"));
    let half: String = std::fs::read_to_string(first.join("samples.csv")).unwrap().split_inclusive('\n').take(40).collect();
    kill(&first, &half);
    let sent = rows(&first);
    // Five that the first may have sent before it was killed, and five that were due when it was not there any more.
    let told_us: u64 = sent.values().map(|cells| cells[3].parse::<u64>().unwrap()).max().unwrap();
    let after = |(_, cells): &(u64, Vec<String>)| cells[1].parse::<u64>().unwrap() > told_us + 2_200_000;
    let (gone, perhaps): (Vec<_>, Vec<_>) = rows(&second).into_iter().filter(|(k, _)| !sent.contains_key(k)).partition(after);
    let late: Vec<u64> = gone.iter().take(5).chain(perhaps.iter().take(5)).map(|(k, _)| *k).collect();
    let missed = |line: &str| -> String {
        let cells: Vec<&str> = line.split(',').collect();
        let number = cells[0].parse::<u64>();
        let too_late = number.is_ok_and(|k| sent.contains_key(&k) || late.contains(&k));
        if too_late { format!("{},{},,,{},missed,,1,,,,fresh,\n", cells[0], cells[1], cells[4]) } else { format!("{line}\n") }
    };
    let samples: String = std::fs::read_to_string(second.join("samples.csv")).unwrap().lines().map(missed).collect();
    kill(&second, &samples);
    let merged = |runs: &[&Path], out: &str| {
        let runs: Vec<&str> = runs.iter().map(|run| run.to_str().unwrap()).collect();
        let output = place.run(&[&["merge"], runs.as_slice(), &["--out", out]].concat());
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
        place.only(out)
    };
    let all = merged(&[&other, &first, &second], "all");
    let turned = merged(&[&second, &first, &other], "turned");
    let grouped = merged(&[&merged(&[&second, &first], "attempts"), &other], "grouped");
    let split = merged(&[&second, &merged(&[&first, &other], "pair")], "split");
    for (dir, file) in [&turned, &grouped, &split]
        .iter()
        .flat_map(|dir| ["samples.csv", "manifest.json", "summary.json"].map(|file| (dir, file)))
    {
        assert_eq!(
            std::fs::read_to_string(dir.join(file)).unwrap(),
            std::fs::read_to_string(all.join(file)).unwrap(),
            "{file} of {}",
            dir.display()
        );
    }
    let (kept, told) = (rows(&all), reasons(&all));
    assert!(sent.iter().all(|(k, cells)| kept[k] == *cells), "a row that was sent is lost");
    let counts = summary(&all)["counts"].clone();
    assert_eq!(
        (counts["missed"].as_u64(), counts["unknown"].as_u64(), summary(&all)["shards"].as_u64()),
        (Some(5), Some(5), Some(2))
    );
    assert!(
        perhaps.iter().take(5).all(|(k, _)| kept[k][5] == "unknown" && kept[k][2].is_empty()),
        "what was perhaps sent is known"
    );
    assert!(
        told.contains("5 calls have an unknown end: perhaps sent by a shard that was killed, interrupted or could not write"),
        "{told}"
    );
    assert!(!told.contains("made twice") && told.contains("a shard was killed") && !told.contains("resume"), "{told}");
    assert!(told.contains("merge the directories of all shards, or run the whole run again"), "{told}");
    let manifest: Value = serde_json::from_slice(&std::fs::read(all.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["shard"]["doubled"], 0);
    let alone = place.run(&["report", first.to_str().unwrap(), "--format", "json"]);
    let alone = text(&alone.stdout);
    assert!(alone.contains("start the shard again while the others run") && !alone.contains("livebench resume"), "{alone}");
}

/// A shard that comes late may be another attempt: what was due before counts against the budget as if it had been sent. Of workers all of it does,
/// since nobody knows how many calls they have made.
#[test]
fn who_comes_late_keeps_to_the_budget() {
    let open = "stages = [ { for = \"6s\", rate = 40 } ]";
    let closed = "model = \"closed\"\nstages = [ { for = \"6s\", workers = 4 } ]";
    let emulator = Emulate::start(&[]);
    for (load, budget) in [(open, 160), (open, 100), (closed, 100)] {
        let place = Place::new(&format!("name = \"many\"\n[load]\n{load}\n[budget]\nmax_calls = {budget}\n"));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let start = format!("{:.3}", now.as_secs_f64() - 3.0);
        let output = spawn(&place, &emulator, "1/2", &["--start-at", &start]).wait_with_output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stderr));
        let part = place.only("parts");
        let sent = rows(&part).values().filter(|cells| !cells[2].is_empty()).count();
        // Every second call of 40/s is this shard's, and so is half of the budget. On a slow machine it joins when that is over.
        let manifest: Value = serde_json::from_slice(&std::fs::read(part.join("manifest.json")).unwrap()).unwrap();
        let joined_us = manifest["shard"]["parts"][0]["joined_us"].as_u64().unwrap();
        let before = if load == open { (0..120u64).filter(|n| 25_000 + 50_000 * n < joined_us).count() } else { usize::MAX };
        let left = (budget / 2usize).saturating_sub(before);
        assert!(
            joined_us >= 3_000_000 && sent <= left && (sent > 0 || left < 10),
            "{sent} sent of {left}, joined at {joined_us}"
        );
        assert_eq!(summary(&part)["stop"], "budget_calls");
        let told = reasons(&part);
        assert!(told.contains("an earlier attempt may have sent them"), "{told}");
    }
}

/// Budgets are exact over all shards, workers and room are shared, and a limiter that cannot be shared is refused.
#[test]
fn bounds_hold_over_all_shards() {
    let sent = |place: &Place, of: u64| -> u64 {
        place.shards(of, "parts");
        place.entries("parts").iter().map(|part| rows(part).values().filter(|cells| !cells[2].is_empty()).count() as u64).sum()
    };
    assert_eq!(sent(&Place::new(&scenario("[budget]\nmax_calls = 50")), 4), 50);
    assert_eq!(sent(&Place::new(&scenario("[budget]\nmax_calls = 7")), 3), 7);
    let closed = "name = \"many\"\n[load]\nmodel = \"closed\"\nthink_time = \"100ms\"\nstages = [ { for = \"5s\", workers = 5 } ]\n[emulator]\nquota = { kind = \"none\" }\nlatency = \"100ms\"\n";
    let place = Place::new(closed);
    assert_eq!(sent(&place, 2), 5 * 25);
    let merged = place.run(&["merge", "parts", "--out", "merged"]);
    assert_eq!(merged.status.code(), Some(0), "{}", text(&merged.stdout));
    let place = Place::new(&scenario("max_rate = 20"));
    let refused = place.run(&["run", "a.toml", "--virtual-time", "--shard", "0/2", "--start-at", START]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("`max_rate` (20/s) is one limiter"), "{}", text(&refused.stderr));
    let check = place.run(&["check", "a.toml", "--shard", "1/4"]);
    assert!(text(&check.stdout).contains("shard 1/4   80 calls, the first due after"), "{}", text(&check.stdout));
}

/// A process says which shard it is and who says so; what disagrees or has no start in common is refused, and nothing is sent.
#[test]
fn a_place_is_never_guessed() {
    let place = Place::new(&scenario(""));
    let with = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = place.command(arguments).envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, _) = with(
        &[("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_JOB_ID", "77")],
        &["shard", "--output", "json"],
    );
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (code, &found["shard"], &found["source"], &found["run"]),
        (Some(0), &"2/4".into(), &"Slurm's job array".into(), &"77".into())
    );
    // What the system says of its clock, where it says something: 16 s is what Linux says of one that nothing synchronizes.
    let clock = &found["wall_clock_error_us"];
    assert!(clock.as_u64().map_or_else(|| clock.is_null(), |us| us <= 16_000_000), "{found}");
    let (_, said, _) = with(&[("LIVEBENCH_SHARD", "1/4")], &["shard"]);
    let line = said.lines().find(|line| line.starts_with("clock ")).unwrap();
    assert!(line.ends_with("says the system") || line.ends_with(" -"), "{said}");
    let (code, _, said) = with(&[("LIVEBENCH_SHARD", "1/4")], &["run", "a.toml"]);
    assert!(code == Some(2) && said.contains("--barrier DIR"), "{said}");
    let (code, _, said) =
        with(&[("LIVEBENCH_SHARDS", "4"), ("SLURM_ARRAY_TASK_ID", "2"), ("SLURM_ARRAY_TASK_COUNT", "1")], &["run", "a.toml"]);
    assert!(code == Some(2) && said.contains("says 1 in all"), "{said}");
    let (code, _, said) = with(&[("JOB_COMPLETION_INDEX", "2")], &["run", "a.toml"]);
    assert!(code == Some(2) && said.contains("LIVEBENCH_SHARDS"), "{said}");
    let (code, _, said) = with(&[], &["run", "a.toml", "--shard", "0/2", "--start-at", "2020-01-01T00:00:00Z"]);
    assert!(code == Some(3) && said.contains("is over, and nothing was sent"), "{said}");
    assert!(!place.path().join("results").exists());
}

/// A shard in a process of its own, against one emulator.
fn spawn(place: &Place, emulator: &Emulate, shard: &str, start: &[&str]) -> Child {
    let endpoint = emulator.endpoint.clone();
    let arguments = [
        "run",
        "a.toml",
        "--endpoint-url",
        &endpoint,
        "--region",
        "us-east-1",
        "--live",
        "off",
        "--out",
        "parts",
        "--shard",
        shard,
    ];
    let mut command = place.command(&[&arguments, start].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Shards that meet at a folder start together and send the one schedule; what an earlier run left there does no harm.
#[test]
fn shards_meet_at_a_barrier() {
    let place = Place::new("name = \"many\"\n[load]\nstages = [ { for = \"2s\", rate = 40 } ]\n");
    std::fs::create_dir(place.path().join("meet")).unwrap();
    std::fs::write(place.path().join("meet/ready-1-0123456789abcdef.json"), "{\"shard\":{\"index\":1,\"of\":2}}").unwrap();
    let emulator = Emulate::start(&[]);
    for round in 1..=2 {
        let start = ["--barrier", "meet", "--barrier-timeout", "60s"];
        let shards = ["0/2", "1/2"].map(|shard| spawn(&place, &emulator, shard, &start));
        for shard in shards {
            let output = shard.wait_with_output().unwrap();
            assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stderr));
        }
        let parts = place.entries("parts");
        assert_eq!(parts.len(), 2 * round);
        let starts: Vec<Value> = parts[2 * round - 2..]
            .iter()
            .map(|part| serde_json::from_str(&std::fs::read_to_string(part.join("start.json")).unwrap()).unwrap())
            .collect();
        assert_eq!(starts[0], starts[1]);
        let all: BTreeMap<u64, Vec<String>> = parts[2 * round - 2..].iter().flat_map(|part| rows(part)).collect();
        assert_eq!(all.keys().copied().collect::<Vec<_>>(), (0..80).collect::<Vec<_>>());
    }
}

/// Two runs at once over one folder do not become one with twice the load: each shard is run by one process, and the other says why it is not.
#[test]
fn two_runs_at_once_are_one() {
    let place = Place::new("name = \"many\"\n[load]\nstages = [ { for = \"8s\", rate = 20 } ]\n");
    let emulator = Emulate::start(&[]);
    let start = ["--barrier", "meet", "--barrier-timeout", "60s"];
    let all = ["0/2", "1/2", "0/2", "1/2"].map(|shard| spawn(&place, &emulator, shard, &start));
    let ended = all.map(|shard| shard.wait_with_output().unwrap());
    let refused: Vec<String> =
        ended.iter().filter(|output| output.status.code() == Some(2)).map(|output| text(&output.stderr)).collect();
    assert_eq!(refused.len(), 2, "{:?}", ended.map(|output| text(&output.stderr)));
    assert!(refused.iter().all(|said| said.contains("runs already, in another process")), "{refused:?}");
    let rows: BTreeMap<u64, Vec<String>> = place.entries("parts").iter().flat_map(|part| rows(part)).collect();
    assert_eq!((place.entries("parts").len(), rows.len()), (2, 160));
}

/// A bucket as the barrier: without its client, how to build with it is told, before anything is sent; and no other address is taken for a folder.
#[test]
fn a_bucket_needs_its_client() {
    let place = Place::new("name = \"many\"\n[load]\nstages = [ { for = \"2s\", rate = 40 } ]\n");
    let refused = |barrier: &str| {
        let output =
            place.command(&["run", "a.toml", "--shard", "0/2", "--barrier", barrier]).env_remove("AWS_REGION").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        text(&output.stderr)
    };
    if cfg!(feature = "s3") {
        assert!(refused("s3://launch/first").contains("set AWS_REGION"));
    } else {
        let said = refused("s3://launch/first");
        assert!(
            said.contains("--barrier s3://launch/first") && said.contains("cargo build --release --locked --features s3"),
            "{said}"
        );
    }
    assert!(refused("gs://launch/first").contains("gs:// cannot be met at"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 1, "only the scenario is there");
}

/// A barrier that is never filled aborts for all who wait, and nothing is sent.
#[test]
fn a_barrier_that_is_not_filled_aborts() {
    let place = Place::new("name = \"many\"\n[load]\nstages = [ { for = \"2s\", rate = 40 } ]\n");
    let emulator = Emulate::start(&[]);
    let start = ["--barrier", "meet", "--barrier-timeout", "2s"];
    for shard in ["0/3", "2/3"].map(|shard| spawn(&place, &emulator, shard, &start)) {
        let output = shard.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(75), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("aborted, and nothing was sent"), "{}", text(&output.stderr));
    }
    assert!(!place.path().join("parts").exists());
    let address = emulator.endpoint.strip_prefix("http://").unwrap();
    let mut health = std::net::TcpStream::connect(address).unwrap();
    health
        .write_all(format!("GET /_livebench/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut said = String::new();
    health.read_to_string(&mut said).unwrap();
    assert!(said.contains("\"arrivals\":0"), "{said}");
}

/// Who is interrupted while it waits takes its sign with it, so that nobody counts on it: 130, and nothing is sent.
#[test]
fn who_is_interrupted_at_a_barrier_leaves() {
    let place = Place::new(&scenario(""));
    let emulator = Emulate::start(&[]);
    let signs = || place.entries("meet").iter().filter(|path| path.to_str().unwrap().contains("ready-0-")).count();
    let shard = spawn(&place, &emulator, "0/2", &["--barrier", "meet"]);
    eventually("its sign", || (place.path().join("meet").is_dir() && signs() == 1).then_some(()));
    kill_process(Pid::from_child(&shard), Signal::INT).unwrap();
    let output = shard.wait_with_output().unwrap();
    assert_eq!((output.status.code(), signs()), (Some(130), 0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("interrupted while it waited for the other shards; nothing was sent"));
    assert!(!place.path().join("parts").exists(), "a shard that never ran has a directory");
}

/// A shard that starts late joins the running schedule: what was due is missed and never sent in a burst.
#[test]
fn who_comes_late_joins() {
    let place = Place::new("name = \"many\"\n[load]\nstages = [ { for = \"6s\", rate = 40 } ]\n");
    let emulator = Emulate::start(&[]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let start = format!("{:.3}", now.as_secs_f64() - 3.0);
    let output = spawn(&place, &emulator, "1/2", &["--start-at", &start]).wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stderr));
    let rows = rows(&place.only("parts"));
    assert_eq!(rows.len(), 120);
    let missed = rows.values().filter(|cells| cells[5] == "missed").count();
    let sent: Vec<(u64, u64)> = rows
        .values()
        .filter(|cells| !cells[2].is_empty())
        .map(|cells| (cells[1].parse().unwrap(), cells[2].parse().unwrap()))
        .collect();
    assert!(missed >= 60 && sent.len() + missed == 120, "{missed} missed, {} sent", sent.len());
    assert!(sent.iter().all(|(due, sent)| sent >= due && *due >= 3_000_000), "what was due before it came was sent");
    // It is not told that all places were taken, and neither is the run that it is merged into.
    let told = reasons(&place.only("parts"));
    assert!(told.contains("this shard joined the schedule 3") && told.contains("too late for what was due before"), "{told}");
    place.run(&["merge", "parts", "--out", "merged"]);
    let told = reasons(&place.only("merged"));
    assert!(told.contains("shard 1/2 joined the schedule 3") && !told.contains("raise load.concurrency"), "{told}");
}

/// A shard whose clock is ahead starts early: merging tells by how much, from the dates of the answers, moves its part of the timeline to where
/// the server saw it, and touches no latency.
#[test]
fn a_clock_that_is_ahead_is_told() {
    // Calls at every phase of a second, so that the dates say much.
    let place = Place::new("name = \"many\"\n[load]\nstages = [ { for = \"6s\", rate = 166 } ]\ntransport = \"wire\"\n");
    let emulator = Emulate::start(&[]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let start = (now.as_secs_f64() + 4.0).floor();
    // What a clock that is 0.3 s ahead does: its shard starts 0.3 s early, and says that it started when the others did.
    let at = |index: u64| format!("{:.3}", if index == 2 { start - 0.3 } else { start });
    let shards: Vec<Child> = (0..4).map(|n| spawn(&place, &emulator, &format!("{n}/4"), &["--start-at", &at(n)])).collect();
    for shard in shards {
        let output = shard.wait_with_output().unwrap();
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", text(&output.stderr));
    }
    let manifest =
        |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path.join("manifest.json")).unwrap()).unwrap() };
    let parts = place.entries("parts");
    let of = |shard: u64| parts.iter().find(|path| manifest(path)["shard"]["parts"][0]["shard"] == shard).unwrap();
    let (mut ahead, others) = (manifest(of(2)), manifest(of(0)));
    (ahead["start_utc"], ahead["nonce"]) = (others["start_utc"].clone(), others["nonce"].clone());
    let samples = std::fs::read_to_string(of(2).join("samples.csv")).unwrap();
    let own = manifest(of(2))["nonce"].as_str().unwrap().to_owned();
    std::fs::write(of(2).join("samples.csv"), samples.replace(&own, others["nonce"].as_str().unwrap())).unwrap();
    std::fs::write(of(2).join("manifest.json"), ahead.to_string()).unwrap();
    let merged = place.run(&["merge", "parts", "--out", "merged"]);
    let said = text(&merged.stdout);
    assert!(said.contains("the clock of shard 2/4 was") && said.contains("ahead of those of the others"), "{said}");
    let dir = place.only("merged");
    let summary = summary(&dir);
    let clocks = summary["clocks"].as_array().unwrap();
    assert_eq!(clocks.iter().filter(|clock| !clock["apart_us"].is_null()).count(), 1, "{clocks:?}");
    let (apart, within) = (clocks[2]["apart_us"].as_i64().unwrap(), clocks[2]["apart_within_us"].as_i64().unwrap());
    assert!((apart - 300_000).abs() <= within && within <= 60_000, "{apart} ± {within}");
    // What each system says of its clock is kept.
    let system = |shard: u64| self::summary(of(shard))["own"]["harness"]["wall_clock_error_us"].clone();
    (0..4).for_each(|n| assert_eq!(clocks[n]["wall_clock_error_us"], system(n as u64)));
    // No row is changed.
    let union: BTreeMap<u64, Vec<String>> = parts.iter().flat_map(|part| rows(part)).collect();
    assert_eq!(rows(&dir), union);
    // The timeline is the one that the server saw: each second has what was sent in it by the true clock.
    let timeline = std::fs::read_to_string(dir.join("timeline.csv")).unwrap();
    let told: Vec<i64> = timeline.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    let mut truth = vec![0i64; told.len()];
    for (k, cells) in union.iter().filter(|(_, cells)| !cells[2].is_empty()) {
        let sent: i64 = cells[2].parse().unwrap();
        let true_us = if k % 4 == 2 { (sent - apart).max(0) } else { sent };
        truth[usize::try_from(true_us / 1_000_000).unwrap()] += 1;
    }
    assert_eq!(told, truth);
}
