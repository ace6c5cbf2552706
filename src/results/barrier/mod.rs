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

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ResultsError;
use crate::shard::{Member, StartDecision, StartStep, next_step};
#[cfg(any(feature = "s3", test))]
pub use address::BucketAddress;
pub use error::BarrierError;
use folder::FolderPlace;
use place::{BarrierPace, MeetingPlace, PlaceEntry};

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
        let (stop, stopped) = channel();
        let BarrierPace { beat: pause, .. } = place.pace();
        let beating = std::thread::Builder::new().name("barrier".to_owned()).spawn(move || {
            for number in 1.. {
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                // A place that cannot be written for a moment costs a beat; for longer, the others call this shard gone.
                let _ = beat(number);
            }
        });
        let beating = beating.map_err(ResultsError::Thread)?;
        Ok(Self { place, me, sign, stop: Some(stop), beating: Some(beating) })
    }

    /// Waits for the decision, and makes it if it is this shard's turn.
    ///
    /// # Errors
    /// See [`BarrierError`].
    pub fn decision(&self, proposal: &StartProposal, clocks: impl Fn() -> BarrierClocks) -> Result<StartDecision, BarrierError> {
        let (begun, mut seen, pace) = (clocks().steady, SeenSigns::default(), self.place.pace());
        loop {
            let (now, entries) = (clocks(), self.place.entries()?);
            let there = seen.look(self, &entries, now.steady)?;
            let (number, latest) = self.latest(&entries)?;
            let waited = now.steady.saturating_sub(begun) >= proposal.patience;
            match next_step(&self.me, &there, latest.as_ref(), waited, now.since_epoch) {
                StartStep::Wait => std::thread::sleep(pace.look),
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
            start_epoch_us: u64::try_from((now + self.place.pace().lead).as_micros()).ok(),
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

    /// The last decision of these and its number; 0 if there is none.
    fn latest(&self, entries: &[PlaceEntry]) -> Result<(u64, Option<StartDecision>), BarrierError> {
        let numbers =
            entries.iter().filter_map(|entry| entry.name.strip_prefix("start-")?.strip_suffix(".json")?.parse::<u64>().ok());
        let Some(number) = numbers.max() else { return Ok((0, None)) };
        let name = format!("start-{number}.json");
        let text = self.place.read(&name)?.ok_or_else(|| BarrierError::Gone(name.clone()))?;
        let decision = serde_json::from_slice(&text).map_err(|e| BarrierError::Malformed { name, reason: e.to_string() })?;
        Ok((number, Some(decision)))
    }

    /// Makes a decision, unless somebody else was first: whoever looks again sees which one came to be.
    fn propose(&self, number: u64, decision: &StartDecision) -> Result<(), BarrierError> {
        let name = format!("start-{number}.json");
        self.place.create(&name, &json(&name, decision)?).map(|_| ())
    }
}

fn json(name: &str, value: &impl Serialize) -> Result<Vec<u8>, BarrierError> {
    serde_json::to_vec(value).map_err(|e| BarrierError::Malformed { name: name.to_owned(), reason: e.to_string() })
}

impl Drop for Barrier {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A thread that panicked has told so itself; a sign that stays behind no longer beats.
        let _ = self.beating.take().map(JoinHandle::join);
        let _ = self.place.remove(&self.sign);
    }
}

/// One sign: whose it is, what it looked like, and when that last changed.
#[derive(Debug, Default)]
struct SeenSign {
    stamp: Option<String>,
    changed: Option<Duration>,
    member: Option<Member>,
}

/// What was seen of every sign, by its name.
#[derive(Debug, Default)]
struct SeenSigns(BTreeMap<String, SeenSign>);

impl SeenSigns {
    /// Who is there now: the shard of `barrier`, and everybody whose sign was seen to change lately.
    fn look(&mut self, barrier: &Barrier, entries: &[PlaceEntry], now: Duration) -> Result<Vec<Member>, BarrierError> {
        let (me, silent) = (&barrier.me, barrier.place.pace().silent);
        let mut there = vec![me.clone()];
        for entry in entries.iter().filter(|entry| entry.name.starts_with("ready-") && entry.name != barrier.sign) {
            let seen = self.0.entry(entry.name.clone()).or_default();
            if seen.note(&*barrier.place, entry, now)? && seen.changed.is_some_and(|at| now.saturating_sub(at) < silent) {
                there.extend(seen.member.clone());
            }
        }
        there.sort_by(|a, b| (a.shard, &a.mark).cmp(&(b.shard, &b.mark)));
        Ok(there)
    }
}

impl SeenSign {
    /// Takes note of what the sign looks like at `now`; false if it is nobody's. Where the list tells that it changed, only a sign that
    /// changes is read, and that once: the rest of it stays the same.
    fn note(&mut self, place: &dyn MeetingPlace, entry: &PlaceEntry, now: Duration) -> Result<bool, BarrierError> {
        let is_beating = entry.stamp.is_some() && self.stamp.is_some() && self.stamp != entry.stamp;
        let mut stamp = entry.stamp.clone();
        if stamp.is_none() || (is_beating && self.member.is_none()) {
            // Whoever leaves removes his sign: an object that is gone, or half a file on a folder that does not replace in one step, is nobody.
            let Some(text) = place.read(&entry.name)? else { return Ok(false) };
            let Ok(Sign { member, beat }) = serde_json::from_slice(&text) else { return Ok(false) };
            stamp = stamp.or_else(|| Some(beat.to_string()));
            self.member = Some(member);
        }
        if self.stamp.is_some() && self.stamp != stamp {
            self.changed = Some(now);
        }
        self.stamp = stamp;
        Ok(true)
    }
}
