//! What is wanted of an experiment, and the same checked: an experiment takes only the
//! latter, so nothing is computed, read or copied for a plan that cannot be carried out.

use crate::data::{Dataset, augment};
use crate::domain::plan::{Quantity, SamplePlan, SuitePlan};
use crate::domain::probes::{Effort, balanced};
use crate::domain::record::{DataRecord, Recipe};
use crate::domain::{Bypass, ModelSpec, Network, Preset};
use crate::domain::{Map, MapPlan, MapRecord};
use crate::engine::ProbeRecipe;
use crate::engine::deletion::{Variant, baseline, lesions, sweep};
use crate::engine::train::unfilled;
use crate::model::weights::Precision;
use crate::runs::{LoadedRun, TrainingRecord};

use super::{LabError, Subject};

/// Images of the first-component suite unless told otherwise.
pub const SUITE_EXAMPLES: usize = 1_024;
/// Share of the examples that counts as dominant (the follow-up paper's 1 %).
const DOMINANT_SHARE: f64 = 0.01;
/// Components whose share of variance is kept.
const COMPONENTS: usize = 5;
/// Weight of the step before in the next one.
const MOMENTUM: f64 = 0.9;

/// What to know of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalysisPlan {
    /// The map's images; components are of the same sample.
    pub sample: SamplePlan,
    /// Whether the map is wanted.
    pub map: bool,
    /// Images of the first-component suite, 0 for none; as many as usual if `None`.
    pub suite: Option<usize>,
    /// Whether predictions are wanted, if they are not there yet.
    pub predictions: bool,
    /// Probes, if they are wanted.
    pub probes: Option<ProbePlan>,
}

/// How to probe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProbePlan {
    /// What counts where nothing else is said.
    pub effort: Effort,
    /// Passes over the training images.
    pub epochs: Option<usize>,
    /// Training images.
    pub images: Option<Images>,
    /// Seed of all that is drawn.
    pub seed: u64,
}

/// How many images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Images {
    /// As many as there are.
    All,
    /// So many.
    Count(usize),
}

/// An [`AnalysisPlan`] that can be carried out over the images it was checked for.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedAnalysis {
    pub(super) sample: SamplePlan,
    pub(super) map: bool,
    pub(super) suite: Option<SuitePlan>,
    /// Why the suite is not among it, where nobody has said so.
    pub(super) left_out: Option<String>,
    pub(super) predictions: bool,
    pub(super) probes: Option<CheckedProbes>,
}

/// A [`ProbePlan`] that can be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedProbes {
    pub(super) recipe: ProbeRecipe,
    pub(super) subset: Vec<u32>,
    pub(super) data: DataRecord,
}

impl AnalysisPlan {
    /// Checks the plan for a run over the images of `dataset`.
    ///
    /// # Errors
    /// [`LabError::Unfit`] or [`LabError::Refused`].
    pub fn check(self, subject: &Subject, dataset: &Dataset) -> Result<CheckedAnalysis, LabError> {
        let available = dataset.test.len();
        let probes = match self.probes {
            Some(plan) => Some(plan.check(subject, dataset)?),
            None => None,
        };
        let mut left_out = None;
        let suite = match self.suite {
            Some(0) => None,
            wanted => {
                let plan = SuitePlan {
                    examples: wanted.unwrap_or(SUITE_EXAMPLES.min(available)),
                    components: COMPONENTS,
                    dominant_share: DOMINANT_SHARE,
                };
                match plan.check(available) {
                    Ok(()) => Some(plan),
                    Err(unfit) if wanted.is_some() => return Err(unfit.into()),
                    // nobody asked for it by name
                    Err(_) => {
                        left_out = Some(format!(
                            "no first components: {available} images are too few for them"
                        ));
                        None
                    }
                }
            }
        };
        if self.map {
            self.sample.check(available)?;
        }
        let AnalysisPlan { sample, map, predictions, .. } = self;
        Ok(CheckedAnalysis { sample, map, suite, left_out, predictions, probes })
    }
}

