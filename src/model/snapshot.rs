//! The tensors of a training on its way as one safetensors file: weights with running
//! statistics, the optimiser's velocities, the order of the images. Bit for bit what goes
//! in comes out. Knows no device and no run folder.

use std::collections::{BTreeMap, HashMap};

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use super::state::{HostTensor, StateDict};
use super::torch::decode;
use super::weights::WeightsError;
use crate::text::one_line;

/// What the names of weights begin with.
const WEIGHTS: &str = "weights.";
/// What the names of velocities begin with.
const VELOCITY: &str = "velocity.";
/// What the names of the best weights so far begin with.
const BEST: &str = "best.";
/// The name of the order.
const ORDER: &str = "order";

/// The tensors of a training on its way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Weights and running statistics.
    pub weights: StateDict,
    /// The optimiser's velocity of every trained parameter, under its name.
    pub velocity: StateDict,
    /// The weights of the best epoch so far, where those are kept; else empty.
    pub best: StateDict,
    /// Indices of the training images in the order of the present epoch.
    pub order: Vec<u32>,
}

/// The file's contents.
///
/// # Errors
/// [`WeightsError::Format`] if a tensor is not of its shape.
pub fn write_snapshot(snapshot: &Snapshot) -> Result<Vec<u8>, WeightsError> {
    let format = |reason: String| WeightsError::Format { origin: "checkpoint".into(), reason };
    let mut encoded: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (prefix, state) in
        [(WEIGHTS, &snapshot.weights), (VELOCITY, &snapshot.velocity), (BEST, &snapshot.best)]
    {
        for (name, tensor) in &state.tensors {
            let bytes = tensor.data.iter().flat_map(|v| v.to_le_bytes()).collect();
            encoded.push((format!("{prefix}{name}"), Dtype::F32, tensor.shape.clone(), bytes));
        }
    }
    let order: Vec<u8> = snapshot.order.iter().flat_map(|v| v.to_le_bytes()).collect();
    encoded.push((ORDER.into(), Dtype::U32, vec![snapshot.order.len()], order));
    let mut views = Vec::with_capacity(encoded.len());
    for (name, dtype, shape, bytes) in &encoded {
        let view = TensorView::new(*dtype, shape.clone(), bytes)
            .map_err(|e| format(format!("{name}: {e}")))?;
        views.push((name.as_str(), view));
    }
    let none: Option<HashMap<String, String>> = None;
    safetensors::serialize(views, none).map_err(|e| format(e.to_string()))
}

/// Reads a file of [`write_snapshot`]; `origin` stands for it in errors.
///
/// # Errors
/// [`WeightsError::Format`], one line that names `origin` and what is wrong.
pub fn read_snapshot(bytes: &[u8], origin: &str) -> Result<Snapshot, WeightsError> {
    let format = |reason: String| WeightsError::Format {
        origin: origin.to_string(),
        reason: one_line(&reason),
    };
    let file = SafeTensors::deserialize(bytes).map_err(|e| format(e.to_string()))?;
    let mut parts: BTreeMap<&str, StateDict> = BTreeMap::new();
    let mut order = None;
    for (name, view) in file.iter() {
        let wrong = || format(format!("tensor {name} is of another type"));
        if name == ORDER {
            if view.dtype() != Dtype::U32 || view.shape().len() != 1 {
                return Err(wrong());
            }
            order = Some(decode(view.data(), u32::from_le_bytes));
            continue;
        }
        let part = [WEIGHTS, VELOCITY, BEST].into_iter().find(|part| name.starts_with(part));
        let Some(part) = part else { return Err(format(format!("unknown tensor {name}"))) };
        if view.dtype() != Dtype::F32 {
            return Err(wrong());
        }
        let data = decode(view.data(), f32::from_le_bytes);
        let tensor = HostTensor { shape: view.shape().to_vec(), data };
        parts.entry(part).or_default().tensors.insert(name[part.len()..].to_string(), tensor);
    }
    let mut take = |part| parts.remove(part).unwrap_or_default();
    Ok(Snapshot {
        weights: take(WEIGHTS),
        velocity: take(VELOCITY),
        best: take(BEST),
        order: order.ok_or_else(|| format("the order of the images is missing".into()))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(names: &[&str], bits: &[u32]) -> StateDict {
        let data: Vec<f32> = bits.iter().map(|bits| f32::from_bits(*bits)).collect();
        let tensor = HostTensor { shape: vec![data.len()], data };
        StateDict { tensors: names.iter().map(|n| (n.to_string(), tensor.clone())).collect() }
    }

    proptest! {
        #[test]
        fn every_bit_comes_back(
            bits in proptest::collection::vec(any::<u32>(), 0..20),
            order in proptest::collection::vec(any::<u32>(), 0..20),
        ) {
            let snapshot = Snapshot {
                weights: state(&["a.weight", "order"], &bits),
                velocity: state(&["a.weight"], &bits),
                best: StateDict::default(),
                order,
            };
            let bytes = write_snapshot(&snapshot).unwrap();
            let back = read_snapshot(&bytes, "x").unwrap();
            // numbers that are none are not equal to themselves, their bits are
            prop_assert_eq!(write_snapshot(&back).unwrap(), bytes);
            prop_assert_eq!(back.order, snapshot.order);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = read_snapshot(&bytes, "x");
        }
    }

    #[test]
    fn a_file_of_another_kind_is_refused_in_one_line() {
        let good = Snapshot { order: vec![1, 0], ..Snapshot::default() };
        let bytes = write_snapshot(&good).unwrap();
        assert_eq!(read_snapshot(&bytes, "x").unwrap(), good);
        let text = |bytes: &[u8]| read_snapshot(bytes, "c/x").unwrap_err().to_string();
        assert!(text(&bytes[..9]).starts_with("c/x: "));
        let cell = 1u32.to_le_bytes();
        for (name, dtype, says) in
            [("order", Dtype::F32, "another type"), ("loss", Dtype::F32, "unknown tensor loss")]
        {
            let view = TensorView::new(dtype, vec![1], &cell).unwrap();
            let none: Option<HashMap<String, String>> = None;
            let bytes = safetensors::serialize([(name, view)], none).unwrap();
            assert!(text(&bytes).contains(says), "{}", text(&bytes));
        }
    }
}
