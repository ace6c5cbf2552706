//! `livebench plan` as a process: from a peak to a request for AWS, from a file to a page, and what is refused.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::support::{Emulate, livebench};

fn plan(work: &Path, arguments: &[&str]) -> Output {
    livebench().current_dir(work).arg("plan").args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn directory(work: &Path) -> PathBuf {
    std::fs::read_dir(work.join("results")).unwrap().next().unwrap().unwrap().path()
}

/// A small launch, quickly simulated, whose numbers are all known.
const SMALL: &str = "name = \"small\"\nregion = \"eu-west-1\"\nlaunch = \"2026-12-17\"\n[demand]\npeak = \"4/s\"\npeak_for = \"2m\"\n[users]\nsession = \"7s\"\n\
                     [quota]\ncreate = { rate = 5, burst = 5 }\nstart = { rate = 5, burst = 5 }\nget = { rate = 5, burst = 5 }\n";

/// From a peak to a request: the answer first, then the files that AWS needs, which nobody has run.
#[test]
fn from_a_peak_to_a_request() {
    let work = tempfile::tempdir().unwrap();
    let done = plan(work.path(), &["--peak", "20/s", "--launches", "1", "--no-options"]);
    let said = text(&done.stdout);
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stderr));
    assert!(said.starts_with("NOT ENOUGH  peak  us-east-1"), "{said}");
    for word in ["QUOTAS", "assumed: AWS's default", "USERS WOULD FEEL", "WHAT TO ASK FOR", "ASSUMED", "L-26415FBF"] {
        assert!(said.contains(word), "{word} is not in:\n{said}");
    }
    let dir = directory(work.path());
    let mut files: Vec<String> =
        std::fs::read_dir(&dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    assert_eq!(files, ["case.txt", "plan.html", "plan.json", "plan.md", "plan.toml", "request.sh"]);
    let read = |name: &str| std::fs::read_to_string(dir.join(name)).unwrap();
    let request = read("request.sh");
    let commands: Vec<&str> = request.lines().filter(|line| line.starts_with("aws service-quotas request-")).collect();
    assert_eq!(commands.len(), 1, "{request}");
    assert!(commands[0].contains("--quota-code L-26415FBF --desired-value 250 --region us-east-1"), "{request}");
    assert!(
        read("case.txt").contains("L-26415FBF  ConcurrentSessions: 75 -> 250") && read("case.txt").contains("Erlang B"),
        "{}",
        read("case.txt")
    );
    assert!(
        read("plan.html").starts_with("<!DOCTYPE html>")
            // But for the name of SVG.
            && !read("plan.html").replace("http://www.w3.org/2000/svg", "").contains("http://")
            && read("plan.html").contains("<svg")
    );
    // What was typed is a plan that says the same.
    let again = plan(work.path(), &[&dir.join("plan.toml").to_string_lossy(), "--launches", "1", "--no-options"]);
    assert_eq!(text(&again.stdout), said);
}

