//! The same limiters over HTTP.

use std::process::Command;
use std::time::Duration;

use livebench::limiter::{Concurrency, FixedWindow, Quota, ShardedBucket, SlidingCounter, SlidingLog, StepBucket, TokenBucket};
use livebench::probe::ProbeFinding;

use crate::score::Score;
use crate::world::truth;

/// The same limiters over HTTP: the built binary against its embedded emulator.
pub(crate) fn real(limiters: usize, seed: u64) {
    let work = std::env::temp_dir().join(format!("livebench-bench-probe-{}", std::process::id()));
    std::fs::create_dir_all(&work).unwrap();
    let mut score = Score::default();
    for n in 0..limiters {
        let (truth, _) = truth(seed, n);
        let config = work.join("emulator.toml");
        let latency = "latency = { from = \"20ms\", to = \"40ms\" }";
        std::fs::write(&config, format!("[emulator]\n{latency}\nquota = {}\n", toml(truth.quota))).unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_livebench"))
            .args(["probe", "--output", "json", "--emulator"])
            .arg(&config)
            .arg("--out")
            .arg(work.join("results"))
            .output()
            .unwrap();
        let found: ProbeFinding =
            serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&done.stderr)));
        println!("  {} is {}", truth.quota, found.kind);
        score.count(&truth, &found);
    }
    std::fs::remove_dir_all(&work).unwrap();
    score.print("over HTTP");
}

/// A quota as the emulator's file has it.
fn toml(quota: Quota) -> String {
    let ms = |d: Duration| format!("\"{}ms\"", d.as_millis());
    match quota {
        Quota::None => "{ kind = \"none\" }".to_owned(),
        Quota::TokenBucket(TokenBucket { rate, burst, .. }) => {
            format!("{{ kind = \"token-bucket\", rate = {}, burst = {burst} }}", rate.as_f64())
        }
        Quota::StepBucket(StepBucket { tokens, every, burst, .. }) => {
            format!("{{ kind = \"step-bucket\", tokens = {tokens}, every = {}, burst = {burst} }}", ms(every))
        }
        Quota::FixedWindow(FixedWindow { limit, window, .. }) => {
            format!("{{ kind = \"fixed-window\", limit = {limit}, window = {} }}", ms(window))
        }
        Quota::SlidingLog(SlidingLog { limit, window, .. }) => {
            format!("{{ kind = \"sliding-log\", limit = {limit}, window = {} }}", ms(window))
        }
        Quota::SlidingCounter(SlidingCounter { limit, window, .. }) => {
            format!("{{ kind = \"sliding-counter\", limit = {limit}, window = {} }}", ms(window))
        }
        Quota::Concurrency(Concurrency { limit }) => format!("{{ kind = \"concurrency\", limit = {limit} }}"),
        Quota::ShardedBucket(ShardedBucket { nodes, rate, burst, .. }) => {
            format!("{{ kind = \"sharded-bucket\", nodes = {nodes}, rate = {}, burst = {burst} }}", rate.as_f64())
        }
        other => panic!("no such limiter is drawn: {other}"),
    }
}
