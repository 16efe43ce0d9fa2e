//! The network against PyTorch, and proofs that Burn's traps do not bite:
//! batch norm's mode, shared running statistics, lazily drawn weights.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::Arc;

use std::path::Path;

use blockscope::domain::product::{Centre, symmetric_product};
use blockscope::domain::{ModelSpec, Preset, Shortcut};
use blockscope::model::init::initial_state;
use blockscope::model::weights::model_of;
use blockscope::model::{Activation, Mode, Net, Overrides, Wanted, read_weights};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::{Array2, Array3, Array4};
use ndarray_npy::read_npy;

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn input(spec: &ModelSpec, n: usize, device: &Device) -> Tensor<4> {
    let [c, h, w] = spec.image;
    let values: Vec<f32> =
        (0..n * c * h * w).map(|i| ((i * 7919 + 13) % 997) as f32 / 500.0 - 1.0).collect();
    Tensor::from_data(TensorData::new(values, [n, c, h, w]), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn assert_logits(weights: &str, preset: Preset, input: &str, logits: &str) {
    let path = fixture(weights);
    let weights = read_weights(&path).unwrap();
    let x: Array4<f32> = read_npy(fixture(input)).unwrap();
    let expected: Array2<f32> = read_npy(fixture(logits)).unwrap();
    let (n, c, h, w) = x.dim();
    let spec =
        model_of(&weights, &path.display().to_string(), preset, &Overrides::default(), [c, h, w])
            .unwrap();
    let device = Device::flex();
    let net = Net::from_state(&Arc::new(spec.network()), &weights.state, &device).unwrap();
    let x = Tensor::from_data(TensorData::new(x.iter().copied().collect(), [n, c, h, w]), &device);
    let found = values(net.forward(x, Mode::Evaluate));
    let scale = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (found, expected) in found.iter().zip(expected.iter()) {
        assert!((found - expected).abs() <= 2e-5 * scale, "{found} against {expected}");
    }
}

#[test]
fn all_containers_give_pytorchs_logits() {
    for weights in ["resnet8.pt", "resnet8_legacy.pth", "resnet8.safetensors"] {
        assert_logits(weights, Preset::He, "resnet8_input.npy", "resnet8_logits.npy");
    }
}

#[test]
fn projections_and_biases_give_pytorchs_logits() {
    assert_logits(
        "resnet8_paper.safetensors",
        Preset::Paper,
        "resnet8_input.npy",
        "resnet8_paper_logits.npy",
    );
}

/// Every layer's Gram matrix as PyTorch computed it in f64: the capture sees what
/// the layer list says, in that order.
fn assert_grams(weights: &str, preset: Preset, grams: &str) {
    let path = fixture(weights);
    let weights = read_weights(&path).unwrap();
    let x: Array4<f32> = read_npy(fixture("resnet8_input.npy")).unwrap();
    let expected: Array3<f64> = read_npy(fixture(grams)).unwrap();
    let (n, c, h, w) = x.dim();
    let name = path.display().to_string();
    let spec = model_of(&weights, &name, preset, &Overrides::default(), [c, h, w]).unwrap();
    let layers = spec.layers();
    assert_eq!(expected.dim(), (layers.len(), n, n));
    let device = Device::flex();
    let net = Net::from_state(&Arc::new(spec.network()), &weights.state, &device).unwrap();
    let x = Tensor::from_data(TensorData::new(x.iter().copied().collect(), [n, c, h, w]), &device);
    net.forward_tapped(x, Mode::Evaluate, |index, activation| -> Result<_, String> {
        let rows = match activation {
            Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => values(x.clone()),
            Activation::Vector(x) => values(x.clone()),
        };
        let gram = symmetric_product(&rows, n, Centre::Columns);
        let scale = (0..n).map(|i| expected[(index, i, i)]).fold(0.0, f64::max);
        for i in 0..n {
            for j in 0..n {
                let error = (gram.get(i, j) - expected[(index, i, j)]).abs();
                assert!(error <= 1e-5 * scale, "{}: {error:e} of {scale:e}", layers[index].name);
            }
        }
        Ok(Wanted::All)
    })
    .unwrap();
}

#[test]
fn every_layers_gram_matrix_is_pytorchs() {
    assert_grams("resnet8.safetensors", Preset::He, "resnet8_grams.npy");
    assert_grams("resnet8_paper.safetensors", Preset::Paper, "resnet8_paper_grams.npy");
}

#[test]
fn the_forward_path_offers_exactly_the_layer_list() {
    let device = Device::flex();
    for (preset, shortcut, residual) in [
        (Preset::He, Shortcut::Pad, true),
        (Preset::Paper, Shortcut::Projection, true),
        (Preset::Paper, Shortcut::Pad, true),
        (Preset::Paper, Shortcut::Projection, false),
    ] {
        let mut spec = ModelSpec::new(preset, 14, 0.3, 7, [3, 13, 10]).unwrap();
        spec.shortcut = shortcut;
        spec.residual = residual;
        let net =
            Net::from_state(&Arc::new(spec.network()), &initial_state(&spec.network(), 1), &device)
                .unwrap();
        let layers = spec.layers();
        let mut seen = 0;
        let tap = |index: usize, activation: Activation<'_>| -> Result<Wanted, String> {
            let shape = match activation {
                Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => x.dims().to_vec(),
                Activation::Vector(x) => x.dims().to_vec(),
            };
            assert_eq!(index, seen);
            assert_eq!(shape[0], 2);
            assert_eq!(shape[1..], layers[index].shape[..], "{}", layers[index].name);
            seen += 1;
            Ok(Wanted::All)
        };
        net.forward_tapped(input(&spec, 2, &device), Mode::Evaluate, tap).unwrap();
        assert_eq!(seen, layers.len());
    }
}

#[test]
fn evaluation_leaves_the_running_statistics_untouched() {
    let (spec, state) = common::small_net(Preset::Paper, 0.5, 8, 1);
    for device in [Device::flex(), Device::flex().autodiff()] {
        let net = Net::from_state(&Arc::new(spec.network()), &state, &device).unwrap();
        let first = values(net.forward(input(&spec, 5, &device), Mode::Evaluate));
        let second = values(net.forward(input(&spec, 5, &device), Mode::Evaluate));
        assert_eq!(first, second);
        assert_eq!(net.to_state().unwrap(), state);
    }
    // Training does change them, so the comparison above can fail.
    let device = Device::flex().autodiff();
    let net = Net::from_state(&Arc::new(spec.network()), &state, &device).unwrap();
    net.forward(input(&spec, 5, &device), Mode::Train);
    let after = net.to_state().unwrap();
    assert_ne!(after.tensors["bn1.running_mean"], state.tensors["bn1.running_mean"]);
    assert_eq!(after.tensors["bn1.weight"], state.tensors["bn1.weight"]);
}

#[test]
fn training_mode_uses_batch_statistics_and_keras_momentum() {
    let (spec, state) = common::small_net(Preset::Paper, 0.5, 8, 2);
    let device = Device::flex().autodiff();
    let net = Net::from_state(&Arc::new(spec.network()), &state, &device).unwrap();
    let x = input(&spec, 6, &device);
    let mut conv1 = Vec::new();
    net.forward_tapped(x, Mode::Train, |index, activation| -> Result<_, String> {
        if let (0, Activation::Map(x)) = (index, activation) {
            conv1 = values(x.clone());
        }
        Ok(Wanted::All)
    })
    .unwrap();
    let after = net.to_state().unwrap();
    let channels = spec.network().layers()[0].shape[0];
    for c in 0..channels {
        let plane = 64;
        let all: Vec<f64> = (0..6)
            .flat_map(|n| conv1[(n * channels + c) * plane..][..plane].to_vec())
            .map(f64::from)
            .collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        let old = f64::from(state.tensors["bn1.running_mean"].data[c]);
        let new = f64::from(after.tensors["bn1.running_mean"].data[c]);
        assert!((new - (0.99 * old + 0.01 * mean)).abs() < 1e-5);
    }
}

#[test]
fn two_loaded_networks_share_nothing() {
    let (spec, a) = common::small_net(Preset::He, 0.5, 8, 1);
    let (_, b) = common::small_net(Preset::He, 0.5, 8, 2);
    let device = Device::flex().autodiff();
    let net_a = Net::from_state(&Arc::new(spec.network()), &a, &device).unwrap();
    let net_b = Net::from_state(&Arc::new(spec.network()), &b, &device).unwrap();
    assert_eq!(net_a.to_state().unwrap(), a);
    assert_eq!(net_b.to_state().unwrap(), b);
    net_b.forward(input(&spec, 4, &device), Mode::Train);
    assert_eq!(net_a.to_state().unwrap(), a);
    assert_ne!(net_b.to_state().unwrap(), b);
}

#[test]
fn a_seed_means_the_same_weights_whatever_else_was_drawn() {
    let spec = ModelSpec::new(Preset::Paper, 8, 1.0, 10, [3, 16, 16]).unwrap();
    let device = Device::flex();
    let read = |noise: bool| {
        device.seed(99);
        if noise {
            let _ = Tensor::<2>::random([8, 8], burn::tensor::Distribution::Default, &device);
        }
        let net =
            Net::from_state(&Arc::new(spec.network()), &initial_state(&spec.network(), 5), &device)
                .unwrap();
        values(net.forward(input(&spec, 2, &device), Mode::Evaluate))
    };
    assert_eq!(read(false), read(true));
}
