//! What is guaranteed of the kind that is named: true under every kind of the catalogue that explains the answers.
//!
//! The numbers of the named kind that no answer refutes, joined with those of every neighbour that no completed search refutes. A neighbour
//! that brackets leave open is looked at once more, within what is left of it: where even its best numbers leave a thousand times more
//! unexplained than twice what the named kind does, it is out: whatever disturbed the one may have disturbed the other. Refuses to
//! guarantee a kind that it cannot put to the test.

use super::belief::{Belief, HEARD};
use super::cloud::{Cloud, SecondLook};
use super::inquiry::Inquiry;
use super::sets::{Set, Standing, Testable};
use super::view::View;
use crate::num::small;

/// Numbers that hold the truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Assured {
    pub(super) set: Set,
    /// Whether every neighbour is refuted or joined.
    pub(super) sure: bool,
}

/// Steps that second looks may take for an answer: one step is one answer told to one particle.
const STEPS: i64 = 20_000; // measured: 30 ns each, so that 600 answers take a third of a second of CPU, and 5,000 three seconds

/// What is left of the winner and of its neighbours; `None`: it cannot be put to the test, or not with these answers.
pub(super) fn assured(inquiry: &Inquiry, belief: &Belief, winner: &Cloud, view: &View) -> Option<Assured> {
    let family = Testable::of(winner.suspect)?;
    let timeline = &inquiry.timeline;
    let credit = STEPS * i64::from(small(timeline.told.len()));
    let mut look = SecondLook { timeline, facts: inquiry.facts?, clouds: &belief.clouds, least: least(winner), credit };
    let Standing::Left(own) = family.standing(view) else { return None };
    let mut set = match own.as_slice() {
        [only] => *only,
        // Those that hold the likeliest numbers need no look.
        sets => {
            let best = winner.best().map(|p| winner.traits(p));
            let (sure, open): (Vec<Set>, Vec<Set>) = sets.iter().partition(|set| best.is_some_and(|best| set.holds(&best)));
            let left = kept(&mut look, family, &open);
            sure.into_iter().chain(left).reduce(|a, b| a.joined(&b))?
        }
    };
    // A call that was refused while no other can have been in flight is no cap's.
    let alone = |(lo, hi): &(f64, f64)| view.maybe.possibly(*lo, *hi) == 0;
    if !view.refused.iter().any(alone) {
        return None;
    }
    let mut sure = true;
    for other in Testable::ALL.into_iter().filter(|other| *other != family) {
        match other.standing(view) {
            Standing::Refuted => {}
            Standing::Left(sets) => {
                let same = other.kind() == winner.suspect.kind();
                let left = match sets.as_slice() {
                    [only] if same => Some(*only),
                    sets => kept(&mut look, other, sets),
                };
                sure &= same || left.is_none();
                set = left.map_or(set, |left| set.joined(&left));
            }
            Standing::Open => sure &= !look.leaves(other.suspect(), None),
        }
    }
    // That others take part or that it changed is ruled out by what is said.
    let untested = |c: &Cloud| Testable::of(c.suspect).is_none() && !c.suspect.is_excepted();
    // Limiters of other kinds whose numbers alone say what they do: by a second look. What is hidden, or made of several, by its odds.
    let told_by_numbers = |c: &Cloud| !c.suspect.hidden() && !c.suspect.is_composite() && c.suspect.kind() != family.kind();
    for cloud in belief.clouds.iter().filter(|c| untested(c) && told_by_numbers(c)) {
        sure = sure && !look.leaves(cloud.suspect, None);
    }
    // Habits of the same kind that no box can test: by their odds.
    let habit = |c: &&Cloud| untested(c) && c.suspect.kind() == family.kind();
    for cloud in belief.judged().into_iter().filter(habit) {
        let rate = cloud.range(|t| t.rate);
        set.rate = (set.rate.0.min(rate.low), set.rate.1.max(rate.high));
    }
    Some(Assured { set, sure })
}

/// How likely a neighbour must make the answers, as a logarithm: what the named kind itself leaves unexplained may have disturbed the other one
/// as much.
pub(super) fn least(winner: &Cloud) -> f64 {
    2.0 * winner.best_likelihood().min(0.0) - HEARD
}

/// The hull of the sets that a second look leaves; `None`: none of them. What lies within those that it left needs no look, so it goes
/// from the outside in.
fn kept(look: &mut SecondLook<'_>, family: Testable, sets: &[Set]) -> Option<Set> {
    let mut hull: Option<Set> = None;
    for at in 0..sets.len() {
        let set = if at % 2 == 0 { &sets[at / 2] } else { &sets[sets.len() - 1 - at / 2] };
        let wider = hull.map_or(*set, |hull| hull.joined(set));
        if hull != Some(wider) && look.leaves(family.suspect(), Some(set)) {
            hull = Some(wider);
        }
    }
    hull
}
