//! Estimates the first-component suite of `components` (Nguyen et al., ICLR 2021,
//! section 4.2; science notes §1.4) from each layer's leading components over all
//! examples and its Gram matrices over batches of them.
//!
//! With features centred, the eigenvectors of the Gram matrix `Kc` of all
//! examples are the principal components' scores and its eigenvalues their
//! variances. The published code's shares are about the mean over *features*
//! (notes, trap 1); these are the standard `λ_i / tr Kc`. The two further maps are
//! the map's own minibatch estimator: of `K_b - λ1 u_b u_bᵀ`, `u_b` being the
//! batch's part of the first vector (U-centring takes out what the batch's own
//! mean makes different), and of `K_b` without its dominant examples. So nothing
//! but the component or the examples is different from the map, and both come from
//! the very matrices that the map sums over: U-centring is linear, and done twice
//! it is what it is done once. Knows neither networks nor devices.

use std::ops::Range;

use ndarray::Array2;
use rayon::prelude::*;

use super::cka::{CkaAccumulator, CkaError, MIN_BATCH, PackedGrams};
use super::components::leading;
use super::eigen::Leading;
use super::matrix::SimilarityMatrix;
use super::pca::{MIN_EXAMPLES, NOTHING, PcaError, deflate};
use super::product::Symmetric;

/// Examples of a batch, as those of the map unless told otherwise.
pub const BATCH: usize = 256;

/// What the estimators are, for records and exports.
pub const ESTIMATOR: &str = "principal components over all examples (share of variance: \
eigenvalue over trace of the centred Gram matrix); similarity (u1.v1)^2; CKA without them: \
minibatch unbiased linear CKA in batches of 256";

/// Collects the leading components and the batches' Gram matrices of all layers.
/// Keeps 4 bytes a pair of examples within a batch and layer: 0.5 MiB a layer for
/// 1,024 examples.
#[derive(Debug, Clone)]
pub struct SuiteSums {
    n: usize,
    components: usize,
    dominant: usize,
    batches: Vec<Range<usize>>,
    found: Vec<Option<Leading>>,
    /// One for each batch.
    grams: Vec<PackedGrams>,
}

/// The suite. Rows of `shares` and `scores` are layers; those of layers that were
/// never set or have no variance are NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// `λ_i / tr Kc`, `layers x k`.
    pub shares: Array2<f64>,
    /// `sqrt(λ1) u1`, `layers x n`, the entry of largest size positive.
    pub scores: Array2<f32>,
    /// The maps of all pairs of layers.
    pub maps: SuiteMaps,
}

/// The maps that the suite makes of all pairs of layers, `layers x layers`.
#[derive(Debug, Clone, PartialEq)]
pub struct SuiteMaps {
    /// `(u1 . v1)²`.
    pub similarity: SimilarityMatrix,
    /// CKA with each layer's first component removed; undefined where that
    /// leaves less than a millionth of the variance.
    pub without_pc1: SimilarityMatrix,
    /// CKA over the examples that are left when those that lead the network's
    /// first components are taken out ([`leading`]).
    pub without_dominant: SimilarityMatrix,
}

/// The batches of `n` examples: [`BATCH`] each, a last one below 4 left out.
pub fn batches(n: usize) -> Vec<Range<usize>> {
    let cut = (0..n).step_by(BATCH).map(|from| from..(from + BATCH).min(n));
    cut.filter(|batch| batch.len() >= MIN_BATCH).collect()
}

/// The Gram matrices of batches from that of all examples (about the mean of all,
/// which U-centring makes no difference of).
pub fn blocks(gram: &Symmetric, batches: &[Range<usize>]) -> Vec<Symmetric> {
    let block = |batch: &Range<usize>| {
        let mut values = vec![0.0; batch.len() * batch.len()];
        for (row, i) in values.chunks_exact_mut(batch.len()).zip(batch.clone()) {
            let from = &gram.lower_row(i)[batch.start..];
            row[..from.len()].copy_from_slice(from);
        }
        Symmetric::from_full(batch.len(), values)
    };
    batches.iter().map(block).collect()
}

impl SuiteSums {
    /// Room for `layers` layers over `n` examples; `components` shares are kept,
    /// and `dominant_share` of the examples (rounded up, and so many that four are
    /// left at least) is left out for [`SuiteMaps::without_dominant`].
    ///
    /// # Errors
    /// [`PcaError::TooFew`] below [`MIN_EXAMPLES`].
    pub fn new(
        layers: usize,
        n: usize,
        components: usize,
        dominant_share: f64,
    ) -> Result<SuiteSums, PcaError> {
        if n < MIN_EXAMPLES {
            return Err(PcaError::TooFew(n));
        }
        let dominant = (dominant_share.clamp(0.0, 1.0) * n as f64).ceil() as usize;
        let batches = batches(n);
        let room = |batch: &Range<usize>| PackedGrams::new(layers, batch.len());
        let grams = batches.iter().map(room).collect::<Result<_, _>>();
        Ok(SuiteSums {
            n,
            components: components.clamp(1, n - 1),
            dominant: dominant.min(n - MIN_BATCH),
            grams: grams.map_err(|_| PcaError::TooFew(n))?,
            batches,
            found: vec![None; layers],
        })
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.found.len()
    }

    /// Number of examples.
    pub fn examples(&self) -> usize {
        self.n
    }

