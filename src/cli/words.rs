//! What is wrong, in the words of the command line: quantities and remedies by the names
//! of their options.

use crate::data::DataSource;
use crate::domain::plan::{Quantity, Unfit};
use crate::engine::{DeviceError, EngineError};
use crate::lab::{LabError, no_own_map};
use crate::model::WeightsError;
use crate::runs::RunError;
use crate::text::quoted;

use super::args::Common;
use super::command::matters;
use super::{FAILURE, Failure, USAGE, stop};

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

/// The line that says what to do next: a command (the explorer if `None`) with its words,
/// with the images and with the options of every command that were written for this one
/// and matter for that.
pub fn next(
    common: &Common,
    command: Option<&str>,
    words: &[&str],
    data: Option<&DataSource>,
) -> String {
    // what a variable says holds for the next command too
    let variable = std::env::var("BLOCKSCOPE_DATA").ok();
    let data = data.map(DataSource::to_string).filter(|data| Some(data) != variable.as_ref());
    let data = data.map(|data| ["--data".to_string(), data]);
    let written = common.written.iter();
    let written = written.filter(|(id, _)| !id.starts_with("log_") && matters(command, id));
    let all = ["blockscope"].into_iter().chain(command).chain(words.iter().copied());
    let all = all.map(str::to_string);
    let all = all.chain(data.into_iter().flatten());
    let all = all.chain(written.flat_map(|(_, words)| words.iter().cloned()));
    format!("next: {}", all.map(|word| quoted(&word)).collect::<Vec<_>>().join(" "))
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
            "this network has no residual block that can be deleted".to_string()
        }
        LabError::NothingToDelete { residual: false } => {
            "this network has no residual connections, so no residual block can be deleted"
                .to_string()
        }
        LabError::Weights(WeightsError::Select { .. }) => {
            format!("{error}; --key NAME takes one of several")
        }
        LabError::Weights(WeightsError::Statistics { .. }) => {
            format!("{error}; give --mean and --std")
        }
        LabError::NotKept { why, .. } => why.to_string(),
        LabError::Thread(why) => format!("{why}; --threads takes fewer"),
        LabError::Cancelled => {
            let (signal, _) = stop::by().unwrap_or(("a signal", 0));
            format!("stopped by {signal}; what was written before is whole and stays")
        }
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
        EngineError::Diverged { epoch, step } => {
            format!(
                "training diverged in epoch {epoch}, step {step}: the loss is not finite; use a smaller --lr"
            )
        }
        EngineError::Memory { .. } => {
            format!("{error}; use a smaller --batch, a smaller network, or more memory")
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
        let code = match &error {
            LabError::Refused(_)
            | LabError::NoImages { .. }
            | LabError::OwnMap { .. }
            | LabError::NothingToDelete { .. } => USAGE,
            // a number that was written, and a name
            LabError::Unfit(Unfit { of: Some(_), .. }) | LabError::Run(RunError::Name { .. }) => {
                USAGE
            }
            LabError::Cancelled => stop::by().map_or(FAILURE, |(_, code)| code),
            _ => FAILURE,
        };
        Failure { message: of_command(&error), code }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::SamplePlan;
    use crate::domain::record::Sample;
    use crate::engine::train::unfilled;
    use crate::lab::Given;
    use crate::runs::fixtures;

    fn command(error: impl Into<LabError>) -> (String, u8) {
        let Failure { message, code } = error.into().into();
        assert!(!message.contains('\n'), "{message}");
        (message, code)
    }

    #[test]
    fn a_run_without_its_images_says_how_to_give_them() {
        let missing = || Given::default().source(&fixtures::manifest("a")).unwrap_err();
        let (text, code) = command(missing());
        assert!(text.contains("--data cifar10:PATH") && code == USAGE, "{text}");
        assert_eq!(on_screen(&missing()), text);
    }

    #[test]
    fn words_that_need_it_are_quoted() {
        for (word, expected) in [
            ("resnet20-w0.25", "resnet20-w0.25"),
            ("a b", "'a b'"),
            ("cifar10:/my data", "'cifar10:/my data'"),
            ("it's", "'it'\\''s'"),
            ("$(x)", "'$(x)'"),
            ("\u{e9}t\u{e9}", "'\u{e9}t\u{e9}'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), expected);
        }
    }

    #[test]
    fn numbers_and_remedies_are_named_by_their_options_on_the_command_line_alone() {
        let plan =
            SamplePlan { examples: None, batch: 3, passes: 1, sample: Sample::First, seed: 0 };
        let unfit = || LabError::from(plan.batches(100).unwrap_err());
        let (text, code) = command(unfit());
        assert!(text.starts_with("--batch 3 is too small: ") && code == USAGE, "{text}");
        assert!(on_screen(&unfit()).starts_with("batch 3 is too small: "));
        assert_eq!(
            command(unfilled(128, 10)).0,
            "--batch 128: 10 training images do not fill one batch; use a larger --fraction or a smaller --batch"
        );
        let (text, code) = command(EngineError::Diverged { epoch: 2, step: 9 });
        assert!(text.ends_with("; use a smaller --lr") && code == FAILURE, "{text}");
        let text = on_screen(&EngineError::Lost("gone".into()).into());
        assert_eq!(text, "the device failed: gone; restart, or use --device cpu");
        assert_eq!(
            of_device(&DeviceError::NoAdapter),
            "no GPU adapter found (looked for Vulkan, Metal, DX12 and OpenGL); use --device cpu"
        );
        let own = LabError::OwnMap { run: "a".into(), other_images: false };
        let (text, code) = command(own);
        assert!(text.starts_with("--map: a has no map of its own") && code == USAGE, "{text}");
        assert!(text.ends_with("`blockscope analyze a` with the same --data makes one"), "{text}");
    }
}
