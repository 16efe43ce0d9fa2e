//! CKA between the layers of two models that saw the same images: the
//! off-diagonal block of the stacked run, and nothing else (the authors'
//! cross-model form; science notes §1.1). Knows neither networks nor devices.

use ndarray::Array2;

use super::cka::{CkaError, CkaEstimate, Groups, MAX_GROUPS};
use super::grams::PackedGrams;
use super::matrix::SimilarityMatrix;

/// What the estimator is, for records and exports.
pub const ESTIMATOR: &str = "minibatch unbiased linear CKA between two models over the same images \
(U-centred HSIC_1, ratio of sums), jackknife standard errors";

/// What the map without first components is, for records and exports.
pub const WITHOUT_PC1: &str = "the same with each layer's first principal component removed, batch by batch \
(Kc - l1 u1 u1' of the batch's centred Gram matrix)";

/// Sums over batches for all pairs of a layer of one model and a layer of
/// another. Memory stays bounded: at most [`MAX_GROUPS`] groups of batches are
/// kept apart.
#[derive(Debug, Clone)]
pub struct CrossAccumulator {
    shape: (usize, usize),
    /// Per group: the products of all pairs, row by row, then each layer of the
    /// first model with itself, then each of the second.
    sums: Groups,
}

impl CrossAccumulator {
    /// An empty sum over `first x second` pairs of layers.
    pub fn new(first: usize, second: usize) -> CrossAccumulator {
        CrossAccumulator::with_groups(first, second, MAX_GROUPS)
    }

    /// The same with at most `groups` groups of batches kept apart: with one, no
    /// standard errors.
    pub fn with_groups(first: usize, second: usize, groups: usize) -> CrossAccumulator {
        CrossAccumulator { shape: (first, second), sums: Groups::new(groups) }
    }

    /// Adds one batch that both models saw.
    ///
    /// # Errors
    /// [`CkaError`] if layers or batch sizes differ, or a layer was not set.
    pub fn add(&mut self, first: &PackedGrams, second: &PackedGrams) -> Result<(), CkaError> {
        let (n, m) = self.shape;
        for (grams, expected) in [(first, n), (second, m)] {
            if grams.layers() != expected {
                return Err(CkaError::Layers { expected, found: grams.layers() });
            }
            if !grams.is_complete() {
                return Err(CkaError::Empty("a layer of the batch was never captured"));
            }
        }
        if first.batch() != second.batch() {
            return Err(CkaError::Rows { layer: 0, len: second.batch(), batch: first.batch() });
        }
        let mut products = PackedGrams::cross_products(first, second);
        products.extend(first.self_products());
        products.extend(second.self_products());
        self.sums.add(products);
        Ok(())
    }

    /// Batches added so far.
    pub fn batches(&self) -> usize {
        self.sums.batches()
    }

    /// The ratio of sums (rows: first model) and its jackknife standard error
    /// (delete one batch, or one group of neighbouring batches beyond the most).
    ///
    /// # Errors
    /// [`CkaError::Empty`] if no batch was added.
    pub fn finish(&self) -> Result<CkaEstimate, CkaError> {
        let total = self.sums.total()?;
        let (n, m) = self.shape;
        let mut cka = Array2::from_elem((n, m), f64::NAN);
        let mut se = cka.clone();
        for i in 0..n {
            for j in 0..m {
                let at = [i * m + j, n * m + i, n * m + n + j];
                if let Some((value, error)) = self.sums.estimate(&total, at) {
                    cka[(i, j)] = value;
                    se[(i, j)] = error;
                }
            }
        }
        Ok(CkaEstimate {
            cka: SimilarityMatrix::new(cka),
            se: SimilarityMatrix::new(se),
            batches: self.sums.batches(),
            not_finite: (0..n).filter(|i| !total[n * m + i].is_finite()).collect(),
            cols_not_finite: (0..m).filter(|j| !total[n * m + n + j].is_finite()).collect(),
        })
    }
}
