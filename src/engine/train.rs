//! Training: the paper's recipe (science notes §1.3) from a seed to final weights, in one
//! piece or in several that give the same weights bit for bit on the CPU.
//!
//! SGD with momentum (no dampening, no Nesterov), cosine learning rate stepped
//! per epoch, weight decay on kernels only, a remainder of the epoch dropped.
//! Initial weights and data order are drawn on the host, so a seed means the
//! same run on every device up to rounding. `session` is the loop, `sgd` the optimiser.
//! Knows no files.

mod session;
mod sgd;

use std::f64::consts::PI;
use std::sync::Arc;
use std::time::Duration;

use super::{Context, EngineError, Task};
use crate::data::{Dataset, ImageSet};
use crate::domain::Network;
use crate::domain::plan::{Quantity, Unfit};
use crate::domain::predictions::Predictions;
use crate::domain::record::{Evaluation, Recipe};
use crate::domain::training::{Best, Position};
use crate::model::weights::Precision;
use crate::model::{Snapshot, StateDict};

/// Test images of the evaluations between epochs.
pub const QUICK_TEST: usize = 1_000;

/// A request to train `network` from `seed`.
#[derive(Debug)]
pub struct TrainRequest {
    /// The network.
    pub network: Arc<Network>,
    /// Training and test images.
    pub data: Arc<Dataset>,
    /// Indices of the training images to use.
    pub subset: Vec<u32>,
    /// What each of [`TrainRequest::data`]'s training images is trained as; its own labels,
    /// but for those that were drawn.
    pub labels: Vec<u16>,
    /// Images that are held out to choose the best epoch by, where there are some.
    pub held_out: Option<Arc<ImageSet>>,
    /// How to train.
    pub recipe: Recipe,
    /// Fixes initial weights, order and augmentation.
    pub seed: u64,
    /// Epochs between two quick evaluations and checkpoints; 0 for none.
    pub report_every: usize,
    /// Time between two snapshots; none in between if `None`.
    pub snapshot_every: Option<Duration>,
    /// How the weights will be stored; the final evaluation uses them so.
    pub precision: Precision,
    /// Where to go on; from the start if `None`.
    pub from: Option<Box<TrainState>>,
}

/// All that a training needs to go on exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainState {
    /// Where it stands.
    pub at: Position,
    /// Its tensors.
    pub tensors: Snapshot,
}

/// What one epoch did.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochReport {
    /// Epoch, from 1.
    pub epoch: usize,
    /// Learning rate.
    pub learning_rate: f64,
    /// Mean training loss in nats, without weight decay.
    pub train_loss: f64,
    /// Share of (augmented) training images that were right.
    pub train_accuracy: f64,
    /// Quick evaluation on the first [`QUICK_TEST`] test images, when due.
    pub test: Option<Evaluation>,
    /// Evaluation on the held-out images, where there are some.
    pub validation: Option<Evaluation>,
    /// Optimiser steps done.
    pub step: usize,
    /// Seconds that training has taken.
    pub seconds: f64,
    /// The weights, when a checkpoint is due.
    pub state: Option<StateDict>,
}

/// A finished training.
#[derive(Debug)]
pub struct Trained {
    /// Final weights, rounded to the precision of the request.
    pub state: StateDict,
    /// Which epoch they are of, where the best are kept.
    pub best: Option<Best>,
    /// Evaluation on all test images.
    pub test: Evaluation,
    /// What is predicted for each of them.
    pub predictions: Predictions,
    /// The device, in words.
    pub device: String,
    /// Seconds that training has taken.
    pub seconds: f64,
}

/// Learning rate of epoch `epoch` (from 0) of `epochs`: a cosine from `initial`
/// to zero, stepped per epoch.
pub fn cosine(initial: f64, epoch: usize, epochs: usize) -> f64 {
    0.5 * initial * (1.0 + (PI * epoch as f64 / epochs.max(1) as f64).cos())
}

/// That `images` training images do not fill one batch.
pub fn unfilled(batch: usize, images: usize) -> Unfit {
    let says = format!(" {batch}: {images} training images do not fill one batch");
    Unfit {
        larger: Some(Quantity::Fraction),
        smaller: Some(Quantity::Batch),
        ..Quantity::Batch.unfit(says)
    }
}

impl Task for TrainRequest {
    type Output = Trained;

    fn run(self, context: &Context<'_>) -> Result<Trained, EngineError> {
        session::run(self, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_is_a_cosine_to_zero() {
        assert_eq!(cosine(0.01, 0, 300), 0.01);
        assert!((cosine(0.01, 150, 300) - 0.005).abs() < 1e-12);
        assert!(cosine(0.01, 299, 300) < 1e-6);
    }
}
