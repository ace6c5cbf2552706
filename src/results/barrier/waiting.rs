//! What a shard remembers while it waits: whose signs it saw change, and the decisions that it read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::error::BarrierError;
use super::place::{MeetingPlace, PlaceEntry};
use super::{Barrier, Sign, decision_name};
use crate::shard::{Member, Shard, StartDecision};

/// What a shard remembers between two looks.
#[derive(Debug)]
pub(super) struct BarrierWait {
    pub(super) begun: Duration,
    pub(super) has_looked: bool,
    pub(super) seen: SeenSigns,
    pub(super) known: KnownDecisions,
    pub(super) attendance: Attendance,
    /// Since when every look has shown another process that runs this shard.
    pub(super) twin_since: Option<Duration>,
    /// Since when every look has ended with a proposal that came to nothing.
    pub(super) lost_since: Option<Duration>,
}

impl BarrierWait {
    pub(super) fn since(begun: Duration) -> Self {
        Self {
            begun,
            has_looked: false,
            seen: SeenSigns::default(),
            known: KnownDecisions::default(),
            attendance: Attendance::default(),
            twin_since: None,
            lost_since: None,
        }
    }
}

/// Which shards are missing, and since when these.
#[derive(Debug, Default)]
pub(super) struct Attendance {
    missing: Vec<Shard>,
    since: Duration,
    is_told: bool,
}

impl Attendance {
    /// Takes note of who is there, of so many shards.
    pub(super) fn note(&mut self, there: &[Member], of: u64, now: Duration) {
        let here: BTreeSet<u64> = there.iter().map(|member| member.shard.index).collect();
        let missing = Shard::missing(of, |index| here.contains(&index));
        if missing != self.missing {
            *self = Self { missing, since: now, is_told: false };
        }
    }

    /// Those who are missing, once after each change, when it has lasted for so long.
    pub(super) fn news(&mut self, now: Duration, lasted: Duration) -> Option<&[Shard]> {
        if self.is_told || self.missing.is_empty() || now.saturating_sub(self.since) < lasted {
            return None;
        }
        self.is_told = true;
        Some(&self.missing)
    }
}

/// The decisions that were read, by their numbers: none ever changes.
#[derive(Debug, Default)]
pub(super) struct KnownDecisions(BTreeMap<u64, StartDecision>);

impl KnownDecisions {
    /// The number of the last decision, 0 if there is none; and that decision, with the earlier ones as long as they bind anybody who is or
    /// may be there, of whom these are the `marks`; the last one first.
    pub(super) fn of(
        &mut self,
        place: &dyn MeetingPlace,
        entries: &[PlaceEntry],
        marks: &[&str],
    ) -> Result<(u64, Vec<StartDecision>), BarrierError> {
        let number = |name: &str| name.strip_prefix("start-")?.strip_suffix(".json")?.parse::<u64>().ok();
        // Only the names that are given: others would not be found again.
        let is_given = |(number, name): &(u64, &str)| decision_name(*number) == *name;
        let named = entries.iter().filter_map(|entry| Some((number(&entry.name)?, entry.name.as_str())));
        let last = named.filter(is_given).map(|(number, _)| number).max().unwrap_or(0);
        if last == u64::MAX {
            return Err(BarrierError::Malformed { name: decision_name(last), reason: "no number comes after it".to_owned() });
        }
        // What was removed is no decision any more.
        self.0.split_off(&(last + 1));
        let (mut found, mut number) = (Vec::new(), last);
        while number > 0 {
            let decision = self.read(place, number)?;
            let goes_on = decision.others.iter().any(|other| marks.contains(&other.as_str()));
            found.push(decision);
            number = if goes_on { number - 1 } else { 0 };
        }
        Ok((last, found))
    }

    fn read(&mut self, place: &dyn MeetingPlace, number: u64) -> Result<StartDecision, BarrierError> {
        if let Some(known) = self.0.get(&number) {
            return Ok(known.clone());
        }
        let name = decision_name(number);
        let text = place.read(&name)?.ok_or_else(|| BarrierError::Gone(name.clone()))?;
        let decision: StartDecision =
            serde_json::from_slice(&text).map_err(|e| BarrierError::Malformed { name, reason: e.to_string() })?;
        self.0.insert(number, decision.clone());
        Ok(decision)
    }
}

/// One sign: whose it is, what it looked like, since when it is known, and when it last changed.
#[derive(Debug)]
struct SeenSign {
    stamp: Option<String>,
    since: Duration,
    changed: Option<Duration>,
    member: Option<Member>,
}

/// What was seen of every sign, by its name.
#[derive(Debug, Default)]
pub(super) struct SeenSigns(BTreeMap<String, SeenSign>);

/// Who is there, and the marks of those of whom that is not known: their signs lie there, and were not looked at for long enough, or were seen to
/// change lately and are not in the list.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) there: Vec<Member>,
    pub(super) unsure: Vec<String>,
}

impl SeenSigns {
    /// Who is there now: the shard of `barrier`, and everybody whose sign was seen to change lately.
    pub(super) fn look(&mut self, barrier: &Barrier, entries: &[PlaceEntry], now: Duration) -> Result<Presence, BarrierError> {
        let silent = barrier.place.pace().silent;
        let lately = |at: Duration| now.saturating_sub(at) < silent;
        let (mut there, mut unsure) = (vec![barrier.me.clone()], Vec::new());
        for entry in entries.iter().filter(|entry| entry.name != barrier.sign) {
            let Some(mark) = mark_of(&entry.name) else { continue };
            let seen = self.0.entry(entry.name.clone()).or_insert_with(|| SeenSign::since(now));
            let is_whole = seen.note(&*barrier.place, entry, now)?;
            match &seen.member {
                Some(member) if is_whole && seen.changed.is_some_and(lately) => there.push(member.clone()),
                _ if seen.changed.is_none() && lately(seen.since) => unsure.push(mark.to_owned()),
                _ => {}
            }
        }
        // A list may miss a file that is replaced at that time; whoever was seen a moment ago may be there.
        let missed = self
            .0
            .iter()
            .filter(|(name, seen)| seen.changed.is_some_and(lately) && entries.iter().all(|entry| entry.name != **name));
        unsure.extend(missed.filter_map(|(name, _)| mark_of(name)).map(str::to_owned));
        there.sort_by(|a, b| (a.shard, &a.mark).cmp(&(b.shard, &b.mark)));
        Ok(Presence { there, unsure })
    }
}

/// The mark of whose sign has this name; `None` if it is no sign's.
pub(super) fn mark_of(name: &str) -> Option<&str> {
    Some(name.strip_prefix("ready-")?.strip_suffix(".json")?.rsplit_once('-')?.1)
}

impl SeenSign {
    const fn since(since: Duration) -> Self {
        Self { stamp: None, since, changed: None, member: None }
    }

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
