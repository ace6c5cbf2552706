//! Round numbers on the axes of drawings.

use crate::num::place;

/// A few round numbers between two ends, from two to five of them.
pub(in crate::report) fn ticks(from: f64, to: f64) -> Vec<f64> {
    let span = to - from;
    let decade = 10f64.powf((span / 2.0).log10().floor());
    // derived: the widest of 1, 2 and 5 that leaves two steps or more, so that five labels at most share the width of a phone
    let step = [5.0, 2.0, 1.0].map(|m| m * decade).into_iter().find(|step| span / step >= 2.0).unwrap_or(decade);
    let first = (from / step).ceil();
    (0..=5).map(|n| (first + f64::from(n)) * step).filter(|tick| *tick <= to).collect() // derived: between 2 and 5 steps fit
}

/// Steps of a clock that people count in, in seconds.
const CLOCK_STEPS: [u32; 18] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800];

/// A few round times from 0 to an end in seconds, each with its name: in seconds, minutes, hours or days, as the step is.
pub(in crate::report) fn time_ticks(end_s: f64) -> Vec<(f64, String)> {
    // derived: six labels at most share the width of a phone
    let step = CLOCK_STEPS.into_iter().find(|step| end_s / f64::from(*step) <= 5.5).unwrap_or(86_400 * 7);
    let (unit, name) = match step {
        86_400.. => (86_400.0, "d"),
        3600.. => (3600.0, "h"),
        60.. => (60.0, "min"),
        _ => (1.0, "s"),
    };
    let all = (0u32..).map(|n| f64::from(n) * f64::from(step)).take_while(|at| *at <= end_s);
    // A longer time than weeks is nobody's launch; the bound is for it.
    all.take(12).map(|at| (at, format!("{} {name}", at / unit))).collect()
}

/// A number with the decimals that tell it from its neighbours on an axis of this span.
pub(in crate::report) fn short(value: f64, span: f64) -> String {
    // derived: one digit below the leading one of a step; below a millionth nothing is told
    let decimals = place((1.0 - (span / 2.0).log10().floor()).max(0.0)).min(6);
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock has round times, in one unit.
    #[test]
    fn clocks_are_round() {
        let shown = |end| time_ticks(end).into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        assert_eq!(shown(7.0), ["0 s", "2 s", "4 s", "6 s"]);
        assert_eq!(shown(95.0), ["0 s", "30 s", "60 s", "90 s"]);
        assert_eq!(shown(7914.0), ["0 min", "30 min", "60 min", "90 min", "120 min"]);
        assert_eq!(shown(86_400.0), ["0 h", "8 h", "16 h", "24 h"]);
        for end in [0.5, 1.0, 59.0, 61.0, 3599.0, 40_000.0, 604_800.0, 1e9] {
            assert!((1..=12).contains(&time_ticks(end).len()), "{end} {:?}", time_ticks(end));
        }
    }

    /// Axes have round numbers, between two and five of them, whatever the span; numbers have no decimals that tell nothing.
    #[test]
    fn ticks_are_round() {
        let shown = |from, to| ticks(from, to).iter().map(|tick| short(*tick, to - from)).collect::<Vec<_>>();
        assert_eq!(shown(4.986, 5.0133), ["4.99", "5", "5.01"]);
        assert_eq!(shown(0.0, 27.0), ["0", "10", "20"]);
        assert_eq!(shown(0.0, 100.0), ["0", "50", "100"]);
        for (from, to) in [(0.0, 1.0), (0.1, 0.9), (3.0, 4000.0), (99.9, 100.1), (4.5, 27.0), (0.0, 49.9)] {
            let ticks = ticks(from, to);
            assert!((2..=6).contains(&ticks.len()), "{from} {to} {ticks:?}");
        }
    }
}
