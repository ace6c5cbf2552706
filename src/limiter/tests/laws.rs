//! Each kind against its plain definition.

use proptest::test_runner::TestCaseError;

use super::super::token_bucket::TOKEN;
use super::*;

type Held = Result<(), TestCaseError>;

/// What a refused call may cost.
pub(super) fn costs() -> impl Strategy<Value = RefusalCost> {
    prop_oneof![
        2 => Just(RefusalCost::NOTHING),
        1 => Just(RefusalCost::FULL),
        2 => (0u32..=1000).prop_map(|milli| RefusalCost::new(f64::from(milli) / 1000.0).unwrap()),
    ]
}

/// A call of the past: when, and its weight in thousandths of a call.
#[derive(Debug, Clone, Copy)]
struct Past {
    at: u64,
    milli: u64,
    passed: bool,
}

/// Plays calls through a limiter and through a definition that is given all calls so far, and compares.
fn compare(quota: Quota, cost: RefusalCost, calls: &[u64], allowed: impl Fn(&[Past], u64) -> bool) -> Held {
    let mut limiter = Limiter::new(quota, cost);
    let mut past = Vec::new();
    for &at in calls {
        let passed = allowed(&past, at);
        prop_assert_eq!(limiter.take(call(at)).is_ok(), passed, "{} at {}", quota, at);
        past.push(Past { at, milli: if passed { 1000 } else { u64::from(cost.milli()) }, passed });
    }
    Ok(())
}

/// What the calls weigh that lie so.
fn weight(past: &[Past], within: impl Fn(u64) -> bool) -> u64 {
    past.iter().filter(|call| within(call.at)).map(|call| call.milli).sum()
}

/// Which window of the length an instant lies in, with an edge at the phase.
fn window_at(at: u64, length: u64, phase: u64) -> u64 {
    (at + length - phase) / length
}

/// A call of the definitions of buckets costs this, in millionths of a token.
const PRICE: u128 = 1_000_000;

/// Whether one more call at `at` keeps every interval that ends there within `burst + rate * length`, and all the time so far within
/// `start + rate * length`: the definition of a token bucket, over the calls accepted so far. `price` and the rest in millionths.
fn bucket_allows(rate: Rate, [start, burst, price]: [u128; 3], accepted: &[u64], at: u64) -> bool {
    let unit = TOKEN / PRICE;
    let come = |from: u64| u128::from(rate.micro_hz()) * u128::from(at - from);
    let fits = |calls: usize, held: u128, from: u64| calls as u128 * price * unit <= held * unit + come(from);
    let within = |from: usize| fits(accepted.len() - from + 1, burst, accepted.get(from).copied().unwrap_or(at));
    fits(accepted.len() + 1, start, 0) && (0..=accepted.len()).all(within)
}

fn millionths(tokens: u32, part: u32) -> TokenAmount {
    TokenAmount::new(f64::from(tokens) + f64::from(part) / 1e6).unwrap()
}

