//! `blockscope import`: a run from a checkpoint, tested on images.

use super::args::{Common, ImportArgs};
use super::words::next;
use super::{ExitCode, Failure, lab, watched};
use crate::lab::NewRun;
use crate::lab::import::{Checkpoint, Imported};
use crate::model::Overrides;
use crate::model::weights::Statistics;

pub fn run(common: &Common, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, Some(&args.data));
    let overrides =
        Overrides { mean: args.mean, std: args.std, residual: args.no_residual.then_some(false) };
    let checkpoint = Checkpoint {
        weights: &args.weights,
        preset: args.preset.into(),
        overrides,
        key: args.key.as_deref(),
    };
    let new = NewRun { name: args.name.clone(), replace: args.force };
    lab.store().sweep(None);
    let made = watched(|watch| lab.import(&checkpoint, &args.data, &new, watch), |_| {});
    let Imported { manifest, folder, statistics } = made?;
    say!("{}  {}  on {}", args.name, manifest.model.title(), manifest.device);
    if let Some(Statistics { mean, std }) = statistics {
        say!("a normaliser in the file prepares images: mean {mean:?}, deviation {std:?}");
    }
    if let Some(test) = manifest.test {
        say!(
            "test accuracy {:.2} % ({} of {} images, loss {})",
            100.0 * test.accuracy(),
            test.correct,
            test.examples,
            test.loss_words(3)
        );
    }
    say!("written to {}", folder.display());
    say!("{}", next(common, Some("analyze"), &[&args.name], Some(&args.data)));
    Ok(ExitCode::SUCCESS)
}
