//! Where shards meet: who is there, and the one decision. The protocol is here, and knows no more of the place than [`place`] says; the
//! places are a folder that all shards see and a prefix of an S3 bucket.
//!
//! A shard shows that it is there by an object that it writes again and again with another number; it is alive for whoever sees the number
//! change, so no two machines' clocks are ever compared, and what an earlier run left behind stays still. A decision is an object that is
//! created under its number in one step, which succeeds once. Refuses to decide: `shard` does.

#[cfg(any(feature = "s3", test))]
mod address;
#[cfg(feature = "s3")]
mod bucket;
mod error;
mod folder;
mod place;
#[cfg(test)]
mod tests;
mod waiting;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ResultsError;
use crate::shard::{Member, Shard, StartDecision, StartSight, StartStep, next_step};
#[cfg(any(feature = "s3", test))]
pub use address::BucketAddress;
pub use error::BarrierError;
use folder::FolderPlace;
use place::{BarrierPace, MeetingPlace, PlaceEntry};
use waiting::{BarrierWait, Presence, mark_of};

/// What a shard proposes if all are there.
#[derive(Debug, Clone)]
pub struct StartProposal {
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

/// The process of a shard that waits: what it alone can do.
pub trait WaitingProcess {
    /// Reads both clocks.
    fn clocks(&self) -> BarrierClocks;

    /// Lets so much time pass; false if the shard is to wait no longer.
    fn pause(&self, time: Duration) -> bool;

    /// Hears which shards are missing, when that has been so for a while.
    fn miss(&self, missing: &[Shard]);
}

/// What `--barrier` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BarrierPlace {
    /// A folder that all shards see.
    Folder(PathBuf),
    /// A prefix of a bucket that all shards may use.
    #[cfg(feature = "s3")]
    Bucket(BucketAddress),
}

impl BarrierPlace {
    /// What was typed. Of a bucket, the variables that the AWS SDKs share say where it is; nothing is asked.
    pub fn new(typed: &Path) -> Result<Self, BarrierError> {
        let is_bucket = |text: &&str| text.starts_with("s3:") && !text.starts_with("s3://");
        if let Some(place) = typed.to_str().filter(is_bucket) {
            let problem = "write s3://BUCKET/PREFIX, or ./ before the name of a folder".to_owned();
            return Err(BarrierError::Address { place: place.to_owned(), problem });
        }
        match typed.to_str().and_then(|text| Some((text, text.split_once("://")?.0))) {
            None => Ok(Self::Folder(typed.to_owned())),
            Some((place, "s3")) => Self::bucket(place),
            Some((place, scheme)) => Err(BarrierError::UnknownPlace { place: place.to_owned(), scheme: scheme.to_owned() }),
        }
    }

    #[cfg(feature = "s3")]
    fn bucket(place: &str) -> Result<Self, BarrierError> {
        Ok(Self::Bucket(BucketAddress::new(place, |name| std::env::var(name).ok())?))
    }

    #[cfg(not(feature = "s3"))]
    fn bucket(place: &str) -> Result<Self, BarrierError> {
        Err(BarrierError::WithoutS3(place.to_owned()))
    }

    /// The URL that is asked, if it leads away from this machine.
    pub fn far(&self) -> Option<&str> {
        match self {
            Self::Folder(_) => None,
            #[cfg(feature = "s3")]
            Self::Bucket(address) => (!address.is_here).then_some(address.endpoint.as_str()),
        }
    }

    /// The place itself, for one shard; `run` is what the engine calls this run, and keeps runs apart.
    fn open(&self, run: Option<&str>, mark: &str) -> Result<Arc<dyn MeetingPlace>, BarrierError> {
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
        let own = run.map(|run| format!("run-{}", run.chars().map(safe).collect::<String>()));
        match self {
            Self::Folder(folder) => {
                let folder = own.map_or_else(|| folder.clone(), |own| folder.join(own));
                Ok(Arc::new(FolderPlace::open(folder, mark)?))
            }
            #[cfg(feature = "s3")]
            Self::Bucket(address) => {
                let address = own.map_or_else(|| address.clone(), |own| address.clone().below(&own));
                Ok(Arc::new(bucket::BucketPlace::open(address)?))
            }
        }
    }
}

