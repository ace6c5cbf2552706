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
