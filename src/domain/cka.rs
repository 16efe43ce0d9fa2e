//! Minibatch unbiased linear CKA between all pairs of layers.
//!
//! Nguyen, Raghu, Kornblith (ICLR 2021), equations 2 and 3, in the U-centred
//! form of Székely and Rizzo that the authors' code runs: per batch each layer's
//! Gram matrix is U-centred, `H_ij += <A_i, A_j>`, and the ratio
//! `H_ij / sqrt(H_ii H_jj)` is taken once at the end. The factor `1 / (b (b - 3))`
//! is left out, so batches weigh by their number of pairs of examples.
//!
//! Streams: a batch's Gram matrices come in packed (strict upper triangle), its
//! products are added, and nothing of it is kept but one number per pair of
//! layers, from which the jackknife takes standard errors. Knows neither
//! networks nor devices.

use ndarray::Array2;

pub use super::cross::CrossAccumulator;
use super::grams::add_to;
pub use super::grams::{CkaError, MIN_BATCH, PackedGrams};
use super::matrix::SimilarityMatrix;

/// Batches kept apart for the jackknife unless told otherwise; beyond it
/// neighbours are merged, so that memory stays bounded and the jackknife leaves
/// out groups of batches.
pub const MAX_GROUPS: usize = 256;

/// What the estimator is, for records and exports.
pub const ESTIMATOR: &str =
    "minibatch unbiased linear CKA (U-centred HSIC_1, ratio of sums), jackknife standard errors";

/// The estimate and its uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct CkaEstimate {
    /// CKA; undefined where a layer's HSIC with itself is not positive.
    pub cka: SimilarityMatrix,
    /// Jackknife standard error; undefined with fewer than two batches.
    pub se: SimilarityMatrix,
    /// Batches that entered the sums.
    pub batches: usize,
    /// Layers (of the rows) whose sums are not finite numbers.
    pub not_finite: Vec<usize>,
    /// The same of the columns, where they are another model's.
    pub cols_not_finite: Vec<usize>,
}

/// Sums over batches for all pairs within one stack of layers (one model, or
/// several stacked).
#[derive(Debug, Clone)]
pub struct CkaAccumulator {
    layers: usize,
    sums: Groups,
}

/// Sums of products, kept apart for the jackknife: one group per batch, and
/// never more than `most` groups.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    most: usize,
    batches: usize,
    per_group: usize,
    groups: Vec<Vec<f64>>,
}

impl Groups {
    pub(super) fn new(most: usize) -> Groups {
        Groups { most: most.max(1), batches: 0, per_group: 1, groups: Vec::new() }
    }

    /// Batches added.
    pub(super) fn batches(&self) -> usize {
        self.batches
    }

    /// Adds the products of one batch.
    pub(super) fn add(&mut self, products: Vec<f64>) {
        let open = !self.batches.is_multiple_of(self.per_group);
        match self.groups.last_mut() {
            Some(last) if open => add_to(last, &products),
            _ => self.groups.push(products),
        }
        self.batches += 1;
        if self.groups.len() > self.most {
            self.merge_neighbours();
        }
    }

    fn merge_neighbours(&mut self) {
        // An odd group out stays open, so that it fills up to the new size.
        let mut merged: Vec<Vec<f64>> = Vec::with_capacity(self.groups.len().div_ceil(2));
        for (at, group) in std::mem::take(&mut self.groups).into_iter().enumerate() {
            match merged.last_mut() {
                Some(last) if at % 2 == 1 => add_to(last, &group),
                _ => merged.push(group),
            }
        }
        self.groups = merged;
        self.per_group *= 2;
    }

    /// The sum of all groups.
    ///
    /// # Errors
    /// [`CkaError::Empty`] if no batch was added.
    pub(super) fn total(&self) -> Result<Vec<f64>, CkaError> {
        let mut groups = self.groups.iter();
        let first = groups.next().ok_or(CkaError::Empty("no batch was added"))?;
        let mut total = first.clone();
        groups.for_each(|group| add_to(&mut total, group));
        Ok(total)
    }

