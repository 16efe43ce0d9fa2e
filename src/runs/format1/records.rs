//! The records of maps as format 1 wrote them, one struct for each kind of map, and what
//! they are now. Read only: this program writes none of them.

use serde::Deserialize;

use crate::domain::measure;
use crate::domain::record::{DataRecord, Provenance, Sample, Seconds};
use crate::domain::{
    Bypass, EstimatorId, Layer, MapKey, MapPlan, MapRecord, ModelSpec, Side, Without,
};
use crate::runs::layout::Versioned;

/// The contents of `analysis/analysis.ron`: how the arrays beside it were made.
#[derive(Debug, Deserialize)]
pub(super) struct AnalysisRecord {
    /// Format when the file was written.
    pub(super) format: u32,
    /// Program and version that wrote the file.
    pub(super) program: String,
    /// RFC 3339 time in UTC.
    pub(super) created: String,
    /// The device that made it, in words.
    pub(super) device: String,
    /// The images.
    pub(super) data: DataRecord,
    /// SHA-256 of the weights file that was analysed.
    #[serde(default)]
    pub(super) weights_hash: Option<String>,
    /// The estimator, in words.
    pub(super) estimator: String,
    /// How batches are weighted: `pairs`.
    pub(super) weighting: String,
    /// Examples per batch.
    pub(super) batch: usize,
    /// Batches that entered the sums, over all passes.
    pub(super) batches: usize,
    /// Distinct examples asked for per pass.
    pub(super) examples: usize,
    /// Examples per pass left out because the last batch held fewer than 4.
    pub(super) dropped: usize,
    /// Passes over the examples.
    pub(super) passes: usize,
    /// How examples were chosen.
    pub(super) sample: Sample,
    /// Seed of the random sample.
    pub(super) seed: u64,
    /// Seconds spent in the forward passes, Gram matrices and pair products.
    pub(super) seconds: Seconds,
    /// The layer list, in the order of the matrix's rows.
    pub(super) layers: Vec<Layer>,
}

/// The contents of `pruned.ron`: how the arrays beside it were made. Their rows are the
/// layers of the whole network; those of deleted blocks are undefined.
#[derive(Debug, Deserialize)]
pub(super) struct PrunedRecord {
    /// Format when the file was written.
    pub(super) format: u32,
    /// Program and version that wrote the file.
    pub(super) program: String,
    /// RFC 3339 time in UTC.
    pub(super) created: String,
    /// The device that made it, in words.
    pub(super) device: String,
    /// The deleted blocks.
    pub(super) deleted: Bypass,
    /// The images.
    pub(super) data: DataRecord,
    /// SHA-256 of the weights file that was pruned.
    #[serde(default)]
    pub(super) weights_hash: Option<String>,
    /// The estimator, in words.
    pub(super) estimator: String,
    /// How batches are weighted: `pairs`.
    pub(super) weighting: String,
    /// Examples per batch.
    pub(super) batch: usize,
    /// Batches that entered the sums, over all passes.
    pub(super) batches: usize,
    /// Distinct examples asked for per pass.
    pub(super) examples: usize,
    /// Examples per pass left out because the last batch held fewer than 4.
    pub(super) dropped: usize,
    /// Passes over the examples.
    pub(super) passes: usize,
    /// How examples were chosen.
    pub(super) sample: Sample,
    /// Seed of the random sample.
    pub(super) seed: u64,
    /// Seconds spent.
    pub(super) seconds: Seconds,
    /// Mean absolute difference to the map of the whole network, over pairs of
    /// different layers that both define; `None` if there was no such map of the same
    /// weights.
    #[serde(default)]
    pub(super) difference: Option<f64>,
}

/// One of the two runs of a comparison.
#[derive(Debug, Deserialize)]
pub(super) struct PairSide {
    /// The run's name when it was compared.
    pub(super) run: String,
    /// SHA-256 of its weights file, in hexadecimal.
    pub(super) weights_hash: String,
    /// The network.
    pub(super) model: ModelSpec,
    /// The layer list, in the order of the matrix's rows or columns.
    pub(super) layers: Vec<Layer>,
}

/// The images of a comparison.
#[derive(Debug, Deserialize)]
pub(super) struct PairImages {
    /// `CIFAR-10`, `shapes`.
    pub(super) title: String,
    /// SHA-256 over class names and test images with their labels.
    pub(super) fingerprint: String,
}

