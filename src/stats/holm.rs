//! Many questions at once: the chance that any of them is answered wrongly stays below one bound.

/// One of the questions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Test {
    /// Its p value alone, 0 to 1.
    pub p: f64,
    /// Its part of the chance of a false rejection, against that of the others; above 0.
    pub weight: f64,
}

/// Adjusted p values by the weighted step-down of Holm (A simple sequentially rejective multiple test procedure, Scandinavian Journal
/// of Statistics 1979, section 4), in the order of the arguments. With equal weights it is the procedure that is known
/// by his name.
///
/// Rejecting whatever is adjusted to at most `alpha` rejects any true hypothesis with a chance of at most `alpha`.
pub fn adjusted(tests: &[Test]) -> Vec<f64> {
    let mut left: f64 = tests.iter().map(|test| test.weight).sum();
    let mut highest = 0.0f64;
    let mut found = vec![1.0; tests.len()];
    for i in order(tests) {
        let Test { p, weight } = tests[i];
        highest = highest.max((p / weight * left).min(1.0));
        found[i] = highest;
        left -= weight;
    }
    found
}

/// The chance at which each is tested when all together are tested at `alpha`, in the order of the arguments: those whose p value is at
/// most that are the ones that [`adjusted`] rejects. An interval of the confidence 1 - level excludes nothing more and nothing less.
pub fn levels(tests: &[Test], alpha: f64) -> Vec<f64> {
    let mut left: f64 = tests.iter().map(|test| test.weight).sum();
    let mut found = vec![alpha; tests.len()];
    let mut rejected = true;
    for i in order(tests) {
        let Test { p, weight } = tests[i];
        found[i] = alpha * weight / left;
        // Step-down: after the first that stands, nothing is rejected, and nothing more is handed on.
        rejected = rejected && p <= found[i];
        if rejected {
            left -= weight;
        }
    }
    found
}

/// The most surprising first.
fn order(tests: &[Test]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.sort_by(|&a, &b| (tests[a].p / tests[a].weight).total_cmp(&(tests[b].p / tests[b].weight)));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
    }

    /// Equal weights give R's `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`.
    #[test]
    fn as_in_r() {
        close(&adjusted(&[0.01, 0.04, 0.03, 0.005].map(|p| Test { p, weight: 1.0 })), &[0.03, 0.06, 0.06, 0.02]);
    }

    /// A heavier hypothesis pays less.
    #[test]
    fn weights_count() {
        let test = |p, weight| Test { p, weight };
        close(&adjusted(&[test(0.01, 3.0), test(0.01, 1.0)]), &[0.04 / 3.0, 0.04 / 3.0]);
        close(&adjusted(&[test(0.01, 1.0), test(0.5, 3.0)]), &[0.04, 0.5]);
        assert!(adjusted(&[]).is_empty());
    }

    proptest! {
        /// What is tested at its own level is rejected exactly where its adjusted p value is small enough.
        #[test]
        fn levels_say_the_same(tests in prop::collection::vec((0.0..0.05f64, 1.0..20.0f64), 0..12), alpha in 0.01..0.1f64) {
            let tests: Vec<Test> = tests.into_iter().map(|(p, weight)| Test { p, weight }).collect();
            for ((test, level), p) in tests.iter().zip(levels(&tests, alpha)).zip(adjusted(&tests)) {
                prop_assert!((p - alpha).abs() < 1e-12 || (test.p <= level) == (p <= alpha), "{test:?} {level} {p}");
                prop_assert!(level > 0.0 && level <= alpha + 1e-12);
            }
        }
    }
}
