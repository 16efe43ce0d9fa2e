//! `blockscope prune`: what deleting residual blocks costs, maps of pruned networks,
//! and pruned networks as runs of their own.

use std::sync::Arc;

use super::args::{Common, PruneArgs};
use super::{ExitCode, Failure, follow_with_meter, images, pruned as maps};
use crate::domain::deletion::{DeletionRow, DeletionTable, Experiment};
use crate::domain::record::Evaluation;
use crate::engine::deletion::{Variant, baseline, lesions, sweep};
use crate::engine::{DeletionRequest, Engine, EvaluateRequest, Outcome, Request};
use crate::model::prune::pruned;
use crate::model::weights::{Precision, parse_safetensors, write_safetensors};
use crate::runs::{
    self, DeletionRecord, FORMAT, PredictionsAnalysis, PrunedFrom, RunId, RunManifest, RunState,
    RunStore,
};

pub fn run(common: &Common, args: &PruneArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    let id = store.resolve(&args.run)?;
    let loaded = store.load(&id)?;
    let manifest = loaded.manifest.clone();
    let spec = manifest.model.clone();
    if let Some(blocks) = &args.residual_blocks {
        blocks.check(&spec).map_err(|e| Failure::usage(e.to_string()))?;
        if blocks.is_empty() {
            return Err(Failure::usage("--residual-blocks names none; write them as 2.3,2.4"));
        }
    }
    if let Some(name) = &args.out {
        store.check_new(name, args.force)?;
        if *name == id.name() {
            return Err(Failure::usage(format!(
                "--out {name} is the run that is pruned; choose another name"
            )));
        }
    }
    let bytes = store.weights(&id)?;
    let weights = parse_safetensors(&bytes, &format!("{}/weights.safetensors", args.run))?;
    weights.state.check(&spec)?;
    let dataset = images::test_images(&manifest, args.data.as_ref())?;
    if args.map {
        maps::own_map(&loaded, &dataset.fingerprint)?;
    }
    let folder = store.writable(&id)?;
    let mut data = dataset.record(1.0);
    data.fraction = manifest.data.fraction;
    data.train_examples = manifest.data.train_examples;
    let mut variants = vec![baseline()];
    if args.lesions {
        variants.extend(lesions(&spec));
    }
    if args.sweep {
        variants.extend((1..=3).flat_map(|stage| sweep(&spec, stage)));
    }
    if let Some(blocks) = &args.residual_blocks {
        variants.push(Variant { experiment: Experiment::Chosen, deleted: blocks.clone() });
    }
    if variants.len() == 1 {
        return Err(Failure::usage(if spec.residual {
            "this network has no residual block that can be deleted"
        } else {
            "this network has no residual connections, so no residual block can be deleted"
        }));
    }
    let state = Arc::new(weights.state);
    let images = Arc::new(dataset.test);
    let engine = Engine::start(common.device)?;
    let job = engine.submit(Request::Delete(DeletionRequest {
        spec: spec.clone(),
        state: Arc::clone(&state),
        images: Arc::clone(&images),
        examples: args.examples,
        variants,
        quick: false,
    }));
    let (outcome, device) = follow_with_meter(&job, "deleting")?;
    let Outcome::Deleted(rows) = outcome else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let mut table = DeletionTable::default();
    table.merge(rows.iter().cloned());
    print(&args.run, &table);
    let weights_hash = runs::hash::sha256_hex(&bytes);
    let record = DeletionRecord {
        format: FORMAT,
        program: runs::program(),
        created: runs::now_rfc3339(),
        device: device.clone(),
        data: data.clone(),
        weights_hash: Some(weights_hash.clone()),
    };
    let chosen = rows.iter().find(|row| row.experiment == Experiment::Chosen).cloned();
    store.merge_deletion(&id, record, rows)?;
    say!("written to {}", folder.join("analysis").join("deletion.csv").display());
    if let (true, Some(blocks)) = (args.map, &args.residual_blocks) {
        let (store, run, weights_hash) = (&store, &loaded, &*weights_hash);
        let (state, images) = (Arc::clone(&state), Arc::clone(&images));
        let subject = maps::Subject { store, run, state, weights_hash, images };
        maps::keep(subject, &engine, blocks)?;
    }
    if let (Some(name), Some(row)) = (&args.out, chosen) {
        let (spec, state) =
            pruned(&spec, &state, &row.deleted).map_err(|e| Failure::usage(e.to_string()))?;
        let small = write_safetensors(&state, &spec, Precision::F32)?;
        let request = EvaluateRequest { spec: spec.clone(), state: Arc::new(state), images };
        let job = engine.submit(Request::Predict(request));
        let Outcome::Predicted(found) = follow_with_meter(&job, "testing")?.0 else {
            return Err(Failure::usage("the engine answered another request"));
        };
        let small_hash = runs::hash::sha256_hex(&small);
        let predictions = PredictionsAnalysis::new(
            found.predictions,
            data.clone(),
            small_hash.clone(),
            device.clone(),
        );
        let run = RunManifest {
            format: FORMAT,
            name: name.clone(),
            program: runs::program(),
            created: runs::now_rfc3339(),
            state: RunState::Complete,
            model: spec.clone(),
            data,
            device,
            weights_hash: Some(small_hash),
            test: Some(Evaluation { examples: row.examples, correct: row.correct, loss: row.loss }),
            pruned_from: Some(PrunedFrom {
                run: manifest.name.clone(),
                deleted: row.deleted,
                weights_hash: Some(weights_hash),
            }),
            ..manifest
        };
        let folder = store.create(name, &run, &small, args.force)?;
        store.write_predictions(&RunId::Disk(folder.clone()), &predictions)?;
        say!("{name}  {}  written to {}", spec.title(), folder.display());
        say!("next: blockscope analyze {name}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The rows as a table: what was deleted, accuracy and its interval, the change.
fn print(run: &str, table: &DeletionTable) {
    let whole = table.baseline().map(DeletionRow::accuracy);
    let examples = table.rows().first().map_or(0, |row| row.examples);
    say!("{run}  accuracy on {examples} test images, 95 % intervals");
    let text = |row: &DeletionRow| match row.deleted.is_empty() {
        true => "nothing".to_string(),
        false => row.deleted.to_string(),
    };
    let width = table.rows().iter().map(|row| text(row).len()).max().unwrap_or(0).max(7);
    say!("{:<10} {:<width$}  accuracy   interval          change", "experiment", "deleted");
    for row in table.rows() {
        let (low, high) = row.interval();
        let change = match whole {
            Some(whole) if !row.deleted.is_empty() => {
                format!("{:+.2} points", 100.0 * (row.accuracy() - whole))
            }
            _ => String::new(),
        };
        say!(
            "{:<10} {:<width$}  {:6.2} %   {:5.2} to {:5.2} %   {change}",
            row.experiment.name(),
            text(row),
            100.0 * row.accuracy(),
            100.0 * low,
            100.0 * high
        );
    }
}
