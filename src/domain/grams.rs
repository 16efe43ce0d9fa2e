//! The U-centred Gram matrices of a batch, packed: what `cka` sums over.
//!
//! Knows neither networks nor devices.

use std::borrow::Cow;

use rayon::prelude::*;

use super::product::{Centre, Symmetric, cross_product, symmetric_product};

/// Fewer examples have no unbiased HSIC (`b - 3` divides).
pub const MIN_BATCH: usize = 4;

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
/// `b (b - 1) / 2` values of f32, times a power of two where their products would leave what
/// f32 holds. CKA does not depend on a layer's scale, its sums over batches do.
#[derive(Debug, Clone)]
pub struct PackedGrams {
    batch: usize,
    layers: usize,
    packed: Vec<f32>,
    /// By layer: the power of two that its values have to be multiplied with.
    exponents: Vec<i32>,
    set: Vec<bool>,
}

/// Values of up to two to this power, and down to its inverse, are packed as they are.
const ORDINARY: f64 = 40.0;

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
            exponents: vec![0; layers],
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
        packed.par_chunks_exact_mut(pairs).zip(&present).for_each(
            |(layer, present)| match present {
                true => u_centre_in_place(batch, layer),
                false => layer.fill(0.0),
            },
        );
        let exponents = vec![0; layers];
        Ok(PackedGrams { batch, layers, packed, exponents, set: vec![true; layers] })
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
        self.set_gram(layer, &symmetric_product(rows, self.batch, Centre::Pilot))
    }

    /// U-centres a Gram matrix that was computed elsewhere (features centred
    /// first, or precision suffers) and keeps it as that of `layer`.
    ///
    /// # Errors
    /// [`CkaError::Rows`] if its size is not the batch's, [`CkaError::Layers`] if
    /// there is no such layer.
    pub fn set_gram(&mut self, layer: usize, gram: &Symmetric) -> Result<(), CkaError> {
        self.exponents[layer] = u_centre_packed(gram, self.room(layer, gram)?);
        self.set[layer] = true;
        Ok(())
    }

    /// [`PackedGrams::set_gram`] for two layers at once.
    ///
    /// # Errors
    /// Those of [`PackedGrams::set_gram`].
    pub fn set_grams(
        &mut self,
        layers: [usize; 2],
        grams: &[Symmetric; 2],
    ) -> Result<(), CkaError> {
        let pairs = self.room(layers[0], &grams[0])?.len();
        self.room(layers[1], &grams[1])?;
        if layers[0] >= layers[1] {
            return layers.iter().zip(grams).try_for_each(|(l, gram)| self.set_gram(*l, gram));
        }
        let (front, back) = self.packed.split_at_mut(layers[1] * pairs);
        let (first, second) = rayon::join(
            || u_centre_packed(&grams[0], &mut front[layers[0] * pairs..][..pairs]),
            || u_centre_packed(&grams[1], &mut back[..pairs]),
        );
        self.exponents[layers[0]] = first;
        self.exponents[layers[1]] = second;
        layers.iter().for_each(|layer| self.set[*layer] = true);
        Ok(())
    }

    /// Where the Gram matrix of a layer goes.
    fn room(&mut self, layer: usize, gram: &Symmetric) -> Result<&mut [f32], CkaError> {
        if gram.n() != self.batch {
            return Err(CkaError::Rows { layer, len: gram.n(), batch: self.batch });
        }
        if layer >= self.layers {
            return Err(CkaError::Layers { expected: self.layers, found: layer + 1 });
        }
        let pairs = self.batch * (self.batch - 1) / 2;
        Ok(&mut self.packed[layer * pairs..(layer + 1) * pairs])
    }

    /// All values, layer by layer; infinite where they are beyond f32.
    pub(super) fn values(&self) -> Cow<'_, [f32]> {
        if self.exponents.iter().all(|e| *e == 0) {
            return Cow::Borrowed(&self.packed);
        }
        let pairs = self.batch * (self.batch - 1) / 2;
        let layers = self.packed.chunks_exact(pairs).zip(&self.exponents);
        let plain = layers.flat_map(|(layer, exponent)| {
            let factor = 2f64.powi(*exponent);
            layer.iter().map(move |v| (f64::from(*v) * factor) as f32)
        });
        Cow::Owned(plain.collect())
    }

    /// The products of every layer of `first` with every one of `second`, row by row.
    pub(super) fn cross_products(first: &PackedGrams, second: &PackedGrams) -> Vec<f64> {
        let (n, m) = (first.layers, second.layers);
        let mut products = cross_product(&first.packed, n, &second.packed, m);
        if first.is_scaled() || second.is_scaled() {
            for (at, value) in products.iter_mut().enumerate() {
                *value *= 2f64.powi(first.exponents[at / m] + second.exponents[at % m]);
            }
        }
        products
    }

    fn is_scaled(&self) -> bool {
        self.exponents.iter().any(|e| *e != 0)
    }

    /// True once every layer is set or marked absent.
    pub(super) fn is_complete(&self) -> bool {
        self.set.iter().all(|set| *set)
    }

    /// `<A_i, A_i>` of every layer.
    pub(super) fn self_products(&self) -> Vec<f64> {
        let pairs = self.batch * (self.batch - 1) / 2;
        let squares = |row: &[f32]| row.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>();
        let layers = self.packed.chunks_exact(pairs).zip(&self.exponents);
        layers.map(|(row, exponent)| squares(row) * 2f64.powi(2 * exponent)).collect()
    }

    /// `<A_i, A_j>` of every pair of layers, the lower triangle row by row.
    ///
    /// Sums run over the strict upper triangle, so they are half the full inner
    /// product; the factor cancels in CKA.
    pub(super) fn products(&self) -> Vec<f64> {
        let h = symmetric_product(&self.packed, self.layers, Centre::None);
        let mut products: Vec<f64> =
            (0..self.layers).flat_map(|i| h.lower_row(i).to_vec()).collect();
        if self.is_scaled() {
            let pairs = (0..self.layers).flat_map(|i| (0..=i).map(move |j| (i, j)));
            for (value, (i, j)) in products.iter_mut().zip(pairs) {
                *value *= 2f64.powi(self.exponents[i] + self.exponents[j]);
            }
        }
        products
    }
}

/// U-centring (Székely and Rizzo 2014; science notes §1.1): zero the diagonal,
/// subtract corrected row means from rows and columns, zero the diagonal again.
///
/// Writes the strict lower triangle row by row, which is the strict upper one by
/// columns: any order serves as long as it is the same for every layer.
///
/// Returns the power of two that the values have to be multiplied with.
fn u_centre_packed(gram: &Symmetric, out: &mut [f32]) -> i32 {
    let n = gram.n();
    let means = u_means(n, |i| gram.lower_row(i)[..i].iter().copied());
    let mut fill = |factor: f64| {
        let (mut at, mut largest) = (0, 0.0f64);
        for i in 0..n {
            for (j, v) in gram.lower_row(i)[..i].iter().enumerate() {
                let value = (v - means[i] - means[j]) * factor;
                largest = largest.max(value.abs());
                out[at] = value as f32;
                at += 1;
            }
        }
        largest
    };
    let largest = fill(1.0).log2();
    if !largest.is_finite() || largest.abs() < ORDINARY {
        return 0;
    }
    let exponent = largest.floor() as i32;
    fill(2f64.powi(-exponent));
    exponent
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

/// Adds element by element.
pub(super) fn add_to(sum: &mut [f64], more: &[f64]) {
    for (to, v) in sum.iter_mut().zip(more) {
        *to += v;
    }
}
