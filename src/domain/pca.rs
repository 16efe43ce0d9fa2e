//! Estimates the first-component suite of `components` from one centred Gram
//! matrix a layer (Nguyen et al., ICLR 2021, section 4.2; science notes §1.4).
//!
//! With features centred, the eigenvectors of the Gram matrix `Kc` are the
//! principal components' scores over examples and its eigenvalues their
//! variances, so neither activations nor loadings are kept. The published code's
//! shares are about the mean over *features* (notes, trap 1); these are the
//! standard `λ_i / tr Kc`. Knows neither networks nor devices.

use rayon::prelude::*;

use super::cka::PackedGrams;
use super::eigen::leading_packed;
use super::product::Symmetric;

/// Fewer examples have no component worth the name, and none could be left out.
pub const MIN_EXAMPLES: usize = 16;

/// Share of variance below which a layer without its first component is only
/// rounding.
pub(super) const NOTHING: f64 = 1e-6;

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
    diagonals: Vec<Option<Vec<f64>>>,
    packed: Vec<f32>,
}

impl ComponentSums {
    /// Room for `layers` matrices over `n` examples.
    ///
    /// # Errors
    /// [`PcaError::TooFew`] below [`MIN_EXAMPLES`].
    pub fn new(layers: usize, n: usize) -> Result<ComponentSums, PcaError> {
        if n < MIN_EXAMPLES {
            return Err(PcaError::TooFew(n));
        }
        Ok(ComponentSums {
            n,
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
                let found = diagonal.as_ref().and_then(|d| leading_packed(packed, d, 1));
                let Some(found) = found else { return false };
                let first = found.values.first().copied().unwrap_or(0.0);
                deflate(packed, first, &found.first);
                first < (1.0 - NOTHING) * found.trace
            })
            .collect();
        PackedGrams::from_grams(self.n, self.packed, present)
    }
}

/// Removes a component, `Kc - value u uᵀ`, off the diagonal.
pub(super) fn deflate(packed: &mut [f32], value: f64, u: &[f64]) {
    let mut to = packed.iter_mut();
    for (i, own) in u.iter().enumerate() {
        for (v, to) in u[..i].iter().zip(to.by_ref()) {
            *to = (f64::from(*to) - value * own * v) as f32;
        }
    }
}

#[cfg(test)]
mod tests;
