//! The clocks of a run's shards, held against each other by way of the server's.
//!
//! All shards start at one instant of the wall clock, each by its own. What the server's clock showed then says how far a shard's clock is
//! ahead; that two of them differ is certain when their intervals do not meet. Refuses to touch a latency: it is measured on one clock.

use std::collections::BTreeMap;

use super::Shard;
use crate::record::server_clock::ServerClock;
use crate::record::timeline::MOST_SHIFT_US;
use crate::summary::ShardClock;

/// An interval of microseconds by which a clock is ahead of the server's.
type Ahead = (i64, i64);

/// What is known of one shard's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockEvidence {
    /// What the server's clock showed at the run's time 0; `None` if no answer had a date.
    pub server: Option<ServerClock>,
    /// The most by which its system says that it is off, in microseconds.
    pub wall_clock_error_us: Option<u64>,
}

/// The clocks of the shards that started when their own clock showed `start_epoch_us`, in their order.
pub fn clocks(of: u64, start_epoch_us: i64, known: &BTreeMap<u64, ClockEvidence>) -> Vec<ShardClock> {
    let ahead = |evidence: &ClockEvidence| -> Option<Ahead> {
        let server = evidence.server.filter(ServerClock::is_consistent)?;
        Some((start_epoch_us - server.high_epoch_us, start_epoch_us - server.low_epoch_us))
    };
    let usual = usual(known.values().filter_map(ahead).collect());
    let clock = |(index, evidence): (&u64, &ClockEvidence)| {
        let (own, shard) = (ahead(evidence), Shard { index: *index, of });
        let apart = own.zip(usual).and_then(|(own, usual)| apart(own, usual));
        ShardClock {
            wall_clock_error_us: evidence.wall_clock_error_us,
            shard: shard.to_string(),
            ahead_low_us: own.map(|own| own.0),
            ahead_high_us: own.map(|own| own.1),
            apart_us: apart.map(|(low, high)| i64::midpoint(low, high)),
            apart_within_us: apart.map(|(low, high)| high.abs_diff(low).div_ceil(2)),
        }
    };
    known.iter().map(clock).collect()
}

/// What the shards' timelines are shifted by, in microseconds: to where they lay on the others' clock. Who is further off than a timeline
/// takes ran another load, and stays where it is.
pub fn shifts(clocks: &[ShardClock]) -> BTreeMap<u64, i64> {
    let shift = |clock: &ShardClock| {
        let apart = clock.apart_us.filter(|us| us.abs() <= MOST_SHIFT_US)?;
        Some((clock.shard.parse::<Shard>().ok()?.index, -apart))
    };
    clocks.iter().filter_map(shift).collect()
}

/// Where most clocks are: the one in the middle, as far as it agrees with all that it meets.
fn usual(mut all: Vec<Ahead>) -> Option<Ahead> {
    all.sort_by_key(|(low, high)| (i64::midpoint(*low, *high), *low));
    let middle = *all.get(all.len().checked_sub(1)? / 2)?;
    Some(all.iter().fold(middle, |usual, own| {
        let met = (usual.0.max(own.0), usual.1.min(own.1));
        if met.0 <= met.1 { met } else { usual }
    }))
}

