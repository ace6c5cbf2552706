use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::client::outcome::Outcome;
use crate::record::Recorded;
use crate::record::ledger::online;
use crate::record::sample::testing::{sample, session};
use crate::record::sample::{Batch, Role, Sample, Second};
use crate::record::timeline::Row;
use crate::summary::testing::{facts, recorded, steady};
use crate::summary::{Validity, summarize};
use crate::units::Text64;

mod faults;

fn manifest(scenario: &Scenario) -> Manifest {
    let start = Start {
        since_epoch: Duration::from_secs(1_795_256_101),
        nonce: "n1",
        endpoint: "http://127.0.0.1:4566",
        called: facts(1).called,
        load_cores: 2,
        scheduled: Some(2000),
        shard: None,
    };
    Manifest::of_run(scenario, start)
}

fn scenario_text() -> &'static str {
    "name = \"example\"\nseed = 7\n[load]\nconcurrency = 64\nstages = [ { for = \"100s\", rate = 20 } ]\n"
}

/// A call as it is read back.
fn readable(mut call: Sample) -> Sample {
    rows::make_readable(&mut call);
    call
}

/// 2,000 calls of many kinds at 20/s, in the order of their ends.
fn calls() -> Vec<Sample> {
    let mut calls: Vec<Sample> = (0..2000u64)
        .map(|seq| {
            let outcome = match seq % 50 {
                7 => Outcome::ThrottledQuota,
                13 => Outcome::Missed,
                29 => Outcome::ReadTimeout,
                _ => Outcome::Ok,
            };
            let mut made = sample(seq, outcome, seq * 50, seq % 3, 40 + seq * 37 % 900);
            if seq > 300 && seq % 20 == 1 {
                made.role = Role::Replay;
                made.token = Some(Text64::cut(&format!("token-{}", seq - 300)));
                let number = if seq % 100 == 1 { seq } else { seq - 300 };
                made.answer.session_id = made.answer.session_id.map(|_| session(number));
            }
            made
        })
        .collect();
    calls[17].answer.exception = Some(Text64::cut("Odd, \"quoted\"\nName"));
    calls[18].answer.request_id = Some(Text64::cut(""));
    calls.sort_by_key(|s| (s.done.unwrap_or(s.due), s.seq));
    calls
}

/// Hands the calls over as two cores would, twice a second, to the end; the first error is the result.
fn hand_over(journal: &mut Journal, calls: &[Sample], until: Duration) -> Result<(), ResultsError> {
    let mut batches = [0, 1].map(|core| Batch { core, ..Batch::default() });
    let ended = |s: &Sample| s.done.unwrap_or(s.due);
    let mut first = Ok(());
    let halves = u64::try_from(until.as_millis() / 500).unwrap_or(0);
    for half in 0..halves {
        let (from, to) = (Duration::from_millis(half * 500), Duration::from_millis((half + 1) * 500));
        for (core, batch) in (0..).zip(&mut batches) {
            batch.samples.extend(calls.iter().filter(|s| s.seq % 2 == core && (from..to).contains(&ended(s))));
            if half % 2 == 1 {
                let second = half / 2;
                let mine = |s: &&Sample| s.seq % 2 == core;
                let count = |f: &dyn Fn(&Sample) -> bool| calls.iter().filter(mine).filter(|s| f(s)).count() as u64;
                batch.seconds.push(Second {
                    second,
                    offered: count(&|s| s.due.as_secs() == second),
                    sent: count(&|s| s.sent.is_some_and(|t| t.as_secs() == second)),
                    in_flight: count(&|s| s.sent.is_some_and(|t| t < to) && s.done.is_some_and(|t| t >= to)),
                });
            }
            first = first.and(journal.accept(batch));
            assert!(batch.samples.is_empty() && batch.seconds.is_empty());
        }
        first = first.and(journal.flush());
    }
    first
}

const WHOLE: Duration = Duration::from_secs(101);

fn run(parent: &Path) -> (RunDir, Scenario, Finished) {
    let scenario = steady("");
    let dir = RunDir::create(parent, &manifest(&scenario), scenario_text()).unwrap();
    let mut journal = dir.journal(&scenario, 2).unwrap();
    assert!(dir.is_running());
    hand_over(&mut journal, &calls(), WHOLE).unwrap();
    let finished = journal.finish();
    assert!(!dir.is_running());
    (dir, scenario, finished)
}

