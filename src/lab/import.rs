//! A run from a checkpoint, tested on images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::deletion::NewRun;
use super::{Lab, LabError, Provenance, Watch, records};
use crate::data::DataSource;
use crate::domain::Preset;
use crate::engine::EvaluateRequest;
use crate::model::weights::{Precision, model_of};
use crate::model::{Overrides, read_weights, write_safetensors};
use crate::runs::{self, RunId, RunManifest};

/// A checkpoint and what its tensors cannot tell.
#[derive(Debug, Clone)]
pub struct Checkpoint<'a> {
    /// The file.
    pub weights: &'a Path,
    /// Preprocessing and batch norm.
    pub preset: Preset,
    /// What differs from them.
    pub overrides: Overrides,
}

impl Lab {
    /// Makes a run of a checkpoint and tests it on the images of `source`.
    ///
    /// # Errors
    /// If the name is taken, or anything cannot be read, run or written.
    pub fn import(
        &self,
        checkpoint: &Checkpoint<'_>,
        source: &DataSource,
        new: &NewRun,
        watch: &mut Watch<'_>,
    ) -> Result<(RunManifest, PathBuf), LabError> {
        let Checkpoint { weights: path, preset, overrides } = checkpoint;
        self.store.check_new(&new.name, new.replace)?;
        let weights = read_weights(path)?;
        let dataset = self.images_at(source, false)?;
        let origin = path.display().to_string();
        let spec = model_of(&weights, &origin, *preset, overrides, dataset.test.shape())?;
        let state = Arc::new(weights.state);
        let request = EvaluateRequest {
            network: Arc::new(spec.network()),
            state: Arc::clone(&state),
            images: Arc::clone(&dataset.test),
        };
        let found = self.run("testing", request, watch)?;
        let bytes = write_safetensors(&state, &spec, Precision::F32)?;
        let hash = runs::hash::sha256_hex(&bytes);
        let from = Provenance::now(found.device, dataset.record(1.0), hash);
        let manifest = RunManifest {
            source: path.file_name().map(|name| name.to_string_lossy().into_owned()),
            test: Some(found.test),
            ..records::manifest(from.clone(), &new.name, spec)
        };
        let folder = self.store.create(&new.name, &manifest, &bytes, new.replace)?;
        let predictions = records::predictions(from, found.predictions);
        self.store.write_predictions(&RunId::Disk(folder.clone()), &predictions)?;
        Ok((manifest, folder))
    }
}
