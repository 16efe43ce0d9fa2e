//! Estimates the first-component suite of `components` from one centred Gram
//! matrix a layer (Nguyen et al., ICLR 2021, section 4.2; science notes §1.4).
//!
//! With features centred, the eigenvectors of the Gram matrix `Kc` are the
//! principal components' scores over examples and its eigenvalues their
//! variances, so neither activations nor loadings are kept. The published code's
//! shares are about the mean over *features* (notes, trap 1); these are the
//! standard `λ_i / tr Kc`. Knows neither networks nor devices.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::matrix_free::eigen::{
    PartialEigenParams, partial_self_adjoint_eigen, partial_self_adjoint_eigen_scratch,
};
use faer::{Col, Mat, MatRef, Par, Side};
use ndarray::Array2;
use rayon::prelude::*;

use super::cka::{CkaAccumulator, MIN_BATCH, PackedGrams};
use super::components::leading;
use super::matrix::SimilarityMatrix;
use super::product::Symmetric;

/// Fewer examples have no component worth the name, and none could be left out.
pub const MIN_EXAMPLES: usize = 16;

/// What the estimators are, for records and exports.
pub const ESTIMATOR: &str = "principal components of the centred Gram matrix (share of variance: \
eigenvalue over trace); similarity (u1.v1)^2; CKA without them: unbiased linear CKA, all examples in one batch";

/// Up to this size all eigenvalues are computed: a partial solver gains nothing.
const DENSE: usize = 96;
/// Residual of an eigenpair, as a share of the trace, at which it is accepted.
const TOLERANCE: f64 = 1e-10;

/// Share of variance below which a layer without its first component is only
/// rounding.
const NOTHING: f64 = 1e-6;

/// Why a Gram matrix is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PcaError {
    /// Too few examples.
    #[error(
        "{0} examples are too few for principal components: at least {MIN_EXAMPLES} are needed"
    )]
    TooFew(usize),
    /// A matrix of another size, or of a layer that is not there.
    #[error(
        "a Gram matrix of {found} examples for layer {layer} does not fit {n} examples of {layers} layers"
    )]
    Shape {
        /// Index of the layer.
        layer: usize,
        /// Examples of the matrix.
        found: usize,
        /// Examples expected.
        n: usize,
        /// Layers expected.
        layers: usize,
    },
}

/// Collects the centred Gram matrices of all layers. Keeps `4 n (n - 1) / 2`
/// bytes a layer: 2 MiB for 1,024 examples.
#[derive(Debug, Clone)]
pub struct ComponentSums {
    n: usize,
    components: usize,
    dominant: usize,
    diagonals: Vec<Option<Vec<f64>>>,
    packed: Vec<f32>,
}

/// What the Gram matrices say. Rows of `shares` and `scores` are layers; those
/// of layers that were never set or have no variance are NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// `λ_i / tr Kc`, `layers x k`.
    pub shares: Array2<f64>,
    /// `sqrt(λ1) u1`, `layers x n`, the entry of largest size positive.
    pub scores: Array2<f32>,
    /// `(u1 . v1)²`.
    pub similarity: SimilarityMatrix,
    /// CKA with each layer's first component removed.
    pub cka_without_pc1: SimilarityMatrix,
    /// CKA over the examples that are not dominant.
    pub cka_without_dominant: SimilarityMatrix,
}

/// Leading eigenpairs of one layer.
struct Leading {
    trace: f64,
    values: Vec<f64>,
    /// The first eigenvector, its entry of largest size positive.
    first: Vec<f64>,
}

impl ComponentSums {
    /// Room for `layers` matrices over `n` examples; `components` shares are
    /// kept, and `dominant_share` of the examples (rounded up, and so many that
    /// four are left at most) is left out for
    /// [`Suite::cka_without_dominant`].
    ///
    /// # Errors
    /// [`PcaError::TooFew`] below [`MIN_EXAMPLES`].
    pub fn new(
        layers: usize,
        n: usize,
        components: usize,
        dominant_share: f64,
    ) -> Result<ComponentSums, PcaError> {
        if n < MIN_EXAMPLES {
            return Err(PcaError::TooFew(n));
        }
        let dominant = (dominant_share.clamp(0.0, 1.0) * n as f64).ceil() as usize;
        Ok(ComponentSums {
            n,
            components: components.clamp(1, n - 1),
            dominant: dominant.min(n - MIN_BATCH),
            diagonals: vec![None; layers],
            packed: vec![0.0; layers * n * (n - 1) / 2],
        })
    }

