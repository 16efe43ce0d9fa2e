//! Several cells of a map as one, and the scale that its values ask for. Pure
//! arithmetic; knows no screen.

use crate::domain::{Pooling, SimilarityMatrix};

/// The other way to pool.
pub(super) fn next(how: Pooling) -> Pooling {
    match how {
        Pooling::Mean => Pooling::Max,
        Pooling::Max => Pooling::Mean,
    }
}

/// Every `group x group` cells as one.
pub(super) fn pool(matrix: &SimilarityMatrix, group: usize, how: Pooling) -> SimilarityMatrix {
    let shape = (matrix.rows().div_ceil(group), matrix.cols().div_ceil(group));
    let value = |(i, j)| matrix.pooled(i, j, group, how).value.unwrap_or(f64::NAN);
    SimilarityMatrix::new(ndarray::Array2::from_shape_fn(shape, value))
}

/// First and 99th percentile of the defined cells, and whether some are not.
pub(super) fn spread(matrix: &SimilarityMatrix, fallback: (f64, f64)) -> ((f64, f64), bool) {
    let mut values: Vec<f64> = matrix.view().iter().copied().filter(|v| v.is_finite()).collect();
    let undefined = values.len() < matrix.rows() * matrix.cols();
    if values.is_empty() {
        return (fallback, undefined);
    }
    let low = values.len() / 100;
    let high = values.len() - 1 - low;
    let mut at = |i: usize| *values.select_nth_unstable_by(i, f64::total_cmp).1;
    let (low, high) = (at(low), at(high));
    // a constant map still needs a scale with two ends
    if high - low < 1e-9 {
        ((low - 0.5e-3, high + 0.5e-3), undefined)
    } else {
        ((low, high), undefined)
    }
}
