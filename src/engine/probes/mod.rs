//! Linear probes of a network: every probe learns from one stream of forward
//! passes over augmented training images (Nguyen et al., ICLR 2021, section 4.4;
//! science notes §1.5).
//!
//! A part of the *training* images is held out; its accuracy, un-augmented,
//! chooses epoch and learning rate of each layer, and only then the test images
//! are run, once, through exactly the weights that were chosen. The paper's
//! published code reports the best *test* accuracy over epochs and runs, which
//! is optimistic; this does not. (The network itself has seen the held-out
//! images, so that the accuracy on them is above that on test images, most so in
//! late layers; it is for choosing only.)
//!
//! The forward pass runs on the device; a GPU's activations are read back, and
//! the probes' products run on the host on every device, so that the arithmetic
//! of a probe is the same everywhere.
//!
//! Memory beside the network: of `P` probed features in all, `C` classes and
//! `R` learning rates, `4 P (C (2 R + 1) + 1)` bytes (weights and velocity of
//! every rate, the best weights so far, the means), and one layer's rows on a
//! GPU. Net-56 of width 1 (54 probes, `P` = 516,096) with ten classes and three
//! rates: 147 MB. The best weights are kept rather than tested at every
//! improvement: that is one part in `2 R + 1` of the memory against a pass over
//! the test images per epoch.

mod stream;

use std::sync::Arc;
use std::time::Instant;

use rand::seq::SliceRandom;

use super::evaluate::{BATCH, fits};
use super::train::cosine;
use super::{Context, EngineError};
use crate::data::ImageSet;
use crate::domain::Network;
use crate::domain::probes::{Probe, TrainingSplit};
use crate::domain::softmax::Classifier;
use crate::model::{Net, StateDict};
use stream::{MEASURED, Stream, generator, labels, purpose};

/// Share of the training images that is held out.
pub const HELD_OUT: f64 = 0.1;

/// How probes are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeRecipe {
    /// Passes over the training images.
    pub epochs: usize,
    /// Images per step; a remainder is dropped, unless it is all there is.
    pub batch: usize,
    /// SGD momentum (no dampening, no Nesterov).
    pub momentum: f64,
    /// Initial learning rates, tried side by side, for features whose examples
    /// have a mean squared norm of 1; each follows a cosine to zero, stepped per
    /// epoch.
    pub learning_rates: Vec<f64>,
    /// Fixes held-out images, initial weights, order and augmentation.
    pub seed: u64,
}

/// 30 epochs with rates of 3, 10 and 30. On the mean loss a rate of 3 is stable
/// whatever the features (its curvature is at most 1 with the bias, and momentum
/// 0.9 bears up to 3.8); larger ones learn the small directions of features that
/// do not lie along one. Measured on `shapes`, Net-14, test accuracy after the first,
/// third and last block: 40, 77 and 97 % with constant rates of 3 and 10, 46, 82
/// and 96 % with cosines of 1, 3, 10 and 30; 44, 80 and 96 % in 15 epochs of 3
/// and 30.
impl Default for ProbeRecipe {
    fn default() -> ProbeRecipe {
        ProbeRecipe {
            epochs: 30,
            batch: 128,
            momentum: 0.9,
            learning_rates: vec![3.0, 10.0, 30.0],
            seed: 0,
        }
    }
}

impl ProbeRecipe {
    /// What the numbers of the recipe do not say, in words.
    pub fn words(&self) -> String {
        format!(
            "softmax regression on the flattened layer in evaluation mode; SGD with momentum, \
             cosine learning rate per epoch; features less their means, over the root of their mean \
             squared norm (both measured on the first {MEASURED} batches); He-normal initial \
             weights, no penalty; training images augmented ({}); epoch and learning rate chosen \
             on held-out training images, un-augmented; test images choose nothing",
            crate::data::augment::DESCRIPTION
        )
    }

    /// Checks every field's range.
    ///
    /// # Errors
    /// One line that names what is out of range.
    pub fn check(&self) -> Result<(), EngineError> {
        let refuse = |text: &str| Err(EngineError::Request(text.into()));
        if self.epochs == 0 {
            return refuse("--probe-epochs 0: at least one epoch is needed");
        }
        if self.batch == 0 {
            return refuse("probes need batches of at least one image");
        }
        let positive = |rate: &f64| *rate > 0.0 && rate.is_finite();
        if self.learning_rates.is_empty() || !self.learning_rates.iter().all(positive) {
            return refuse("probes need learning rates above zero");
        }
        Ok(())
    }
}

/// A request to probe `state`.
#[derive(Debug)]
pub struct ProbeRequest {
    /// The network.
    pub network: Arc<Network>,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// All training images.
    pub train: Arc<ImageSet>,
    /// Indices of those to use, without repetition; a part is held out.
    pub subset: Vec<u32>,
    /// The test images.
    pub test: Arc<ImageSet>,
    /// How to train.
    pub recipe: ProbeRecipe,
}

/// How one layer's probe of one learning rate went.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeCurve {
    /// Index of the layer.
    pub layer: usize,
    /// The learning rate.
    pub learning_rate: f64,
    /// Mean training cross-entropy in nats, by epoch.
    pub train_loss: Vec<f64>,
    /// Accuracy on the held-out images, 0 to 1, after each epoch.
    pub held_out: Vec<f64>,
}

