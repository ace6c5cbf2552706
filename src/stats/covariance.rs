//! Weighted covariance of some rows, and the volume of its ellipsoid.
//!
//! Refuses rows of different lengths by reading no further than the first one's: callers make them alike.

/// The weighted covariance of rows of one length: a square matrix, row by row; empty without rows.
pub fn weighted(rows: &[Vec<f64>], weights: &[f64]) -> Vec<Vec<f64>> {
    let d = rows.first().map_or(0, Vec::len);
    let total: f64 = weights.iter().sum();
    let mean = |i: usize| rows.iter().zip(weights).map(|(row, w)| row[i] * w).sum::<f64>() / total;
    let mean: Vec<f64> = (0..d).map(mean).collect();
    let mut matrix = vec![vec![0.0; d]; d];
    for (row, w) in rows.iter().zip(weights) {
        for i in 0..d {
            for j in 0..d {
                matrix[i][j] += w / total * (row[i] - mean[i]) * (row[j] - mean[j]);
            }
        }
    }
    matrix
}

/// Half of the logarithm of the determinant of a covariance, by its Cholesky factor; what rounding made negative counts as almost nothing.
pub fn half_log_det(mut matrix: Vec<Vec<f64>>) -> f64 {
    let mut sum = 0.0;
    for i in 0..matrix.len() {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let left = matrix[i][j] - dot;
            if i == j {
                let root = left.max(1e-16).sqrt(); // derived: what rounding leaves of a zero
                matrix[i][i] = root;
                sum += root.ln();
            } else {
                matrix[i][j] = left / matrix[j][j];
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a known matrix: det [[4, 2], [2, 3]] = 8.
    #[test]
    fn the_determinant_is_right() {
        assert!((half_log_det(vec![vec![4.0, 2.0], vec![2.0, 3.0]]) - 0.5 * 8.0_f64.ln()).abs() < 1e-12);
    }

    /// Weights count rows: (0, 0) once and (2, 4) three times have the variances 0.75 and 3.
    #[test]
    fn weights_count_rows() {
        let found = weighted(&[vec![0.0, 0.0], vec![2.0, 4.0]], &[1.0, 3.0]);
        assert_eq!(found, [[0.75, 1.5], [1.5, 3.0]]);
    }
}
