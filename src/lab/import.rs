//! A run from a checkpoint, tested on images.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::deletion::NewRun;
use super::{Lab, LabError, Provenance, Watch, records};
use crate::data::DataSource;
use crate::domain::Preset;
use crate::engine::EvaluateRequest;
use crate::model::weights::{Precision, Statistics, model_of, read_network};
use crate::model::{Overrides, write_safetensors};
use crate::runs::{self, RunManifest};
use crate::text::one_line;

/// A checkpoint and what its tensors cannot tell.
#[derive(Debug, Clone)]
pub struct Checkpoint<'a> {
    /// The file.
    pub weights: &'a Path,
    /// Preprocessing and batch norm.
    pub preset: Preset,
    /// What differs from them.
    pub overrides: Overrides,
    /// Which of several networks in the file, by its name there.
    pub key: Option<&'a str>,
}

/// The run that came of a checkpoint.
#[derive(Debug)]
pub struct Imported {
    /// What the run is.
    pub manifest: RunManifest,
    /// Where it was written.
    pub folder: PathBuf,
    /// How images are prepared, where the file itself says so and nothing else was given.
    pub statistics: Option<Statistics>,
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
    ) -> Result<Imported, LabError> {
        let Checkpoint { weights: path, preset, overrides, key } = checkpoint;
        self.store.check_new(&new.name, new.replace)?;
        // opening a pipe would wait for its other end
        if std::fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
            let path = crate::files::shown(path);
            return Err(LabError::Refused(format!("{path}: not a plain file; give a checkpoint")));
        }
        let weights = read_network(path, *key)?;
        let dataset = self.images_at(source, false)?;
        let origin = path.display().to_string();
        let spec = model_of(&weights, &origin, *preset, overrides, dataset.test.shape())?;
        let (outputs, classes) = (spec.network().classes(), dataset.classes.len());
        if outputs != classes {
            return Err(LabError::Refused(format!(
                "{}: its network tells {outputs} classes apart, the images have {classes}; give the images it was trained on",
                one_line(&origin)
            )));
        }
        let given = overrides.mean.is_some() || overrides.std.is_some();
        let statistics = weights.statistics.filter(|_| !given);
        let state = Arc::new(weights.state);
        let source = path.file_name().map(|name| name.to_string_lossy().into_owned());
        // what could not be written is refused before it is tested
        let draft = records::manifest(
            Provenance::now("", dataset.record(1.0), ""),
            &new.name,
            spec.clone(),
        );
        self.store.check_manifest(&RunManifest { source: source.clone(), ..draft })?;
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
            source,
            test: Some(found.test),
            ..records::manifest(from.clone(), &new.name, spec)
        };
        let predictions = records::predictions(from, found.predictions);
        let (name, replace) = (&new.name, new.replace);
        let folder =
            self.store.create_with(name, &manifest, &bytes, Some(&predictions), replace)?;
        Ok(Imported { manifest, folder, statistics })
    }
}
