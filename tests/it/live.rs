//! The live view on a real terminal: it takes it, gives it back however the run ends, and Ctrl-C stops the run.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use crate::support::{Run, eventually, livebench};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

const LONG: &str = "name = \"long\"\n[load]\nstages = [ { for = \"60s\", rate = 20 } ]\n[thresholds]\nerrors = \"< 1%\"\n[emulator]\nlatency = \"20ms\"\n";

/// What leaves the other screen.
const LEAVE: &str = "\u{1b}[?1049l";

/// A run on a terminal of its own.
struct Terminal {
    ours: File,
    theirs: OwnedFd,
    drawn: Arc<Mutex<Vec<u8>>>,
    process: Child,
    work: tempfile::TempDir,
}

impl Terminal {
    fn run(scenario: &str, arguments: &[&str]) -> Self {
        let work = tempfile::tempdir().unwrap();
        let path = work.path().join("scenario.toml");
        std::fs::write(&path, scenario).unwrap();
        let path = path.display().to_string();
        Self::of(work, &[&["run", &path], arguments].concat())
    }

    /// A probe of the emulator as it comes.
    fn probe(arguments: &[&str]) -> Self {
        Self::of(tempfile::tempdir().unwrap(), &[&["probe"], arguments].concat())
    }

    fn of(work: tempfile::TempDir, arguments: &[&str]) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap();
        let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&theirs, Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let ours = File::from(ours);
        let drawn = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, shared) = (ours.try_clone().unwrap(), Arc::clone(&drawn));
        // Ends when nobody holds the terminal any more.
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                shared.lock().unwrap().extend_from_slice(&buffer[..n]);
            }
        });
        let process = livebench()
            .env("TERM", "xterm-256color")
            .args(arguments)
            .arg("--out")
            .arg(work.path().join("results"))
            .stdin(theirs.try_clone().unwrap())
            .stderr(theirs.try_clone().unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { ours, theirs, drawn, process, work }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.drawn.lock().unwrap()).into_owned()
    }

    fn shows(&self, what: &str) {
        eventually(what, || self.text().contains(what).then_some(()));
    }

    /// A whole second of calls was sent: the timeline has its row.
    fn has_sent(&self) {
        eventually("a second of the run", || {
            let run = std::fs::read_dir(self.work.path().join("results")).ok()?.next()?.ok()?.path();
            let timeline = std::fs::read_to_string(run.join("timeline.csv")).ok()?;
            (timeline.lines().count() > 1).then_some(())
        });
    }

    fn types(&mut self, keys: &[u8]) {
        self.ours.write_all(keys).unwrap();
    }

    /// Whether it echoes and reads by line, as terminals do.
    fn is_usual(&self) -> bool {
        tcgetattr(&self.theirs).unwrap().local_modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    fn code(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }
}

/// The view shows the run; Ctrl-C and q stop it as an interrupt does, and the terminal is as before.
#[test]
fn keys_stop_the_run() {
    for key in [b"\x03", b"q"] {
        let mut terminal = Terminal::run(LONG, &[]);
        terminal.shows("calls per second");
        // Which verdict depends on what else the machine does.
        eventually("a verdict", || {
            ["VALID", "SUSPECT", "too early"].iter().any(|word| terminal.text().contains(word)).then_some(())
        });
        assert!(!terminal.is_usual());
        terminal.types(b"p");
        terminal.shows("paused; the run continues");
        terminal.types(key);
        assert_eq!(terminal.code(), Some(130));
        terminal.shows(LEAVE);
        assert!(terminal.is_usual());
    }
}

/// Report on 0.1.0 (B10): a signal that closes left the terminal on its other screen, without a cursor.
#[test]
fn signals_give_the_terminal_back() {
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::TERM] {
        let mut terminal = Terminal::run(LONG, &[]);
        terminal.has_sent();
        assert!(!terminal.is_usual());
        rustix::process::kill_process(rustix::process::Pid::from_child(&terminal.process), signal).unwrap();
        assert_eq!(terminal.code(), Some(130));
        terminal.shows(LEAVE);
        // After the last time that it was hidden.
        eventually("the cursor", || {
            let text = terminal.text();
            (text.rfind("\u{1b}[?25h") > text.rfind("\u{1b}[?25l")).then_some(())
        });
        assert!(terminal.is_usual());
    }
}

/// Who interrupts twice leaves at once, with the terminal as before.
#[test]
fn leaving_at_once_gives_the_terminal_back() {
    let scenario = LONG.replace("20ms", "50s");
    let mut terminal = Terminal::run(&scenario, &[]);
    terminal.has_sent();
    terminal.types(b"\x03");
    terminal.shows("nothing more is sent");
    terminal.types(b"\x03");
    assert_eq!(terminal.code(), Some(130));
    terminal.shows(LEAVE);
    terminal.shows("left at once");
    assert!(terminal.is_usual());
}

/// A run that comes to its end gives the terminal back, too.
#[test]
fn the_end_gives_the_terminal_back() {
    let mut terminal = Terminal::run(&LONG.replace("60s", "2s"), &[]);
    terminal.shows("calls per second");
    assert!(matches!(terminal.code(), Some(0 | 3)));
    terminal.shows(LEAVE);
    assert!(terminal.is_usual());
}

/// `--quiet` on a terminal, and no terminal at all: a line a second, and nothing else is drawn. `--live off`: no line.
#[test]
fn lines() {
    let scenario = LONG.replace("60s", "3s");
    let mut terminal = Terminal::run(&scenario, &["--quiet"]);
    terminal.shows("00:02  offered 20/s  sent 20/s");
    assert!(terminal.is_usual());
    terminal.code();
    assert!(!terminal.text().contains("\u{1b}[?1049h"), "{}", terminal.text());
    let (run, _work) = Run::of(&scenario, &[], |_| {});
    assert!(run.stderr.contains("\n00:02  offered 20/s  sent 20/s") && !run.stderr.contains('\u{1b}'), "{}", run.stderr);
    let (off, _work) = Run::of(&scenario, &["--live", "off"], |_| {});
    assert!(!off.stderr.contains("offered"), "{}", off.stderr);
}

/// A probe shows itself, too: its view on a terminal, whose keys stop it with what it has seen kept, and its lines elsewhere.
#[test]
fn a_probe() {
    let mut terminal = Terminal::probe(&[]);
    terminal.shows("let through, in all");
    terminal.shows("token-bucket");
    assert!(!terminal.is_usual());
    terminal.types(b"q");
    assert_eq!(terminal.code(), Some(130));
    terminal.shows(LEAVE);
    assert!(terminal.is_usual());
    let mut lines = Terminal::probe(&["--quiet", "--max-time", "3s"]);
    lines.shows("00:01  ");
    lines.shows("  sent ");
    lines.code();
    assert!(!lines.text().contains("\u{1b}[?1049h"), "{}", lines.text());
    let mut off = Terminal::probe(&["--live", "off", "--max-time", "2s"]);
    off.code();
    assert!(!off.text().contains("sent "), "{}", off.text());
}

/// An address that is not this machine's own cannot be asked for the metrics: it is said before anything is sent.
#[test]
fn metrics_are_for_this_machine() {
    let (run, _work) = Run::of(LONG, &["--metrics", "192.0.2.1:9464"], |_| {});
    assert_eq!((run.code, run.dir), (Some(2), None));
    assert!(run.stderr.contains("is not a loopback address"), "{}", run.stderr);
}
