//! Answers that are not of the limiter: which few of them, left out, let a kind explain all others.
//!
//! The observations are read in their order up to the first that contradicts the ones before; of the answers that can be to blame the one
//! is left out that lets the reading go furthest. So many answers may go as the caller allows, and no more. What is found is never
//! guaranteed. Refuses kinds that need a search of their own for every look: those with a clock.

use super::fit::{self, Effort};
use super::kind::Kind;
use super::observation::{Answer, Observation};
use super::view::View;

/// The kinds that are tried.
const KINDS: [Kind; 2] = [Kind::TokenBucket, Kind::SlidingLog];

/// The last answers up to a contradiction: one of them is to blame for it.
const BLAMED: usize = 9;

/// The observations without the fewest that contradict a kind: at most `share` of them, and at least one. `None`: more would have to go.
pub(super) fn without(observations: &[Observation], share: f64) -> Option<Vec<Observation>> {
    let most = allowed(observations.len(), share);
    let tried = KINDS.iter().filter_map(|kind| thin_out(observations, *kind, most));
    tried.max_by_key(Vec::len)
}

/// So many may go.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // counts of calls
fn allowed(calls: usize, share: f64) -> usize {
    (calls as f64 * share).floor() as usize
}

fn thin_out(observations: &[Observation], kind: Kind, most: usize) -> Option<Vec<Observation>> {
    let mut kept = observations.to_vec();
    loop {
        let reach = reach(&kept, kind);
        if reach == kept.len() {
            return (kept.len() < observations.len()).then_some(kept);
        }
        if observations.len() - kept.len() >= most {
            return None;
        }
        let rests = blamed(&kept, reach).into_iter().map(|index| {
            let mut rest = kept.clone();
            rest.remove(index);
            rest
        });
        kept = rests.max_by_key(|rest| self::reach(rest, kind))?;
    }
}

/// How many observations, from the first, the kind explains.
fn reach(observations: &[Observation], kind: Kind) -> usize {
    let explains = |calls: usize| {
        let view = View::whole(&observations[..calls]);
        view.refused.is_empty() || !fit::survey(&view, &[kind], false, Effort::QUICK).is_empty()
    };
    if explains(observations.len()) {
        return observations.len();
    }
    let (mut good, mut bad) = (0, observations.len());
    while bad - good > 1 {
        let middle = usize::midpoint(good, bad);
        *(if explains(middle) { &mut good } else { &mut bad }) = middle;
    }
    good
}

/// Who can be to blame when the answer at `last` contradicts: it, or one of the last before it.
fn blamed(observations: &[Observation], last: usize) -> Vec<usize> {
    let answered = |index: &usize| matches!(observations[*index].answer, Answer::Accepted | Answer::Refused);
    (0..=last).rev().filter(answered).take(BLAMED).collect()
}
