//! Runs that are made whole, take the place of others, and what killed processes left of
//! that.

use std::path::{Path, PathBuf};

use super::{RunId, RunStore};
use crate::files::scratch::sweep;
use crate::runs::check::{self, check_name};
use crate::runs::error::RunError;
use crate::runs::layout::COMPARISONS;
use crate::runs::locks::{self, RunLock};
use crate::runs::manifest::{PredictionsAnalysis, RunManifest, RunState};
use crate::runs::predictions;
use crate::runs::read::{self, Source};
use crate::runs::weights;
use crate::runs::write::{self, Taken};

/// What the name of a run ends with that lies beside the one that it is to replace.
const BESIDE: &str = ".new";

/// The name of a run that is made to replace the one of that name.
pub fn beside(name: &str) -> String {
    format!("{name}{BESIDE}")
}

/// What becomes of a run of the same name.
pub(super) fn taken(replace: bool) -> Taken {
    if replace { Taken::Replaced(write::is_run) } else { Taken::Refused }
}

impl RunStore {
    /// [`RunStore::create`] with what the run predicts, so that the folder appears with it.
    ///
    /// # Errors
    /// As [`RunStore::create`]; [`RunError::NotReplaced`] for a folder or file of that name
    /// that is no run, and [`RunError::Busy`] while another process works on the run that is
    /// to be replaced.
    pub fn create_with(
        &self,
        name: &str,
        manifest: &RunManifest,
        bytes: &[u8],
        predictions: Option<&PredictionsAnalysis>,
        replace: bool,
    ) -> Result<PathBuf, RunError> {
        write::new_folder(&self.root, name, &taken(replace), |folder| {
            weights::write(folder, bytes)?;
            if let Some(found) = predictions {
                predictions::write(folder, found)?;
            }
            write::manifest(folder, manifest)
        })
    }

    /// [`RunStore::create`] for a run that is still worked on, and the right to do so.
    ///
    /// # Errors
    /// As [`RunStore::create_with`].
    pub fn begin(
        &self,
        name: &str,
        manifest: &RunManifest,
        bytes: &[u8],
        replace: bool,
    ) -> Result<(PathBuf, RunLock), RunError> {
        let mut held = None;
        let folder = write::new_folder(&self.root, name, &taken(replace), |folder| {
            weights::write(folder, bytes)?;
            // it goes with the folder to its place
            held = Some(locks::work(folder)?);
            write::manifest(folder, manifest)
        })?;
        let mut held = match held {
            Some(held) => held,
            None => locks::work(&folder)?,
        };
        held.moved(&folder);
        Ok((folder, held))
    }

    /// Removes a run that was begun and has come to nothing. The caller has the right to
    /// work on it.
    ///
    /// # Errors
    /// [`RunError::Io`] naming its folder.
    pub fn discard(&self, folder: &Path, held: RunLock) -> Result<(), RunError> {
        let removed = write::remove(folder).map_err(|e| RunError::io("remove", folder, e));
        drop(held);
        removed
    }

    /// Refuses a manifest that could not be written, before work is done for it.
    ///
    /// # Errors
    /// [`RunError::Damaged`] saying what is wrong with it.
    pub fn check_manifest(&self, manifest: &RunManifest) -> Result<(), RunError> {
        let path = self.root.join(&manifest.name).join("run.ron");
        check::manifest(manifest).map_err(|e| RunError::damaged(&path, format!("not written: {e}")))
    }

    /// The right to analyse, train or replace a run, which one process has at a time.
    ///
    /// # Errors
    /// [`RunError::Busy`] naming host and process number of who has it.
    pub fn work_on(&self, folder: &Path) -> Result<RunLock, RunError> {
        locks::work(folder)
    }

    /// Who works on a run now, in words; `None` if nobody does, as far as this machine sees.
    pub fn owner(&self, folder: &Path) -> Option<String> {
        locks::worker(folder)
    }

    /// Puts a complete run of the root in the place of another, which is deleted then. The
    /// caller has the right to work on both.
    ///
    /// # Errors
    /// [`RunError::NotReplaced`] if that is no run; [`RunError::Io`] with both as they were.
    pub fn replace(&self, new: &str, old: &str) -> Result<PathBuf, RunError> {
        check_name(new)?;
        check_name(old)?;
        let place = self.root.join(old);
        write::replace(&self.root.join(new), &place)?;
        Ok(place)
    }

    /// Removes what killed processes left beside the runs, and with `id` in that run. What a
    /// living process holds stays.
    pub fn sweep(&self, id: Option<&RunId>) {
        sweep(&self.root);
        self.finish_replacing();
        write::sweep_pairs(&self.root.join(COMPARISONS));
        if let Some(RunId::Disk(folder)) = id.map(|id| self.place(id)).as_deref() {
            write::sweep_run(folder);
        }
    }

    /// Puts complete runs in the place of those that they were made to replace, where the
    /// process that made them was killed before it could.
    fn finish_replacing(&self) {
        let entries = std::fs::read_dir(&self.root).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        for new in names {
            let Some(old) = new.strip_suffix(BESIDE) else { continue };
            let (folder, place) = (self.root.join(&new), self.root.join(old));
            let complete = read::manifest(Source::Folder(&folder))
                .is_ok_and(|made| made.name == old && made.state == RunState::Complete);
            if !complete || !write::is_run(&place) {
                continue;
            }
            // whoever works on one of them does it, or must not be disturbed
            let held = (locks::work(&place), locks::work(&folder));
            if let (Ok(_), Ok(mut own)) = held
                && self.replace(&new, old).is_ok()
            {
                own.moved(&place);
            }
        }
    }
}
