//! Convolution kernels, inference and training steps, timed for the comparison
//! with PyTorch: `benches/peers/networks.sh` runs both in turns. Prints a line of
//! JSON a measurement: its name and milliseconds (median and best).
//!
//! Arguments after `--`: `conv`, `infer`, `train` (all if none).

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;

use std::time::Instant;

use blockscope::domain::{ModelSpec, Preset};
use blockscope::kernels::{After, Geometry, forward, input_grad, weight_grad};
use blockscope::model::init::initial_state;
use blockscope::model::{Mode, Net};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Int, Tensor, TensorData};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use pulp::Arch;

/// Median and best over about `seconds`, after two calls that do not count.
fn time(name: &str, seconds: f64, mut f: impl FnMut()) {
    f();
    f();
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 3 || start.elapsed().as_secs_f64() < seconds {
        let one = Instant::now();
        f();
        times.push(1e3 * one.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{{\"name\": \"{name}\", \"median\": {:.4}, \"best\": {:.4}}}",
        times[times.len() / 2],
        times[0]
    );
}

fn noise(len: usize) -> Vec<f32> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5)
        .collect()
}

fn convolutions() {
    let n = 1024;
    let a = Mat::<f32>::from_fn(n, n, |i, j| ((i * 31 + j * 7) % 13) as f32);
    let b = a.clone();
    let mut c = Mat::<f32>::zeros(n, n);
    time("gemm 1024", 2.0, || {
        matmul(c.as_mut(), Accum::Replace, a.as_ref(), b.as_ref(), 1.0f32, Par::rayon(0));
    });
    let arch = Arch::new();
    for (channels, side) in [(16, 32), (32, 16), (64, 8), (64, 32)] {
        let g = Geometry {
            batch: 64,
            height: side,
            width: side,
            inputs: channels,
            outputs: channels,
            kernel: 3,
            stride: 1,
            padding: 1,
        };
        let (x, w, dy) = (noise(g.input_len()), noise(g.weight_len()), noise(g.output_len()));
        let mut y = vec![0.0; g.output_len()];
        let mut dx = vec![0.0; g.input_len()];
        let mut dw = vec![0.0; g.weight_len()];
        let at = format!("{channels}x{side}");
        time(&format!("forward {at}"), 1.5, || forward(arch, &g, &x, &w, After::default(), &mut y));
        time(&format!("input gradient {at}"), 1.5, || input_grad(arch, &g, &dy, &w, &mut dx));
        time(&format!("weight gradient {at}"), 1.5, || weight_grad(arch, &g, &x, &dy, &mut dw));
    }
}

fn networks(infer: bool, train: bool) {
    for (depth, width) in [(20, 1.0), (56, 1.0), (20, 4.0)] {
        let spec = ModelSpec::new(Preset::He, depth, width, 10, [3, 32, 32]).unwrap();
        let state = initial_state(&spec.network(), 0);
        let name = format!("Net-{depth} x{width} batch 64");
        let shape = [64, 3, 32, 32];
        let pixels = TensorData::new(noise(64 * 3 * 1024), shape);
        if infer {
            let device = Device::flex();
            let net = Net::from_state(&Arc::new(spec.network()), &state, &device).unwrap();
            let x = Tensor::<4>::from_data(pixels.clone(), &device);
            time(&format!("inference {name}"), 4.0, || {
                let _ = net.forward(x.clone(), Mode::Evaluate).into_data();
            });
        }
        if train {
            let device = Device::flex().autodiff();
            let mut net =
                Some(Net::from_state(&Arc::new(spec.network()), &state, &device).unwrap());
            let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
            let mut optimizer = SgdConfig::new().with_momentum(Some(momentum)).init();
            let loss = CrossEntropyLossConfig::new().init(&device);
            let labels: Vec<i32> = (0..64).map(|i| i % 10).collect();
            time(&format!("training step {name}"), 5.0, || {
                let model = net.take().unwrap();
                let x = Tensor::<4>::from_data(pixels.clone(), &device);
                let labels = TensorData::new(labels.clone(), [64]);
                let y = Tensor::<1, Int>::from_data(labels, &device);
                let value = loss.forward(model.forward(x, Mode::Train), y);
                let gradients = GradientsParams::from_grads(value.backward(), &model);
                net = Some(optimizer.step(0.01, model, gradients));
            });
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let parts = ["conv", "infer", "train"];
    let asked = |part: &str| {
        let any = args.iter().any(|a| parts.contains(&a.as_str()));
        !any || args.iter().any(|a| a == part)
    };
    blockscope::alloc::keep_large_blocks();
    // from inside the pool, as jobs of the engine run
    rayon::scope(|_| {
        if asked("conv") {
            convolutions();
        }
        networks(asked("infer"), asked("train"));
    });
}
