//! Whether two kinds of outcomes follow each other by chance, or come in runs.
//!
//! Wald, Wolfowitz: On a test whether two samples are from the same population, Annals of Mathematical Statistics 11, 1940. Refuses to say
//! anything of fewer outcomes than the normal law needs.

/// So many of each outcome, and more, follow the normal law closely enough.
const ENOUGH: f64 = 20.0; // source: Swed, Eisenhart: Tables for testing randomness of grouping, Annals of Mathematical Statistics 14, 1943, end there

/// How many standard deviations more runs there are than by chance, below 0: fewer, so that like follows like. `None` unless both outcomes
/// were seen more than 20 times.
pub fn score(outcomes: &[bool]) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)] // counts
    let count = |n: usize| n as f64;
    let yes = count(outcomes.iter().filter(|yes| **yes).count());
    let (all, no) = (count(outcomes.len()), count(outcomes.len()) - yes);
    if yes <= ENOUGH || no <= ENOUGH {
        return None;
    }
    let runs = 1.0 + count(outcomes.windows(2).filter(|pair| pair[0] != pair[1]).count());
    let mean = 2.0 * yes * no / all + 1.0;
    let variance = (mean - 1.0) * (mean - 2.0) / (all - 1.0);
    Some((runs - mean) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 25 and 25 outcomes in 2 runs have the mean 26 and the variance 25 * 24 / 49.
    #[test]
    fn two_halves_are_no_chance() {
        let halves: Vec<bool> = (0..50).map(|n| n < 25).collect();
        assert!((score(&halves).unwrap() - (2.0 - 26.0) / (600.0_f64 / 49.0).sqrt()).abs() < 1e-12);
    }

    /// What alternates has more runs than chance, and a few odd outcomes say nothing.
    #[test]
    fn turns_and_single_ones() {
        let turns: Vec<bool> = (0..50).map(|n| n % 2 == 0).collect();
        assert!(score(&turns).unwrap() > 0.0);
        let few: Vec<bool> = (0..300).map(|n| n < 20).collect();
        assert_eq!(score(&few), None);
    }
}