/// How far one is ahead of the other, if it is certain that they differ by more than is overlooked.
fn apart(own: Ahead, usual: Ahead) -> Option<Ahead> {
    let (low, high) = (own.0 - usual.1, own.1 - usual.0);
    (low > ShardClock::APART_US || high < -ShardClock::APART_US).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::outcome::Outcome;
    use crate::record::sample::testing::sample;

    const START: i64 = 1_795_773_600_000_000;

    /// A clock that is ahead of the server's by something around `ms`, known to `within` ms.
    fn state(ms: i64, within: i64) -> ServerClock {
        let server = |ahead: i64| START - ahead * 1000;
        ServerClock { low_epoch_us: server(ms + within), high_epoch_us: server(ms - within), answers: 100 }
    }

    fn of(states: &[ServerClock]) -> Vec<ShardClock> {
        let evidence = |server: &ServerClock| ClockEvidence { server: Some(*server), wall_clock_error_us: Some(12_000) };
        clocks(states.len() as u64, START, &(0..).zip(states.iter().map(evidence)).collect())
    }

    /// The one that is off is named with its interval, whichever way, and only if that is certain.
    #[test]
    fn who_is_off_is_named() {
        for ms in [300, -300] {
            let all = of(&[state(0, 25), state(5, 30), state(ms, 27), state(-4, 26)]);
            let apart: Vec<Option<i64>> = all.iter().map(|clock| clock.apart_us).collect();
            assert!(matches!(apart.as_slice(), [None, None, Some(us), None] if (us - ms * 1000).abs() < 5_000), "{apart:?}");
            assert!(all[2].apart_within_us.is_some_and(|us| us < 60_000), "{all:?}");
            assert_eq!(shifts(&all).into_iter().collect::<Vec<_>>(), [(2, -all[2].apart_us.unwrap())]);
        }
        assert!(of(&[state(0, 25), state(90, 25), state(300, 250)]).iter().all(|clock| clock.apart_us.is_none()));
        let far = of(&[state(0, 25), state(0, 25), state(60_000, 25)]);
        assert!(far[2].apart_us.is_some() && shifts(&far).is_empty());
        let near = of(&[state(0, 25), state(0, 25), state(MOST_SHIFT_US / 1000, 25)]);
        assert_eq!(shifts(&near).into_values().collect::<Vec<_>>(), [-MOST_SHIFT_US]);
    }

    /// What answers of one shard tell of a server whose clock showed `shown_us` at time 0: calls each 160 ms for a minute, answered after 50 ms,
    /// each written `written_us` after it was sent.
    fn told(index: u64, shown_us: i64, written_us: &[u64]) -> ClockEvidence {
        let mut server = None;
        for (k, written_us) in (0..).zip(written_us) {
            let sent_us = (index + 4 * k) * 40_000;
            let mut answered = sample(k, Outcome::Ok, sent_us / 1000, 0, 50);
            let second = (shown_us + i64::try_from(sent_us + written_us).unwrap()) / 1_000_000;
            answered.answer.server_second = u32::try_from(second).ok();
            ServerClock::observe(&mut server, &answered);
        }
        ClockEvidence { server, wall_clock_error_us: None }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// A minute of 25 calls a second over four shards, 50 ms away, tells which clock is 300 ms ahead, to 90 ms, however the network divides
        /// its delay and wherever in a second the run starts: each shard calls at 25 phases of a second, 40 ms apart, so that its interval is as
        /// wide as that and a round trip at most, and so is that of the others, whose phases are the same.
        #[test]
        fn a_minute_of_calls_tells_enough(
            phase_us in 0..1_000_000i64,
            written_us in prop::collection::vec(prop::collection::vec(0..=50_000u64, 375), 4),
        ) {
            let start = START + phase_us;
            let shown = |index: u64| start - if index == 2 { 300_000 } else { 0 };
            let evidence = |(index, written_us): (u64, &Vec<u64>)| (index, told(index, shown(index), written_us));
            let all = clocks(4, start, &(0..).zip(&written_us).map(evidence).collect());
            prop_assert_eq!(all.iter().filter(|clock| clock.apart_us.is_some()).count(), 1, "{:?}", all);
            let (apart, within) = (all[2].apart_us.unwrap(), all[2].apart_within_us.unwrap());
            prop_assert!((apart - 300_000).unsigned_abs() <= within && within <= 90_000, "{apart} ± {within}");
        }
    }

    /// Answers that contradict each other are nothing, and who is alone is compared with nobody.
    #[test]
    fn what_is_unknown_is_not_judged() {
        let good = state(0, 25);
        let torn = ServerClock { low_epoch_us: good.high_epoch_us + 1, ..good };
        let all = of(&[torn, state(900, 25)]);
        assert!(all.iter().all(|clock| clock.apart_us.is_none()), "{all:?}");
        assert_eq!(all.iter().filter(|clock| clock.ahead_low_us.is_some()).count(), 1);
        assert_eq!(of(&[]), []);
    }
}
