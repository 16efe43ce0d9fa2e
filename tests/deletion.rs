//! Deleting residual blocks: shared prefixes against plain evaluation, a pruned
//! network against PyTorch, refusals.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blockscope::domain::deletion::{DeletionRow, Experiment};
use blockscope::domain::flips::Flips;
use blockscope::domain::plan::SamplePlan;
use blockscope::domain::record::Sample;
use blockscope::domain::{Bypass, ModelSpec, Preset};
use blockscope::engine::deletion::{Variant, baseline, lesions, sweep};
use blockscope::engine::{AnalyzeRequest, DeletionRequest, EvaluateRequest, Predicted};
use blockscope::model::init::initial_state;
use blockscope::model::prune::pruned;
use blockscope::model::weights::{Precision, model_of, write_safetensors};
use blockscope::model::{Mode, Net, Overrides, StateDict, read_weights};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array2, Array4};
use ndarray_npy::read_npy;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn net(preset: Preset) -> (ModelSpec, Arc<StateDict>) {
    let spec = ModelSpec::new(preset, 20, 0.25, 10, [3, 12, 12]).unwrap();
    let state = initial_state(&spec.network(), 11);
    (spec, Arc::new(state))
}

fn delete(
    spec: &ModelSpec,
    state: &Arc<StateDict>,
    images: usize,
    variants: Vec<Variant>,
) -> Result<Vec<DeletionRow>, String> {
    let request = DeletionRequest {
        network: Arc::new(spec.network()),
        state: Arc::clone(state),
        images: common::noise_images(images, 12, 8),
        examples: None,
        variants,
        quick: true,
    };
    Ok(common::finish(common::engine("cpu").submit(request))?.rows)
}

fn evaluate(spec: &ModelSpec, state: &Arc<StateDict>, images: usize) -> Predicted {
    let request = EvaluateRequest {
        network: Arc::new(spec.network()),
        state: Arc::clone(state),
        images: common::noise_images(images, 12, 8),
    };
    common::finish(common::engine("cpu").submit(request)).unwrap()
}

#[test]
fn shared_prefixes_give_what_each_pruned_network_gives_alone() {
    for preset in [Preset::He, Preset::Paper] {
        let (spec, state) = net(preset);
        let mut variants = vec![baseline()];
        variants.extend(lesions(&spec.network()));
        variants.extend((1..=3).flat_map(|stage| sweep(&spec.network(), stage)));
        // more images than a quick estimate, and no whole number of batches
        let rows = delete(&spec, &state, 600, variants.clone()).unwrap();
        assert_eq!(rows.len(), variants.len());
        let right = |spec: &ModelSpec, state: &Arc<StateDict>| -> Vec<bool> {
            let found = evaluate(spec, state, 600).predictions;
            (0..600).map(|at| found.is_right(at)).collect()
        };
        let whole = right(&spec, &state);
        for (row, variant) in rows.iter().zip(&variants) {
            assert_eq!((&row.deleted, row.experiment), (&variant.deleted, variant.experiment));
            let (cut, weights) = pruned(&spec, &state, &row.deleted).unwrap();
            let weights = Arc::new(weights);
            let alone = evaluate(&cut, &weights, 600).test;
            assert_eq!((row.correct, row.examples), (alone.correct, 600), "{}", row.deleted);
            assert!((row.loss - alone.loss).abs() < 1e-9 * alone.loss.abs(), "{}", row.deleted);
            let mut flips = Flips::default();
            for (before, after) in whole.iter().zip(right(&cut, &weights)) {
                flips.add(*before, after);
            }
            assert_eq!(row.flips, (!row.deleted.is_empty()).then_some(flips), "{}", row.deleted);
        }
        // without the whole network the pass stops early, and only pairs are missing
        let some = vec![variants[1].clone(), variants[4].clone()];
        let alone = |at: usize| DeletionRow { flips: None, ..rows[at].clone() };
        assert_eq!(delete(&spec, &state, 600, some).unwrap(), [alone(1), alone(4)]);
    }
}

