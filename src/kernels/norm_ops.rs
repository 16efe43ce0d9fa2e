//! Batch norm in training as a Burn operator: the passes of [`super::norm`] on
//! flex, compositions of Burn's operations elsewhere, one backward node.
//!
//! Ioffe and Szegedy (2015), equations of algorithm 1 and its gradient. Variance
//! is the biased one, as in Keras.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Slice, Tensor, s};

use super::ops::KernelOps;
use super::{norm, storage};

/// Row `at` of a `[rows, channels]` tensor, as `[channels]`.
fn row<B: Backend>(table: &FloatTensor<B>, at: usize) -> FloatTensor<B> {
    let channels = table.shape()[1];
    let from = at as isize;
    let slices = [Slice::new(from, Some(from + 1), 1), Slice::new(0, None, 1)];
    B::float_reshape(B::float_slice(table.clone(), &slices), Shape::from([channels]))
}

fn rows<B: Backend>(vectors: Vec<FloatTensor<B>>) -> FloatTensor<B> {
    let flat = vectors.into_iter().map(|v| {
        let channels = v.shape().num_elements();
        B::float_reshape(v, Shape::from([1, channels]))
    });
    B::float_cat(flat.collect(), 0)
}

fn column<B: Backend>(v: FloatTensor<B>) -> FloatTensor<B> {
    let channels = v.shape().num_elements();
    B::float_reshape(v, Shape::from([1, channels, 1, 1]))
}

fn channel_sum<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let channels = x.shape()[1];
    let sum = B::float_sum_dim(B::float_sum_dim(B::float_sum_dim(x, 3), 2), 0);
    B::float_reshape(sum, Shape::from([channels]))
}

fn per_channel<B: Backend>(x: &FloatTensor<B>) -> f32 {
    let shape = x.shape();
    shape.num_elements() as f32 / shape[1].max(1) as f32
}

/// `1 / sqrt(variance + epsilon)` from a `[2, channels]` table of moments.
fn inverse_deviation<B: Backend>(moments: &FloatTensor<B>, epsilon: f64) -> FloatTensor<B> {
    let variance = row::<B>(moments, 1);
    B::float_recip(B::float_sqrt(B::float_add_scalar(variance, epsilon.into())))
}

// What backends without kernels of their own do.

fn composed_moments<B: Backend>(x: FloatTensor<B>) -> FloatTensor<B> {
    let share = 1.0 / per_channel::<B>(&x);
    let mean = B::float_mul_scalar(channel_sum::<B>(x.clone()), share.into());
    let centred = B::float_sub(x, column::<B>(mean.clone()));
    let square = B::float_mul(centred.clone(), centred);
    let variance = B::float_mul_scalar(channel_sum::<B>(square), share.into());
    rows::<B>(vec![mean, variance])
}

fn composed_sums<B: Backend>(
    x: FloatTensor<B>,
    dy: FloatTensor<B>,
    moments: FloatTensor<B>,
) -> FloatTensor<B> {
    let centred = B::float_sub(x, column::<B>(row::<B>(&moments, 0)));
    let product = B::float_mul(dy.clone(), centred);
    rows::<B>(vec![channel_sum::<B>(dy), channel_sum::<B>(product)])
}

fn composed_combination<B: Backend>(
    x: FloatTensor<B>,
    dy: FloatTensor<B>,
    coefficients: FloatTensor<B>,
) -> FloatTensor<B> {
    let at = |k| column::<B>(row::<B>(&coefficients, k));
    let sum = B::float_add(B::float_mul(dy, at(0)), B::float_mul(x, at(1)));
    B::float_add(sum, at(2))
}

/// Operators of batch norm in training. Tensors are `[n, c, h, w]`.
#[backend_extension(Flex, Cube, Autodiff)]
pub trait NormOps: Backend + KernelOps {
    /// Mean and biased variance of every channel, as `[2, c]`.
    fn channel_moments(x: FloatTensor<Self>) -> FloatTensor<Self> {
        composed_moments::<Self>(x)
    }

    /// Sums of `dy` and of `dy (x - mean)` per channel, as `[2, c]`.
    fn channel_gradient_sums(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        moments: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed_sums::<Self>(x, dy, moments)
    }

    /// `dy a + x b + c` per channel; `coefficients` is `[3, c]`.
    fn channel_combine(
        x: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        coefficients: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        composed_combination::<Self>(x, dy, coefficients)
    }

