//! Cross-model CKA through the engine: any number of models in one pass, each
//! with its own preprocessing, against the stacked estimate, the analysis of one
//! model, activations with their first component removed, and PyTorch.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::path::Path;
use std::sync::Arc;

use blockscope::data::{self, DataSource, ImageSet, batch_f32};
use blockscope::domain::cka::{CkaAccumulator, CrossAccumulator, PackedGrams};
use blockscope::domain::pca::ComponentSums;
use blockscope::domain::product::{Centre, symmetric_product};
use blockscope::domain::record::Sample;
use blockscope::domain::{Bypass, ModelSpec, Preset, SimilarityMatrix};
use blockscope::engine::{
    AnalyzeRequest, CompareRequest, Compared, ComparedModel, EvaluateRequest, Outcome, Request,
    SamplePlan, device,
};
use blockscope::model::capture::grams;
use blockscope::model::weights::model_of;
use blockscope::model::{Mode, Net, Overrides, StateDict, Wanted, read_weights};
use burn::tensor::{Tensor, TensorData};
use ndarray::Array2;

const PLAN: SamplePlan =
    SamplePlan { examples: Some(58), batch: 24, passes: 1, sample: Sample::Random, seed: 5 };

fn described(preset: Preset, depth: usize, width: f64, seed: u64) -> (ModelSpec, StateDict) {
    let (mut spec, mut state) = common::small_net(preset, width, 8, seed);
    if depth != 8 {
        spec = ModelSpec::new(preset, depth, width, 10, [3, 8, 8]).unwrap();
        state = blockscope::model::init::initial_state(&spec.network(), seed);
    }
    (spec, state)
}

fn of((spec, state): (ModelSpec, StateDict)) -> ComparedModel {
    ComparedModel { network: Arc::new(spec.network()), state: Arc::new(state) }
}

/// Three models that differ in depth, width, family and preprocessing.
fn models() -> Vec<ComparedModel> {
    let mut third = described(Preset::He, 8, 0.25, 3);
    third.0.mean = [0.1, 0.5, 0.9];
    third.0.std = [0.3, 0.1, 0.7];
    let model = |preset, depth, width, seed| of(described(preset, depth, width, seed));
    vec![model(Preset::Paper, 8, 0.5, 1), model(Preset::He, 14, 0.25, 2), of(third)]
}

fn compare(
    models: &[ComparedModel],
    images: &Arc<ImageSet>,
    pairs: &[(usize, usize)],
    plan: SamplePlan,
    without_pc1: bool,
) -> Result<Compared, String> {
    let request = CompareRequest {
        models: models.to_vec(),
        images: Arc::clone(images),
        plan,
        pairs: pairs.to_vec(),
        without_pc1,
    };
    match common::finish(common::engine("cpu").submit(Request::Compare(request)))? {
        Outcome::Compared(found) => Ok(*found),
        _ => panic!(),
    }
}

/// The Gram matrices of all layers of all models over one batch.
fn stacked(models: &[ComparedModel], images: &ImageSet, indices: &[u32]) -> PackedGrams {
    let device = device::open("cpu".parse().unwrap()).unwrap().device;
    let layers: usize = models.iter().map(|m| m.network.layers().len()).sum();
    let mut packed = PackedGrams::new(layers, indices.len()).unwrap();
    let mut from = 0;
    for ComparedModel { network, state } in models {
        let net = Net::from_state(network, state, &device).unwrap();
        let mut pixels = Vec::new();
        batch_f32(images, indices, network.input().mean, network.input().std, &mut pixels);
        let [c, h, w] = images.shape();
        let x = Tensor::from_data(TensorData::new(pixels, [indices.len(), c, h, w]), &device);
        net.forward_tapped(x, Mode::Evaluate, |layer, activation| {
            let (gram, _) = grams(layer, activation)?;
            packed.set_gram(from + layer, &gram).unwrap();
            Ok::<_, blockscope::model::capture::CaptureError>(Wanted::All)
        })
        .unwrap();
        from += network.layers().len();
    }
    packed
}

