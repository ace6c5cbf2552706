//! Where a run was cut off, from what its files say: which calls are done with, and where its schedule is taken up again.
//!
//! A process that ended with a word has told of every call that it offered. One that did not lived a little longer than its files tell, and may
//! have called in that time: those calls are done with, too, and their ends are unknown. So no call is ever sent by two segments, and a budget
//! counts every call that may have been sent. Refuses to guess how such a call ended.

use std::time::Duration;

use super::sample::CallEnding;
use super::timeline::Row;
use crate::client::outcome::Outcome;

/// How much longer than its files tell a process may have lived.
// derived: a second without answers is told when it is over (1 s), a thread hands over every tenth of a second and the writer takes as long
// again; a second more for a system that is slow to let a thread run
pub const UNTOLD: Duration = Duration::from_millis(2_200);

/// Numbers of calls, a bit each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallSet {
    below: u64,
    words: Vec<u64>,
}

impl CallSet {
    /// None yet; numbers from `below` on are not kept, so that a damaged digit takes no memory.
    pub fn below(below: u64) -> Self {
        Self { below, words: Vec::new() }
    }

    /// Adds a number.
    pub fn insert(&mut self, k: u64) {
        let Ok(word) = usize::try_from(k / 64) else { return };
        if k < self.below {
            if self.words.len() <= word {
                self.words.resize(word + 1, 0);
            }
            self.words[word] |= 1 << (k % 64);
        }
    }

    /// Whether a number was added.
    pub fn has(&self, k: u64) -> bool {
        let word = usize::try_from(k / 64).ok().and_then(|word| self.words.get(word));
        word.is_some_and(|word| word & (1 << (k % 64)) != 0)
    }
}

/// The last that the files of a segment tell of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastSigns {
    next: u64,
    until_us: u64,
    offered: u64,
    busiest: u64,
}

impl LastSigns {
    /// Of a segment that begins with call `first`, due at `at`.
    pub fn of_segment(first: u64, at: Duration) -> Self {
        Self { next: first, until_us: crate::units::floor_us(at), offered: first, busiest: 0 }
    }

    /// Takes a row of its calls.
    pub fn call(&mut self, seq: u64, ending: &CallEnding) {
        self.next = self.next.max(seq.saturating_add(1));
        if ending.outcome != Outcome::Unknown {
            self.until_us = self.until_us.max(ending.end_us()).max(ending.sent_us.unwrap_or(0));
        }
    }

    /// Takes a row of its timeline, which is written once the second is over, also if nothing happened in it.
    pub fn second(&mut self, row: &Row) {
        self.offered = self.offered.saturating_add(row.offered);
        self.busiest = self.busiest.max(row.sent);
        self.until_us = self.until_us.max(row.second.saturating_add(1).saturating_mul(1_000_000));
    }

    /// How far the files tell, from the start of the schedule.
    pub const fn until(&self) -> Duration {
        Duration::from_micros(self.until_us)
    }

    /// The number after the last call that was offered for certain.
    fn told(&self) -> u64 {
        self.next.max(self.offered)
    }

    /// Where an open schedule is taken up: its first call that cannot have been offered yet, of `dues`, the calls of the segment by their number.
    /// `None` if none is left. `ended` says whether the process ended with a word.
    pub fn cut(&self, ended: bool, mut dues: impl Iterator<Item = (u64, Duration)>) -> Option<Cut> {
        let until = self.until() + UNTOLD;
        let found = dues.find(|(k, due)| *k >= self.told() && (ended || *due > until));
        found.map(|(seq, at)| Cut { seq, at })
    }

    /// Where workers take up their work, which lasts for `length`; `None` if none is left.
    pub fn cut_work(&self, length: Duration) -> Option<Cut> {
        let at = self.until();
        (at < length).then_some(Cut { seq: self.told(), at })
    }

    /// Calls of workers that may have been sent after the last that is told, of a process that ended without a word.
    pub const fn untold_calls(&self) -> u64 {
        // derived: at the rate of the busiest second, over all that may be untold, in whole seconds and one more
        self.busiest.saturating_mul(UNTOLD.as_secs() + 1)
    }
}

/// What a process has told of its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldCalls {
    calls: CallSet,
    signs: LastSigns,
    rows: u64,
    sent: u64,
    from: Duration,
    ended: bool,
}

