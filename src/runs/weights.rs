//! Which weights of a run count: the final ones, or, while it is trained or where training
//! was ended from outside, those of its newest checkpoint. Knows no tensors.

use std::borrow::Cow;
use std::path::Path;

use super::error::RunError;
use super::manifest::{RunManifest, RunState};
use super::read::{Source, WEIGHTS_LIMIT};
use super::write::{atomic, real_folder};

/// The file of final weights; before training has ended, it holds the initial ones.
const FINAL: &str = "weights.safetensors";
/// Most epochs that are gone back for a checkpoint.
const SEARCHED: usize = 10_000;

/// Weights of a run.
#[derive(Debug, Clone)]
pub struct RunWeights {
    /// The safetensors file.
    pub bytes: Cow<'static, [u8]>,
    /// Its path within the run.
    pub file: String,
    /// Its epoch, if it is a checkpoint because training has not ended.
    pub checkpoint: Option<usize>,
}

/// The file of the checkpoint of an epoch.
fn checkpoint(epoch: usize) -> String {
    format!("checkpoints/epoch-{epoch:04}.safetensors")
}

/// Reads the weights that count.
///
/// # Errors
/// [`RunError::Untrained`] if training has left no checkpoint; [`RunError`] naming the file.
pub(super) fn read(source: Source<'_>, manifest: &RunManifest) -> Result<RunWeights, RunError> {
    let (file, epoch) = match manifest.state {
        RunState::Complete => (FINAL.to_string(), None),
        RunState::Training { epoch, epochs } => {
            // the newest that the manifest speaks of, unless somebody has removed it
            let there = |epoch: &usize| source.has(&checkpoint(*epoch));
            let newest = (1..=epoch).rev().take(SEARCHED).find(there);
            let newest =
                newest.ok_or_else(|| RunError::Untrained { path: source.path(""), epochs })?;
            (checkpoint(newest), Some(newest))
        }
    };
    let bytes = source.bytes(&file, WEIGHTS_LIMIT)?;
    let missing = || RunError::damaged(&source.path(&file), "missing; this run holds no weights");
    Ok(RunWeights { bytes: bytes.ok_or_else(missing)?, file, checkpoint: epoch })
}

/// Writes the checkpoint of an epoch into a run's folder, in one step.
///
/// # Errors
/// [`RunError`] naming the file.
pub fn write_checkpoint(folder: &Path, epoch: usize, bytes: &[u8]) -> Result<(), RunError> {
    real_folder(&folder.join("checkpoints"))?;
    atomic(&folder.join(checkpoint(epoch)), bytes)
}

/// Replaces the final weights in one step.
///
/// # Errors
/// [`RunError`] naming the file.
pub(super) fn write(folder: &Path, bytes: &[u8]) -> Result<(), RunError> {
    atomic(&folder.join(FINAL), bytes)
}

#[cfg(test)]
mod tests {
    use super::super::{RunId, fixtures};
    use super::*;

    #[test]
    fn a_run_whose_training_has_not_ended_has_the_weights_of_its_newest_checkpoint() {
        let (_dir, store) = fixtures::store();
        let mut manifest = fixtures::manifest("a");
        manifest.state = RunState::Training { epoch: 0, epochs: 9 };
        let folder = store.create("a", &manifest, b"initial", false).unwrap();
        let id = RunId::Disk(folder.clone());
        let error = store.weights(&id).unwrap_err();
        assert!(matches!(error, RunError::Untrained { epochs: 9, .. }), "{error}");
        for (epoch, bytes) in [(2, b"two"), (4, b"for"), (6, b"six")] {
            write_checkpoint(&folder, epoch, bytes).unwrap();
        }
        // a checkpoint that the manifest does not speak of yet was not tested yet either
        manifest.state = RunState::Training { epoch: 4, epochs: 9 };
        store.write_manifest(&id, &manifest).unwrap();
        let found = store.weights(&id).unwrap();
        assert_eq!((&*found.bytes, found.checkpoint), (&b"for"[..], Some(4)));
        assert_eq!(found.file, "checkpoints/epoch-0004.safetensors");
        std::fs::remove_file(folder.join(&found.file)).unwrap();
        assert_eq!(store.weights(&id).unwrap().checkpoint, Some(2));
        manifest.state = RunState::Complete;
        store.write_manifest(&id, &manifest).unwrap();
        let found = store.weights(&id).unwrap();
        assert_eq!((&*found.bytes, found.checkpoint), (&b"initial"[..], None));
    }

    #[test]
    fn an_epoch_that_no_training_reaches_is_not_searched_for() {
        let (_dir, store) = fixtures::store();
        let mut manifest = fixtures::manifest("a");
        manifest.state = RunState::Training { epoch: usize::MAX, epochs: usize::MAX };
        let id = RunId::Disk(store.create("a", &manifest, b"initial", false).unwrap());
        assert!(matches!(store.weights(&id), Err(RunError::Untrained { .. })));
    }
}
