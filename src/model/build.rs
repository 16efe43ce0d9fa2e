//! Networks from host tensors and back.
//!
//! Parameters are always built from host tensors: nothing is drawn lazily, and
//! no two networks share running statistics (Burn's `RunningState` is shared
//! between clones).

use burn::module::{Param, RunningState};
use burn::nn::BatchNorm;
use burn::tensor::{Device, Tensor, TensorData};

use super::resnet::{Block, Classifier, Conv, Norm, ResNet};
use super::state::{HostTensor, Mismatch, StateDict, expected};
use crate::domain::ModelSpec;

struct Builder<'a> {
    spec: &'a ModelSpec,
    state: &'a StateDict,
    device: &'a Device,
}

impl Builder<'_> {
    fn tensor(&self, name: &str) -> TensorData {
        // `check` came first, so that a missing tensor cannot happen; an empty
        // one would be refused by Burn's shape checks.
        let empty = HostTensor { shape: vec![0], data: Vec::new() };
        let tensor = self.state.tensors.get(name).unwrap_or(&empty);
        TensorData::new(tensor.data.clone(), tensor.shape.clone())
    }

    fn vector(&self, name: &str) -> Param<Tensor<1>> {
        Param::from_data(self.tensor(name), self.device)
    }

    fn conv(&self, name: &str, stride: usize, padding: usize) -> Conv {
        let bias = self.spec.conv_bias.then(|| self.vector(&format!("{name}.bias")));
        let weight = Param::from_data(self.tensor(&format!("{name}.weight")), self.device);
        Conv { weight, bias, stride, padding }
    }

    fn norm(&self, name: &str) -> Norm {
        let running = |part: &str| {
            let data = self.tensor(&format!("{name}.{part}"));
            RunningState::new(Tensor::from_data(data, self.device))
        };
        Norm {
            inner: BatchNorm {
                gamma: self.vector(&format!("{name}.weight")),
                beta: self.vector(&format!("{name}.bias")),
                training: Param::from_bool(true),
                running_mean: running("running_mean"),
                running_var: running("running_var"),
                momentum: 1.0 - self.spec.norm_momentum,
                epsilon: self.spec.norm_epsilon,
            },
        }
    }

    fn stage(&self, stage: usize) -> Vec<Block> {
        (0..self.spec.blocks_in(stage))
            .map(|block| {
                let name = format!("layer{stage}.{block}");
                let stride = 1 + usize::from(self.spec.changes_shape(stage, block));
                Block {
                    conv1: self.conv(&format!("{name}.conv1"), stride, 1),
                    bn1: self.norm(&format!("{name}.bn1")),
                    conv2: self.conv(&format!("{name}.conv2"), 1, 1),
                    bn2: self.norm(&format!("{name}.bn2")),
                    shortcut: self
                        .spec
                        .has_projection(stage, block)
                        .then(|| self.conv(&format!("{name}.shortcut"), stride, 0)),
                }
            })
            .collect()
    }
}

impl ResNet {
    /// Builds the network on `device` from host tensors.
    ///
    /// # Errors
    /// [`Mismatch`] if the tensors do not fit `spec`.
    pub fn from_state(
        spec: &ModelSpec,
        state: &StateDict,
        device: &Device,
    ) -> Result<ResNet, Mismatch> {
        state.check(spec)?;
        let build = Builder { spec, state, device };
        Ok(ResNet {
            conv1: build.conv("conv1", 1, 1),
            bn1: build.norm("bn1"),
            layer1: build.stage(1),
            layer2: build.stage(2),
            layer3: build.stage(3),
            linear: Classifier {
                weight: Param::from_data(build.tensor("linear.weight"), device),
                bias: build.vector("linear.bias"),
            },
            spec: spec.clone(),
        })
    }

    /// Reads every tensor back to the host, running statistics up to date.
    ///
    /// # Errors
    /// The device's message if a tensor cannot be read (a lost device).
    pub fn to_state(&self) -> Result<StateDict, String> {
        let mut state = StateDict::default();
        for (name, shape) in expected(&self.spec) {
            let data = self.read(&name)?;
            state.tensors.insert(name, HostTensor { shape, data });
        }
        Ok(state)
    }

    fn read(&self, name: &str) -> Result<Vec<f32>, String> {
        let unknown = || format!("no tensor {name}");
        if let Some(part) = name.strip_prefix("linear.") {
            return match part {
                "weight" => host(self.linear.weight.val()),
                _ => host(self.linear.bias.val()),
            };
        }
        let (module, part) = name.rsplit_once('.').ok_or_else(unknown)?;
        let (block, leaf) = match module.rsplit_once('.') {
            None => (None, module),
            Some((block, leaf)) => (Some(self.block(block).ok_or_else(unknown)?), leaf),
        };
        if leaf.starts_with("bn") {
            let norm = match (block, leaf) {
                (None, _) => &self.bn1,
                (Some(b), "bn1") => &b.bn1,
                (Some(b), _) => &b.bn2,
            };
            return match part {
                "weight" => host(norm.inner.gamma.val()),
                "bias" => host(norm.inner.beta.val()),
                "running_mean" => host(norm.inner.running_mean.value_sync()),
                _ => host(norm.inner.running_var.value_sync()),
            };
        }
        let conv = match (block, leaf) {
            (None, _) => &self.conv1,
            (Some(b), "conv1") => &b.conv1,
            (Some(b), "conv2") => &b.conv2,
            (Some(b), _) => b.shortcut.as_ref().ok_or_else(unknown)?,
        };
        match part {
            "weight" => host(conv.weight.val()),
            _ => host(conv.bias.as_ref().ok_or_else(unknown)?.val()),
        }
    }

    fn block(&self, name: &str) -> Option<&Block> {
        let (stage, block) = name.strip_prefix("layer")?.split_once('.')?;
        let blocks = match stage {
            "1" => &self.layer1,
            "2" => &self.layer2,
            "3" => &self.layer3,
            _ => return None,
        };
        blocks.get(block.parse::<usize>().ok()?)
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|e| format!("{e:?}"))?;
    data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))
}
