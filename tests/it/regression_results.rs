//! What trials of 0.1.0 showed of run directories, a test a kind: each names its report, and holds the value that is right.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{Run, few_calls, gives_namespace, json, livebench, report};

/// 500 calls in virtual time, below `out`.
fn run(out: &Path, seed: u32) -> PathBuf {
    let scenario = out.with_extension("toml");
    fs::write(&scenario, few_calls(500)).unwrap();
    let mut command = livebench();
    command.arg("run").arg(&scenario).arg("--out").arg(out).args([
        "--virtual-time",
        "--output",
        "json",
        "--seed",
        &seed.to_string(),
    ]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_dir(out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|dir| json(&dir.join("manifest.json"))["seed"] == seed)
        .unwrap()
}

/// Two runs of their own, of seeds 1 and 2.
fn two() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let work = tempfile::tempdir().unwrap();
    let (one, other) = (run(&work.path().join("one"), 1), run(&work.path().join("other"), 2));
    (work, one, other)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn livebench_on(command: &str, dirs: &[&Path], options: &[&str]) -> Output {
    livebench().arg(command).args(dirs).args(options).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Refused by report and compare, left out of a history with the same words.
fn is_refused(dir: &Path, base: &Path, words: &[&str]) {
    for output in [report(dir, &[]), livebench_on("compare", &[base, dir], &[])] {
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        // A torn line is noted before.
        let error = said.lines().last().unwrap_or_default();
        assert!(error.starts_with("error: ") && words.iter().all(|word| error.contains(word)), "{words:?}: {said}");
    }
    let history = livebench_on("history", &[dir.parent().unwrap()], &["--output", "json"]);
    let skipped = serde_json::from_slice::<Value>(&history.stdout).unwrap()["skipped"].to_string();
    assert!(words.iter().all(|word| skipped.contains(word)), "{words:?}: {skipped}");
}

/// Report on 0.1.0 (B9): compare took 31 of 500 calls, another run's file and schema 99 without a word. What does not belong together is
/// refused, by name, by everything that reads a run.
#[test]
fn a_directory_is_held_against_itself() {
    let (work, sound, other) = two();
    let broken = |name: &str, adjust: &dyn Fn(&Path), words: &[&str]| {
        let dir = work.path().join(name).join("run");
        copy(&sound, &dir);
        adjust(&dir);
        is_refused(&dir, &sound, words);
    };
    let text = |dir: &Path, name: &str| fs::read_to_string(dir.join(name)).unwrap();
    broken(
        "cut",
        &|dir| {
            let rows: Vec<String> = text(dir, "samples.csv").lines().take(32).map(str::to_owned).collect();
            fs::write(dir.join("samples.csv"), rows.join("\n") + "\n").unwrap();
        },
        &["samples.csv", "it has 31 rows, and summary.json counts 500 calls"],
    );
    broken(
        "torn",
        &|dir| {
            let all = text(dir, "samples.csv");
            fs::write(dir.join("samples.csv"), &all[..all.len() - 40]).unwrap();
        },
        &["samples.csv", "it has 499 rows"],
    );
    broken(
        "changed",
        &|dir| fs::write(dir.join("samples.csv"), text(dir, "samples.csv").replacen(",ok,", ",read_timeout,", 1)).unwrap(),
        &["samples.csv", "499 of its rows are ok, and summary.json counts 500"],
    );
    broken(
        "scenario",
        &|dir| fs::write(dir.join("scenario.toml"), few_calls(400)).unwrap(),
        &["scenario.toml", "not the scenario that this run began with"],
    );
    broken(
        "nonce",
        &|dir| {
            fs::write(dir.join("samples.csv"), text(dir, "samples.csv").replace("lb-0000000000000000-", "lb-00000000000000ff-"))
                .unwrap();
        },
        &["samples.csv", "lb-00000000000000ff-", "another run"],
    );
    broken(
        "summary",
        &|dir| _ = fs::copy(other.join("summary.json"), dir.join("summary.json")).unwrap(),
        &["summary.json", "name, seed or target"],
    );
    for (name, file, schema) in [("new", "manifest.json", 99), ("next", "summary.json", 99), ("none", "manifest.json", 0)] {
        let adjust = |dir: &Path| {
            let mut value = json(&dir.join(file));
            value["schema"] = schema.into();
            fs::write(dir.join(file), value.to_string() + "\n").unwrap();
        };
        broken(name, &adjust, &[file, &format!("has schema {schema}, and this version of livebench reads 1")]);
    }
}

/// The same kind for what can be made again: a timeline of another run is, and where no summary is left to hold the calls
/// against, the schedule says how many there were.
#[test]
fn what_can_be_made_again_is() {
    let (_work, dir, other) = two();
    let page = |dir: &Path| String::from_utf8(report(dir, &["--format", "html"]).stdout).unwrap();
    fs::remove_file(dir.join("timeline.csv")).unwrap();
    let (before, timeline) = (page(&dir), fs::read(dir.join("timeline.csv")).unwrap());
    let rows = String::from_utf8(timeline.clone()).unwrap().split_inclusive('\n').take(3).collect::<String>();
    fs::write(dir.join("timeline.csv"), rows).unwrap();
    assert_eq!(page(&dir), before);
    assert_eq!(fs::read(dir.join("timeline.csv")).unwrap(), timeline);
    let log = fs::read(dir.join("latency.hlog")).unwrap();
    let foreign = fs::read_to_string(other.join("latency.hlog")).unwrap().replacen("#[StartTime: 1", "#[StartTime: 9", 1);
    fs::write(dir.join("latency.hlog"), foreign).unwrap();
    assert_eq!(report(&dir, &["--format", "hlog"]).stdout, log);

    fs::remove_file(dir.join("summary.json")).unwrap();
    let samples = fs::read_to_string(dir.join("samples.csv")).unwrap();
    fs::write(dir.join("samples.csv"), samples.split_inclusive('\n').take(32).collect::<String>()).unwrap();
    let output = report(&dir, &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("it has 31 rows, and the schedule came to its end with 500 calls"), "{}", said(&output));
}

/// Report on 0.1.0 (B9): one run counted twice through a link. On one side it is refused, however it is named; on both sides it is noted, and
/// nothing has changed.
#[test]
#[cfg(unix)]
fn one_run_is_one_run() {
    let (work, dir, other) = two();
    let (link, twin) = (work.path().join("link"), work.path().join("twin"));
    std::os::unix::fs::symlink(&dir, &link).unwrap();
    copy(&dir, &twin);
    let round_about = dir.join("..").join(dir.file_name().unwrap());
    for second in [&dir, &link, &twin, &round_about] {
        for sides in [["--base", "--base", "--new"], ["--new", "--new", "--base"]] {
            let mut command = livebench();
            command.arg("compare");
            for (side, run) in sides.iter().zip([&dir, second, &other]) {
                command.arg(side).arg(run);
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{second:?}: {}", said(&output));
            assert!(said(&output).contains("twice on one side"), "{}", said(&output));
        }
        let output = livebench_on("compare", &[&dir, second], &["--output", "json"]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(comparison["verdict"], "unchanged");
        assert!(comparison["notes"].to_string().contains("on both sides"), "{}", comparison["notes"]);
    }
}

/// Report on 0.1.0 (G9): a run whose disk was full was INVALID live and SUSPECT from its copy. Why it ended is on the disk however full that
/// is, so the files alone say what the run said.
#[test]
#[cfg(target_os = "linux")] // a disk of 1 MiB, in a mount namespace of its own
fn a_full_disk_is_told_from_the_files_alone() {
    if !gives_namespace("--mount", &["mount"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let (scenario, copied) = (work.path().join("full.toml"), work.path().join("copied"));
    fs::write(&scenario, few_calls(9000).replace("few", "full")).unwrap();
    let bare = livebench();
    let mut unshare = Command::new("unshare");
    for (name, value) in bare.get_envs() {
        match value {
            Some(value) => unshare.env(name, value),
            None => unshare.env_remove(name),
        };
    }
    let script = "mkdir \"$2/disk\" && mount -t tmpfs -o size=1m none \"$2/disk\" || exit 77
        \"$1\" run \"$2/full.toml\" --out \"$2/disk\" --virtual-time --output json >\"$2/live.json\" 2>\"$2/live.txt\"; code=$?
        cp -r \"$2\"/disk/*-full \"$2/copied\"; exit $code";
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(bare.get_program()).arg(work.path());
    let code = unshare.status().unwrap().code();
    assert_eq!(code, Some(3), "{}", fs::read_to_string(work.path().join("live.txt")).unwrap_or_default());
    let live = json(&work.path().join("live.json"));
    assert!(!copied.join(".reserve").exists());
    let output = report(&copied, &["--output", "json"]);
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for key in ["result", "stop", "name", "seed", "called"] {
        assert_eq!(again[key], live[key], "{key}");
    }
    assert_eq!((&again["verdict"]["validity"], &live["verdict"]["validity"]), (&"INVALID".into(), &"INVALID".into()));
    let compared = livebench_on("compare", &[&copied, &copied], &[]);
    assert_eq!(compared.status.code(), Some(3), "{}", said(&compared));
}

/// A copy says what the run said, word for word, wherever it lies.
#[test]
fn a_copy_says_the_same() {
    let (run, work) = Run::of(&few_calls(100), &[], |_| {});
    let copied = work.path().join("elsewhere");
    copy(run.dir(), &copied);
    for name in ["summary.json", "summary.md", "report.html"] {
        fs::remove_file(copied.join(name)).unwrap();
    }
    let output = report(&copied, &[]);
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (run.code, run.stdout.clone()));
    for name in ["summary.json", "summary.md", "report.html"] {
        assert!(fs::read(copied.join(name)).unwrap() == fs::read(run.dir().join(name)).unwrap(), "{name}");
    }
}

/// A run that 0.1.0 left (`results/example-20261121T233639Z-ramp`, summary schema 1) is read, named as what it is, compared, and listed; and stays as it is.
#[test]
fn runs_of_schema_1_are_read() {
    let work = tempfile::tempdir().unwrap();
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/example-20261121T233639Z-ramp");
    let (old, again) = (work.path().join("old"), work.path().join("again"));
    copy(&kept, &old);
    copy(&kept, &again);

    let shown = report(&old, &["--format", "json"]);
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    assert!(said(&shown).contains("note: its summary.json has schema 1, written by livebench 0.1.0"), "{}", said(&shown));
    let summary: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&summary["schema"], &summary["result"], &summary["counts"]["ok"]), (&2.into(), &"passed".into(), &1388.into()));
    assert_eq!(fs::read(old.join("summary.json")).unwrap(), fs::read(kept.join("summary.json")).unwrap());

    let compared = livebench_on("compare", &[&old, &again], &["--output", "json"]);
    let verdict: Value = serde_json::from_slice(&compared.stdout).unwrap();
    assert_eq!((compared.status.code(), &verdict["verdict"]), (Some(0), &"unchanged".into()), "{}", said(&compared));

    let history = livebench_on("history", &[work.path()], &["--output", "json"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&history.stdout).unwrap()["skipped"],
        Value::Array(Vec::new()),
        "{}",
        said(&history)
    );
}
