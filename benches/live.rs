//! What the live view costs the measurement: the harness's own lateness with and without it.
//!
//! `cargo bench --bench live [-- ROUNDS]`. Every round runs the same load without a view, with a line a second, and with the view on a terminal of
//! 200 x 60, one after the other in turning order, so that what the machine does besides falls on all of them. Printed are the
//! percentiles of lateness of each run, the medians over the rounds, and the median of the differences within a round.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::cast_precision_loss)] // a program of its own

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

const SCENARIO: &str = "name = \"live\"\n[load]\nconcurrency = 512\nstages = [ { for = \"10s\", rate = 500 } ]\n\
    [emulator]\nquota = { kind = \"none\" }\nlatency = { median = \"45ms\", p99 = \"160ms\" }\n";

/// How a run is watched.
const FORMS: [(&str, &[&str]); 3] = [("nothing", &["--live", "off"]), ("lines", &["--quiet"]), ("view", &["--live", "on"])];

/// Percentiles of lateness in microseconds: p50, p99, p99.9, and the process's CPU share.
type Measured = [f64; 4];

/// A terminal: our end and the program's.
fn terminal() -> (File, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    tcsetwinsize(&theirs, Winsize { ws_row: 60, ws_col: 200, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (File::from(ours), theirs)
}

/// One run on a terminal; what it measured, and the bytes that it drew.
fn run(work: &Path, arguments: &[&str]) -> (Measured, usize) {
    let (scenario, out) = (work.join("live.toml"), work.join("results"));
    std::fs::write(&scenario, SCENARIO).unwrap();
    let _ = std::fs::remove_dir_all(&out);
    let (mut ours, theirs) = terminal();
    let reader = std::thread::spawn(move || {
        let (mut buffer, mut bytes) = (vec![0; 65536], 0);
        // The last program to leave a terminal ends it with an error.
        while let Ok(n @ 1..) = ours.read(&mut buffer) {
            bytes += n;
        }
        bytes
    });
    let mut command = Command::new(env!("CARGO_BIN_EXE_livebench"));
    command.env("TERM", "xterm-256color").arg("run").arg(&scenario).arg("--out").arg(&out).args(arguments);
    command.stdin(theirs.try_clone().unwrap()).stderr(theirs).stdout(Stdio::null());
    let status = command.status().unwrap();
    drop(command);
    let bytes = reader.join().unwrap();
    let directory = std::fs::read_dir(&out).unwrap().next().unwrap_or_else(|| panic!("{status}")).unwrap().path();
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(directory.join("summary.json")).unwrap()).unwrap();
    let lateness = &summary["latency"]["lateness"]["all"];
    let at = |name: &str| lateness[name].as_f64().unwrap();
    ([at("p50_us"), at("p99_us"), at("p999_us"), summary["own"]["cpu"]["process_share"].as_f64().unwrap() * 100.0], bytes)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(7);
    let work = tempfile::tempdir().unwrap();
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); FORMS.len()];
    for round in 0..rounds {
        for turn in 0..FORMS.len() {
            let form = (round + turn) % FORMS.len();
            let (values, bytes) = run(work.path(), FORMS[form].1);
            let [p50, p99, p999, cpu] = values;
            println!(
                "round {round} {:8} lateness p50 {p50:.0} p99 {p99:.0} p99.9 {p999:.0} us; cpu {cpu:.1} %; {bytes} bytes drawn",
                FORMS[form].0
            );
            measured[form].push(values);
        }
    }
    for (form, (name, _)) in FORMS.iter().enumerate() {
        let of = |i: usize| median(measured[form].iter().map(|m| m[i]).collect());
        let more = |i: usize| median(measured[form].iter().zip(&measured[0]).map(|(m, nothing)| m[i] - nothing[i]).collect());
        println!(
            "{name:8} median of {rounds}: p50 {:.0} ({:+.0}) p99 {:.0} ({:+.0}) p99.9 {:.0} ({:+.0}) us; cpu {:.1} % ({:+.1})",
            of(0),
            more(0),
            of(1),
            more(1),
            of(2),
            more(2),
            of(3),
            more(3)
        );
    }
}
