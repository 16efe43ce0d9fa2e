//! Several cells of a map as one, as a window shows them, and the scale that its values ask for. Pure
//! arithmetic; knows no screen.

use crate::domain::{PooledCell, Pooling, SimilarityMatrix};

use super::viewport::Viewport;

/// The other way to pool.
pub(super) fn next(how: Pooling) -> Pooling {
    match how {
        Pooling::Mean => Pooling::Max,
        Pooling::Max => Pooling::Mean,
    }
}

/// The units that a window shows, each of the layers that share it.
pub(super) fn pool(matrix: &SimilarityMatrix, window: &Viewport, how: Pooling) -> SimilarityMatrix {
    pool_by(matrix, window, how, |cell| cell.value)
}

/// The same with `value` of each unit.
pub(super) fn pool_by(
    matrix: &SimilarityMatrix,
    window: &Viewport,
    how: Pooling,
    value: impl Fn(PooledCell) -> Option<f64>,
) -> SimilarityMatrix {
    let unit = |(i, j)| {
        let cell = matrix.pooled_over(window.row_layers(i), window.col_layers(j), how);
        value(cell).unwrap_or(f64::NAN)
    };
    SimilarityMatrix::new(ndarray::Array2::from_shape_fn(window.units(), unit))
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