    /// Takes the Gram matrix of a layer's centred features.
    ///
    /// # Errors
    /// [`PcaError::Shape`] if it does not fit.
    pub fn set_gram(&mut self, layer: usize, gram: &Symmetric) -> Result<(), PcaError> {
        let (n, layers) = (self.n, self.diagonals.len());
        if layer >= layers || gram.n() != n {
            return Err(PcaError::Shape { layer, found: gram.n(), n, layers });
        }
        let pairs = n * (n - 1) / 2;
        let mut to = self.packed[layer * pairs..(layer + 1) * pairs].iter_mut();
        for i in 0..n {
            // in this order: a zip asks its first side first
            for (v, to) in gram.lower_row(i)[..i].iter().zip(to.by_ref()) {
                *to = *v as f32;
            }
        }
        self.diagonals[layer] = Some((0..n).map(|i| gram.get(i, i)).collect());
        Ok(())
    }

    /// The U-centred Gram matrices of the features without each layer's first
    /// component, `Kc - λ1 u1 u1ᵀ`: those of `Xc - Xc v1 v1ᵀ`. Layers that have
    /// nothing left (less than a millionth of their variance) are absent.
    ///
    /// # Errors
    /// [`super::cka::CkaError`] if there are fewer examples than unbiased HSIC
    /// needs, which [`MIN_EXAMPLES`] rules out.
    pub fn without_first(mut self) -> Result<PackedGrams, super::cka::CkaError> {
        let pairs = self.n * (self.n - 1) / 2;
        let present: Vec<bool> = self
            .packed
            .par_chunks_exact_mut(pairs)
            .zip(&self.diagonals)
            .map(|(packed, diagonal)| {
                let found = diagonal.as_ref().and_then(|d| solve(packed, d, 1));
                let Some(found) = found else { return false };
                let first = found.values.first().copied().unwrap_or(0.0);
                deflate(packed, &found);
                first < (1.0 - NOTHING) * found.trace
            })
            .collect();
        PackedGrams::from_grams(self.n, self.packed, present)
    }

    /// Solves for the leading components (layers share the threads) and compares
    /// all pairs of layers.
    pub fn finish(mut self) -> Suite {
        let (n, layers) = (self.n, self.diagonals.len());
        let pairs = n * (n - 1) / 2;
        let found: Vec<Option<Leading>> = self
            .packed
            .par_chunks_exact(pairs)
            .zip(&self.diagonals)
            .map(|(packed, diagonal)| solve(packed, diagonal.as_ref()?, self.components))
            .collect();
        let mut shares = Array2::from_elem((layers, self.components), f64::NAN);
        let mut scores = Array2::from_elem((layers, n), f32::NAN);
        for (l, found) in found.iter().enumerate() {
            let Some(found) = found else { continue };
            for (share, value) in shares.row_mut(l).iter_mut().zip(&found.values) {
                *share = (value / found.trace).max(0.0);
            }
            let scale = found.values.first().map_or(0.0, |v| v.max(0.0).sqrt());
            for (score, u) in scores.row_mut(l).iter_mut().zip(&found.first) {
                *score = (scale * u) as f32;
            }
        }
        let left_out = leading(&shares, &scores, self.dominant);
        let cka_without_dominant = self.without_examples(&found, &left_out);
        let similarity = similarity(&found);
        for ((packed, diagonal), found) in
            self.packed.chunks_exact_mut(pairs).zip(&mut self.diagonals).zip(&found)
        {
            match found {
                Some(found) => deflate(packed, found),
                None => *diagonal = None,
            }
        }
        let present: Vec<bool> = found.iter().map(Option::is_some).collect();
        let cka_without_pc1 = cka(PackedGrams::from_grams(n, self.packed, present), layers);
        Suite { shares, scores, similarity, cka_without_pc1, cka_without_dominant }
    }

    /// CKA over the examples that are not in `left_out`.
    fn without_examples(&self, found: &[Option<Leading>], left_out: &[usize]) -> SimilarityMatrix {
        let n = self.n;
        let kept: Vec<usize> = (0..n).filter(|i| !left_out.contains(i)).collect();
        let (m, pairs) = (kept.len(), n * (n - 1) / 2);
        let mut packed = Vec::with_capacity(found.len() * m * (m - 1) / 2);
        for layer in self.packed.chunks_exact(pairs) {
            for (at, i) in kept.iter().enumerate() {
                let row = &layer[i * i.saturating_sub(1) / 2..];
                packed.extend(kept[..at].iter().map(|j| row[*j]));
            }
        }
        let present = found.iter().map(Option::is_some).collect();
        cka(PackedGrams::from_grams(m, packed, present), found.len())
    }
}

