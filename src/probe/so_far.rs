//! A quick look while a probe goes on: which kinds explain every answer so far.
//!
//! What the controller decides by and what a view shows. Refuses to judge: the finding takes the time that it needs, at the end.

use super::control::KINDS;
use super::fit::{self, Effort, Fit};
use super::kind::Kind;
use super::observation::Observation;
use super::view::View;

/// A kind that explains every answer so far, and between which numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoFar {
    /// Which.
    pub kind: Kind,
    /// Calls per second, at least and at most; `None` where the kind has no rate.
    pub rate_per_s: Option<(f64, f64)>,
    /// Calls at once from rest, at least and at most. For a cap on calls in flight, the cap.
    pub burst: (f64, f64),
}

/// The kinds that explain every answer so far, each once; none before a call was refused.
pub fn so_far(observations: &[Observation]) -> Vec<SoFar> {
    let view = View::whole(observations);
    if view.refused.is_empty() {
        return Vec::new();
    }
    let mut fits = fit::survey(&view, &[Kind::Concurrency], false, Effort::QUICK);
    if fits.is_empty() {
        fits = quick(&view);
    }
    fits.chunk_by(|a, b| a.kind == b.kind).map(hull).collect()
}

/// What explains everything, at a glance. A sliding counter, which follows a bucket loosely, is only looked for where no bucket does.
pub(super) fn quick(view: &View) -> Vec<Fit> {
    let mut fits = fit::survey(view, &KINDS[..4], false, Effort::QUICK);
    if fits.iter().all(|f| f.kind != Kind::TokenBucket) {
        fits.extend(fit::survey(view, &KINDS[4..], false, Effort::QUICK));
    }
    fits
}

/// Fits of one kind as one.
fn hull(fits: &[Fit]) -> SoFar {
    let over = |read: fn(&Fit) -> (f64, f64)| {
        fits.iter().map(read).fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), (a, b)| (low.min(a), high.max(b)))
    };
    let kind = fits.first().map_or(Kind::Inconclusive, |fit| fit.kind);
    let rate = Some(over(|f| f.rate)).filter(|_| kind != Kind::Concurrency);
    SoFar { kind, rate_per_s: rate, burst: over(|f| f.burst) }
}
