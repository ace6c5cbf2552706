//! What trials of 0.1.0 showed of the command line and of scenarios (findings B2, B6, B7 and E): a test a kind, with the answer that is right.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{few_calls, livebench};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs the binary in a directory.
fn typed(directory: &Path, arguments: &[&str]) -> Output {
    livebench().current_dir(directory).args(arguments).output().unwrap()
}

/// What is said about a command line that cannot be followed: exit code 2, and nothing on stdout.
fn refused(directory: &Path, arguments: &[&str]) -> String {
    let output = typed(directory, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

/// What is said about a scenario of this text.
fn problems(scenario: &str) -> String {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("a.toml"), scenario).unwrap();
    refused(work.path(), &["run", "a.toml"])
}

/// Report on 0.1.0 (E): `replay = "5%"` was answered with `replay = 1`, a share that means the opposite. A value of the wrong type is
/// answered with what it was meant to be, whatever its key.
#[test]
fn wrong_types_are_answered_with_what_was_meant() {
    let with = |lines: &str| problems(&format!("name = \"a\"\n[load]\nstages = [ {{ calls = 5 }} ]\n{lines}"));
    assert!(with("[idempotency]\nreplay = \"5%\"\n").contains("replay = 0.05"));
    assert!(with("[idempotency]\nrace = 12\n").contains("race = 0.12"));
    assert!(with("[budget]\nmax_calls = \"1,000\"\n").contains("max_calls = 1000"));
    assert!(with("[emulator]\nquota = { rate = \"25/s\" }\n").contains("rate = 25"));
    assert!(with("[emulator]\nretry_after = 3\n").contains("retry_after = \"3s\""));
    assert!(with("[emulator]\nallow_unsigned = \"yes\"\n").contains("allow_unsigned = true"));
}

/// Report on 0.1.0 (E): the words of k6 and keys in the wrong table were answered with a list of known keys.
#[test]
fn keys_are_sent_where_they_belong() {
    let load = |line: &str| problems(&format!("name = \"a\"\n[load]\n{line}\nstages = [ {{ for = \"1s\", rate = 5 }} ]\n"));
    assert!(load("duration = \"5s\"").contains("the length is `for`, in a stage"));
    assert!(load("vus = 5").contains("workers = 8"));
    assert!(load("rate = 5").contains("stages = [ { for = \"30s\", rate = 5 } ]"));
    assert!(load("max_calls = 5").contains("belongs in [budget]"));
    let stage = problems("name = \"a\"\n[load]\nstages = [ { duration = \"5s\", target = 5 } ]\n");
    assert!(stage.contains("`for`, in a stage") && stage.contains("from = 5, to = 40"), "{stage}");
}

/// Report on 0.1.0 (E): YAML and JSON were answered with an error of TOML a line.
#[test]
fn other_languages_are_named() {
    for (scenario, language) in [
        ("name: a\nload:\n  stages:\n    - for: 5s\n      rate: 5\n", "YAML"),
        ("---\n# comment\nscenarios:\n  - flow: []\n", "YAML"),
        ("{\n  \"name\": \"a\",\n  \"load\": {}\n}\n", "JSON"),
    ] {
        let said = problems(scenario);
        assert!(said.contains(&format!("this looks like {language}")) && said.contains("`livebench init`"), "{said}");
        assert!(said.contains("1 problem in"), "{said}");
    }
    assert!(!problems("name = \"a\"\nload: x\n").contains("YAML"));
}

/// Report on 0.1.0 (E): `run smoke` said that there is no such file.
#[test]
fn files_nearby_are_found() {
    let work = tempfile::tempdir().unwrap();
    std::fs::create_dir(work.path().join("scenarios")).unwrap();
    for name in ["scenarios/smoke.toml", "launch.toml"] {
        std::fs::write(work.path().join(name), few_calls(5)).unwrap();
    }
    assert!(refused(work.path(), &["run", "smoke"]).contains("did you mean scenarios/smoke.toml?"));
    assert!(refused(work.path(), &["run", "smoke.toml"]).contains("did you mean scenarios/smoke.toml?"));
    assert!(refused(work.path(), &["run", "launch"]).contains("did you mean launch.toml?"));
    assert!(refused(work.path(), &["run", "lanch.toml"]).contains("did you mean launch.toml?"));
    assert!(refused(work.path(), &["run", "scenarios/smok.toml"]).contains("did you mean scenarios/smoke.toml?"));
    assert!(refused(work.path(), &["run", "other"]).contains("check the path"));
    let checked = typed(work.path(), &["check", "smoke"]);
    let said = [checked.stdout, checked.stderr].concat();
    assert!(text(&said).contains("did you mean scenarios/smoke.toml?"), "{}", text(&said));
}

/// Report on 0.1.0 (E): a file where a directory is needed was told as "File exists (os error 17)"; nothing was sent, and nothing is.
#[test]
fn a_file_is_no_place_for_results() {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("a.toml"), few_calls(5)).unwrap();
    std::fs::write(work.path().join("afile"), "kept").unwrap();
    for (out, command) in [("afile", "run"), ("afile/deeper", "run"), ("afile", "probe")] {
        let arguments: &[&str] =
            if command == "run" { &["run", "a.toml", "--virtual-time"] } else { &["probe", "--virtual-time"] };
        let said = refused(work.path(), &[arguments, &["--out", out]].concat());
        assert!(said.contains("afile is a file; --out names a directory"), "{said}");
    }
    assert_eq!(std::fs::read_to_string(work.path().join("afile")).unwrap(), "kept");
}

