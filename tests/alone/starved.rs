//! A harness that others keep from the cores says so.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::support::{Emulate, livebench};

/// Threads that leave the machine no free time, until dropped.
struct Noise {
    on: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Noise {
    fn start() -> Self {
        let cores = std::thread::available_parallelism().unwrap().get();
        let on = Arc::new(AtomicBool::new(true));
        let spin = |on: Arc<AtomicBool>| move || while on.load(Ordering::Relaxed) {};
        let threads = (0..4 * cores).map(|_| std::thread::spawn(spin(Arc::clone(&on)))).collect();
        Self { on, threads }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.on.store(false, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// With little of a core beside four busy threads on each, neither model reads VALID, and the reason says what was in the way. In the closed
/// model, where a worker that is held up is due later and so never late, only the kernel's figure can tell.
///
/// Only the harness is nice: the server has its share of the cores, so that what is told is the harness's own wait. Linux weighs nice 10 as 110
/// beside 1024 of each busy thread, 2.6 % of a core: a run's tenth of a second on a core, start and end, is over in seconds. At nice 19 it has
/// 0.4 %, and takes minutes.
#[test]
fn a_starved_harness_is_invalid() {
    let _alone = crate::alone();
    for load in [
        "model = \"closed\"\ntransport = \"wire\"\nstages = [{ for = \"3s\", workers = 32 }]",
        "concurrency = 1000\nstages = [{ for = \"3s\", rate = 1000 }]",
    ] {
        let work = tempfile::tempdir().unwrap();
        let (scenario, config) = (work.path().join("scenario.toml"), work.path().join("emulator.toml"));
        std::fs::write(&scenario, format!("name = \"starved\"\n[load]\n{load}\n")).unwrap();
        std::fs::write(&config, "[emulator]\nquota = { kind = \"none\" }\n").unwrap();
        let emulator = Emulate::start(&["--config", config.to_str().unwrap()]);
        let bin = livebench().get_program().to_owned();
        let noise = Noise::start();
        let mut command = Command::new("nice");
        command.args(["-n", "10"]).arg(bin).arg("run").arg(&scenario).arg("--out").arg(work.path().join("results"));
        let output = command.args(["--live", "off", "--output", "json", "--endpoint-url", &emulator.endpoint]).output().unwrap();
        drop(noise);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{load}: {stderr}");
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["verdict"]["validity"], "INVALID", "{}", summary["verdict"]);
        assert!(summary["verdict"]["reasons"].to_string().contains("others had the cores"), "{}", summary["verdict"]);
    }
}