fn bytes(dir: &RunDir, name: &str) -> Vec<u8> {
    fs::read(dir.path().join(name)).unwrap()
}

/// What the journal counted is what the samples say, and what the files say when read again, also through sorts on disk.
#[test]
fn the_files_say_what_was_counted() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, scenario, finished) = run(parent.path());
    assert!(finished.problem.is_none());
    let calls: Vec<Sample> = calls().into_iter().map(readable).collect();
    assert_eq!(finished.recorded, recorded(&scenario, &calls));
    assert!(finished.recorded.ledger.violations > 0);
    for read in [dir.recorded(&scenario).unwrap(), dir.recorded_in(&scenario, 50).unwrap()] {
        assert_eq!((read.segments.as_slice(), read.torn), (std::slice::from_ref(&finished.recorded), false));
        assert_eq!(read.together(), finished.recorded);
    }
    assert_eq!(dir.rows(&scenario).unwrap().count(), 2000);
}

/// Report on 0.1.0 (B8): the timeline of a run of 0 calls had 0 bytes. What grows has its header before its first row, whether it is written
/// as the run goes, made again, or a probe's.
#[test]
fn files_without_rows_have_their_header() {
    let parent = tempfile::tempdir().unwrap();
    let scenario = steady("");
    let dir = RunDir::create(parent.path(), &manifest(&scenario), scenario_text()).unwrap();
    assert!(dir.journal(&scenario, 1).unwrap().finish().problem.is_none());
    let first_line = |name: &str| String::from_utf8(bytes(&dir, name)).unwrap().lines().next().unwrap_or_default().to_owned();
    assert!(first_line(TIMELINE).starts_with("second,offered,sent,ok,"), "{}", first_line(TIMELINE));
    assert_eq!(first_line(SAMPLES), SAMPLE_COLUMNS.join(","));
    let written = bytes(&dir, TIMELINE);
    fs::remove_file(dir.path().join(TIMELINE)).unwrap();
    let empty = summarize(&scenario, &recorded(&scenario, &[]), &facts(0));
    assert!(dir.write_timeline(&scenario, &empty).unwrap());
    assert_eq!(bytes(&dir, TIMELINE), written);
    assert_eq!(dir.segments().unwrap()[0].timeline().unwrap().next(), None);

    let start = ProbeStart {
        since_epoch: Duration::from_secs(1_795_256_101),
        nonce: "n1",
        endpoint: "http://127.0.0.1:4566",
        region: "us-east-1",
        settings: crate::probe::ProbeSettings::default(),
        applied_per_s: None,
    };
    let probe = ProbeDir::create(parent.path(), start).unwrap();
    drop(probe.diary().unwrap());
    let observations = fs::read_to_string(probe.path().join("observations.csv")).unwrap();
    assert_eq!(observations, "round,segment,phase,due_us,sent_us,done_us,answer\n");
    assert_eq!(probe.observations().unwrap(), []);
}

/// A run that ended well: summary.json made again from its files is the same, byte for byte, and whole files are left alone.
#[test]
fn report_repeats_the_summary() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, scenario, finished) = run(parent.path());
    let facts = facts(2000);
    dir.keep_facts(&facts, &finished.recorded.recorder).unwrap();
    dir.write_summary(&scenario, &summarize(&scenario, &finished.recorded, &facts)).unwrap();
    let names = [SUMMARY_JSON, SUMMARY_MD, REPORT_HTML, TIMELINE, HLOG];
    let first = names.map(|n| bytes(&dir, n));
    for name in names {
        fs::remove_file(dir.path().join(name)).unwrap();
    }
    let again = RunDir::open(dir.path()).unwrap();
    let read = again.recorded(&scenario).unwrap();
    let summary = summarize(&scenario, &read.together(), &again.facts(&read.segments).unwrap());
    again.complete(&scenario, &summary).unwrap();
    for (name, first) in names.iter().zip(first) {
        assert!(bytes(&dir, name) == first, "{name}");
    }
    assert!(!again.write_timeline(&scenario, &summary).unwrap());
    let mut all: Vec<String> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    assert_eq!(all, [HLOG, MANIFEST, REPORT_HTML, SAMPLES, SCENARIO, SUMMARY_JSON, SUMMARY_MD, TIMELINE]);
}

