//! What a call costs, beside the least that it could.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::rank::quantile;

/// What one round measured: CPU time a call, in microseconds, above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostRound {
    /// hyper's pooled client, which sends the same unsigned bytes and drops the answer.
    pub bare_us: f64,
    /// `wire`, on the client's thread.
    pub wire_us: f64,
    /// `sdk`, on the client's thread.
    pub sdk_us: f64,
    /// The emulator, while `wire` calls it.
    pub emulator_us: f64,
}

/// What one of those who take part in a call costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CallCost {
    /// `bare` (hyper's client, the same unsigned bytes every time, the answer dropped), `wire`, `sdk` or `emulator`.
    pub what: String,
    /// CPU time a call, in microseconds: the median of the rounds.
    pub cpu_us_per_call: f64,
    /// The same as a multiple of the bare client's: the median of the rounds' ratios.
    pub of_bare: f64,
}

impl CallCost {
    /// All of them, from interleaved rounds; none without a round.
    pub fn of(rounds: &[CostRound]) -> Vec<Self> {
        let of = |what: &str, figure: fn(&CostRound) -> f64| {
            let cpu_us_per_call = median(rounds.iter().map(figure))?;
            let of_bare = median(rounds.iter().map(|round| figure(round) / round.bare_us))?;
            Some(Self { what: what.to_owned(), cpu_us_per_call, of_bare })
        };
        let all = [
            of("bare", |round| round.bare_us),
            of("wire", |round| round.wire_us),
            of("sdk", |round| round.sdk_us),
            of("emulator", |round| round.emulator_us),
        ];
        all.into_iter().flatten().collect()
    }
}

/// The middle one; `None` of nothing.
fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| quantile(&sorted, 0.5))
}
