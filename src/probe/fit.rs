//! Which hypotheses agree with every answer, and with which numbers.

use super::bucket::{self, count};
use super::kind::Kind;
use super::observation::Phase;
use super::step;
use super::view::{Seen, View};
use super::window;

/// A hypothesis that is not refuted, with the hull of its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fit {
    pub(super) kind: Kind,
    /// Whether refused calls cost as well.
    pub(super) charged: bool,
    /// Whether the share of the last window is rounded down.
    pub(super) floored: bool,
    /// Per second.
    pub(super) rate: (f64, f64),
    /// Depth, or calls of a window.
    pub(super) burst: (f64, f64),
    /// Length of a window or of a step, in seconds.
    pub(super) period: Option<(f64, f64)>,
    /// A window's or a step's beginning.
    pub(super) edge: Option<(f64, f64)>,
    /// Tokens of a step.
    pub(super) tokens: Option<f64>,
}

impl Fit {
    /// The middle of its rates.
    pub(super) fn point(&self) -> f64 {
        f64::midpoint(self.rate.0, self.rate.1)
    }

    /// Half of its rates' width, relative to the middle.
    pub(super) fn half_width(&self) -> f64 {
        (self.rate.1 - self.rate.0) / 2.0 / self.point()
    }
}

/// Brackets are alike that differ by less than this, in seconds.
const ALIKE: f64 = 4e-3;

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Effort {
    /// Relative resolution of rates.
    pub(super) resolution: f64,
    /// Resolution of instants, in seconds.
    pub(super) fineness: f64,
    /// Rectangles of steps and sliding counters.
    pub(super) rectangles: usize,
}

impl Effort {
    /// For a look between two batches.
    pub(super) const QUICK: Self = Self { resolution: 1e-4, fineness: 4e-3, rectangles: 400 };
    /// For the result.
    pub(super) const FULL: Self = Self { resolution: 2e-6, fineness: 5e-4, rectangles: 6000 };
}

/// Everything that is not refuted when refused calls are free (or, with `charged`, when they cost).
pub(super) fn survey(view: &View, kinds: &[Kind], charged: bool, effort: Effort) -> Vec<Fit> {
    kinds.iter().flat_map(|kind| fits(view, *kind, charged, effort)).collect()
}

/// What is left of some fits of one kind at narrower brackets.
pub(super) fn narrower(view: &View, around: &[Fit], effort: Effort) -> Vec<Fit> {
    let Some(first) = around.first() else { return Vec::new() };
    if first.kind != Kind::SlidingCounter {
        return survey(view, &[first.kind], first.charged, effort);
    }
    around
        .iter()
        .filter_map(|fit| counter_within(view, whole(fit.burst.0), (fit.charged, fit.floored), fit.edge?, fit.period?, effort))
        .collect()
}

fn fits(view: &View, kind: Kind, charged: bool, effort: Effort) -> Vec<Fit> {
    match kind {
        Kind::TokenBucket => token_bucket(view, charged, effort).into_iter().collect(),
        Kind::FixedWindow | Kind::StepBucket if charged => Vec::new(),
        Kind::FixedWindow => stepped(view, effort, true),
        Kind::StepBucket => stepped(view, effort, false),
        Kind::SlidingLog => logs(view, charged),
        Kind::SlidingCounter => counters(view, charged, effort),
        Kind::Concurrency => flight(view).into_iter().collect(),
        Kind::None | Kind::ShardedBucket | Kind::Inconclusive => Vec::new(),
    }
}

fn token_bucket(view: &View, charged: bool, effort: Effort) -> Option<Fit> {
    let region = if charged { bucket::region_charged(view, effort.resolution) } else { bucket::region(view, effort.resolution) }?;
    let kind = Kind::TokenBucket;
    Some(Fit { kind, charged, floored: false, rate: region.rate, burst: region.depth, period: None, edge: None, tokens: None })
}

fn stepped(view: &View, effort: Effort, fixed: bool) -> Vec<Fit> {
    let found = step::steps(view, effort.fineness, fixed, effort.rectangles, &limits(view));
    let fit = |s: step::Steps| {
        // As deep as its step: that is a fixed window, whichever way it was found.
        let kind = if fixed { Kind::FixedWindow } else { Kind::StepBucket };
        Fit {
            kind,
            charged: false,
            floored: false,
            rate: (s.tokens / s.every.1, s.tokens / s.every.0),
            burst: s.depth,
            period: Some(s.every),
            edge: Some(s.edge),
            tokens: Some(s.tokens),
        }
    };
    found.into_iter().map(fit).filter(|f| fixed || f.burst.1 > f.tokens.unwrap_or(0.0)).collect()
}

