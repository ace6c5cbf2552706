//! What is guaranteed of the kind that is named: true under every kind of the catalogue that explains the answers.
//!
//! The numbers of the named kind that no answer refutes, joined with those of every neighbour that no completed search refutes. A neighbour
//! that brackets leave open is looked at once more, within what is left of it: where even its best numbers leave a thousand times more
//! unexplained than twice what the named kind does, it is out: whatever disturbed the one may have disturbed the other. Refuses to
//! guarantee a kind that it cannot put to the test.

use super::belief::{Belief, HEARD};
use super::cloud::{Cloud, second_look};
use super::inquiry::Inquiry;
use super::sets::{Set, Standing, Testable};
use super::view::View;

/// Numbers that hold the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Assured {
    pub(super) set: Set,
    /// Whether every neighbour is refuted or joined.
    pub(super) sure: bool,
}

/// What is left of the winner and of its neighbours; `None`: it cannot be put to the test, or not with these answers.
pub(super) fn assured(inquiry: &Inquiry, belief: &Belief, winner: &Cloud, view: &View) -> Option<Assured> {
    let family = Testable::of(winner.suspect)?;
    // What the named kind itself leaves unexplained may have disturbed the other one as much.
    let least = 2.0 * winner.best_likelihood().min(0.0) - HEARD;
    let kept = |of: Testable, standing: &Standing| -> Option<Vec<Set>> {
        let Standing::Left(sets) = standing else { return None };
        let facts = inquiry.facts?;
        let suspect = of.suspect();
        let far = |set: &Set| second_look(suspect, &facts, Some(set), &inquiry.timeline, least);
        Some(sets.iter().filter(|set| (sets.len() == 1 && of.kind() == winner.suspect.kind()) || far(set)).copied().collect())
    };
    let own = kept(family, &family.standing(view))?;
    let mut set = Standing::hull_of(&own)?;
    // A call that was refused while no other can have been in flight is no cap's.
    let alone = |(lo, hi): &(f64, f64)| view.maybe.possibly(*lo, *hi) == 0;
    if !view.refused.iter().any(alone) {
        return None;
    }
    let mut sure = true;
    for other in Testable::ALL.into_iter().filter(|other| *other != family) {
        let standing = other.standing(view);
        let left = match (&standing, inquiry.facts) {
            (Standing::Refuted, _) => Vec::new(),
            (Standing::Left(_), _) => kept(other, &standing)?,
            (Standing::Open, Some(facts)) => {
                sure &= !second_look(other.suspect(), &facts, None, &inquiry.timeline, least);
                Vec::new()
            }
            (Standing::Open, None) => return None,
        };
        for one in left {
            sure &= other.kind() == winner.suspect.kind();
            set = set.joined(&one);
        }
    }
    // Habits of the same kind that no box can test: by their odds. That others take part or that it changed is ruled out by what is said.
    let untested =
        |c: &&Cloud| Testable::of(c.suspect).is_none() && c.suspect.kind() == family.kind() && !c.suspect.is_excepted();
    for cloud in belief.judged().into_iter().filter(untested) {
        let rate = cloud.range(|t| t.rate);
        set.rate = (set.rate.0.min(rate.low), set.rate.1.max(rate.high));
    }
    Some(Assured { set, sure })
}
