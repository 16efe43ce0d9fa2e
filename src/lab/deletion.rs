//! What deleting residual blocks costs, and networks without blocks as runs of their own.

use std::path::PathBuf;
use std::sync::Arc;

use super::plan::CheckedDeletion;
use super::{Event, Lab, LabError, Provenance, Subject, Watch, lock, records};
use crate::data::Dataset;
use crate::domain::Bypass;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::record::Evaluation;
use crate::engine::{DeletionRequest, EvaluateRequest};
use crate::model::prune::pruned;
use crate::model::weights::{Precision, write_safetensors};
use crate::runs::{self, PrunedFrom, RunManifest};

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
    /// in the run's folder. `known` is a row that was there before, to be kept with them.
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
        known: Option<DeletionRow>,
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
        let rows = known.into_iter().chain(found.rows.iter().cloned()).collect();
        self.keep_rows(subject, from, rows, watch)?;
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

    /// Writes a run without blocks as a run of its own, with what it predicts. `row` is
    /// what deleting them costs.
    ///
    /// # Errors
    /// If it cannot be made, tested or written.
    pub fn cut(
        &self,
        subject: &Subject,
        dataset: &Dataset,
        row: &DeletionRow,
        new: &NewRun,
        watch: &mut Watch<'_>,
    ) -> Result<(RunManifest, PathBuf), LabError> {
        let (spec, state) = pruned(&subject.manifest.model, &subject.state, &row.deleted)?;
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
            test: Some(Evaluation { examples: row.examples, correct: row.correct, loss: row.loss }),
            pruned_from: Some(PrunedFrom {
                run: own.name.clone(),
                deleted: row.deleted.clone(),
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

/// The accuracy of the whole network, if the run knows it already.
pub(super) fn known_baseline(manifest: &RunManifest) -> Option<DeletionRow> {
    let test = manifest.test?;
    Some(DeletionRow {
        experiment: Experiment::Baseline,
        deleted: Bypass::none(),
        examples: test.examples,
        correct: test.correct,
        loss: test.loss,
    })
}