    /// Normalises `x` by `moments` `[2, c]` of the batch, then scales by `gamma`
    /// and shifts by `beta`. Differentiates through the moments.
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let scale = Self::float_mul(gamma, inverse_deviation::<Self>(&moments, epsilon));
        let mean = row::<Self>(&moments, 0);
        let shift = Self::float_sub(beta, Self::float_mul(mean, scale.clone()));
        Self::channel_affine(x, scale, shift)
    }
}

/// Batch norm with the statistics of the batch: the result, and mean and biased
/// variance per channel (without gradient). `x` is `[n, c, h, w]`, `gamma` and
/// `beta` `[c]`.
pub fn batch_norm_train(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let channels = x.dims()[1];
    let tracked = x.device().is_autodiff();
    let plain = if tracked { x.clone().inner() } else { x.clone() };
    let moments = Tensor::<2>::from_dispatch(Dispatch::channel_moments(plain.into_dispatch()));
    let mean = moments.clone().slice(s![0..1]).reshape([channels]);
    let variance = moments.clone().slice(s![1..2]).reshape([channels]);
    let moments = if tracked { Tensor::from_inner(moments) } else { moments };
    let y = Tensor::from_dispatch(Dispatch::normalise(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        moments.into_dispatch(),
        epsilon,
    ));
    (y, mean, variance)
}

impl NormOps for Cube {}

impl NormOps for Flex {
    fn channel_moments(x: FlexTensor) -> FlexTensor {
        let channels = x.layout().shape()[1];
        let (mut mean, variance) = match storage::channels_last(&x) {
            Some(values) => norm::moments(&values, channels),
            // Not f32: through f32, which our networks always are.
            None => {
                let x = x.to_contiguous();
                let values: Vec<f32> = x.into_data().iter::<f32>().collect();
                let plane = values.len() / channels.max(1);
                norm::moments(
                    &super::elementwise::to_channels_last(&values, channels, plane),
                    channels,
                )
            }
        };
        mean.extend(variance);
        storage::from_contiguous(mean, [2, channels])
    }

    fn channel_gradient_sums(x: FlexTensor, dy: FlexTensor, moments: FlexTensor) -> FlexTensor {
        let channels = x.layout().shape()[1];
        let values = (
            storage::channels_last(&x),
            storage::channels_last(&dy),
            storage::contiguous(&moments),
        );
        let (Some(x), Some(dy), Some(moments)) = values else {
            return storage::from_contiguous(vec![f32::NAN; 2 * channels], [2, channels]);
        };
        let (sum, product) = norm::gradient_sums(&x, &dy, &moments[..channels], channels);
        let both = sum.into_iter().chain(product).map(|v| v as f32).collect();
        storage::from_contiguous(both, [2, channels])
    }

    fn channel_combine(x: FlexTensor, dy: FlexTensor, coefficients: FlexTensor) -> FlexTensor {
        let dims = storage::dims4(&x).unwrap_or_default();
        let channels = dims[1];
        let values = (
            storage::channels_last(&x),
            storage::channels_last(&dy),
            storage::contiguous(&coefficients),
        );
        let mut out = vec![f32::NAN; dims.iter().product()];
        if let (Some(x), Some(dy), Some(k)) = values {
            let (a, rest) = k.split_at(channels);
            let (b, c) = rest.split_at(channels);
            norm::combine(&x, &dy, [a, b, c], &mut out);
        }
        storage::from_channels_last(out, dims)
    }
}

/// Parents: input, gamma, beta.
#[derive(Debug)]
struct Normalise;

#[derive(Debug, Clone)]
struct NormState<T> {
    x: NodeId,
    gamma: NodeId,
    moments: T,
    epsilon: f64,
}

impl<B: NormOps> Backward<B, 3> for Normalise {
    type State = NormState<FloatTensor<B>>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let dy = grads.consume::<B>(&ops.node);
        let NormState { x, gamma, moments, epsilon } = ops.state;
        let x = checkpointer.retrieve_node_output::<FloatTensor<B>>(x);
        let gamma = checkpointer.retrieve_node_output::<FloatTensor<B>>(gamma);
        let [to_x, to_gamma, to_beta] = ops.parents;
        let share = 1.0 / per_channel::<B>(&x);
        let inverse = inverse_deviation::<B>(&moments, epsilon);
        let sums = B::channel_gradient_sums(x.clone(), dy.clone(), moments.clone());
        let (sum, product) = (row::<B>(&sums, 0), row::<B>(&sums, 1));
        if let Some(node) = to_x {
            // dx = a (dy - mean(dy) - (x - mean) inverse^2 mean(dy (x - mean)))
            let a = B::float_mul(gamma, inverse.clone());
            let spread = B::float_mul(inverse.clone(), inverse.clone());
            let b = B::float_mul(B::float_mul(a.clone(), spread), product.clone());
            let b = B::float_mul_scalar(b, (-share).into());
            let c = B::float_mul_scalar(B::float_mul(a.clone(), sum.clone()), (-share).into());
            let c = B::float_sub(c, B::float_mul(b.clone(), row::<B>(&moments, 0)));
            let coefficients = rows::<B>(vec![a, b, c]);
            grads.register::<B>(node.id, B::channel_combine(x, dy, coefficients));
        }
        if let Some(node) = to_gamma {
            grads.register::<B>(node.id, B::float_mul(product, inverse));
        }
        if let Some(node) = to_beta {
            grads.register::<B>(node.id, sum);
        }
    }
}

