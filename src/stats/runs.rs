//! Whether two kinds of outcomes follow each other by chance, or come in runs.
//!
//! Wald, Wolfowitz: On a test whether two samples are from the same population, Annals of Mathematical Statistics 11, 1940. Refuses to say
//! anything of fewer outcomes than the normal law needs: callers ask for enough.

/// How many standard deviations more runs there are than by chance, below 0: fewer, so that like follows like. `None` unless both outcomes
/// were seen at least twice.
pub fn score(outcomes: &[bool]) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)] // counts
    let count = |n: usize| n as f64;
    let yes = count(outcomes.iter().filter(|yes| **yes).count());
    let (all, no) = (count(outcomes.len()), count(outcomes.len()) - yes);
    if yes < 2.0 || no < 2.0 {
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

    /// By hand: 5 and 5 outcomes in 2 runs have the mean 6 and the variance 20/9.
    #[test]
    fn two_halves_are_no_chance() {
        let halves: Vec<bool> = (0..10).map(|n| n < 5).collect();
        assert!((score(&halves).unwrap() - (2.0 - 6.0) / (20.0_f64 / 9.0).sqrt()).abs() < 1e-12);
    }

    /// What alternates has more runs than chance, and one odd outcome says nothing.
    #[test]
    fn turns_and_single_ones() {
        assert!(score(&[true, false, true, false, true, false]).unwrap() > 0.0);
        assert_eq!(score(&[true, true, false]), None);
    }
}
