//! The operators against Burn's own, with gradients; the order of activations.

use burn::backend::Flex;
use burn::tensor::module::conv2d as burn_conv2d;
use burn::tensor::{Device, Tensor, TensorData, activation};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{add, affine_channels, conv2d, options, with_rows};
use crate::kernels::ops;
use crate::kernels::storage::{self, Order};

fn random<const D: usize>(rng: &mut ChaCha8Rng, shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> =
        (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_to_vec::<f32>().unwrap()
}

/// Largest difference relative to the largest value.
fn distance<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f32 {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (values(a), values(b));
    let scale = b.iter().fold(1e-3_f32, |m, v| m.max(v.abs()));
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / scale
}

fn order(tensor: &Tensor<4>) -> Option<Order> {
    storage::order(&tensor.clone().try_into_primitive::<Flex>().unwrap())
}

struct Shape {
    x: [usize; 4],
    w: [usize; 4],
    stride: usize,
    padding: usize,
}

fn shapes(rng: &mut ChaCha8Rng, count: usize) -> Vec<Shape> {
    let shape = |rng: &mut ChaCha8Rng| {
        let kernel = if rng.random_bool(0.7) { 3 } else { 1 };
        let inputs = rng.random_range(1..=70);
        let side = rng.random_range(1..=13);
        Shape {
            x: [rng.random_range(1..=9), inputs, side, rng.random_range(1..=13)],
            w: [rng.random_range(1..=70), inputs, kernel, kernel],
            stride: rng.random_range(1..=2),
            padding: kernel / 2,
        }
    };
    (0..count).map(|_| shape(rng)).collect()
}

#[test]
fn convolution_agrees_with_burns_whatever_the_order() {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let device = Device::flex();
    for s in shapes(&mut rng, 40) {
        let x = random(&mut rng, s.x, &device);
        let w = random(&mut rng, s.w, &device);
        let b = rng.random_bool(0.5).then(|| random(&mut rng, [s.w[0]], &device));
        let burns = burn_conv2d(x.clone(), w.clone(), b.clone(), options(s.stride, s.padding));
        // As planes, channels last, and neither.
        let last = add(
            x.clone().permute([0, 2, 3, 1]).mul_scalar(1.0).permute([0, 3, 1, 2]),
            x.zeros_like(),
        );
        let turned = x.clone().permute([3, 2, 1, 0]).mul_scalar(1.0).permute([3, 2, 1, 0]);
        for x in [x, last, turned] {
            let ours = conv2d(x, w.clone(), b.clone(), s.stride, s.padding);
            assert!(distance(&ours, &burns) < 1e-5);
            assert_eq!(order(&ours), Some(Order::ChannelsLast));
        }
    }
}

#[test]
fn gradients_agree_with_burns_autodiff() {
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let device = Device::flex().autodiff();
    for s in shapes(&mut rng, 25) {
        let x = random(&mut rng, s.x, &device).require_grad();
        let w = random(&mut rng, s.w, &device).require_grad();
        let b = rng.random_bool(0.5).then(|| random(&mut rng, [s.w[0]], &device).require_grad());
        let [ours, burns] = [true, false].map(|ours| {
            let (x, w, b) = (x.clone(), w.clone(), b.clone());
            let y = if ours {
                conv2d(x, w, b, s.stride, s.padding)
            } else {
                burn_conv2d(x, w, b, options(s.stride, s.padding))
            };
            // A loss whose gradient differs at every output.
            (y.clone() * y).sum().backward()
        });
        assert!(distance(&x.grad(&ours).unwrap(), &x.grad(&burns).unwrap()) < 1e-5);
        assert!(distance(&w.grad(&ours).unwrap(), &w.grad(&burns).unwrap()) < 1e-5);
        if let Some(b) = b {
            assert!(distance(&b.grad(&ours).unwrap(), &b.grad(&burns).unwrap()) < 1e-5);
        }
    }
}

#[test]
fn only_wanted_gradients_are_computed() {
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    let device = Device::flex().autodiff();
    let x = random(&mut rng, [2, 3, 5, 5], &device);
    let w = random(&mut rng, [4, 3, 3, 3], &device).require_grad();
    let grads = conv2d(x.clone(), w.clone(), None, 1, 1).sum().backward();
    assert!(x.grad(&grads).is_none() && w.grad(&grads).is_some());
}

/// `conv, affine, relu, conv (stride 2), add of a 1x1 shortcut, relu`.
fn small_net(x: Tensor<4>, w: &[Tensor<4>; 3], bias: &Tensor<1>) -> Tensor<4> {
    let device = x.device();
    let scale = Tensor::from_data([0.5_f32, 2.0, -1.0, 1.5], &device);
    let shift = Tensor::from_data([0.1_f32, -0.2, 0.3, 0.0], &device);
    let y = conv2d(x.clone(), w[0].clone(), Some(bias.clone()), 1, 1);
    let y = ops::relu(affine_channels(y, scale, shift));
    let y = conv2d(y, w[1].clone(), None, 2, 1);
    ops::relu(add(y, conv2d(x, w[2].clone(), None, 2, 0)))
}

fn small_weights(rng: &mut ChaCha8Rng, device: &Device) -> [Tensor<4>; 3] {
    [[4, 3, 3, 3], [5, 4, 3, 3], [5, 3, 1, 1]].map(|shape| random(rng, shape, device))
}

#[test]
fn a_chain_stays_channels_last() {
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let device = Device::flex();
    let x = random(&mut rng, [2, 3, 7, 7], &device);
    let w = small_weights(&mut rng, &device);
    let bias = random(&mut rng, [4], &device);
    let y = conv2d(x.clone(), w[0].clone(), None, 1, 1);
    assert_eq!(order(&y), Some(Order::ChannelsLast));
    // Held by a tap or not, in place or not.
    let fresh = conv2d(x.clone(), w[0].clone(), None, 1, 1);
    for y in [y.clone(), fresh] {
        let [scale, shift] = [bias.clone(), bias.clone()];
        assert_eq!(order(&affine_channels(y, scale, shift)), Some(Order::ChannelsLast));
    }
    assert_eq!(order(&ops::relu(y.clone())), Some(Order::ChannelsLast));
    assert_eq!(order(&add(y.clone(), y.clone())), Some(Order::ChannelsLast));
    assert_eq!(order(&small_net(x, &w, &bias)), Some(Order::ChannelsLast));
}

#[test]
fn elementwise_operators_agree_with_burns_and_leave_shared_inputs_alone() {
    let mut rng = ChaCha8Rng::seed_from_u64(15);
    let device = Device::flex();
    let x = random(&mut rng, [3, 5, 4, 6], &device);
    let scale = random(&mut rng, [5], &device);
    let shift = random(&mut rng, [5], &device);
    let w = random(&mut rng, [5, 5, 1, 1], &device);
    for x in [
        x.clone(),
        conv2d(x.clone(), w, None, 1, 0),
        x.clone().slice(burn::tensor::s![0..2]),
        x.swap_dims(2, 3),
    ] {
        let before = values(&x);
        let column = |v: &Tensor<1>| v.clone().reshape([1, 5, 1, 1]);
        let burns = x.clone() * column(&scale) + column(&shift);
        assert!(distance(&affine_channels(x.clone(), scale.clone(), shift.clone()), &burns) < 1e-6);
        assert!(distance(&ops::relu(x.clone()), &activation::relu(x.clone())) == 0.0);
        assert!(distance(&add(x.clone(), burns.clone()), &(x.clone() + burns)) == 0.0);
        assert_eq!(values(&x), before);
    }
}

#[test]
fn a_small_net_agrees_with_finite_differences() {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let device = Device::flex().autodiff();
    let x = random(&mut rng, [2, 3, 6, 6], &device);
    let w = small_weights(&mut rng, &device).map(Tensor::require_grad);
    let bias = random(&mut rng, [4], &device).require_grad();
    let mix = random(&mut rng, [2, 5, 3, 3], &device);
    let loss = |w: &[Tensor<4>; 3]| (small_net(x.clone(), w, &bias) * mix.clone()).sum();
    let grads = loss(&w).backward();
    let number = |t: Tensor<1>| f64::from(t.into_scalar::<f32>());
    for which in 0..3 {
        let gradient = w[which].grad(&grads).unwrap();
        let direction = random(&mut rng, w[which].dims(), &device);
        let moved = |by: f32| {
            let mut w = w.clone();
            w[which] = w[which].clone() + direction.clone() * by;
            number(loss(&w))
        };
        let h = 1e-3;
        let numeric = (moved(h) - moved(-h)) / f64::from(2.0 * h);
        let inner = Tensor::<4>::from_data(gradient.to_data(), &device) * direction.clone();
        let analytic = number(inner.sum());
        let error = (numeric - analytic).abs() / analytic.abs().max(1.0);
        assert!(error < 2e-2, "weight {which}: {numeric} against {analytic}");
    }
}

#[test]
fn rows_are_lent_without_a_copy() {
    let device = Device::flex();
    let x = Tensor::<4>::from_data(
        TensorData::new((0..24).map(|v| v as f32).collect(), [2, 3, 2, 2]),
        &device,
    );
    let planes = with_rows(&x, <[f32]>::to_vec).unwrap();
    assert_eq!(planes, (0..24).map(|v| v as f32).collect::<Vec<_>>());
    let w = Tensor::<4>::from_data(
        TensorData::new(vec![1.0_f32, 0., 0., 0., 1., 0., 0., 0., 1.], [3, 3, 1, 1]),
        &device,
    );
    let last = conv2d(x.clone(), w, None, 1, 0);
    let rows = with_rows(&last, <[f32]>::to_vec).unwrap();
    assert_eq!(rows[..6], [0.0, 4.0, 8.0, 1.0, 5.0, 9.0]);
    // The second image alone starts later; swapped dimensions are not rows.
    let second = with_rows(&x.clone().slice(burn::tensor::s![1..2]), <[f32]>::to_vec).unwrap();
    assert_eq!(second, planes[12..]);
    assert!(with_rows(&x.clone().swap_dims(0, 1), |_| ()).is_none());
    assert!(with_rows(&x.clone().slice([0..2, 0..2]), |_| ()).is_none());
    assert!(with_rows(&x.expand([2, 3, 2, 2]).sum_dim(0).expand([4, 3, 2, 2]), |_| ()).is_none());
}
