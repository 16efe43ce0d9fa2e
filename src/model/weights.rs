//! Weights in and out: PyTorch checkpoints (`torch`) and safetensors, PyTorch's and our
//! own.
//!
//! Knows no device and no run folder.

mod chosen;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use chosen::Chosen;

use super::infer::InferError;
use super::select::SelectError;
use super::state::{HostTensor, Mismatch, StateDict};
use super::torch::{Checkpoint, Element, decode};
use crate::domain::ModelSpec;
use crate::domain::network::{Network, Op, ParameterKind};
use crate::text::one_line;

/// Key of the model description in our own safetensors' metadata.
const MODEL_KEY: &str = "blockscope.model";
/// Larger weight files are refused before they are read.
const MAX_FILE: u64 = 8 << 30;
/// Values that may be read of a checkpoint beyond as many as its bytes: those of tensors
/// that share theirs, or repeat one.
const MAX_SHARED: u64 = 1 << 24;

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
    /// A running variance that gives no deviation.
    #[error(
        "{origin}: tensor {tensor} holds {value:e}, with batch norm's epsilon no positive variance; the checkpoint is damaged, or another preset has the larger epsilon it was trained with"
    )]
    Variance {
        /// The file, or what stands for it.
        origin: String,
        /// The tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// The file's own statistics are not those of pixels from 0 to 1.
    #[error(
        "{origin}: it normalises images by mean {mean:?} and deviation {std:?}, which are not those of pixels from 0 to 1"
    )]
    Statistics {
        /// The file.
        origin: String,
        /// Its mean.
        mean: [f32; 3],
        /// Its deviation.
        std: [f32; 3],
    },
    /// The file holds no network, or several.
    #[error("{origin}: {source}")]
    Select {
        /// The file.
        origin: String,
        /// Which there are.
        source: SelectError,
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
    /// How a normaliser inside the file prepares images.
    pub statistics: Option<Statistics>,
}

/// What a normaliser subtracts from pixels from 0 to 1, and what it divides the rest by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// Subtracted.
    pub mean: [f32; 3],
    /// Divides.
    pub std: [f32; 3],
}

impl Statistics {
    fn fit_pixels(&self) -> bool {
        let unit = |v: &f32| (-1.0..=1.0).contains(v);
        self.mean.iter().all(unit) && self.std.iter().all(|v| *v > 0.0 && unit(v))
    }
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

/// Reads a checkpoint of any supported container; it may hold one network.
///
/// # Errors
/// [`WeightsError`], one line that names the file and what is wrong.
pub fn read_weights(path: &Path) -> Result<Weights, WeightsError> {
    read_network(path, None)
}

/// The same, of several networks in a file the one under the name `key`.
///
/// # Errors
/// As [`read_weights`].
pub fn read_network(path: &Path, key: Option<&str>) -> Result<Weights, WeightsError> {
    let io = |source| WeightsError::Io { path: path.to_path_buf(), source };
    let meta = std::fs::metadata(path).map_err(io)?;
    let origin = one_line(&path.display().to_string());
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
        return safetensors_network(&std::fs::read(path).map_err(io)?, &origin, key);
    }
    read_pytorch(file, &origin, key)
}

fn read_pytorch(
    file: std::fs::File,
    origin: &str,
    key: Option<&str>,
) -> Result<Weights, WeightsError> {
    let format = |reason: String| WeightsError::Format {
        origin: origin.to_string(),
        reason: one_line(&reason),
    };
    let mut checkpoint = Checkpoint::open(file).map_err(format)?;
    let tensors = checkpoint.tensors().map_err(format)?;
    let names = tensors.keys().cloned().collect();
    // what is shared counts for each that shares it: several times the file is enough
    let mut left = checkpoint.capacity().saturating_add(MAX_SHARED);
    let same = |a: &str, b: &str| matches!((&tensors[a], &tensors[b]), (Ok(a), Ok(b)) if a == b);
    let chosen = Chosen::new(names, origin, key, same)?;
    chosen.read(|name, any| {
        let broken = |reason: String| format(format!("tensor {name}: {reason}"));
        let tensor = match &tensors[name] {
            Ok(tensor) => tensor,
            Err(reason) => return Err(broken(reason.clone())),
        };
        if let Element::Other(dtype, _) = tensor.element()
            && !any
        {
            return other_type(origin, name, dtype);
        }
        let count = tensor.count().and_then(|count| left.checked_sub(count as u64));
        left = count.ok_or_else(|| {
            broken(format!("shape {:?} is more than the file holds", tensor.shape()))
        })?;
        let data = checkpoint.read(tensor).map_err(broken)?;
        Ok(Some(HostTensor { shape: tensor.shape().to_vec(), data }))
    })
}

