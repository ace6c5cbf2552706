//! What holds of every kind.

use super::laws::costs;
use super::*;

/// Times that a state on disk keeps: whole microseconds.
fn times(most_us: u64) -> impl Strategy<Value = Duration> {
    (1..most_us).prop_map(Duration::from_micros)
}

/// Any limit of a kind that stands for itself.
pub(super) fn plain() -> impl Strategy<Value = PlainQuota> {
    let numbers = (rates(), 1u32..5, times(2_000_000), 0.0..1.0f64, 1u32..6);
    (0usize..12, numbers, any::<bool>()).prop_map(|(kind, (rate, limit, window, part, nodes), flag)| {
        let phase = Duration::from_micros(num::whole(part * num::float(floor_us(window))));
        let burst = TokenAmount::new(f64::from(limit) + part).unwrap();
        let start = flag.then(|| TokenAmount::new(part * burst.as_f64()).unwrap());
        match kind {
            0 => PlainQuota::TokenBucket(TokenBucket { start, ..TokenBucket::full(rate, burst) }),
            1 => PlainQuota::TokenBucket(TokenBucket { start, whole_tokens: true, ..TokenBucket::full(rate, burst) }),
            2 => PlainQuota::StepBucket(StepBucket {
                phase,
                start: flag.then_some(1),
                ..StepBucket::full(limit, window, limit + 1)
            }),
            3 => PlainQuota::FixedWindow(FixedWindow { phase, ..FixedWindow::on_grid(limit, window) }),
            4 => PlainQuota::FixedWindow(FixedWindow::from_first_call(limit, window)),
            5 => PlainQuota::SlidingLog(SlidingLog::exact(limit, window)),
            // A whole number of microseconds is a part, so that a state on disk keeps its edges.
            6 => PlainQuota::SlidingLog(SlidingLog { phase, ..SlidingLog::coarse(limit, window * nodes, nodes) }),
            7 => PlainQuota::SlidingCounter(SlidingCounter { phase, floored: flag, ..SlidingCounter::exact(limit, window) }),
            8 => PlainQuota::Concurrency(Concurrency::of(limit)),
            9 => PlainQuota::ShardedBucket(ShardedBucket::at_random(nodes, rate, burst)),
            10 => PlainQuota::ShardedBucket(ShardedBucket::in_turn(nodes, rate, burst)),
            _ => PlainQuota::Delay(Delay { rate, queue: limit }),
        }
    })
}

/// Any quota.
fn quotas() -> impl Strategy<Value = Quota> {
    let pays = prop_oneof![Just(RefusedPays::Nothing), Just(RefusedPays::First), Just(RefusedPays::Each)];
    let ban = (plain(), 1u32..6, times(3_000_000), any::<bool>());
    prop_oneof![
        1 => Just(Quota::None),
        8 => plain().prop_map(Quota::from),
        4 => (plain(), plain(), pays).prop_map(|(first, second, refused_pays)| Quota::Stacked(Stacked { first, second, refused_pays })),
        2 => ban.prop_map(|(of, after, length, renewed)| Quota::Ban(Ban { of, after, length, renewed })),
    ]
}

/// Whether a refusal of a limit says until when: where a call lands, and when a call in flight is answered, is not known to it.
fn knows(quota: Quota) -> bool {
    let plain = |quota: PlainQuota| match quota {
        PlainQuota::Concurrency(_) => false,
        PlainQuota::ShardedBucket(bucket) => bucket.spread == Spread::InTurn,
        _ => true,
    };
    match quota {
        Quota::Stacked(Stacked { first, second, .. }) => plain(first) && plain(second),
        Quota::Ban(Ban { of, .. }) => plain(of),
        other => PlainQuota::try_from(other).is_ok_and(plain),
    }
}

proptest! {
    /// A refusal says when: at that instant the same call passes, a nanosecond before it does not. Kinds that cannot know say nothing.
    #[test]
    fn passes_when_it_says(quota in quotas(), cost in costs(), calls in instants(3_000_000_000)) {
        let mut limiter = Limiter::new(quota, cost);
        for at in calls {
            let Err(refusal) = limiter.take(call(at)) else { continue };
            let Some(says) = refusal.at else {
                prop_assert!(!knows(quota), "{} does not say when", quota);
                continue;
            };
            let passes = |now: Duration| limiter.clone().take(Arrival { now, until: now, node: 0 }).is_ok();
            prop_assert!(says >= ns(at) && passes(says), "{} refuses at {:?}, as promised at {}", quota, says, at);
            prop_assert!(says == ns(at) || !passes(says.saturating_sub(ns(1))), "{} passes before {:?}", quota, says);
        }
    }

    /// A clock that goes back gains nothing, and a state that was written and read goes on as it was.
    #[test]
    fn back_and_restored(
        calls in instants(1_000_000), backs in prop::collection::vec(prop_oneof![Just(0u64), 0u64..500_000], 150), quota in quotas(),
        cost in costs(), at in 0usize..60,
    ) {
        let us = Duration::from_micros;
        let mut given = Limiter::new(quota, cost);
        let mut sorted = given.clone();
        let mut latest = 0;
        for (i, (now, back)) in calls.into_iter().zip(backs).enumerate() {
            let time = now - back.min(now);
            latest = latest.max(time);
            let arrival = |time| Arrival { now: us(time), until: us(latest + 70_000), node: i as u64 };
            let (one, other) = (given.take(arrival(time)), sorted.take(arrival(latest)));
            prop_assert_eq!(one, other, "{}", quota);
            if i == at {
                given = serde_json::from_str(&serde_json::to_string(&given).unwrap()).unwrap();
                prop_assert!(given.fits(&sorted));
            }
        }
    }
}
