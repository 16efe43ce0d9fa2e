//! A network without its deleted blocks, as weights of their own: the blocks that
//! stay are numbered anew within their stage, so that any CIFAR ResNet built with
//! as many blocks (PyTorch: `ResNet(BasicBlock, [n1, n2, n3])`) takes them.

use std::collections::BTreeMap;

use super::state::StateDict;
use crate::domain::{Bypass, BypassError, ModelSpec};

/// The description and the weights of `spec` and `state` without the blocks of
/// `bypass`.
///
/// # Errors
/// [`BypassError`] if a block cannot be deleted.
pub fn pruned(
    spec: &ModelSpec,
    state: &StateDict,
    bypass: &Bypass,
) -> Result<(ModelSpec, StateDict), BypassError> {
    let whole = spec.network();
    let cut = whole.without(bypass)?;
    let kept = |stage: usize| {
        let of_stage = whole.blocks().into_iter().map(|span| span.block);
        of_stage.filter(|block| block.stage == stage && !bypass.contains(*block)).count()
    };
    let blocks = [1, 2, 3].map(kept);
    let blocks = (!bypass.is_empty() || spec.blocks.is_some()).then_some(blocks);
    let small = ModelSpec { blocks, ..spec.clone() };
    // both have the same tensors in the same order; only names differ
    let names = small.network().parameters().into_iter().map(|parameter| parameter.name);
    let mut tensors = BTreeMap::new();
    for (old, new) in cut.parameters().iter().zip(names) {
        if let Some(tensor) = state.tensors.get(&old.name) {
            tensors.insert(new, tensor.clone());
        }
    }
    Ok((small, StateDict { tensors }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;
    use crate::model::infer::{Overrides, infer};
    use crate::model::init::initial_state;
    use crate::model::{Mode, Net};
    use burn::tensor::{Device, Tensor, TensorData};
    use std::sync::Arc;

    #[test]
    fn the_cut_network_computes_what_the_whole_one_does_without_its_blocks() {
        for preset in [Preset::He, Preset::Paper] {
            let spec = ModelSpec::new(preset, 20, 0.5, 10, [3, 16, 16]).unwrap();
            let state = initial_state(&spec.network(), 3);
            let bypass: Bypass = "1.0,1.2,2.1,3.2".parse().unwrap();
            let (small_spec, small) = pruned(&spec, &state, &bypass).unwrap();
            assert_eq!(small_spec.blocks, Some([1, 2, 2]));
            let device = Device::flex();
            let x: Vec<f32> = (0..4 * 3 * 256).map(|i| ((i * 31) % 61) as f32 / 60.0).collect();
            let x = Tensor::<4>::from_data(TensorData::new(x, [4, 3, 16, 16]), &device);
            let logits = |t: Tensor<2>| t.into_data().try_into_vec::<f32>().unwrap();
            let whole = Net::from_state(&Arc::new(spec.network()), &state, &device).unwrap();
            let cut = Net::from_state(&Arc::new(small_spec.network()), &small, &device).unwrap();
            let without = whole.without(&bypass).unwrap();
            let a = logits(without.forward(x.clone(), Mode::Evaluate));
            assert_eq!(a, logits(cut.forward(x.clone(), Mode::Evaluate)));
            assert_ne!(a, logits(whole.forward(x, Mode::Evaluate)));
            // a checkpoint of it is recognised
            let found = infer(&small, preset, &Overrides::default(), [3, 16, 16]).unwrap();
            // what it was cut from cannot be told from the tensors
            assert_eq!((found.depth, found.blocks), (14, Some([1, 2, 2])));
            found.check().unwrap();
            assert_eq!(small_spec.depth, 20);
        }
    }

    #[test]
    fn nothing_deleted_changes_nothing_and_the_impossible_is_refused() {
        let spec = ModelSpec::new(Preset::He, 14, 0.5, 10, [3, 16, 16]).unwrap();
        let state = initial_state(&spec.network(), 3);
        let (same, tensors) = pruned(&spec, &state, &Bypass::none()).unwrap();
        assert_eq!((&same, &tensors), (&spec, &state));
        assert!(pruned(&spec, &state, &"2.0".parse().unwrap()).is_err());
    }
}
