//! Many questions at once: the chance that any of them is answered wrongly stays below one bound.

/// Adjusted p values by the weighted step-down of Holm (A simple sequentially rejective multiple test procedure, Scandinavian Journal
/// of Statistics 1979, section 4), in the order of the arguments: `(p, weight)`, weights above 0. With equal weights it is the
/// procedure that is known by his name.
///
/// Rejecting whatever is adjusted to at most `alpha` rejects any true hypothesis with a chance of at most `alpha`.
pub fn adjusted(tests: &[(f64, f64)]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.sort_by(|&a, &b| (tests[a].0 / tests[a].1).total_cmp(&(tests[b].0 / tests[b].1)));
    let mut left: f64 = tests.iter().map(|(_, weight)| weight).sum();
    let mut highest = 0.0f64;
    let mut found = vec![1.0; tests.len()];
    for i in order {
        let (p, weight) = tests[i];
        highest = highest.max((p / weight * left).min(1.0));
        found[i] = highest;
        left -= weight;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}");
    }

    /// Equal weights give R's `p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`.
    #[test]
    fn as_in_r() {
        let tests: Vec<(f64, f64)> = [0.01, 0.04, 0.03, 0.005].map(|p| (p, 1.0)).to_vec();
        close(&adjusted(&tests), &[0.03, 0.06, 0.06, 0.02]);
    }

    /// A heavier hypothesis pays less.
    #[test]
    fn weights_count() {
        close(&adjusted(&[(0.01, 3.0), (0.01, 1.0)]), &[0.04 / 3.0, 0.04 / 3.0]);
        close(&adjusted(&[(0.01, 1.0), (0.5, 3.0)]), &[0.04, 0.5]);
        assert!(adjusted(&[]).is_empty());
    }
}