/// The contents of `comparison.ron`: how the arrays beside it were made.
#[derive(Debug, Deserialize)]
pub(super) struct PairRecord {
    /// Format when the file was written.
    pub(super) format: u32,
    /// Program and version that wrote the file.
    pub(super) program: String,
    /// RFC 3339 time in UTC.
    pub(super) created: String,
    /// The device that made it, in words.
    pub(super) device: String,
    /// The run whose layers are the rows.
    pub(super) rows: PairSide,
    /// The run whose layers are the columns.
    pub(super) cols: PairSide,
    /// The images, which both saw.
    pub(super) data: PairImages,
    /// The estimator, in words.
    pub(super) estimator: String,
    /// What the map without first components is, in words, if there is one.
    #[serde(default)]
    pub(super) without_pc1: Option<String>,
    /// Distinct examples asked for per pass.
    pub(super) examples: usize,
    /// Examples per pass left out because the last batch held fewer than 4.
    pub(super) dropped: usize,
    /// Examples per batch.
    pub(super) batch: usize,
    /// Batches that entered the sums, over all passes.
    pub(super) batches: usize,
    /// Passes over the examples.
    pub(super) passes: usize,
    /// How examples were chosen.
    pub(super) sample: Sample,
    /// Seed of the random sample.
    pub(super) seed: u64,
    /// Seconds of the request that made it, which may have made other pairs too.
    pub(super) seconds: Seconds,
}

impl Versioned for AnalysisRecord {
    fn format(&self) -> u32 {
        self.format
    }
}

impl Versioned for PrunedRecord {
    fn format(&self) -> u32 {
        self.format
    }
}

impl Versioned for PairRecord {
    fn format(&self) -> u32 {
        self.format
    }
}

impl AnalysisRecord {
    /// The record of the main map of the run of that name.
    pub(super) fn into_map(self, run: &str) -> MapRecord {
        MapRecord {
            provenance: Provenance {
                program: self.program,
                created: self.created,
                device: self.device,
            },
            data: self.data,
            rows: Side {
                run: run.to_string(),
                weights_hash: self.weights_hash,
                checkpoint: None,
                model: None,
                layers: self.layers,
                not_finite: Vec::new(),
            },
            cols: None,
            plan: MapPlan {
                examples: self.examples,
                dropped: self.dropped,
                batch: self.batch,
                batches: self.batches,
                passes: self.passes,
                sample: self.sample,
                seed: self.seed,
            },
            weighting: self.weighting,
            seconds: self.seconds,
            estimator: EstimatorId::from_sentence(&self.estimator),
            left_out: None,
            difference: None,
        }
    }
}

impl PrunedRecord {
    /// The record of a map without blocks of the run of that name and those layers.
    pub(super) fn into_map(self, run: &str, layers: Vec<Layer>) -> MapRecord {
        MapRecord {
            provenance: Provenance {
                program: self.program,
                created: self.created,
                device: self.device,
            },
            data: self.data,
            rows: Side {
                run: run.to_string(),
                weights_hash: self.weights_hash,
                checkpoint: None,
                model: None,
                layers,
                not_finite: Vec::new(),
            },
            cols: None,
            plan: MapPlan {
                examples: self.examples,
                dropped: self.dropped,
                batch: self.batch,
                batches: self.batches,
                passes: self.passes,
                sample: self.sample,
                seed: self.seed,
            },
            weighting: self.weighting,
            seconds: self.seconds,
            estimator: EstimatorId::from_sentence(&self.estimator),
            left_out: None,
            difference: self.difference,
        }
    }
}

impl PairSide {
    fn into_side(self) -> Side {
        Side {
            run: self.run,
            weights_hash: Some(self.weights_hash),
            checkpoint: None,
            model: Some(self.model),
            layers: self.layers,
            not_finite: Vec::new(),
        }
    }
}

impl PairRecord {
    /// The keys and records of its maps: CKA, and CKA without first components if it
    /// was asked for.
    pub(super) fn into_maps(self) -> ((MapKey, MapRecord), Option<(MapKey, MapRecord)>) {
        let record = MapRecord {
            provenance: Provenance {
                program: self.program,
                created: self.created,
                device: self.device,
            },
            // the title and the fingerprint are all that was kept of the images
            data: DataRecord {
                source: self.data.title,
                classes: Vec::new(),
                train_examples: 0,
                test_examples: 0,
                fraction: 1.0,
                fingerprint: self.data.fingerprint,
            },
            rows: self.rows.into_side(),
            cols: Some(self.cols.into_side()),
            plan: MapPlan {
                examples: self.examples,
                dropped: self.dropped,
                batch: self.batch,
                batches: self.batches,
                passes: self.passes,
                sample: self.sample,
                seed: self.seed,
            },
            weighting: measure::CKA.adds.name().into(),
            seconds: self.seconds,
            estimator: EstimatorId::from_sentence(&self.estimator),
            left_out: None,
            difference: None,
        };
        let key = |without| MapKey::between(&measure::CKA, without);
        let without = self.without_pc1.map(|sentence| {
            let estimator = EstimatorId::from_sentence(&sentence);
            (key(Without::FirstComponent), MapRecord { estimator, ..record.clone() })
        });
        ((key(Without::Nothing), record), without)
    }
}
