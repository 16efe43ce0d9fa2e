//! A square or rectangular matrix of similarities with undefined cells, and the
//! whole-factor pooling that zooming out needs.

use std::ops::Range;

use ndarray::{Array2, ArrayView2};

/// Layer-by-layer similarities. A cell may be *undefined* (a layer without
/// variance has no CKA); undefined cells are stored as NaN, never take part in
/// arithmetic and have their own glyph on screen.
#[derive(Debug, Clone, PartialEq)]
pub struct SimilarityMatrix {
    values: Array2<f64>,
}

/// How several cells become one when the map is zoomed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Pooling {
    /// The mean of the defined cells.
    #[default]
    Mean,
    /// The largest defined cell.
    Max,
}

impl Pooling {
    /// The name shown on screen.
    pub fn name(self) -> &'static str {
        match self {
            Pooling::Mean => "mean",
            Pooling::Max => "max",
        }
    }
}

/// What a pooled cell holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PooledCell {
    /// The pooled value, or `None` if no cell was defined.
    pub value: Option<f64>,
    /// Smallest and largest defined cell below it.
    pub range: Option<(f64, f64)>,
    /// Number of undefined cells below it.
    pub undefined: usize,
}

impl SimilarityMatrix {
    /// Wraps values; any NaN or infinity means undefined.
    pub fn new(mut values: Array2<f64>) -> SimilarityMatrix {
        values.mapv_inplace(|v| if v.is_finite() { v } else { f64::NAN });
        SimilarityMatrix { values }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.nrows()
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.values.ncols()
    }

    /// The cell, or `None` if it is undefined or outside the matrix.
    pub fn get(&self, row: usize, col: usize) -> Option<f64> {
        self.values.get((row, col)).copied().filter(|v| v.is_finite())
    }

    /// The raw values; NaN marks undefined cells.
    pub fn view(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// Rows and columns exchanged.
    pub fn transposed(&self) -> SimilarityMatrix {
        SimilarityMatrix { values: self.values.t().as_standard_layout().into_owned() }
    }

    /// The sub-matrix of the given rows and columns (a view's layers).
    ///
    /// Indices outside the matrix give undefined cells.
    pub fn select(&self, rows: &[usize], cols: &[usize]) -> SimilarityMatrix {
        let values = Array2::from_shape_fn((rows.len(), cols.len()), |(i, j)| {
            self.get(rows[i], cols[j]).unwrap_or(f64::NAN)
        });
        SimilarityMatrix { values }
    }

    /// Mean absolute difference to a map of the same layers, over pairs of different
    /// layers (each pair once) that both define; `None` if there are none.
    pub fn mean_difference(&self, other: &SimilarityMatrix) -> Option<f64> {
        let pairs = (0..self.rows()).flat_map(|i| (i + 1..self.cols()).map(move |j| (i, j)));
        let apart = pairs.filter_map(|(i, j)| Some((self.get(i, j)? - other.get(i, j)?).abs()));
        let (sum, count) = apart.fold((0.0, 0usize), |(sum, n), v| (sum + v, n + 1));
        (count > 0).then(|| sum / count as f64)
    }

    /// Pools the `factor x factor` cells whose top left is `(row, col) * factor`.
    /// Cells beyond the edge are left out, so edges pool fewer cells.
    pub fn pooled(&self, row: usize, col: usize, factor: usize, how: Pooling) -> PooledCell {
        let factor = factor.max(1);
        let side = |at: usize| at * factor..(at + 1) * factor;
        self.pooled_over(side(row), side(col), how)
    }

    /// Pools the cells of some rows and columns; those beyond the edge are left out.
    pub fn pooled_over(&self, rows: Range<usize>, cols: Range<usize>, how: Pooling) -> PooledCell {
        let mut sum = 0.0;
        let mut count = 0usize;
        let mut undefined = 0usize;
        let mut range: Option<(f64, f64)> = None;
        for i in rows.start..rows.end.min(self.rows()) {
            for j in cols.start..cols.end.min(self.cols()) {
                let Some(v) = self.get(i, j) else {
                    undefined += 1;
                    continue;
                };
                sum += v;
                count += 1;
                let (lo, hi) = range.unwrap_or((v, v));
                range = Some((lo.min(v), hi.max(v)));
            }
        }
        let value = match (how, range) {
            (_, None) => None,
            (Pooling::Mean, Some(_)) => Some(sum / count as f64),
            (Pooling::Max, Some((_, hi))) => Some(hi),
        };
        PooledCell { value, range, undefined }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn undefined_cells_stay_out_of_pooling() {
        let m =
            SimilarityMatrix::new(array![[1.0, f64::NAN, 0.5], [0.0, 0.5, 1.0], [0.2, 0.1, 0.9]]);
        let cell = m.pooled(0, 0, 2, Pooling::Mean);
        assert_eq!(cell.value, Some(0.5));
        assert_eq!(cell.range, Some((0.0, 1.0)));
        assert_eq!(cell.undefined, 1);
        assert_eq!(m.pooled(1, 1, 2, Pooling::Max).value, Some(0.9));
        assert_eq!(m.pooled(5, 5, 2, Pooling::Mean).value, None);
        assert_eq!(m.get(0, 1), None);
        assert_eq!(m.get(9, 9), None);
    }

    #[test]
    fn a_mean_difference_is_over_pairs_that_both_define() {
        let nan = f64::NAN;
        let a = SimilarityMatrix::new(array![[1.0, 0.5, 0.25], [0.5, 1.0, nan], [0.25, nan, 1.0]]);
        let b = SimilarityMatrix::new(array![[0.0, 0.75, 0.0], [0.75, 1.0, 1.0], [0.0, 1.0, 1.0]]);
        assert_eq!(a.mean_difference(&b), Some(0.25));
        assert_eq!(a.mean_difference(&SimilarityMatrix::new(array![[1.0]])), None);
    }
}
