//! Softmax regression by SGD with momentum, several learning rates side by
//! side: the arithmetic of linear probes. Knows nothing of networks, images,
//! epochs or files.
//!
//! Features are standardised by constants measured once: the mean of each
//! feature is subtracted, and one factor makes the mean squared norm of an
//! example 1. Both can be absorbed into weights and bias, so the family of
//! classifiers is that of the raw features; what changes is that one set of
//! learning rates suits layers of any size and scale (the gradient's Lipschitz
//! constant is then at most 1/2).
//!
//! Products are f32 GEMMs (`faer`) over chunks of features, gathered in f64;
//! softmax, losses and biases are f64. How features are grouped depends on
//! their number alone, so results do not depend on the number of threads.

use std::sync::Arc;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Features per chunk: 128 rows of f32 are then 256 KiB.
const CHUNK: usize = 512;
/// Floats from row to row of a standardised chunk: off a power of two, so that
/// the rows do not compete for the same places in the cache.
const STRIDE: usize = CHUNK + 16;
/// Most chunks whose products are summed in f32 before they go to f64.
const MOST_PER_GROUP: usize = 4;
/// Variance below this share of the mean square counts as rounding.
const NO_VARIANCE: f64 = 1e-12;

/// Sums from which [`Standardiser`] is made.
#[derive(Debug, Clone)]
pub struct Moments {
    sums: Vec<f64>,
    squares: f64,
    examples: usize,
}

impl Moments {
    /// No examples of `features` features yet.
    pub fn new(features: usize) -> Moments {
        Moments { sums: vec![0.0; features], squares: 0.0, examples: 0 }
    }

    /// Adds examples, `n x features`.
    pub fn add(&mut self, rows: &[f32]) {
        for row in rows.chunks_exact(self.sums.len().max(1)) {
            let mut squares = 0.0;
            for (sum, v) in self.sums.iter_mut().zip(row) {
                let v = f64::from(*v);
                *sum += v;
                squares += v * v;
            }
            self.squares += squares;
            self.examples += 1;
        }
    }

    /// The standardisation; `None` without examples or if a value was not
    /// finite. Features without variance become zero.
    pub fn finish(self) -> Option<Standardiser> {
        let n = self.examples as f64;
        let mean: Vec<f64> = self.sums.iter().map(|sum| sum / n).collect();
        let square = self.squares / n;
        let variance = square - mean.iter().map(|m| m * m).sum::<f64>();
        if !variance.is_finite() {
            return None;
        }
        let varies = variance > NO_VARIANCE * square;
        let scale = if varies { variance.sqrt().recip() } else { 0.0 };
        let mean = mean.iter().map(|m| *m as f32).collect();
        Some(Standardiser { mean, scale: scale as f32 })
    }
}

/// `(x - mean) scale`, with a mean for each feature and one scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardiser {
    mean: Vec<f32>,
    scale: f32,
}

impl Standardiser {
    /// Number of features.
    pub fn features(&self) -> usize {
        self.mean.len()
    }

    /// Examples in `rows`.
    fn examples(&self, rows: &[f32]) -> usize {
        let p = self.features().max(1);
        assert!(rows.len().is_multiple_of(p), "rows of {p} features");
        rows.len() / p
    }

    /// Writes features `start..start + width` of every row to `out`, rows
    /// [`STRIDE`] apart.
    fn chunk(&self, rows: &[f32], start: usize, width: usize, out: &mut Vec<f32>) {
        out.resize(self.examples(rows) * STRIDE, 0.0);
        let mean = &self.mean[start..start + width];
        for (to, row) in out.chunks_exact_mut(STRIDE).zip(rows.chunks_exact(self.features())) {
            for ((to, v), mean) in to.iter_mut().zip(&row[start..start + width]).zip(mean) {
                *to = (v - mean) * self.scale;
            }
        }
    }

    /// Standardised rows times `weights` (`features x k`) plus `bias` (`k`):
    /// `n x k`.
    fn outputs(&self, rows: &[f32], weights: &[f32], bias: &[f64]) -> Vec<f64> {
        let (n, k) = (self.examples(rows), bias.len());
        let chunks = self.features().div_ceil(CHUNK);
        let per_group = (chunks / 8).clamp(1, MOST_PER_GROUP);
        let groups: Vec<&[f32]> = weights.chunks(per_group * CHUNK * k).collect();
        let products: Vec<Vec<f32>> = groups
            .par_iter()
            .enumerate()
            .map_init(Vec::new, |scratch, (group, weights)| {
                let mut product = vec![0.0f32; n * k];
                for (at, weights) in weights.chunks(CHUNK * k).enumerate() {
                    let width = weights.len() / k;
                    self.chunk(rows, (group * per_group + at) * CHUNK, width, scratch);
                    matmul(
                        MatMut::from_row_major_slice_mut(&mut product, n, k),
                        Accum::Add,
                        MatRef::from_row_major_slice_with_stride(scratch, n, width, STRIDE),
                        MatRef::from_row_major_slice(weights, width, k),
                        1.0f32,
                        Par::Seq,
                    );
                }
                product
            })
            .collect();
        let mut out: Vec<f64> = (0..n).flat_map(|_| bias.iter().copied()).collect();
        for product in &products {
            for (to, v) in out.iter_mut().zip(product) {
                *to += f64::from(*v);
            }
        }
        out
    }
}

