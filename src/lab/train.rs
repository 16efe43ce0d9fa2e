//! A run from scratch. Its folder is there from the start, with the initial weights.

use std::path::PathBuf;

use super::deletion::NewRun;
use super::plan::FittedTraining;
use super::{Event, Lab, LabError, Provenance, Watch, records};
use crate::data::Dataset;
use crate::engine::{self, EpochReport, TrainRequest};
use crate::model::init::initial_state;
use crate::model::weights::Precision;
use crate::model::write_safetensors;
use crate::runs::{self, MetricsRow, RunId, RunManifest, RunState};

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
        let folder = self.store.root().join(&new.name);
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
        let job = self.submit("training", request, watch)?;
        let trained = job.follow(|event| -> Result<(), LabError> {
            match event {
                engine::Event::Device(label) => {
                    watch.tell(Event::Device(label.clone()));
                    manifest.device = label;
                    let initial =
                        write_safetensors(&initial_state(&network, seed), &spec, precision)?;
                    self.store.create(&new.name, &manifest, &initial, new.replace)?;
                }
                engine::Event::Epoch(mut report) => {
                    let state = report.state.take();
                    watch.tell(Event::Epoch(report.clone()));
                    runs::append_metrics(&folder, &metrics_row(&report))?;
                    if let Some(state) = state {
                        let bytes = write_safetensors(&state, &spec, Precision::F32)?;
                        let file = format!("epoch-{:04}.safetensors", report.epoch);
                        runs::write_checkpoint(&folder, &file, &bytes)?;
                        manifest.state = RunState::Training { epoch: report.epoch, epochs };
                        self.store.write_manifest(&id, &manifest)?;
                    }
                }
                other => watch.tell(Event::from(other)),
            }
            Ok(())
        })?;
        let bytes = write_safetensors(&trained.state, &spec, precision)?;
        let hash = runs::hash::sha256_hex(&bytes);
        manifest.state = RunState::Complete;
        manifest.weights_hash = Some(hash.clone());
        manifest.test = Some(trained.test);
        self.store.write_weights(&id, &bytes)?;
        self.store.write_manifest(&id, &manifest)?;
        let from = Provenance::now(trained.device, from.data, hash);
        let predictions = records::predictions(from, trained.predictions);
        self.store.write_predictions(&id, &predictions)?;
        Ok((manifest, folder))
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
