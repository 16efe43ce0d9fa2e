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

pub use super::grams::PackedGrams;
use super::grams::add_to;
use super::matrix::SimilarityMatrix;
use super::product::cross_product;

/// Fewer examples have no unbiased HSIC (`b - 3` divides).
pub const MIN_BATCH: usize = 4;

/// Batches kept apart for the jackknife; beyond it neighbours are merged, so
/// that memory stays bounded and the jackknife leaves out groups of batches.
const MAX_GROUPS: usize = 256;

/// What the estimator is, for records and exports.
pub const ESTIMATOR: &str =
    "minibatch unbiased linear CKA (U-centred HSIC_1, ratio of sums), jackknife standard errors";

/// Why a batch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CkaError {
    /// The unbiased estimator needs at least [`MIN_BATCH`] examples.
    #[error("a batch of {0} is too small: unbiased HSIC needs at least {MIN_BATCH} examples")]
    BatchTooSmall(usize),
    /// A batch with another number of layers than the ones before it.
    #[error("a batch of {found} layers does not fit an analysis of {expected}")]
    Layers {
        /// Layers of the analysis.
        expected: usize,
        /// Layers of the batch.
        found: usize,
    },
    /// Activations whose length is not a whole number of rows.
    #[error("layer {layer}: {len} values are not {batch} rows")]
    Rows {
        /// Index of the layer.
        layer: usize,
        /// Values given.
        len: usize,
        /// Rows expected.
        batch: usize,
    },
    /// A layer was never set, or no batch was added.
    #[error("nothing to estimate from: {0}")]
    Empty(&'static str),
}

/// The estimate and its uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct CkaEstimate {
    /// CKA; undefined where a layer's HSIC with itself is not positive.
    pub cka: SimilarityMatrix,
    /// Jackknife standard error; undefined with fewer than two batches.
    pub se: SimilarityMatrix,
    /// Batches that entered the sums.
    pub batches: usize,
}

/// Sums over batches for all pairs within one stack of layers (one model, or
/// several stacked).
#[derive(Debug, Clone)]
pub struct CkaAccumulator {
    layers: usize,
    batches: usize,
    per_group: usize,
    groups: Vec<Vec<f64>>,
}

impl CkaAccumulator {
    /// An empty sum over `layers` layers.
    pub fn new(layers: usize) -> CkaAccumulator {
        CkaAccumulator { layers, batches: 0, per_group: 1, groups: Vec::new() }
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
        let products = grams.products();
        let open = !self.batches.is_multiple_of(self.per_group);
        match self.groups.last_mut() {
            Some(last) if open => add_to(last, &products),
            _ => self.groups.push(products),
        }
        self.batches += 1;
        if self.groups.len() > MAX_GROUPS {
            self.merge_neighbours();
        }
        Ok(())
    }

    /// Batches added so far.
    pub fn batches(&self) -> usize {
        self.batches
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

    /// The ratio of sums and its jackknife standard error (delete one batch, or
    /// one group of neighbouring batches beyond 256).
    ///
    /// # Errors
    /// [`CkaError::Empty`] if no batch was added.
    pub fn finish(&self) -> Result<CkaEstimate, CkaError> {
        if self.groups.is_empty() {
            return Err(CkaError::Empty("no batch was added"));
        }
        let cells = self.layers * (self.layers + 1) / 2;
        let mut total = vec![0.0f64; cells];
        for group in &self.groups {
            add_to(&mut total, group);
        }
        let index = |i: usize, j: usize| i * (i + 1) / 2 + j;
        let mut cka = Array2::from_elem((self.layers, self.layers), f64::NAN);
        let mut se = cka.clone();
        for i in 0..self.layers {
            for j in 0..=i {
                let at = [index(i, j), index(i, i), index(j, j)];
                let whole = at.map(|k| total[k]);
                let Some(value) = ratio(whole) else { continue };
                let error = jackknife(
                    self.groups.iter().map(|g| ratio(std::array::from_fn(|k| whole[k] - g[at[k]]))),
                );
                for cell in [(i, j), (j, i)] {
                    cka[cell] = value;
                    se[cell] = error.unwrap_or(f64::NAN);
                }
            }
        }
        Ok(CkaEstimate {
            cka: SimilarityMatrix::new(cka),
            se: SimilarityMatrix::new(se),
            batches: self.batches,
        })
    }
}

/// Sums over batches for all pairs *between* two models that saw the same
/// images: the off-diagonal block of the stacked run, and nothing else.
#[derive(Debug, Clone)]
pub struct CrossAccumulator {
    shape: (usize, usize),
    groups: Vec<CrossGroup>,
}

#[derive(Debug, Clone)]
struct CrossGroup {
    between: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl CrossAccumulator {
    /// An empty sum over `first x second` pairs of layers.
    pub fn new(first: usize, second: usize) -> CrossAccumulator {
        CrossAccumulator { shape: (first, second), groups: Vec::new() }
    }

    /// Adds one batch that both models saw.
    ///
    /// # Errors
    /// [`CkaError`] if layers or batch sizes differ.
    pub fn add(&mut self, first: &PackedGrams, second: &PackedGrams) -> Result<(), CkaError> {
        let (n, m) = self.shape;
        for (grams, expected) in [(first, n), (second, m)] {
            if grams.layers() != expected {
                return Err(CkaError::Layers { expected, found: grams.layers() });
            }
        }
        if first.batch() != second.batch() {
            return Err(CkaError::Rows { layer: 0, len: second.batch(), batch: first.batch() });
        }
        self.groups.push(CrossGroup {
            between: cross_product(first.packed(), n, second.packed(), m),
            first: first.self_products(),
            second: second.self_products(),
        });
        Ok(())
    }

    /// The ratio of sums (rows: first model) and its jackknife standard error.
    ///
    /// # Errors
    /// [`CkaError::Empty`] if no batch was added.
    pub fn finish(&self) -> Result<CkaEstimate, CkaError> {
        if self.groups.is_empty() {
            return Err(CkaError::Empty("no batch was added"));
        }
        let (n, m) = self.shape;
        let mut cka = Array2::from_elem((n, m), f64::NAN);
        let mut se = cka.clone();
        for i in 0..n {
            for j in 0..m {
                let parts = |g: &CrossGroup| [g.between[i * m + j], g.first[i], g.second[j]];
                let mut whole = [0.0f64; 3];
                for group in &self.groups {
                    add_to(&mut whole, &parts(group));
                }
                let Some(value) = ratio(whole) else { continue };
                cka[(i, j)] = value;
                let left_out = self.groups.iter().map(|g| {
                    let part = parts(g);
                    ratio(std::array::from_fn(|k| whole[k] - part[k]))
                });
                se[(i, j)] = jackknife(left_out).unwrap_or(f64::NAN);
            }
        }
        Ok(CkaEstimate {
            cka: SimilarityMatrix::new(cka),
            se: SimilarityMatrix::new(se),
            batches: self.groups.len(),
        })
    }
}

/// `h_ij / sqrt(h_ii h_jj)`, or `None` if a layer has no positive HSIC with
/// itself. Negative values are kept as they are.
fn ratio([between, first, second]: [f64; 3]) -> Option<f64> {
    if first > 0.0 && second > 0.0 {
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
