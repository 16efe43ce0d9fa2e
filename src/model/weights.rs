//! Weights in and out: PyTorch checkpoints (zip, legacy and tar pickles, parsed
//! and never executed) and safetensors, PyTorch's and our own.
//!
//! Unwraps `state_dict` and `module.`; knows no device and no run folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::infer::InferError;
use super::state::{HostTensor, Mismatch, StateDict};
use crate::domain::ModelSpec;

/// Key of the model description in our own safetensors' metadata.
const MODEL_KEY: &str = "blockscope.model";
/// Larger weight files are refused before they are read.
const MAX_FILE: u64 = 8 << 30;

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a readable checkpoint.
    #[error("{origin}: not a readable checkpoint: {reason}")]
    Format {
        /// The file, or what stands for it.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor of a type that no network here uses.
    #[error("{origin}: tensor {tensor} has type {dtype}; expected f16, bf16, f32 or f64")]
    Dtype {
        /// The file, or what stands for it.
        origin: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        dtype: String,
    },
    /// A tensor with NaN or infinite values.
    #[error(
        "{origin}: tensor {tensor} holds values that are not finite; the checkpoint is damaged or its training diverged"
    )]
    NotFinite {
        /// The file, or what stands for it.
        origin: String,
        /// The tensor.
        tensor: String,
    },
    /// No model can be inferred.
    #[error("{origin}: {source}")]
    Infer {
        /// The file.
        origin: String,
        /// Why.
        source: InferError,
    },
    /// Tensors do not fit the model.
    #[error("{origin}: {source}")]
    Mismatch {
        /// The file.
        origin: String,
        /// The differing tensors.
        source: Mismatch,
    },
}

/// What a weights file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The tensors under PyTorch names, wrappers removed.
    pub state: StateDict,
    /// The model description, if the file is one of ours.
    pub spec: Option<ModelSpec>,
}

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Every tensor as f32.
    #[default]
    F32,
    /// Convolution and linear kernels as f16; norms and biases stay f32, whose
    /// running variances would underflow.
    F16,
}

impl Precision {
    /// The values that reading back what this precision stores will give.
    pub fn round(self, state: &mut StateDict) {
        if self == Precision::F16 {
            for tensor in state.tensors.values_mut().filter(|t| t.shape.len() > 1) {
                tensor.data.iter_mut().for_each(|v| *v = f16::from_f32(*v).to_f32());
            }
        }
    }
}

/// Reads a checkpoint of any supported container.
///
/// # Errors
/// [`WeightsError`], one line that names the file and what is wrong.
pub fn read_weights(path: &Path) -> Result<Weights, WeightsError> {
    let io = |source| WeightsError::Io { path: path.to_path_buf(), source };
    let meta = std::fs::metadata(path).map_err(io)?;
    let origin = path.display().to_string();
    let format = |reason: String| WeightsError::Format { origin: origin.clone(), reason };
    if meta.is_dir() {
        return Err(format("it is a folder".into()));
    }
    if meta.len() > MAX_FILE {
        return Err(format(format!("{} bytes is more than 8 GiB", meta.len())));
    }
    let mut start = [0u8; 9];
    let mut file = std::fs::File::open(path).map_err(io)?;
    let got = std::io::Read::read(&mut file, &mut start).map_err(io)?;
    if got < start.len() {
        return Err(format(format!("{} bytes is too short", meta.len())));
    }
    if start[8] == b'{' {
        return parse_safetensors(&std::fs::read(path).map_err(io)?, &origin);
    }
    let state = read_pytorch(path, &origin)?;
    Ok(Weights { state: finished(state, &origin)?, spec: None })
}