/// How many calls the bursts from rest let through, one more and one less.
fn limits(view: &View) -> Vec<usize> {
    let segments = view.seen.iter().map(|s| s.segment).max().unwrap_or(0);
    let mut found: Vec<usize> = Vec::new();
    for segment in 0..=segments {
        let own = view.seen.iter().filter(|s| s.segment == segment && s.phase == Phase::Burst);
        let (accepted, refused) = own.fold((0, false), |(n, r), s| (n + usize::from(s.accepted), r || !s.accepted));
        if refused {
            found.extend([accepted.saturating_sub(1), accepted, accepted + 1]);
        }
    }
    found.sort_unstable();
    found.dedup();
    found.retain(|n| *n >= 2);
    found
}

/// Calls that the first or the last burst from rest let through.
pub(super) fn from_rest(view: &View, last: bool) -> f64 {
    let burst = |segment: u32| view.seen.iter().filter(move |s| s.segment == segment && s.phase == Phase::Burst);
    let latest = view.seen.iter().rfind(|s| last && s.phase == Phase::Burst).map_or(0, |s| s.segment);
    count(burst(latest).filter(|s| s.accepted).count())
}

/// A number of calls.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small, and a cast saturates
fn whole(calls: f64) -> usize {
    calls.max(0.0) as usize
}

fn logs(view: &View, charged: bool) -> Vec<Fit> {
    let fit = |limit: usize| {
        let window = window::log(view, limit, charged)?;
        let (n, low) = (count(limit), window.0.max(1e-6));
        (window.1.is_finite()).then_some(Fit {
            kind: Kind::SlidingLog,
            charged,
            floored: false,
            rate: (n / window.1, n / low),
            burst: (n, n),
            period: Some((low, window.1)),
            edge: None,
            tokens: None,
        })
    };
    limits(view).into_iter().filter_map(fit).collect()
}

fn counters(view: &View, charged: bool, effort: Effort) -> Vec<Fit> {
    if charged {
        return counters_charged(view, effort);
    }
    let Some(rate) = trickle(view) else { return Vec::new() };
    limits(view).into_iter().filter_map(|limit| counter(view, limit, rate, effort)).collect()
}

/// Counters that count refused calls, with whole shares of the last window or exact ones. Their stream says nothing of the window: it is
/// looked for around the time from the burst to the next call let through, some windows at most.
fn counters_charged(view: &View, effort: Effort) -> Vec<Fit> {
    let Some(silence) = first_silence(view) else { return Vec::new() };
    let window = (silence / 6.0, silence * 1.6);
    let start = view.span().0;
    let view = &thinned(view);
    let fits = |limit: usize| {
        let fit = |floored| counter_within(view, limit, (true, floored), (start, start + window.1), window, effort);
        [false, true].into_iter().filter_map(fit).collect::<Vec<Fit>>()
    };
    let passed = whole(from_rest(view, false));
    // An edge may have come in the middle of the burst.
    [passed, passed.saturating_sub(1), passed + 1]
        .into_iter()
        .filter(|n| *n >= 2)
        .map(fits)
        .find(|f| !f.is_empty())
        .unwrap_or_default()
}

/// Without refused calls whose bracket is about that of the one before: they say the same.
fn thinned(view: &View) -> View {
    let mut thin = view.clone();
    let mut kept: Option<Seen> = None;
    thin.seen.retain(|call| {
        let same = kept.is_some_and(|k| k.round == call.round && (k.lo - call.lo).abs() + (k.hi - call.hi).abs() < ALIKE);
        if !call.accepted && !same {
            kept = Some(*call);
        }
        call.accepted || !same
    });
    thin
}

fn counter(view: &View, limit: usize, rate: f64, effort: Effort) -> Option<Fit> {
    let n = count(limit);
    let end = view.seen.iter().rfind(|s| s.segment == 0).map_or(0.0, |s| s.hi);
    let later = longest_silence(view).filter(|_| limit >= 8).and_then(|(_, lo, _)| rate_between(view, lo, end));
    let rate = later.map_or(rate, |later| later.max(rate));
    // No more than `limit` a window pass for long; the fewer they are, the fewer of them do while more is asked for.
    let window = (if limit < 8 { 0.4 } else { 0.7 } * n / rate, 1.4 * n / rate);
    // The first call after a silence much longer than the trickle's gaps is let through within 1/limit of the window after an edge.
    let silence =
        longest_silence(view).filter(|(long, lo, hi)| limit >= 8 && *long > 4.0 * window.1 / n && hi - lo < window.0 / 2.0);
    let edge = silence.map_or_else(
        || {
            let start = view.span().0;
            (start, start + window.1)
        },
        |(_, lo, hi)| (lo - window.1 / n, hi),
    );
    counter_within(view, limit, (false, false), edge, window, effort)
}

