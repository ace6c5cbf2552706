//! A cap on calls in flight.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::serde_us_list;

/// At most `limit` calls that are not answered yet.
///
/// When a call is answered is known when it arrives, so this is a function of the instants of the calls as the others are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flight {
    limit: u32,
    /// When the calls in flight are answered, in order.
    #[serde(rename = "ends_us", with = "serde_us_list")]
    ends: VecDeque<Duration>,
}

impl Flight {
    pub(super) const fn new(limit: u32) -> Self {
        Self { limit, ends: VecDeque::new() }
    }

    /// A refused call holds its place until it is answered, if it is charged.
    pub(super) fn take(&mut self, now: Duration, until: Duration, charge_rejected: bool) -> bool {
        while self.ends.pop_front_if(|end| *end <= now).is_some() {}
        let free = self.ends.len() < usize::try_from(self.limit).unwrap_or(usize::MAX);
        if (free || charge_rejected) && until > now {
            let place = self.ends.partition_point(|end| *end <= until);
            self.ends.insert(place, until);
        }
        free
    }
}
