//! Networks of other designs than the one family that there is: what is fused and what is
//! not gives the same values, and a pass that starts in the middle goes on as the whole.

use std::sync::Arc;

use burn::tensor::{Device, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::domain::Role;
use crate::domain::network::{Builder, Input, Network};
use crate::model::init::initial_state;

const CONV: Op = Op::Conv { kernel: 3, stride: 1, padding: 1, bias: false };
const HALF: Op = Op::Conv { kernel: 3, stride: 2, padding: 1, bias: true };
const AROUND: Op = Op::Conv { kernel: 1, stride: 2, padding: 0, bias: false };
const NORM: Op = Op::Norm { epsilon: 1e-5, momentum: 0.9 };

fn builder(title: &str) -> Builder {
    Builder::new(title.into(), Input { shape: [3, 10, 9], mean: [0.0; 3], std: [1.0; 3] })
}

fn head(mut build: Builder, x: NodeId) -> Network {
    build.outside();
    let x = build.push("pool".into(), Role::Head, Op::GlobalPool, 0, &[x]);
    build.push("fc".into(), Role::Head, Op::Linear, 5, &[x]);
    build.finish()
}

/// A stem, then two blocks that `block` writes.
fn blocks(title: &str, block: impl Fn(&mut Builder, usize, NodeId) -> NodeId) -> Network {
    let mut build = builder(title);
    let mut x = build.push("stem".into(), Role::Stem, CONV, 8, &[NodeId::INPUT]);
    build.stage("one");
    for at in 0..2 {
        build.block(at);
        x = block(&mut build, at, x);
    }
    head(build, x)
}

/// Norm and ReLU before the convolution, nothing behind the sum.
fn preactivated() -> Network {
    blocks("pre", |build, at, x| {
        let name = |part: &str| format!("{at}.{part}");
        let y = build.push(name("norm1"), Role::Branch, NORM, 0, &[x]);
        let y = build.push(name("relu1"), Role::Branch, Op::Relu, 0, &[y]);
        let y = build.push(name("conv1"), Role::Branch, CONV, 8, &[y]);
        let y = build.push(name("norm2"), Role::Branch, NORM, 0, &[y]);
        let y = build.push(name("relu2"), Role::Branch, Op::Relu, 0, &[y]);
        let y = build.push(name("conv2"), Role::BeforeAdd, CONV, 8, &[y]);
        build.push(name("add"), Role::Sum, Op::Add, 0, &[y, x])
    })
}

/// A norm on both sides of the sum, the skip first.
fn normed_shortcut() -> Network {
    blocks("normed shortcut", |build, at, x| {
        let name = |part: &str| format!("{at}.{part}");
        let channels = 12 + 4 * at;
        let y = build.push(name("conv1"), Role::Branch, HALF, channels, &[x]);
        let y = build.push(name("norm1"), Role::BeforeAdd, NORM, 0, &[y]);
        let s = build.push(name("down"), Role::Shortcut, AROUND, channels, &[x]);
        let s = build.push(name("downnorm"), Role::Shortcut, NORM, 0, &[s]);
        let y = build.push(name("add"), Role::Sum, Op::Add, 0, &[s, y]);
        build.push(name("relu"), Role::BlockOutput, Op::Relu, 0, &[y])
    })
}

/// A convolution that two nodes read, a norm that two nodes read, a sum of sums.
fn shared() -> Network {
    blocks("shared", |build, at, x| {
        let name = |part: &str| format!("{at}.{part}");
        let conv = build.push(name("conv"), Role::Branch, CONV, 8, &[x]);
        let norm = build.push(name("norm"), Role::Branch, NORM, 0, &[conv]);
        let relu = build.push(name("relu"), Role::Branch, Op::Relu, 0, &[norm]);
        let a = build.push(name("a"), Role::Branch, Op::Add, 0, &[norm, conv]);
        let b = build.push(name("b"), Role::Sum, Op::Add, 0, &[a, relu]);
        let c = build.push(name("c"), Role::Sum, Op::Add, 0, &[x, b]);
        build.push(name("out"), Role::BlockOutput, NORM, 0, &[c])
    })
}

/// Padding around the branch, no ReLU behind a norm but the pool.
fn padded() -> Network {
    blocks("padded", |build, at, x| {
        let name = |part: &str| format!("{at}.{part}");
        let y = build.push(name("conv"), Role::Branch, HALF, 11 + 3 * at, &[x]);
        let y = build.push(name("norm"), Role::BeforeAdd, NORM, 0, &[y]);
        let pad = Op::Pad { stride: 2 };
        let s = build.push(name("pad"), Role::Shortcut, pad, 11 + 3 * at, &[x]);
        build.push(name("add"), Role::Sum, Op::Add, 0, &[y, s])
    })
}

fn designs() -> Vec<Network> {
    vec![preactivated(), normed_shortcut(), shared(), padded()]
}

/// The network with norms that are not trivial, and a batch for it.
fn ready(network: Network) -> (Net, Tensor<4>) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut state = initial_state(&network, 3);
    for (name, tensor) in &mut state.tensors {
        if tensor.shape.len() == 1 {
            let low = if name.ends_with("running_var") { 0.5 } else { -0.3 };
            tensor.data.iter_mut().for_each(|v| *v += low + rng.random_range(0.0..0.6f32));
        }
    }
    let device = Device::flex();
    let net = Net::from_state(&Arc::new(network), &state, &device).unwrap();
    let x: Vec<f32> = (0..4 * 3 * 90).map(|_| rng.random_range(-1.0..1.0)).collect();
    (net, Tensor::from_data(TensorData::new(x, [4, 3, 10, 9]), &device))
}

