//! Quantiles of a sample, and the correlation of ranks.

use crate::num::{float, place};

/// The quantile `share` of a sorted sample, by the line between its neighbours (Hyndman, Fan 1996, type 7); 0 of none.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share.clamp(0.0, 1.0) * float(last as u64);
    let below = place(at);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}

/// Spearman's correlation of two samples of one length: that of their ranks, ties by their mean rank. 0 where one does not vary.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let n = float(a.len() as u64);
    // derived: ranks from 1 to n have the mean (n + 1) / 2
    let mean = f64::midpoint(n, 1.0);
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

fn ranks(sample: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..sample.len()).collect();
    order.sort_by(|a, b| sample[*a].total_cmp(&sample[*b]));
    let mut ranks = vec![0.0; sample.len()];
    let mut from = 0;
    while from < order.len() {
        let tied = order[from..].iter().take_while(|i| sample[**i].total_cmp(&sample[order[from]]).is_eq()).count();
        // derived: the mean of the ranks from + 1 to from + tied
        let rank = float((2 * from + tied + 1) as u64) / 2.0;
        order[from..from + tied].iter().for_each(|i| ranks[*i] = rank);
        from += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of a few numbers, and ranks with and against each other.
    #[test]
    fn by_hand() {
        assert!((quantile(&[1.0, 2.0, 4.0], 0.75) - 3.0).abs() < 1e-12 && quantile(&[], 0.5) <= 0.0);
        assert!((spearman(&[1.0, 2.0, 3.0], &[10.0, 100.0, 1e6]) - 1.0).abs() < 1e-12);
        assert!((spearman(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]) + 1.0).abs() < 1e-12);
        assert!(spearman(&[1.0, 1.0, 1.0], &[3.0, 2.0, 1.0]).abs() < 1e-12);
        // By hand: ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4.
        assert!((spearman(&[1.0, 5.0, 5.0, 9.0], &[1.0, 3.0, 2.0, 4.0]) - 4.5 / (4.5f64 * 5.0).sqrt()).abs() < 1e-12);
    }
}