/// Softmax regressions on one layer's features that differ in learning rate
/// only, trained on the same batches from the same initial weights.
#[derive(Debug, Clone)]
pub struct SoftmaxStack {
    standardiser: Arc<Standardiser>,
    classes: usize,
    rates: Vec<f64>,
    momentum: f64,
    /// `features x (rates classes)`.
    weights: Vec<f32>,
    velocity: Vec<f32>,
    bias: Vec<f64>,
    bias_velocity: Vec<f64>,
}

/// What a stack's loss and its gradient are at one batch.
#[derive(Debug, Clone, PartialEq)]
struct Residual {
    /// Mean cross-entropy in nats, by rate.
    loss: Vec<f64>,
    /// `(softmax - one hot) / n`, `n x (rates classes)`.
    outputs: Vec<f32>,
    /// Its column sums.
    bias: Vec<f64>,
}

impl SoftmaxStack {
    /// A stack of one classifier for each of `rates`, all with the initial
    /// weights `initial` (`features x classes`) and zero bias. A step is
    /// `v <- momentum v + gradient`, `w <- w - rate v`.
    ///
    /// # Panics
    /// If `initial` is of another size, or there are no classes.
    pub fn new(
        standardiser: Standardiser,
        initial: &[f32],
        classes: usize,
        rates: &[f64],
        momentum: f64,
    ) -> SoftmaxStack {
        assert!(classes > 0, "at least one class");
        assert_eq!(initial.len(), standardiser.features() * classes, "features times classes");
        let k = classes * rates.len();
        let weights: Vec<f32> = initial
            .chunks_exact(classes)
            .flat_map(|row| rates.iter().flat_map(move |_| row))
            .copied()
            .collect();
        SoftmaxStack {
            velocity: vec![0.0; weights.len()],
            weights,
            standardiser: Arc::new(standardiser),
            classes,
            rates: rates.to_vec(),
            momentum,
            bias: vec![0.0; k],
            bias_velocity: vec![0.0; k],
        }
    }

    /// The learning rates.
    pub fn rates(&self) -> &[f64] {
        &self.rates
    }

    /// Learns one batch: `rows` of `n x features`, `labels` of `n`, with every
    /// learning rate times `factor`. Returns the mean cross-entropy in nats before
    /// the step, by rate.
    ///
    /// # Panics
    /// If the sizes do not agree or a label is not below the number of classes.
    pub fn step(&mut self, rows: &[f32], labels: &[u16], factor: f64) -> Vec<f64> {
        let k = self.bias.len();
        let residual = self.residual(rows, labels);
        let rates: Vec<f64> = (0..k).map(|at| self.rates[at / self.classes] * factor).collect();
        let biases = self.bias.iter_mut().zip(&mut self.bias_velocity);
        for ((bias, velocity), (gradient, rate)) in biases.zip(residual.bias.iter().zip(&rates)) {
            *velocity = self.momentum * *velocity + gradient;
            *bias -= rate * *velocity;
        }
        let momentum = self.momentum as f32;
        let rates: Vec<f32> = rates.iter().map(|rate| *rate as f32).collect();
        let (standardiser, outputs) = (&*self.standardiser, &residual.outputs);
        let chunks = self.weights.par_chunks_mut(CHUNK * k);
        chunks.zip(self.velocity.par_chunks_mut(CHUNK * k)).enumerate().for_each_init(
            <(Vec<f32>, Vec<f32>)>::default,
            |(scratch, gradient), (at, (weights, velocity))| {
                weight_gradient(standardiser, rows, at, outputs, k, scratch, gradient);
                let weights = weights.chunks_exact_mut(k).zip(velocity.chunks_exact_mut(k));
                for ((weights, velocity), gradient) in weights.zip(gradient.chunks_exact(k)) {
                    for at in 0..k {
                        velocity[at] = momentum * velocity[at] + gradient[at];
                        weights[at] -= rates[at] * velocity[at];
                    }
                }
            },
        );
        residual.loss
    }