fn values<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.to_data().try_into_vec::<f32>().unwrap()
}

fn close(a: &[f32], b: &[f32]) -> bool {
    let scale = b.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-5 * scale)
}

/// Layers by index as a tap that answers `wanted` sees them, and the logits.
fn tapped(net: &Net, x: &Tensor<4>, wanted: Wanted) -> (Vec<(usize, Vec<f32>)>, Vec<f32>) {
    let mut seen = Vec::new();
    let logits = net.forward_tapped(x.clone(), Mode::Evaluate, |layer, activation| {
        seen.push((
            layer,
            match activation {
                Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => values(x),
                Activation::Vector(x) => values(x),
            },
        ));
        Ok::<_, Infallible>(wanted)
    });
    (seen, values(&never(logits)))
}

#[test]
fn what_is_fused_gives_what_is_not() {
    for network in designs() {
        let title = network.title().to_string();
        let (net, x) = ready(network);
        let (all, logits) = tapped(&net, &x, Wanted::All);
        let layers: Vec<usize> = all.iter().map(|(layer, _)| *layer).collect();
        assert_eq!(layers, (0..net.network().layers().len()).collect::<Vec<_>>(), "{title}");
        let fused = values(&net.forward(x.clone(), Mode::Evaluate));
        assert!(close(&fused, &logits), "{title}: {fused:?} {logits:?}");
        for wanted in [Wanted::NotTheNorm, Wanted::NextRelu] {
            let (some, other) = tapped(&net, &x, wanted);
            assert!(close(&other, &logits), "{title} {wanted:?}");
            // where every convolution has two readers there is nothing to fuse
            assert!(some.len() < all.len() || title == "shared", "{title} {wanted:?}");
            for (layer, found) in &some {
                assert!(close(found, &all[*layer].1), "{title} {wanted:?} layer {layer}");
            }
        }
    }
}

#[test]
fn each_layer_is_what_its_node_says() {
    // a norm, a sum and a ReLU by hand, from the values of their inputs
    for network in designs() {
        let (net, x) = ready(network);
        let network = Arc::clone(net.network());
        let (all, _) = tapped(&net, &x, Wanted::All);
        let value = |id: NodeId| network.node(id).layer.map(|layer| all[layer].1.clone());
        let state = net.to_state().unwrap();
        for (id, node) in network.each() {
            let inputs: Option<Vec<Vec<f32>>> = node.inputs.iter().map(|i| value(*i)).collect();
            let (Some(inputs), Some(found)) = (inputs, value(id)) else { continue };
            let expected: Vec<f32> = match node.op {
                Op::Relu => inputs[0].iter().map(|v| v.max(0.0)).collect(),
                Op::Add => inputs[0].iter().zip(&inputs[1]).map(|(a, b)| a + b).collect(),
                Op::Norm { epsilon, .. } => {
                    let part = |name: &str| &state.tensors[&format!("{}.{name}", node.name)].data;
                    let plane: usize = node.shape[1..].iter().product();
                    let norm = |(at, v): (usize, &f32)| {
                        let c = at / plane % node.shape[0];
                        let std = (part("running_var")[c] + epsilon as f32).sqrt();
                        (v - part("running_mean")[c]) / std * part("weight")[c] + part("bias")[c]
                    };
                    inputs[0].iter().enumerate().map(norm).collect()
                }
                _ => continue,
            };
            assert!(close(&found, &expected), "{}", node.name);
        }
    }
}

#[test]
fn a_pass_from_the_middle_goes_on_as_the_whole() {
    for network in designs() {
        let (net, x) = ready(network);
        let whole = values(&net.forward(x.clone(), Mode::Evaluate));
        let spans = net.network().blocks();
        let mut seen = 0;
        let logits = net.forward_by_blocks(x, |block, input| {
            let span = spans.iter().find(|span| span.block == block).unwrap();
            assert!(close(&values(&net.forward_from(span.input, input.clone())), &whole));
            seen += 1;
            Ok::<_, Infallible>(())
        });
        assert!(close(&values(&never(logits)), &whole));
        assert_eq!(seen, 2);
    }
}

#[test]
fn a_deleted_block_of_another_design_passes_its_input_on() {
    let (net, x) = ready(preactivated());
    let cut = net.without(&"1.1".parse().unwrap()).unwrap();
    // by hand: the head on what the second block reads
    let (all, _) = tapped(&net, &x, Wanted::All);
    let sum = net.network().find("0.add").unwrap();
    let sum = &all[net.network().node(sum).layer.unwrap()].1;
    let state = net.to_state().unwrap();
    let (weight, bias) = (&state.tensors["fc.weight"].data, &state.tensors["fc.bias"].data);
    let plane = 90;
    let mut expected = Vec::new();
    for n in 0..4 {
        let pooled = |c: usize| {
            let at = (n * 8 + c) * plane;
            sum[at..at + plane].iter().sum::<f32>() / plane as f32
        };
        let pooled: Vec<f32> = (0..8).map(pooled).collect();
        for class in 0..5 {
            let dot: f32 = pooled.iter().zip(&weight[class * 8..]).map(|(a, b)| a * b).sum();
            expected.push(dot + bias[class]);
        }
    }
    let found = values(&cut.forward(x.clone(), Mode::Evaluate));
    assert!(close(&found, &expected), "{found:?} {expected:?}");
    let (layers, _) = tapped(&cut, &x, Wanted::All);
    let first = net.network().find("1.norm1").unwrap();
    let first = net.network().node(first).layer.unwrap();
    assert!(layers.iter().all(|(layer, _)| !(first..first + 7).contains(layer)));
}
