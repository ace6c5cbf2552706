//! `ban`: a limit whose refusals shut it for a while.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Kind;
use super::keys::{COUNT, TIME, Unfit, needed};
use super::plain::{PLAIN, PlainHeld, PlainQuota};
use super::suspect::{CallMoment, FAR, Facts, LimiterNumbers, Range, Remembered, Suspect, Traits};
use super::{Arrival, LimiterKind, NotUntil, Passing, State, Toll, disk};
use crate::key::{Amounts, Given, TableKey, ValueForm, Variant};
use crate::units::human;

/// A limit that refuses everything for `length` once it has refused `after` calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// The limit.
    pub of: PlainQuota,
    /// Refused calls that shut it, at least 1; counted anew after each time.
    pub after: u32,
    /// For how long.
    #[serde(rename = "for_us", with = "disk")]
    pub length: Duration,
    /// Whether a call during a ban restarts it.
    pub renewed: bool,
}

impl LimiterKind for Ban {
    type State = Watched;

    const KEYS: &'static Variant = &Variant {
        name: "ban",
        help: "A limit of any of the kinds above that refuses everything for a while once it has refused too many calls.",
        keys: &[
            TableKey::required(
                "of",
                ValueForm::Table(&PLAIN),
                "`of`, the limit: of = { kind = \"token-bucket\", rate = 5, burst = 10 }",
                "The limit.",
            )
            .like("{ kind = \"token-bucket\", rate = 5, burst = 10 }"),
            TableKey::required(
                "after",
                ValueForm::Integer(COUNT),
                "`after`, the refused calls that shut it: after = 20",
                "Refused calls that start a ban; the count starts over after each ban.",
            )
            .like("20"),
            TableKey::required(
                "for",
                ValueForm::Duration(TIME),
                "`for`, how long it stays shut: for = \"10s\"",
                "How long it stays shut.",
            )
            .like("\"10s\""),
            TableKey::default("renewed", ValueForm::Truth, Given::Truth(false), "Whether a call during a ban restarts it."),
        ],
    };

    const WORDS: &'static str = "a ban after refused calls";

    const TOLD_BY: &'static str = "refused calls, and silence after them";

    const SUSPECTS: &'static [&'static dyn Suspect] = &[&BanSuspect { longer: false }, &BanSuspect { longer: true }];

    fn build(given: &Amounts) -> Result<Self, Unfit> {
        let (kind, amounts) = needed(given.table("of"))?;
        let (after, length) = (needed(given.count("after"))?, needed(given.time("for"))?);
        Ok(Self { of: PlainQuota::build(kind, amounts)?, after, length, renewed: given.truth("renewed") })
    }

    fn start(&self) -> Watched {
        let Self { of, after, length, renewed } = *self;
        Watched { of: of.start(), after, length, renewed, refused: 0, shut_until: Duration::ZERO }
    }

    /// That of the limit, for those who are never refused.
    fn rate_per_s(&self) -> Option<f64> {
        self.of.rate_per_s()
    }
}

impl fmt::Display for Ban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, shut for {} after {} refused", self.of, human(self.length), self.after)
    }
}

/// A limit with what it has refused. While it is shut the limit itself is not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    of: PlainHeld,
    after: u32,
    #[serde(rename = "for_us", with = "disk")]
    length: Duration,
    renewed: bool,
    /// Refused calls since it was shut last.
    refused: u32,
    /// Until when it is shut, or was last.
    #[serde(rename = "shut_until_us", with = "disk")]
    shut_until: Duration,
}

impl State for Watched {
    fn advance(&mut self, now: Duration) {
        self.of.advance(now);
    }

    fn decide(&self, arrival: &Arrival) -> Passing {
        let shut = arrival.now < self.shut_until;
        match self.of.decide(arrival) {
            Ok(wait) if !shut => Ok(wait),
            Ok(_) => Err(NotUntil::until(self.shut_until)),
            Err(until) => Err(NotUntil { at: until.at.map(|at| at.max(self.shut_until)) }),
        }
    }

    fn pay(&mut self, arrival: &Arrival, toll: Toll) {
        if arrival.now < self.shut_until {
            if self.renewed {
                self.shut_until = arrival.now.saturating_add(self.length);
            }
            return;
        }
        self.of.pay(arrival, toll);
        if !toll.passed() {
            self.refused += 1;
            if self.refused >= self.after {
                (self.refused, self.shut_until) = (0, arrival.now.saturating_add(self.length));
            }
        }
    }
}

// How it shows itself to a probe: a ban: after so many refused calls everything is refused for a while.

/// A bucket with a ban behind it; numbers: rate, depth, refused calls until it, its seconds.
struct BanSuspect {
    /// Calls that are refused while it lasts make it longer.
    longer: bool,
}

impl Suspect for BanSuspect {
    fn kind(&self) -> Kind {
        Kind::Ban
    }

    fn name(&self) -> &'static str {
        if self.longer { "ban that refused calls make longer" } else { "ban after refused calls" }
    }

    fn ranges(&self, facts: &Facts) -> Vec<Range> {
        // derived: a ban after more refused calls than a probe has is none; a ban shorter than half a second is a window
        vec![facts.rates(), facts.depths(), Range::whole(1.0, 200.0), Range::log(0.5, 4.0 * facts.most_s)]
    }

    fn start(&self, n: &LimiterNumbers, s: &mut Remembered) {
        s[0] = n[1];
    }

    fn margin(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) -> f64 {
        s[0] = (s[0] + n[0] * (now.t - s[1])).min(n[1]);
        s[1] = now.t;
        let own = if s[0] >= n[1] - 1e-9 { FAR } else { (s[0] - 1.0) / n[0] };
        s[4] = own;
        if s[3] > 0.0 { own.min(now.t - s[3]) } else { own }
    }

    fn passed(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        s[0] = super::token_bucket::paid(s[0], now.jitter * n[0]);
    }

    fn refused(&self, n: &LimiterNumbers, s: &mut Remembered, now: &CallMoment<'_>) {
        if now.t < s[3] {
            // What the bucket had let through.
            s[5] += f64::from(s[4] > 0.0);
            if self.longer {
                s[3] = now.t + n[3];
            }
            return;
        }
        s[0] = super::token_bucket::emptied(s[0], now.jitter * n[0]);
        s[2] += 1.0;
        if s[2] >= n[2] {
            (s[2], s[3]) = (0.0, now.t + n[3]);
        }
    }

    fn is_composite(&self) -> bool {
        true
    }

    fn acted(&self, s: &Remembered) -> bool {
        s[5] > 0.0
    }

    fn traits(&self, n: &LimiterNumbers) -> Traits {
        Traits { burst: Some(n[1].floor()), ban_s: Some(n[3]), ..Traits::default() }
    }
}