    fn residual(&self, rows: &[f32], labels: &[u16]) -> Residual {
        let (n, k, c) = (labels.len(), self.bias.len(), self.classes);
        let outputs = self.standardiser.outputs(rows, &self.weights, &self.bias);
        assert_eq!(outputs.len(), n * k, "a label for each row");
        let mut residual =
            Residual { loss: vec![0.0; k / c], outputs: vec![0.0; n * k], bias: vec![0.0; k] };
        let mut shares = vec![0.0f64; c];
        for (at, label) in labels.iter().enumerate() {
            let label = usize::from(*label);
            assert!(label < c, "label {label} of {c} classes");
            for (rate, loss) in residual.loss.iter_mut().enumerate() {
                let from = at * k + rate * c;
                *loss += softmax(&outputs[from..from + c], label, &mut shares) / n as f64;
                for (class, share) in shares.iter().enumerate() {
                    let hot = f64::from(u8::from(class == label));
                    let v = (share - hot) / n as f64;
                    residual.outputs[from + class] = v as f32;
                    residual.bias[rate * c + class] += v;
                }
            }
        }
        residual
    }

    /// How many of `rows` each rate's classifier gets right, by rate.
    ///
    /// # Panics
    /// As [`SoftmaxStack::step`].
    pub fn correct(&self, rows: &[f32], labels: &[u16]) -> Vec<usize> {
        let (k, c) = (self.bias.len(), self.classes);
        let outputs = self.standardiser.outputs(rows, &self.weights, &self.bias);
        assert_eq!(outputs.len(), labels.len() * k, "a label for each row");
        let mut correct = vec![0; k / c];
        for (outputs, label) in outputs.chunks_exact(k).zip(labels) {
            for (outputs, count) in outputs.chunks_exact(c).zip(&mut correct) {
                *count += usize::from(argmax(outputs) == usize::from(*label));
            }
        }
        correct
    }

    /// A copy of one rate's classifier as it is now.
    ///
    /// # Panics
    /// If `rate` is not below the number of rates.
    pub fn classifier(&self, rate: usize) -> Classifier {
        let (k, c) = (self.bias.len(), self.classes);
        let columns = rate * c..(rate + 1) * c;
        Classifier {
            standardiser: self.standardiser.clone(),
            weights: self
                .weights
                .chunks_exact(k)
                .flat_map(|row| &row[columns.clone()])
                .copied()
                .collect(),
            bias: self.bias[columns].to_vec(),
        }
    }
}

/// A fixed linear classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    standardiser: Arc<Standardiser>,
    /// `features x classes`.
    weights: Vec<f32>,
    bias: Vec<f64>,
}

impl Classifier {
    /// The outputs before the softmax, `n x classes`.
    ///
    /// # Panics
    /// If `rows` is not `n x features`.
    pub fn outputs(&self, rows: &[f32]) -> Vec<f64> {
        self.standardiser.outputs(rows, &self.weights, &self.bias)
    }

    /// How many of `rows` (`n x features`) have their largest output (the first
    /// of equals) at their label.
    ///
    /// # Panics
    /// If the sizes do not agree.
    pub fn correct(&self, rows: &[f32], labels: &[u16]) -> usize {
        let outputs = self.outputs(rows);
        assert_eq!(outputs.len(), labels.len() * self.bias.len(), "a label for each row");
        let rows = outputs.chunks_exact(self.bias.len()).zip(labels);
        rows.filter(|(outputs, label)| argmax(outputs) == usize::from(**label)).count()
    }
}

/// The gradient of the weights of chunk `at`, `width x k`, from the residual
/// `outputs` (`n x k`).
fn weight_gradient(
    standardiser: &Standardiser,
    rows: &[f32],
    at: usize,
    outputs: &[f32],
    k: usize,
    scratch: &mut Vec<f32>,
    gradient: &mut Vec<f32>,
) {
    let n = outputs.len() / k;
    let start = at * CHUNK;
    let width = CHUNK.min(standardiser.features() - start);
    standardiser.chunk(rows, start, width, scratch);
    gradient.resize(width * k, 0.0);
    matmul(
        MatMut::from_row_major_slice_mut(gradient, width, k),
        Accum::Replace,
        MatRef::from_row_major_slice_with_stride(scratch, n, width, STRIDE).transpose(),
        MatRef::from_row_major_slice(outputs, n, k),
        1.0f32,
        Par::Seq,
    );
}

/// Writes the softmax of `outputs` to `shares` and returns the cross-entropy at
/// `label` in nats.
fn softmax(outputs: &[f64], label: usize, shares: &mut [f64]) -> f64 {
    let top = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (share, v) in shares.iter_mut().zip(outputs) {
        *share = (v - top).exp();
        sum += *share;
    }
    shares.iter_mut().for_each(|share| *share /= sum);
    sum.ln() + top - outputs[label]
}

/// Index of the largest value, the first of equals.
fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (at, v) in values.iter().enumerate() {
        if *v > values[best] {
            best = at;
        }
    }
    best
}

#[cfg(test)]
mod tests;
