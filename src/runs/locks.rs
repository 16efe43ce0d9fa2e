//! One process at a time: short locks around what is read, merged and written, and one for
//! as long as a run is analysed, trained or replaced. Whoever has to give way is told who
//! is there.

use std::path::Path;
use std::time::Duration;

use super::error::RunError;
use crate::files::lock::{Lock, Refused, holder, take};

/// Held while a table is read, merged and written.
const MERGE: &str = ".lock";
/// Held while a run is analysed, trained or replaced.
const WORK: &str = ".busy";
/// A merge takes milliseconds; many may wait in line.
const MERGE_WAIT: Duration = Duration::from_secs(20);
/// Work takes minutes: waiting for its end would be silence.
const WORK_WAIT: Duration = Duration::from_secs(2);

/// The right to work on a run, until it is dropped.
#[derive(Debug)]
pub struct RunLock(Lock);

impl RunLock {
    /// The run lies in this folder now.
    pub fn moved(&mut self, folder: &Path) {
        self.0.moved(folder);
    }
}

/// The right to merge into the tables of the run in `folder`.
///
/// # Errors
/// [`RunError::Busy`] if others do not come to an end; [`RunError::Io`] naming the file.
pub(super) fn merge(folder: &Path) -> Result<RunLock, RunError> {
    hold(folder, MERGE, MERGE_WAIT)
}

/// The right to analyse, train or replace the run in `folder`.
///
/// # Errors
/// [`RunError::Busy`] if another process has it; [`RunError::Io`] naming the file.
pub(super) fn work(folder: &Path) -> Result<RunLock, RunError> {
    hold(folder, WORK, WORK_WAIT)
}

/// Who analyses, trains or replaces the run in `folder` now, in words; `None` if nobody does.
pub(super) fn worker(folder: &Path) -> Option<String> {
    holder(&folder.join(WORK))
}

fn hold(folder: &Path, name: &str, wait: Duration) -> Result<RunLock, RunError> {
    match take(&folder.join(name), wait) {
        Ok(lock) => Ok(RunLock(lock)),
        Err(Refused::Held(owner)) => Err(RunError::Busy { path: folder.to_path_buf(), owner }),
        Err(Refused::File(error)) => Err(RunError::of_file(error)),
    }
}
