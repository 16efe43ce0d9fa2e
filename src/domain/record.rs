//! What a result says about how it came about: the images, the recipe, the sample, the
//! evaluation and the time. Plain types that every layer above shares and the run folder
//! stores; every struct here is part of the on-disk format: add fields with
//! `#[serde(default)]`.

use serde::{Deserialize, Serialize};

use super::absent::Absent;

/// Who made a result, when and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Program and version, `blockscope 0.1.0`.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device, in words (`cpu (flex, 2 threads)`).
    pub device: String,
}

/// Which images a run or an analysis used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Kind of source: `shapes`, `cifar10`, `cifar100` or `folder`.
    pub source: String,
    /// Class names by label.
    pub classes: Vec<String>,
    /// Training images used (after `fraction`).
    pub train_examples: usize,
    /// Test images used.
    pub test_examples: usize,
    /// Share of the training split, in (0, 1].
    pub fraction: f64,
    /// SHA-256 over class names and test images with their labels, in hexadecimal.
    pub fingerprint: String,
}

impl DataRecord {
    /// `CIFAR-10`, `CIFAR-10 1/64`, `shapes`.
    pub fn title(&self) -> String {
        let base = match self.source.as_str() {
            "cifar10" => "CIFAR-10",
            "cifar100" => "CIFAR-100",
            other => other,
        };
        let inverse = 1.0 / self.fraction;
        if self.fraction >= 1.0 {
            base.to_string()
        } else if (inverse - inverse.round()).abs() < 1e-6 {
            format!("{base} 1/{inverse:.0}")
        } else {
            format!("{base} {:.3}", self.fraction)
        }
    }
}

/// A training recipe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// Passes over the training images.
    pub epochs: usize,
    /// Examples per step; a remainder is dropped.
    pub batch: usize,
    /// Initial learning rate; follows a cosine to zero, stepped per epoch.
    pub learning_rate: f64,
    /// SGD momentum (no dampening, no Nesterov).
    pub momentum: f64,
    /// Added to the gradient as `weight_decay * w`, on convolution and linear
    /// kernels only.
    pub weight_decay: f64,
    /// Augmentation in words; [`NO_AUGMENTATION`] for none.
    pub augmentation: String,
    /// Share of the training images whose label is drawn from the seed, each class alike,
    /// in [0, 1].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub random_labels: f64,
    /// Share of the training images that is held out and only tested on, in [0, 1).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation: f64,
    /// Which weights of the training are the run's.
    #[serde(default, skip_serializing_if = "Keep::is_last")]
    pub keep: Keep,
}

/// [`Recipe::augmentation`] of a training on the images as they are.
pub const NO_AUGMENTATION: &str = "none";

impl Recipe {
    /// True if images are cropped and flipped anew in every epoch.
    pub fn augments(&self) -> bool {
        self.augmentation != NO_AUGMENTATION
    }
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

/// Which weights of a training are kept as its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Those after the last step.
    #[default]
    Last,
    /// Those of the epoch with the best accuracy on the held-out images, the earliest of
    /// equals. Test images never choose.
    Best,
}

impl Keep {
    fn is_last(&self) -> bool {
        *self == Keep::Last
    }
}

/// Result of running a network over images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Images evaluated.
    pub examples: usize,
    /// Images whose largest logit is their label.
    pub correct: usize,
    /// Mean cross-entropy in nats.
    pub loss: f64,
}

impl Evaluation {
    /// The loss with so many digits, or that it is not finite, as of a network whose
    /// activations overflow.
    pub fn loss_words(&self, digits: usize) -> String {
        match self.loss.is_finite() {
            true => format!("{:.digits$}", self.loss),
            false => Absent::NotFinite.words().to_string(),
        }
    }

    /// Share of correct images, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples.max(1) as f64
    }
}

/// How the images of an analysis were chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// The first images of the test split, in order.
    First,
    /// Shuffled by the seed, anew for each pass, without replacement in a pass.
    Random,
}

impl Sample {
    /// The lower-case name used in files, on screen and as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            Sample::First => "first",
            Sample::Random => "random",
        }
    }

    /// The seed as far as it matters: the first images do not depend on one. Plans are
    /// the same if they agree in this and in the other numbers.
    pub fn seed(self, seed: u64) -> u64 {
        match self {
            Sample::First => 0,
            Sample::Random => seed,
        }
    }
}

/// Where the time of an analysis went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// Network forward passes.
    pub forward: f64,
    /// Gram matrices and their centring.
    pub gram: f64,
    /// Products of all pairs of layers.
    pub pairs: f64,
    /// Wall clock from first batch to result.
    pub total: f64,
}
