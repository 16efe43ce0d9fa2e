//! What the explorer asks of the rest of the program. Implemented once, outside; knows
//! neither terminal nor engine.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::complete::{Found, PathRequest};
use super::jobs::{JobId, JobRequest, JobUpdate, Picture};
use super::message::{Answers, ExportRequest, GridRequest, LoadedPair};
use super::mode::MapMode;
use crate::domain::Map;
use crate::runs::{LoadedRun, RunId, RunSummary};

/// What the explorer asks of the rest of the program. Runs on one worker
/// thread, in order; a panic becomes a message on screen.
pub trait Port {
    /// The list of runs.
    fn list(&self) -> Vec<RunSummary>;

    /// Reads a run.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    fn load(&self, id: &RunId) -> Result<LoadedRun, String>;

    /// Reads two runs and the CKA between them, if it was computed over the images
    /// of their maps.
    ///
    /// # Errors
    /// One line that says what is wrong with one of them.
    fn pair(&self, a: &RunId, b: &RunId) -> Result<LoadedPair, String>;

    /// Reads the predictions of runs; a run that cannot be read is left out.
    fn predictions(&self, ids: &[RunId]) -> Vec<Answers>;

    /// Writes the current map as PNG, SVG, PDF, CSV and NPY and returns their paths.
    ///
    /// # Errors
    /// One line that names the file and the reason.
    fn export(&self, request: &ExportRequest) -> Result<Vec<PathBuf>, String>;

    /// One map of a run, for the grid.
    ///
    /// # Errors
    /// One line that says what is wrong with it, or that it has none.
    fn map(&self, id: &RunId, mode: MapMode) -> Result<Map, String>;

    /// Writes the grid as a PNG and an SVG figure and returns their paths.
    ///
    /// # Errors
    /// One line that names the file and the reason.
    fn export_grid(&self, request: &GridRequest) -> Result<Vec<PathBuf>, String>;

    /// The compute device of this session, in words. May take a second.
    fn device(&self) -> String;

    /// Starts a computation and returns at once; its news goes to `news`, which
    /// any thread may use, and ends with one of the ends of
    /// [`JobUpdate`].
    fn start(&self, request: JobRequest, news: JobNews);

    /// Stops a computation, if it still runs.
    fn cancel(&self, id: JobId);

    /// Finds out what could stand in a field and returns at once, as a folder may take its
    /// time; `answer` takes the answer on any thread.
    fn complete(&self, request: PathRequest, answer: PathAnswer);

    /// Pictures of test images of a run, by their index.
    ///
    /// # Errors
    /// One line that says why there are none, and the remedy.
    fn pictures(&self, run: &RunId, images: &[u32]) -> Result<Vec<(u32, Picture)>, String>;
}

/// Who waits for what could stand in a field.
pub type PathAnswer = Box<dyn FnOnce(PathRequest, Result<Found, String>) + Send>;

/// Where a computation reports.
#[derive(Clone)]
pub struct JobNews(Arc<dyn Fn(JobUpdate) + Send + Sync>);

impl JobNews {
    /// News that go to `to`.
    pub fn new(to: impl Fn(JobUpdate) + Send + Sync + 'static) -> JobNews {
        JobNews(Arc::new(to))
    }

    /// Sends news; it is dropped if the interface is gone.
    pub fn send(&self, update: JobUpdate) {
        (self.0)(update);
    }
}

impl fmt::Debug for JobNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobNews")
    }
}
