//! What a screen asks about a run, one question at a time.

use super::import::Checkpoint;
use super::plan::{AnalysisPlan, DeletionPlan, ProbePlan};
use super::{Event, Lab, LabError, NewRun, Watch};
use crate::data::DataSource;
use crate::domain::plan::SamplePlan;
use crate::domain::probes::Effort;
use crate::domain::record::Sample;
use crate::domain::{Bypass, MapKey, Preset};
use crate::files::browse::expand;
use crate::model::Overrides;
use crate::runs::RunId;

/// What to know of a run: its map and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// Test images of the map, drawn at random; all if `None`.
    pub examples: Option<usize>,
    /// Images of a batch.
    pub batch: usize,
    /// Whether first components are wanted.
    pub components: bool,
    /// How much the linear probes are trained, if they are wanted.
    pub probes: Option<Effort>,
    /// Where the images are, as an option says it; those of the session if `None`.
    pub data: Option<String>,
}

impl Default for Analysis {
    fn default() -> Analysis {
        Analysis { examples: None, batch: 256, components: true, probes: None, data: None }
    }
}

/// A checkpoint to make a run of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointFile {
    /// The file, as it was typed; `~/` is the home folder.
    pub file: String,
    /// Where the test images are, as an option says it; those of the session if `None`.
    pub data: Option<String>,
    /// The new run's name.
    pub name: String,
    /// What the tensors cannot tell.
    pub preset: Preset,
    /// Which of several networks in the file.
    pub key: Option<String>,
}

impl Default for CheckpointFile {
    fn default() -> CheckpointFile {
        let (file, name) = (String::new(), String::new());
        CheckpointFile { file, data: None, name, preset: Preset::He, key: None }
    }
}

/// What to compute about a run.
#[derive(Debug, Clone, PartialEq)]
pub enum JobKind {
    /// Accuracy without some blocks: first on the first 512 test images, then
    /// on all.
    Evaluate(Bypass),
    /// Accuracy without each block that can be deleted, one at a time.
    Lesions,
    /// Accuracy of a stage pruned backwards from its end, one block more at a
    /// time.
    Sweep(usize),
    /// The map, and what else is wanted with it.
    Analyze(Analysis),
    /// A run of a checkpoint, tested on images; it is the run that is asked about.
    Import(CheckpointFile),
    /// The network without some blocks as a run of that name, or, where the name is that of
    /// a `.safetensors` file, as its weights.
    Cut(Bypass, String),
    /// The CKA map without some blocks, over the images of the run's own map.
    Map(Bypass),
    /// CKA between the layers of the run and of another one, over the images of
    /// the run's own map.
    Cross(RunId),
}

impl Lab {
    /// Computes what is asked, tells it, and keeps it.
    ///
    /// # Errors
    /// [`LabError`], when everything that could be told was.
    pub fn answer(
        &self,
        run: &RunId,
        kind: &JobKind,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let chosen = |deleted: &Bypass| (!deleted.is_empty()).then(|| deleted.clone());
        let plan = match kind {
            JobKind::Cross(other) => return self.cross(run, other, watch),
            JobKind::Map(deleted) => {
                let whole = self.store.map(run, &MapKey::cka())?;
                let whole = whole.ok_or(LabError::refused("this run has no map yet"))?;
                return self.pruned_map(&*self.subject(run)?, &whole, deleted, watch).map(|_| ());
            }
            JobKind::Analyze(wanted) => return self.analyze_as_asked(run, wanted, watch),
            JobKind::Import(file) => return self.import_as_asked(file, watch),
            JobKind::Cut(deleted, name) => return self.save_cut(run, deleted, name, watch),
            JobKind::Evaluate(deleted) => {
                DeletionPlan { chosen: chosen(deleted), ..DeletionPlan::default() }
            }
            JobKind::Lesions => DeletionPlan { lesions: true, ..DeletionPlan::default() },
            JobKind::Sweep(stage) => {
                DeletionPlan { sweeps: vec![*stage], ..DeletionPlan::default() }
            }
        };
        let subject = self.subject(run)?;
        let plan = DeletionPlan { quick: true, ..plan };
        let plan = plan.check(&subject.network)?;
        let own = &subject.manifest.data.fingerprint;
        let dataset = self.images_of(&subject.manifest, own)?;
        self.delete(&subject, &dataset, plan, watch).map(|_| ())
    }

    fn import_as_asked(
        &self,
        wanted: &CheckpointFile,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let source = match (&wanted.data, &self.given().source) {
            (Some(text), _) => text.parse()?,
            (None, Some(source)) => source.clone(),
            (None, None) => {
                let says = "no images to test it on were named; give the test images";
                return Err(LabError::refused(says));
            }
        };
        let checkpoint = Checkpoint {
            weights: &expand(&wanted.file),
            preset: wanted.preset,
            overrides: Overrides::default(),
            key: wanted.key.as_deref(),
        };
        let new = NewRun { name: wanted.name.clone(), replace: false };
        self.store().sweep(None);
        let manifest = self.import(&checkpoint, &source, &new, watch)?.manifest;
        let test = manifest.test.map_or(f64::NAN, |test| 100.0 * test.accuracy());
        let (name, model) = (&wanted.name, manifest.model.title());
        watch.tell(Event::Note(format!("imported {name}: {model}, test {test:.1} %")));
        Ok(())
    }

    fn analyze_as_asked(
        &self,
        run: &RunId,
        wanted: &Analysis,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let subject = self.subject(run)?;
        let training = wanted.probes.is_some();
        let dataset = match &wanted.data {
            Some(text) => {
                let source: DataSource = text.parse()?;
                self.images_at(&source, training)?
            }
            None => self.images_for(&subject.manifest, training)?,
        };
        let probes = wanted.probes.map(|effort| ProbePlan { effort, ..ProbePlan::default() });
        let (examples, batch) = (wanted.examples, wanted.batch);
        let plan = AnalysisPlan {
            sample: SamplePlan { examples, batch, passes: 1, sample: Sample::Random, seed: 0 },
            map: true,
            suite: (!wanted.components).then_some(0),
            predictions: true,
            probes,
        };
        let plan = plan.check(&subject, &dataset)?;
        self.analyze(&subject, &dataset, plan, watch).map(|_| ())
    }
}