/// Report on 0.1.0 (E): `report`, `report results` and `report x/summary.json` were no run. The newest run is meant, and said.
#[test]
fn report_finds_the_run() {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("a.toml"), few_calls(5)).unwrap();
    for seed in ["1", "2"] {
        let made = typed(work.path(), &["run", "a.toml", "--virtual-time", "--seed", seed]);
        assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    }
    let results = work.path().join("results");
    let mut runs: Vec<_> = std::fs::read_dir(&results).unwrap().map(|entry| entry.unwrap().path()).collect();
    runs.sort();
    let newest = typed(work.path(), &["report", "--format", "json"]);
    assert_eq!(newest.status.code(), Some(0), "{}", text(&newest.stderr));
    assert!(text(&newest.stderr).contains("is the newest of 2 in results"), "{}", text(&newest.stderr));
    for named in ["results", "results/"] {
        assert_eq!(typed(work.path(), &["report", named, "--output", "json"]).stdout, newest.stdout, "{named}");
    }
    let summary: serde_json::Value = serde_json::from_slice(&newest.stdout).unwrap();
    assert_eq!(summary["seed"], 2, "{summary}");
    let file = runs[0].join("summary.json");
    let of_file = typed(work.path(), &["report", file.to_str().unwrap(), "--format", "json"]);
    assert_eq!(of_file.stdout, typed(work.path(), &["report", runs[0].to_str().unwrap(), "--format", "json"]).stdout);
    assert!(refused(work.path(), &["report", "nowhere"]).contains("nowhere"));
}

/// Report on 0.1.0 (E): ports alone and `localhost` were no addresses.
#[test]
fn a_port_is_an_address() {
    let said = refused(Path::new("."), &["emulate", "--listen", "example.com:80"]);
    assert!(said.contains("a port of this machine like 5000"), "{said}");
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port().to_string();
    // Taken by this test, so that the emulator understands the address and cannot have it.
    for listen in [port.clone(), format!(":{port}"), format!("localhost:{port}")] {
        let said = refused(Path::new("."), &["emulate", "--listen", &listen]);
        assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}: the address is in use")), "{said}");
    }
}

/// Report on 0.1.0 (E): the region, `--yes` and the budget of a probe of AWS were asked for one at a time.
#[test]
fn what_aws_needs_is_asked_for_at_once() {
    let said = refused(Path::new("."), &["probe", "--target", "aws"]);
    for needed in ["region", "--yes", "--max-spend-usd"] {
        assert!(said.contains(needed), "{said}");
    }
}

/// Report on 0.1.0 (E): a file's name where JSON belongs was told as invalid JSON.
#[test]
fn a_file_is_named_as_one() {
    let said = refused(Path::new("."), &["call", "--cli-input-json", "nosuch.json"]);
    assert!(said.contains("Did you mean file://nosuch.json?"), "{said}");
    let said = refused(Path::new("."), &["call", "--settings", "settings.json"]);
    assert!(said.contains("Did you mean file://settings.json?"), "{said}");
}

