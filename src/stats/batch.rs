//! The variance of a mean whose terms may depend on their neighbours.
//!
//! Neighbouring calls share queues, caches and bad moments, so that n calls are worth fewer than n independent ones. Means over
//! stretches of the series keep that dependence inside the stretch.

use crate::num::count;

/// The variance of the mean as it would be if the terms were independent; 0 for fewer than two.
pub fn plain_variance(series: &[f64]) -> f64 {
    let n = length(series);
    if series.len() < 2 {
        return 0.0;
    }
    let mean = mean(series);
    sum_of(series, |x| (x - mean).powi(2)) / (n - 1.0) / n
}

/// The variance of the mean from overlapping batches of `batch` terms (Meketon, Schmeiser: Overlapping batch means, WSC 1984);
/// `None` unless the series holds two batches.
pub fn batched_variance(series: &[f64], batch: usize) -> Option<f64> {
    if batch == 0 || series.len() < 2 * batch {
        return None;
    }
    let (n, m) = (length(series), count(batch));
    let mean = mean(series);
    let mut sum: f64 = series[..batch].iter().map(|x| x - mean).sum();
    let mut squares = sum * sum;
    for (leaves, enters) in series.iter().zip(&series[batch..]) {
        sum += enters - leaves;
        squares += sum * sum;
    }
    Some(squares / m / ((n - m + 1.0) * (n - m)))
}

/// The mean; 0 of nothing.
pub fn mean(series: &[f64]) -> f64 {
    if series.is_empty() { 0.0 } else { sum_of(series, |x| x) / length(series) }
}

/// A sum in eight parts: an addition need not wait for the one before it.
fn sum_of(series: &[f64], term: impl Fn(f64) -> f64) -> f64 {
    // source: Fog, Instruction tables (Skylake): an addition takes four cycles and two begin in each, so that eight wait for nothing
    let mut parts = [0.0; 8];
    // derived: as many as there are parts
    let (eights, rest) = series.as_chunks::<8>();
    for eight in eights {
        for (part, x) in parts.iter_mut().zip(eight) {
            *part += term(*x);
        }
    }
    parts.iter().sum::<f64>() + rest.iter().map(|x| term(*x)).sum::<f64>()
}

/// The variance of the terms themselves; 0 for fewer than two.
pub fn sample_variance(series: &[f64]) -> f64 {
    plain_variance(series) * length(series)
}

fn length(series: &[f64]) -> f64 {
    count(series.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::draw::{Stream, normal};

    /// An autoregressive series of length `n` whose terms have variance 1.
    fn series(seed: u64, n: u64, phi: f64) -> Vec<f64> {
        let mut x = normal(seed, Stream::Latency, 0);
        (1..=n)
            .map(|i| {
                x = phi * x + (1.0 - phi * phi).sqrt() * normal(seed, Stream::Latency, i);
                x
            })
            .collect()
    }

    /// Over many series the estimate is the true variance of the mean, (1 + phi) / (1 - phi) / n; the plain one is not.
    #[test]
    fn sees_dependence() {
        for (phi, truth) in [(0.0, 1.0), (0.5, 3.0)] {
            let ratios: Vec<f64> =
                (0..200).map(|seed| batched_variance(&series(seed, 3200, phi), 100).unwrap() * 3200.0 / truth).collect();
            assert!((mean(&ratios) - 1.0).abs() < 0.05, "{phi}: {}", mean(&ratios));
            let plain: Vec<f64> = (0..200).map(|seed| plain_variance(&series(seed, 3200, phi)) * 3200.0).collect();
            assert!((mean(&plain) - 1.0).abs() < 0.05, "{phi}");
        }
    }

    /// What cannot be estimated is not; a constant series does not vary.
    #[test]
    fn edges() {
        assert_eq!(batched_variance(&[1.0; 9], 5), None);
        assert_eq!(batched_variance(&[1.0; 9], 0), None);
        assert_eq!(batched_variance(&[3.0; 100], 10), Some(0.0));
        assert!(plain_variance(&[]).abs() + plain_variance(&[1.0]).abs() < f64::EPSILON);
    }
}
