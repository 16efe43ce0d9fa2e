//! `blockscope train`: a run from scratch, in plain form.

use super::args::{Common, TrainArgs};
use super::progress::Meter;
use super::words::next;
use super::{ExitCode, Failure, follow, lab, words};
use crate::engine::EpochReport;
use crate::lab::plan::TrainingPlan;
use crate::lab::{Event, NewRun};
use crate::model::weights::Precision;
use crate::text::duration;

pub fn run(common: &Common, args: &TrainArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, Some(&args.data));
    let plan = TrainingPlan {
        preset: args.preset.into(),
        depth: args.depth,
        width: args.width,
        residual: !args.no_residual,
        fraction: args.fraction,
        epochs: args.epochs,
        batch: args.batch,
        learning_rate: args.lr,
        weight_decay: args.weight_decay,
        seed: args.seed,
        checkpoint_every: args.checkpoint_every,
        precision: if args.f16 { Precision::F16 } else { Precision::F32 },
    };
    // Refuse what can be refused before any data is read.
    let plan = plan.check().map_err(words::usage)?;
    let name = args.name.clone().unwrap_or_else(|| default_name(args));
    let new = NewRun { name: name.clone(), replace: args.force };
    lab.store().check_new(&name, args.force)?;
    lab.store().sweep(None);
    let dataset = lab.images_at(&args.data, true)?;
    let plan = plan.fit(&dataset).map_err(words::usage_if_unfit)?;
    let title = plan.model().title();
    let lines = |meter: &Meter, event: &Event| match event {
        Event::Device(label) => meter.line(&format!("{name}  {title}  on {label}")),
        Event::Epoch(report) => meter.line(&epoch_line(report, args.epochs)),
        _ => {}
    };
    let (manifest, folder) = follow(|watch| lab.train(plan, dataset, &new, watch), lines)?;
    if let Some(test) = manifest.test {
        say!(
            "test accuracy {:.2} % ({} of {} images)",
            100.0 * test.accuracy(),
            test.correct,
            test.examples
        );
    }
    say!("written to {}", folder.display());
    say!("{}", next(common, Some("analyze"), &[&name], Some(&args.data)));
    Ok(ExitCode::SUCCESS)
}

fn default_name(args: &TrainArgs) -> String {
    let mut name = format!("resnet{}-w{}-{}", args.depth, args.width, args.data.kind());
    if args.fraction < 1.0 {
        let inverse = 1.0 / args.fraction;
        match (inverse - inverse.round()).abs() < 1e-6 {
            true => name.push_str(&format!("-1of{inverse:.0}")),
            false => name.push_str(&format!("-{:.3}", args.fraction)),
        }
    }
    if args.no_residual {
        name.push_str("-plain");
    }
    format!("{name}-s{}", args.seed)
}

fn epoch_line(report: &EpochReport, epochs: usize) -> String {
    let mut line = format!(
        "epoch {:>3}/{epochs}  lr {:.5}  train loss {:.4}  train accuracy {:5.1} %  {}",
        report.epoch,
        report.learning_rate,
        report.train_loss,
        100.0 * report.train_accuracy,
        duration(report.seconds)
    );
    if let Some(test) = report.test {
        line.push_str(&format!("  test {:.1} % of {}", 100.0 * test.accuracy(), test.examples));
    }
    line
}
