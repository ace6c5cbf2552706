//! What people read on a terminal fits into it: 80 columns and more, for every command.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::livebench;

/// What a command writes to a terminal of so many columns, without colours.
fn shown(work: &Path, columns: u16, arguments: &[&str]) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    tcsetwinsize(&theirs, Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let mut child = {
        // Holds the terminal until it is dropped.
        let mut command = livebench();
        command.current_dir(work).args(arguments).args(["--color", "off"]).stdin(Stdio::null());
        command.stdout(theirs).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut ours = File::from(ours);
    let (mut text, mut buffer) = (Vec::new(), vec![0; 65536]);
    // A terminal that nobody holds any more cannot be read: that is its end.
    while let Ok(n @ 1..) = ours.read(&mut buffer) {
        text.extend_from_slice(&buffer[..n]);
    }
    child.wait().unwrap();
    String::from_utf8(text).unwrap().replace('\r', "")
}

/// Every line that is wider than the terminal.
fn wide(text: &str, columns: u16) -> Vec<&str> {
    text.lines().filter(|line| line.chars().count() > usize::from(columns)).collect()
}

/// Report on 0.1.0: the tables of a plan were up to 177 columns wide, and wrapped by the terminal nobody could read them. Every command's text
/// fits, whatever the terminal's width: tables that are too wide go on below, and no number is lost.
#[test]
fn text_fits_the_terminal() {
    let work = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = |name: &str| root.join(name).display().to_string();
    let slower = std::fs::read_to_string(root.join("scenarios/ramp.toml")).unwrap().replace("rate = 60", "rate = 25");
    std::fs::write(work.path().join("slower.toml"), slower).unwrap();
    let (ramp, slower) = (file("scenarios/ramp.toml"), "slower.toml".to_owned());
    for (scenario, side) in [(&ramp, "base"), (&ramp, "new"), (&slower, "other")] {
        for seed in ["1", "2"] {
            let text = shown(work.path(), 80, &["run", scenario, "--virtual-time", "--quiet", "--seed", seed, "--out", side]);
            assert_eq!(wide(&text, 80), Vec::<&str>::new());
        }
    }
    let scenarios: Vec<String> =
        ["mix", "stacked", "idempotency", "queue", "spike"].map(|name| file(&format!("scenarios/{name}.toml"))).to_vec();
    let (plan, probe) = (file("scenarios/plans/reverify.toml"), file("deploy/probe.toml"));
    let mut lines: Vec<Vec<&str>> = vec![
        vec!["report", "base"],
        vec!["compare", "base", "new"],
        vec!["compare", "base", "new", "--all"],
        vec!["compare", "base", "other"],
        vec!["compare", "base", "other", "--force", "--all"],
        vec!["history", "base"],
        vec!["plan", &plan, "--launches", "1"],
        vec!["probe", "--emulator", &probe, "--virtual-time", "--quiet"],
        vec!["check", &plan],
        vec!["help", "soak"],
        vec!["shard"],
    ];
    lines.extend(
        scenarios.iter().flat_map(|path| [vec!["check", path], vec!["run", path, "--virtual-time", "--quiet", "--out", "x"]]),
    );
    for command in livebench::cli::COMMANDS {
        lines.extend([vec![*command, "-h"], vec![*command, "--help"]]);
    }
    for columns in [80, 120] {
        for arguments in &lines {
            let text = shown(work.path(), columns, arguments);
            assert!(!text.is_empty(), "{arguments:?} says nothing");
            assert_eq!(wide(&text, columns), Vec::<&str>::new(), "{arguments:?} at {columns}:\n{text}");
        }
    }
    let text = shown(work.path(), 80, &["plan", &plan, "--launches", "1"]);
    for word in
        ["change: ", "costs: a request to AWS", "begin by: ", "wait p99", " sessions", "5.00 % .. 12.0 %", "12.0 min .. 35.0 min"]
    {
        assert!(text.contains(word), "{word}:\n{text}");
    }
}