#[test]
fn all_pairs_are_the_blocks_of_the_stacked_run() {
    let (models, images) = (models(), common::noise_images(70, 8, 9));
    let batches = PLAN.batches(images.len()).unwrap();
    assert_eq!(batches.batches.iter().map(Vec::len).collect::<Vec<_>>(), [24, 24, 10]);
    let sizes: Vec<usize> = models.iter().map(|m| m.network.layers().len()).collect();
    let mut whole = CkaAccumulator::new(sizes.iter().sum());
    for indices in &batches.batches {
        whole.add(&stacked(&models, &images, indices)).unwrap();
    }
    let whole = whole.finish().unwrap();
    let pairs = [(0, 0), (1, 0), (0, 2), (1, 1), (1, 2), (2, 2)];
    let found = compare(&models, &images, &pairs, PLAN, false).unwrap();
    assert_eq!((found.pairs.len(), found.examples, found.dropped), (6, 58, 0));
    let range = |k: usize| {
        let from: usize = sizes[..k].iter().sum();
        (from..from + sizes[k]).collect::<Vec<usize>>()
    };
    for (pair, found) in pairs.into_iter().zip(&found.pairs) {
        assert_eq!((found.pair, found.estimate.batches), (pair, 3));
        assert!(found.without_pc1.is_none());
        let block = |map: &SimilarityMatrix| map.select(&range(pair.0), &range(pair.1));
        let (cka, se) = (&found.estimate.cka, &found.estimate.se);
        assert!(common::worst(cka, &block(&whole.cka)) < 1e-6, "{pair:?}");
        assert!(common::worst(se, &block(&whole.se)) < 1e-6, "{pair:?}");
        let values = cka.view();
        assert!(values.iter().any(|v| *v > 0.3) && values.iter().any(|v| *v < 0.9), "{pair:?}");
    }
}

#[test]
fn a_model_with_itself_gives_its_own_map() {
    let (models, images) = (models(), common::noise_images(58, 8, 4));
    let twice = [models[0].clone(), models[0].clone()];
    let found = compare(&twice, &images, &[(0, 1), (0, 0)], PLAN, false).unwrap();
    let job = common::engine("cpu").submit(Request::Analyze(AnalyzeRequest {
        network: Arc::clone(&models[0].network),
        state: Arc::clone(&models[0].state),
        images,
        plan: PLAN,
        bypass: Bypass::none(),
        suite: None,
    }));
    let Outcome::Measured(own) = common::finish(job).unwrap() else { panic!() };
    assert_eq!(found.pairs[1].estimate, own.estimate);
    assert!(common::worst(&found.pairs[0].estimate.cka, &own.estimate.cka) < 1e-6);
    let cell = found.pairs[0].estimate.cka.get(3, 3).unwrap();
    assert!((cell - 1.0).abs() < 1e-6, "{cell}");
}

/// Row-major `n x p` in f64, features centred.
fn centred(rows: &[f32], n: usize) -> Vec<f64> {
    let p = rows.len() / n;
    let mut x: Vec<f64> = rows.iter().map(|v| f64::from(*v)).collect();
    for j in 0..p {
        let mean = (0..n).map(|i| x[i * p + j]).sum::<f64>() / n as f64;
        (0..n).for_each(|i| x[i * p + j] -= mean);
    }
    x
}

/// Takes the first principal component out of the activations themselves:
/// `X - (X v) vᵀ`, `v` by power iteration in the space of features.
fn remove_first(x: &mut [f64], n: usize) {
    let p = x.len() / n;
    let mut v: Vec<f64> = (0..p).map(|j| 1.0 + (j % 7) as f64).collect();
    let mut scores = vec![0.0; n];
    for _ in 0..3000 {
        for i in 0..n {
            scores[i] = (0..p).map(|j| x[i * p + j] * v[j]).sum();
        }
        for j in 0..p {
            v[j] = (0..n).map(|i| x[i * p + j] * scores[i]).sum();
        }
        let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
        v.iter_mut().for_each(|v| *v /= norm);
    }
    for i in 0..n {
        let score: f64 = (0..p).map(|j| x[i * p + j] * v[j]).sum();
        (0..p).for_each(|j| x[i * p + j] -= score * v[j]);
    }
}