/// `cost` says whether refused calls count, and whether the share of the last window is rounded down.
fn counter_within(
    view: &View,
    limit: usize,
    cost: (bool, bool),
    edge: (f64, f64),
    window: (f64, f64),
    effort: Effort,
) -> Option<Fit> {
    let n = count(limit);
    let effort = (effort.fineness, if cost.0 { effort.rectangles.min(1500) } else { effort.rectangles });
    let found = if cost.0 {
        window::counter_from_afar(view, limit, cost, (edge, window), effort)?
    } else {
        window::counter(view, limit, cost, edge, window, effort)?
    };
    Some(Fit {
        kind: Kind::SlidingCounter,
        charged: cost.0,
        floored: cost.1,
        rate: (n / found.window.1, n / found.window.0),
        burst: (n, n),
        period: Some(found.window),
        edge: Some(found.edge),
        tokens: None,
    })
}

/// Calls let through per second, while the calls of the first stream wanted more.
pub(super) fn trickle(view: &View) -> Option<f64> {
    let first = |s: &&Seen| s.segment == 0;
    let burst = view.seen.iter().filter(first).filter(|s| s.phase == Phase::Burst).map(|s| s.hi).fold(0.0, f64::max);
    let last = view.seen.iter().rfind(|s| s.segment == 0 && s.phase == Phase::Stream)?;
    rate_between(view, burst, last.hi)
}

/// Calls per second that came back from the first burst to the drain, before there is a stream.
pub(super) fn returned(view: &View) -> Option<f64> {
    let back = view.seen.iter().filter(|s| s.accepted && matches!(s.phase, Phase::Scan | Phase::Drain)).count();
    first_silence(view).map(|silence| count(back) / silence)
}

fn rate_between(view: &View, from: f64, to: f64) -> Option<f64> {
    let taken = view.accepted.surely(from, to);
    (to > from && taken > 0).then(|| count(taken) / (to - from))
}

/// From the first burst to the next call that was let through.
fn first_silence(view: &View) -> Option<f64> {
    let accepted = |phase: Phase| view.seen.iter().filter(move |s| s.accepted && s.phase == phase);
    let burst = accepted(Phase::Burst).map(|s| s.lo).fold(f64::NEG_INFINITY, f64::max);
    accepted(Phase::Scan).map(|s| s.lo - burst).find(|silence| *silence > 0.0)
}

/// The longest time without any call let through, and the place in which it ended.
fn longest_silence(view: &View) -> Option<(f64, f64, f64)> {
    let places = step::places(view);
    let length = |place: &&step::Place| {
        let before = view.accepted.lo.partition_point(|lo| *lo < place.lo);
        let last = before.checked_sub(1).map_or(place.lo, |index| view.accepted.lo[index]);
        place.lo - last
    };
    places.iter().filter(|p| p.segment == 0).max_by(|a, b| length(a).total_cmp(&length(b))).map(|p| (length(&p), p.lo, p.hi))
}

/// A cap on calls in flight: what is sent alone always passes, every wave is let through alike, and whoever is refused overlaps with those
/// that hold the places.
fn flight(view: &View) -> Option<Fit> {
    let alone = || view.seen.iter().filter(|s| s.phase == Phase::Solo);
    if alone().count() < 3
        || alone().any(|s| !s.accepted)
        || view.seen.iter().any(|s| matches!(s.phase, Phase::Stream | Phase::Scan))
    {
        return None;
    }
    if !same_waves(view) {
        return None;
    }
    let overlap = view.refused.iter().map(|(lo, hi)| view.maybe.possibly(*lo, *hi)).min()?;
    // An idle service lets as many through at least.
    let most = count(overlap.min(least_wave(view)?));
    let kind = Kind::Concurrency;
    (most >= 1.0).then_some(Fit {
        kind,
        charged: false,
        floored: false,
        rate: (0.0, f64::INFINITY),
        burst: (1.0, most),
        period: None,
        edge: None,
        tokens: None,
    })
}

/// Whether all waves that found nobody in flight let about as many through, as a cap does: a bucket that is not full again after a round
/// trip lets ever fewer.
pub(super) fn same_waves(view: &View) -> bool {
    let most = waves(view).map(|(passed, _)| passed).max().unwrap_or(0);
    least_wave(view).is_none_or(|least| most < 2 || 2 * least > most)
}

/// The fewest calls that a wave let through that was refused in part.
fn least_wave(view: &View) -> Option<usize> {
    waves(view).filter(|(_, whole)| !whole).map(|(passed, _)| passed).min()
}

/// How many of each wave were let through, and whether all were.
fn waves(view: &View) -> impl Iterator<Item = (usize, bool)> {
    let mut rounds: Vec<u32> =
        view.seen.iter().filter(|s| matches!(s.phase, Phase::Burst | Phase::Again)).map(|s| s.round).collect();
    rounds.sort_unstable();
    rounds.dedup();
    let wave = |round: u32| view.seen.iter().filter(move |s| s.round == round);
    rounds.into_iter().map(move |round| (wave(round).filter(|s| s.accepted).count(), wave(round).all(|s| s.accepted)))
}
