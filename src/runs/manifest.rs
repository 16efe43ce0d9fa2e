//! What a run folder says about itself: `run.ron`, and the records of what lies beside
//! its maps.
//!
//! Plain types only; reading and writing the files is next door. Every struct
//! here is part of the on-disk format: add fields with `#[serde(default)]`, and
//! raise [`FORMAT`](super::FORMAT) only when an old program would misread a new file.

use serde::{Deserialize, Serialize};

use super::layout::Versioned;
use super::parts::Parts;
use crate::domain::components::Components;
use crate::domain::deletion::DeletionTable;
use crate::domain::predictions::Predictions;
use crate::domain::probes::{Effort, Probe};
use crate::domain::record::{DataRecord, Evaluation, Recipe, Sample};
use crate::domain::training::Best;
use crate::domain::{Bypass, Layer, ModelSpec};

/// The contents of `run.ron`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunManifest {
    /// [`FORMAT`](super::FORMAT) when the file was written.
    pub format: u32,
    /// The run's name (its folder's name when it was made).
    pub name: String,
    /// Program and version that wrote the file, `blockscope 0.1.0`.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// Whether the run is finished.
    pub state: RunState,
    /// The network.
    pub model: ModelSpec,
    /// The images that trained and tested it.
    pub data: DataRecord,
    /// How it was trained; `None` for imported weights.
    #[serde(default)]
    pub recipe: Option<Recipe>,
    /// Seed of initial weights and data order; `None` for imported weights.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The device that made it, in words (`cpu (flex, 2 threads)`).
    pub device: String,
    /// File name of imported weights.
    #[serde(default)]
    pub source: Option<String>,
    /// SHA-256 of the weights file, in hexadecimal; while it is trained, of its newest
    /// checkpoint.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Accuracy on the test images.
    #[serde(default)]
    pub test: Option<Evaluation>,
    /// What the network was cut from, if it was pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned_from: Option<PrunedFrom>,
    /// What its training needs to go on, if it was trained by a version that can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<TrainingRecord>,
}

/// How a run is trained, beside its recipe and seed: with both, all that is needed to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// The source of the images as it was given, such as `cifar10:cifar`.
    pub source: String,
    /// SHA-256 over class names and training images with their labels, in hexadecimal.
    pub fingerprint: String,
    /// Epochs between quick tests and kept checkpoints; 0 for none.
    pub checkpoint_every: usize,
    /// Minutes between complete checkpoints; 0 for none.
    pub checkpoint_minutes: f64,
    /// Whether kernels are stored as f16.
    pub f16: bool,
    /// The epoch that the run's weights are of, where the best are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Best>,
}

/// What a pruned network was cut from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrunedFrom {
    /// The run's name.
    pub run: String,
    /// Its deleted blocks, by their places there.
    pub deleted: Bypass,
    /// SHA-256 of its weights file, in hexadecimal.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Epoch of the checkpoint that these weights are, where training had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
}

/// Whether a run is finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Training goes on, or stopped before the end.
    Training {
        /// Epochs done.
        epoch: usize,
        /// Epochs planned.
        epochs: usize,
    },
    /// Weights are final.
    Complete,
}

/// The contents of `analysis/components.ron`: how the first-component suite
/// beside it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComponentsRecord {
    /// [`FORMAT`](super::FORMAT) when the file was written.
    pub format: u32,
    /// Program and version that wrote the file.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device that made it, in words.
    pub device: String,
    /// The images.
    pub data: DataRecord,
    /// SHA-256 of the weights file that was analysed.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Epoch of the checkpoint that these weights are, where training had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
    /// The estimators, in words.
    pub estimator: String,
    /// Number of examples.
    pub examples: usize,
    /// Leading components whose share of variance is kept.
    pub components: usize,
    /// Share of the examples that counts as dominant, in (0, 1).
    pub dominant_share: f64,
    /// How examples were chosen.
    pub sample: Sample,
    /// Seed of the random sample.
    pub seed: u64,
    /// Seconds of wall clock.
    pub seconds: f64,
    /// The layer list, in the order of the arrays' rows.
    pub layers: Vec<Layer>,
    /// The files beside it; filled when it is written, checked and emptied when it is read.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
}

/// A finished first-component suite: `components.ron` and, beside it,
/// `pc_share.csv`, `pc_scores.npy`, `activation_norms.npy`, `pc_examples.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentsAnalysis {
    /// How it was made.
    pub record: ComponentsRecord,
    /// The results.
    pub components: Components,
}