/// A killed run: everything handed over before the last flush is there, a torn line is dropped and said, and all files are completed.
#[test]
fn a_killed_run_is_rescued() {
    let parent = tempfile::tempdir().unwrap();
    let scenario = steady("");
    let dir = RunDir::create(parent.path(), &manifest(&scenario), scenario_text()).unwrap();
    let mut journal = dir.journal(&scenario, 2).unwrap();
    hand_over(&mut journal, &calls(), Duration::from_secs(5)).unwrap();
    let flushed = fs::read(dir.path().join(SAMPLES)).unwrap();
    drop(journal);
    let ended: Vec<Sample> =
        calls().into_iter().filter(|s| s.done.unwrap_or(s.due) < Duration::from_secs(5)).map(readable).collect();
    assert_eq!(String::from_utf8(flushed.clone()).unwrap().lines().count(), ended.len() + 1);
    fs::write(dir.path().join(SAMPLES), [&flushed[..], b"99,4950000,49"].concat()).unwrap();
    fs::write(dir.path().join(HLOG), b"#[StartTi").unwrap();

    let dir = RunDir::open(dir.path()).unwrap();
    let read = dir.recorded(&scenario).unwrap();
    let rescued = read.together();
    assert!(read.torn && !read.ended);
    assert_eq!(rescued, recorded(&scenario, &ended));
    let summary = summarize(&scenario, &rescued, &dir.facts(&read.segments).unwrap());
    assert_eq!(
        (summary.verdict.validity, summary.stop),
        (Validity::Suspect.max(summary.verdict.validity), crate::summary::Stop::Killed)
    );
    assert_eq!(summary.counts.unsent, 2000 - ended.len() as u64);
    dir.complete(&scenario, &summary).unwrap();
    let rows: Vec<Row> = csv::Reader::from_path(dir.path().join(TIMELINE)).unwrap().deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|r| r.ok).sum::<u64>(), summary.counts.ok);
    assert!(dir.is_whole(HLOG) && dir.is_whole(SUMMARY_JSON));
}

/// A run that already exists is never written over.
#[test]
fn names_are_not_taken_twice() {
    let parent = tempfile::tempdir().unwrap();
    let scenario = steady("");
    let made: Vec<RunDir> = (0..3).map(|_| RunDir::create(parent.path(), &manifest(&scenario), "x").unwrap()).collect();
    let names: Vec<&str> = made.iter().map(|d| d.path().file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["20261121T101501Z-example", "20261121T101501Z-example-2", "20261121T101501Z-example-3"]);
    let journal = made[0].journal(&scenario, 1).unwrap();
    drop(journal);
    assert!(matches!(made[0].journal(&scenario, 1), Err(ResultsError::Write { .. })));
}

/// Wrong directories are refused in one sentence that says what to do.
#[test]
fn wrong_directories_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let missing = RunDir::open(&parent.path().join("nothing")).unwrap_err().to_string();
    assert!(missing.contains("nothing") && missing.contains("name the directory of a run"), "{missing}");
    let empty = RunDir::open(parent.path()).unwrap_err().to_string();
    assert!(empty.contains("is not a run of livebench: it has no manifest.json"), "{empty}");
    let (dir, ..) = run(parent.path());
    let holds = RunDir::open(parent.path()).unwrap_err().to_string();
    assert!(holds.contains("holds 1 run,") && holds.contains(&dir.path().display().to_string()), "{holds}");
}

/// A row that no run wrote is refused with its line.
#[test]
fn malformed_rows_are_refused() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, scenario, _) = run(parent.path());
    let mut text = fs::read_to_string(dir.path().join(SAMPLES)).unwrap();
    text.push_str("1,2,3,4,nomix,ok,200,1,,,,fresh,\n");
    fs::write(dir.path().join(SAMPLES), text).unwrap();
    let error = dir.recorded(&scenario).unwrap_err().to_string();
    assert!(error.contains("line 2002: `nomix` is not a mix of the scenario"), "{error}");
}

/// A disk with so much room.
#[derive(Debug, Clone)]
struct SmallDisk {
    written: Arc<Mutex<Vec<u8>>>,
    room: usize,
}

impl SmallDisk {
    fn of(room: usize) -> Self {
        Self { written: Arc::default(), room }
    }

    fn sink(&self, name: &str) -> Sink {
        Sink::new(name.into(), Box::new(self.clone()))
    }

    fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }
}

