//! Initial weights, drawn on the host so that a seed means the same network on
//! every device.
//!
//! He-normal as in Keras (`VarianceScaling(2, fan_in, truncated_normal)`), which
//! the paper's code uses for convolutions and the classifier; biases zero, norms
//! one and zero. Knows no device.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::state::{HostTensor, StateDict};
use crate::domain::network::{Initial, Network};

/// Standard deviation of a standard normal truncated at two deviations.
const TRUNCATED_STD: f64 = 0.879_625_661_034_239_8;

/// The initial state of `network` under `seed`: drawn in the order of its nodes.
pub fn initial_state(network: &Network, seed: u64) -> StateDict {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut state = StateDict::default();
    for parameter in network.parameters() {
        let len = parameter.len();
        let data = match parameter.initial() {
            Initial::One => vec![1.0; len],
            Initial::Zero => vec![0.0; len],
            Initial::HeNormal { fan_in } => he_normal(fan_in, len, &mut rng),
        };
        state.tensors.insert(parameter.name, HostTensor { shape: parameter.shape, data });
    }
    state
}

/// `len` He-normal weights for outputs of `fan_in` inputs.
pub fn he_normal(fan_in: usize, len: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let std = (2.0 / fan_in as f64).sqrt() / TRUNCATED_STD;
    (0..len).map(|_| (truncated_normal(rng) * std) as f32).collect()
}

fn truncated_normal(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let v: f64 = StandardNormal.sample(rng);
        if v.abs() <= 2.0 {
            return v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ModelSpec, Preset};

    #[test]
    fn a_seed_fixes_the_weights_and_their_spread_is_he_normal() {
        let spec = ModelSpec::new(Preset::Paper, 8, 2.0, 10, [3, 32, 32]).unwrap().network();
        let a = initial_state(&spec, 7);
        assert_eq!(a, initial_state(&spec, 7));
        assert_ne!(a, initial_state(&spec, 8));
        assert_eq!(a.check(&spec), Ok(()));
        let w = &a.tensors["layer3.0.conv2.weight"].data;
        let var = w.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / w.len() as f64;
        let wanted = 2.0 / (128.0 * 9.0);
        assert!((var / wanted - 1.0).abs() < 0.02, "{var} against {wanted}");
    }
}
