//! The CIFAR ResNet as a Burn module with one forward path.
//!
//! `forward` offers every layer of [`ModelSpec::layers`] to a tap, in order.
//! Parameters are always built from host tensors: nothing is drawn lazily, and
//! no two networks share running statistics (Burn's `RunningState` is shared
//! between clones).

use burn::module::{Module, Param, ParamId, RunningState};
use burn::nn::BatchNorm;
use burn::tensor::{Device, Tensor, TensorData};

use super::state::{HostTensor, Mismatch, StateDict, expected};
use crate::domain::{ModelSpec, Shortcut};
use crate::kernels;

/// Which statistics batch norm uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, which stay as they are. For analysis and tests.
    Evaluate,
    /// The batch's statistics, which update the running ones. The network and
    /// its input have to live on an autodiff device.
    Train,
}

/// A layer's output as the tap sees it.
#[derive(Debug, Clone, Copy)]
pub enum Activation<'a> {
    /// `[batch, channels, height, width]`.
    Map(&'a Tensor<4>),
    /// The same, of a layer that a batch norm in evaluation mode takes up: layer
    /// number `norm` is this one times `scale` (`[channels]`) and shifted.
    BeforeNorm {
        /// `[batch, channels, height, width]`.
        map: &'a Tensor<4>,
        /// What the norm multiplies each channel by.
        scale: &'a Tensor<1>,
        /// The norm's index in the layer list.
        norm: usize,
    },
    /// `[batch, features]`.
    Vector(&'a Tensor<2>),
}

/// An activation whose layer has no number yet.
enum Offer<'a> {
    Map(&'a Tensor<4>),
    Vector(&'a Tensor<2>),
    /// With what the norm multiplies by, and how many layers behind it comes.
    BeforeNorm(&'a Tensor<4>, &'a Tensor<1>, usize),
}

impl<'a> Offer<'a> {
    fn before(
        map: &'a Tensor<4>,
        norm: &'a Option<(Tensor<1>, Tensor<1>)>,
        behind: usize,
    ) -> Offer<'a> {
        match norm {
            Some((scale, _)) => Offer::BeforeNorm(map, scale, behind),
            None => Offer::Map(map),
        }
    }

    fn at(self, index: usize) -> Activation<'a> {
        match self {
            Offer::Map(map) => Activation::Map(map),
            Offer::Vector(vector) => Activation::Vector(vector),
            Offer::BeforeNorm(map, scale, behind) => {
                Activation::BeforeNorm { map, scale, norm: index + behind }
            }
        }
    }
}

/// A convolution with its stride; padding keeps the size at stride 1.
#[derive(Module, Debug)]
pub struct Conv {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    stride: usize,
    padding: usize,
}

impl Conv {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(Param::val);
        kernels::conv2d(x, self.weight.val(), bias, self.stride, self.padding)
    }
}

/// Batch norm with its parameters kept as Burn's, evaluated as one affine pass.
#[derive(Module, Debug)]
pub struct Norm {
    inner: BatchNorm,
}

impl Norm {
    /// What evaluation multiplies and adds; nothing is known before a batch in
    /// training.
    fn prepare(&self, mode: Mode) -> Option<(Tensor<1>, Tensor<1>)> {
        match mode {
            Mode::Train => None,
            Mode::Evaluate => Some(self.affine()),
        }
    }

    fn forward(&self, x: Tensor<4>, prepared: Option<(Tensor<1>, Tensor<1>)>) -> Tensor<4> {
        match prepared {
            None => self.forward_train(x),
            Some((scale, shift)) => kernels::affine_channels(x, scale, shift),
        }
    }

    fn forward_train(&self, x: Tensor<4>) -> Tensor<4> {
        let norm = &self.inner;
        let (y, mean, variance) =
            kernels::batch_norm_train(x, norm.gamma.val(), norm.beta.val(), norm.epsilon);
        for (running, batch) in [(&norm.running_mean, mean), (&norm.running_var, variance)] {
            let old = running.value_sync();
            let batch = if old.device().is_autodiff() { Tensor::from_inner(batch) } else { batch };
            let kept = old.mul_scalar(1.0 - norm.momentum);
            running.update((kept + batch.mul_scalar(norm.momentum)).detach());
        }
        y
    }

    /// `y = x scale + shift` per channel, from the running statistics.
    fn affine(&self) -> (Tensor<1>, Tensor<1>) {
        let mean = self.inner.running_mean.value_sync();
        let var = self.inner.running_var.value_sync();
        let scale = self.inner.gamma.val() / (var + self.inner.epsilon).sqrt();
        let shift = self.inner.beta.val() - mean * scale.clone();
        (scale, shift)
    }
}

/// A basic residual block: conv, norm, ReLU, conv, norm, add, ReLU.
#[derive(Module, Debug)]
pub struct Block {
    conv1: Conv,
    bn1: Norm,
    conv2: Conv,
    bn2: Norm,
    shortcut: Option<Conv>,
}

