//! A folder that all shards see, as the place where they meet: who is there, and the one decision.
//!
//! A shard shows that it is there by a file that it writes again and again with another number; it is alive for whoever sees the number
//! change, so no two machines' clocks are ever compared, and what an earlier run left behind stays still. A decision is a file that is
//! linked to its number in one step, which succeeds once. Refuses to decide: `shard` does.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ResultsError, replace};
use crate::shard::{Member, StartDecision, StartStep, next_step};

/// How often a shard shows that it is there.
const BEAT: Duration = Duration::from_millis(500);
/// Who has not been seen to beat for so long is gone.
// derived: ten beats; a folder over NFS shows a change after 3 s (acregmin of nfs(5)) at the earliest
const SILENT: Duration = Duration::from_secs(5);
/// How often others are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Why a shard does not start.
#[derive(Debug, Error)]
pub enum BarrierError {
    /// Nobody does.
    #[error("the start was aborted, and nothing was sent: {0}")]
    Aborted(String),
    /// This one is another run's.
    #[error("this shard cannot take part: {0}; start all shards with the same livebench, scenario, --seed and number of shards")]
    Refused(String),
    /// The folder cannot be used.
    #[error("{}; --barrier names a folder that all shards see and may write to", bare(.0))]
    Folder(#[from] ResultsError),
}

/// What went wrong with the folder, without the advice for a run's own directory.
fn bare(error: &ResultsError) -> String {
    match error {
        ResultsError::Write { path, reason } => format!("cannot write {}: {reason}", path.display()),
        ResultsError::Read { path, reason } => format!("cannot read {}: {reason}", path.display()),
        other => other.to_string(),
    }
}

/// What a shard proposes if all are there.
#[derive(Debug, Clone)]
pub struct StartProposal {
    /// Time for every shard to hear of the decision and to be ready.
    pub lead: Duration,
    /// How long the schedule is.
    pub length: Duration,
    /// What keeps the run's tokens apart, in hexadecimal.
    pub nonce: String,
    /// How long to wait for the others.
    pub patience: Duration,
}

/// The two clocks of a machine, read at one time.
#[derive(Debug, Clone, Copy)]
pub struct BarrierClocks {
    /// Since 1970: the one clock that machines share.
    pub since_epoch: Duration,
    /// One that nobody sets, from any instant on.
    pub steady: Duration,
}

/// A shard in the folder. It is there until this is dropped.
#[derive(Debug)]
pub struct Barrier {
    folder: PathBuf,
    me: Member,
    sign: PathBuf,
    /// Tells the thread that beats to stop.
    stop: Option<Sender<()>>,
    beating: Option<JoinHandle<()>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Sign {
    #[serde(flatten)]
    member: Member,
    beat: u64,
}

impl Barrier {
    /// Enters `folder`, which is made if it is missing; `run` is what the engine calls this run, and keeps runs apart.
    pub fn enter(folder: &Path, run: Option<&str>, me: Member) -> Result<Self, BarrierError> {
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
        let folder = run
            .map_or_else(|| folder.to_owned(), |run| folder.join(format!("run-{}", run.chars().map(safe).collect::<String>())));
        fs::create_dir_all(&folder).map_err(|reason| ResultsError::Write { path: folder.clone(), reason })?;
        let name = format!("ready-{}-{}.json", me.shard.index, me.mark);
        let beat = {
            let (folder, name, member) = (folder.clone(), name.clone(), me.clone());
            move |beat: u64| {
                replace(&folder, &name, |out| Ok(serde_json::to_writer(out, &Sign { member: member.clone(), beat })?))
            }
        };
        beat(0)?;
        let (stop, stopped) = channel();
        let beating = std::thread::Builder::new().name("barrier".to_owned()).spawn(move || {
            for number in 1.. {
                if stopped.recv_timeout(BEAT) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                // A folder that cannot be written for a moment costs a beat; for longer, the others call this shard gone.
                let _ = beat(number);
            }
        });
        let sign = folder.join(name);
        let beating = beating.map_err(ResultsError::Thread)?;
        Ok(Self { folder, me, sign, stop: Some(stop), beating: Some(beating) })
    }