#[test]
fn layers_of_deleted_blocks_are_undefined_and_the_others_are_the_pruned_networks() {
    let (spec, state) = net(Preset::Paper);
    let bypass: Bypass = "1.1,3.2".parse().unwrap();
    let cka = |spec: &ModelSpec, state: &Arc<StateDict>, bypass: &Bypass| {
        let plan =
            SamplePlan { examples: None, batch: 20, passes: 1, sample: Sample::First, seed: 0 };
        let request = AnalyzeRequest {
            network: Arc::new(spec.network()),
            state: Arc::clone(state),
            images: common::noise_images(40, 12, 8),
            plan,
            bypass: bypass.clone(),
            suite: None,
        };
        common::finish(common::engine("cpu").submit(request)).unwrap().estimate.cka
    };
    let (cut, weights) = pruned(&spec, &state, &bypass).unwrap();
    let alone = cka(&cut, &Arc::new(weights), &Bypass::none());
    let whole = cka(&spec, &state, &bypass);
    let layers = spec.layers();
    let kept: Vec<usize> =
        layers.iter().filter(|l| !bypass.contains_layer(l)).map(|l| l.index).collect();
    assert_eq!(kept.len(), alone.rows());
    assert_eq!(whole.rows(), layers.len());
    for (a, i) in kept.iter().enumerate() {
        for (b, j) in kept.iter().enumerate() {
            let (x, y) = (whole.get(*i, *j).unwrap(), alone.get(a, b).unwrap());
            assert!((x - y).abs() < 1e-9, "{} {}", layers[*i].name, layers[*j].name);
        }
    }
    let gone = layers.iter().filter(|l| bypass.contains_layer(l));
    assert!(gone.clone().count() == 14 && gone.map(|l| l.index).all(|l| whole.get(l, l).is_none()));
}

#[test]
fn a_pruned_runs_weights_give_pytorchs_logits() {
    let path = fixture("resnet8.safetensors");
    let weights = read_weights(&path).unwrap();
    let x: Array4<f32> = read_npy(fixture("resnet8_input.npy")).unwrap();
    let (n, c, h, w) = x.dim();
    let name = path.display().to_string();
    let spec = model_of(&weights, &name, Preset::He, &Overrides::default(), [c, h, w]).unwrap();
    let (cut, state) = pruned(&spec, &weights.state, &"1.0".parse().unwrap()).unwrap();
    let written = write_safetensors(&state, &cut, Precision::F32).unwrap();
    if std::env::var_os("BLOCKSCOPE_WRITE_FIXTURES").is_some() {
        std::fs::write(fixture("resnet8_cut.safetensors"), &written).unwrap();
    }
    // the file that PyTorch loaded is the one that is written today
    let loaded = read_weights(&fixture("resnet8_cut.safetensors")).unwrap();
    assert_eq!(loaded.state, state);
    let expected: Array2<f32> = read_npy(fixture("resnet8_cut_logits.npy")).unwrap();
    let device = Device::flex();
    let x = Tensor::from_data(TensorData::new(x.iter().copied().collect(), [n, c, h, w]), &device);
    let net = Net::from_state(&Arc::new(cut.network()), &state, &device).unwrap();
    let found = net.forward(x, Mode::Evaluate).into_data().try_into_vec::<f32>().unwrap();
    let size = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (a, b) in found.iter().zip(&expected) {
        assert!((a - b).abs() <= 1e-5 * size, "{a} {b}");
    }
}

#[test]
fn what_cannot_be_deleted_is_refused_with_the_reason() {
    let (spec, state) = net(Preset::He);
    let one = |text: &str| {
        vec![Variant { experiment: Experiment::Chosen, deleted: text.parse().unwrap() }]
    };
    let error = delete(&spec, &state, 20, one("2.0")).unwrap_err();
    assert!(error.contains("changes the shape") && !error.contains('\n'), "{error}");
    assert!(delete(&spec, &state, 20, one("1.7")).unwrap_err().contains("blocks 1.0 to 1.2"));
    let mut plain = spec.clone();
    plain.residual = false;
    assert!(delete(&plain, &state, 20, one("1.1")).unwrap_err().contains("no residual"));
    assert!(plain.network().deletable().is_empty());
}
