//! The operators on flex: the kernels of this module for f32, Burn's own
//! operations otherwise.

use burn::backend::flex::FlexTensor;
use burn::backend::ops::{ActivationOps, FloatTensorOps, ModuleOps};
use burn::backend::{Cube, Flex};
use pulp::Arch;

use super::ops::{KernelOps, options};
use super::storage::{self, Order};
use super::{After, Geometry, bias_grad, elementwise, forward, input_grad, weight_grad};

impl KernelOps for Cube {}

/// The sizes, if our kernels take this convolution.
fn geometry(
    x: &FlexTensor,
    weight: &FlexTensor,
    stride: usize,
    padding: usize,
) -> Option<Geometry> {
    let [batch, inputs, height, width] = storage::dims4(x)?;
    let [outputs, weight_inputs, kernel, kernel_x] = storage::dims4(weight)?;
    let g = Geometry { batch, height, width, inputs, outputs, kernel, stride, padding };
    let fits = weight_inputs == inputs
        && kernel == kernel_x
        && [batch, inputs, outputs].iter().all(|v| *v > 0)
        && g.is_supported();
    fits.then_some(g)
}

fn convolve(
    x: &FlexTensor,
    weight: &FlexTensor,
    [bias, skip]: [Option<&FlexTensor>; 2],
    relu: bool,
    stride: usize,
    padding: usize,
) -> Option<FlexTensor> {
    let g = geometry(x, weight, stride, padding)?;
    let [h, w] = g.out_side();
    let values = storage::channels_last(x)?;
    let weight = storage::contiguous(weight)?;
    let bias = match bias {
        Some(bias) => Some(storage::contiguous(bias).filter(|b| b.len() == g.outputs)?),
        None => None,
    };
    let skip = match skip {
        Some(skip) if storage::dims4(skip)? != [g.batch, g.outputs, h, w] => return None,
        Some(skip) => Some(storage::channels_last(skip)?),
        None => None,
    };
    let after = After { bias: bias.as_deref().unwrap_or(&[]), skip: skip.as_deref(), relu };
    let mut out = vec![0.0; g.output_len()];
    forward(Arch::new(), &g, &values, &weight, after, &mut out);
    Some(storage::from_channels_last(out, [g.batch, g.outputs, h, w]))
}

fn convolve_input_grad(
    x: &FlexTensor,
    weight: &FlexTensor,
    dy: &FlexTensor,
    stride: usize,
    padding: usize,
) -> Option<FlexTensor> {
    let g = geometry(x, weight, stride, padding)?;
    let dy = storage::channels_last(dy).filter(|dy| dy.len() == g.output_len())?;
    let weight = storage::contiguous(weight)?;
    let mut dx = vec![0.0; g.input_len()];
    input_grad(Arch::new(), &g, &dy, &weight, &mut dx);
    Some(storage::from_channels_last(dx, [g.batch, g.inputs, g.height, g.width]))
}

fn convolve_weight_grad(
    x: &FlexTensor,
    weight: &FlexTensor,
    dy: &FlexTensor,
    stride: usize,
    padding: usize,
) -> Option<FlexTensor> {
    let g = geometry(x, weight, stride, padding)?;
    let x = storage::channels_last(x)?;
    let dy = storage::channels_last(dy).filter(|dy| dy.len() == g.output_len())?;
    let mut dw = vec![0.0; g.weight_len()];
    weight_grad(Arch::new(), &g, &x, &dy, &mut dw);
    Some(storage::from_contiguous(dw, [g.outputs, g.inputs, g.kernel, g.kernel]))
}

/// The affine pass over a dense tensor, with what follows it.
///
/// # Errors
/// The tensor itself if this is nothing for our kernels: a sum or a ReLU beside
/// it is fused for channels-last values only.
fn affine<const RELU: bool>(
    x: FlexTensor,
    skip: Option<&FlexTensor>,
    scale: &FlexTensor,
    shift: &FlexTensor,
) -> Result<FlexTensor, FlexTensor> {
    let vectors = storage::contiguous(scale).zip(storage::contiguous(shift));
    let (Some(order), Some([_, c, h, w]), Some((scale, shift))) =
        (storage::order(&x), storage::dims4(&x), vectors)
    else {
        return Err(x);
    };
    if scale.len() != c || shift.len() != c {
        return Err(x);
    }
    let other = match skip {
        None => None,
        Some(skip) => match storage::dense(skip).filter(|_| storage::same_order(&x, skip)) {
            Some(values) => Some(values),
            None => return Err(x),
        },
    };
    if order == Order::Planes && (RELU || skip.is_some()) {
        return Err(x);
    }
    let pass = |x: &mut [f32]| match order {
        Order::ChannelsLast => elementwise::affine_rows::<RELU>(x, other, &scale, &shift),
        Order::Planes => elementwise::affine_planes(x, h * w, &scale, &shift),
    };
    storage::map(x, pass, |x| {
        let mut copy = x.to_vec();
        pass(&mut copy);
        copy
    })
}

