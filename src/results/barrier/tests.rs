//! The protocol, at every kind of place that needs no service: a folder, and objects in memory that behave like a bucket's.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use proptest::prelude::*;

use super::waiting::{KnownDecisions, SeenSigns};
use super::*;
use crate::shard::{Shard, StartTerms};

/// Objects in memory. A list tells of a change by a stamp, and one creation in `conflict_every` is refused though nobody else's came to be,
/// which S3 does with 409 when two are in each other's way.
#[derive(Debug, Default)]
struct Memory {
    objects: Mutex<BTreeMap<String, (u64, Vec<u8>)>>,
    writes: AtomicU64,
    creations: AtomicU64,
    reads: AtomicU64,
    conflict_every: u64,
    /// Nobody beats of himself.
    is_still: bool,
    /// So many lists are told before the place fails.
    lists: AtomicU64,
    fails_after: Option<u64>,
}

impl MeetingPlace for Memory {
    fn pace(&self) -> BarrierPace {
        let ms = Duration::from_millis;
        let beat = if self.is_still { Duration::from_hours(1) } else { ms(20) };
        BarrierPace { beat, silent: ms(2000), look: ms(5), lead: Duration::from_secs(1) }
    }

    fn entries(&self) -> Result<Vec<PlaceEntry>, BarrierError> {
        let lists = self.lists.fetch_add(1, Ordering::Relaxed);
        if self.fails_after.is_some_and(|after| lists >= after && lists < after + 5) {
            return Err(BarrierError::Bucket { place: "memory".to_owned(), reason: "it failed".to_owned() });
        }
        let objects = self.objects.lock().unwrap();
        let entry =
            |(name, (stamp, _)): (&String, &(u64, Vec<u8>))| PlaceEntry { name: name.clone(), stamp: Some(stamp.to_string()) };
        Ok(objects.iter().map(entry).collect())
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BarrierError> {
        self.reads.fetch_add(u64::from(name.starts_with("ready-")), Ordering::Relaxed);
        Ok(self.objects.lock().unwrap().get(name).map(|(_, bytes)| bytes.clone()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BarrierError> {
        let stamp = self.writes.fetch_add(1, Ordering::Relaxed);
        self.objects.lock().unwrap().insert(name.to_owned(), (stamp, bytes.to_vec()));
        Ok(())
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, BarrierError> {
        let mut objects = self.objects.lock().unwrap();
        let in_the_way =
            self.conflict_every != 0 && self.creations.fetch_add(1, Ordering::Relaxed).is_multiple_of(self.conflict_every);
        if in_the_way || objects.contains_key(name) {
            return Ok(false);
        }
        objects.insert(name.to_owned(), (self.writes.fetch_add(1, Ordering::Relaxed), bytes.to_vec()));
        Ok(true)
    }

    fn remove(&self, name: &str) -> Result<(), BarrierError> {
        self.objects.lock().unwrap().remove(name);
        Ok(())
    }
}

fn member(index: u64, of: u64, mark: &str) -> Member {
    let terms = StartTerms { version: "1".to_owned(), scenario_sha256: "a".to_owned(), seed: 1, of };
    Member { shard: Shard::new(index, of).unwrap(), mark: mark.to_owned(), terms }
}

fn proposal(nonce: &str, patience: Duration) -> StartProposal {
    StartProposal { length: Duration::ZERO, nonce: nonce.to_owned(), patience }
}

/// A process that reads these clocks, waits until somebody says otherwise, and remembers what it heard.
struct Waits<C> {
    clocks: C,
    pause: fn(Duration) -> bool,
    missed: Mutex<Vec<String>>,
}

impl<C: Fn() -> BarrierClocks> WaitingProcess for Waits<C> {
    fn clocks(&self) -> BarrierClocks {
        (self.clocks)()
    }

    fn pause(&self, time: Duration) -> bool {
        (self.pause)(time)
    }

    fn miss(&self, missing: &[Shard]) {
        self.missed.lock().unwrap().push(Shard::list(missing));
    }
}

/// A process that waits as long as it must.
fn patient<C: Fn() -> BarrierClocks>(clocks: C) -> Waits<C> {
    let pause = |time| {
        std::thread::sleep(time);
        true
    };
    Waits { clocks, pause, missed: Mutex::default() }
}

/// How a visitor with this mark opens a place, and the directory that it may need.
type OpenPlace = Box<dyn Fn(&Path, &str) -> Arc<dyn MeetingPlace> + Sync>;

/// A place of each kind, as each of its visitors opens it, with the directory that it may need.
fn places() -> [(tempfile::TempDir, OpenPlace); 3] {
    let folder =
        |path: &Path, mark: &str| -> Arc<dyn MeetingPlace> { Arc::new(FolderPlace::open(path.to_owned(), mark).unwrap()) };
    let memory = |conflict_every: u64| {
        let shared = Arc::new(Memory { conflict_every, ..Memory::default() });
        move |_: &Path, _: &str| -> Arc<dyn MeetingPlace> { Arc::<Memory>::clone(&shared) }
    };
    let place = || tempfile::tempdir().unwrap();
    [(place(), Box::new(folder)), (place(), Box::new(memory(0))), (place(), Box::new(memory(3)))]
}

/// Of sixteen that race for one number exactly one decision comes to be, and all read that one: a thousand times.
#[test]
fn one_decision_comes_to_be() {
    const ROUNDS: u64 = 1000;
    for (folder, open) in &places()[..2] {
        let racers: Vec<Barrier> = (0..16)
            .map(|n| Barrier::at(open(folder.path(), &format!("m{n}")), member(n, 16, &format!("m{n}"))).unwrap())
            .collect();
        let (start, made) = (std::sync::Barrier::new(racers.len()), std::sync::Barrier::new(racers.len()));
        let race = |racer: &Barrier| -> Vec<String> {
            let proposal = proposal(&racer.me.mark, Duration::ZERO);
            let round = |round: u64| {
                start.wait();
                racer.propose(round, racer.go(&proposal, &[], Vec::new(), Duration::ZERO)).unwrap();
                made.wait();
                let text = racer.place.read(&format!("start-{round}.json")).unwrap().unwrap();
                serde_json::from_slice::<StartDecision>(&text).unwrap().nonce
            };
            (1..=ROUNDS).map(round).collect()
        };
        let read: Vec<Vec<String>> = std::thread::scope(|scope| {
            let threads: Vec<_> = racers.iter().map(|racer| scope.spawn(|| race(racer))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(read.iter().all(|decisions| *decisions == read[0]));
        let entries = racers[0].place.entries().unwrap();
        let known = KnownDecisions::default().of(&*racers[0].place, &entries, &[]).unwrap();
        assert_eq!((known.0, known.1.len()), (ROUNDS, 1));
    }
}

/// The same among processes, at the folder that they share: sixteen copies of this test, which are told when to go.
#[test]
fn one_decision_comes_to_be_among_processes() {
    const ROUNDS: u64 = 1000;
    const FOLDER: &str = "LIVEBENCH_TEST_RACE";
    if let Some(folder) = std::env::var_os(FOLDER) {
        let mark = std::process::id().to_string();
        let place = FolderPlace::open(folder.into(), &mark).unwrap();
        return race_when_told(&Barrier::at(Arc::new(place), member(0, 1, &mark)).unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let racer = || {
        let mut copy = Command::new(std::env::current_exe().unwrap());
        copy.args(["--exact", "--nocapture", "results::barrier::tests::one_decision_comes_to_be_among_processes"]);
        copy.env(FOLDER, folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut racers: Vec<_> = (0..16).map(|_| racer()).collect();
    let mut ears: Vec<_> = racers.iter_mut().map(|racer| BufReader::new(racer.stdout.take().unwrap()).lines()).collect();
    let mut heard = |n: usize| ears[n].find_map(|line| line.unwrap().strip_prefix(HEARD).map(str::to_owned)).unwrap();
    let mut winners = BTreeSet::new();
    for round in 1..=ROUNDS {
        // Whoever is told first is ahead: each in turn.
        racers.rotate_left(1);
        for racer in &mut racers {
            writeln!(racer.stdin.as_mut().unwrap(), "{round}").unwrap();
        }
        let told: BTreeSet<String> = (0..16).map(&mut heard).collect();
        assert_eq!(told.len(), 1, "round {round}: {told:?}");
        winners.extend(told);
    }
    for mut racer in racers {
        drop(racer.stdin.take());
        assert!(racer.wait().unwrap().success());
    }
    assert!(winners.len() > 1, "there was no race");
}

/// What a racer writes before the mark of the one who has won.
const HEARD: &str = "heard ";

/// Proposes in each round whose number comes, and tells whose decision it read.
fn race_when_told(racer: &Barrier) {
    let proposal = proposal(&racer.me.mark, Duration::ZERO);
    for round in std::io::stdin().lines() {
        let round: u64 = round.unwrap().parse().unwrap();
        racer.propose(round, racer.go(&proposal, &[], Vec::new(), Duration::ZERO)).unwrap();
        let text = racer.place.read(&decision_name(round)).unwrap().unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n{HEARD}{}", serde_json::from_slice::<StartDecision>(&text).unwrap().nonce).unwrap();
        out.flush().unwrap();
    }
}

/// Shards that meet hear of one decision to go, at every kind of place, also where a creation is refused for no other's sake; at the second
/// meeting, after the decision and the signs of a first, they hear of a second one.
#[test]
fn shards_that_meet_go_together() {
    for (folder, open) in &places() {
        let begun = Instant::now();
        let stale = Sign { member: member(1, 4, "old"), beat: 7 };
        open(folder.path(), "old").write("ready-1-old.json", &serde_json::to_vec(&stale).unwrap()).unwrap();
        let mut heard = Vec::new();
        for meeting in ["a", "b"] {
            let meet = |n: u64| {
                let mark = format!("{meeting}{n}");
                let me = Barrier::at(open(folder.path(), &mark), member(n, 4, &mark)).unwrap();
                let clocks = || BarrierClocks { since_epoch: Duration::from_secs(1000), steady: begun.elapsed() };
                me.decision(&proposal(&mark, Duration::from_secs(60)), &patient(clocks)).unwrap()
            };
            let decisions: Vec<StartDecision> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4).map(|n| scope.spawn(move || meet(n))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(decisions.iter().all(|decision| *decision == decisions[0] && decision.abort.is_none()));
            let members: Vec<String> = (0..4).map(|n| format!("{meeting}{n}")).collect();
            assert_eq!(decisions[0].members, members);
            heard.push(decisions[0].clone());
        }
        assert_ne!(heard[0], heard[1]);
    }
}

/// What an earlier run left behind is nobody: signs that do not beat, and decisions for others.
#[test]
fn left_overs_are_nobody() {
    for (folder, open) in &places() {
        let place = open(folder.path(), "new");
        let stale = Sign { member: member(1, 2, "old"), beat: 7 };
        place.write("ready-1-old.json", &serde_json::to_vec(&stale).unwrap()).unwrap();
        place.write("ready-0-torn.json", b"{").unwrap();
        let me = Barrier::at(Arc::clone(&place), member(0, 2, "new")).unwrap();
        let still = || BarrierClocks { since_epoch: Duration::ZERO, steady: Duration::ZERO };
        let refused = me.decision(&proposal("", Duration::ZERO), &patient(still)).unwrap_err();
        assert!(
            matches!(refused, BarrierError::Aborted(_)) && refused.to_string().contains("1 of 2 shards were there; missing: 1/2"),
            "{refused}"
        );
        drop(me);
        assert_eq!(place.read("ready-0-new.json").unwrap(), None);
    }
}

/// Where the list tells of changes, every sign that beats is read once, and one that stays still never: reading costs money there.
#[test]
fn a_sign_is_read_once() {
    let memory = Arc::new(Memory::default());
    let me = Barrier::at(Arc::<Memory>::clone(&memory), member(0, 3, "me")).unwrap();
    memory.write("ready-2-old.json", b"never read").unwrap();
    let mut seen = SeenSigns::default();
    let there: Vec<usize> = (0..10u64)
        .map(|beat| {
            let sign = Sign { member: member(1, 3, "other"), beat };
            memory.write("ready-1-other.json", &serde_json::to_vec(&sign).unwrap()).unwrap();
            seen.look(&me, &memory.entries().unwrap(), Duration::from_secs(beat)).unwrap().there.len()
        })
        .collect();
    assert_eq!(there, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(memory.reads.load(Ordering::Relaxed), 1);
    // It stops: from the pace's silence on it is gone.
    let later =
        |s: u64, seen: &mut SeenSigns| seen.look(&me, &memory.entries().unwrap(), Duration::from_secs(s)).unwrap().there.len();
    assert_eq!((later(10, &mut seen), later(11, &mut seen)), (2, 1));
}

/// What is neither a folder nor a bucket is told; a bucket is for programs that were built with its client.
#[test]
fn other_places_are_told() {
    assert_eq!(BarrierPlace::new(Path::new("a/b")).unwrap().far(), None);
    let said = |typed: &str| BarrierPlace::new(Path::new(typed)).unwrap_err().to_string();
    assert!(said("gs://launch/a").contains("gs:// cannot be met at"), "{}", said("gs://launch/a"));
    #[cfg(not(feature = "s3"))]
    assert!(said("s3://launch/a").contains("cargo build --release --locked --features s3"), "{}", said("s3://launch/a"));
    #[cfg(feature = "s3")]
    assert!(said("s3://A/a").contains("not a bucket's name"), "{}", said("s3://A/a"));
}

/// A process of a simulated day, its shard and what became of it.
struct Process {
    index: u64,
    barrier: Option<Barrier>,
    waiting: BarrierWait,
    is_killed: bool,
    heard: Option<Result<StartDecision, BarrierError>>,
}

impl Process {
    fn beats(&self) -> bool {
        self.barrier.is_some() && !self.is_killed
    }

    /// Whether it sends calls, of this decision or of another that is not over.
    fn runs(&self, decision: &StartDecision, now: Duration) -> bool {
        self.beats() && matches!(&self.heard, Some(Ok(heard)) if heard.nonce == decision.nonce || heard.lasts(now))
    }
}

/// What happens in a tenth of a second: a process enters, looks, ends or is killed.
#[derive(Debug, Clone, Copy)]
enum Event {
    Enter(u64),
    Look(usize),
    End(usize),
    Kill(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0..3u64).prop_map(Event::Enter),
        8 => (0..8usize).prop_map(Event::Look),
        1 => (0..8usize).prop_map(Event::End),
        1 => (0..8usize).prop_map(Event::Kill),
    ]
}

/// Everything that processes heard which came and went so at one place.
fn simulated(events: &[Event], patience_ms: u64, length_ms: u64) -> Result<Vec<Process>, TestCaseError> {
    let memory: Arc<dyn MeetingPlace> = Arc::new(Memory { is_still: true, ..Memory::default() });
    let mut all: Vec<Process> = Vec::new();
    for (step, event) in (1u64..).zip(events) {
        let steady = Duration::from_millis(step * 100);
        let now = BarrierClocks { since_epoch: Duration::from_secs(1000) + steady, steady };
        // Each beats twice a second, when its time comes.
        let beating = all.iter().zip(1u64..).filter(|(process, n)| process.beats() && (step + n * 3) % 5 == 0);
        for barrier in beating.filter_map(|(process, _)| process.barrier.as_ref()) {
            let sign = Sign { member: barrier.me.clone(), beat: step };
            memory.write(&barrier.sign, &serde_json::to_vec(&sign).unwrap()).unwrap();
        }
        match *event {
            Event::Enter(index) if all.len() < 8 => {
                let me = member(index, 3, &format!("{:02}", (all.len() * 5 + 3) % 8));
                let barrier = Some(Barrier::at(Arc::clone(&memory), me).unwrap());
                all.push(Process { index, barrier, waiting: BarrierWait::since(steady), is_killed: false, heard: None });
            }
            Event::Look(n) if all.get(n).is_some_and(|process| process.beats() && process.heard.is_none()) => {
                let Process { barrier, waiting, .. } = &mut all[n];
                let barrier = barrier.as_ref().unwrap();
                let proposal = StartProposal {
                    length: Duration::from_millis(length_ms),
                    ..proposal(&barrier.me.mark, Duration::from_millis(patience_ms))
                };
                let heard = barrier.look(&proposal, waiting, now).transpose();
                if let Some(Ok(decision @ StartDecision { abort: None, .. })) = &heard {
                    let twin = all.iter().any(|other| other.index == all[n].index && other.runs(decision, now.since_epoch));
                    // Whoever hears of it when it is over sends nothing.
                    let is_over = !decision.lasts(now.since_epoch);
                    prop_assert!(is_over || !twin, "shard {} runs twice: {decision:?}", all[n].index);
                }
                // Who cannot take part leaves at once.
                if matches!(heard, Some(Err(_))) {
                    all[n].barrier = None;
                }
                all[n].heard = heard;
            }
            Event::End(n) if all.get(n).is_some_and(|process| process.heard.is_some()) => all[n].barrier = None,
            Event::Kill(n) if n < all.len() => all[n].is_killed = true,
            _ => {}
        }
    }
    Ok(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// However processes come, look, end and die: no shard runs twice at once, nobody hears another decision than the one that names him, and
    /// nobody is named by two.
    #[test]
    fn a_decision_is_heard_by_all_whom_it_names(
        events in prop::collection::vec(event(), 20..120),
        patience_ms in 200..3000u64,
        length_ms in 0..6000u64,
    ) {
        let all = simulated(&events, patience_ms, length_ms)?;
        let marks: Vec<String> = (0..all.len()).map(|n| format!("{:02}", (n * 5 + 3) % 8)).collect();
        let heard: Vec<&StartDecision> = all.iter().filter_map(|process| process.heard.as_ref()?.as_ref().ok()).collect();
        for decision in &heard {
            for (mark, process) in marks.iter().zip(&all).filter(|(mark, _)| decision.members.contains(mark)) {
                let left = matches!(process.heard, Some(Err(BarrierError::Doubled(_))));
                let same = left || process.heard.as_ref().is_none_or(|heard| matches!(heard, Ok(other) if other.nonce == decision.nonce));
                prop_assert!(same, "{mark} heard {:?}, not {decision:?}", process.heard);
                let named = heard.iter().filter(|other| other.nonce != decision.nonce && other.members.contains(mark)).count();
                prop_assert_eq!(named, 0, "{} is named twice", mark);
            }
        }
    }
}

/// A place that fails for a moment costs a few looks; one that fails at once is told at once.
#[test]
fn a_moment_is_borne() {
    let begun = Instant::now();
    let clocks = || BarrierClocks { since_epoch: Duration::from_secs(1000), steady: begun.elapsed() };
    let alone = |fails_after: u64| {
        let memory = Arc::new(Memory { fails_after: Some(fails_after), ..Memory::default() });
        let other = Barrier::at(Arc::<Memory>::clone(&memory), member(1, 2, "b")).unwrap();
        let me = Barrier::at(Arc::<Memory>::clone(&memory), member(0, 2, "a")).unwrap();
        let decision = me.decision(&proposal("a", Duration::from_secs(60)), &patient(clocks));
        drop(other);
        decision.map(|decision| decision.members).map_err(|e| e.to_string())
    };
    assert_eq!(alone(1), Ok(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(alone(0), Err("cannot meet at memory: it failed".to_owned()));
}

/// Objects that are taken for created again and again, and those that never are.
#[derive(Debug)]
struct Wrong {
    creates: bool,
}

impl MeetingPlace for Wrong {
    fn pace(&self) -> BarrierPace {
        Memory::default().pace()
    }

    fn entries(&self) -> Result<Vec<PlaceEntry>, BarrierError> {
        Ok(Vec::new())
    }

    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, BarrierError> {
        Ok(None)
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<(), BarrierError> {
        Ok(())
    }

    fn create(&self, _: &str, _: &[u8]) -> Result<bool, BarrierError> {
        Ok(self.creates)
    }

    fn remove(&self, _: &str) -> Result<(), BarrierError> {
        Ok(())
    }
}

/// A place that creates an object twice is refused before anybody waits there; where no decision can come to be, waiting has an end.
#[test]
fn wrong_places_are_found_out() {
    let enter = |creates: bool| Barrier::at(Arc::new(Wrong { creates }), member(0, 2, "a"));
    assert!(matches!(enter(true), Err(BarrierError::CreatedTwice)));
    let (me, seconds) = (enter(false).unwrap(), AtomicU64::new(0));
    let clocks = || {
        let steady = Duration::from_secs(seconds.fetch_add(1, Ordering::Relaxed));
        BarrierClocks { since_epoch: steady, steady }
    };
    assert!(matches!(me.decision(&proposal("", Duration::from_secs(3)), &patient(clocks)), Err(BarrierError::Undecided)));
    assert_eq!(seconds.load(Ordering::Relaxed), 6);
}

/// Who is missing is told once for each change that lasts; one who is to wait no longer leaves at once, and takes his sign with him.
#[test]
fn who_waits_is_told_and_may_leave() {
    let memory = Arc::new(Memory { is_still: true, ..Memory::default() });
    let seconds = AtomicU64::new(0);
    let clocks = || {
        let now = seconds.fetch_add(1, Ordering::Relaxed);
        // Shard 2 is there from 10 s to 20 s.
        if (10..20).contains(&now) {
            let sign = Sign { member: member(2, 12, "b"), beat: now };
            memory.write("ready-2-b.json", &serde_json::to_vec(&sign).unwrap()).unwrap();
        }
        BarrierClocks { since_epoch: Duration::from_secs(now), steady: Duration::from_secs(now) }
    };
    let enter = |mark: &str| Barrier::at(Arc::<Memory>::clone(&memory), member(1, 12, mark)).unwrap();
    let process = Waits { pause: |_| true, ..patient(clocks) };
    let me = enter("a");
    assert!(matches!(me.decision(&proposal("a", Duration::from_secs(60)), &process), Err(BarrierError::Aborted(_))));
    let (most, all) = (
        "3/12, 4/12, 5/12, 6/12, 7/12, 8/12, 9/12, 10/12, 11/12",
        "0/12, 2/12, 3/12, 4/12, 5/12, 6/12, 7/12, 8/12, 9/12, 10/12 and 1 more",
    );
    assert_eq!(*process.missed.lock().unwrap(), [all.to_owned(), format!("0/12, {most}"), all.to_owned()]);
    drop(me);
    let still = patient(|| BarrierClocks { since_epoch: Duration::ZERO, steady: Duration::ZERO });
    let (me, leaves) = (enter("c"), Waits { pause: |_| false, ..still });
    assert!(matches!(me.decision(&proposal("a", Duration::from_secs(60)), &leaves), Err(BarrierError::Interrupted)));
    drop(me);
    assert_eq!(memory.read("ready-1-c.json").unwrap(), None);
}

/// A proposal that was lost once, to whoever decided something else, does not end the waiting later on.
#[test]
fn one_loss_is_forgotten() {
    let memory = Arc::new(Memory { is_still: true, conflict_every: 1, ..Memory::default() });
    let me = Barrier::at(Arc::<Memory>::clone(&memory), member(0, 2, "a")).unwrap();
    let mut waiting = BarrierWait::since(Duration::ZERO);
    let mut look = |patience_s: u64, at_s: u64| {
        let now = BarrierClocks { since_epoch: Duration::from_secs(at_s), steady: Duration::from_secs(at_s) };
        assert!(me.look(&proposal("a", Duration::from_secs(patience_s)), &mut waiting, now).unwrap().is_none());
        waiting.lost_since
    };
    let at = |s: u64| Some(Duration::from_secs(s));
    assert_eq!([look(1, 1), look(1, 2), look(60, 3), look(1, 4)], [at(1), at(1), None, at(4)]);
}
