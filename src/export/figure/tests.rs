//! Every layout in every size, and what all kinds of files have in common.

use crate::domain::{Layer, ModelSpec, Preset};

/// The layers of a ResNet of a depth.
pub(crate) fn layers(depth: usize) -> Vec<Layer> {
    ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap().layers()
}
