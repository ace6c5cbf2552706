//! The protocol, at every kind of place that needs no service: a folder, and objects in memory that behave like a bucket's.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

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
}

impl MeetingPlace for Memory {
    fn pace(&self) -> BarrierPace {
        let ms = Duration::from_millis;
        BarrierPace { beat: ms(20), silent: ms(2000), look: ms(5), lead: Duration::from_secs(1) }
    }

    fn entries(&self) -> Result<Vec<PlaceEntry>, BarrierError> {
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
                racer.propose(round, &racer.go(&proposal, &[], Duration::ZERO)).unwrap();
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
        assert_eq!(racers[0].latest(&racers[0].place.entries().unwrap()).unwrap().0, ROUNDS);
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
                me.decision(&proposal(&mark, Duration::from_secs(60)), clocks).unwrap()
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
        let refused = me.decision(&proposal("", Duration::ZERO), still).unwrap_err();
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
            seen.look(&me, &memory.entries().unwrap(), Duration::from_secs(beat)).unwrap().len()
        })
        .collect();
    assert_eq!(there, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    assert_eq!(memory.reads.load(Ordering::Relaxed), 1);
    // It stops: from the pace's silence on it is gone.
    let later = |s: u64, seen: &mut SeenSigns| seen.look(&me, &memory.entries().unwrap(), Duration::from_secs(s)).unwrap().len();
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
