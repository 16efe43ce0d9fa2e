//! Depth, width and shortcut from the tensors of a checkpoint: names tell which node of
//! the family's largest network a tensor belongs to, shapes tell the rest.
//!
//! What tensors cannot tell (preprocessing, batch norm's epsilon, whether blocks
//! add their input) comes from the preset and from overrides. Knows no file
//! format.

use std::collections::HashMap;

use super::state::StateDict;
use crate::domain::network::{Network, Node, Parameter, ParameterKind};
use crate::domain::spec::{BASE_CHANNELS, MAX_DEPTH, MIN_DEPTH};
use crate::domain::{ModelSpec, Preset, Role, Shortcut, SpecError};

/// Choices that tensors cannot tell, each replacing the preset's.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Subtracted from pixels in `[0, 1]`.
    pub mean: Option<[f32; 3]>,
    /// Divides what is left.
    pub std: Option<[f32; 3]>,
    /// False for a network without residual connections.
    pub residual: Option<bool>,
}

/// Why no model can be inferred.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InferError {
    /// A tensor that every CIFAR ResNet has is not there.
    #[error("not a CIFAR ResNet: no tensor {0:?} among {1} tensors ({2})")]
    Missing(String, usize, String),
    /// A tensor of an unexpected rank.
    #[error("not a CIFAR ResNet: {0} has shape {1:?}")]
    Shape(String, Vec<usize>),
    /// A stage that is not there.
    #[error(
        "stages of {0}, {1} and {2} blocks: a CIFAR ResNet of depth 6n+2 has n in each, a pruned one keeps the first of stages 2 and 3"
    )]
    Stages(usize, usize, usize),
    /// The inferred description is out of range.
    #[error(transparent)]
    Spec(#[from] SpecError),
}

/// Infers a model from tensor names and shapes. The result still has to be
/// checked against all tensors with [`StateDict::check`].
///
/// # Errors
/// [`InferError`] naming what is missing or contradictory.
pub fn infer(
    state: &StateDict,
    preset: Preset,
    overrides: &Overrides,
    image: [usize; 3],
) -> Result<ModelSpec, InferError> {
    let family = Family::new()?;
    let stem = kernel(state, &family.stem, 4)?;
    let classifier = kernel(state, &family.head, 2)?;
    let blocks = [1, 2, 3].map(|stage| family.blocks_of(state, stage));
    if blocks[1] == 0 || blocks[2] == 0 {
        return Err(InferError::Stages(blocks[0], blocks[1], blocks[2]));
    }
    // unequal stages are those of a pruned network
    let most = blocks.into_iter().max().unwrap_or(0);
    let cut = blocks.iter().any(|n| *n != most);
    let width = stem[0] as f64 / BASE_CHANNELS as f64;
    let depth = 6 * most + 2;
    let mut spec = ModelSpec::new(preset, depth, width, classifier[0], image)?;
    spec.blocks = cut.then_some(blocks);
    spec.conv_bias =
        family.has(state, |p, node| p.kind == ParameterKind::Bias && node.role == Role::Stem);
    spec.shortcut = match family.has(state, |_, node| node.role == Role::Shortcut) {
        true => Shortcut::Projection,
        false => Shortcut::Pad,
    };
    spec.mean = overrides.mean.unwrap_or(spec.mean);
    spec.std = overrides.std.unwrap_or(spec.std);
    spec.residual = overrides.residual.unwrap_or(true);
    spec.check()?;
    Ok(spec)
}

/// The largest network of the family, which names every tensor that one of it can have.
struct Family {
    network: Network,
    parameters: HashMap<String, Parameter>,
    stem: String,
    head: String,
}

impl Family {
    fn new() -> Result<Family, SpecError> {
        let mut spec = ModelSpec::new(Preset::Paper, MIN_DEPTH, 1.0, 2, [3, 32, 32])?;
        // more blocks than any depth has, so that a network that is too deep is told so
        spec.blocks = Some([MAX_DEPTH; 3]);
        let network = spec.network();
        let parameters = network.parameters();
        let of_role = |role| {
            let kernel = |p: &&Parameter| {
                p.kind == ParameterKind::Kernel && network.node(p.node).role == role
            };
            parameters.iter().find(kernel).map(|p| p.name.clone()).unwrap_or_default()
        };
        let (stem, head) = (of_role(Role::Stem), of_role(Role::Head));
        let parameters = parameters.into_iter().map(|p| (p.name.clone(), p)).collect();
        Ok(Family { network, parameters, stem, head })
    }

    /// The nodes of the tensors that are there.
    fn found<'a>(
        &'a self,
        state: &'a StateDict,
    ) -> impl Iterator<Item = (&'a Parameter, &'a Node)> {
        let known = state.tensors.keys().filter_map(|name| self.parameters.get(name));
        known.map(|parameter| (parameter, self.network.node(parameter.node)))
    }

    fn has(&self, state: &StateDict, wanted: impl Fn(&Parameter, &Node) -> bool) -> bool {
        self.found(state).any(|(parameter, node)| wanted(parameter, node))
    }

    /// Blocks of a stage: one more than the last that has a tensor.
    fn blocks_of(&self, state: &StateDict, stage: usize) -> usize {
        let places = self.found(state).filter_map(|(_, node)| node.place);
        places.filter(|p| p.stage == stage).map(|p| p.block + 1).max().unwrap_or(0)
    }
}

/// The shape of a kernel that every network of the family has.
fn kernel<'a>(state: &'a StateDict, name: &str, rank: usize) -> Result<&'a [usize], InferError> {
    let Some(tensor) = state.tensors.get(name) else {
        let some: Vec<&str> = state.tensors.keys().take(3).map(String::as_str).collect();
        return Err(InferError::Missing(name.into(), state.tensors.len(), some.join(", ")));
    };
    if tensor.shape.len() != rank || tensor.shape.contains(&0) {
        return Err(InferError::Shape(name.into(), tensor.shape.clone()));
    }
    Ok(&tensor.shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::init::initial_state;

    #[test]
    fn depth_width_and_shortcut_come_back() {
        for (preset, depth, width) in [(Preset::He, 20, 1.0), (Preset::Paper, 14, 2.5)] {
            let spec = ModelSpec::new(preset, depth, width, 10, [3, 32, 32]).unwrap();
            let state = initial_state(&spec.network(), 0);
            let found = infer(&state, preset, &Overrides::default(), [3, 32, 32]).unwrap();
            assert_eq!(found, spec);
        }
    }

    #[test]
    fn another_architecture_is_told_apart() {
        let spec = ModelSpec::new(Preset::He, 14, 1.0, 10, [3, 32, 32]).unwrap();
        let infer = |s: &StateDict| infer(s, Preset::He, &Overrides::default(), [3, 32, 32]);
        let mut state = initial_state(&spec.network(), 0);
        state.tensors.retain(|name, _| !name.starts_with("layer3.1"));
        assert_eq!(infer(&state).unwrap().blocks, Some([2, 2, 1]));
        state.tensors.retain(|name, _| !name.starts_with("layer3."));
        assert_eq!(infer(&state), Err(InferError::Stages(2, 2, 0)));
        state.tensors.remove("conv1.weight");
        assert!(
            matches!(infer(&state), Err(InferError::Missing(name, ..)) if name == "conv1.weight")
        );
    }
}
