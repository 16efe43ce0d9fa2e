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

use super::matrix::SimilarityMatrix;
use super::product::{Centre, Symmetric, cross_product, symmetric_product};

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

/// The U-centred Gram matrices of all layers over one batch, packed.
///
/// Row `l` holds the strict upper triangle of layer `l`'s matrix:
/// `b (b - 1) / 2` values of f32.
#[derive(Debug, Clone)]
pub struct PackedGrams {
    batch: usize,
    layers: usize,
    packed: Vec<f32>,
    set: Vec<bool>,
}

impl PackedGrams {
    /// Room for `layers` matrices over a batch of `batch` examples.
    ///
    /// # Errors
    /// [`CkaError::BatchTooSmall`] below [`MIN_BATCH`].
    pub fn new(layers: usize, batch: usize) -> Result<PackedGrams, CkaError> {
        if batch < MIN_BATCH {
            return Err(CkaError::BatchTooSmall(batch));
        }
        let pairs = batch * (batch - 1) / 2;
        Ok(PackedGrams {
            batch,
            layers,
            packed: vec![0.0; layers * pairs],
            set: vec![false; layers],
        })
    }

    /// Takes over Gram matrices in packed form (strict lower triangles row by
    /// row, one layer after the other) and U-centres them in place. Layers that
    /// are not `present` stay out of every pair.
    ///
    /// # Errors
    /// [`CkaError::BatchTooSmall`] below [`MIN_BATCH`], [`CkaError::Rows`] if the
    /// length is not that of `present.len()` matrices.
    pub fn from_grams(
        batch: usize,
        mut packed: Vec<f32>,
        present: Vec<bool>,
    ) -> Result<PackedGrams, CkaError> {
        if batch < MIN_BATCH {
            return Err(CkaError::BatchTooSmall(batch));
        }
        let (layers, pairs) = (present.len(), batch * (batch - 1) / 2);
        if packed.len() != layers * pairs {
            return Err(CkaError::Rows { layer: layers, len: packed.len(), batch });
        }
        for (layer, present) in packed.chunks_exact_mut(pairs).zip(&present) {
            match present {
                true => u_centre_in_place(batch, layer),
                false => layer.fill(0.0),
            }
        }
        Ok(PackedGrams { batch, layers, packed, set: vec![true; layers] })
    }

    /// Says that a layer is not there (its block is deleted): it is undefined in
    /// every pair.
    pub fn mark_absent(&mut self, layer: usize) {
        if let Some(set) = self.set.get_mut(layer) {
            *set = true;
            let pairs = self.batch * (self.batch - 1) / 2;
            self.packed[layer * pairs..(layer + 1) * pairs].fill(0.0);
        }
    }

    /// Examples of the batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers
    }

    /// Takes the Gram matrix of `rows` (`batch` x features, row-major, features
    /// in any order), U-centres it and keeps it as that of `layer`.
    ///
    /// # Errors
    /// [`CkaError::Rows`] if the length is not a multiple of the batch.
    pub fn set_rows(&mut self, layer: usize, rows: &[f32]) -> Result<(), CkaError> {
        if rows.is_empty() || !rows.len().is_multiple_of(self.batch) {
            return Err(CkaError::Rows { layer, len: rows.len(), batch: self.batch });
        }
        self.set_gram(layer, &symmetric_product(rows, self.batch, Centre::Columns))
    }

    /// U-centres a Gram matrix that was computed elsewhere (features centred
    /// first, or precision suffers) and keeps it as that of `layer`.
    ///
    /// # Errors
    /// [`CkaError::Rows`] if its size is not the batch's.
    pub fn set_gram(&mut self, layer: usize, gram: &Symmetric) -> Result<(), CkaError> {
        if gram.n() != self.batch {
            return Err(CkaError::Rows { layer, len: gram.n(), batch: self.batch });
        }
        if layer >= self.layers {
            return Err(CkaError::Layers { expected: self.layers, found: layer + 1 });
        }
        let pairs = self.batch * (self.batch - 1) / 2;
        u_centre_packed(gram, &mut self.packed[layer * pairs..(layer + 1) * pairs]);
        self.set[layer] = true;
        Ok(())
    }

    /// `<A_i, A_j>` of every pair of layers, the lower triangle row by row.
    ///
    /// Sums run over the strict upper triangle, so they are half the full inner
    /// product; the factor cancels in CKA.
    fn products(&self) -> Vec<f64> {
        let h = symmetric_product(&self.packed, self.layers, Centre::None);
        (0..self.layers).flat_map(|i| h.lower_row(i).to_vec()).collect()
    }
}

/// U-centring (Székely and Rizzo 2014; science notes §1.1): zero the diagonal,
/// subtract corrected row means from rows and columns, zero the diagonal again.
///
/// Writes the strict lower triangle row by row, which is the strict upper one by
/// columns: any order serves as long as it is the same for every layer.
fn u_centre_packed(gram: &Symmetric, out: &mut [f32]) {
    let n = gram.n();
    let means = u_means(n, |i| gram.lower_row(i)[..i].iter().copied());
    let mut at = 0;
    for i in 0..n {
        for (j, v) in gram.lower_row(i)[..i].iter().enumerate() {
            out[at] = (v - means[i] - means[j]) as f32;
            at += 1;
        }
    }
}

/// The same for a strict lower triangle that is packed already.
fn u_centre_in_place(n: usize, packed: &mut [f32]) {
    let row = |i: usize| i * i.saturating_sub(1) / 2..i * i.saturating_sub(1) / 2 + i;
    let means = u_means(n, |i| packed[row(i)].iter().map(|v| f64::from(*v)));
    for i in 0..n {
        for (v, mean) in packed[row(i)].iter_mut().zip(&means) {
            *v = (f64::from(*v) - means[i] - mean) as f32;
        }
    }
}

/// What U-centring subtracts: `m_i = sum_j K_ij / (n - 2) - sum / (2 (n - 1))`,
/// from the strict lower triangle's rows.
fn u_means<R: Iterator<Item = f64>>(n: usize, row: impl Fn(usize) -> R) -> Vec<f64> {
    let mut means = vec![0.0f64; n];
    for i in 0..n {
        for (j, v) in row(i).enumerate() {
            means[i] += v;
            means[j] += v;
        }
    }
    means.iter_mut().for_each(|m| *m /= n as f64 - 2.0);
    let correction = means.iter().sum::<f64>() / (2.0 * (n as f64 - 1.0));
    means.iter_mut().for_each(|m| *m -= correction);
    means
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
        if grams.layers != self.layers {
            return Err(CkaError::Layers { expected: self.layers, found: grams.layers });
        }
        if grams.set.iter().any(|set| !set) {
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
            if grams.layers != expected {
                return Err(CkaError::Layers { expected, found: grams.layers });
            }
        }
        if first.batch != second.batch {
            return Err(CkaError::Rows { layer: 0, len: second.batch, batch: first.batch });
        }
        self.groups.push(CrossGroup {
            between: cross_product(&first.packed, n, &second.packed, m),
            first: self_products(first),
            second: self_products(second),
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

fn self_products(grams: &PackedGrams) -> Vec<f64> {
    let pairs = grams.batch * (grams.batch - 1) / 2;
    grams
        .packed
        .chunks_exact(pairs)
        .map(|row| row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum())
        .collect()
}

fn add_to(sum: &mut [f64], more: &[f64]) {
    for (to, v) in sum.iter_mut().zip(more) {
        *to += v;
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