/// `--output` and `--format` are one option wherever either could be typed, with the same words.
#[test]
fn output_and_format_are_one() {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("a.toml"), few_calls(5)).unwrap();
    for command in [vec!["check", "a.toml"], vec!["run", "a.toml", "--virtual-time", "--live", "off"]] {
        let with = |option: &str, form: &str| {
            let output = typed(work.path(), &[command.as_slice(), &[option, form]].concat());
            assert_eq!(output.status.code(), Some(0), "{command:?} {option} {form}: {}", text(&output.stderr));
        };
        for (option, form) in [("--format", "json"), ("--output", "text"), ("--format", "terminal"), ("--output", "terminal")] {
            with(option, form);
        }
    }
    for command in ["run", "probe", "check", "report", "compare", "history", "emulate", "call", "selftest", "init"] {
        let help = text(&Command::new(env!("CARGO_BIN_EXE_livebench")).args([command, "--help"]).output().unwrap().stdout);
        assert!(help.contains("--output") && help.contains("format"), "{command}: {help}");
    }
}

/// Report on 0.1.0 (B2): `throttled = "< 1"` was taken for 100 %. Shares need `%`, rates `/s`; what was understood is echoed.
#[test]
fn limits_are_never_guessed() {
    let said = problems(&format!("{}[thresholds]\nthrottled = \"< 1\"\n\"rate.ok\" = \">= 20\"\n", few_calls(5)));
    assert!(said.contains("a limit has its unit: 1%, or 100% if a part of 1 is meant"), "{said}");
    assert!(said.contains("a limit has its unit: 20/s"), "{said}");
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("a.toml"), format!("{}[thresholds]\nthrottled = \"< 1%\"\n", few_calls(5))).unwrap();
    let checked = text(&typed(work.path(), &["check", "a.toml"]).stdout);
    assert!(checked.contains("must hold   throttled < 1%"), "{checked}");
    for guessed in [vec!["probe", "--virtual-time", "--precision", "0.5"], vec!["compare", "a", "b", "--confidence", "95"]] {
        assert!(refused(work.path(), &guessed).contains("with its sign"), "{guessed:?}");
    }
}

/// Report on 0.1.0 (B6): one call was "$0.01 at worst" for $0.015. A bill is rounded up.
#[test]
fn bills_are_rounded_up() {
    let work = tempfile::tempdir().unwrap();
    std::fs::write(work.path().join("a.toml"), "name = \"a\"\n[load]\nstages = [ { calls = 1 } ]\n").unwrap();
    for form in ["text", "markdown"] {
        let checked = text(&typed(work.path(), &["check", "a.toml", "--output", form]).stdout);
        assert!(checked.contains("$0.02") && !checked.contains("$0.01 "), "{checked}");
    }
}

/// Report on 0.1.0 (B7): `check` knew nothing of `max_spend_usd` ("$39.30 at worst" of $1), nor of a `max_rate` below a burst.
#[test]
fn check_knows_the_budget() {
    let work = tempfile::tempdir().unwrap();
    let made = typed(work.path(), &["init", "a.toml", "--rate", "40", "--max-spend-usd", "1"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    let checked = text(&typed(work.path(), &["check", "a.toml"]).stdout);
    assert!(checked.contains("on AWS $0.99 at worst"), "{checked}");
    assert!(checked.contains("warning: on AWS budget.max_spend_usd stops the run after 66 of 2620 calls"), "{checked}");
    let capped = "name = \"b\"\n[load]\nmax_rate = 50\nstages = [ { calls = 100 } ]\n";
    std::fs::write(work.path().join("b.toml"), capped).unwrap();
    let checked = text(&typed(work.path(), &["check", "b.toml"]).stdout);
    assert!(checked.contains("warning: max_rate 50/s lets 5 of the 100 calls of a burst through at once"), "{checked}");
}

/// What the service clamps or refuses can be sent: an unchecked mix reaches it as it is written, over both transports and in virtual time.
#[test]
fn unchecked_mixes_are_sent() {
    let mix = "[[mix]]\nname = \"clamped\"\nunchecked = true\nrequest = { Settings = { AuditImagesLimit = -1 } }\n\
               [[mix]]\nname = \"refused\"\nunchecked = true\nrequest = { Settings = { OutputConfig = { S3Bucket = \"x\" } } }\n";
    let work = tempfile::tempdir().unwrap();
    for (transport, how) in [("sdk", None), ("wire", None), ("sdk", Some("--virtual-time"))] {
        let scenario = few_calls(40).replace("[load]", &format!("[load]\ntransport = \"{transport}\""));
        std::fs::write(work.path().join("a.toml"), format!("{scenario}{mix}")).unwrap();
        let arguments = ["run", "a.toml", "--live", "off", "--output", "json"].into_iter().chain(how).collect::<Vec<_>>();
        let output = typed(work.path(), &arguments);
        let summary: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)));
        let ok = summary["counts"]["ok"].as_u64().unwrap();
        let refused: u64 =
            summary["exceptions"]["by_name"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
        assert!(ok > 0 && refused > 0 && ok + refused == 40, "{transport} {how:?}: {}", summary["exceptions"]);
    }
    let checked = problems(&format!("{}[[mix]]\nrequest = {{ Settings = {{ AuditImagesLimit = 9 }} }}\n", few_calls(5)));
    assert!(checked.contains("`Settings.AuditImagesLimit` cannot be `9`"), "{checked}");
}

