//! What the first principal components of all layers say: shares of variance,
//! example scores, similarities, dominant datapoints (Nguyen et al., ICLR 2021,
//! section 4.2 and figure 3; the follow-up arXiv 2202.07184; science notes §1.4
//! and §1.10). Results and what follows from them; `pca` estimates them.

use ndarray::Array2;

use super::absent::Absent;

/// The first-component suite of a network over `n` examples.
#[derive(Debug, Clone, PartialEq)]
pub struct Components {
    /// Index in the test split of each of the `n` examples.
    pub images: Vec<u32>,
    /// Their labels.
    pub labels: Vec<u16>,
    /// The network's predictions (its largest logits).
    pub predictions: Vec<u16>,
    /// Shares of variance of the first `k` components, `layers x k`, each
    /// `λ_i / tr Kc` of the centred Gram matrix. NaN in the rows of layers
    /// without variance.
    pub shares: Array2<f64>,
    /// Scores of the examples on the first component, `sqrt(λ1) u1`,
    /// `layers x n`; the sign makes the entry of largest size positive. NaN in
    /// the rows of layers without variance.
    pub scores: Array2<f32>,
    /// Euclidean norms of the (uncentred) activations, `layers x n`.
    pub norms: Array2<f32>,
    /// Share of zeros in the activations of each ReLU, 0 to 1; `None` for other
    /// layers.
    pub zeros: Vec<Option<f64>>,
}

/// The `count` examples that weigh most in the first components of the whole
/// network, the heaviest first: by the sum over layers of `share u1²`, so that
/// layers which one component dominates decide. `shares` is `layers x k`,
/// `scores` `layers x n`; rows of NaN are passed over.
pub fn leading(shares: &Array2<f64>, scores: &Array2<f32>, count: usize) -> Vec<usize> {
    let mut weights = vec![0.0f64; scores.ncols()];
    for (shares, scores) in shares.rows().into_iter().zip(scores.rows()) {
        let share = shares.first().copied().unwrap_or(f64::NAN);
        let total: f64 = scores.iter().map(|s| f64::from(*s) * f64::from(*s)).sum();
        if !(share.is_finite() && total > 0.0) {
            continue;
        }
        for (weight, score) in weights.iter_mut().zip(scores) {
            *weight += share * f64::from(*score) * f64::from(*score) / total;
        }
    }
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]).then(a.cmp(b)));
    order.truncate(count);
    order
}

impl Components {
    /// Number of examples.
    pub fn examples(&self) -> usize {
        self.images.len()
    }

    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.shares.nrows()
    }

    /// Share of variance of a layer's first component; `None` without variance.
    pub fn share(&self, layer: usize) -> Option<f64> {
        self.shares.get((layer, 0)).copied().filter(|v| v.is_finite())
    }

    /// Why a layer has no components; `None` if it has some.
    pub fn absent(&self, layer: usize) -> Option<Absent> {
        if self.share(layer).is_some() {
            return None;
        }
        let finite = |norms: ndarray::ArrayView1<'_, f32>| norms.iter().all(|v| v.is_finite());
        let sound = layer < self.norms.nrows() && finite(self.norms.row(layer));
        Some(if sound { Absent::NoVariance } else { Absent::NotFinite })
    }

    /// The `count` examples with the largest |score| in a layer, the largest
    /// first, as positions in [`Components::images`]. Empty without variance.
    pub fn dominant(&self, layer: usize, count: usize) -> Vec<usize> {
        if self.share(layer).is_none() {
            return Vec::new();
        }
        let row = self.scores.row(layer);
        let mut order: Vec<usize> = (0..row.len()).collect();
        order.sort_by(|a, b| row[*b].abs().total_cmp(&row[*a].abs()).then(a.cmp(b)));
        order.truncate(count);
        order
    }

    /// How far the dominant sets of two layers overlap: the share of the `count`
    /// most dominant examples of one that are among those of the other.
    pub fn overlap(&self, a: usize, b: usize, count: usize) -> Option<f64> {
        let (a, b) = (self.dominant(a, count), self.dominant(b, count));
        if a.is_empty() || b.is_empty() {
            return None;
        }
        let both = a.iter().filter(|i| b.contains(i)).count();
        Some(both as f64 / a.len().max(b.len()) as f64)
    }
}
