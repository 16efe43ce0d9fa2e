//! Keeps what deletions cost in the run's folder. A run inside the program has
//! none: with the first result it is copied into the runs folder, and the copy
//! stands in for it from then on.

use super::{Inner, lock};
use crate::data::Dataset;
use crate::domain::deletion::DeletionRow;
use crate::runs::{self, DeletionRecord, FORMAT, RunId, RunManifest};

impl Inner {
    /// Adds rows to the run's table on disk. `Some` is a line worth telling: that
    /// the run was copied for it.
    ///
    /// # Errors
    /// One line that says why they were not kept. They are tried again with the next
    /// rows, so that nothing is lost if there is room by then.
    pub(super) fn keep(
        &self,
        id: &RunId,
        manifest: &RunManifest,
        images: &Dataset,
        device: String,
        hash: String,
        rows: Vec<DeletionRow>,
    ) -> Result<Option<String>, String> {
        let mut data = images.record(1.0);
        data.fraction = manifest.data.fraction;
        data.train_examples = manifest.data.train_examples;
        let key = (id.clone(), hash.clone());
        let record = DeletionRecord {
            format: FORMAT,
            program: runs::program(),
            created: runs::now_rfc3339(),
            device,
            data,
            weights_hash: Some(hash),
        };
        let shipped = self.not_copied_yet(id);
        let mut waiting = lock(&self.unkept);
        let table = waiting.entry(key.clone()).or_default();
        table.merge(rows);
        match self.store.merge_deletion(id, record, table.rows().to_vec()) {
            Ok(_) => {
                waiting.remove(&key);
                Ok(shipped.then(|| self.copied()))
            }
            Err(error) => Err(format!("not kept: {error}")),
        }
    }

    /// True if the next result copies this run into the runs folder.
    pub(super) fn not_copied_yet(&self, id: &RunId) -> bool {
        matches!(id, RunId::Embedded(_)) && self.store.copy_of(id).is_none()
    }

    /// The line that tells that it was copied.
    pub(super) fn copied(&self) -> String {
        format!("kept: this shipped run is copied to {}", self.store.root().display())
    }
}