    /// Waits for the decision, and makes it if it is this shard's turn.
    ///
    /// # Errors
    /// See [`BarrierError`].
    pub fn decision(&self, proposal: &StartProposal, clocks: impl Fn() -> BarrierClocks) -> Result<StartDecision, BarrierError> {
        let (begun, mut seen) = (clocks().steady, SeenSigns::default());
        loop {
            let now = clocks();
            let there = seen.look(&self.folder, &self.me, now.steady)?;
            let (number, latest) = self.latest()?;
            let waited = now.steady.saturating_sub(begun) >= proposal.patience;
            match next_step(&self.me, &there, latest.as_ref(), waited, now.since_epoch) {
                StartStep::Wait => std::thread::sleep(LOOK),
                StartStep::ProposeGo(members) => self.propose(number + 1, &self.go(proposal, &members, now.since_epoch))?,
                StartStep::ProposeAbort(why) => self.propose(number + 1, &self.abort(&there, why))?,
                StartStep::Obey(StartDecision { abort: Some(why), .. }) => return Err(BarrierError::Aborted(why)),
                StartStep::Obey(decision) => return Ok(decision),
                StartStep::Refuse(why) => return Err(BarrierError::Refused(why)),
            }
        }
    }

    fn go(&self, proposal: &StartProposal, members: &[Member], now: Duration) -> StartDecision {
        StartDecision {
            start_epoch_us: u64::try_from((now + proposal.lead).as_micros()).ok(),
            length_us: u64::try_from(proposal.length.as_micros()).unwrap_or(u64::MAX),
            nonce: proposal.nonce.clone(),
            terms: self.me.terms.clone(),
            members: members.iter().map(|member| member.mark.clone()).collect(),
            abort: None,
        }
    }

    fn abort(&self, there: &[Member], why: String) -> StartDecision {
        let members = there.iter().map(|member| member.mark.clone()).collect();
        StartDecision {
            start_epoch_us: None,
            length_us: 0,
            nonce: String::new(),
            terms: self.me.terms.clone(),
            members,
            abort: Some(why),
        }
    }

    /// The last decision and its number; 0 if there is none.
    fn latest(&self) -> Result<(u64, Option<StartDecision>), ResultsError> {
        let numbers = names(&self.folder)?
            .into_iter()
            .filter_map(|name| name.strip_prefix("start-")?.strip_suffix(".json")?.parse::<u64>().ok());
        let Some(number) = numbers.max() else { return Ok((0, None)) };
        let path = self.folder.join(format!("start-{number}.json"));
        let text = fs::read(&path).map_err(|reason| ResultsError::Read { path: path.clone(), reason })?;
        let decision = serde_json::from_slice(&text).map_err(|e| ResultsError::Malformed { path, what: e.to_string() })?;
        Ok((number, Some(decision)))
    }