/// A tensor of a type that no parameter has: a counter of an optimiser or the like is
/// not of the network.
fn other_type(origin: &str, tensor: &str, dtype: &str) -> Result<Option<HostTensor>, WeightsError> {
    if ![".weight", ".bias", ".running_mean", ".running_var"]
        .iter()
        .any(|end| tensor.ends_with(end))
    {
        return Ok(None);
    }
    let (origin, tensor, dtype) = (origin.to_string(), tensor.to_string(), dtype.to_string());
    Err(WeightsError::Dtype { origin, tensor, dtype })
}

/// Reads safetensors from memory; `origin` stands for the file in errors.
///
/// # Errors
/// [`WeightsError`], one line that names `origin` and what is wrong.
pub fn parse_safetensors(bytes: &[u8], origin: &str) -> Result<Weights, WeightsError> {
    safetensors_network(bytes, origin, None)
}

fn safetensors_network(
    bytes: &[u8],
    origin: &str,
    key: Option<&str>,
) -> Result<Weights, WeightsError> {
    let format = |reason: String| WeightsError::Format {
        origin: origin.to_string(),
        reason: one_line(&reason),
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
    let views: BTreeMap<String, TensorView<'_>> =
        file.iter().map(|(name, view)| (one_line(name), view)).collect();
    let chosen = Chosen::new(views.keys().cloned().collect(), origin, key, |_, _| false)?;
    let weights = chosen.read(|name, any| {
        let view = &views[name];
        let bytes = view.data();
        let data = match view.dtype() {
            Dtype::F32 => decode(bytes, f32::from_le_bytes),
            Dtype::F64 => decode(bytes, |b| f64::from_le_bytes(b) as f32),
            Dtype::F16 => decode(bytes, |b| f16::from_le_bytes(b).to_f32()),
            Dtype::BF16 => decode(bytes, |b| bf16::from_le_bytes(b).to_f32()),
            Dtype::BOOL | Dtype::U8 if any => bytes.iter().map(|b| f32::from(*b != 0)).collect(),
            other => return other_type(origin, name, &format!("{other:?}").to_lowercase()),
        };
        Ok(Some(HostTensor { shape: view.shape().to_vec(), data }))
    })?;
    Ok(Weights { spec, ..weights })
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
    let origin = one_line(origin);
    let mut overrides = overrides.clone();
    if let Some(own) = &weights.statistics {
        let Statistics { mean, std } = *own;
        if !own.fit_pixels() && (overrides.mean.is_none() || overrides.std.is_none()) {
            return Err(WeightsError::Statistics { origin, mean, std });
        }
        overrides.mean = overrides.mean.or(Some(mean));
        overrides.std = overrides.std.or(Some(std));
    }
    let spec = match &weights.spec {
        Some(spec) => spec.clone(),
        None => super::infer::infer(&weights.state, preset, &overrides, image)
            .map_err(|source| WeightsError::Infer { origin: origin.clone(), source })?,
    };
    let network = spec.network();
    weights
        .state
        .check(&network)
        .map_err(|source| WeightsError::Mismatch { origin: origin.clone(), source })?;
    match bad_variance(&weights.state, &network) {
        Some((tensor, value)) => Err(WeightsError::Variance { origin, tensor, value }),
        None => Ok(spec),
    }
}

/// The first running variance whose sum with epsilon has no root, and the value.
fn bad_variance(state: &StateDict, network: &Network) -> Option<(String, f32)> {
    network.parameters().into_iter().filter(|p| p.kind == ParameterKind::Variance).find_map(|p| {
        let Op::Norm { epsilon, .. } = network.node(p.node).op else { return None };
        let values = &state.tensors.get(&p.name)?.data;
        let bad = values.iter().find(|v| **v + epsilon as f32 <= 0.0)?;
        Some((p.name, *bad))
    })
}

#[cfg(test)]
mod tests;