/// The JSON is the file's, fits its schema, is the same for a seed, and its exit code is the verdict's.
#[test]
fn the_contract() {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("small.toml"), SMALL).unwrap();
    let arguments = ["small.toml", "--launches", "2", "--output", "json"];
    let done = plan(work.path(), &arguments);
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stderr));
    let dir = directory(work.path());
    assert_eq!(text(&std::fs::read(dir.join("plan.json")).unwrap()), text(&done.stdout));
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    let schema: Value = serde_json::from_slice(&livebench().args(["schema", "plan-report"]).output().unwrap().stdout).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    assert_eq!(schema.iter_errors(&found).map(|e| e.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(found["verdict"], "not_enough");
    let operations: Vec<&str> =
        found["quotas"].as_array().unwrap().iter().map(|quota| quota["operation"].as_str().unwrap()).collect();
    assert_eq!(
        operations,
        ["CreateFaceLivenessSession", "StartFaceLivenessSession", "GetFaceLivenessSessionResults", "ConcurrentSessions"]
    );
    // By hand: 4/s against 5/s with a burst of 5 refuses 3.5 %; Erlang B of 28 sessions at once against 15 is 0.496782.
    let refused = |of: usize| found["quotas"][of]["refused_share_at_peak"].as_f64().unwrap();
    assert!((refused(0) - 0.035_290).abs() < 1e-5 && (refused(3) - 0.496_782).abs() < 1e-5, "{} {}", refused(0), refused(3));
    let asked = found["options"].as_array().unwrap().iter().find(|option| option["name"] == "as asked").unwrap();
    assert_eq!((&asked["latest_request_date"], &asked["lead_time_days"]), (&Value::from("2026-12-03"), &Value::from(14)));
    assert!(asked["launch"]["error_seen_share"].as_f64().unwrap() < found["launch"]["error_seen_share"].as_f64().unwrap() / 10.0);
    assert_eq!(text(&plan(work.path(), &arguments).stdout), text(&done.stdout), "the same seed, the same bytes");
}

/// Exit codes: enough is 0, a burst that nobody knows is 3.
#[test]
fn enough_and_unsure() {
    let work = tempfile::tempdir().unwrap();
    let cases = [
        (
            "create = { rate = 50, burst = 50 }\nstart = { rate = 50, burst = 50 }\nget = { rate = 50, burst = 50 }\nconcurrent = 200\n",
            0,
            "ENOUGH",
        ),
        ("create = 8\nstart = { rate = 50, burst = 50 }\nget = { rate = 50, burst = 50 }\nconcurrent = 200\n", 3, "UNSURE"),
    ];
    for (quota, code, word) in cases {
        std::fs::write(work.path().join("p.toml"), format!("{}[quota]\n{quota}", SMALL.split("[quota]").next().unwrap()))
            .unwrap();
        let done = plan(work.path(), &["p.toml", "--launches", "1", "--no-options"]);
        assert_eq!(
            (done.status.code(), text(&done.stdout).split("  ").next()),
            (Some(code), Some(word)),
            "{}",
            text(&done.stdout)
        );
    }
}

/// Everything that is wrong is told at once, with exit code 2 and without a directory.
#[test]
fn wrong_plans_are_refused() {
    let work = tempfile::tempdir().unwrap();
    let refused = |file: &str, content: &str, words: &[&str]| {
        std::fs::write(work.path().join(file), content).unwrap();
        let done = plan(work.path(), &[file]);
        let said = text(&done.stderr);
        assert_eq!((done.status.code(), text(&done.stdout).as_str()), (Some(2), ""), "{said}");
        for word in words {
            assert!(said.contains(word), "{word} is not in:\n{said}");
        }
        assert!(!work.path().join("results").exists(), "{file} made a directory");
    };
    refused("empty.toml", "name = \"a\"\n[demand]\n", &["the demand is empty", "add peak"]);
    refused(
        "many.toml",
        "name = \"a\"\nregion = \"us-east-2\"\n[demand]\nbase = -1\n[[demand.event]]\nkind = \"push\"\naudience = 10\nresponds = { low = \"9%\", expected = \"8%\", high = \"7%\" }\n",
        &["not a region with Face Liveness", "`base` is out of range", "`low` is above `high`", "3 problems"],
    );
    std::fs::write(work.path().join("gaps.csv"), "time,count\n0,60\n60,60\n120,60\n300,60\n").unwrap();
    refused(
        "gaps.toml",
        "name = \"a\"\n[demand]\ncurve = { file = \"gaps.csv\" }\n",
        &["gaps.csv", "a gap: 180 s", "add the missing rows"],
    );
    // A probe that was killed has a manifest, and no finding.
    let probe = work.path().join("killed-probe");
    let made = livebench()
        .current_dir(work.path())
        .args(["probe", "--virtual-time", "--max-calls", "20", "--out", "probes"])
        .output()
        .unwrap();
    assert!(made.status.code().is_some());
    std::fs::rename(std::fs::read_dir(work.path().join("probes")).unwrap().next().unwrap().unwrap().path(), &probe).unwrap();
    std::fs::remove_file(probe.join("probe.json")).unwrap();
    refused(
        "killed.toml",
        "name = \"a\"\n[demand]\npeak = 4\n[quota]\ncreate = { probe = \"killed-probe\" }\n",
        &["killed before it had a result", "probe again"],
    );
    refused(
        "none.toml",
        "name = \"a\"\n[demand]\npeak = 4\n[quota]\ncreate = { probe = \"nowhere\" }\n",
        &["there is no such directory", "like results/<UTC>-probe"],
    );
    let done = plan(work.path(), &["--peak", "20/s", "--region", "mars"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("not a region with Face Liveness") && !work.path().join("results").exists());
}

/// What a probe measured stands in the plan, with its interval and its burst.
#[test]
fn a_probe_takes_part() {
    let work = tempfile::tempdir().unwrap();
    let probed = livebench().current_dir(work.path()).args(["probe", "--virtual-time", "--out", "probes"]).output().unwrap();
    assert_eq!(probed.status.code(), Some(0), "{}", text(&probed.stderr));
    let probe = std::fs::read_dir(work.path().join("probes")).unwrap().next().unwrap().unwrap().path();
    let done = plan(
        work.path(),
        &["--peak", "10/s", "--probe", &probe.to_string_lossy(), "--launches", "1", "--no-options", "--output", "json"],
    );
    let found: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&done.stderr)));
    let create = &found["quotas"][0];
    assert_eq!(
        (&create["evidence"], &create["kind"], &create["burst"]),
        (&Value::from("probed"), &Value::from("token-bucket"), &Value::from(25.0))
    );
    let rate = |end: &str| create["rate_per_s"][end].as_f64().unwrap();
    assert!(rate("low") <= 25.0 && rate("high") >= 25.0 && rate("high") - rate("low") < 1.0, "{create}");
}

