//! Linear probes: how well a softmax regression on a frozen layer classifies
//! (Nguyen et al., ICLR 2021, section 4.4; science notes §1.5). Results only;
//! `engine` trains them.

/// The best probe of one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Index of the layer in the run's layer list.
    pub layer: usize,
    /// The learning rate that won.
    pub learning_rate: f64,
    /// The epoch that won, from 1.
    pub epoch: usize,
    /// Accuracy on the held-out training images that chose both, 0 to 1.
    pub held_out_accuracy: f64,
    /// Accuracy on the test images, which chose nothing, 0 to 1.
    pub test_accuracy: f64,
}
