//! `blockscope train`: a run from scratch, or one whose training goes on, in plain form.

use super::args::{Common, TrainArgs};
use super::progress::Meter;
use super::words::next;
use super::{ExitCode, Failure, follow, given, lab, words};
use crate::data::DataSource;
use crate::domain::Preset;
use crate::engine::EpochReport;
use crate::lab::plan::TrainingPlan;
use crate::lab::train::Unfinished;
use crate::lab::{Event, Lab, LabError, NewRun, Watch};
use crate::model::weights::Precision;
use crate::runs::RunManifest;
use crate::text::duration;
use std::path::PathBuf;

pub fn run(common: &Common, args: &TrainArgs) -> Result<ExitCode, Failure> {
    let lab = lab(common, args.data.as_ref());
    match (&args.resume, &args.data) {
        (Some(name), _) => resume(common, args, &lab, name),
        (None, Some(data)) => begin(common, args, &lab, data),
        (None, None) => Err(Failure::usage("--data says which images")),
    }
}

fn begin(
    common: &Common,
    args: &TrainArgs,
    lab: &Lab,
    data: &DataSource,
) -> Result<ExitCode, Failure> {
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
        checkpoint_minutes: args.checkpoint_minutes,
        precision: if args.f16 { Precision::F16 } else { Precision::F32 },
    };
    // Refuse what can be refused before any data is read.
    let plan = plan.check().map_err(words::usage)?;
    let name = args.name.clone().unwrap_or_else(|| default_name(args, data));
    let new = NewRun { name: name.clone(), replace: args.force };
    lab.store().check_new(&name, args.force)?;
    lab.store().sweep(None);
    let dataset = lab.images_at(data, true)?;
    let plan = plan.fit(&dataset).map_err(words::usage_if_unfit)?;
    let title = plan.model().title();
    let work = |watch: &mut Watch<'_>| lab.train(plan, dataset, &new, watch);
    told(common, (&name, &title, args.epochs), data, work)
}

/// Goes on with the training of a run.
fn resume(common: &Common, args: &TrainArgs, lab: &Lab, name: &str) -> Result<ExitCode, Failure> {
    let run = lab.unfinished(name)?;
    let differ = differences(args, &run);
    if !differ.is_empty() {
        let says = format!(
            "{name} goes on as it was begun, but for {}; leave that out, or train another run",
            differ.join(", ")
        );
        return Err(Failure::usage(says));
    }
    // what a variable says holds for runs that do not know their images
    let named = args.data.clone().filter(|_| !given(args.data.as_ref()).for_all);
    let source = match named {
        Some(source) => source,
        None => run.source()?,
    };
    let dataset = lab.images_at(&source, true).map_err(|error| match &args.data {
        Some(_) => error.into(),
        None => Failure { message: format!("{error}; --data says where they are now"), code: 1 },
    })?;
    let (title, epochs) = (run.manifest().model.title(), run.recipe().epochs);
    let name = run.manifest().name.clone();
    let work = |watch: &mut Watch<'_>| lab.resume(run, dataset, watch);
    told(common, (&name, &title, epochs), &source, work)
}

/// Trains and prints what is told.
fn told(
    common: &Common,
    (name, title, epochs): (&str, &str, usize),
    data: &DataSource,
    work: impl FnOnce(&mut Watch<'_>) -> Result<(RunManifest, PathBuf), LabError>,
) -> Result<ExitCode, Failure> {
    let lines = |meter: &Meter, event: &Event| match event {
        Event::Device(label) => meter.line(&format!("{name}  {title}  on {label}")),
        Event::Epoch(report) => meter.line(&epoch_line(report, epochs)),
        _ => {}
    };
    let (manifest, folder) =
        follow(work, lines).map_err(|failure| goes_on(common, name, failure))?;
    if let Some(test) = manifest.test {
        say!(
            "test accuracy {:.2} % ({} of {} images)",
            100.0 * test.accuracy(),
            test.correct,
            test.examples
        );
    }
    say!("written to {}", folder.display());
    say!("{}", next(common, Some("analyze"), &[name], Some(data)));
    Ok(ExitCode::SUCCESS)
}

/// A failure of a training that has left something to go on from says how.
fn goes_on(common: &Common, name: &str, failure: Failure) -> Failure {
    let store = crate::runs::RunStore::locate(common.runs.clone());
    let left = [name.to_string(), crate::runs::beside(name)]
        .into_iter()
        .any(|name| matches!(crate::runs::read_newest(&store.root().join(name)), Ok(Some(_))));
    match left && !failure.message.contains("in use by") {
        true => {
            let line = next(common, Some("train"), &["--resume", name], None);
            let line = line.trim_start_matches("next: ");
            Failure { message: format!("{}; `{line}` goes on", failure.message), ..failure }
        }
        false => failure,
    }
}

/// Options that were written and are not the run's, each with what the run has.
fn differences(args: &TrainArgs, run: &Unfinished) -> Vec<String> {
    let (manifest, recipe, training) = (run.manifest(), run.recipe(), run.training());
    let model = &manifest.model;
    let preset = model.preset == Preset::from(args.preset);
    let all: [(&str, bool, String); 12] = [
        ("depth", args.depth == model.depth, model.depth.to_string()),
        ("width", args.width == model.width, model.width.to_string()),
        ("fraction", args.fraction == manifest.data.fraction, manifest.data.fraction.to_string()),
        ("epochs", args.epochs == recipe.epochs, recipe.epochs.to_string()),
        ("seed", Some(args.seed) == manifest.seed, manifest.seed.unwrap_or_default().to_string()),
        ("preset", preset, format!("{:?}", model.preset).to_lowercase()),
        ("no_residual", args.no_residual != model.residual, "residual connections".into()),
        ("batch", args.batch == recipe.batch, recipe.batch.to_string()),
        ("lr", args.lr == recipe.learning_rate, recipe.learning_rate.to_string()),
        ("weight_decay", args.weight_decay == recipe.weight_decay, recipe.weight_decay.to_string()),
        (
            "checkpoint_every",
            args.checkpoint_every == training.checkpoint_every,
            training.checkpoint_every.to_string(),
        ),
        ("f16", args.f16 == training.f16, "f32".into()),
    ];
    let minutes = training.checkpoint_minutes;
    let minutes = ("checkpoint_minutes", args.checkpoint_minutes == minutes, minutes.to_string());
    let written = |id: &str| args.written.iter().any(|written| written == id);
    let differ = all.into_iter().chain([minutes]).filter(|(id, same, _)| written(id) && !same);
    differ.map(|(id, _, has)| format!("--{} (it has {has})", id.replace('_', "-"))).collect()
}

fn default_name(args: &TrainArgs, data: &DataSource) -> String {
    let mut name = format!("resnet{}-w{}-{}", args.depth, args.width, data.kind());
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