/// Report on 0.1.0: `livebench help soak` was answered with a list of possible values. A word that names no page is looked up in the guide; a slip of
/// the finger is answered with what was meant, and a word that the guide does not know with where to begin.
#[test]
fn help_looks_words_up() {
    let work = tempfile::tempdir().unwrap();
    let found = typed(work.path(), &["help", "soak"]);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    assert!(text(&found.stdout).contains("livebench help resume") && text(&found.stdout).contains("livebench help scenario"));
    assert!(refused(work.path(), &["help", "scenaro"]).contains("did you mean `scenario`?"));
    assert!(refused(work.path(), &["help", "xyzzy"]).contains("`livebench help commands`"));
    assert!(refused(work.path(), &["man", "slurm"]).contains("`livebench help slurm` finds it in the guide"));
}

/// Report on 0.1.0: a plan's file was "not the directory of a probe", a plan's directory was a run without a manifest. What was named is said,
/// with the command that takes it.
#[test]
fn other_things_are_named() {
    let work = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (plan, scenario) = (root.join("scenarios/plans/reverify.toml"), root.join("scenarios/smoke.toml"));
    let (plan, scenario) = (plan.display().to_string(), scenario.display().to_string());
    std::fs::create_dir_all(work.path().join("planned")).unwrap();
    std::fs::write(work.path().join("planned/plan.json"), "{}").unwrap();
    let ran = typed(work.path(), &["run", &scenario, "--virtual-time", "--quiet", "--out", "runs"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    let run = std::fs::read_dir(work.path().join("runs")).unwrap().next().unwrap().unwrap().path().display().to_string();
    let summary = format!("{run}/summary.json");
    for (arguments, words) in [
        (
            &["plan", "--peak", "1/s", "--probe", &plan][..],
            ["it is a plan, not the directory of a probe", "`livebench plan` takes plans"],
        ),
        (&["plan", "--peak", "1/s", "--probe", &scenario], ["it is a scenario", "`livebench run` takes scenarios"]),
        (&["plan", "--peak", "1/s", "--probe", &run], ["it is the directory of a run", "`livebench report`"]),
        (&["plan", "--peak", "1/s", "--probe", &summary], ["it is a file in the directory of a run", "name the directory"]),
        (&["plan", "--peak", "1/s", "--probe", "none"], ["there is no such directory", "like results/"]),
        (&["compare", "planned", &run], ["is the directory of a plan, not the directory of a run", "plan.html"]),
        (&["compare", &scenario, &run], ["is a scenario, not the directory of a run", "`livebench run`"]),
        (&["resume", "planned"], ["is the directory of a plan", "plan.md"]),
        (&["resume", &scenario], ["is a scenario", "`livebench run`"]),
        (&["history", &run], ["is the directory of a run, not a directory of runs", "`livebench compare`"]),
        (&["run", "planned"], ["is a directory", "name a file in it"]),
        (&["run", &run], ["is a directory", "like "]),
    ] {
        // Long lines are broken between words, and go on behind a bar.
        let said = refused(work.path(), arguments);
        let said = said.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(said.contains(word), "{arguments:?}: {said}");
        }
    }
}
