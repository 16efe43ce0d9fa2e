//! What deleting residual blocks costs, and networks without blocks as runs of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::plan::CheckedDeletion;
use super::{Event, Lab, LabError, Provenance, Subject, Watch, lock, records};
use crate::data::Dataset;
use crate::domain::Bypass;
use crate::domain::deletion::DeletionRow;
use crate::engine::{DeletionRequest, EvaluateRequest};
use crate::files;
use crate::model::prune::pruned;
use crate::model::weights::{Precision, write_safetensors};
use crate::runs::{self, PrunedFrom, RunId, RunManifest};

/// A run that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its name.
    pub name: String,
    /// Whether it may take the place of a run of that name.
    pub replace: bool,
}

impl Lab {
    /// Measures accuracy without sets of blocks, tells the rows, and adds them to those
    /// in the run's folder.
    ///
    /// # Errors
    /// If they cannot be computed. [`LabError::NotKept`] if they cannot be written: they
    /// are tried again with the next rows, so that nothing is lost if there is room by
    /// then.
    pub fn delete(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        plan: CheckedDeletion,
        watch: &mut Watch<'_>,
    ) -> Result<Vec<DeletionRow>, LabError> {
        subject.tell_note(watch);
        let request = DeletionRequest {
            network: Arc::clone(&subject.network),
            state: Arc::clone(&subject.state),
            images: Arc::clone(&dataset.test),
            examples: plan.examples,
            variants: plan.variants,
            quick: plan.quick,
        };
        let found = self.run("deleting", request, watch)?;
        watch.tell(Event::Rows(found.rows.clone()));
        let data = subject.data(dataset);
        let from = Provenance::of(subject, found.device, data);
        self.keep_rows(subject, from, found.rows.clone(), watch)?;
        Ok(found.rows)
    }

    /// Adds rows to the run's table on disk, and those that waited for room.
    fn keep_rows(
        &self,
        subject: &Subject,
        from: Provenance,
        rows: Vec<DeletionRow>,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let id = &subject.id;
        let key = (id.clone(), from.weights_hash.clone());
        let shipped = self.not_copied_yet(id);
        let mut waiting = lock(&self.unkept);
        let table = waiting.entry(key.clone()).or_default();
        table.merge(rows);
        let record = records::deletion(from);
        self.store
            .merge_deletion(id, record, table.rows().to_vec())
            .map_err(|why| LabError::NotKept { what: "", why })?;
        waiting.remove(&key);
        if shipped {
            self.tell_copied(subject, watch);
        }
        let folder = self.store.writable(id)?;
        watch.tell(Event::Kept(folder.join("analysis").join("deletion.csv")));
        Ok(())
    }

    /// Writes a run without blocks under a name that was typed: a path of a `.safetensors`
    /// file, which must not be there yet, or the name of a new run.
    pub(super) fn save_cut(
        &self,
        run: &RunId,
        deleted: &Bypass,
        name: &str,
        watch: &mut Watch<'_>,
    ) -> Result<(), LabError> {
        let path = Path::new(name);
        if path.extension().is_some_and(|e| e == "safetensors") {
            if path.exists() {
                return Err(LabError::refused(format!("{name} exists; choose another name")));
            }
            let subject = self.subject(run)?;
            let (spec, state) = pruned(&subject.manifest.model, &subject.state, deleted)?;
            let bytes = write_safetensors(&state, &spec, Precision::F32)?;
            files::atomic(path, &bytes).map_err(|e| LabError::refused(e.to_string()))?;
            watch.tell(Event::Note(format!("weights without {deleted} written to {name}")));
            return Ok(());
        }
        self.store.check_new(name, false)?;
        let subject = self.subject(run)?;
        let own = &subject.manifest.data.fingerprint;
        let dataset = self.images_of(&subject.manifest, own)?;
        let new = NewRun { name: name.to_string(), replace: false };
        let (manifest, _) = self.cut(&subject, &dataset, deleted, &new, watch)?;
        let test = manifest.test.map_or(f64::NAN, |test| 100.0 * test.accuracy());
        let says = format!("saved the run {name}: {}, test {test:.1} %", manifest.model.title());
        watch.tell(Event::Note(says));
        Ok(())
    }

    /// Writes a run without blocks as a run of its own, tested on all test images, with
    /// what it predicts.
    ///
    /// # Errors
    /// If it cannot be made, tested or written.
    pub fn cut(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        deleted: &Bypass,
        new: &NewRun,
        watch: &mut Watch<'_>,
    ) -> Result<(RunManifest, PathBuf), LabError> {
        let (spec, state) = pruned(&subject.manifest.model, &subject.state, deleted)?;
        let bytes = write_safetensors(&state, &spec, Precision::F32)?;
        let images = Arc::clone(&dataset.test);
        let network = Arc::new(spec.network());
        let request = EvaluateRequest { network, state: Arc::new(state), images };
        let found = self.run("testing", request, watch)?;
        let hash = runs::hash::sha256_hex(&bytes);
        let from = Provenance::now(found.device, subject.data(dataset), hash);
        let own = &subject.manifest;
        let manifest = RunManifest {
            recipe: own.recipe.clone(),
            seed: own.seed,
            source: own.source.clone(),
            test: Some(found.test),
            pruned_from: Some(PrunedFrom {
                run: own.name.clone(),
                deleted: deleted.clone(),
                weights_hash: Some(subject.weights_hash.clone()),
                checkpoint: subject.checkpoint,
            }),
            ..records::manifest(from.clone(), &new.name, spec)
        };
        let predictions = records::predictions(from, found.predictions);
        let (name, replace) = (&new.name, new.replace);
        let folder =
            self.store.create_with(name, &manifest, &bytes, Some(&predictions), replace)?;
        Ok((manifest, folder))
    }
}