proptest! {
    /// Token bucket: no interval has more than `burst + rate * length`, none from time 0 more than `start + rate * length`, and nothing is
    /// refused that would keep it so. Depths and levels need not be whole.
    #[test]
    fn token_bucket(
        rate in rates(), burst in 1u32..12, part in 0u32..1_000_000, level in 0.0..=1.0f64, full: bool, calls in instants(20_000_000_000),
    ) {
        let burst = millionths(burst, part);
        let start = if full { burst } else { TokenAmount::new(burst.as_f64() * level).unwrap() };
        let bucket = TokenBucket { start: (!full).then_some(start), ..TokenBucket::full(rate, burst) };
        compare(Quota::TokenBucket(bucket), RefusalCost::NOTHING, &calls, |past, at| {
            let accepted: Vec<u64> = past.iter().filter(|call| call.passed).map(|call| call.at).collect();
            bucket_allows(rate, [start.millionths().into(), burst.millionths().into(), PRICE], &accepted, at)
        })?;
    }

    /// Charged and truncating token buckets: against the plain simulation in steps of one call.
    #[test]
    fn simulated_token_bucket(
        rate in rates(), burst in 1u32..12, part in 0u32..1_000_000, whole_tokens: bool, cost in costs(), calls in instants(20_000_000_000),
    ) {
        let burst = millionths(burst, part);
        let bucket = TokenBucket { whole_tokens, ..TokenBucket::full(rate, burst) };
        let mut limiter = Limiter::new(Quota::TokenBucket(bucket), cost);
        let depth = u128::from(burst.millionths()) * (TOKEN / PRICE);
        let (mut held, mut since) = (depth, 0);
        for at in calls {
            let come = u128::from(at - since) * u128::from(rate.micro_hz());
            let credited = if whole_tokens { come / TOKEN * TOKEN } else { come };
            if !whole_tokens || credited > 0 {
                (held, since) = ((held + credited).min(depth), at);
            }
            let expected = held >= TOKEN;
            held = if expected { held - TOKEN } else { held.saturating_sub(TOKEN / 1000 * u128::from(cost.milli())) };
            prop_assert_eq!(limiter.take(call(at)).is_ok(), expected);
        }
    }

    /// Step refill: against a bucket that is refilled at every edge, one after the other.
    #[test]
    fn step_bucket(
        tokens in 1u32..8, every in 50u64..3000, burst in 1u32..12, level in 0u32..12, phase in 0u64..3000, cost in costs(),
        calls in instants(20_000),
    ) {
        let (start, phase) = (level.min(burst), phase % every);
        let bucket = StepBucket { start: Some(start), phase: ns(phase), ..StepBucket::full(tokens, ns(every), burst) };
        let mut limiter = Limiter::new(Quota::StepBucket(bucket), cost);
        let (mut held, mut next) = (start, if phase == 0 { every } else { phase });
        for at in calls {
            while next <= at {
                held = (held + tokens).min(burst);
                next += every;
            }
            prop_assert_eq!(limiter.take(call(at)).is_ok(), held > 0);
            held = held.saturating_sub(1);
        }
    }

    /// Fixed window on the grid: fewer than `limit` calls between the same two edges.
    #[test]
    fn fixed_window(limit in 1u32..8, window in 1u64..3000, phase in 0u64..3000, cost in costs(), calls in instants(10_000)) {
        let phase = phase % window;
        let quota = Quota::FixedWindow(FixedWindow { phase: ns(phase), ..FixedWindow::on_grid(limit, ns(window)) });
        compare(quota, cost, &calls, |past, at| {
            let same = |call: &&Past| call.passed && window_at(call.at, window, phase) == window_at(at, window, phase);
            past.iter().filter(same).count() < limit as usize
        })?;
    }

    /// Fixed window from the first call on: a window begins with a call that finds none, and lets `limit` calls through.
    #[test]
    fn anchored_window(limit in 1u32..8, window in 1u64..3000, cost in costs(), calls in instants(10_000)) {
        compare(Quota::FixedWindow(FixedWindow::from_first_call(limit, ns(window))), cost, &calls, |past, at| {
            let mut begun: Option<(u64, u32)> = None;
            for call in past.iter().filter(|call| call.passed) {
                match &mut begun {
                    Some((since, count)) if call.at < *since + window => *count += 1,
                    _ => begun = Some((call.at, 1)),
                }
            }
            begun.is_none_or(|(since, count)| at >= since + window || count < limit)
        })?;
    }

    /// Sliding log: what counts in the `window` that ends with this call, its start left out, leaves room for one more.
    #[test]
    fn sliding_log(limit in 1u32..8, window in 1u64..3000, cost in costs(), calls in instants(10_000)) {
        compare(Quota::SlidingLog(SlidingLog::exact(limit, ns(window))), cost, &calls, |past, at| {
            weight(past, |t| t + window > at) + 1000 <= u64::from(limit) * 1000
        })?;
    }

    /// Coarse sliding log: what counts in this part of the grid and in the `parts - 1` before leaves room for one more.
    #[test]
    fn coarse_log(
        limit in 1u32..8, window in 1u64..3000, parts in 1u32..20, phase in 0u64..3000, cost in costs(), calls in instants(10_000),
    ) {
        let phase = phase % window;
        let log = SlidingLog { phase: ns(phase), ..SlidingLog::coarse(limit, ns(window), parts) };
        let part = |at: u64| (at + (window - phase) % window) * u64::from(parts) / window;
        compare(Quota::SlidingLog(log), cost, &calls, |past, at| {
            weight(past, |t| part(t) + u64::from(parts) > part(at)) + 1000 <= u64::from(limit) * 1000
        })?;
    }

    /// Sliding counter: the weighted sum of this window's calls and those of the one before, exact or rounded down to whole calls.
    #[test]
    fn sliding_counter(
        limit in 1u32..8, window in 1u64..3000, phase in 0u64..3000, floored: bool, cost in costs(), calls in instants(10_000),
    ) {
        let phase = phase % window;
        let quota = SlidingCounter { floored, phase: ns(phase), ..SlidingCounter::exact(limit, ns(window)) };
        compare(Quota::SlidingCounter(quota), cost, &calls, |past, at| {
            let index = window_at(at, window, phase);
            let left = window - (at + window - phase) % window;
            let before = weight(past, |t| window_at(t, window, phase) + 1 == index);
            let now = weight(past, |t| window_at(t, window, phase) == index);
            if floored {
                before * left / (window * 1000) * 1000 + now + 1000 <= u64::from(limit) * 1000
            } else {
                before * left + (now + 1000) * window <= u64::from(limit) * 1000 * window
            }
        })?;
    }

    /// A counter that rounds down is one that lets through what finds fewer than `limit` calls: the two usual ways are one.
    #[test]
    fn rounding_down_is_finding_fewer(limit in 1u32..8, window in 1u64..3000, calls in instants(10_000)) {
        compare(Quota::SlidingCounter(SlidingCounter::floored(limit, ns(window))), RefusalCost::NOTHING, &calls, |past, at| {
            let before = weight(past, |t| t / window + 1 == at / window);
            let now = weight(past, |t| t / window == at / window);
            before * (window - at % window) + now * window < u64::from(limit) * 1000 * window
        })?;
    }

    /// Concurrency: what is not answered yet leaves room for one more.
    #[test]
    fn concurrency(limit in 1u32..6, calls in instants(5000), took in prop::collection::vec(0u64..4000, 150), cost in costs()) {
        let mut limiter = Limiter::new(Quota::Concurrency(Concurrency::of(limit)), cost);
        let mut held: Vec<(u64, u64)> = Vec::new();
        for (at, took) in calls.into_iter().zip(took) {
            let flying: u64 = held.iter().filter(|(end, _)| *end > at).map(|(_, weight)| weight).sum();
            let expected = flying + 1000 <= u64::from(limit) * 1000;
            prop_assert_eq!(limiter.take(Arrival { now: ns(at), until: ns(at + took), node: 0 }).is_ok(), expected);
            held.push((at + took, if expected { 1000 } else { u64::from(cost.milli()) }));
        }
    }

    /// Sharded bucket: every node by the definition of a bucket with its share, over the calls that landed on it, by chance or in turn.
    #[test]
    fn sharded_bucket(
        rate in rates(), burst in 1u32..30, part in 0u32..1_000_000, nodes in 1u32..5, in_turn: bool,
        calls in instants(20_000_000_000), lands in prop::collection::vec(any::<u64>(), 150),
    ) {
        let burst = millionths(burst, part);
        let spread = if in_turn { Spread::InTurn } else { Spread::Random };
        let quota = Quota::ShardedBucket(ShardedBucket { spread, ..ShardedBucket::at_random(nodes, rate, burst) });
        let mut limiter = Limiter::new(quota, false);
        let mut accepted = vec![Vec::new(); nodes as usize];
        let price = PRICE * u128::from(nodes);
        let depth = u128::from(burst.millionths()).max(price);
        for (number, (at, node)) in (0u64..).zip(calls.into_iter().zip(lands)) {
            let lands = if in_turn { number } else { node };
            let on = &mut accepted[usize::try_from(lands % u64::from(nodes)).unwrap()];
            let expected = bucket_allows(rate, [depth, depth, price], on, at);
            prop_assert_eq!(limiter.take(Arrival { node, ..call(at) }).is_ok(), expected);
            if expected {
                on.push(at);
            }
        }
    }

    /// Delay: each call goes on `1 / rate` after the one before or when it comes, and none waits longer than `queue / rate`.
    #[test]
    fn delay(rate in rates(), queue in 1u32..12, calls in instants(20_000_000_000)) {
        let mut limiter = Limiter::new(Quota::Delay(Delay { rate, queue }), false);
        let micro_hz = u128::from(rate.micro_hz());
        // In micro-hertz times nanoseconds.
        let mut next = 0;
        for at in calls {
            let now = u128::from(at) * micro_hz;
            let goes = now.max(next);
            let wait = (goes - now <= u128::from(queue) * TOKEN).then(|| nanos((goes - now).div_ceil(micro_hz)));
            prop_assert_eq!(limiter.take(call(at)).ok(), wait);
            if wait.is_some() {
                next = goes + TOKEN;
            }
        }
    }

    /// Stacked: what both of two limiters of their own let through; a refused call costs the other one nothing, or what the first or
    /// each took of it.
    #[test]
    fn stacked(pair in (all::plain(), all::plain()), pays in 0usize..3, cost in costs(), calls in instants(3_000_000_000)) {
        let refused_pays = [RefusedPays::Nothing, RefusedPays::First, RefusedPays::Each][pays];
        let mut limiter = Limiter::new(Quota::Stacked(Stacked { first: pair.0, second: pair.1, refused_pays }), cost);
        let (mut first, mut second) = (Limiter::new(pair.0.into(), cost), Limiter::new(pair.1.into(), cost));
        for at in calls {
            let decided = [first.clone().take(call(at)), second.clone().take(call(at))];
            let expected = decided[0].and_then(|one| decided[1].map(|other| one.max(other)));
            prop_assert_eq!(limiter.take(call(at)).ok(), expected.ok(), "{:?}", pair);
            let passes = expected.is_ok();
            let keeps = |keeps: bool, decided: &Passing| passes || keeps || decided.is_err();
            // A call that waits is in flight as long as that.
            let call = |at| Arrival { until: ns(at).saturating_add(expected.unwrap_or_default()), ..call(at) };
            if keeps(pays > 0, &decided[0]) {
                let _ = first.take(call(at));
            }
            let asked = pays != 1 || decided[0].is_ok();
            if asked && keeps(pays == 2, &decided[1]) {
                let _ = second.take(call(at));
            }
        }
    }

    /// Ban: the limit itself while it is not shut; nothing for `length` after so many refusals, or since the last call.
    #[test]
    fn ban(
        of in all::plain(), after in 1u32..5, length in 1u64..3_000_000_000, renewed: bool, cost in costs(), calls in instants(3_000_000_000),
    ) {
        let mut limiter = Limiter::new(Quota::Ban(Ban { of, after, length: ns(length), renewed }), cost);
        let mut inner = Limiter::new(of.into(), cost);
        let (mut refused, mut shut_until) = (0, 0);
        for at in calls {
            let shut = at < shut_until;
            let passes = !shut && inner.take(call(at)).is_ok();
            prop_assert_eq!(limiter.take(call(at)).is_ok(), passes, "{}", of);
            refused += u32::from(!shut && !passes);
            if refused == after {
                (refused, shut_until) = (0, at + length);
            } else if shut && renewed {
                shut_until = at + length;
            }
        }
    }
}
