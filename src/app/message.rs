//! What the interface asks of the outside, and what comes to it from there, as
//! plain data. Knows no screen and nobody who answers.

use std::path::PathBuf;

use crate::domain::{Layer, Map, SimilarityMatrix, View};
use crate::export::Outlines;
use crate::runs::{Axis, LoadedRun, PairMaps, PredictionsAnalysis, RunId, RunManifest, RunSummary};

use super::complete::{Found, PathRequest};
use super::jobs::{JobId, JobRequest, JobUpdate, Picture};
use super::key::Key;
use super::mode::MapMode;

/// Everything needed to write the current map to files.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRequest {
    /// Names of the files without their extension: `resnet20-all-cka`.
    pub stem: String,
    /// Where to; `.` is the current directory.
    pub directory: PathBuf,
    /// A heading: run, model, data, map and view.
    pub title: String,
    /// The view's map, not pooled.
    pub matrix: SimilarityMatrix,
    /// Standard errors of its cells, where the map has them.
    pub errors: Option<SimilarityMatrix>,
    /// The layers of its rows.
    pub rows: Vec<Layer>,
    /// The layers of its columns.
    pub cols: Vec<Layer>,
    /// What the values are: `CKA`.
    pub quantity: String,
    /// What rows and columns are.
    pub axes: [String; 2],
    /// The outlined block structures, while outlines are on.
    pub outlines: Option<Outlines>,
    /// Ends of the colour scale.
    pub range: (f64, f64),
    /// Name of the colour map.
    pub colormap: String,
}

/// What a figure of the grid needs.
#[derive(Debug, Clone, PartialEq)]
pub struct GridRequest {
    /// Name of the files without extension.
    pub stem: String,
    /// Where to.
    pub directory: PathBuf,
    /// The axes of rows and columns.
    pub axes: (Axis, Axis),
    /// Which layers.
    pub view: View,
    /// Which map.
    pub mode: MapMode,
    /// Name of the colour map.
    pub colormap: String,
}

/// A name that is neither a path nor a hidden file.
pub(super) fn safe_stem(stem: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let stem: String = stem.chars().map(safe).collect();
    stem.trim_start_matches('.').to_string()
}

/// What was read of a run.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The run.
    pub id: RunId,
    /// Its manifest.
    pub manifest: RunManifest,
    /// Its predictions, or in one line why there are none.
    pub found: Result<PredictionsAnalysis, String>,
}

/// What the outside world is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read the list of runs.
    ListRuns,
    /// Read a run.
    LoadRun(RunId),
    /// Read two runs and what is known between them.
    LoadPair(RunId, RunId),
    /// Read the predictions of runs.
    LoadPredictions(Vec<RunId>),
    /// Write the current map.
    Export(Box<ExportRequest>),
    /// Read one map of a run, for the grid.
    LoadMap(RunId, MapMode),
    /// Write the grid as a figure.
    ExportGrid(Box<GridRequest>),
    /// Start a computation.
    StartJob(JobRequest),
    /// Stop a computation; it answers with its end.
    CancelJob(JobId),
    /// Put a text on the clipboard; what it is, in words.
    Copy(String, String),
    /// Read pictures of test images of a run.
    LoadPictures(RunId, Vec<u32>),
    /// Find out what could stand in a field.
    Complete(PathRequest),
    /// Turn mouse reports on or off.
    Mouse(bool),
    /// Suspend the program.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// End the program.
    Quit,
}

/// Two runs that are to be compared, and the CKA between them if it is known.
#[derive(Debug, Clone)]
pub struct LoadedPair {
    /// The first and the second.
    pub runs: [LoadedRun; 2],
    /// With the first in the rows.
    pub cross: Option<PairMaps>,
}

/// What happens to the interface.
#[derive(Debug)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Text pasted into the terminal.
    Paste(String),
    /// The screen has `(columns, rows)` cells.
    Resize(u16, u16),
    /// The left button went down on a cell.
    Click(u16, u16),
    /// The pointer moved to a cell with the left button down.
    Drag(u16, u16),
    /// The pointer moved to a cell with no button down.
    Hover(u16, u16),
    /// The wheel turned over a cell; up is `true`.
    Wheel(u16, u16, bool),
    /// The list of runs.
    RunsListed(Vec<RunSummary>),
    /// A run was read.
    RunLoaded(Result<Box<LoadedRun>, String>),
    /// Two runs were read.
    PairLoaded(Result<Box<LoadedPair>, String>),
    /// The predictions of runs were read.
    PredictionsLoaded(Vec<Answers>),
    /// A map of a run, or in one line why there is none.
    MapLoaded(RunId, MapMode, Result<Box<Map>, String>),
    /// The device of this session, in words.
    Device(String),
    /// News of a computation.
    Job(JobId, JobUpdate),
    /// Pictures of test images of a run, or in one line why there are none.
    Pictures(RunId, Result<Vec<(u32, Picture)>, String>),
    /// What could stand in a field, or in one line why nothing.
    Completed(PathRequest, Result<Found, String>),
    /// Files were written.
    Exported(Result<Vec<PathBuf>, String>),
    /// A text was sent to a clipboard, in words, or why not.
    Copied(Result<String, String>),
    /// A service failed in a way that it did not foresee.
    Failed(String),
}
