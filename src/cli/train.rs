//! `blockscope train`: a run from scratch, in plain form.

use std::sync::Arc;

use super::args::{Common, TrainArgs};
use super::progress::Meter;
use super::{ExitCode, Failure, follow};
use crate::data;
use crate::domain::ModelSpec;
use crate::domain::record::Recipe;
use crate::engine::{Engine, EpochReport, Event, Outcome, Request, TrainRequest};
use crate::model::init::initial_state;
use crate::model::weights::Precision;
use crate::model::write_safetensors;
use crate::runs::{
    self, FORMAT, MetricsRow, PredictionsAnalysis, RunId, RunManifest, RunState, RunStore,
};

pub fn run(common: &Common, args: &TrainArgs) -> Result<ExitCode, Failure> {
    if args.epochs == 0 {
        return Err(Failure::usage("--epochs 0: at least one epoch is needed"));
    }
    if !(args.lr > 0.0 && args.lr.is_finite()) {
        return Err(Failure::usage(format!("--lr {}: a positive number is needed", args.lr)));
    }
    if !(args.weight_decay >= 0.0 && args.weight_decay.is_finite()) {
        return Err(Failure::usage("--weight-decay: zero or a positive number is needed"));
    }
    let store = RunStore::locate(common.runs.clone());
    let name = args.name.clone().unwrap_or_else(|| default_name(args));
    store.check_new(&name, args.force)?;
    // Refuse a bad depth or width before any data is read.
    ModelSpec::new(args.preset.into(), args.depth, args.width, 2, [3, 32, 32])
        .map_err(|error| Failure::usage(error.to_string()))?;
    let dataset = Arc::new(data::load(&args.data)?);
    let mut spec = ModelSpec::new(
        args.preset.into(),
        args.depth,
        args.width,
        dataset.classes.len(),
        dataset.train.shape(),
    )?;
    spec.residual = !args.no_residual;
    let subset = dataset.balanced_subset(args.fraction)?;
    if subset.len() < args.batch || args.batch == 0 {
        return Err(Failure::usage(format!(
            "--batch {}: {} training images do not fill one batch; use a larger --fraction or a smaller --batch",
            args.batch,
            subset.len()
        )));
    }
    let recipe = Recipe {
        epochs: args.epochs,
        batch: args.batch,
        learning_rate: args.lr,
        momentum: 0.9,
        weight_decay: args.weight_decay,
        augmentation: "reflect-pad 4, random crop, horizontal flip".into(),
    };
    let precision = if args.f16 { Precision::F16 } else { Precision::F32 };
    let mut manifest = RunManifest {
        format: FORMAT,
        name: name.clone(),
        program: runs::program(),
        created: runs::now_rfc3339(),
        state: RunState::Training { epoch: 0, epochs: args.epochs },
        model: spec.clone(),
        data: dataset.record(args.fraction),
        recipe: Some(recipe.clone()),
        seed: Some(args.seed),
        device: String::new(),
        source: None,
        weights_hash: None,
        test: None,
        pruned_from: None,
    };
    let engine = Engine::start(common.device)?;
    let job = engine.submit(Request::Train(TrainRequest {
        network: Arc::new(spec.network()),
        data: dataset,
        subset,
        recipe,
        seed: args.seed,
        report_every: args.checkpoint_every,
        precision,
    }));
    let folder = store.root().join(&name);
    let id = RunId::Disk(folder.clone());
    let mut meter = Meter::new("training");
    let outcome = follow(&job, |event| {
        match event {
            Event::Device(label) => {
                meter.line(&format!("{name}  {}  on {label}", spec.title()));
                manifest.device = label;
                // The folder is there from the start, with the initial weights.
                let initial = initial_state(&spec.network(), args.seed);
                let initial = write_safetensors(&initial, &spec, precision)?;
                store.create(&name, &manifest, &initial, args.force)?;
            }
            Event::Progress(progress) => meter.show(progress),
            Event::Epoch(report) => {
                meter.line(&epoch_line(&report, args.epochs));
                runs::append_metrics(&folder, &metrics_row(&report))?;
                if let Some(state) = &report.state {
                    let bytes = write_safetensors(state, &spec, Precision::F32)?;
                    let file = format!("epoch-{:04}.safetensors", report.epoch);
                    runs::write_checkpoint(&folder, &file, &bytes)?;
                    manifest.state =
                        RunState::Training { epoch: report.epoch, epochs: args.epochs };
                    store.write_manifest(&id, &manifest)?;
                }
            }
            Event::Deletion(_) | Event::Finished(_) => {}
        }
        Ok(())
    });
    meter.finish();
    let Outcome::Trained(trained) = outcome? else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let bytes = write_safetensors(&trained.state, &spec, precision)?;
    manifest.state = RunState::Complete;
    let weights_hash = runs::hash::sha256_hex(&bytes);
    manifest.weights_hash = Some(weights_hash.clone());
    manifest.test = Some(trained.test);
    store.write_weights(&id, &bytes)?;
    store.write_manifest(&id, &manifest)?;
    let data = manifest.data.clone();
    let predictions =
        PredictionsAnalysis::new(trained.predictions, data, weights_hash, trained.device);
    store.write_predictions(&id, &predictions)?;
    say!(
        "test accuracy {:.2} % ({} of {} images)",
        100.0 * trained.test.accuracy(),
        trained.test.correct,
        trained.test.examples
    );
    say!("written to {}", folder.display());
    say!("next: blockscope analyze {name} --data {}", args.data);
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
        "epoch {:>3}/{epochs}  lr {:.5}  train loss {:.4}  train accuracy {:5.1} %  {:.1} s",
        report.epoch,
        report.learning_rate,
        report.train_loss,
        100.0 * report.train_accuracy,
        report.seconds
    );
    if let Some(test) = report.test {
        line.push_str(&format!("  test {:.1} % of {}", 100.0 * test.accuracy(), test.examples));
    }
    line
}

fn metrics_row(report: &EpochReport) -> MetricsRow {
    MetricsRow {
        epoch: report.epoch,
        step: report.step,
        lr: report.learning_rate,
        train_loss: report.train_loss,
        train_accuracy: report.train_accuracy,
        test_loss: report.test.map(|t| t.loss),
        test_accuracy: report.test.map(|t| t.accuracy()),
        seconds: report.seconds,
    }
}