/// Where the time of probing went, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProbeSeconds {
    /// Network forward passes and their images.
    pub forward: f64,
    /// The probes' arithmetic; on a GPU with the reading back.
    pub probes: f64,
    /// Wall clock.
    pub total: f64,
}

/// Finished probes.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// The best probe of each layer, by layer.
    pub probes: Vec<Probe>,
    /// Every layer's and rate's way there, by layer, then rate.
    pub curves: Vec<ProbeCurve>,
    /// Which images trained and which chose.
    pub split: TrainingSplit,
    /// Images per step, as used.
    pub batch: usize,
    /// Where the time went.
    pub seconds: ProbeSeconds,
    /// The device, in words.
    pub device: String,
}

pub(super) fn run(request: &ProbeRequest, context: &Context<'_>) -> Result<Probed, EngineError> {
    let ProbeRequest { network, train, test, recipe, .. } = request;
    recipe.check()?;
    fits(network, train)?;
    fits(network, test)?;
    let mut rng = generator(recipe.seed, purpose::SPLIT);
    let split = TrainingSplit::draw(&request.subset, train.labels(), HELD_OUT, &mut rng);
    if split.held_out.is_empty() {
        return Err(EngineError::Request(format!(
            "{} training images are too few for probes: a part of each class is held out; use a larger --probe-train",
            request.subset.len()
        )));
    }
    let start = Instant::now();
    let net = Net::from_state(network, &request.state, &context.device.device)?;
    let mut stream = Stream::new(&net, recipe, &split, test.len(), context);
    let (chosen, curves) = fit(&mut stream, train, &split)?;
    let right = stream.test(&chosen, test)?;
    let probes = chosen.iter().zip(right).map(|(chosen, right)| Probe {
        layer: chosen.layer,
        learning_rate: recipe.learning_rates[chosen.rate],
        epoch: chosen.epoch,
        held_out_accuracy: chosen.right as f64 / split.held_out.len() as f64,
        test_accuracy: right as f64 / test.len() as f64,
    });
    let probes = probes.collect();
    let total = start.elapsed().as_secs_f64();
    Ok(Probed {
        probes,
        curves,
        batch: stream.batch,
        seconds: ProbeSeconds { total, ..stream.seconds },
        device: context.device.label.clone(),
        split,
    })
}

/// A layer's best probe so far.
#[derive(Debug)]
struct Chosen {
    layer: usize,
    rate: usize,
    epoch: usize,
    /// Held-out images that are right.
    right: usize,
    classifier: Classifier,
}

/// Trains all probes and chooses; sees no test image.
fn fit(
    stream: &mut Stream<'_>,
    images: &ImageSet,
    split: &TrainingSplit,
) -> Result<(Vec<Chosen>, Vec<ProbeCurve>), EngineError> {
    let recipe = stream.recipe;
    let rates = recipe.learning_rates.len();
    let mut stacks = stream.stacks(images, &split.train)?;
    let mut curves: Vec<ProbeCurve> = stream
        .layers
        .iter()
        .flat_map(|layer| recipe.learning_rates.iter().map(move |rate| (*layer, *rate)))
        .map(|(layer, learning_rate)| {
            let (train_loss, held_out) = (Vec::new(), Vec::new());
            ProbeCurve { layer, learning_rate, train_loss, held_out }
        })
        .collect();
    let mut best: Vec<Option<Chosen>> = stream.layers.iter().map(|_| None).collect();
    let mut rng = generator(recipe.seed, purpose::TRAIN);
    let mut order = split.train.clone();
    for epoch in 1..=recipe.epochs {
        order.shuffle(&mut rng);
        let factor = cosine(1.0, epoch - 1, recipe.epochs);
        curves.iter_mut().for_each(|curve| curve.train_loss.push(0.0));
        let steps = order.len() / stream.batch;
        for indices in order.chunks_exact(stream.batch) {
            let x = stream.augmented(images, indices, &mut rng);
            let labels = labels(images, indices);
            stream.pass(x, |probe, rows| {
                let losses = stacks[probe].step(rows, &labels, factor);
                for (curve, loss) in curves[probe * rates..].iter_mut().zip(losses) {
                    if let Some(sum) = curve.train_loss.last_mut() {
                        *sum += loss / steps as f64;
                    }
                }
            })?;
        }
        let mut right = vec![vec![0; rates]; stacks.len()];
        for indices in split.held_out.chunks(BATCH) {
            let x = stream.plain(images, indices);
            let labels = labels(images, indices);
            stream.pass(x, |probe, rows| {
                let counts = stacks[probe].correct(rows, &labels);
                right[probe].iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            })?;
        }
        for (probe, right) in right.iter().enumerate() {
            for (rate, right) in right.iter().copied().enumerate() {
                let share = right as f64 / split.held_out.len() as f64;
                curves[probe * rates + rate].held_out.push(share);
                // The earliest of equals.
                if best[probe].as_ref().is_none_or(|best| right > best.right) {
                    let layer = stream.layers[probe];
                    let classifier = stacks[probe].classifier(rate);
                    best[probe] = Some(Chosen { layer, rate, epoch, right, classifier });
                }
            }
        }
    }
    Ok((best.into_iter().flatten().collect(), curves))
}
