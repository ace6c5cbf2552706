//! A harness that others keep from the cores says so.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::support::livebench;

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

/// With the lowest priority beside four busy threads a core, neither model reads VALID, and the reason says what was in the way. In the
/// closed model, where a worker that is held up is due later and so never late, only the kernel's figure can tell.
#[test]
fn a_starved_harness_is_invalid() {
    for (load, reason) in [
        ("model = \"closed\"\ntransport = \"wire\"\nstages = [{ for = \"3s\", workers = 32 }]", "others had the cores"),
        ("concurrency = 1000\nstages = [{ for = \"3s\", rate = 1000 }]", ""),
    ] {
        let work = tempfile::tempdir().unwrap();
        let scenario = work.path().join("scenario.toml");
        std::fs::write(&scenario, format!("name = \"starved\"\n[load]\n{load}\n[emulator]\nquota = {{ kind = \"none\" }}\n"))
            .unwrap();
        let bin = livebench().get_program().to_owned();
        let noise = Noise::start();
        let mut command = Command::new("nice");
        command.args(["-n", "19"]).arg(bin).arg("run").arg(&scenario).arg("--out").arg(work.path().join("results"));
        let output = command.args(["--live", "off", "--output", "json", "--target", "emulator"]).output().unwrap();
        drop(noise);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{load}: {stderr}");
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["verdict"]["validity"], "INVALID", "{}", summary["verdict"]);
        // Kept from the cores to the end it sends nothing, and has no wait to tell of.
        let reason = if summary["counts"]["sent"] == 0 { "this machine had no time" } else { reason };
        assert!(summary["verdict"]["reasons"].to_string().contains(reason), "{}", summary["verdict"]);
    }
}