    /// Makes a decision, unless somebody else was first.
    fn propose(&self, number: u64, decision: &StartDecision) -> Result<(), ResultsError> {
        let own = format!("proposal-{}.json", self.me.mark);
        replace(&self.folder, &own, |out| Ok(serde_json::to_writer(out, decision)?))?;
        let (own, path) = (self.folder.join(own), self.folder.join(format!("start-{number}.json")));
        let linked = fs::hard_link(&own, &path);
        // A proposal that is left behind is in nobody's way.
        let _ = fs::remove_file(&own);
        match linked {
            Err(reason) if reason.kind() != io::ErrorKind::AlreadyExists => Err(ResultsError::Write { path, reason }),
            _ => Ok(()),
        }
    }
}

impl Drop for Barrier {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that panicked has told so itself; a sign that stays behind no longer beats.
        let _ = self.beating.take().map(JoinHandle::join);
        let _ = fs::remove_file(&self.sign);
    }
}

/// Who was seen, with which number, and when it last changed.
#[derive(Debug, Default)]
struct SeenSigns(BTreeMap<String, (u64, Option<Duration>)>);

impl SeenSigns {
    /// Who is there now: `me`, and everybody whose number was seen to change lately.
    fn look(&mut self, folder: &Path, me: &Member, now: Duration) -> Result<Vec<Member>, ResultsError> {
        let mut there = vec![me.clone()];
        for name in names(folder)?.into_iter().filter(|name| name.starts_with("ready-")) {
            // Whoever leaves removes his sign: a file that is gone, or half a file on a folder that does not replace in one step, is nobody.
            let Ok(text) = fs::read(folder.join(&name)) else { continue };
            let Ok(Sign { member, beat }) = serde_json::from_slice(&text) else { continue };
            if member.mark == me.mark {
                continue;
            }
            let (last, changed) = self.0.entry(name).or_insert((beat, None));
            if *last != beat {
                (*last, *changed) = (beat, Some(now));
            }
            if changed.is_some_and(|changed| now.saturating_sub(changed) < SILENT) {
                there.push(member);
            }
        }
        there.sort_by(|a, b| (a.shard, &a.mark).cmp(&(b.shard, &b.mark)));
        Ok(there)
    }
}

fn names(folder: &Path) -> Result<Vec<String>, ResultsError> {
    let read = || {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<String>>>()
    };
    read().map_err(|reason| ResultsError::Read { path: folder.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shard::{Shard, StartTerms};

    fn member(index: u64, of: u64, mark: &str) -> Member {
        let terms = StartTerms { version: "1".to_owned(), scenario_sha256: "a".to_owned(), seed: 1, of };
        Member { shard: Shard::new(index, of).unwrap(), mark: mark.to_owned(), terms }
    }

    /// Of sixteen that race for one number exactly one decision comes to be, and all read that one: a thousand times.
    #[test]
    fn one_decision_comes_to_be() {
        const ROUNDS: u64 = 1000;
        let folder = tempfile::tempdir().unwrap();
        let racers: Vec<Barrier> =
            (0..16).map(|n| Barrier::enter(folder.path(), None, member(n, 16, &format!("m{n}"))).unwrap()).collect();
        let (start, made) = (std::sync::Barrier::new(racers.len()), std::sync::Barrier::new(racers.len()));
        let race = |racer: &Barrier| -> Vec<String> {
            let proposal = StartProposal {
                lead: Duration::ZERO,
                length: Duration::ZERO,
                nonce: racer.me.mark.clone(),
                patience: Duration::ZERO,
            };
            let round = |round: u64| {
                start.wait();
                racer.propose(round, &racer.go(&proposal, &[], Duration::ZERO)).unwrap();
                made.wait();
                let text = fs::read(folder.path().join(format!("start-{round}.json"))).unwrap();
                serde_json::from_slice::<StartDecision>(&text).unwrap().nonce
            };
            (1..=ROUNDS).map(round).collect()
        };
        let read: Vec<Vec<String>> = std::thread::scope(|scope| {
            let threads: Vec<_> = racers.iter().map(|racer| scope.spawn(|| race(racer))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(read.iter().all(|decisions| *decisions == read[0]));
        assert_eq!(racers[0].latest().unwrap().0, ROUNDS);
    }

    /// What an earlier run left behind is nobody: signs that do not beat, and decisions for others.
    #[test]
    fn left_overs_are_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let stale = Sign { member: member(1, 2, "old"), beat: 7 };
        fs::write(folder.path().join("ready-1-old.json"), serde_json::to_vec(&stale).unwrap()).unwrap();
        fs::write(folder.path().join("ready-0-torn.json"), b"{").unwrap();
        let me = Barrier::enter(folder.path(), None, member(0, 2, "new")).unwrap();
        let proposal =
            StartProposal { lead: Duration::ZERO, length: Duration::ZERO, nonce: String::new(), patience: Duration::ZERO };
        let refused =
            me.decision(&proposal, || BarrierClocks { since_epoch: Duration::ZERO, steady: Duration::ZERO }).unwrap_err();
        assert!(refused.to_string().contains("1 of 2 shards were there; missing: 1/2"), "{refused}");
        drop(me);
        assert!(!folder.path().join("ready-0-new.json").exists());
    }
}
