//! The list of the kinds, and what is made of it.
//!
//! Types that are made of the one list: [`PlainQuota`](super::plain::PlainQuota) of the kinds that stand for themselves, and
//! [`Quota`](super::Quota) of these, of those that are made of others, and of no limit at all.

/// Calls a macro with the kinds that stand for themselves, and whatever more is given. Each kind has a line: its type, its file, the type
/// of its state, and the name that its state has in the files of `emulate --state`. Its name in other files is its own in kebab case.
macro_rules! catalogue {
    ($make:ident! { $($of:tt)* } $($more:tt)*) => {
        $make! {
            { $($of)* }
            /// Continuous refill.
            TokenBucket in token_bucket, state Bucket, was "bucket";
            /// Refill in steps.
            StepBucket in step_bucket, state StepState, was "step";
            /// So many calls from one edge to the next.
            FixedWindow in fixed_window, state CurrentWindow, was "fixed";
            /// So many calls in any window.
            SlidingLog in sliding_log, state Log, was "log";
            /// So many calls in about any window.
            SlidingCounter in sliding_counter, state Counter, was "counter";
            /// So many calls that are not answered yet.
            Concurrency in concurrency, state InFlight, was "flight";
            /// Several buckets that know nothing of each other.
            ShardedBucket in sharded_bucket, state Nodes, was "nodes";
            /// Calls wait, and are refused when too many do.
            Delay in delay, state WaitingCalls, was "queue";
            $($more)*
        }
    };
}

/// The types that hold one of every kind: a quota, and what is remembered of the calls so far.
macro_rules! kinds {
    (
        { $(#[$about:meta])* $quota:ident holding $held:ident $(or [$none:ident, $unlimited:path])? }
        $($(#[$doc:meta])* $kind:ident in $file:ident, state $state:ident, was $was:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum $quota {
            $(
                /// No limit.
                $none,
            )?
            $($(#[$doc])* $kind($crate::limiter::$file::$kind),)*
        }

        /// What a limiter of some kind remembers.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        pub(in crate::limiter) enum $held {
            $(#[serde(rename = "unlimited")] $none,)?
            $(#[serde(rename = $was)] $kind($crate::limiter::$file::$state),)*
        }

        impl $quota {
            /// The declarations of all kinds; the first is meant when a quota names none.
            const KINDS: &'static [&'static Variant] = &[$(<$crate::limiter::$file::$kind>::KEYS,)* $(&$unlimited,)?];

            /// The quota of a kind with its numbers.
            ///
            /// # Errors
            /// Why the numbers make none; a kind that is not known is a number that is missing.
            pub fn build(kind: &str, given: &Amounts) -> Result<Self, Unfit> {
                match kind {
                    $(_ if kind == $unlimited.name => Ok(Self::$none),)?
                    $(_ if kind == <$crate::limiter::$file::$kind>::KEYS.name => {
                        <$crate::limiter::$file::$kind>::build(given).map(Self::$kind)
                    })*
                    _ => Err(Unfit::Missing),
                }
            }

            /// Calls per second that it lets through for long; `None` where that is not its measure.
            pub fn rate_per_s(&self) -> Option<f64> {
                match self {
                    $(Self::$none => None,)?
                    $(Self::$kind(kind) => kind.rate_per_s(),)*
                }
            }

            /// The state at time 0.
            pub(in crate::limiter) fn start(&self) -> $held {
                match self {
                    $(Self::$none => $held::$none,)?
                    $(Self::$kind(kind) => $held::$kind(kind.start()),)*
                }
            }
        }

        impl fmt::Display for $quota {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$none => f.write_str($unlimited.name),)?
                    $(Self::$kind(kind) => kind.fmt(f),)*
                }
            }
        }

        impl State for $held {
            fn advance(&mut self, now: Duration) {
                match self {
                    $(Self::$none => {})?
                    $(Self::$kind(held) => held.advance(now),)*
                }
            }

            fn decide(&self, arrival: &Arrival) -> Passing {
                match self {
                    $(Self::$none => Ok(Duration::ZERO),)?
                    $(Self::$kind(held) => held.decide(arrival),)*
                }
            }

            fn pay(&mut self, arrival: &Arrival, toll: Toll) {
                match self {
                    $(Self::$none => {})?
                    $(Self::$kind(held) => held.pay(arrival, toll),)*
                }
            }
        }
    };
}

/// From a limit that stands for itself to a quota, and back.
macro_rules! conversions {
    (
        { $whole:ident of $plain:ident }
        $($(#[$doc:meta])* $kind:ident in $file:ident, state $state:ident, was $was:literal;)*
    ) => {
        impl From<$plain> for $whole {
            fn from(plain: $plain) -> Self {
                match plain {
                    $($plain::$kind(kind) => Self::$kind(kind),)*
                }
            }
        }

        impl TryFrom<$whole> for $plain {
            type Error = $whole;

            /// A quota that is made of others, or none, is given back.
            fn try_from(quota: $whole) -> Result<Self, $whole> {
                match quota {
                    $($whole::$kind(kind) => Ok(Self::$kind(kind)),)*
                    other => Err(other),
                }
            }
        }
    };
}

/// The classes of limiters that a client can tell apart, and what is suspected.
macro_rules! classes {
    (
        { $class:ident }
        $($(#[$doc:meta])* $kind:ident in $file:ident, state $state:ident, was $was:literal;)*
    ) => {
        /// The canonical classes: limiters that no client can tell apart have one name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $class {
            $($(#[$doc])* $kind,)*
            /// Nothing was refused.
            None,
            /// No class agrees with the answers.
            Inconclusive,
        }

        impl $class {
            /// The spelling of the published contract.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => <$crate::limiter::$file::$kind>::KEYS.name,)*
                    Self::None => NONE.name,
                    Self::Inconclusive => "inconclusive",
                }
            }

            /// For people.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$kind => <$crate::limiter::$file::$kind>::WORDS,)*
                    Self::None => "none seen",
                    Self::Inconclusive => "inconclusive",
                }
            }

            /// What tells it from its neighbours.
            pub const fn told_by(self) -> &'static str {
                match self {
                    $(Self::$kind => <$crate::limiter::$file::$kind>::TOLD_BY,)*
                    Self::None | Self::Inconclusive => "more calls",
                }
            }
        }

        impl fmt::Display for $class {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        /// Every kind of the catalogue with its habits: what a probe suspects.
        pub(crate) const SUSPECTS: &[&[&dyn Suspect]] = &[$(<$crate::limiter::$file::$kind>::SUSPECTS,)*];
    };
}