/// The contents of `analysis/probes.ron`: how `probes.csv` beside it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbesRecord {
    /// [`FORMAT`](super::FORMAT) when the file was written.
    pub format: u32,
    /// Program and version that wrote the file.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device that made it, in words.
    pub device: String,
    /// The images.
    pub data: DataRecord,
    /// SHA-256 of the weights file that was probed.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Epoch of the checkpoint that these weights are, where training had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
    /// The recipe in words: optimiser, features, augmentation, choice.
    pub recipe: String,
    /// Passes over the training images.
    pub epochs: usize,
    /// Examples per step.
    pub batch: usize,
    /// SGD momentum.
    pub momentum: f64,
    /// The learning rates that were tried side by side.
    pub learning_rates: Vec<f64>,
    /// Training images.
    pub train_examples: usize,
    /// Training images held out to choose epoch and learning rate.
    pub held_out_examples: usize,
    /// Test images.
    pub test_examples: usize,
    /// Seed of initial weights, order, augmentation and held-out images.
    pub seed: u64,
    /// Seconds of wall clock.
    pub seconds: f64,
    /// The layer list that [`Probe::layer`] counts in.
    pub layers: Vec<Layer>,
    /// The files beside it; filled when it is written, checked and emptied when it is read.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
}

impl ProbesRecord {
    /// Which recipe it was, in words.
    pub fn effort(&self) -> String {
        let (images, available) = self.images();
        Effort::words(self.epochs, images, available)
    }

    /// The name of the recipe: `quick`, `full` or `own`.
    pub fn effort_name(&self) -> &'static str {
        let (images, available) = self.images();
        Effort::name_of(self.epochs, images, available)
    }

    /// Training images that were taken, and that there were.
    fn images(&self) -> (usize, usize) {
        let images = self.train_examples + self.held_out_examples;
        (images, self.data.train_examples.max(images))
    }

    /// The whole recipe; records of older versions do not begin with which it was.
    pub fn words(&self) -> String {
        let effort = self.effort();
        match self.recipe.starts_with(&effort) {
            true => self.recipe.clone(),
            false => format!("{effort}; {}", self.recipe),
        }
    }
}

/// Finished linear probes: `probes.ron` and `probes.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbesAnalysis {
    /// How they were made.
    pub record: ProbesRecord,
    /// One row per probed layer, by layer.
    pub probes: Vec<Probe>,
}

/// The contents of `analysis/deletion.ron`: where `deletion.csv` beside it is
/// from. Rows of other weights or images are dropped when new ones are merged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeletionRecord {
    /// [`FORMAT`](super::FORMAT) when the file was written.
    pub format: u32,
    /// Program and version that wrote the file.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device that made the newest rows, in words.
    pub device: String,
    /// The images.
    pub data: DataRecord,
    /// SHA-256 of the weights file that was evaluated.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Epoch of the checkpoint that these weights are, where training had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
    /// The files beside it; filled when it is written, checked and emptied when it is read.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
}

/// What deleting blocks costs: `deletion.ron` and `deletion.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionAnalysis {
    /// Where it is from.
    pub record: DeletionRecord,
    /// The rows.
    pub table: DeletionTable,
}

/// Records that carry the format of their file.
macro_rules! carry_format {
    ($($record:ty),* $(,)?) => {
        $(impl Versioned for $record {
            fn format(&self) -> u32 {
                self.format
            }
        })*
    };
}

carry_format!(RunManifest, ComponentsRecord, ProbesRecord, DeletionRecord);

/// The contents of `analysis/predictions.ron`: how `predictions.csv` beside it
/// was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictionsRecord {
    /// [`super::FORMAT`] when the file was written.
    pub format: u32,
    /// Program and version that wrote the file.
    pub program: String,
    /// RFC 3339 time in UTC.
    pub created: String,
    /// The device that made it, in words.
    pub device: String,
    /// The images.
    pub data: DataRecord,
    /// SHA-256 of the weights file.
    #[serde(default)]
    pub weights_hash: Option<String>,
    /// Epoch of the checkpoint that these weights are, where training had not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
    /// Test images, from the first on.
    pub examples: usize,
    /// The files beside it; filled when it is written, checked and emptied when it is read.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub parts: Parts,
}

impl Versioned for PredictionsRecord {
    fn format(&self) -> u32 {
        self.format
    }
}

/// A run's predictions: `predictions.ron` and `predictions.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictionsAnalysis {
    /// How they were made.
    pub record: PredictionsRecord,
    /// What the network predicts.
    pub predictions: Predictions,
}