impl fmt::Display for BarrierPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            #[cfg(feature = "s3")]
            Self::Bucket(address) => f.write_str(&address.place),
        }
    }
}

/// A shard that shows that it is there, until this is dropped.
#[derive(Debug)]
pub struct Barrier {
    place: Arc<dyn MeetingPlace>,
    me: Member,
    sign: String,
    /// Tells the thread that beats to leave.
    stop: Option<Sender<()>>,
    /// Hears when it has left.
    left: Mutex<Receiver<()>>,
}

/// So long a shard that ends waits until its sign is removed.
// derived: two requests of 0.1 to 1 s; a place that does not answer must not cost a run that has ended, and a sign that stays no longer beats
const LEAVE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize, Deserialize)]
struct Sign {
    #[serde(flatten)]
    member: Member,
    beat: u64,
}

impl Barrier {
    /// Enters `place`; `run` is what the engine calls this run, and keeps runs apart.
    pub fn enter(place: &BarrierPlace, run: Option<&str>, me: Member) -> Result<Self, BarrierError> {
        Self::at(place.open(run, &me.mark)?, me)
    }

    fn at(place: Arc<dyn MeetingPlace>, me: Member) -> Result<Self, BarrierError> {
        let sign = format!("ready-{}-{}.json", me.shard.index, me.mark);
        let beat = {
            let (place, sign, member) = (Arc::clone(&place), sign.clone(), me.clone());
            move |beat: u64| {
                let bytes = json(&sign, &Sign { member: member.clone(), beat })?;
                place.write(&sign, &bytes)
            }
        };
        beat(0)?;
        let ((stop, stopped), (gone, left)) = (channel(), channel());
        let BarrierPace { beat: pause, .. } = place.pace();
        let (there, own) = (Arc::clone(&place), sign.clone());
        let beating = std::thread::Builder::new().name("barrier".to_owned()).spawn(move || {
            for number in 1.. {
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                // A place that cannot be written for a moment costs a beat; for longer, the others call this shard gone.
                let _ = beat(number);
            }
            let _ = there.remove(&own);
            // Whoever waited for it may have gone on.
            let _ = gone.send(());
        });
        beating.map_err(ResultsError::Thread)?;
        let barrier = Self { place, me, sign, stop: Some(stop), left: Mutex::new(left) };
        // The one thing that a place must not do.
        if barrier.place.create(&barrier.sign, b"")? { Err(BarrierError::CreatedTwice) } else { Ok(barrier) }
    }

    /// Waits for the decision, and makes it if it is this shard's turn.
    ///
    /// # Errors
    /// See [`BarrierError`].
    pub fn decision(&self, proposal: &StartProposal, process: &impl WaitingProcess) -> Result<StartDecision, BarrierError> {
        let (mut waiting, pace) = (BarrierWait::since(process.clocks().steady), self.place.pace());
        loop {
            if !process.pause(Duration::ZERO) {
                return Err(BarrierError::Interrupted);
            }
            let now = process.clocks();
            let since = |at: Duration| now.steady.saturating_sub(at);
            match self.look(proposal, &mut waiting, now) {
                Ok(Some(StartDecision { abort: Some(why), .. })) => return Err(BarrierError::Aborted(why)),
                Ok(Some(decision)) => return Ok(decision),
                // derived: whoever makes no decision in the time after which others call him gone makes none
                Ok(None) if waiting.lost_since.is_some_and(|at| since(at) >= pace.silent) => return Err(BarrierError::Undecided),
                Ok(None) => waiting.has_looked = true,
                // A place that cannot be looked at for a moment costs a look; whoever cannot look at all is told at once.
                Err(error) if error.may_pass() && waiting.has_looked && since(waiting.begun) < proposal.patience => {}
                Err(error) => return Err(error),
            }
            // derived: whoever was there has beaten by then, and whoever starts all at once sees nothing of it
            if let Some(missing) = waiting.attendance.news(now.steady, pace.silent) {
                process.miss(missing);
            }
            if !process.pause(pace.look) {
                return Err(BarrierError::Interrupted);
            }
        }
    }

