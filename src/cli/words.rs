//! What is wrong, in the words of the command line: quantities and remedies by the names
//! of their options.

use crate::domain::plan::{Quantity, Unfit};
use crate::engine::{DeviceError, EngineError};
use crate::lab::{LabError, no_own_map};

use super::{FAILURE, Failure, USAGE};

/// The option that sets a quantity.
fn option(of: Quantity) -> &'static str {
    match of {
        Quantity::Batch => "--batch",
        Quantity::Examples => "--examples",
        Quantity::Passes => "--passes",
        Quantity::SuiteExamples => "--pc-examples",
        Quantity::ProbeEpochs => "--probe-epochs",
        Quantity::ProbeImages => "--probe-train",
        Quantity::Epochs => "--epochs",
        Quantity::LearningRate => "--lr",
        Quantity::WeightDecay => "--weight-decay",
        Quantity::Fraction => "--fraction",
    }
}

/// An error of a command.
fn of_command(error: &LabError) -> String {
    match error {
        LabError::Unfit(unfit) => unfit.words(option),
        LabError::OwnMap { run, other_images } => format!(
            "--map: {}; `blockscope analyze {run}` with the same --data makes one",
            no_own_map(run, *other_images)
        ),
        LabError::NothingToDelete { residual: true } => {
            "this network has no block that can be deleted".to_string()
        }
        LabError::NothingToDelete { residual: false } => {
            "this network has no residual connections, so no block can be deleted".to_string()
        }
        LabError::NotKept { why, .. } => why.to_string(),
        LabError::Thread(why) => why.to_string(),
        other => on_screen(other),
    }
}

/// An error in the explorer, which has chosen no numbers but was started with `--data`
/// and `--device`.
pub fn on_screen(error: &LabError) -> String {
    match error {
        LabError::NoImages { run, title, kind } => format!(
            "{run} was made from {title} images, which it does not contain; give --data {kind}:PATH (or set BLOCKSCOPE_DATA)"
        ),
        LabError::Engine(error) => of_engine(error),
        other => other.to_string(),
    }
}

fn of_engine(error: &EngineError) -> String {
    match error {
        EngineError::Device(error) => of_device(error),
        EngineError::Lost(why) => {
            format!("the device failed: {why}; restart, or use --device cpu")
        }
        EngineError::Panic(why) => {
            format!("the computation failed unexpectedly: {why}; restart, or use --device cpu")
        }
        EngineError::Diverged { epoch } => {
            format!(
                "training diverged in epoch {epoch}: the loss is not finite; use a smaller --lr"
            )
        }
        other => other.to_string(),
    }
}

/// Why a device cannot be used.
pub fn of_device(error: &DeviceError) -> String {
    let remedy = match error {
        DeviceError::NoSuchAdapter { .. } => "gpu:0 or cpu",
        DeviceError::NoAdapter | DeviceError::Refused { .. } => "cpu",
    };
    format!("{error}; use --device {remedy}")
}

/// A number that is wrong as it was written.
pub fn usage(error: LabError) -> Failure {
    Failure { code: USAGE, ..Failure::from(error) }
}

/// A failure of a command whose numbers are all options: one that is unfit was written
/// wrongly.
pub fn usage_if_unfit(error: LabError) -> Failure {
    match &error {
        LabError::Unfit(_) => usage(error),
        _ => error.into(),
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Failure {
        let told = |of| matches!(of, Quantity::SuiteExamples | Quantity::ProbeImages);
        let code = match &error {
            LabError::Refused(_)
            | LabError::NoImages { .. }
            | LabError::OwnMap { .. }
            | LabError::NothingToDelete { .. } => USAGE,
            LabError::Unfit(Unfit { of: Some(of), .. }) if told(*of) => USAGE,
            _ => FAILURE,
        };
        Failure { message: of_command(&error), code }
    }
}
