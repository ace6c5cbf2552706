//! `livebench check` and `livebench schema` as a user types them.

use std::path::Path;

use assert_cmd::Command;

fn livebench(directory: &Path) -> Command {
    let mut command = Command::cargo_bin("livebench").unwrap();
    command.current_dir(directory).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

fn scenarios() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Exit code 2, nothing on stdout, no file made; gives what stderr says.
fn refused(bytes: &[u8]) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bad.toml"), bytes).unwrap();
    let output = livebench(directory.path()).args(["check", "bad.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1, "check wrote a file");
    String::from_utf8(output.stderr).unwrap()
}

/// Everything that is wrong with a file is drawn at once, in the order of the file.
#[test]
fn all_problems_at_once() {
    insta::assert_snapshot!(refused(
        br#"name = "My Scenario"
sead = 7

[load]
concurency = 64
stages = [ { for = "30s", rate = -5 }, { for = "1m" } ]

[[mix]]
name = "plain"
request = { Settings = { OutputConfig = { S3Bucket = "My Bucket!" }, AuditImages = 4 } }
request_file = "x.json"

[thresholds]
"response.p97" = "< 800ms"
"throttled.quota" = "< 800ms"
"#
    ));
}

/// Each of the ways in which a scenario goes wrong most often.
#[test]
fn unknown_key() {
    insta::assert_snapshot!(refused(b"name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = 1 } ]\narrival = \"even\"\n"));
}

/// See above.
#[test]
fn negative_rate() {
    insta::assert_snapshot!(refused(b"name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = -1 } ]\n"));
}

/// See above.
#[test]
fn no_stages() {
    insta::assert_snapshot!(refused(b"name = \"a\"\n[load]\nconcurrency = 8\n"));
}

/// See above.
#[test]
fn unknown_metric() {
    insta::assert_snapshot!(refused(
        b"name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = 1 } ]\n[thresholds]\n\"happiness\" = \"> 9\"\n"
    ));
}

/// See above.
#[test]
fn bad_bucket() {
    insta::assert_snapshot!(refused(
        b"name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = 1 } ]\n[[mix]]\nrequest = { Settings = { OutputConfig = { S3Bucket = \"b!\" } } }\n"
    ));
}

/// See above.
#[test]
fn request_and_request_file() {
    insta::assert_snapshot!(refused(
        b"name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = 1 } ]\n[[mix]]\nrequest = {}\nrequest_file = \"x.json\"\n"
    ));
}

/// See above.
#[test]
fn no_text() {
    insta::assert_snapshot!("empty", refused(b""));
    insta::assert_snapshot!("ten_megabytes", refused(&vec![b'#'; 10 << 20]));
    insta::assert_snapshot!("not_utf8", refused(b"name = \"a\"\n# caf\xe9\n"));
}

/// Every file is checked, also after a bad one; one bad file is enough for exit code 2.
#[test]
fn all_files_are_checked() {
    let output = livebench(&scenarios()).args(["check", "smoke.toml", "none.toml", "ci.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(stdout.contains("smoke.toml: OK") && stdout.contains("ci.toml: OK"), "{stdout}");
    assert!(stderr.contains("none.toml: there is no such file"), "{stderr}");
}

/// Problems and previews have a form for other programs.
#[test]
fn json_for_programs() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("bad.toml"), "name = \"a\"\nload = 1\n").unwrap();
    std::fs::write(directory.path().join("good.toml"), "name = \"a\"\n[load]\nstages = [ { calls = 3 } ]\n").unwrap();
    let args = ["check", "bad.toml", "good.toml", "none.toml", "--output", "json"];
    let output = livebench(directory.path()).args(args).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(2), b"".as_slice()));
    insta::assert_json_snapshot!(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap());
}

/// A row a scenario, for pull requests.
#[test]
fn markdown_for_pull_requests() {
    let output = livebench(&scenarios()).args(["check", "spike.toml", "closed.toml", "--output", "markdown"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap());
}

/// The printed schema is the published one.
#[test]
fn schema_is_printed() {
    let output = livebench(&scenarios()).args(["schema", "scenario"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), livebench::scenario::schema());
}

/// Colours only on request, for nothing here is a terminal.
#[test]
fn colours_are_asked_for() {
    let run = |colour: &str| {
        let output = livebench(&scenarios()).args(["check", "requests/full.json", "--color", colour]).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run("on").contains('\u{1b}'));
    assert!(!run("auto").contains('\u{1b}') && !run("off").contains('\u{1b}'));
}

/// A file of another kind is told as such, once, and with the command that takes it; the emulator of a scenario can be emulated.
#[test]
fn files_of_another_kind() {
    let directory = tempfile::tempdir().unwrap();
    let files = [
        ("scenario.toml", "name = \"a\"\n[load]\nstages = [ { calls = 1 } ]\n"),
        ("plan.toml", "name = \"a\"\n[demand]\npeak = \"20/s\"\n"),
        ("emulator.toml", "[emulator]\nlatency = \"1ms\"\n"),
    ];
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    for (arguments, said, taken) in [
        (&["run", "plan.toml", "--virtual-time"][..], "this is a plan, not a scenario", "livebench plan"),
        (&["run", "emulator.toml", "--virtual-time"], "settings of the emulator, not a scenario", "livebench emulate"),
        (&["plan", "scenario.toml"], "this is a scenario, not a plan", "livebench run"),
        (&["probe", "--virtual-time", "--emulator", "plan.toml"], "this is a plan, not a file", "livebench plan"),
        (&["check", "emulator.toml"], "settings of the emulator, not a scenario", "livebench emulate"),
    ] {
        let output = livebench(directory.path()).args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said) && stderr.contains(taken) && stderr.contains("1 problem in"), "{arguments:?}: {stderr}");
    }
    let plain = livebench(directory.path()).arg("plan").output().unwrap();
    assert!(String::from_utf8_lossy(&plain.stderr).contains("--peak"), "plan names both ways");
}