    /// Looks who is there and what was decided, and does the next step; the decision, if there is one.
    fn look(
        &self,
        proposal: &StartProposal,
        waiting: &mut BarrierWait,
        now: BarrierClocks,
    ) -> Result<Option<StartDecision>, BarrierError> {
        let entries = self.place.entries()?;
        let Presence { there, unsure } = waiting.seen.look(self, &entries, now.steady)?;
        waiting.attendance.note(&there, self.me.shard.of, now.steady);
        let marks: Vec<&str> = there.iter().map(|member| &member.mark).chain(&unsure).map(String::as_str).collect();
        let (number, decisions) = waiting.known.of(&*self.place, &entries, &marks)?;
        let waited = now.steady.saturating_sub(waiting.begun) >= proposal.patience;
        let sight = StartSight { there: &there, unsure: &unsure, waited, now: now.since_epoch };
        let others = || decisions.first().map_or_else(Vec::new, |last| others(last, &entries, &marks));
        let (twin_since, lost_since) = (waiting.twin_since.take(), waiting.lost_since.take());
        let proposed = match next_step(&self.me, sight, &decisions) {
            StartStep::Wait => return Ok(None),
            StartStep::ProposeGo(members) => self.go(proposal, &members, others(), now.since_epoch),
            StartStep::ProposeAbort(why) => self.abort(&there, others(), why),
            StartStep::ProposeJoin(decision) => {
                let (members, mut others) = (&decision.members, others());
                others.retain(|mark| !members.contains(mark));
                StartDecision { others, ..decision }
            }
            StartStep::Obey(decision) => return Ok(Some(decision)),
            StartStep::Refuse(why) => return Err(BarrierError::Refused(why)),
            // Whoever was killed a moment ago is still taken for one who is there.
            StartStep::Yield(shard) => {
                let since = *waiting.twin_since.insert(twin_since.unwrap_or(now.steady));
                let may_be_gone = now.steady.saturating_sub(since) < self.place.pace().silent;
                return if may_be_gone { Ok(None) } else { Err(BarrierError::Doubled(shard)) };
            }
        };
        let made = self.propose(number + 1, proposed)?;
        if made.is_none() {
            waiting.lost_since = lost_since.or(Some(now.steady));
        }
        Ok(made)
    }

    fn go(&self, proposal: &StartProposal, members: &[Member], others: Vec<String>, now: Duration) -> StartDecision {
        StartDecision {
            start_epoch_us: u64::try_from((now + self.place.pace().lead).as_micros()).ok(),
            length_us: u64::try_from(proposal.length.as_micros()).unwrap_or(u64::MAX),
            nonce: proposal.nonce.clone(),
            terms: self.me.terms.clone(),
            members: members.iter().map(|member| member.mark.clone()).collect(),
            others,
            abort: None,
        }
    }

    fn abort(&self, there: &[Member], others: Vec<String>, why: String) -> StartDecision {
        let members = there.iter().map(|member| &member.mark).filter(|mark| !others.contains(mark)).cloned().collect();
        StartDecision {
            start_epoch_us: None,
            length_us: 0,
            nonce: String::new(),
            terms: self.me.terms.clone(),
            members,
            others,
            abort: Some(why),
        }
    }

    /// Makes a decision; `None` if somebody else was first: whoever looks again sees which one came to be.
    fn propose(&self, number: u64, decision: StartDecision) -> Result<Option<StartDecision>, BarrierError> {
        let name = decision_name(number);
        Ok(self.place.create(&name, &json(&name, &decision)?)?.then_some(decision))
    }
}

fn decision_name(number: u64) -> String {
    format!("start-{number}.json")
}

/// Those whom the `last` decision binds, or who were bound before it, and who are there or whose sign still is: a list may miss a file that is
/// replaced at that time.
fn others(last: &StartDecision, entries: &[PlaceEntry], marks: &[&str]) -> Vec<String> {
    let listed = entries.iter().filter_map(|entry| mark_of(&entry.name));
    let all: BTreeSet<&str> = listed.chain(marks.iter().copied()).filter(|mark| last.takes(mark)).collect();
    all.into_iter().map(str::to_owned).collect()
}

fn json(name: &str, value: &impl Serialize) -> Result<Vec<u8>, BarrierError> {
    serde_json::to_vec(value).map_err(|e| BarrierError::Malformed { name: name.to_owned(), reason: e.to_string() })
}

impl Drop for Barrier {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Nobody else holds it, and who does not hear in time goes on.
        let _ = self.left.get_mut().map(|left| left.recv_timeout(LEAVE));
    }
}