fn read_pytorch(path: &Path, origin: &str) -> Result<StateDict, WeightsError> {
    let format = |reason: String| WeightsError::Format {
        origin: origin.to_string(),
        reason: reason.replace('\n', " "),
    };
    let reader = pytorch_reader::PytorchReader::new(path).map_err(|e| format(e.to_string()))?;
    let mut state = StateDict::default();
    for (name, tensor) in reader.into_tensors() {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let bytes = tensor.read().map_err(|e| format(format!("{name}: {e}")))?;
        use pytorch_reader::DType;
        let data = match tensor.dtype() {
            DType::F32 => decode(&bytes, f32::from_le_bytes),
            DType::F64 => decode(&bytes, |b| f64::from_le_bytes(b) as f32),
            DType::F16 => decode(&bytes, |b| f16::from_le_bytes(b).to_f32()),
            DType::BF16 => decode(&bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => {
                // Counters of optimisers and the like: not of the network.
                if !is_parameter(&name) {
                    continue;
                }
                return Err(WeightsError::Dtype {
                    origin: origin.to_string(),
                    tensor: name,
                    dtype: format!("{other:?}").to_lowercase(),
                });
            }
        };
        state.tensors.insert(name, HostTensor { shape: tensor.shape().to_vec(), data });
    }
    Ok(state)
}

fn is_parameter(name: &str) -> bool {
    [".weight", ".bias", ".running_mean", ".running_var"].iter().any(|end| name.ends_with(end))
}

fn decode<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| convert(*chunk)).collect()
}