/// The proof is a sound scenario that runs, with the plan's quota and thresholds from its target; files that are there are kept.
#[test]
fn from_plan_to_proof() {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("small.toml"), SMALL).unwrap();
    let done = plan(work.path(), &["small.toml", "--launches", "1", "--no-options", "--scenario", "proof.toml"]);
    assert_eq!(done.status.code(), Some(1), "{}", text(&done.stderr));
    let checked = livebench().current_dir(work.path()).args(["check", "proof.toml", "small.toml"]).output().unwrap();
    let said = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}{}", text(&checked.stderr));
    assert!(said.contains("proof.toml: OK") && said.contains("small.toml: OK") && said.contains("28 sessions at once"), "{said}");
    let run = livebench()
        .current_dir(work.path())
        .args(["run", "proof.toml", "--virtual-time", "--output", "json", "--out", "runs"])
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&run.stderr)));
    let counts = &found["counts"];
    let share = counts["throttled"].as_f64().unwrap() / counts["sent"].as_f64().unwrap();
    assert!((share - 0.0353).abs() < 0.02, "{counts}");
    let again = plan(work.path(), &["small.toml", "--launches", "1", "--no-options", "--scenario", "proof.toml"]);
    assert_eq!(again.status.code(), Some(2), "proof.toml was there");
}

/// The commented plan is sound as it is, and nothing is overwritten.
#[test]
fn init_writes_a_plan() {
    let work = tempfile::tempdir().unwrap();
    let init = || livebench().current_dir(work.path()).args(["init", "--plan", "Launch Day.toml"]).output().unwrap();
    assert_eq!(init().status.code(), Some(0));
    let checked = livebench().current_dir(work.path()).args(["check", "Launch Day.toml"]).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert!(text(&checked.stdout).contains("sends nothing"), "{}", text(&checked.stdout));
    assert_eq!(init().status.code(), Some(2));
}

/// `--applied-quota` asks Service Quotas for all four quotas, here of an emulator, and each line says so; at AWS not without a word.
#[test]
fn applied_quotas_are_asked_for() {
    let work = tempfile::tempdir().unwrap();
    let config = work.path().join("emulator.toml");
    let bucket = |rate: u32| format!("{{ kind = \"token-bucket\", rate = {rate}, burst = {rate} }}");
    let [create, start, get] = [40, 41, 42].map(bucket);
    let text_of = format!("[emulator]\nquota = {create}\nstart_quota = {start}\nget_quota = {get}\nconcurrent_sessions = 321\n");
    std::fs::write(&config, text_of).unwrap();
    let emulator = Emulate::start(&["--config", config.to_str().unwrap()]);
    let brief = ["--peak", "20/s", "--launches", "1", "--no-options", "--output", "json"];
    let asked = plan(work.path(), &[&brief[..], &["--applied-quota", "--endpoint-url", &emulator.endpoint]].concat());
    let report: Value = serde_json::from_slice(&asked.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&asked.stderr)));
    let quotas = report["quotas"].as_array().unwrap();
    assert!(quotas.iter().all(|quota| quota["evidence"] == "applied"), "{quotas:?}");
    let limits: Vec<f64> = quotas.iter().map(|q| q["rate_per_s"]["point"].as_f64().or(q["limit"].as_f64()).unwrap()).collect();
    assert_eq!(limits, [40.0, 41.0, 42.0, 321.0]);
    let nobody = tempfile::tempdir().unwrap();
    let refused = plan(nobody.path(), &[&brief[..], &["--applied-quota"]].concat());
    let said = text(&refused.stderr);
    assert!(refused.status.code() == Some(2) && said.contains("nothing was sent") && said.contains("--yes"), "{said}");
    assert!(std::fs::read_dir(nobody.path()).unwrap().next().is_none());
    let typed = plan(work.path(), &[&brief[..], &["--quota", "40/s", "--concurrent", "321"]].concat());
    let report: Value = serde_json::from_slice(&typed.stdout).unwrap();
    assert!(report["quotas"].as_array().unwrap().iter().all(|quota| quota["evidence"] == "given"), "{report}");
}
