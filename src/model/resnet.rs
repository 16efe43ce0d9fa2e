//! The CIFAR ResNet as a Burn module: its parts and parameters.
//!
//! How they are made is in `build`, how they are run in `forward`.

use burn::module::{Module, Param, ParamId};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;

use crate::domain::{ModelSpec, ResidualBlock};
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

/// A convolution with its stride; padding keeps the size at stride 1.
#[derive(Module, Debug)]
pub struct Conv {
    pub(super) weight: Param<Tensor<4>>,
    pub(super) bias: Option<Param<Tensor<1>>>,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Conv {
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(Param::val);
        kernels::conv2d(x, self.weight.val(), bias, self.stride, self.padding)
    }
}

impl Conv {
    /// `relu(affine(conv(x)) + skip)` in one pass: the affine map is folded into
    /// weights and bias.
    pub(super) fn forward_fused(
        &self,
        x: Tensor<4>,
        Affine { scale, shift }: Affine,
        skip: Option<Tensor<4>>,
    ) -> Tensor<4> {
        let shift = match &self.bias {
            Some(bias) => shift + bias.val() * scale.clone(),
            None => shift,
        };
        let weight = self.weight.val() * scale.reshape([-1, 1, 1, 1]);
        kernels::conv2d_relu(x, weight, shift, skip, self.stride, self.padding)
    }
}

/// A factor and a summand per channel.
pub(super) struct Affine {
    pub(super) scale: Tensor<1>,
    pub(super) shift: Tensor<1>,
}

/// Batch norm with its parameters kept as Burn's, evaluated as one affine pass.
#[derive(Module, Debug)]
pub struct Norm {
    pub(super) inner: BatchNorm,
}

impl Norm {
    /// What evaluation multiplies and adds; nothing is known before a batch in
    /// training.
    pub(super) fn prepare(&self, mode: Mode) -> Option<Affine> {
        match mode {
            Mode::Train => None,
            Mode::Evaluate => Some(self.affine()),
        }
    }

    pub(super) fn forward(&self, x: Tensor<4>, prepared: Option<Affine>) -> Tensor<4> {
        match prepared {
            None => self.forward_train(x),
            Some(Affine { scale, shift }) => kernels::affine_channels(x, scale, shift),
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
    pub(super) fn affine(&self) -> Affine {
        let mean = self.inner.running_mean.value_sync();
        let var = self.inner.running_var.value_sync();
        let scale = self.inner.gamma.val() / (var + self.inner.epsilon).sqrt();
        let shift = self.inner.beta.val() - mean * scale.clone();
        Affine { scale, shift }
    }
}

/// A basic residual block: conv, norm, ReLU, conv, norm, add, ReLU.
#[derive(Module, Debug)]
pub struct Block {
    pub(super) conv1: Conv,
    pub(super) bn1: Norm,
    pub(super) conv2: Conv,
    pub(super) bn2: Norm,
    pub(super) shortcut: Option<Conv>,
}

/// The final linear layer; the weight is PyTorch's `[classes, features]`.
#[derive(Module, Debug)]
pub struct Classifier {
    pub(super) weight: Param<Tensor<2>>,
    pub(super) bias: Param<Tensor<1>>,
}

/// A residual network of depth `6n + 2`.
#[derive(Module, Debug)]
pub struct ResNet {
    pub(super) conv1: Conv,
    pub(super) bn1: Norm,
    pub(super) layer1: Vec<Block>,
    pub(super) layer2: Vec<Block>,
    pub(super) layer3: Vec<Block>,
    pub(super) linear: Classifier,
    #[module(skip)]
    pub(super) spec: ModelSpec,
}

impl ResNet {
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

    /// The residual blocks in network order.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (ResidualBlock, &Block)> {
        let stages = [(1, &self.layer1), (2, &self.layer2), (3, &self.layer3)];
        stages.into_iter().flat_map(|(stage, blocks)| {
            blocks.iter().enumerate().map(move |(block, b)| (ResidualBlock { stage, block }, b))
        })
    }
}