impl ProbePlan {
    /// Checks that `dataset` can train the probes of a run.
    ///
    /// # Errors
    /// One line if the images are not the run's own, there are no training images or too
    /// few, or the recipe makes no sense.
    fn check(self, subject: &Subject, dataset: &Dataset) -> Result<CheckedProbes, LabError> {
        let mut recipe = ProbeRecipe { seed: self.seed, ..ProbeRecipe::default() };
        recipe.epochs = self.epochs.unwrap_or(self.effort.epochs());
        recipe.check()?;
        let own = &subject.manifest.data;
        if dataset.fingerprint != own.fingerprint {
            let digest = |text: &str| text.chars().take(12).collect::<String>();
            return Err(LabError::refused(format!(
                "{}: these are not the images of {} (it has {} {}, these are {} {}); probes need the data it was trained on",
                dataset.source,
                subject.name(),
                own.source,
                digest(&own.fingerprint),
                dataset.source.kind(),
                digest(&dataset.fingerprint)
            )));
        }
        let mut subset = dataset.balanced_subset(own.fraction)?;
        let available = subset.len();
        let count = match self.images {
            None => self.effort.images(available),
            Some(Images::All) => available,
            Some(Images::Count(count)) => count,
        };
        if count > available {
            let says = format!(" {count}: the run has only {available} training images");
            return Err(Quantity::ProbeImages.unfit(says).into());
        }
        if count < available {
            subset = balanced(&subset, dataset.train.labels(), count);
        }
        let classes = dataset.classes.len();
        if subset.len() < 2 * classes {
            return Err(LabError::refused(format!(
                "{} training images are too few for probes of {classes} classes: two of each are needed, one to train and one to choose by",
                subset.len()
            )));
        }
        Ok(CheckedProbes { recipe, subset, data: dataset.record(own.fraction) })
    }
}

/// The plan of a run's own map, for maps that are laid beside it.
pub fn like(whole: &MapRecord) -> SamplePlan {
    let MapPlan { examples, batch, passes, sample, seed, .. } = whole.plan;
    SamplePlan { examples: Some(examples), batch, passes, sample, seed }
}

/// Which blocks to delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeletionPlan {
    /// Each block alone.
    pub lesions: bool,
    /// These stages, backwards from their end.
    pub sweeps: Vec<usize>,
    /// These blocks together.
    pub chosen: Option<Bypass>,
    /// Test images, from the first on; all if `None`.
    pub examples: Option<usize>,
    /// Whether a first estimate is told on the way.
    pub quick: bool,
}

/// A [`DeletionPlan`] that can be carried out: its sets of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedDeletion {
    pub(super) variants: Vec<Variant>,
    pub(super) examples: Option<usize>,
    pub(super) quick: bool,
}

impl DeletionPlan {
    /// Checks the plan for a network. The whole network is evaluated too: a cost is a
    /// difference on the same images.
    ///
    /// # Errors
    /// [`LabError::Refused`] if a block cannot be deleted, and
    /// [`LabError::NothingToDelete`] if none can.
    pub fn check(self, network: &Network) -> Result<CheckedDeletion, LabError> {
        let mut variants = vec![baseline()];
        let before = variants.len();
        let several = self.lesions || !self.sweeps.is_empty();
        if self.lesions {
            variants.extend(lesions(network));
        }
        variants.extend(self.sweeps.iter().flat_map(|stage| sweep(network, *stage)));
        if let Some(deleted) = self.chosen {
            network.check_deleted(&deleted)?;
            variants.push(Variant::chosen(deleted));
        }
        if variants.len() == before && several {
            let residual = network.blocks().iter().any(|block| block.sum.is_some());
            return Err(LabError::NothingToDelete { residual });
        }
        Ok(CheckedDeletion { variants, examples: self.examples, quick: self.quick })
    }
}

/// The own map of a run, beside which one without some blocks is laid; `fingerprint` is
/// that of the images that were given.
///
/// # Errors
/// [`LabError::OwnMap`] if there is none, or if it is of other images.
pub fn own_map<'a>(run: &'a LoadedRun, fingerprint: &str) -> Result<&'a Map, LabError> {
    match run.cka() {
        Some(whole) if whole.record.data.fingerprint == fingerprint => Ok(whole),
        other => Err(LabError::OwnMap { run: run.id.name(), other_images: other.is_some() }),
    }
}