/// Reads safetensors from memory; `origin` stands for the file in errors.
///
/// # Errors
/// [`WeightsError`], one line that names `origin` and what is wrong.
pub fn parse_safetensors(bytes: &[u8], origin: &str) -> Result<Weights, WeightsError> {
    let format = |reason: String| WeightsError::Format {
        origin: origin.to_string(),
        reason: reason.replace('\n', " "),
    };
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| format(e.to_string()))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| format(e.to_string()))?;
    let spec = match metadata.metadata().as_ref().and_then(|m| m.get(MODEL_KEY)) {
        None => None,
        Some(text) => {
            let spec: ModelSpec =
                ron::from_str(text).map_err(|e| format(format!("{MODEL_KEY}: {e}")))?;
            spec.check().map_err(|e| format(format!("{MODEL_KEY}: {e}")))?;
            Some(spec)
        }
    };
    let mut state = StateDict::default();
    for (name, view) in file.iter() {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let bytes = view.data();
        let data = match view.dtype() {
            Dtype::F32 => decode(bytes, f32::from_le_bytes),
            Dtype::F64 => decode(bytes, |b| f64::from_le_bytes(b) as f32),
            Dtype::F16 => decode(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => decode(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            other => {
                return Err(WeightsError::Dtype {
                    origin: origin.to_string(),
                    tensor: name.to_string(),
                    dtype: format!("{other:?}").to_lowercase(),
                });
            }
        };
        let shape = view.shape().to_vec();
        state.tensors.insert(name.to_string(), HostTensor { shape, data });
    }
    Ok(Weights { state: finished(state, origin)?, spec })
}

/// Removes wrappers and refuses values that are not finite.
fn finished(state: StateDict, origin: &str) -> Result<StateDict, WeightsError> {
    let state = unwrapped(state);
    let broken = state.tensors.iter().find(|(_, t)| t.data.iter().any(|v| !v.is_finite()));
    match broken {
        Some((tensor, _)) => {
            Err(WeightsError::NotFinite { origin: origin.to_string(), tensor: tensor.clone() })
        }
        None => Ok(state),
    }
}

/// Strips what stands before `conv1.weight` in the shortest such name
/// (`state_dict.`, `module.`, `model.module.`); tensors without that prefix
/// (an optimiser's) are left behind.
fn unwrapped(state: StateDict) -> StateDict {
    let is_stem = |name: &&String| *name == "conv1.weight" || name.ends_with(".conv1.weight");
    let stem = state.tensors.keys().filter(is_stem).min_by_key(|name| name.len());
    let Some(prefix) = stem.and_then(|name| name.strip_suffix("conv1.weight")) else {
        return state;
    };
    let prefix = prefix.to_string();
    let tensors = state
        .tensors
        .into_iter()
        .filter_map(|(name, t)| Some((name.strip_prefix(&prefix)?.to_string(), t)))
        .collect();
    StateDict { tensors }
}

/// Our own weights file: safetensors under PyTorch names, with the model
/// description in the metadata.
///
/// # Errors
/// [`WeightsError::Format`] if the description or the tensors cannot be written.
pub fn write_safetensors(
    state: &StateDict,
    spec: &ModelSpec,
    precision: Precision,
) -> Result<Vec<u8>, WeightsError> {
    let format =
        |reason: String| WeightsError::Format { origin: "weights.safetensors".to_string(), reason };
    let description = ron::to_string(spec).map_err(|e| format(e.to_string()))?;
    // One key: several would be written in a random order, and the same weights
    // would not give the same bytes.
    let metadata = HashMap::from([(MODEL_KEY.to_string(), description)]);
    let encoded: Vec<(&String, Dtype, &[usize], Vec<u8>)> = state
        .tensors
        .iter()
        .map(|(name, t)| match precision {
            Precision::F16 if t.shape.len() > 1 => {
                let bytes = t.data.iter().flat_map(|v| f16::from_f32(*v).to_le_bytes()).collect();
                (name, Dtype::F16, t.shape.as_slice(), bytes)
            }
            _ => {
                let bytes = t.data.iter().flat_map(|v| v.to_le_bytes()).collect();
                (name, Dtype::F32, t.shape.as_slice(), bytes)
            }
        })
        .collect();
    let mut views = Vec::with_capacity(encoded.len());
    for (name, dtype, shape, bytes) in &encoded {
        let view = TensorView::new(*dtype, shape.to_vec(), bytes)
            .map_err(|e| format(format!("{name}: {e}")))?;
        views.push((name.as_str(), view));
    }
    safetensors::serialize(views, Some(metadata)).map_err(|e| format(e.to_string()))
}

/// The model a file holds: its own description, or one inferred from the
/// tensors; in either case every tensor is checked against it.
///
/// # Errors
/// [`WeightsError::Infer`] or [`WeightsError::Mismatch`].
pub fn model_of(
    weights: &Weights,
    origin: &str,
    preset: crate::domain::Preset,
    overrides: &super::infer::Overrides,
    image: [usize; 3],
) -> Result<ModelSpec, WeightsError> {
    let spec = match &weights.spec {
        Some(spec) => spec.clone(),
        None => super::infer::infer(&weights.state, preset, overrides, image)
            .map_err(|source| WeightsError::Infer { origin: origin.to_string(), source })?,
    };
    weights
        .state
        .check(&spec.network())
        .map_err(|source| WeightsError::Mismatch { origin: origin.to_string(), source })?;
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;
    use crate::model::init::initial_state;

    #[test]
    fn our_file_round_trips_in_both_precisions() {
        let spec = ModelSpec::new(Preset::Paper, 8, 0.25, 10, [3, 8, 8]).unwrap();
        let mut state = initial_state(&spec.network(), 3);
        for precision in [Precision::F32, Precision::F16] {
            let bytes = write_safetensors(&state, &spec, precision).unwrap();
            let back = parse_safetensors(&bytes, "test").unwrap();
            precision.round(&mut state);
            assert_eq!(back.state, state);
            assert_eq!(back.spec.as_ref(), Some(&spec));
        }
    }

    #[test]
    fn wrappers_go_and_optimisers_stay_behind() {
        let tensor = HostTensor { shape: vec![1], data: vec![1.0] };
        let names = [
            "state_dict.module.conv1.weight",
            "state_dict.module.layer1.0.conv1.weight",
            "optimizer.0.momentum_buffer",
        ];
        let tensors = names.map(|n| (n.to_string(), tensor.clone())).into();
        let state = unwrapped(StateDict { tensors });
        let left: Vec<&String> = state.tensors.keys().collect();
        assert_eq!(left, ["conv1.weight", "layer1.0.conv1.weight"]);
    }

    #[test]
    fn damaged_files_get_one_line() {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("empty.pt", &b""[..]),
            ("short.pt", b"PK\x03"),
            ("zip.pt", b"PK\x03\x04 this is no archive at all"),
            ("pickle.pth", b"\x80\x02}q\x00(X\x05\x00\x00\x00hello"),
            ("big.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{\"a\":1}"),
            ("bad.safetensors", b"\x08\x00\x00\x00\x00\x00\x00\x00{\"a\":1}x"),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let text = read_weights(&path).unwrap_err().to_string();
            assert!(text.contains(name) && !text.contains('\n'), "{text}");
        }
        assert!(read_weights(&dir.path().join("absent.pt")).is_err());
    }
}
