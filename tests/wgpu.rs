//! The wgpu path against the CPU: logits and CKA of a small network. Runs on
//! whatever adapter there is, a software rasterizer included; says why when
//! there is none.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::Write;
use std::sync::Arc;

use blockscope::domain::record::Sample;
use blockscope::domain::{Bypass, ModelSpec, Preset};
use blockscope::engine::{AnalyzeRequest, Measured, Outcome, Request, SamplePlan, device};
use blockscope::model::{Mode, Net, StateDict};
use burn::tensor::{Tensor, TensorData};

fn logits(choice: &str, spec: &ModelSpec, state: &StateDict) -> Vec<f32> {
    let open = device::open(choice.parse().unwrap()).unwrap();
    let net = Net::from_state(&Arc::new(spec.network()), state, &open.device).unwrap();
    let values: Vec<f32> = (0..8 * 3 * 256).map(|i| ((i * 31) % 61) as f32 / 60.0).collect();
    let x = Tensor::<4>::from_data(TensorData::new(values, [8, 3, 16, 16]), &open.device);
    net.forward(x, Mode::Evaluate).try_into_data().unwrap().try_into_vec().unwrap()
}

fn cka(choice: &str, spec: &ModelSpec, state: &StateDict) -> Box<Measured> {
    let plan = SamplePlan { examples: None, batch: 16, passes: 1, sample: Sample::First, seed: 0 };
    let request = AnalyzeRequest {
        network: Arc::new(spec.network()),
        state: Arc::new(state.clone()),
        images: common::noise_images(40, 16, 4),
        plan,
        bypass: Bypass::none(),
        suite: None,
    };
    match common::finish(common::engine(choice).submit(Request::Analyze(request))).unwrap() {
        Outcome::Measured(measured) => measured,
        other => panic!("{other:?}"),
    }
}

#[test]
fn wgpu_agrees_with_flex() {
    let found = device::adapters();
    let Some(adapter) = found.first() else {
        let why = "no graphics adapter (install a Vulkan driver, such as Mesa's)";
        common::skipped("wgpu_agrees_with_flex", why);
        return;
    };
    let _ = writeln!(std::io::stderr(), "wgpu_agrees_with_flex runs on {adapter}");
    for preset in [Preset::Paper, Preset::He] {
        let (spec, state) = common::small_net(preset, 0.5, 16, 3);
        let (gpu, cpu) = (logits("gpu", &spec, &state), logits("cpu", &spec, &state));
        let scale = cpu.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        for (gpu, cpu) in gpu.iter().zip(&cpu) {
            assert!((gpu - cpu).abs() <= 1e-3 * scale, "logits {gpu} against {cpu}");
        }
        let (gpu, cpu) = (cka("gpu", &spec, &state), cka("cpu", &spec, &state));
        assert!(!gpu.device.starts_with("cpu"), "{}", gpu.device);
        assert!(cpu.device.starts_with("cpu"), "{}", cpu.device);
        let layers = spec.layers();
        for (i, row) in layers.iter().enumerate() {
            for (j, col) in layers.iter().enumerate() {
                let a = gpu.estimate.cka.get(i, j).unwrap();
                let b = cpu.estimate.cka.get(i, j).unwrap();
                assert!((a - b).abs() < 2e-3, "{} x {}: {a} against {b}", row.name, col.name);
            }
        }
    }
}
