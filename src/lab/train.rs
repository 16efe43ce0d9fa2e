//! A run from scratch. Its folder is there from the start, with the initial weights; one
//! that is to replace a run lies beside it, as `NAME.new`, until it is complete.

use std::path::PathBuf;

use super::deletion::NewRun;
use super::plan::FittedTraining;
use super::{Event, Lab, LabError, Provenance, Watch, records};
use crate::data::Dataset;
use crate::engine::{self, EngineError, EpochReport, TrainRequest, memory};
use crate::model::init::initial_state;
use crate::model::weights::Precision;
use crate::model::write_safetensors;
use crate::runs::{self, MetricsRow, RunError, RunId, RunManifest, RunState};

use std::sync::Arc;

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
        let FittedTraining { spec, subset, recipe, fraction, seed, checkpoint_every, precision } =
            plan;
        let epochs = recipe.epochs;
        let network = Arc::new(spec.network());
        self.store.check_new(&new.name, new.replace)?;
        let place = self.store.root().join(&new.name);
        let replaces = place.symlink_metadata().is_ok();
        let (mut replaced, mut own) = (None, None);
        let name = match replaces {
            true => {
                replaced = Some(self.store.work_on(&place)?);
                self.beside(&new.name)?
            }
            false => new.name.clone(),
        };
        let folder = self.store.root().join(&name);
        let id = RunId::Disk(folder.clone());
        let from = Provenance::now("", dataset.record(fraction), "");
        let mut manifest =
            records::training(from.clone(), &new.name, spec.clone(), recipe.clone(), seed);
        let request = TrainRequest {
            network: Arc::clone(&network),
            data: dataset,
            subset,
            recipe,
            seed,
            report_every: checkpoint_every,
            precision,
        };
        // the initial weights are made beside the file of them
        let needed = network.parameter_bytes().saturating_mul(2);
        if let Err(free) = memory::check(needed) {
            let what = format!("training {}", network.title());
            return Err(EngineError::Memory { what, needed, free }.into());
        }
        let job = self.submit("training", request, watch)?;
        let mut epochs_done = false;
        let trained = job.follow(|event| -> Result<(), LabError> {
            match event {
                engine::Event::Device(label) => {
                    watch.tell(Event::Device(label.clone()));
                    manifest.device = label;
                    let initial =
                        write_safetensors(&initial_state(&network, seed), &spec, precision)?;
                    own = Some(self.store.begin(&name, &manifest, &initial, replaces)?.1);
                }
                engine::Event::Epoch(mut report) => {
                    epochs_done = true;
                    let state = report.state.take();
                    watch.tell(Event::Epoch(report.clone()));
                    runs::append_metrics(&folder, &metrics_row(&report))?;
                    if let Some(state) = state {
                        let bytes = write_safetensors(&state, &spec, Precision::F32)?;
                        runs::write_checkpoint(&folder, report.epoch, &bytes)?;
                        manifest.state = RunState::Training { epoch: report.epoch, epochs };
                        manifest.weights_hash = Some(runs::hash::sha256_hex(&bytes));
                        self.store.write_manifest(&id, &manifest)?;
                    }
                }
                other => watch.tell(Event::from(other)),
            }
            Ok(())
        });
        let trained = match trained {
            Err(error) => {
                // with nothing learnt it is no run
                if let Some(own) = own.filter(|_| !epochs_done) {
                    self.store.discard(&folder, own)?;
                }
                return Err(error);
            }
            Ok(trained) => trained,
        };
        let bytes = write_safetensors(&trained.state, &spec, precision)?;
        let hash = runs::hash::sha256_hex(&bytes);
        manifest.state = RunState::Complete;
        manifest.weights_hash = Some(hash.clone());
        manifest.test = Some(trained.test);
        self.store.write_weights(&id, &bytes)?;
        let from = Provenance::now(trained.device, from.data, hash);
        let predictions = records::predictions(from, trained.predictions);
        self.store.write_predictions(&id, &predictions)?;
        // complete from here on
        self.store.write_manifest(&id, &manifest)?;
        if replaced.is_none() {
            return Ok((manifest, folder));
        }
        let folder = self.store.replace(&name, &new.name)?;
        if let Some(own) = &mut own {
            own.moved(&folder);
        }
        Ok((manifest, folder))
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
    }
}
