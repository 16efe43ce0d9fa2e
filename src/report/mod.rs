//! A run as text for `blockscope show`, several for `blockscope compare`: tables
//! for people, plain lines for screen readers, JSON and CSV for programs. Returns
//! strings; prints nothing, reads nothing.

pub mod compare;
mod csv;
mod deletions;
mod figures;
mod findings;
mod json;
mod layer;
mod number;
mod plain;
mod pruned;
mod stages;
mod table;
mod tables;
mod verdict;

pub use csv::csv;
pub use deletions::{cheap, cost_table};
pub use figures::{component_curve, deletion_costs, probe_curves};
pub use json::json;
pub use layer::layer;
pub use plain::plain;
pub use table::table;
pub use tables::{Table, csv_table};
pub use verdict::verdict;

use std::borrow::Cow;

use crate::domain::Layer;
use crate::export::ExportError;
use crate::runs::LoadedRun;

/// Why a run has no such report, in one line.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The long form lists pairs of layers, which come from an analysis.
    #[error("run {0:?} has no CKA analysis to list; run `blockscope analyze {0}` first")]
    NoAnalysis(String),
    /// The run lacks what the table lists.
    #[error("run {run:?} has no {what}; run `{command}` first")]
    NoTable {
        /// The run.
        run: String,
        /// What is missing.
        what: &'static str,
        /// What makes it.
        command: String,
    },
    /// The network has no such layer.
    #[error("run {run:?} has no layer {name:?}{}", near.as_ref().map(|near| format!("; did you mean {near:?}?")).unwrap_or_else(|| "; `blockscope show` lists them".into()))]
    NoLayer {
        /// The run.
        run: String,
        /// The layer asked for.
        name: String,
        /// A layer whose name looks like it.
        near: Option<String>,
    },
    /// The table cannot be encoded.
    #[error(transparent)]
    Csv(#[from] ExportError),
    /// The JSON cannot be encoded.
    #[error("cannot encode the run as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The analysed layers, or those of the network if there is no analysis.
fn layers(run: &LoadedRun) -> Cow<'_, [Layer]> {
    match run.cka() {
        Some(map) => Cow::Borrowed(map.layers()),
        None => Cow::Owned(run.manifest.model.layers()),
    }
}

#[cfg(test)]
mod fixtures {
    use crate::runs::{LoadedRun, RunId, fixtures};

    /// A ResNet-8 with an analysis of its first `n` layers, or with none.
    pub(super) fn run(n: Option<usize>) -> LoadedRun {
        let id = RunId::Embedded("a".into());
        LoadedRun::new(id, fixtures::manifest("a"), fixtures::maps(n.map(fixtures::analysis)))
    }
}
