//! Computations that the interface asks for and follows, as plain data. The
//! interface never waits for one: it sends `Effect::StartJob`, gets
//! `Input::Job` as news comes, and may send `Effect::CancelJob`.

use crate::domain::Bypass;
use crate::domain::Map;
use crate::domain::deletion::DeletionRow;
use crate::runs::{PairMaps, RunId};

/// A job's number; the interface counts them up.
pub type JobId = u64;

/// What to compute about a run.
#[derive(Debug, Clone, PartialEq)]
pub enum JobKind {
    /// Accuracy without some blocks: first on the first 512 test images, then
    /// on all.
    Evaluate(Bypass),
    /// Accuracy without each block that can be deleted, one at a time.
    Lesions,
    /// Accuracy of a stage pruned backwards from its end, one block more at a
    /// time.
    Sweep(usize),
    /// The CKA map without some blocks, over the images of the run's own map.
    Map(Bypass),
    /// CKA between the layers of the run and of another one, over the images of
    /// the run's own map.
    Cross(RunId),
}

/// A job to start.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRequest {
    /// Its number.
    pub id: JobId,
    /// The run.
    pub run: RunId,
    /// What to compute.
    pub kind: JobKind,
}

/// Where the map of a pruned network is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapOrigin {
    /// It was computed now.
    Computed,
    /// It was computed before and kept.
    RunFolder,
}

/// News of a job.
#[derive(Debug, Clone, PartialEq)]
pub enum JobUpdate {
    /// Work was done.
    Progress {
        /// Units done.
        done: usize,
        /// Units in all.
        total: usize,
        /// `images` or `layers`.
        unit: &'static str,
    },
    /// Accuracies; later rows of the same blocks replace earlier ones.
    Rows(Vec<DeletionRow>),
    /// A map. Layers of deleted blocks are undefined in it.
    Map(Bypass, Box<Map>, MapOrigin),
    /// A line worth telling.
    Note(String),
    /// CKA between two runs.
    Cross(Box<PairMaps>),
    /// The end: everything was reported.
    Done,
    /// The end: it was cancelled.
    Cancelled,
    /// The end: one line that says why.
    Failed(String),
}

/// A small picture: RGB, row by row, three bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// `3 width height` bytes.
    pub rgb: Vec<u8>,
}