/// The final linear layer; the weight is PyTorch's `[classes, features]`.
#[derive(Module, Debug)]
pub struct Classifier {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

/// A residual network of depth `6n + 2`.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv,
    bn1: Norm,
    layer1: Vec<Block>,
    layer2: Vec<Block>,
    layer3: Vec<Block>,
    linear: Classifier,
    #[module(skip)]
    spec: ModelSpec,
}

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

    /// The network's description.
    pub fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    /// Parameter ids of all kernels: convolution weights and the classifier's
    /// (the parameters that weight decay acts on).
    pub fn kernel_ids(&self) -> Vec<ParamId> {
        let mut ids = vec![self.conv1.weight.id, self.linear.weight.id];
        for block in self.layer1.iter().chain(&self.layer2).chain(&self.layer3) {
            ids.push(block.conv1.weight.id);
            ids.push(block.conv2.weight.id);
            ids.extend(block.shortcut.as_ref().map(|conv| conv.weight.id));
        }
        ids
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

    /// Runs a batch `[n, channels, height, width]` and returns the logits
    /// `[n, classes]`.
    pub fn forward(&self, x: Tensor<4>, mode: Mode) -> Tensor<2> {
        match self.forward_tapped(x, mode, |_, _| Ok::<(), std::convert::Infallible>(())) {
            Ok(logits) => logits,
            Err(never) => match never {},
        }
    }

    /// Runs a batch and offers every layer's output to `tap`, with the layer's
    /// index in [`ModelSpec::layers`], in order.
    ///
    /// # Errors
    /// The tap's first error, which ends the pass.
    pub fn forward_tapped<E>(
        &self,
        x: Tensor<4>,
        mode: Mode,
        mut tap: impl FnMut(usize, Activation<'_>) -> Result<(), E>,
    ) -> Result<Tensor<2>, E> {
        let mut index = 0;
        let mut offer = |activation: Offer<'_>| {
            let at = index;
            index += 1;
            tap(at, activation.at(at))
        };
        let mut x = self.conv1.forward(x);
        let norm = self.bn1.prepare(mode);
        offer(Offer::before(&x, &norm, 1))?;
        x = self.bn1.forward(x, norm);
        offer(Offer::Map(&x))?;
        x = kernels::relu(x);
        offer(Offer::Map(&x))?;
        for blocks in [&self.layer1, &self.layer2, &self.layer3] {
            for block in blocks {
                x = self.block_forward(block, x, mode, &mut offer)?;
            }
        }
        let [n, channels, _, _] = x.dims();
        let pooled: Tensor<2> = x.mean_dim(3).mean_dim(2).reshape([n, channels]);
        offer(Offer::Vector(&pooled))?;
        let weight = self.linear.weight.val().transpose();
        let logits = pooled.matmul(weight) + self.linear.bias.val().unsqueeze();
        offer(Offer::Vector(&logits))?;
        Ok(logits)
    }

    fn block_forward<E>(
        &self,
        block: &Block,
        x: Tensor<4>,
        mode: Mode,
        offer: &mut impl FnMut(Offer<'_>) -> Result<(), E>,
    ) -> Result<Tensor<4>, E> {
        let mut y = block.conv1.forward(x.clone());
        let norm = block.bn1.prepare(mode);
        offer(Offer::before(&y, &norm, 1))?;
        y = block.bn1.forward(y, norm);
        offer(Offer::Map(&y))?;
        y = kernels::relu(y);
        offer(Offer::Map(&y))?;
        y = block.conv2.forward(y);
        let norm = block.bn2.prepare(mode);
        let projects = self.spec.residual && block.shortcut.is_some();
        offer(Offer::before(&y, &norm, 1 + usize::from(projects)))?;
        let mut skip = None;
        if self.spec.residual {
            skip = Some(match &block.shortcut {
                Some(shortcut) => {
                    let projected = shortcut.forward(x);
                    offer(Offer::Map(&projected))?;
                    projected
                }
                None => self.pad_shortcut(x, &y),
            });
        }
        y = block.bn2.forward(y, norm);
        offer(Offer::Map(&y))?;
        if let Some(skip) = skip {
            y = kernels::add(y, skip);
            offer(Offer::Map(&y))?;
        }
        y = kernels::relu(y);
        offer(Offer::Map(&y))?;
        Ok(y)
    }

    /// He et al.'s option A: every second pixel, zero channels on both sides.
    /// The identity where shapes agree.
    fn pad_shortcut(&self, x: Tensor<4>, like: &Tensor<4>) -> Tensor<4> {
        let [n, from, _, _] = x.dims();
        let [_, to, h, w] = like.dims();
        if from == to || self.spec.shortcut == Shortcut::Projection {
            return x;
        }
        let device = x.device();
        let kept = x.slice(burn::tensor::s![.., .., 0..;2, 0..;2]);
        let before = (to - from) / 2;
        let zeros = |channels| Tensor::<4>::zeros([n, channels, h, w], &device);
        Tensor::cat(vec![zeros(before), kept, zeros(to - from - before)], 1)
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|e| format!("{e:?}"))?;
    data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))
}