/// A network to train from scratch.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingPlan {
    /// Network family.
    pub preset: Preset,
    /// Depth 6n+2.
    pub depth: usize,
    /// Channel multiplier.
    pub width: f64,
    /// Whether it has residual connections.
    pub residual: bool,
    /// Share of the training images.
    pub fraction: f64,
    /// Passes over them.
    pub epochs: usize,
    /// Images per step.
    pub batch: usize,
    /// Initial learning rate.
    pub learning_rate: f64,
    /// L2 weight decay on kernels.
    pub weight_decay: f64,
    /// Seed of initial weights, order and augmentation.
    pub seed: u64,
    /// Epochs between checkpoints; 0 for none.
    pub checkpoint_every: usize,
    /// Minutes between complete checkpoints; 0 for none.
    pub checkpoint_minutes: f64,
    /// How weights are stored.
    pub precision: Precision,
}

/// A [`TrainingPlan`] whose numbers are in range, whatever the images.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedTraining(TrainingPlan);

/// A [`CheckedTraining`] for the images that it is trained on.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedTraining {
    pub(super) spec: ModelSpec,
    pub(super) recipe: Recipe,
    pub(super) fraction: f64,
    pub(super) seed: u64,
    pub(super) training: TrainingRecord,
}

impl FittedTraining {
    /// The network that is trained.
    pub fn model(&self) -> &ModelSpec {
        &self.spec
    }
}

impl TrainingPlan {
    /// Checks what can be checked before any image is read.
    ///
    /// # Errors
    /// [`LabError::Unfit`], or [`LabError::Spec`] for a depth or width that no network has.
    pub fn check(self) -> Result<CheckedTraining, LabError> {
        if self.epochs == 0 {
            return Err(Quantity::Epochs.unfit(" 0: at least one epoch is needed").into());
        }
        let rate = self.learning_rate;
        if !(rate > 0.0 && rate.is_finite()) {
            let says = format!(" {rate}: a positive number is needed");
            return Err(Quantity::LearningRate.unfit(says).into());
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            let says = ": zero or a positive number is needed";
            return Err(Quantity::WeightDecay.unfit(says).into());
        }
        let minutes = self.checkpoint_minutes;
        if !(minutes >= 0.0 && minutes.is_finite()) {
            let says = format!(
                "{minutes} minutes between checkpoints: zero or a positive number is needed"
            );
            return Err(LabError::refused(says));
        }
        ModelSpec::new(self.preset, self.depth, self.width, 2, [3, 32, 32])?;
        Ok(CheckedTraining(self))
    }
}

impl CheckedTraining {
    /// Fits the plan to images.
    ///
    /// # Errors
    /// If the network cannot take them, or they do not fill one batch.
    pub fn fit(self, dataset: &Dataset) -> Result<FittedTraining, LabError> {
        let plan = self.0;
        let (classes, shape) = (dataset.classes.len(), dataset.train.shape());
        let mut spec = ModelSpec::new(plan.preset, plan.depth, plan.width, classes, shape)?;
        spec.residual = plan.residual;
        let subset = dataset.balanced_subset(plan.fraction)?;
        if subset.len() < plan.batch || plan.batch == 0 {
            return Err(unfilled(plan.batch, subset.len()).into());
        }
        let recipe = Recipe {
            epochs: plan.epochs,
            batch: plan.batch,
            learning_rate: plan.learning_rate,
            momentum: MOMENTUM,
            weight_decay: plan.weight_decay,
            augmentation: augment::DESCRIPTION.into(),
            ..Recipe::default()
        };
        let training = TrainingRecord {
            source: dataset.source.to_string(),
            fingerprint: dataset.train_fingerprint.clone().unwrap_or_default(),
            checkpoint_every: plan.checkpoint_every,
            checkpoint_minutes: plan.checkpoint_minutes,
            f16: plan.precision == Precision::F16,
            best: None,
        };
        let TrainingPlan { fraction, seed, .. } = plan;
        Ok(FittedTraining { spec, recipe, fraction, seed, training })
    }
}
