//! Training in its plain form: the paper's recipe (science notes §1.3) from a
//! seed to final weights.
//!
//! SGD with momentum (no dampening, no Nesterov), cosine learning rate stepped
//! per epoch, weight decay on kernels only, a remainder of the epoch dropped.
//! Initial weights and data order are drawn on the host, so a seed means the
//! same run on every device up to rounding.

use std::f64::consts::PI;
use std::sync::Arc;
use std::time::Instant;

use burn::module::ParamGroup;
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::evaluate::{evaluate, fits, predicted};
use super::{Context, EngineError, Event, Task};
use crate::data::augment::crop_flip;
use crate::data::{Dataset, Normaliser};
use crate::domain::Network;
use crate::domain::plan::{Quantity, Unfit};
use crate::domain::predictions::Predictions;
use crate::domain::record::{Evaluation, Recipe};
use crate::model::init::initial_state;
use crate::model::weights::Precision;
use crate::model::{Mode, Net, StateDict};

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
    /// How to train.
    pub recipe: Recipe,
    /// Fixes initial weights, order and augmentation.
    pub seed: u64,
    /// Epochs between two quick evaluations and checkpoints; 0 for none.
    pub report_every: usize,
    /// How the weights will be stored; the final evaluation uses them so.
    pub precision: Precision,
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
    /// Optimiser steps done.
    pub step: usize,
    /// Seconds since training began.
    pub seconds: f64,
    /// The weights, when a checkpoint is due.
    pub state: Option<StateDict>,
}

/// A finished training.
#[derive(Debug)]
pub struct Trained {
    /// Final weights, rounded to the precision of the request.
    pub state: StateDict,
    /// Evaluation on all test images.
    pub test: Evaluation,
    /// What is predicted for each of them.
    pub predictions: Predictions,
    /// The device, in words.
    pub device: String,
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

fn optimizer(net: &Net, recipe: &Recipe) -> ModuleOptimizer {
    let momentum = MomentumConfig::new().with_momentum(recipe.momentum).with_dampening(0.0);
    let plain = SgdConfig::new().with_momentum(Some(momentum));
    let decay = Some(WeightDecayConfig::new(recipe.weight_decay as f32));
    let kernels = ParamGroup::from_ids(net.decayed_ids());
    plain.init().with_group(kernels, plain.clone().with_weight_decay(decay).build(), None)
}

impl Task for TrainRequest {
    type Output = Trained;

    fn run(self, context: &Context<'_>) -> Result<Trained, EngineError> {
        run(&self, context)
    }
}

fn run(request: &TrainRequest, context: &Context<'_>) -> Result<Trained, EngineError> {
    let TrainRequest { network, data, recipe, .. } = request;
    fits(network, &data.train)?;
    fits(network, &data.test)?;
    let steps = request.subset.len() / recipe.batch.max(1);
    if recipe.batch == 0 || steps == 0 {
        return Err(unfilled(recipe.batch, request.subset.len()).into());
    }
    context.check_room(network.training_bytes(recipe.batch), || {
        format!("training {} in batches of {}", network.title(), recipe.batch)
    })?;
    let plain = context.device.device.clone();
    let device = plain.clone().autodiff();
    let mut net = Net::from_state(network, &initial_state(network, request.seed), &device)?;
    let mut optimizer = optimizer(&net, recipe);
    let loss = CrossEntropyLossConfig::new().init(&device);
    // A stream of its own, so that data order does not depend on the network.
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    rng.set_stream(1);
    let normaliser = Normaliser::new(network.input().mean, network.input().std);
    let [c, h, w] = network.input().shape;
    let mut crop = vec![0u8; c * h * w];
    let mut order = request.subset.clone();
    let total = recipe.epochs * steps;
    let start = Instant::now();
    for epoch in 0..recipe.epochs {
        let rate = cosine(recipe.learning_rate, epoch, recipe.epochs);
        order.shuffle(&mut rng);
        let mut loss_sum = Tensor::<1>::zeros([1], &plain);
        let mut hits = Tensor::<1, Int>::zeros([1], &plain);
        for (step, indices) in order.chunks_exact(recipe.batch).enumerate() {
            context.check_cancelled()?;
            let mut pixels = Vec::with_capacity(indices.len() * crop.len());
            for index in indices {
                let image = data.train.image(*index as usize);
                crop_flip(image, network.input().shape, &mut rng, &mut crop);
                normaliser.push(&crop, h * w, &mut pixels);
            }
            let x = TensorData::new(pixels, [indices.len(), c, h, w]);
            let x = Tensor::<4>::from_data(x, &device);
            let labels: Vec<i32> =
                indices.iter().map(|i| i32::from(data.train.label(*i as usize))).collect();
            let labels = TensorData::new(labels, [indices.len()]);
            let targets = Tensor::<1, Int>::from_data(labels.clone(), &device);
            let logits = net.forward(x, Mode::Train);
            let value = loss.forward(logits.clone(), targets);
            loss_sum = loss_sum + value.clone().inner();
            let best = logits.inner().argmax(1).flatten::<1>(0, 1);
            let labels = Tensor::<1, Int>::from_data(labels, &plain);
            hits = hits + best.equal(labels).int().sum();
            let gradients = GradientsParams::from_grads(value.backward(), &net);
            net = optimizer.step(rate, net, gradients);
            context.progress(epoch * steps + step + 1, total, "steps");
        }
        let lost = |e: String| EngineError::Lost(e);
        let loss_sum = loss_sum.try_into_scalar::<f32>().map_err(|e| lost(format!("{e:?}")))?;
        let hits = hits.try_into_scalar::<i64>().map_err(|e| lost(format!("{e:?}")))?;
        if !loss_sum.is_finite() {
            return Err(EngineError::Diverged { epoch: epoch + 1 });
        }
        let last = epoch + 1 == recipe.epochs;
        let due = request.report_every > 0 && (epoch + 1) % request.report_every == 0;
        let mut report = EpochReport {
            epoch: epoch + 1,
            learning_rate: rate,
            train_loss: f64::from(loss_sum) / steps as f64,
            train_accuracy: hits as f64 / (steps * recipe.batch) as f64,
            test: None,
            step: (epoch + 1) * steps,
            seconds: start.elapsed().as_secs_f64(),
            state: None,
        };
        if due || last {
            let state = net.to_state().map_err(EngineError::Lost)?;
            let tested = Net::from_state(network, &state, &plain)?;
            report.test = Some(evaluate(&tested, &data.test, QUICK_TEST, context)?);
            report.state = due.then_some(state);
        }
        let _ = context.events.send(Event::Epoch(Box::new(report)));
    }
    let mut state = net.to_state().map_err(EngineError::Lost)?;
    if !state.is_finite() {
        return Err(EngineError::Diverged { epoch: recipe.epochs });
    }
    request.precision.round(&mut state);
    let net = Net::from_state(network, &state, &plain)?;
    let (test, predictions) = predicted(&net, &data.test, context)?;
    Ok(Trained { state, test, predictions, device: context.device.label.clone() })
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
