//! Every suspect with its evidence, and the odds between them.

use std::collections::BTreeMap;

use super::cloud::Cloud;
use super::timeline::Timeline;
use crate::limiter::Kind;
use crate::limiter::SUSPECTS;
use crate::limiter::suspect::{Facts, Suspect};
use crate::num::small;

/// All suspects, from the first refused call on.
#[derive(Clone, Default)]
pub(super) struct Belief {
    pub(super) clouds: Vec<Cloud>,
    /// After how many answers those that were dropped are asked again.
    again_at: usize,
}

/// So much less likely than the best, as a logarithm, that a suspect is no longer followed.
const GONE: f64 = 25.0; // derived: HEARD and three times the noise of the evidence, which is a few units; what is gone is asked again

/// Steps that all suspects together may take for an answer: one step is one answer told to one particle.
const STEPS: i64 = 60_000; // measured: 30 ns each, so that 600 answers take a second of CPU, and 5,000 nine

/// Odds below which a suspect is not heard any more, as a logarithm.
pub(super) const HEARD: f64 = 6.9; // derived: ln(1000): a posterior of one in a thousand

/// All suspects, kind by kind, the plainest of each first.
fn suspects() -> impl Iterator<Item = &'static dyn Suspect> {
    SUSPECTS.iter().copied().flatten().copied()
}

impl Belief {
    pub(super) fn new(facts: &Facts, seed: u64) -> Self {
        let clouds = (0u64..).zip(suspects()).map(|(of, suspect)| Cloud::new(suspect, of + 1, facts, seed));
        Self { clouds: clouds.collect(), again_at: 0 }
    }

    /// Follows the answers that are new.
    pub(super) fn follow(&mut self, timeline: &Timeline) {
        let followed = self.clouds.iter().filter(|cloud| !cloud.dropped).count();
        for cloud in self.clouds.iter_mut().filter(|cloud| !cloud.dropped) {
            cloud.follow(timeline, STEPS / i64::from(small(followed)));
        }
        if timeline.told.len() >= self.again_at {
            self.ask_again(timeline);
            self.again_at = timeline.told.len() * 3 / 2; // derived: as often as a cloud looks for other places
        }
        self.drop_unlikely();
    }

    fn drop_unlikely(&mut self) {
        let best = self.best();
        for cloud in &mut self.clouds {
            cloud.dropped |= cloud.evidence() < best - GONE;
        }
    }

    /// Asks all that were dropped again: numbers that nobody had found yet may explain what came later.
    pub(super) fn ask_again(&mut self, timeline: &Timeline) {
        self.restart_hidden(timeline);
        let kept = self.clouds.iter().filter(|cloud| !cloud.dropped);
        let least = kept.clone().map(Cloud::best_likelihood).fold(f64::NEG_INFINITY, f64::max) - GONE;
        let kept: Vec<Cloud> = kept.filter(|cloud| !cloud.suspect.is_composite()).cloned().collect();
        for cloud in self.clouds.iter_mut().filter(|cloud| cloud.dropped && !cloud.suspect.hidden()) {
            let first = cloud.suspect.first().map(|(first, _)| first.name());
            cloud.revive(timeline, least, kept.iter().find(|plain| Some(plain.suspect.name()) == first));
        }
        self.drop_unlikely();
    }

    /// Lets those part of whose state is chance begin anew, as far as they may still come near to the likeliest.
    fn restart_hidden(&mut self, timeline: &Timeline) {
        let leader = self.clouds.iter().filter(|cloud| !cloud.dropped).max_by(|a, b| a.evidence().total_cmp(&b.evidence()));
        let Some(hope) = leader.map(|leader| leader.hope(timeline)) else { return };
        let least = self.best() - GONE;
        for cloud in self.clouds.iter_mut().filter(|cloud| cloud.suspect.hidden()) {
            cloud.restart(timeline, least, &hope);
        }
    }

    fn best(&self) -> f64 {
        self.clouds.iter().filter(|c| !c.dropped).map(Cloud::evidence).fold(f64::NEG_INFINITY, f64::max)
    }

    /// The suspects that are still heard, the likeliest first.
    pub(super) fn heard(&self) -> Vec<&Cloud> {
        let best = self.best();
        let mut heard: Vec<&Cloud> = self.clouds.iter().filter(|c| !c.dropped && c.evidence() >= best - HEARD).collect();
        heard.sort_by(|a, b| b.evidence().total_cmp(&a.evidence()));
        heard
    }

    /// The suspects all of whose parts had a hand in the answers, those that are heard, the likeliest first.
    pub(super) fn judged(&self) -> Vec<&Cloud> {
        let mut judged: Vec<(f64, &Cloud)> =
            self.clouds.iter().filter(|c| !c.dropped).map(|c| (c.evidence() + c.acted().ln(), c)).collect();
        judged.sort_by(|a, b| b.0.total_cmp(&a.0));
        let best = judged.first().map_or(0.0, |(evidence, _)| *evidence);
        judged.retain(|(evidence, _)| *evidence >= best - HEARD);
        // Of the habits of the likeliest kind that explain about as much, the one that stands first in the catalogue: the plainest.
        let kind = judged.first().map(|(_, cloud)| cloud.suspect.kind());
        let place = |cloud: &Cloud| suspects().position(|s| s.name() == cloud.suspect.name());
        // source: Kass, Raftery 1995: below 20 to 1 the evidence is not strong
        let alike = |(evidence, cloud): &(f64, &Cloud)| Some(cloud.suspect.kind()) == kind && *evidence >= best - 20.0_f64.ln();
        let plainest =
            judged.iter().enumerate().filter(|(_, c)| alike(c)).min_by_key(|(_, (_, cloud))| place(cloud)).map(|(at, _)| at);
        if let Some(at) = plainest {
            judged[..=at].rotate_right(1);
        }
        judged.into_iter().map(|(_, cloud)| cloud).collect()
    }

    /// The posterior of each kind: all suspects alike before, but for those that claim a second part.
    pub(super) fn odds(&self) -> BTreeMap<Kind, f64> {
        let best =
            self.clouds.iter().filter(|c| !c.dropped).map(|c| c.evidence() + c.acted().ln()).fold(f64::NEG_INFINITY, f64::max);
        let mut odds: BTreeMap<Kind, f64> = BTreeMap::new();
        for cloud in self.clouds.iter().filter(|c| !c.dropped) {
            *odds.entry(cloud.suspect.kind()).or_default() += (cloud.evidence() - best).exp() * cloud.acted();
        }
        let total: f64 = odds.values().sum();
        for share in odds.values_mut() {
            *share /= total;
        }
        odds
    }
}