    /// The ratio of the sums at three places (the product of two layers, and of
    /// each with itself) and its standard error. `None` if it is undefined; the
    /// error is NaN with fewer than two groups.
    pub(super) fn estimate(&self, total: &[f64], at: [usize; 3]) -> Option<(f64, f64)> {
        let whole = at.map(|k| total[k]);
        let value = ratio(whole)?;
        let left_out =
            self.groups.iter().map(|g| ratio(std::array::from_fn(|k| whole[k] - g[at[k]])));
        Some((value, jackknife(left_out).unwrap_or(f64::NAN)))
    }
}

impl CkaAccumulator {
    /// An empty sum over `layers` layers.
    pub fn new(layers: usize) -> CkaAccumulator {
        CkaAccumulator::with_groups(layers, MAX_GROUPS)
    }

    /// The same with at most `groups` groups of batches kept apart: with one, no
    /// standard errors.
    pub fn with_groups(layers: usize, groups: usize) -> CkaAccumulator {
        CkaAccumulator { layers, sums: Groups::new(groups) }
    }

    /// Adds one batch.
    ///
    /// # Errors
    /// [`CkaError`] if the number of layers differs or a layer was not set.
    pub fn add(&mut self, grams: &PackedGrams) -> Result<(), CkaError> {
        if grams.layers() != self.layers {
            return Err(CkaError::Layers { expected: self.layers, found: grams.layers() });
        }
        if !grams.is_complete() {
            return Err(CkaError::Empty("a layer of the batch was never captured"));
        }
        self.sums.add(grams.products());
        Ok(())
    }

    /// Batches added so far.
    pub fn batches(&self) -> usize {
        self.sums.batches()
    }

    /// The ratio of sums and its jackknife standard error (delete one batch, or
    /// one group of neighbouring batches beyond [`MAX_GROUPS`]).
    ///
    /// # Errors
    /// [`CkaError::Empty`] if no batch was added.
    pub fn finish(&self) -> Result<CkaEstimate, CkaError> {
        let total = self.sums.total()?;
        let index = |i: usize, j: usize| i * (i + 1) / 2 + j;
        let mut cka = Array2::from_elem((self.layers, self.layers), f64::NAN);
        let mut se = cka.clone();
        for i in 0..self.layers {
            for j in 0..=i {
                let at = [index(i, j), index(i, i), index(j, j)];
                let Some((value, error)) = self.sums.estimate(&total, at) else { continue };
                for cell in [(i, j), (j, i)] {
                    cka[cell] = value;
                    se[cell] = error;
                }
            }
        }
        Ok(CkaEstimate {
            cka: SimilarityMatrix::new(cka),
            se: SimilarityMatrix::new(se),
            batches: self.sums.batches(),
            not_finite: (0..self.layers).filter(|i| !total[index(*i, *i)].is_finite()).collect(),
            cols_not_finite: Vec::new(),
        })
    }
}

/// `h_ij / sqrt(h_ii h_jj)`, or `None` if a layer has no positive HSIC with
/// itself. Negative values are kept as they are.
fn ratio([between, first, second]: [f64; 3]) -> Option<f64> {
    // an infinite one would make 0 of every pair
    if first > 0.0 && second > 0.0 && first.is_finite() && second.is_finite() {
        let value = between / (first.sqrt() * second.sqrt());
        value.is_finite().then_some(value)
    } else {
        None
    }
}

/// Jackknife standard error from the leave-one-out estimates:
/// `sqrt((g - 1) / g sum (t - mean)^2)`. `None` with fewer than two, or if one
/// of them is undefined.
fn jackknife(left_out: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = left_out.collect::<Option<_>>()?;
    let g = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / g;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    Some(((g - 1.0) / g * squares).sqrt())
}