    /// Components whose share is kept: what [`Leading::values`] has to hold.
    pub fn components(&self) -> usize {
        self.components
    }

    /// The batches, as places among the `n` examples.
    pub fn batches(&self) -> &[Range<usize>] {
        &self.batches
    }

    /// The batches' U-centred matrices, as the map sums over them; a layer that was
    /// never set is missing in them.
    pub fn grams(&self) -> &[PackedGrams] {
        &self.grams
    }

    /// Takes a layer's leading components (`None` if it has no variance) and its
    /// Gram matrix of each batch, about any mean.
    ///
    /// # Errors
    /// [`PcaError::Shape`] if something does not fit.
    pub fn set(
        &mut self,
        layer: usize,
        found: Option<Leading>,
        grams: &[Symmetric],
    ) -> Result<(), PcaError> {
        let (n, layers) = (self.n, self.found.len());
        let refuse = |found| Err(PcaError::Shape { layer, found, n, layers });
        let rows: usize = grams.iter().map(Symmetric::n).sum();
        let fit = grams.iter().map(Symmetric::n).eq(self.batches.iter().map(Range::len));
        if layer >= layers || !fit {
            return refuse(rows);
        }
        if let Some(found) = &found
            && found.first.len() != n
        {
            return refuse(found.first.len());
        }
        let sets = self.grams.par_iter_mut().zip(grams);
        if sets.map(|(to, gram)| to.set_gram(layer, gram)).any(|set| set.is_err()) {
            return refuse(rows);
        }
        self.found[layer] = found;
        Ok(())
    }

    /// Compares all pairs of layers.
    pub fn finish(self) -> Suite {
        let layers = self.found.len();
        let mut shares = Array2::from_elem((layers, self.components), f64::NAN);
        let mut scores = Array2::from_elem((layers, self.n), f32::NAN);
        for (l, found) in self.found.iter().enumerate() {
            let Some(found) = found else { continue };
            for (share, value) in shares.row_mut(l).iter_mut().zip(&found.values) {
                *share = (value / found.trace).max(0.0);
            }
            let scale = first_value(found).max(0.0).sqrt();
            for (score, u) in scores.row_mut(l).iter_mut().zip(&found.first) {
                *score = (scale * u) as f32;
            }
        }
        let left_out = leading(&shares, &scores, self.dominant);
        let maps = SuiteMaps {
            similarity: similarity(&self.found),
            without_dominant: cka(layers, self.without_examples(&left_out)),
            without_pc1: cka(layers, self.without_first()),
        };
        Suite { shares, scores, maps }
    }

    /// Each batch without the examples in `left_out`; those that keep too few are
    /// passed over.
    fn without_examples<'a>(
        &'a self,
        left_out: &'a [usize],
    ) -> impl Iterator<Item = Result<PackedGrams, CkaError>> + 'a {
        let present: Vec<bool> = self.found.iter().map(Option::is_some).collect();
        self.batches.iter().zip(&self.grams).filter_map(move |(batch, from)| {
            let kept: Vec<usize> =
                (0..batch.len()).filter(|i| !left_out.contains(&(batch.start + i))).collect();
            if kept.len() < MIN_BATCH {
                return None;
            }
            let mut packed = Vec::with_capacity(self.found.len() * pairs(kept.len()));
            for layer in from.values().chunks_exact(pairs(batch.len())) {
                for (at, i) in kept.iter().enumerate() {
                    let row = &layer[pairs(*i)..];
                    packed.extend(kept[..at].iter().map(|j| row[*j]));
                }
            }
            Some(PackedGrams::from_grams(kept.len(), packed, present.clone()))
        })
    }

    /// Each batch without its layers' first components.
    fn without_first(&self) -> impl Iterator<Item = Result<PackedGrams, CkaError>> {
        let left = |found: &Leading| first_value(found) < (1.0 - NOTHING) * found.trace;
        let present: Vec<bool> =
            self.found.iter().map(|found| found.as_ref().is_some_and(left)).collect();
        self.batches.iter().zip(&self.grams).map(move |(batch, grams)| {
            let mut packed = grams.values().into_owned();
            let layers = packed.par_chunks_exact_mut(pairs(batch.len())).zip(&self.found);
            layers.for_each(|(packed, found)| {
                if let Some(found) = found {
                    deflate(packed, first_value(found), &found.first[batch.clone()]);
                }
            });
            PackedGrams::from_grams(batch.len(), packed, present.clone())
        })
    }
}

/// Pairs of `n` examples.
fn pairs(n: usize) -> usize {
    n * n.saturating_sub(1) / 2
}

fn first_value(found: &Leading) -> f64 {
    found.values.first().copied().unwrap_or(0.0)
}

/// Unbiased CKA of all pairs over batches; undefined everywhere if there is none.
fn cka(
    layers: usize,
    mut batches: impl Iterator<Item = Result<PackedGrams, CkaError>>,
) -> SimilarityMatrix {
    let mut sums = CkaAccumulator::with_groups(layers, 1);
    let added = batches.try_for_each(|grams| sums.add(&grams?));
    added.and_then(|()| sums.finish()).map_or_else(
        |_| SimilarityMatrix::new(Array2::from_elem((layers, layers), f64::NAN)),
        |estimate| estimate.cka,
    )
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

#[cfg(test)]
mod tests;
