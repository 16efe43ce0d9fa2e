//! A run from scratch, and one whose training goes on. Its folder is there from the start,
//! with the initial weights; one that is to replace a run lies beside it, as `NAME.new`,
//! until it is complete.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::deletion::NewRun;
use super::plan::FittedTraining;
use super::{Event, Lab, LabError, Provenance, Watch, records};
use crate::data::{DataSource, Dataset};
use crate::domain::record::Recipe;
use crate::engine::{self, EngineError, EpochReport, TrainRequest, TrainState, Trained, memory};
use crate::model::init::initial_state;
use crate::model::weights::Precision;
use crate::model::{read_snapshot, write_safetensors, write_snapshot};
use crate::runs::{
    self, Checkpoint, Happened, Journal, MetricsRow, Owner, RunError, RunId, RunLock, RunManifest,
    RunState, TrainingRecord,
};

/// A run whose training has not ended and can go on.
#[derive(Debug)]
pub struct Unfinished {
    folder: PathBuf,
    manifest: RunManifest,
    recipe: Recipe,
    training: TrainingRecord,
    seed: u64,
}

impl Unfinished {
    /// What the run says about itself.
    pub fn manifest(&self) -> &RunManifest {
        &self.manifest
    }

    /// How it is trained.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// How it is trained beside that.
    pub fn training(&self) -> &TrainingRecord {
        &self.training
    }

    /// Where its images were.
    ///
    /// # Errors
    /// If that was no source.
    pub fn source(&self) -> Result<DataSource, LabError> {
        Ok(self.training.source.parse::<DataSource>()?)
    }
}

/// What a training writes to.
struct Place {
    folder: PathBuf,
    id: RunId,
    own: RunLock,
    journal: Journal,
    /// Whether there is something to go on from.
    learnt: bool,
}

/// How a training begins.
enum Begin {
    /// With a new folder of that name; whether it is to replace a run.
    New(String, bool),
    /// In the folder that is there, behind so many epochs and steps.
    Again(PathBuf, RunLock, (usize, usize)),
}

impl Lab {
    /// Trains a network on the images of `dataset`, which the plan was fitted to.
    ///
    /// # Errors
    /// If anything cannot be written or training diverges; what was written stays.
    pub fn train(
        &self,
        plan: FittedTraining,
        dataset: Arc<Dataset>,
        new: &NewRun,
        watch: &mut Watch<'_>,
    ) -> Result<(RunManifest, PathBuf), LabError> {
        let FittedTraining { spec, recipe, fraction, seed, training } = plan;
        self.store.check_new(&new.name, new.replace)?;
        let place = self.store.root().join(&new.name);
        let replaces = place.symlink_metadata().is_ok();
        let mut replaced = None;
        let name = match replaces {
            true => {
                replaced = Some(self.store.work_on(&place)?);
                self.beside(&new.name)?
            }
            false => new.name.clone(),
        };
        let from = Provenance::now("", dataset.record(fraction), "");
        let manifest = records::training(from, &new.name, spec, recipe, (seed, training));
        let run = self.described(self.store.root().join(&name), manifest)?;
        self.carry(run, dataset, None, Begin::New(name, replaces), replaced, watch)
    }

    /// The run of that name whose training has not ended: itself, or the one that is to
    /// replace it.
    ///
    /// # Errors
    /// If there is none, it is complete, or it was trained by a version that left too little.
    pub fn unfinished(&self, name: &str) -> Result<Unfinished, LabError> {
        let beside = RunId::Disk(self.store.root().join(runs::beside(name)));
        let open = |manifest: &RunManifest| manifest.state != RunState::Complete;
        let id = match self.store.manifest(&beside) {
            Ok(manifest) if open(&manifest) && manifest.name == name => beside,
            _ => self.store.resolve(name)?,
        };
        let manifest = self.store.manifest(&id)?;
        let RunId::Disk(folder) = id else {
            return Err(LabError::refused(format!("{name} is complete: nothing is left to train")));
        };
        if !open(&manifest) {
            // of one that was killed when nothing was left but this
            let _ = runs::remove_newest(&folder);
            return Err(LabError::refused(format!("{name} is complete: nothing is left to train")));
        }
        self.described(folder, manifest)
    }

    fn described(&self, folder: PathBuf, manifest: RunManifest) -> Result<Unfinished, LabError> {
        match (manifest.recipe.clone(), manifest.training.clone(), manifest.seed) {
            (Some(recipe), Some(training), Some(seed)) => {
                Ok(Unfinished { folder, manifest, recipe, training, seed })
            }
            _ => Err(LabError::refused(format!(
                "{} does not say how its training goes on (an older version began it); train it again with --force",
                manifest.name
            ))),
        }
    }