#[test]
fn removing_components_from_gram_matrices_is_removing_them_from_activations() {
    // 120 examples: above the size up to which all eigenvalues are computed.
    for n in [20, 120] {
        let features = [17, 40, 64];
        let shared = common::noise_images(n, 8, 29);
        let layers: Vec<Vec<f32>> = features
            .iter()
            .enumerate()
            .map(|(k, p)| {
                let noise = common::noise_images(n, 8, 30 + k as u64);
                let value = |i: usize, j: usize| {
                    let base = f32::from(noise.image(i)[j]) / 128.0;
                    // A shared direction that dominates, stronger in later layers.
                    let driver = f32::from(shared.image(i)[0]) / 128.0 - 1.0;
                    base + (1.0 + k as f32) * driver * (1.0 + (j % 3) as f32) + 5.0
                };
                (0..n * p).map(|at| value(at / p, at % p)).collect()
            })
            .collect();
        let mut kept = ComponentSums::new(3, n).unwrap();
        let mut exact = PackedGrams::new(3, n).unwrap();
        let mut plain = PackedGrams::new(3, n).unwrap();
        for (k, rows) in layers.iter().enumerate() {
            kept.set_gram(k, &symmetric_product(rows, n, Centre::Columns)).unwrap();
            plain.set_rows(k, rows).unwrap();
            let mut x = centred(rows, n);
            remove_first(&mut x, n);
            let reduced: Vec<f32> = x.iter().map(|v| *v as f32).collect();
            exact.set_rows(k, &reduced).unwrap();
        }
        let map = |grams: &PackedGrams| {
            let mut sums = CkaAccumulator::new(3);
            sums.add(grams).unwrap();
            sums.finish().unwrap().cka
        };
        let (found, exact, plain) = (map(&kept.without_first().unwrap()), map(&exact), map(&plain));
        assert!(common::worst(&found, &exact) < 1e-4, "{n}: {found:?} {exact:?}");
        assert!(common::worst(&plain, &exact) > 0.1, "{n}: the component made no difference");
    }
}

#[test]
fn maps_without_first_components_are_those_of_reduced_gram_matrices() {
    let (models, images) = (models(), common::noise_images(58, 8, 4));
    let found = compare(&models, &images, &[(0, 1), (2, 2)], PLAN, true).unwrap();
    // The last batch, of 10, is below 16 and left out of the reduced maps.
    let mut sums =
        CrossAccumulator::new(models[0].network.layers().len(), models[1].network.layers().len());
    let device = device::open("cpu".parse().unwrap()).unwrap().device;
    for indices in PLAN.batches(images.len()).unwrap().batches.iter().filter(|b| b.len() >= 16) {
        let n = indices.len();
        let reduced = models[..2].iter().map(|ComparedModel { network, state }| {
            let net = Net::from_state(network, state, &device).unwrap();
            let mut kept = ComponentSums::new(network.layers().len(), n).unwrap();
            let mut pixels = Vec::new();
            batch_f32(&images, indices, network.input().mean, network.input().std, &mut pixels);
            let x = Tensor::from_data(TensorData::new(pixels, [n, 3, 8, 8]), &device);
            net.forward_tapped(x, Mode::Evaluate, |layer, activation| {
                kept.set_gram(layer, &grams(layer, activation)?.0).unwrap();
                Ok::<_, blockscope::model::capture::CaptureError>(Wanted::All)
            })
            .unwrap();
            kept.without_first().unwrap()
        });
        let reduced: Vec<PackedGrams> = reduced.collect();
        sums.add(&reduced[0], &reduced[1]).unwrap();
    }
    let expected = sums.finish().unwrap().cka;
    let reduced = found.pairs[0].without_pc1.as_ref().unwrap();
    assert!(common::worst(reduced, &expected) < 1e-5);
    assert!(common::worst(reduced, &found.pairs[0].estimate.cka) > 0.01);
    assert_eq!(found.pairs[0].estimate.batches, 3);
    // The plain map does not depend on whether the other was asked for.
    let plain = compare(&models, &images, &[(0, 1)], PLAN, false).unwrap();
    assert!(common::worst(&plain.pairs[0].estimate.cka, &found.pairs[0].estimate.cka) < 1e-6);
    let own = found.pairs[1].without_pc1.as_ref().unwrap();
    assert!((own.get(4, 4).unwrap() - 1.0).abs() < 1e-9);
}

#[test]
fn many_batches_do_not_add_memory_and_keep_the_estimate() {
    let (a, b) = (common::noise_images(4 * 600, 8, 1), common::noise_images(4 * 600, 8, 2));
    let rows = |images: &ImageSet, t: usize, k: usize| -> Vec<f32> {
        (4 * t..4 * t + 4)
            .flat_map(|i| images.image(i)[k * 20..(k + 1) * 20].to_vec())
            .map(f32::from)
            .collect()
    };
    let (mut cross, mut whole) = (CrossAccumulator::new(1, 2), CkaAccumulator::new(3));
    let mut single = CrossAccumulator::with_groups(1, 2, 1);
    for t in 0..600 {
        let layers = [rows(&a, t, 0), rows(&a, t, 1), rows(&b, t, 1)];
        let grams = |layers: &[&Vec<f32>]| {
            let mut grams = PackedGrams::new(layers.len(), 4).unwrap();
            layers.iter().enumerate().for_each(|(k, x)| grams.set_rows(k, x).unwrap());
            grams
        };
        let [x, y, z] = &layers;
        cross.add(&grams(&[x]), &grams(&[y, z])).unwrap();
        single.add(&grams(&[x]), &grams(&[y, z])).unwrap();
        whole.add(&grams(&[x, y, z])).unwrap();
    }
    let (cross, whole) = (cross.finish().unwrap(), whole.finish().unwrap());
    let single = single.finish().unwrap();
    assert_eq!((cross.batches, single.batches), (600, 600));
    assert!(common::worst(&single.cka, &cross.cka) < 1e-9 && single.se.get(0, 0).is_none());
    assert!(common::worst(&cross.cka, &whole.cka.select(&[0], &[1, 2])) < 1e-6);
    // Errors agree only if both merged the same neighbours.
    assert!(common::worst(&cross.se, &whole.se.select(&[0], &[1, 2])) < 1e-6);
}

