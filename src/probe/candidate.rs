//! Which kinds explain everything, and how closely: the best first.
//!
//! A hypothesis that explains every answer at whole brackets may do so only because they are wide. The narrower the brackets at which it
//! still does, the closer it is. Refuses kinds that explain everything loosely.

use super::bucket::{self, count};
use super::control::KINDS;
use super::fit::{self, Effort, Fit};
use super::kind::Kind;
use super::observation::{Observation, Phase};
use super::storm;
use super::view::{Lean, View, seconds};

/// Shares of the whole bracket that are tried, from the widest.
const SHARES: [f64; 11] = [1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02];

/// A hypothesis that explains everything above this share of the brackets only does so by chance.
const LOOSE: f64 = 0.7;

/// The same for kinds with numbers enough to follow almost anything loosely.
const LOOSE_SUPPLE: f64 = 0.3;

/// A limiter that counts refused calls lets a probe have at least this fraction of its rate.
const STARVED: f64 = 8.0;

/// A kind that explains everything.
pub(super) struct Candidate {
    pub(super) kind: Kind,
    pub(super) charged: bool,
    /// The narrowest share of the brackets at which it still does.
    tension: f64,
    /// At whole brackets.
    pub(super) whole: Vec<Fit>,
    /// At that share.
    pub(super) tight: Vec<Fit>,
}

/// The kinds that explain everything, the best first; `None` if none does, or only loosely.
pub(super) fn candidates(observations: &[Observation], view: &View) -> Option<Vec<Candidate>> {
    let mut found = fitting(observations, view, &KINDS, false);
    let charged = found.is_empty() && (starved(view) || view.seen.iter().any(|s| s.phase == Phase::Storm));
    if charged {
        found = fitting(observations, view, &storm::KINDS, true);
    }
    found.sort_by(|a, b| a.tension.total_cmp(&b.tension));
    // Of those that fit about as well, the one with the fewest numbers.
    let bound = (found.first()?.tension * 2.0).max(LOOSE_SUPPLE);
    let sound = found.iter().any(|f| !by_luck(f, view) && f.tension <= loose(f.kind));
    found.sort_by_key(|f| (sound && by_luck(f, view), f.tension > bound, f.kind));
    let best = found.first()?;
    if short_steps(best, observations, view) || lumpy(best, view) {
        return None;
    }
    (best.tension <= loose(best.kind) || charged).then_some(found)
}

/// The kinds that explain everything. Once one is as close as counts, what has more numbers is looked at only for whether it does, too.
fn fitting(observations: &[Observation], view: &View, kinds: &[Kind], charged: bool) -> Vec<Candidate> {
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    let mut found: Vec<Candidate> = Vec::new();
    for kind in kinds {
        let settled = found.iter().any(|f| f.tension <= LOOSE_SUPPLE && !by_luck(f, view));
        let mut whole = fit::survey(view, &[kind], charged, if settled { Effort::QUICK } else { Effort::FULL });
        if charged {
            // Whoever calls on while refused gets less than the rate, but something of it.
            let (begin, end) = view.span();
            whole.retain(|f| f.rate.0 <= STARVED * count(view.accepted.len()) / (end - begin).max(0.1));
        }
        match (whole.is_empty(), settled) {
            (true, _) => {}
            (false, true) => found.push(Candidate { kind, charged, tension: 1.0, tight: whole.clone(), whole }),
            (false, false) => found.push(tightest(observations, kind, charged, whole)),
        }
    }
    found
}

/// A sliding counter of many calls trickles: after a refused call nothing passes at once, as it does where there are several buckets.
fn lumpy(best: &Candidate, view: &View) -> bool {
    let many = best.kind == Kind::SlidingCounter && best.tight.first().is_some_and(|f| f.burst.0 >= 8.0);
    many && !best.charged && fit::trickle(view).is_some_and(|rate| bucket::rate_after_refusals(view) > rate * 2.5)
}

/// Steps of one token that are not much longer than a round trip: a token bucket of which somebody else took a token before a burst
/// gives the same answers, and is by far more common.
fn short_steps(best: &Candidate, observations: &[Observation], view: &View) -> bool {
    let Some(fit) = best.tight.first() else { return false };
    let mut trips: Vec<u64> = observations.iter().map(|o| o.done_us - o.sent_us).collect();
    trips.sort_unstable();
    let trip = trips.get(trips.len() / 2).map_or(0.0, |us| seconds(*us));
    let passed = fit::from_rest(view, false).max(fit::from_rest(view, true));
    let single = fit.tokens.is_some_and(|n| n < 1.5) && fit.period.is_some_and(|p| p.1 < 64.0 * trip);
    single && (best.kind == Kind::StepBucket || best.kind == Kind::FixedWindow && passed > 1.0)
}

/// Above which share of the brackets a kind explains everything only by chance.
fn loose(kind: Kind) -> f64 {
    if matches!(kind, Kind::StepBucket | Kind::SlidingCounter) { LOOSE_SUPPLE } else { LOOSE }
}

/// A fixed window that let more through at once than it has: an edge would have come in the middle of every burst from rest.
pub(super) fn by_luck(candidate: &Candidate, view: &View) -> bool {
    let passed = fit::from_rest(view, false).min(fit::from_rest(view, true));
    candidate.kind == Kind::FixedWindow && candidate.tight.iter().all(|f| f.burst.1 + 0.5 < passed)
}

fn tightest(observations: &[Observation], kind: Kind, charged: bool, whole: Vec<Fit>) -> Candidate {
    let mut best = Candidate { kind, charged, tension: 1.0, tight: whole.clone(), whole };
    for lean in [Lean::Middle, Lean::Early] {
        if best.tension <= LOOSE_SUPPLE {
            break;
        }
        for share in SHARES.into_iter().skip(1) {
            let view = View::narrowed(observations, share, lean);
            let fits = fit::narrower(&view, &best.whole, Effort { rectangles: 1500, ..Effort::FULL });
            if fits.is_empty() {
                break;
            }
            if share < best.tension {
                (best.tension, best.tight) = (share, fits);
            }
        }
    }
    best
}

/// Whether a stream got next to nothing although calls with pauses before them were let through.
fn starved(view: &View) -> bool {
    let stream = || view.seen.iter().filter(|s| s.phase == Phase::Stream);
    let taken = stream().filter(|s| s.accepted).count();
    taken <= 2 || taken * 100 <= stream().count()
}
