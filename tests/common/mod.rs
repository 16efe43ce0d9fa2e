//! Helpers shared by the integration tests.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod scratch;

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use blockscope::data::ImageSet;
use blockscope::domain::{ModelSpec, Preset, SimilarityMatrix};
use blockscope::engine::{Engine, Event, Job, Outcome};
use blockscope::model::StateDict;
use blockscope::model::init::initial_state;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The path in an environment variable, or `None` after saying that `test` is
/// skipped and why. Written past the test harness's capture on purpose.
pub fn path_from_env(test: &str, variable: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(path) => Some(PathBuf::from(path)),
        None => {
            skipped(test, &format!("{variable} is not set"));
            None
        }
    }
}

/// Says that a test is skipped and why.
pub fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "test {test} skipped: {why}");
}

/// Runs a job to its end.
pub fn finish(job: Job) -> Result<Outcome, String> {
    for event in &job.events {
        if let Event::Finished(result) = event {
            return result.map_err(|error| error.to_string());
        }
    }
    Err("the compute thread ended".into())
}

/// An engine on `device`.
pub fn engine(device: &str) -> Engine {
    Engine::start(device.parse().unwrap()).unwrap()
}

/// A small network with a random state whose norms are not trivial.
pub fn small_net(preset: Preset, width: f64, side: usize, seed: u64) -> (ModelSpec, StateDict) {
    let spec = ModelSpec::new(preset, 8, width, 10, [3, side, side]).unwrap();
    let mut state = initial_state(&spec.network(), seed);
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xb10c);
    for (name, tensor) in &mut state.tensors {
        if tensor.shape.len() == 1 {
            let low = if name.ends_with("running_var") { 0.5 } else { -0.3 };
            tensor.data.iter_mut().for_each(|v| *v += low + rng.random_range(0.0..0.6f32));
        }
    }
    (spec, state)
}

/// Random images with labels below 10.
pub fn noise_images(n: usize, side: usize, seed: u64) -> Arc<ImageSet> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut images = ImageSet::new([3, side, side]);
    for label in 0..n {
        let pixels: Vec<u8> = (0..3 * side * side).map(|_| rng.random()).collect();
        images.push(&pixels, (label % 10) as u16);
    }
    Arc::new(images)
}

/// The largest difference of two maps that are undefined in the same places.
pub fn worst(a: &SimilarityMatrix, b: &SimilarityMatrix) -> f64 {
    assert_eq!((a.rows(), a.cols()), (b.rows(), b.cols()));
    let mut worst = 0.0f64;
    for i in 0..a.rows() {
        for j in 0..a.cols() {
            match (a.get(i, j), b.get(i, j)) {
                (Some(a), Some(b)) => worst = worst.max((a - b).abs()),
                (None, None) => {}
                cells => panic!("cell {i},{j}: {cells:?}"),
            }
        }
    }
    worst
}
