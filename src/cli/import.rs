//! `blockscope import`: a run from a checkpoint, tested on images.

use std::sync::Arc;

use super::args::{Common, ImportArgs};
use super::{ExitCode, Failure, follow_with_meter};
use crate::data;
use crate::engine::{Engine, EvaluateRequest, Outcome, Request};
use crate::model::weights::{Precision, model_of};
use crate::model::{Overrides, read_weights, write_safetensors};
use crate::runs::{self, FORMAT, PredictionsAnalysis, RunId, RunManifest, RunState, RunStore};

pub fn run(common: &Common, args: &ImportArgs) -> Result<ExitCode, Failure> {
    let store = RunStore::locate(common.runs.clone());
    store.check_new(&args.name, args.force)?;
    let weights = read_weights(&args.weights)?;
    let dataset = data::load_test(&args.data)?;
    let overrides =
        Overrides { mean: args.mean, std: args.std, residual: args.no_residual.then_some(false) };
    let origin = args.weights.display().to_string();
    let spec = model_of(&weights, &origin, args.preset.into(), &overrides, dataset.test.shape())?;
    let state = Arc::new(weights.state);
    let record = dataset.record(1.0);
    let engine = Engine::start(common.device)?;
    let job = engine.submit(Request::Predict(EvaluateRequest {
        network: Arc::new(spec.network()),
        state: state.clone(),
        images: Arc::new(dataset.test),
    }));
    let (outcome, device) = follow_with_meter(&job, "testing")?;
    let Outcome::Predicted(found) = outcome else {
        return Err(Failure::usage("the engine answered another request"));
    };
    let test = found.test;
    let bytes = write_safetensors(&state, &spec, Precision::F32)?;
    let weights_hash = runs::hash::sha256_hex(&bytes);
    let manifest = RunManifest {
        format: FORMAT,
        name: args.name.clone(),
        program: runs::program(),
        created: runs::now_rfc3339(),
        state: RunState::Complete,
        model: spec.clone(),
        data: record.clone(),
        recipe: None,
        seed: None,
        device: device.clone(),
        source: args.weights.file_name().map(|name| name.to_string_lossy().into_owned()),
        weights_hash: Some(weights_hash.clone()),
        test: Some(test),
        pruned_from: None,
    };
    let folder = store.create(&args.name, &manifest, &bytes, args.force)?;
    let predictions =
        PredictionsAnalysis::new(found.predictions, record, weights_hash, device.clone());
    store.write_predictions(&RunId::Disk(folder.clone()), &predictions)?;
    say!("{}  {}  on {device}", args.name, spec.title());
    say!(
        "test accuracy {:.2} % ({} of {} images, loss {:.3})",
        100.0 * test.accuracy(),
        test.correct,
        test.examples,
        test.loss
    );
    say!("written to {}", folder.display());
    say!("next: blockscope analyze {} --data {}", args.name, args.data);
    Ok(ExitCode::SUCCESS)
}