    /// Goes on with a training on the images of `dataset`, from its newest complete
    /// checkpoint, or from the start if it has left none.
    ///
    /// # Errors
    /// If these are not its images, another process trains it, or as [`Lab::train`].
    pub fn resume(
        &self,
        run: Unfinished,
        dataset: Arc<Dataset>,
        watch: &mut Watch<'_>,
    ) -> Result<(RunManifest, PathBuf), LabError> {
        let name = run.manifest.name.clone();
        let recorded = [&run.manifest.data.fingerprint, &run.training.fingerprint];
        let given = [&dataset.fingerprint, dataset.train_fingerprint.as_ref().unwrap_or(&name)];
        if recorded != given {
            return Err(LabError::refused(format!(
                "{} holds other images than those that {name} is trained on, so its training does not go on",
                dataset.source
            )));
        }
        let place = self.store.root().join(&name);
        let replaces = run.folder != place && place.symlink_metadata().is_ok();
        let replaced = replaces.then(|| self.store.work_on(&place)).transpose()?;
        let own = self.store.work_on(&run.folder)?;
        // it may have gone on, or ended, meanwhile
        let id = RunId::Disk(run.folder.clone());
        if self.store.manifest(&id)?.state == RunState::Complete {
            return Err(LabError::refused(format!("{name} is complete: nothing is left to train")));
        }
        self.store.sweep(Some(&id));
        let from = match runs::read_newest(&run.folder)? {
            None => None,
            Some(Checkpoint { at, tensors }) => {
                let origin = run.folder.join("checkpoints/newest");
                let tensors = read_snapshot(&tensors, &crate::files::shown(&origin))?;
                Some(Box::new(TrainState { at, tensors }))
            }
        };
        let stands = from.as_ref().map_or((0, 0), |from| (from.at.epoch, from.at.step));
        let again = Begin::Again(run.folder.clone(), own, stands);
        self.carry(run, dataset, from, again, replaced, watch)
    }

    /// Trains to the end, and writes all that is told on the way.
    fn carry(
        &self,
        run: Unfinished,
        dataset: Arc<Dataset>,
        from: Option<Box<TrainState>>,
        begin: Begin,
        replaced: Option<RunLock>,
        watch: &mut Watch<'_>,
    ) -> Result<(RunManifest, PathBuf), LabError> {
        let Unfinished { folder, mut manifest, recipe, training, seed } = run;
        let (spec, epochs) = (manifest.model.clone(), recipe.epochs);
        let precision = if training.f16 { Precision::F16 } else { Precision::F32 };
        let network = Arc::new(spec.network());
        let every = Duration::try_from_secs_f64(60.0 * training.checkpoint_minutes).ok();
        let request = TrainRequest {
            network: Arc::clone(&network),
            subset: dataset.balanced_subset(manifest.data.fraction)?,
            labels: dataset.train.labels().to_vec(),
            held_out: None,
            data: dataset,
            recipe,
            seed,
            report_every: training.checkpoint_every,
            snapshot_every: every.filter(|every| !every.is_zero()),
            precision,
            from,
        };
        // the initial weights are made beside the file of them
        let needed = network.parameter_bytes().saturating_mul(2);
        if let Err(free) = memory::check(needed) {
            let what = format!("training {}", network.title());
            return Err(EngineError::Memory { what, needed, free }.into());
        }
        let job = self.submit("training", request, watch)?;
        let (mut begin, mut place) = (Some(begin), None::<Place>);
        let trained = job.follow(|event| -> Result<(), LabError> {
            if let engine::Event::Device(label) = &event {
                watch.tell(Event::Device(label.clone()));
                if !manifest.device.ends_with(label.as_str()) {
                    let before = std::mem::take(&mut manifest.device);
                    let then = if before.is_empty() { "" } else { ", then " };
                    manifest.device = format!("{before}{then}{label}");
                }
                let Some(begin) = begin.take() else { return Ok(()) };
                let initial =
                    || write_safetensors(&initial_state(&network, seed), &spec, precision);
                place = Some(self.begin(begin, &folder, &manifest, initial)?);
                return Ok(());
            }
            let Some(Place { folder, id, journal, learnt, .. }) = &mut place else {
                watch.tell(Event::from(event));
                return Ok(());
            };
            match event {
                engine::Event::Epoch(mut report) => {
                    *learnt = true;
                    let state = report.state.take();
                    watch.tell(Event::Epoch(report.clone()));
                    let row = metrics_row(&report);
                    runs::append_metrics(folder, &row)?;
                    journal.tell(Happened::Epoch(row))?;
                    if let Some(state) = state {
                        let bytes = write_safetensors(&state, &spec, Precision::F32)?;
                        runs::write_checkpoint(folder, report.epoch, &bytes)?;
                        manifest.state = RunState::Training { epoch: report.epoch, epochs };
                        manifest.weights_hash = Some(runs::hash::sha256_hex(&bytes));
                        self.store.write_manifest(id, &manifest)?;
                    }
                }
                engine::Event::Snapshot(state) => {
                    let TrainState { at, tensors } = *state;
                    let tensors = write_snapshot(&tensors)?;
                    runs::write_newest(folder, Checkpoint { at, tensors })?;
                    *learnt = true;
                    journal.tell(Happened::Checkpoint { epoch: at.epoch, step: at.step })?;
                    watch.tell(Event::Checkpoint(at));
                }
                other => watch.tell(Event::from(other)),
            }
            Ok(())
        });
        let ended = match (trained, &place) {
            (Ok(trained), Some(Place { id, .. })) => {
                self.finish(id, &mut manifest, (&spec, precision), trained)
            }
            (Ok(_), None) => return Err(EngineError::Panic("it never began".into()).into()),
            (Err(error), _) => Err(error),
        };
        let Some(mut place) = place else { return ended.map(|_| (manifest, folder)) };
        let seconds = match ended {
            Err(error) => {
                // with nothing learnt it is no run
                if !place.learnt {
                    self.store.discard(&place.folder, place.own)?;
                    return Err(error);
                }
                // what failed may be the disk that this would be written to
                let _ = place.journal.tell(happened(&error, watch));
                return Err(error);
            }
            Ok(seconds) => seconds,
        };
        // the run is complete whether or not there is room to say so
        let _ = place.journal.tell(Happened::Ended { seconds });
        let _ = runs::remove_newest(&place.folder);
        if replaced.is_none() {
            return Ok((manifest, place.folder));
        }
        let name = place.id.name();
        let folder = self.store.replace(&name, &manifest.name)?;
        place.own.moved(&folder);
        Ok((manifest, folder))
    }

