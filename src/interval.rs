//! What lies between two numbers, as one value: bounds of an estimate, a range of settings.
//!
//! Refuses to know which numbers they are, and how sure it is that they hold something.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The numbers from `low` to `high`, both included. A side without a bound is infinite.
///
/// On disk it is an array of two, `[low, high]`, and a side without a bound is null: JSON has no infinity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least number of it; `-inf` without a lower bound.
    pub low: f64,
    /// The greatest number of it; `inf` without an upper bound.
    pub high: f64,
}

impl Interval {
    /// From `low` to `high`. If `low` lies above `high`, nothing is in it.
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// One number alone.
    pub const fn point(value: f64) -> Self {
        Self::new(value, value)
    }

    /// From `low` on, without an upper bound.
    pub const fn at_least(low: f64) -> Self {
        Self::new(low, f64::INFINITY)
    }

    /// Whether `value` is in it; never for what is not a number.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub const fn hull(self, other: Self) -> Self {
        Self::new(self.low.min(other.low), self.high.max(other.high))
    }

    /// What both have in common; `None` if that is nothing.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let both = Self::new(self.low.max(other.low), self.high.min(other.high));
        (both.low <= both.high).then_some(both)
    }

    /// How wide it is, from 0; infinite where a bound is missing.
    pub const fn width(self) -> f64 {
        (self.high - self.low).max(0.0)
    }

    /// Whether both bounds are known.
    pub const fn is_bounded(self) -> bool {
        self.low.is_finite() && self.high.is_finite()
    }
}

/// `[low, high]`; the precision of a format is that of both bounds.
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        fmt::Display::fmt(&self.low, f)?;
        f.write_str(", ")?;
        fmt::Display::fmt(&self.high, f)?;
        f.write_str("]")
    }
}

impl Serialize for Interval {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.low, self.high).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Interval {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (low, high) = <(Option<f64>, Option<f64>)>::deserialize(deserializer)?;
        Ok(Self::new(low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY)))
    }
}

impl JsonSchema for Interval {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <(f64, f64)>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval() -> impl Strategy<Value = Interval> {
        (-1e6..1e6f64, -1e6..1e6f64).prop_map(|(a, b)| Interval::new(a.min(b), a.max(b)))
    }

    proptest! {
        /// A number is in the intersection if it is in both, and whatever is in one is in the hull.
        #[test]
        fn sets(a in interval(), b in interval(), x in -1e6..1e6f64) {
            let both = a.intersect(b).is_some_and(|both| both.contains(x));
            prop_assert_eq!(both, a.contains(x) && b.contains(x));
            prop_assert!(!(a.contains(x) || b.contains(x)) || a.hull(b).contains(x));
            prop_assert!(a.hull(b).width() >= a.width().max(b.width()));
        }

        /// On disk it is the array that a pair of numbers is, and what was written is what is read.
        #[test]
        fn on_disk(a in interval()) {
            let text = serde_json::to_string(&a).unwrap();
            prop_assert_eq!(&text, &serde_json::to_string(&(a.low, a.high)).unwrap());
            prop_assert_eq!(serde_json::from_str::<Interval>(&text).unwrap(), a);
        }
    }

    /// A missing bound is null on disk and infinite here; an empty interval holds nothing and has no width.
    #[test]
    fn edges() {
        let open = Interval::at_least(2.5);
        assert_eq!(serde_json::to_string(&open).unwrap(), "[2.5,null]");
        assert_eq!(serde_json::from_str::<Interval>("[2.5,null]").unwrap(), open);
        assert!(open.contains(1e300) && !open.contains(f64::NAN) && open.width().is_infinite() && !open.is_bounded());
        assert_eq!(Interval::point(1.0).intersect(Interval::point(2.0)), None);
        let empty = Interval::new(1.0, 0.0);
        assert!(!empty.contains(0.5) && empty.width() <= 0.0);
        assert_eq!(format!("{:.2}", Interval::new(9.9, 10.125)), "[9.90, 10.12]");
    }
}
