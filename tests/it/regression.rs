//! What reports of users showed, a test a report: each names its report, and holds the value that is right.

use crate::support::livebench;

/// `check` on a scenario that is refused: what it says.
fn refused(emulator: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bad.toml");
    let load = "name = \"a\"\n[load]\nstages = [ { for = \"1s\", rate = 1 } ]\n";
    std::fs::write(&path, format!("{load}[emulator]\n{emulator}\n")).unwrap();
    let output = livebench().arg("check").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{emulator}");
    String::from_utf8(output.stderr).unwrap()
}

/// Report on 0.1.0: `probe` printed kinds that `[emulator] quota` refused, and the remedy named another kind. What a probe prints pastes
/// into a scenario, and a name of an earlier version is told its new one.
#[test]
fn kinds_of_a_probe_are_kinds_of_the_emulator() {
    use livebench::probe::Kind;
    for (kind, keys) in [
        (Kind::TokenBucket, "rate = 5, burst = 10"),
        (Kind::StepBucket, "tokens = 5, every = \"1s\", burst = 12"),
        (Kind::FixedWindow, "limit = 5, window = \"1s\""),
        (Kind::SlidingLog, "limit = 5, window = \"1s\""),
        (Kind::SlidingCounter, "limit = 5, window = \"1s\""),
        (Kind::Concurrency, "limit = 5"),
        (Kind::ShardedBucket, "nodes = 3, rate = 5, burst = 10"),
    ] {
        let text = format!("[emulator]\nquota = {{ kind = \"{kind}\", {keys} }}\n");
        assert!(livebench::scenario::read_emulator("pasted", &text).is_ok(), "{text}");
    }
    for (old, new) in [("step-refill", "step-bucket"), ("sharded", "sharded-bucket")] {
        let said = refused(&format!("quota = {{ kind = \"{old}\", rate = 5, burst = 10 }}"));
        assert!(said.contains(&format!("`{old}` is called `{new}` now")), "{said}");
    }
}