/// Unbiased CKA of all pairs over one batch; undefined everywhere if the batch
/// is refused, which its size rules out.
fn cka(grams: Result<PackedGrams, super::cka::CkaError>, layers: usize) -> SimilarityMatrix {
    let mut sums = CkaAccumulator::new(layers);
    let estimate = grams.and_then(|grams| sums.add(&grams)).and_then(|()| sums.finish());
    estimate.map_or_else(
        |_| SimilarityMatrix::new(Array2::from_elem((layers, layers), f64::NAN)),
        |estimate| estimate.cka,
    )
}

/// Removes the first component: `Kc - λ1 u1 u1ᵀ`, off the diagonal.
fn deflate(packed: &mut [f32], found: &Leading) {
    let value = found.values.first().copied().unwrap_or(0.0);
    let mut to = packed.iter_mut();
    for (i, u) in found.first.iter().enumerate() {
        for (v, to) in found.first[..i].iter().zip(to.by_ref()) {
            *to = (f64::from(*to) - value * u * v) as f32;
        }
    }
}

/// `(u1 . v1)²` of all pairs.
fn similarity(found: &[Option<Leading>]) -> SimilarityMatrix {
    let layers = found.len();
    SimilarityMatrix::new(Array2::from_shape_fn((layers, layers), |(i, j)| {
        match (&found[i], &found[j]) {
            (Some(_), Some(_)) if i == j => 1.0,
            (Some(a), Some(b)) => {
                let dot: f64 = a.first.iter().zip(&b.first).map(|(a, b)| a * b).sum();
                dot * dot
            }
            _ => f64::NAN,
        }
    }))
}

/// The `k` largest eigenvalues and the first eigenvector of a Gram matrix, or
/// `None` if it has no variance.
fn solve(packed: &[f32], diagonal: &[f64], k: usize) -> Option<Leading> {
    let n = diagonal.len();
    let trace: f64 = diagonal.iter().sum();
    if !(trace > 0.0 && trace.is_finite()) {
        return None;
    }
    // of trace one, so that tolerances mean the same for every layer
    let mut full = Mat::<f64>::zeros(n, n);
    let mut from = packed.iter();
    for i in 0..n {
        full[(i, i)] = diagonal[i] / trace;
        for (j, v) in from.by_ref().take(i).enumerate() {
            let v = f64::from(*v) / trace;
            full[(i, j)] = v;
            full[(j, i)] = v;
        }
        // The library's iteration does not end where a product vanishes exactly,
        // as with a Gram matrix of low rank; far below the precision of f32.
        full[(i, i)] += 1e-12 * (i + 1) as f64 / n as f64;
    }
    let (mut values, mut first) = match partial(full.as_ref(), k) {
        Some(found) => found,
        None => dense(full.as_ref(), k)?,
    };
    values.iter_mut().for_each(|v| *v *= trace);
    let largest = first.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    if largest < 0.0 {
        first.iter_mut().for_each(|v| *v = -*v);
    }
    Some(Leading { trace, values, first })
}

/// Krylov-Schur iteration of the library; `None` if it is no use at this size or
/// did not converge.
fn partial(gram: MatRef<'_, f64>, k: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = gram.nrows();
    if n <= DENSE || 4 * k > n {
        return None;
    }
    let params =
        PartialEigenParams { min_dim: 20, max_dim: 40, max_restarts: 60, ..Default::default() };
    let mut vectors = Mat::<f64>::zeros(n, k);
    let mut values = vec![0.0f64; k];
    // A fixed start that is orthogonal to nothing in particular.
    let start = Col::<f64>::from_fn(n, |i| 1.0 + ((i * 7919 + 13) % 1009) as f64 / 1009.0);
    let scratch = partial_self_adjoint_eigen_scratch(&gram, k, Par::Seq, params);
    let mut memory = MemBuffer::try_new(scratch).ok()?;
    let info = partial_self_adjoint_eigen(
        vectors.as_mut(),
        &mut values,
        &gram,
        start.as_ref(),
        TOLERANCE,
        Par::Seq,
        MemStack::new(&mut memory),
        params,
    );
    if info.n_converged_eigen < k {
        return None;
    }
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|a, b| values[*b].total_cmp(&values[*a]));
    let first = vectors.col(order[0]).iter().copied().collect();
    Some((order.iter().map(|i| values[*i]).collect(), first))
}

/// All eigenvalues, for small matrices and where the iteration fails.
fn dense(gram: MatRef<'_, f64>, k: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let n = gram.nrows();
    let eigen = gram.self_adjoint_eigen(Side::Lower).ok()?;
    let values = (0..k.min(n)).map(|i| eigen.S()[n - 1 - i]).collect();
    Some((values, eigen.U().col(n - 1).iter().copied().collect()))
}

#[cfg(test)]
#[path = "pca_tests.rs"]
mod tests;
