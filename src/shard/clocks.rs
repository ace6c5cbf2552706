//! The clocks of a run's shards, held against each other by way of the server's.
//!
//! All shards start at one instant of the wall clock, each by its own. What the server's clock showed then says how far a shard's clock is
//! ahead; that two of them differ is certain when their intervals do not meet. Refuses to touch a latency: it is measured on one clock.

use std::collections::BTreeMap;

use super::Shard;
use crate::record::server_clock::ServerClock;
use crate::record::timeline::MOST_SHIFT_US;
use crate::summary::ShardClock;

/// Clocks that certainly differ by more are told.
// source: ntpd(8) steps a clock that is off by more than 128 ms: 100 ms lie below every step, as for a clock that was set during a run
const APART_US: i64 = 100_000;

/// An interval of microseconds by which a clock is ahead of the server's.
type Ahead = (i64, i64);

/// The clocks of the shards that started when their own clock showed `start_epoch_us`, in their order.
pub fn clocks(of: u64, start_epoch_us: i64, servers: &BTreeMap<u64, ServerClock>) -> Vec<ShardClock> {
    let ahead = |server: &ServerClock| -> Option<Ahead> {
        server.is_consistent().then(|| (start_epoch_us - server.high_epoch_us, start_epoch_us - server.low_epoch_us))
    };
    let usual = usual(servers.values().filter_map(ahead).collect());
    let clock = |(index, server): (&u64, &ServerClock)| {
        let (own, shard) = (ahead(server), Shard { index: *index, of });
        let apart = own.zip(usual).and_then(|(own, usual)| apart(own, usual));
        ShardClock {
            shard: shard.to_string(),
            ahead_low_us: own.map(|own| own.0),
            ahead_high_us: own.map(|own| own.1),
            apart_us: apart.map(|(low, high)| i64::midpoint(low, high)),
            apart_within_us: apart.map(|(low, high)| high.abs_diff(low).div_ceil(2)),
        }
    };
    servers.iter().map(clock).collect()
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
    (low > APART_US || high < -APART_US).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_795_773_600_000_000;

    /// A clock that is ahead of the server's by something around `ms`, known to `within` ms.
    fn state(ms: i64, within: i64) -> ServerClock {
        let server = |ahead: i64| START - ahead * 1000;
        ServerClock { low_epoch_us: server(ms + within), high_epoch_us: server(ms - within), answers: 100 }
    }

    fn of(states: &[ServerClock]) -> Vec<ShardClock> {
        clocks(states.len() as u64, START, &(0..).zip(states.iter().copied()).collect())
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
