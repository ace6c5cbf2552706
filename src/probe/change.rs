//! A quota that changed while it was probed: one bucket explains a first part of the answers, another one a last part.
//!
//! Refuses to say when it changed, and to look for more than one change.

use super::bucket::{self, Region};
use super::finding::{Estimate, Finding};
use super::judge::tokens;
use super::kind::Kind;
use super::observation::{Answer, Observation};
use super::view::View;

/// Rates are apart that differ by more than this factor.
const APART: f64 = 1.2;

/// Whether a token bucket explains a first and a last part of the probe, with rates apart. What is between may hold the change.
pub(super) fn changed(finding: &mut Finding, observations: &[Observation]) -> bool {
    let found = ends(observations).into_iter().find_map(|(begin, rested)| {
        let after = part(&observations[begin..], rested)?;
        // At most a fifth of the answers is explained by neither.
        let ends = (begin.saturating_sub(observations.len() / 5)..=begin).rev().step_by(observations.len() / 40 + 1);
        let before = ends.map(|end| &observations[..end]).find_map(|before| part(before, true))?;
        let apart = before.rate.1 * APART < after.rate.0 || after.rate.1 * APART < before.rate.0;
        apart.then_some((before, after))
    });
    let Some((a, b)) = found else { return false };
    finding.kind = Kind::TokenBucket;
    finding.rate_per_s = Some(Estimate { low: b.rate.0, point: f64::midpoint(b.rate.0, b.rate.1), high: b.rate.1 });
    finding.burst = Some(tokens(a.depth.0.max(b.depth.0).min(1e9)));
    finding.rejects_are_free = Some(true);
    finding.quota_changed = true;
    finding.notes.push(format!(
        "the quota changed while it was probed: {:.3} to {:.3}/s before, {:.3} to {:.3}/s after; probe again",
        a.rate.0, a.rate.1, b.rate.0, b.rate.1
    ));
    finding.violated_answers = 0;
    true
}

/// Where a last part may begin, and whether after a rest.
fn ends(observations: &[Observation]) -> Vec<(usize, bool)> {
    let rests = observations.windows(2).enumerate().filter(|(_, pair)| pair[0].segment != pair[1].segment);
    let rests = rests.map(|(index, _)| (index + 1, true));
    rests.chain((4..=13).map(|part| (observations.len() * part / 16, false))).collect()
}

/// The token bucket of a part that is long enough to tell its rate.
fn part(observations: &[Observation], rested: bool) -> Option<Region> {
    let refused = observations.iter().filter(|o| o.answer == Answer::Refused).count();
    if observations.len() < 20 || refused < 5 {
        return None;
    }
    let region = bucket::region_from(&View::whole(observations), 1e-4, rested)?;
    (region.rate.1 < region.rate.0 * 1.3).then_some(region)
}