impl ToldCalls {
    /// Nothing told yet, of calls whose numbers are below this.
    pub fn below(below: u64) -> Self {
        Self { calls: CallSet::below(below), signs: LastSigns::default(), rows: 0, sent: 0, from: Duration::ZERO, ended: false }
    }

    /// The same of a process that joined the schedule at `from`: it has sent nothing that was due before.
    #[must_use]
    pub fn joined(self, from: Duration) -> Self {
        Self { signs: LastSigns::of_segment(0, from), from, ..self }
    }

    /// The same of a process that ended with a word: it has told how many calls it offered.
    #[must_use]
    pub fn ended(self) -> Self {
        Self { ended: true, ..self }
    }

    /// Takes a row of its calls.
    pub fn call(&mut self, seq: u64, ending: &CallEnding) {
        self.calls.insert(seq);
        self.signs.call(seq, ending);
        self.rows += 1;
        self.sent += u64::from(ending.outcome.was_sent());
    }

    /// Takes a row of its timeline.
    pub fn second(&mut self, row: &Row) {
        self.signs.second(row);
    }

    /// Hands over the calls of `dues`, which are all of its own in their order, that it may have sent and has not told of. It sends in this order,
    /// `budget` at most; what was due before it joined counts. Of a process that ended with a word so many are handed over as it sent; which
    /// ones is a guess if it had several threads.
    pub fn perhaps_sent(&self, dues: impl Iterator<Item = (u64, Duration)>, budget: u64, mut take: impl FnMut(u64, Duration)) {
        let until = self.signs.until() + UNTOLD;
        let mut affordable = budget.saturating_sub(self.sent);
        let mut untold = if self.ended { self.signs.offered.saturating_sub(self.rows) } else { u64::MAX };
        for (k, due) in dues.take_while(|(_, due)| *due <= until) {
            if due < self.from {
                affordable = affordable.saturating_sub(1);
            } else if !self.calls.has(k) {
                if affordable == 0 || untold == 0 {
                    return;
                }
                (affordable, untold) = (affordable - 1, untold - 1);
                take(k, due);
            }
        }
    }
}

