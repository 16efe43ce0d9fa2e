//! Why an experiment fails: one line each, without the names of command-line options,
//! which the command line puts in their place.

use std::io;

use crate::data::DataError;
use crate::domain::plan::Unfit;
use crate::domain::{BypassError, SpecError};
use crate::engine::EngineError;
use crate::model::{Mismatch, WeightsError};
use crate::runs::RunError;

/// Why an experiment fails.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// What was asked for makes no sense for this run.
    #[error("{0}")]
    Refused(String),
    /// A number of the plan cannot be carried out.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The images that a run was made from were not given.
    #[error("{run} was made from {title} images, which it does not contain; start again with them")]
    NoImages {
        /// The run.
        run: String,
        /// Its images, in words.
        title: String,
        /// Their kind of source.
        kind: String,
    },
    /// A run has no map of its own over these images, beside which another could be laid.
    #[error(
        "{}; `blockscope analyze {run}` with the same images makes one",
        no_own_map(.run, *.other_images)
    )]
    OwnMap {
        /// The run.
        run: String,
        /// It has one, of other images.
        other_images: bool,
    },
    /// None of the blocks in question can be deleted.
    #[error("no residual block of it can be deleted")]
    NothingToDelete {
        /// Whether the network has residual connections.
        residual: bool,
    },
    /// A run cannot be read or written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A result was told but could not be written.
    #[error("{what}not kept: {why}")]
    NotKept {
        /// What, with a space behind it; may be empty.
        what: &'static str,
        /// Why not.
        why: RunError,
    },
    /// Images cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Weights cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// Weights are not those of the run's network.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// No such network.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The engine failed.
    #[error(transparent)]
    Engine(EngineError),
    /// The system cannot start a thread, or those that compute.
    #[error("{0}")]
    Thread(io::Error),
}

/// What is wrong with a run's own map.
pub fn no_own_map(run: &str, other_images: bool) -> String {
    match other_images {
        false => format!("{run} has no map of its own to lay another beside"),
        true => format!("the map of {run} is of other images than these"),
    }
}

impl LabError {
    /// [`LabError::Refused`] with these words.
    pub fn refused(text: impl Into<String>) -> LabError {
        LabError::Refused(text.into())
    }
}

impl From<EngineError> for LabError {
    fn from(error: EngineError) -> LabError {
        match error {
            EngineError::Cancelled => LabError::Cancelled,
            EngineError::Unfit(unfit) => LabError::Unfit(unfit),
            other => LabError::Engine(other),
        }
    }
}

impl From<BypassError> for LabError {
    fn from(error: BypassError) -> LabError {
        LabError::Refused(error.to_string())
    }
}
