//! What a network takes of memory, from below: what is certain before anything is made.

use super::Network;

/// Bytes of a value.
const VALUE: u64 = 4;
/// Copies of the parameters while a network is trained: themselves, gradients, momentum.
const TRAINED: u64 = 3;

impl Network {
    /// Bytes of all parameters.
    pub fn parameter_bytes(&self) -> u64 {
        let one = |shape: &[usize]| product(shape).saturating_mul(VALUE);
        self.parameters().iter().map(|p| one(&p.shape)).fold(0, u64::saturating_add)
    }

    /// The least number of bytes that training takes in steps of `batch` images: what is
    /// learnt with its gradients and momentum, and every output, which the way back needs.
    pub fn training_bytes(&self, batch: usize) -> u64 {
        let outputs = self.nodes().iter().map(|node| product(&node.shape));
        let outputs = outputs.fold(0, u64::saturating_add);
        let values = outputs.saturating_mul(VALUE).saturating_mul(batch as u64);
        self.parameter_bytes().saturating_mul(TRAINED).saturating_add(values)
    }

    /// The least number of bytes that a forward pass of `batch` images takes: the
    /// parameters, and the largest output beside what it is made of.
    pub fn forward_bytes(&self, batch: usize) -> u64 {
        let made = |node: &super::Node| {
            let inputs = node.inputs.iter().map(|id| product(&self.node(*id).shape));
            inputs.fold(product(&node.shape), u64::saturating_add)
        };
        let most = self.nodes().iter().map(made).max().unwrap_or(0);
        let values = most.saturating_mul(VALUE).saturating_mul(batch as u64);
        self.parameter_bytes().saturating_add(values)
    }
}

fn product(shape: &[usize]) -> u64 {
    shape.iter().fold(1, |all, n| all.saturating_mul(*n as u64))
}

#[cfg(test)]
mod tests {
    use crate::domain::{ModelSpec, Preset};

    #[test]
    fn a_small_network_takes_what_its_tensors_and_outputs_are() {
        let network = ModelSpec::new(Preset::Paper, 8, 1.0, 10, [3, 32, 32]).unwrap().network();
        let parameters: usize =
            network.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
        assert_eq!(network.parameter_bytes(), 4 * parameters as u64);
        // the first sum of 16 maps of 32 x 32, and its two summands
        let most = 3 * 16 * 32 * 32;
        assert_eq!(network.forward_bytes(2), 4 * (parameters as u64 + 2 * most));
        let outputs: usize =
            network.nodes().iter().map(|n| n.shape.iter().product::<usize>()).sum();
        assert_eq!(network.training_bytes(1), 4 * (3 * parameters + outputs) as u64);
        assert_eq!(network.training_bytes(usize::MAX), u64::MAX);
    }
}
