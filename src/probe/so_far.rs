//! What is believed while a probe goes on, for whoever watches.

use super::inquiry::Inquiry;
use crate::limiter::Kind;

/// A kind that may be it, and between which numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoFar {
    /// Which.
    pub kind: Kind,
    /// Calls per second, at least and at most; `None` where the kind has no rate.
    pub rate_per_s: Option<(f64, f64)>,
    /// Calls at once from rest, at least and at most. For a cap on calls in flight, the cap.
    pub burst: (f64, f64),
}

impl Inquiry {
    /// The kinds that may be it, the likeliest first; none before a call was refused.
    pub fn so_far(&self) -> Vec<SoFar> {
        let mut found: Vec<SoFar> = Vec::new();
        for cloud in self.belief.iter().flat_map(|belief| belief.judged()) {
            let kind = cloud.suspect.kind();
            if found.iter().any(|other| other.kind == kind) {
                continue;
            }
            // derived: nineteen in twenty
            let rate = cloud.quantiles(|p| cloud.traits(p).rate.unwrap_or(f64::NAN), &[0.025, 0.975]);
            let burst = cloud.quantiles(|p| cloud.traits(p).burst.unwrap_or(0.0), &[0.025, 0.975]); // derived: the same
            let rate_per_s = rate[0].is_finite().then_some((rate[0], rate[1]));
            found.push(SoFar { kind, rate_per_s, burst: (burst[0], burst[1]) });
        }
        found
    }
}
