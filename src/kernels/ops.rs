//! The operators as Burn knows them: a trait that every backend has, and the
//! functions that networks call.
//!
//! The trait's bodies are Burn's own operations; flex replaces them by the
//! kernels of this module for f32, everything else keeps them. Physical order is
//! the backend's business: shapes are always `[batch, channels, height, width]`.

use burn::backend::ops::ConvOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::storage;

/// What a convolution needs beside its tensors; kernels are square.
pub(super) fn options(stride: usize, padding: usize) -> ConvOptions<2> {
    ConvOptions::new([stride, stride], [padding, padding], [1, 1], 1)
}

/// `[channels]` as `[1, channels, 1, 1]`.
fn broadcast<B: Backend>(v: FloatTensor<B>) -> FloatTensor<B> {
    let channels = v.shape().num_elements();
    B::float_reshape(v, Shape::from([1, channels, 1, 1]))
}

/// Operators with kernels of their own on the CPU.
#[backend_extension(Flex, Cube, Autodiff)]
pub trait KernelOps: Backend {
    /// Convolution of `x` `[n, i, h, w]` with `weight` `[o, i, k, k]`.
    fn direct_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, None, options(stride, padding))
    }

    /// The same plus `bias` `[o]`. (The macro takes no optional tensors.)
    fn direct_conv2d_bias(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        Self::conv2d(x, weight, Some(bias), options(stride, padding))
    }

    /// The same, then ReLU.
    fn direct_conv2d_relu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        Self::ordered_relu(Self::direct_conv2d_bias(x, weight, bias, stride, padding))
    }

    /// Convolution plus `bias` plus `skip`, then ReLU.
    fn direct_conv2d_add_relu(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        let y = Self::direct_conv2d_bias(x, weight, bias, stride, padding);
        Self::ordered_relu(Self::ordered_add(y, skip))
    }

    /// Gradient of its input; of `x` only the shape is used.
    fn direct_conv2d_input_grad(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        Self::conv2d_x_backward(x, weight, dy, options(stride, padding))
    }

    /// Gradient of its weight; of `weight` only the shape is used.
    fn direct_conv2d_weight_grad(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        stride: usize,
        padding: usize,
    ) -> FloatTensor<Self> {
        Self::conv2d_weight_backward(x, weight, dy, options(stride, padding))
    }

    /// Gradient of a bias per channel: the sum of `dy` over everything else.
    fn channel_sums(dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let channels = dy.shape()[1];
        let sum = Self::float_sum_dim(Self::float_sum_dim(Self::float_sum_dim(dy, 0), 2), 3);
        Self::float_reshape(sum, Shape::from([channels]))
    }

    /// `x * scale + shift` per channel.
    fn channel_affine(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::float_add(Self::float_mul(x, broadcast::<Self>(scale)), broadcast::<Self>(shift))
    }

    /// The same, then ReLU.
    fn channel_affine_relu(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::ordered_relu(Self::channel_affine(x, scale, shift))
    }

    /// `x * scale + shift` per channel, plus `skip`.
    fn channel_affine_add(
        x: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::ordered_add(Self::channel_affine(x, scale, shift), skip)
    }

    /// The same, then ReLU.
    fn channel_affine_add_relu(
        x: FloatTensor<Self>,
        skip: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        Self::ordered_relu(Self::channel_affine_add(x, skip, scale, shift))
    }

    /// ReLU that keeps the physical order.
    fn ordered_relu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::relu(x)
    }

    /// Gradient of ReLU from its output.
    fn ordered_relu_grad(y: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::relu_backward(y, dy)
    }

    /// Sum of two tensors of one shape that keeps the physical order.
    fn ordered_add(a: FloatTensor<Self>, b: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(a, b)
    }
}

/// Two-dimensional convolution with a square kernel: `x` is `[n, i, h, w]`,
/// `weight` `[o, i, k, k]`, `bias` `[o]`.
///
/// On the CPU in f32 this is a convolution of ours whose result keeps its channels
/// fastest in memory, so that a chain of layers converts nothing. Gradients are
/// computed for what needs them only.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(match bias {
        None => Dispatch::direct_conv2d(x, weight, stride, padding),
        Some(bias) => {
            Dispatch::direct_conv2d_bias(x, weight, bias.into_dispatch(), stride, padding)
        }
    })
}

/// `relu(conv2d(x) + skip)`, in one pass on the CPU.
pub fn conv2d_relu(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    skip: Option<Tensor<4>>,
    stride: usize,
    padding: usize,
) -> Tensor<4> {
    let (x, weight, bias) = (x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    Tensor::from_dispatch(match skip.map(Tensor::into_dispatch) {
        None => Dispatch::direct_conv2d_relu(x, weight, bias, stride, padding),
        Some(skip) => Dispatch::direct_conv2d_add_relu(x, weight, bias, skip, stride, padding),
    })
}

/// `x * scale + shift` per channel in one pass: batch norm in evaluation. `x` is
/// `[n, c, h, w]`, the others `[c]`.
pub fn affine_channels(x: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::channel_affine(
        x.into_dispatch(),
        scale.into_dispatch(),
        shift.into_dispatch(),
    ))
}

/// [`affine_channels`] and then whatever of [`add`] and [`relu`] follows, in one
/// pass on the CPU.
pub fn affine_channels_then(
    x: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    skip: Option<Tensor<4>>,
    relu: bool,
) -> Tensor<4> {
    let (x, scale, shift) = (x.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
    Tensor::from_dispatch(match (skip.map(Tensor::into_dispatch), relu) {
        (None, false) => Dispatch::channel_affine(x, scale, shift),
        (None, true) => Dispatch::channel_affine_relu(x, scale, shift),
        (Some(skip), false) => Dispatch::channel_affine_add(x, skip, scale, shift),
        (Some(skip), true) => Dispatch::channel_affine_add_relu(x, skip, scale, shift),
    })
}

/// `max(x, 0)`, keeping the physical order.
pub fn relu(x: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::ordered_relu(x.into_dispatch()))
}

/// The sum of two tensors of one shape, keeping the physical order.
pub fn add(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::ordered_add(a.into_dispatch(), b.into_dispatch()))
}

/// Lends the values of a CPU tensor as rows, one an example: `f` gets `n * p`
/// values, each example's features together in physical order (which may be
/// channels first or last). Nothing is copied.
///
/// `None`, without calling `f`, if the tensor is not f32 on the CPU without
/// autodiff, or not dense with its first dimension outermost.
pub fn with_rows<const D: usize, R>(x: &Tensor<D>, f: impl FnOnce(&[f32]) -> R) -> Option<R> {
    let tensor = x.clone().try_into_primitive::<Flex>().ok()?;
    storage::dense(&tensor).map(f)
}

/// Lends the values of a CPU tensor as [`with_rows`] does, if each example's
/// values lie channels fastest.
pub fn with_channels_last_rows<R>(x: &Tensor<4>, f: impl FnOnce(&[f32]) -> R) -> Option<R> {
    let tensor = x.clone().try_into_primitive::<Flex>().ok()?;
    let last = storage::order(&tensor) == Some(storage::Order::ChannelsLast);
    storage::dense(&tensor).filter(|_| last).map(f)
}

#[cfg(test)]
mod tests;
