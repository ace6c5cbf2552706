//! Whether enough was seen to name a kind: hypotheses that were never put to the test are not refuted.
//!
//! A window of which one edge was seen explains as much as a log, a step or a bucket that fills slowly. Refuses to weigh the kinds: it only
//! says what is lacking, and which limit to raise.

use super::bucket::count;
use super::candidate::Candidate;
use super::control::Stop;
use super::fit;
use super::kind::Kind;
use super::step;
use super::view::View;

/// Edges that must have been seen before steps are told from single tokens.
const EDGES: usize = 3;

/// Windows that must fit into what was seen.
const WINDOWS: f64 = 2.0;

/// Half of a rate's interval, relative to the rate, of a bucket that was seen to fill.
const KNOWN: f64 = 0.25;

/// Rates of a bucket that are further apart than this factor say little.
const OPEN: f64 = 2.5;

/// Why nothing can be said, if so.
pub(super) fn reason(best: Option<&Candidate>, view: &View, stop: Stop) -> Option<String> {
    let since = view.refused.iter().map(|(_, hi)| *hi).next()?;
    let back = view.accepted.surely(since, f64::INFINITY);
    let edges = step::edges(view);
    let (begin, end) = view.span();
    let passed = fit::from_rest(view, false);
    let remedy = remedy(stop, passed);
    if back == 0 {
        return Some(format!("after {passed} calls at once nothing was let through for {:.1} s: {remedy}", end - since));
    }
    let period = best.and_then(|best| best.whole.first()?.period);
    let windows = period.map_or(f64::INFINITY, |period| (end - begin) / period.0);
    if best.is_some_and(|best| vague(best, view)) {
        return Some("round trips are too long to tell how fast it fills: probe from nearer".to_owned());
    }
    let few = match best.map(|best| best.kind) {
        Some(Kind::FixedWindow | Kind::SlidingLog) => edges < EDGES - 1 || windows < WINDOWS,
        Some(Kind::SlidingCounter) => edges < EDGES || windows < WINDOWS + 0.5,
        // Many tokens came in, whose instants may be too close together to be told apart.
        Some(Kind::TokenBucket) => {
            edges < EDGES && best.and_then(|best| best.whole.first()).is_none_or(|fit| fit.half_width() > KNOWN)
        }
        Some(_) => edges < EDGES,
        // Clumps that were seen a few times are a window's rather than those of several buckets.
        None => edges < EDGES || edges < 2 * EDGES && back > 4 * edges,
    };
    few.then(|| {
        format!(
            "{passed} calls were let through at once, and {back} more at {edges} instants within {:.1} s: too few to tell windows, steps and \
             buckets apart, {remedy}",
            end - since
        )
    })
}

/// Whether a bucket's rate is open to above, and narrower brackets do not say where it lies, or above twice of what came back.
fn vague(best: &Candidate, view: &View) -> bool {
    let (Some(whole), Some(tight)) = (best.whole.first(), best.tight.first()) else { return false };
    let open = whole.rate.1 > whole.rate.0 * OPEN;
    let far = fit::trickle(view).is_some_and(|rate| tight.point() > 2.0 * rate);
    best.kind == Kind::TokenBucket && !best.charged && open && (tight.half_width() > KNOWN || far)
}

fn remedy(stop: Stop, passed: f64) -> String {
    match stop {
        Stop::Calls => format!("raise --max-calls (about {} are needed)", (passed * 10.0).max(count(600) * 2.0)),
        Stop::Sessions => format!("raise --max-sessions (about {} are needed)", (passed * 6.0).max(count(600) * 2.0)),
        _ => "raise --max-time".to_owned(),
    }
}
