//! Calls that count from their instants on, each by its weight, in the order of the instants.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Toll;
use super::disk::{TimeForm, time};

/// The weight of one call, in thousandths.
pub(super) const CALL: u64 = 1000;

/// Weights at instants, in order, each instant once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct CallWeights {
    entries: VecDeque<(Duration, u64)>,
    /// Of all of them.
    sum: u64,
}

impl CallWeights {
    /// What all of them weigh, in thousandths of a call.
    pub(super) const fn sum(&self) -> u64 {
        self.sum
    }

    /// Counts a call at `at`.
    pub(super) fn add(&mut self, at: Duration, toll: Toll) {
        let weight = u64::from(toll.milli());
        if weight > 0 {
            self.put(at, weight);
        }
    }

    fn put(&mut self, at: Duration, weight: u64) {
        self.sum = self.sum.saturating_add(weight);
        let place = self.entries.partition_point(|(there, _)| *there < at);
        match self.entries.get_mut(place) {
            Some((there, held)) if *there == at => *held = held.saturating_add(weight),
            _ => self.entries.insert(place, (at, weight)),
        }
    }

    /// Forgets what lies at or before `until`.
    pub(super) fn forget(&mut self, until: Duration) {
        while let Some((_, weight)) = self.entries.pop_front_if(|(at, _)| *at <= until) {
            self.sum = self.sum.saturating_sub(weight);
        }
    }

    /// Forgets the oldest as long as the others weigh more than `most`: they decide alone until they weigh no more.
    pub(super) fn keep_above(&mut self, most: u64) {
        let sum = &mut self.sum;
        while let Some((_, weight)) = self.entries.pop_front_if(|(_, weight)| sum.saturating_sub(*weight) > most) {
            *sum = sum.saturating_sub(weight);
        }
    }

    /// The instant at or before which has to be forgotten what is too much, so that the rest weighs at most `most`; `None` if the rest does.
    pub(super) fn too_much(&self, most: u64) -> Option<Duration> {
        let mut excess = self.sum.checked_sub(most).filter(|excess| *excess > 0)?;
        for (at, weight) in &self.entries {
            match excess.checked_sub(*weight) {
                Some(more) if more > 0 => excess = more,
                _ => return Some(*at),
            }
        }
        None
    }
}

/// On disk: the time of a call of full weight alone, as it always was, or with its weight.
#[derive(Serialize)]
#[serde(untagged)]
enum EntryForm {
    Full(TimeForm),
    Weighted(TimeForm, u64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ReadEntry {
    Full(f64),
    Weighted(f64, u64),
}

impl Serialize for CallWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries.iter().map(|(at, weight)| match *weight {
            CALL => EntryForm::Full((*at).into()),
            weight => EntryForm::Weighted((*at).into(), weight),
        }))
    }
}

impl<'de> Deserialize<'de> for CallWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut counted = Self::default();
        for entry in Vec::<ReadEntry>::deserialize(deserializer)? {
            let (us, weight) = match entry {
                ReadEntry::Full(us) => (us, CALL),
                ReadEntry::Weighted(us, weight) => (us, weight),
            };
            counted.put(time(us), weight);
        }
        Ok(counted)
    }
}
