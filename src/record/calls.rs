//! The calls of a run as columns, for what looks at all of them at once.
//!
//! 17 bytes a call: what a comparison needs, and no texts. Refuses to keep tokens and ids.

use crate::client::outcome::{Class, Outcome};

/// One call of a [`Calls`], in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// When the schedule wanted it.
    pub due_us: u64,
    /// `sent - due`; 0 if it was never sent.
    pub lateness_us: u32,
    /// `done - sent`; 0 if it was never sent.
    pub service_us: u32,
    /// How it ended.
    pub outcome: Outcome,
}

impl Call {
    /// `done - due`: lateness and service, exactly.
    pub const fn response_us(&self) -> u32 {
        self.lateness_us.saturating_add(self.service_us)
    }
}

/// The calls of a run, in the order in which they were due. Times beyond 71 minutes count as 71 minutes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calls {
    due_us: Vec<u64>,
    lateness_us: Vec<u32>,
    service_us: Vec<u32>,
    outcome: Vec<Outcome>,
}

impl Calls {
    /// Adds a call.
    pub fn push(&mut self, call: Call) {
        self.due_us.push(call.due_us);
        self.lateness_us.push(call.lateness_us);
        self.service_us.push(call.service_us);
        self.outcome.push(call.outcome);
    }

    /// Brings the calls into the order in which they were due; calls of one instant keep theirs.
    pub fn sort(&mut self) {
        if self.due_us.is_sorted() {
            return;
        }
        let mut order: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        order.sort_by_key(|&i| self.due_us[i as usize]);
        *self = order.into_iter().map(|i| self.call(i as usize)).collect();
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.due_us.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.due_us.is_empty()
    }

    fn call(&self, i: usize) -> Call {
        Call {
            due_us: self.due_us[i],
            lateness_us: self.lateness_us[i],
            service_us: self.service_us[i],
            outcome: self.outcome[i],
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Call> {
        (0..self.len()).map(|i| self.call(i))
    }

    /// Those that ended in a class, in order.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = Call> {
        self.iter().filter(move |call| call.outcome.class() == class)
    }

    /// When the last one was sent; `None` if none was.
    pub fn last_sent_us(&self) -> Option<u64> {
        let sent = self.iter().filter(|call| call.outcome.was_sent());
        sent.map(|call| call.due_us + u64::from(call.lateness_us)).max()
    }

    /// When the last one was due.
    pub fn last_due_us(&self) -> Option<u64> {
        self.due_us.iter().copied().max()
    }
}

impl FromIterator<Call> for Calls {
    fn from_iter<I: IntoIterator<Item = Call>>(calls: I) -> Self {
        let mut made = Self::default();
        calls.into_iter().for_each(|call| made.push(call));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls stand in the order of their due times, whatever order they came in.
    #[test]
    fn sorts_by_due() {
        let call = |due_us, service_us| Call { due_us, lateness_us: 1, service_us, outcome: Outcome::Ok };
        let mut calls: Calls = [call(20, 1), call(10, 2), call(20, 3)].into_iter().collect();
        calls.sort();
        assert_eq!(calls.iter().map(|c| (c.due_us, c.service_us)).collect::<Vec<_>>(), [(10, 2), (20, 1), (20, 3)]);
        assert_eq!((calls.len(), calls.last_due_us(), calls.of_class(Class::Error).count()), (3, Some(20), 0));
        assert_eq!(call(0, 5).response_us(), 6);
    }
}
