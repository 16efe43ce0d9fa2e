//! The run folder (design: a run is a folder): its types, reading, writing,
//! listing. Knows neither burn nor ratatui.

mod aside;
mod axis;
mod check;
mod checkpoint;
pub mod comparison;
mod components;
mod deletion;
pub mod embedded;
mod error;
#[cfg(test)]
pub(crate) mod fixtures;
mod format1;
pub mod grid;
pub mod hash;
pub mod journal;
mod layout;
mod locks;
pub mod manifest;
mod maps;
mod metrics;
mod parts;
mod predictions;
mod probes;
mod read;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod weights;
mod write;

use crate::domain::record::Provenance;

pub use axis::{Axis, AxisValue, RunFilter};
pub use check::check_name;
pub use checkpoint::{Checkpoint, read_newest, remove_newest, write_newest};
pub use comparison::{ComparedImages, PairKey, PairMaps};
pub use components::suite_maps;
pub use error::RunError;
pub use format1::migrate::Migrated;
pub use grid::GridPlan;
pub use journal::{Happened, Journal, Owner, read_journal};
pub use layout::{COMPARISONS, FORMAT};
pub use locks::RunLock;
pub use manifest::{
    ComponentsAnalysis, ComponentsRecord, DeletionAnalysis, DeletionRecord, PredictionsAnalysis,
    PredictionsRecord, ProbesAnalysis, ProbesRecord, PrunedFrom, RunManifest, RunState,
    TrainingRecord,
};
pub use maps::{RunMaps, path as map_path};
pub use metrics::{MetricsRow, append_metrics, cut_metrics};
pub use parts::Parts;
pub use store::{FIRST_RUN, LoadedRun, RunId, RunStore, RunSummary, beside};
pub use time::now_rfc3339;
pub use weights::{RunWeights, write_checkpoint};

/// Who makes a result now, on the device of that name.
pub fn provenance(device: impl Into<String>) -> Provenance {
    Provenance { program: program(), created: now_rfc3339(), device: device.into() }
}

/// Program and version, as runs and analyses record it: `blockscope 0.1.0`.
pub fn program() -> String {
    format!("blockscope {}", env!("CARGO_PKG_VERSION"))
}
