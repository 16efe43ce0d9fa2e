//! The run folder (design: a run is a folder): its types, reading, writing,
//! listing. Knows neither burn nor ratatui.

pub mod manifest;

pub use manifest::{
    AnalysisRecord, CkaAnalysis, DataRecord, Evaluation, FORMAT, Recipe, RunManifest, RunState,
    Sample, Seconds,
};