impl KernelOps for Flex {
    fn direct_conv2d(
        x: FlexTensor,
        weight: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        convolve(&x, &weight, [None; 2], false, stride, padding)
            .unwrap_or_else(|| Flex::conv2d(x, weight, None, options(stride, padding)))
    }

    fn direct_conv2d_bias(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        convolve(&x, &weight, [Some(&bias), None], false, stride, padding)
            .unwrap_or_else(|| Flex::conv2d(x, weight, Some(bias), options(stride, padding)))
    }

    fn direct_conv2d_relu(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        convolve(&x, &weight, [Some(&bias), None], true, stride, padding).unwrap_or_else(|| {
            Self::ordered_relu(Self::direct_conv2d_bias(x, weight, bias, stride, padding))
        })
    }

    fn direct_conv2d_add_relu(
        x: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        skip: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        let fused = convolve(&x, &weight, [Some(&bias), Some(&skip)], true, stride, padding);
        fused.unwrap_or_else(|| {
            let y = Self::direct_conv2d_bias(x, weight, bias, stride, padding);
            Self::ordered_relu(Self::ordered_add(y, skip))
        })
    }

    fn direct_conv2d_input_grad(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        convolve_input_grad(&x, &weight, &dy, stride, padding)
            .unwrap_or_else(|| Flex::conv2d_x_backward(x, weight, dy, options(stride, padding)))
    }

    fn direct_conv2d_weight_grad(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        stride: usize,
        padding: usize,
    ) -> FlexTensor {
        convolve_weight_grad(&x, &weight, &dy, stride, padding).unwrap_or_else(|| {
            Flex::conv2d_weight_backward(x, weight, dy, options(stride, padding))
        })
    }

    fn channel_sums(dy: FlexTensor) -> FlexTensor {
        let sums = storage::dims4(&dy).zip(storage::channels_last(&dy)).map(|(dims, dy)| {
            let mut sums = vec![0.0; dims[1]];
            bias_grad(&dy, &mut sums);
            storage::from_contiguous(sums, [dims[1]])
        });
        sums.unwrap_or_else(|| {
            let channels = dy.layout().shape()[1];
            let sum = Flex::float_sum_dim(Flex::float_sum_dim(Flex::float_sum_dim(dy, 0), 2), 3);
            sum.reshape([channels].into())
        })
    }

    fn channel_affine(x: FlexTensor, scale: FlexTensor, shift: FlexTensor) -> FlexTensor {
        affine::<false>(x, None, &scale, &shift).unwrap_or_else(|x| {
            let column = |v: FlexTensor| {
                let channels = v.layout().num_elements();
                v.reshape([1, channels, 1, 1].into())
            };
            Flex::float_add(Flex::float_mul(x, column(scale)), column(shift))
        })
    }

    fn channel_affine_relu(x: FlexTensor, scale: FlexTensor, shift: FlexTensor) -> FlexTensor {
        affine::<true>(x, None, &scale, &shift)
            .unwrap_or_else(|x| Self::ordered_relu(Self::channel_affine(x, scale, shift)))
    }

    fn channel_affine_add(
        x: FlexTensor,
        skip: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
    ) -> FlexTensor {
        affine::<false>(x, Some(&skip), &scale, &shift)
            .unwrap_or_else(|x| Self::ordered_add(Self::channel_affine(x, scale, shift), skip))
    }

    fn channel_affine_add_relu(
        x: FlexTensor,
        skip: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
    ) -> FlexTensor {
        affine::<true>(x, Some(&skip), &scale, &shift)
            .unwrap_or_else(|x| Self::ordered_relu(Self::channel_affine_add(x, skip, scale, shift)))
    }

    fn ordered_relu(x: FlexTensor) -> FlexTensor {
        storage::map(x, elementwise::relu, elementwise::relu_of).unwrap_or_else(Flex::relu)
    }

    fn ordered_relu_grad(y: FlexTensor, dy: FlexTensor) -> FlexTensor {
        let Some(values) = storage::dense(&y).filter(|_| storage::same_order(&y, &dy)) else {
            return Flex::relu_backward(y, dy);
        };
        let result = storage::map(
            dy,
            |dy| elementwise::relu_grad(values, dy),
            |dy| elementwise::relu_grad_of(values, dy),
        );
        result.unwrap_or_else(|dy| Flex::relu_backward(y, dy))
    }

    fn ordered_add(mut a: FlexTensor, mut b: FlexTensor) -> FlexTensor {
        if storage::dense_mut(&mut a).is_none() && storage::dense_mut(&mut b).is_some() {
            std::mem::swap(&mut a, &mut b);
        }
        let Some(values) = storage::dense(&b).filter(|_| storage::same_order(&a, &b)) else {
            return Flex::float_add(a, b);
        };
        let result =
            storage::map(a, |a| elementwise::add(a, values), |a| elementwise::sum_of(a, values));
        result.unwrap_or_else(|a| Flex::float_add(a, b))
    }
}