    /// Makes the folder of a new run, or one ready to go on, and says so in its journal.
    fn begin(
        &self,
        begin: Begin,
        folder: &std::path::Path,
        manifest: &RunManifest,
        initial: impl FnOnce() -> Result<Vec<u8>, crate::model::WeightsError>,
    ) -> Result<Place, LabError> {
        let owner = Owner::this(manifest.device.rsplit(", then ").next().unwrap_or_default());
        let (own, learnt, happened) = match begin {
            Begin::New(name, replaces) => {
                let (_, own) = self.store.begin(&name, manifest, &initial()?, replaces)?;
                (own, false, Happened::Started(owner))
            }
            Begin::Again(folder, own, (epoch, step)) => {
                runs::cut_metrics(&folder, epoch)?;
                self.store.write_manifest(&RunId::Disk(folder), manifest)?;
                (own, true, Happened::Resumed { owner, epoch, step })
            }
        };
        let mut journal = Journal::open(folder)?;
        journal.tell(happened)?;
        let folder = folder.to_path_buf();
        Ok(Place { id: RunId::Disk(folder.clone()), folder, own, journal, learnt })
    }

    /// Writes what a training gave; the run is complete then. Returns the seconds it took.
    fn finish(
        &self,
        id: &RunId,
        manifest: &mut RunManifest,
        (spec, precision): (&crate::domain::ModelSpec, Precision),
        trained: Trained,
    ) -> Result<f64, LabError> {
        let bytes = write_safetensors(&trained.state, spec, precision)?;
        let hash = runs::hash::sha256_hex(&bytes);
        manifest.state = RunState::Complete;
        manifest.weights_hash = Some(hash.clone());
        manifest.test = Some(trained.test);
        if let Some(training) = &mut manifest.training {
            training.best = trained.best;
        }
        self.store.write_weights(id, &bytes)?;
        let from = Provenance::now(trained.device, manifest.data.clone(), hash);
        let predictions = records::predictions(from, trained.predictions);
        self.store.write_predictions(id, &predictions)?;
        // complete from here on
        self.store.write_manifest(id, manifest)?;
        Ok(trained.seconds)
    }

    /// The name of a run that is to replace the one of that name when it is complete. What
    /// is left of an earlier try has it too, and gives way.
    fn beside(&self, name: &str) -> Result<String, LabError> {
        let beside = runs::beside(name);
        self.store.check_new(&beside, true)?;
        let folder = self.store.root().join(&beside);
        let there = folder.symlink_metadata().is_ok();
        match self.store.manifest(&RunId::Disk(folder.clone())) {
            Ok(manifest) if manifest.state != RunState::Complete => Ok(beside),
            // that is somebody's
            _ if there => Err(RunError::Exists(folder).into()),
            _ => Ok(beside),
        }
    }
}

/// Why a training has not come to its end, for its journal.
fn happened(error: &LabError, watch: &Watch<'_>) -> Happened {
    match error {
        LabError::Cancelled => Happened::Stopped { signal: watch.cancelled_by().map(Into::into) },
        LabError::Engine(EngineError::Diverged { epoch, step }) => {
            Happened::Diverged { epoch: *epoch, step: *step }
        }
        other => Happened::Failed { why: crate::text::one_line(&other.to_string()) },
    }
}

fn metrics_row(report: &EpochReport) -> MetricsRow {
    MetricsRow {
        epoch: report.epoch,
        step: report.step,
        lr: report.learning_rate,
        train_loss: report.train_loss,
        train_accuracy: report.train_accuracy,
        test_loss: report.test.map(|t| t.loss),
        test_accuracy: report.test.map(|t| t.accuracy()),
        seconds: report.seconds,
        validation_loss: report.validation.map(|t| t.loss),
        validation_accuracy: report.validation.map(|t| t.accuracy()),
    }
}
