//! All limits of one account, region and operation, in the order in which a call meets them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::growth::{Growth, Ramp, Scaling};
use super::{Arrival, Limiter};

/// Which limit refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Throttle {
    /// The quota.
    Quota,
    /// The rate rose too fast.
    Ramp,
    /// The service is scaling.
    Scaling,
}

/// All limits of one account, region and operation: a call must pass scaling, ramp and quota, in this order. What it spent at
/// the first is not given back when a later one refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    scaling: Option<Scaling>,
    ramp: Option<Ramp>,
    quota: Limiter,
}

impl Limits {
    /// As at time 0, nothing spent.
    pub fn new(quota: Limiter, ramp: Option<Growth>, scaling: Option<Growth>) -> Self {
        Self { scaling: scaling.map(Scaling::new), ramp: ramp.map(Ramp::new), quota }
    }

    /// Lets a call through and says how long it has to wait, or says what refuses it.
    ///
    /// # Errors
    /// The limit that refuses it.
    pub fn take(&mut self, arrival: Arrival) -> Result<Duration, Throttle> {
        if self.scaling.as_mut().is_some_and(|scaling| !scaling.take(arrival.now)) {
            return Err(Throttle::Scaling);
        }
        if self.ramp.as_mut().is_some_and(|ramp| !ramp.take(arrival.now)) {
            return Err(Throttle::Ramp);
        }
        self.quota.take(arrival).map_err(|_| Throttle::Quota)
    }

    /// Puts another quota in the place of this one.
    pub fn set_quota(&mut self, quota: Limiter) {
        self.quota = quota;
    }

    /// Takes over what `saved` has of the same kind and numbers; the rest stays as it is.
    pub fn resume(&mut self, saved: Self) {
        if self.quota.fits(&saved.quota) {
            self.quota = saved.quota;
        }
        if let (Some(own), Some(saved)) = (&mut self.ramp, saved.ramp)
            && own.fits(&saved)
        {
            *own = saved;
        }
        if let (Some(own), Some(saved)) = (&mut self.scaling, saved.scaling)
            && own.fits(&saved)
        {
            *own = saved;
        }
    }
}
