//! Times on disk, exact: microseconds, with nanoseconds as decimals where there are some. For `#[serde(with = "disk")]`; the field's name
//! ends in `_us`.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer, Serialize, Serializer};

use super::nanos;
use crate::num::{float, whole};
use crate::units::floor_us;

/// Below this many nanoseconds (13 days) microseconds as a float are less than half a nanosecond off, also after a reader that misses the
/// nearest float by one; decimals of a longer time are left out.
const FINE: u64 = 1 << 50;

/// A time as it is written.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum TimeForm {
    Whole(u64),
    Fine(f64),
}

impl From<Duration> for TimeForm {
    fn from(time: Duration) -> Self {
        match u64::try_from(time.as_nanos()) {
            Ok(ns) if ns < FINE && !ns.is_multiple_of(1000) => Self::Fine(float(ns) / 1000.0),
            _ => Self::Whole(floor_us(time)),
        }
    }
}

/// The time of a number of microseconds; 0 for what is negative or none.
pub(super) fn time(us: f64) -> Duration {
    if us * 1000.0 < float(FINE) { nanos(u128::from(whole((us * 1000.0).round()))) } else { Duration::from_micros(whole(us)) }
}

pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    TimeForm::from(*duration).serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    f64::deserialize(deserializer).map(time)
}

/// The same of a time that there may not be.
pub(super) mod optional {
    use super::{Deserializer, Duration, Serialize as _, Serializer, TimeForm, time};
    use serde::Deserialize as _;

    #[allow(clippy::ref_option)] // serde asks so
    pub(in crate::limiter) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(TimeForm::from).serialize(serializer)
    }

    pub(in crate::limiter) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<f64>::deserialize(deserializer)?.map(time))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct One {
        #[serde(rename = "at_us", with = "super")]
        at: Duration,
    }

    proptest! {
        /// Every time of the first 13 days is read as it was written; whole microseconds have no point.
        #[test]
        fn there_and_back(ns in prop_oneof![0u64..10_000_000, 0..FINE]) {
            let one = One { at: Duration::from_nanos(ns) };
            let text = serde_json::to_string(&one).unwrap();
            prop_assert_eq!(text.contains('.'), ns % 1000 != 0, "{}", text);
            prop_assert_eq!(serde_json::from_str::<One>(&text).unwrap(), one);
        }
    }
}