/// Where a run is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The number of its next call.
    pub seq: u64,
    /// When the schedule wants that.
    pub at: Duration,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::sample::testing::sample;

    /// Ten calls a second, but none for some seconds after the first twenty.
    const fn due_ms(k: u64, pause_s: u64) -> u64 {
        100 * k + if k < 20 { 0 } else { 1000 * pause_s }
    }

    fn dues(calls: u64, pause_s: u64) -> impl Iterator<Item = (u64, Duration)> {
        (0..calls).map(move |k| (k, Duration::from_millis(due_ms(k, pause_s))))
    }

    /// A process sends call k at its due time and tells of it when it is answered; it dies at some instant, and what it told in the last two
    /// seconds may be lost.
    fn told(calls: u64, [pause_s, service_ms, dies_ms, lost_ms]: [u64; 4]) -> (ToldCalls, u64) {
        let told_ms = dies_ms.saturating_sub(lost_ms);
        let (mut told, mut sent) = (ToldCalls::below(calls), 0);
        for k in 0..calls {
            let due_ms = due_ms(k, pause_s);
            sent += u64::from(due_ms <= dies_ms);
            if due_ms + service_ms <= told_ms {
                told.call(k, &sample(k, Outcome::Ok, due_ms, 0, service_ms).ending());
            }
        }
        for second in 0..(told_ms / 1000) {
            let at = |ms: u64| (ms / 1000 == second && ms <= dies_ms).then_some(1);
            let offered = (0..calls).filter_map(|k| at(due_ms(k, pause_s))).sum();
            told.second(&Row { second, offered, sent: offered, ..Row::default() });
        }
        (told, sent)
    }

    proptest! {
        /// Whenever a process dies, and however little its last second told: no call that it sent is sent again, and what is skipped without having
        /// been sent was due within the time that is untold.
        #[test]
        fn no_call_is_sent_twice(
            calls in 1u64..400, pause in 0u64..9, service in 1u64..5_000, dies in 0u64..50_000, lost in 0u64..1_200
        ) {
            let (ToldCalls { signs, .. }, sent) = told(calls, [pause, service, dies, lost]);
            match signs.cut(false, dues(calls, pause)) {
                Some(cut) => {
                    prop_assert!(cut.seq >= sent, "{cut:?} {sent}");
                    prop_assert_eq!(cut.at, Duration::from_millis(due_ms(cut.seq, pause)));
                    let before = cut.seq.checked_sub(1).map(|k| Duration::from_millis(due_ms(k, pause)));
                    let untold = signs.until() + UNTOLD;
                    prop_assert!(cut.seq == signs.told() || before <= Some(untold), "{cut:?} {dies}");
                }
                None => prop_assert!(Duration::from_millis(due_ms(calls - 1, pause)) <= signs.until() + UNTOLD),
            }
        }

        /// The same of a shard, which is never taken up: every call that it sent is told or perhaps sent, with a budget no more of them than it allows,
        /// and nothing that was due before it joined.
        #[test]
        fn what_was_sent_is_told_or_perhaps_sent(
            calls in 1u64..400, pause in 0u64..9, service in 1u64..5_000, dies in 0u64..50_000, budget in 1u64..400, from in 0u64..400
        ) {
            // A budget ends the sending.
            let (told, sent) = told(calls.min(budget), [pause, service, dies, 1_200]);
            let perhaps = |told: &ToldCalls, budget| {
                let mut found = Vec::new();
                told.perhaps_sent(dues(calls, pause), budget, |k, _| found.push(k));
                found
            };
            let found = perhaps(&told, budget);
            prop_assert!((0..sent).all(|k| told.calls.has(k) != found.contains(&k)), "{found:?} of {sent}");
            prop_assert!(told.sent + found.len() as u64 <= budget);
            let late = ToldCalls::below(calls).joined(Duration::from_millis(due_ms(from, pause)));
            let found = perhaps(&late, budget);
            prop_assert!(found.iter().all(|k| *k >= from) && found.len() as u64 <= budget.saturating_sub(from), "{found:?} from {from}");
        }

        /// One that was interrupted and waited for answers no longer: as many are perhaps sent as it sent and did not tell.
        #[test]
        fn what_was_given_up_is_counted(calls in 1u64..400, offered in 0u64..400, answered in 0u64..400) {
            let (offered, answered) = (offered.min(calls), answered.min(offered).min(calls));
            let mut told = ToldCalls::below(calls).ended();
            (0..answered).for_each(|k| told.call(k, &sample(k, Outcome::Ok, 100 * k, 0, 7).ending()));
            told.second(&Row { offered, second: 60, ..Row::default() });
            let mut found = Vec::new();
            told.perhaps_sent(dues(calls, 0), u64::MAX, |k, _| found.push(k));
            prop_assert_eq!(found, (answered..offered).collect::<Vec<_>>());
        }

        /// One that ended with a word is taken up at the call after the last that it offered.
        #[test]
        fn words_are_exact(calls in 1u64..400, offered in 0u64..400, answered in 0u64..400) {
            let (offered, answered) = (offered.min(calls), answered.min(offered).min(calls));
            let mut signs = LastSigns::default();
            for k in 0..answered {
                signs.call(k, &sample(k, Outcome::Ok, 100 * k, 0, 7).ending());
            }
            signs.second(&Row { offered, ..Row::default() });
            let cut = signs.cut(true, dues(calls, 0));
            prop_assert_eq!(cut.map(|cut| cut.seq), Some(offered.max(answered)).filter(|k| *k < calls));
        }

        /// A set has what was added below its bound, and nothing else.
        #[test]
        fn sets_are_exact(numbers in prop::collection::vec(0u64..2_000, 0..200), below in 0u64..2_000) {
            let mut set = CallSet::below(below);
            for k in &numbers {
                set.insert(*k);
            }
            set.insert(u64::MAX);
            for k in 0..2_000 {
                prop_assert_eq!(set.has(k), k < below && numbers.contains(&k));
            }
        }
    }

    /// Workers go on where the files end, with the number after the last; what they may have sent besides counts.
    #[test]
    fn work_goes_on() {
        let mut signs = LastSigns::of_segment(10, Duration::from_secs(3));
        assert_eq!(signs.cut_work(Duration::from_secs(5)), Some(Cut { seq: 10, at: Duration::from_secs(3) }));
        signs.call(14, &sample(14, Outcome::Ok, 3_200, 0, 300).ending());
        signs.second(&Row { second: 3, offered: 8, sent: 8, ok: 1, ..Row::default() });
        assert_eq!(signs.cut_work(Duration::from_secs(5)), Some(Cut { seq: 18, at: Duration::from_secs(4) }));
        assert_eq!(signs.untold_calls(), 24);
        assert_eq!(signs.cut_work(Duration::from_secs(4)), None);
    }
}
