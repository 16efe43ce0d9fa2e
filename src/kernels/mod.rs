//! CPU operators at the machine's own speed, as Burn extensions.
//!
//! The first layer works on plain slices: convolution and its gradients
//! ([`forward`], [`input_grad`], [`weight_grad`], [`bias_grad`]), batch norm
//! ([`norm`]), elementwise passes. It is generic over the instruction set (AVX-512, AVX2,
//! NEON, scalar; chosen at run time through `pulp`), has no unsafe code, and gives
//! the same results for any number of threads.
//!
//! The second layer makes Burn operators of them ([`conv2d`], [`affine_channels`],
//! [`relu`], [`add`]): the kernels on flex in f32, Burn's own operations
//! everywhere else, with gradients. Activations stay channels-last in memory
//! behind their `[n, c, h, w]` shape. Knows no model.

mod autodiff;
mod conv;
mod elementwise;
mod flex;
mod geometry;
pub mod norm;
mod norm_ops;
mod ops;
mod plan;
mod scratch;
mod storage;
mod tile;
mod weight_grad;
mod winograd;
mod winograd_grad;

pub use conv::{After, forward, input_grad};
pub use geometry::Geometry;
pub use norm_ops::{NormOps, batch_norm_train};
pub use ops::{
    KernelOps, add, affine_channels, affine_channels_then, conv2d, conv2d_relu, relu,
    with_channels_last_rows, with_rows,
};
pub use weight_grad::{bias_grad, weight_grad};

#[cfg(test)]
mod tests;
