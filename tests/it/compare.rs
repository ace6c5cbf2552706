//! `livebench compare` and `livebench history`, as they are typed.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::livebench;
use serde_json::Value;

/// A run in virtual time, 30 s at 50/s, in `out`.
fn run(out: &Path, seed: u64, median: &str, more: &str) -> PathBuf {
    let text = format!(
        "name = \"pair\"\n[load]\nstages = [ {{ for = \"30s\", rate = 50 }} ]\n{more}\n\
         [emulator]\nquota = {{ kind = \"none\" }}\nlatency = {{ median = \"{median}\", p99 = \"160ms\" }}\n"
    );
    std::fs::create_dir_all(out).unwrap();
    let file = out.join("pair.toml");
    std::fs::write(&file, text).unwrap();
    let before: Vec<PathBuf> = entries(out);
    let mut command = livebench();
    command.arg("run").arg(&file).arg("--out").arg(out).args(["--virtual-time", "--seed", &seed.to_string()]);
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    entries(out).into_iter().find(|path| path.is_dir() && !before.contains(path)).unwrap()
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn compare<'a>(runs: impl IntoIterator<Item = &'a Path>, options: &[&str]) -> Output {
    livebench().arg("compare").args(runs).args(options).output().unwrap()
}

fn json(output: &Output) -> Value {
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = livebench().args(["schema", "compare"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    jsonschema::validate(&schema, &value).unwrap();
    value
}

/// A run compared with itself is unchanged in every metric, in JSON that its schema allows.
#[test]
fn itself() {
    let work = tempfile::tempdir().unwrap();
    let one = run(work.path(), 1, "45ms", "");
    let done = compare([&*one, &*one], &["--output", "json"]);
    let value = json(&done);
    assert_eq!((done.status.code(), &value["verdict"]), (Some(0), &Value::from("unchanged")), "{value:#}");
    let metrics = value["metrics"].as_array().unwrap();
    assert!(metrics.len() > 15 && metrics.iter().all(|m| m["verdict"] == "unchanged"), "{value:#}");
}

/// A regression is bad, an improvement is good, too little data is not to be trusted unless only a regression shall fail.
#[test]
fn exit_codes() {
    let work = tempfile::tempdir().unwrap();
    let dirs = ["base", "same", "slow"].map(|name| work.path().join(name));
    let [base, same, slow] = [(1, "45ms"), (2, "45ms"), (3, "60ms")];
    let [base, same, slow] =
        [(&dirs[0], base), (&dirs[1], same), (&dirs[2], slow)].map(|(dir, (seed, ms))| run(dir, seed, ms, ""));
    // Another latency of the emulator is another target.
    let refused = compare([&*base, &*slow], &[]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("emulator.latency.median"));
    let verdict = |output: &Output| json(output)["verdict"].as_str().unwrap().to_owned();
    let slower = compare([&*base, &*slow], &["--force", "--output", "json"]);
    assert_eq!((slower.status.code(), &*verdict(&slower)), (Some(1), "regressed"));
    let faster = compare([&*slow, &*base], &["--force", "--output", "json"]);
    assert_eq!((faster.status.code(), &*verdict(&faster)), (Some(0), "improved"));
    let open = compare([&*base, &*same], &["--output", "json"]);
    assert_eq!((open.status.code(), &*verdict(&open)), (Some(3), "inconclusive"));
    let lenient = compare([&*base, &*same], &["--fail-on", "regression"]);
    assert_eq!(lenient.status.code(), Some(0));
    // A smallest effect that is far away settles it.
    let wide = ["--min-effect", "latency=100%", "--min-effect", "tail=100%", "--confidence", "95%"];
    assert_eq!(compare([&*base, &*same], &wide).status.code(), Some(0));
    assert_eq!(compare([&*base], &[]).status.code(), Some(2));
    assert_eq!(compare([&*base, work.path().join("none").as_path()], &[]).status.code(), Some(2));
    assert_eq!(compare([&*base, &*same, &*same], &[]).status.code(), Some(2));
    assert_eq!(compare([&*base, &*same], &["--min-effect", "speed=1%"]).status.code(), Some(2));
}

/// Several runs a side: by flags, or as directories that hold them.
#[test]
fn sets_of_runs() {
    let work = tempfile::tempdir().unwrap();
    let (base, new) = (work.path().join("base"), work.path().join("new"));
    let before: Vec<PathBuf> = (1..4).map(|seed| run(&base, seed, "45ms", "")).collect();
    let mut after: Vec<PathBuf> = (4..7).map(|seed| run(&new, seed, "45ms", "")).collect();
    // Both sides have a run of one name, in whatever second they began.
    let twin = new.join(before[0].file_name().unwrap());
    if !twin.exists() {
        std::fs::rename(&after[0], &twin).unwrap();
        after[0] = twin;
    }
    let by_directory = compare([&*base, &*new], &["--output", "json", "--fail-on", "regression"]);
    let flags = livebench()
        .args(["compare", "--output", "json", "--fail-on", "regression", "--base"])
        .args(&before)
        .arg("--new")
        .args(&after)
        .output()
        .unwrap();
    assert_eq!(json(&by_directory), json(&flags));
    let value = json(&flags);
    assert_eq!((value["base"].as_array().unwrap().len(), value["new"].as_array().unwrap().len()), (3, 3));
    let markdown = compare([&*base, &*new], &["--output", "markdown", "--fail-on", "regression"]);
    assert!(String::from_utf8_lossy(&markdown.stdout).starts_with("## livebench: "));
    let junit = compare([&*base, &*new], &["--output", "junit", "--fail-on", "regression"]);
    assert!(String::from_utf8_lossy(&junit.stdout).contains("<testsuite name=\"livebench compare"));
    let page = compare([&*base, &*new], &["--output", "html", "--fail-on", "regression"]);
    let page = String::from_utf8(page.stdout).unwrap();
    // The load's stages are in it, and runs of one name on both sides are told apart.
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("\"label\":\"50/s\"") && page.contains("base/"), "{page}");
}

/// A history lists every experiment of a directory by itself, and what it could not read.
#[test]
fn histories() {
    let work = tempfile::tempdir().unwrap();
    let runs: Vec<PathBuf> = (1..9).map(|seed| run(work.path(), seed, "45ms", "")).collect();
    run(work.path(), 9, "45ms", "concurrency = 65");
    std::fs::remove_file(runs[7].join("summary.json")).unwrap();
    let done = livebench().arg("history").arg(work.path()).args(["--output", "json"]).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    let value: Value = serde_json::from_slice(&done.stdout).unwrap();
    let schema = livebench().args(["schema", "history"]).output().unwrap();
    jsonschema::validate(&serde_json::from_slice(&schema.stdout).unwrap(), &value).unwrap();
    let series = value["series"].as_array().unwrap();
    let mut lengths: Vec<usize> = series.iter().map(|s| s["runs"].as_array().unwrap().len()).collect();
    lengths.sort_unstable();
    assert_eq!((lengths, value["skipped"].as_array().unwrap().len()), (vec![1, 7], 1));
    assert!(series.iter().all(|s| s["changes"].as_array().unwrap().is_empty()), "{value:#}");
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(livebench().arg("history").arg(empty.path()).output().unwrap().status.code(), Some(2));
}