impl<B: NormOps, C: CheckpointStrategy> NormOps for Autodiff<B, C> {
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        moments: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let moments = moments.into_primitive();
        let state = NormState { x: x.id(), gamma: gamma.id(), moments: moments.clone(), epsilon };
        let nodes = [x.node(), gamma.node(), beta.node()];
        let run = |x: FloatTensor<Self>, gamma: FloatTensor<Self>, beta: FloatTensor<Self>| {
            let (x, gamma, beta) =
                (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
            B::normalise(x, gamma, beta, moments, epsilon)
        };
        match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                prep.checkpoint(&x);
                prep.checkpoint(&gamma);
                prep.finish(state, run(x, gamma, beta))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, gamma, beta)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn tensor<const D: usize>(shape: [usize; D], seed: u32, device: &Device) -> Tensor<D> {
        let len: usize = shape.iter().product();
        let values: Vec<f32> = (0..len as u32)
            .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 977) >> 9) as f32)
            .map(|v| v / (1 << 22) as f32 - 1.0)
            .collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    fn values<const D: usize>(t: Tensor<D>) -> Vec<f32> {
        t.into_data().try_into_vec().unwrap()
    }

    fn close(a: &[f32], b: &[f32]) {
        // Sums of a few cancelling terms: relative to the terms, about one.
        let scale = b.iter().fold(0.2f32, |m, v| m.max(v.abs()));
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= 2e-5 * scale, "{a} against {b}");
        }
    }

    /// Result, statistics and gradients against Burn's own batch norm.
    #[test]
    fn agrees_with_burn() {
        let device = Device::flex().autodiff();
        for shape in [[5, 3, 7, 4], [2, 16, 8, 8], [1, 1, 3, 3]] {
            let c = shape[1];
            let run = |ours: bool| {
                let x = tensor(shape, 1, &device).require_grad();
                let gamma = tensor([c], 2, &device).require_grad();
                let beta = tensor([c], 3, &device).require_grad();
                let weight = tensor(shape, 4, &device);
                let (y, mean, variance) = if ours {
                    batch_norm_train(x.clone(), gamma.clone(), beta.clone(), 1e-3)
                } else {
                    let r = burn::tensor::module::batch_norm_train(
                        x.clone(),
                        gamma.clone(),
                        beta.clone(),
                        1e-3,
                    );
                    (r.output, r.mean.inner(), r.variance.inner())
                };
                let grads = (y.clone() * weight).sum().backward();
                [
                    values(y.inner()),
                    values(mean),
                    values(variance),
                    values(x.grad(&grads).unwrap()),
                    values(gamma.grad(&grads).unwrap()),
                    values(beta.grad(&grads).unwrap()),
                ]
            };
            for (ours, burn) in run(true).iter().zip(&run(false)) {
                assert_eq!(ours.len(), burn.len());
                close(ours, burn);
            }
        }
    }

    /// The compositions that other backends use agree with the passes on flex.
    #[test]
    fn default_bodies_agree_with_the_passes() {
        let device = Device::flex();
        let shape = [3, 4, 5, 6];
        let prim = |seed| tensor(shape, seed, &device).try_into_primitive::<Flex>().unwrap();
        let read = |t: FlexTensor| -> Vec<f32> { t.into_data().try_into_vec().unwrap() };
        let moments = Flex::channel_moments(prim(1));
        close(&read(moments.clone()), &read(composed_moments::<Flex>(prim(1))));
        let sums = Flex::channel_gradient_sums(prim(1), prim(2), moments.clone());
        let composed = composed_sums::<Flex>(prim(1), prim(2), moments);
        close(&read(sums), &read(composed));
        let k = || tensor([3, 4], 5, &device).try_into_primitive::<Flex>().unwrap();
        let order = |t: FlexTensor| read(t.to_contiguous());
        let ours = Flex::channel_combine(prim(1), prim(2), k());
        close(&order(ours), &order(composed_combination::<Flex>(prim(1), prim(2), k())));
    }
}