#[test]
fn what_cannot_be_compared_is_refused_in_one_line() {
    let (mut models, images) = (models(), common::noise_images(58, 8, 4));
    let refused = |models: &[ComparedModel], pairs: &[(usize, usize)], plan, pc1| {
        let text = compare(models, &images, pairs, plan, pc1).unwrap_err();
        assert!(!text.contains('\n'), "{text}");
        text
    };
    assert!(refused(&models, &[], PLAN, false).contains("no models"));
    assert!(refused(&models, &[(0, 7)], PLAN, false).contains("no model 7"));
    let small = SamplePlan { batch: 12, ..PLAN };
    assert!(refused(&models, &[(0, 1)], small, true).contains("at least 16"));
    let mut few = described(Preset::He, 14, 0.25, 2).0;
    few.classes = 5;
    models[1].network = Arc::new(few.network());
    assert!(refused(&models, &[(0, 1)], PLAN, false).contains("only 5 classes"));
    // A model in no pair is nobody's business.
    assert!(compare(&models, &images, &[(0, 2)], PLAN, false).is_ok());
}

#[test]
fn predictions_are_those_that_the_evaluation_counts() {
    let (spec, state) = common::small_net(Preset::He, 0.25, 8, 3);
    let images = common::noise_images(300, 8, 4);
    let request = || EvaluateRequest {
        network: Arc::new(spec.network()),
        state: Arc::new(state.clone()),
        images: Arc::clone(&images),
    };
    let engine = common::engine("cpu");
    let Outcome::Evaluated(test) =
        common::finish(engine.submit(Request::Evaluate(request()))).unwrap()
    else {
        panic!()
    };
    let Outcome::Predicted(found) =
        common::finish(engine.submit(Request::Predict(request()))).unwrap()
    else {
        panic!()
    };
    assert_eq!(found.test, test);
    let predictions = &found.predictions;
    assert_eq!(predictions.images, (0..300).collect::<Vec<u32>>());
    assert!((0..300).all(|at| predictions.labels[at] == images.label(at)));
    let right = (0..300).filter(|at| predictions.is_right(*at)).count();
    assert_eq!(right, test.correct);
    assert!(predictions.confidence.iter().all(|c| (0.1..=1.0).contains(c)));
}

#[test]
fn resnet20_against_resnet56_is_the_reference() {
    let test = "resnet20_against_resnet56_is_the_reference";
    let Some(weights) = common::path_from_env(test, "BLOCKSCOPE_WEIGHTS") else { return };
    let Some(cifar) = common::path_from_env(test, "BLOCKSCOPE_CIFAR10") else { return };
    let images = Arc::new(data::load_test(&DataSource::Cifar10(cifar)).unwrap().test);
    let models: Vec<ComparedModel> = ["resnet20-12fca82f.th", "resnet56-4bfd9763.th"]
        .iter()
        .map(|file| {
            let path = weights.join(file);
            let weights = read_weights(&path).unwrap();
            let origin = path.display().to_string();
            let overrides = Overrides::default();
            let spec = model_of(&weights, &origin, Preset::He, &overrides, images.shape()).unwrap();
            of((spec, weights.state))
        })
        .collect();
    let plan =
        SamplePlan { examples: Some(512), batch: 256, passes: 1, sample: Sample::First, seed: 0 };
    let found = compare(&models, &images, &[(0, 1)], plan, false).unwrap();
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cross_resnet20_resnet56.npy");
    let expected: Array2<f32> = ndarray_npy::read_npy(file).unwrap();
    let expected = SimilarityMatrix::new(expected.mapv(f64::from));
    let worst = common::worst(&found.pairs[0].estimate.cka, &expected);
    println!("worst difference {worst:e}");
    assert!(worst < 2e-4, "{worst:e}");
}