impl DiskFile for SmallDisk {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.written.lock().unwrap();
        let room = self.room.saturating_sub(written.len()).min(bytes.len());
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        written.extend_from_slice(&bytes[..room]);
        Ok(room)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A full disk is told once, with file, reason and remedy; what was written stays, the other files go on, and nothing is miscounted.
#[test]
fn a_full_disk_is_told() {
    let scenario = steady("");
    let disks = [SmallDisk::of(20_000), SmallDisk::of(usize::MAX), SmallDisk::of(usize::MAX)];
    let outputs = journal::Outputs {
        samples: disks[0].sink("samples.csv"),
        timeline: disks[1].sink("timeline.csv"),
        hlog: disks[2].sink("latency.hlog"),
    };
    let mut journal = Journal::new(outputs, &scenario, 2, &manifest(&scenario).first_segment(), None).unwrap();
    let error = hand_over(&mut journal, &calls(), WHOLE).unwrap_err().to_string();
    assert!(error.starts_with("cannot write samples.csv: no storage space; make room or write elsewhere with --out"), "{error}");

    let Finished { recorded: Recorded { recorder, .. }, problem, .. } = journal.finish();
    assert_eq!(recorder.ended(), 2000);
    assert!(matches!(problem, Some(ResultsError::Write { .. })));
    assert_eq!(disks[0].text().len(), 20_000);
    assert!(disks[0].text().lines().take(50).filter(|line| !line.contains('"')).all(|line| line.split(',').count() == 13));
    let ok = |name: usize| disks[name].text().lines().count();
    assert!(ok(1) > 100 && ok(2) > 100);
}

/// The first rows of samples.csv and timeline.csv, as everyone reads them.
#[test]
fn csv_files_look_like_this() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, ..) = run(parent.path());
    let head = |name: &str, lines: usize| {
        String::from_utf8(bytes(&dir, name)).unwrap().lines().take(lines).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(head(SAMPLES, 20));
    insta::assert_snapshot!(head(TIMELINE, 5));
}

/// The progress line's numbers are those of the complete seconds.
#[test]
fn progress_is_told() {
    let parent = tempfile::tempdir().unwrap();
    let scenario = steady("");
    let dir = RunDir::create(parent.path(), &manifest(&scenario), scenario_text()).unwrap();
    let mut journal = dir.journal(&scenario, 2).unwrap();
    assert_eq!(journal.progress(), Progress::default());
    hand_over(&mut journal, &calls(), Duration::from_secs(30)).unwrap();
    let progress = journal.progress();
    assert_eq!((progress.offered, progress.missed), (600, 12));
    assert!(progress.ok > 500 && progress.throttled == 12 && progress.response_p50_us.is_some());
    assert_eq!(progress.sent, progress.ok + progress.throttled + progress.errors + progress.in_flight);
}

/// The interval log can be read back by this library too, one line a second and outcome, and holds every answer.
#[test]
fn the_interval_log_is_whole() {
    use base64::Engine as _;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    let parent = tempfile::tempdir().unwrap();
    let (dir, _, finished) = run(parent.path());
    let log = bytes(&dir, HLOG);
    let mut ok = 0;
    for entry in IntervalLogIterator::new(&log) {
        if let LogEntry::Interval(interval) = entry.unwrap()
            && interval.tag().is_some_and(|t| t.as_str() == "ok")
        {
            let bytes = base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).unwrap();
            let histogram: hdrhistogram::Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
            ok += histogram.len();
        }
    }
    assert_eq!(ok, finished.recorded.recorder.count(Outcome::Ok));
}

/// A run that outlives the ledger's window is compared over its whole length at the end, from disk.
#[test]
fn the_end_compares_the_whole_run() {
    let parent = tempfile::tempdir().unwrap();
    let scenario = steady("");
    let dir = RunDir::create(parent.path(), &manifest(&scenario), scenario_text()).unwrap();
    let mut journal = dir.journal(&scenario, 1).unwrap();
    let mut far: Vec<Sample> = (0..400).map(|n| sample(n, Outcome::Ok, n * 1000, 0, 10)).collect();
    far[399].answer.session_id = far[0].answer.session_id;
    let seconds = (0..401).map(|second| Second { second, ..Second::default() }).collect();
    journal.accept(&mut Batch { core: 0, samples: far, seconds }).unwrap();
    assert_eq!(journal.progress().violations, 0, "beyond the window of {} entries", online::CAP);
    let finished = journal.finish();
    assert!(finished.problem.is_none());
    assert_eq!((finished.recorded.ledger.violations, finished.recorded.ledger.distinct_sessions), (1, 399));
}
