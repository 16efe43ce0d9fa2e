//! Flex tensors as slices: which physical order they have, and tensors made from
//! channels-last values. The only place that looks at strides.

use std::borrow::Cow;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};

use super::elementwise::to_channels_last;

/// The physical order of a dense `[n, c, h, w]` tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Channels fastest.
    ChannelsLast,
    /// As the shape says.
    Planes,
}

/// Length of the storage if it is dense: strides are those of some permutation
/// of the dimensions, and the first dimension is outermost.
pub(super) fn dense_len(layout: &Layout) -> Option<usize> {
    let mut dims: Vec<(usize, isize)> =
        layout.shape().iter().copied().zip(layout.strides().iter().copied()).collect();
    if dims.iter().any(|(size, _)| *size == 0) {
        return None;
    }
    let batch = dims.first().copied();
    dims.retain(|(size, _)| *size > 1);
    dims.sort_by_key(|(_, stride)| *stride);
    let mut expected = 1;
    for (size, stride) in &dims {
        if usize::try_from(*stride) != Ok(expected) {
            return None;
        }
        expected *= size;
    }
    // The outermost dimension is the batch, unless the batch is one example.
    let outermost = dims.last().is_none_or(|last| batch.is_none_or(|b| b.0 <= 1 || b == *last));
    outermost.then_some(expected)
}

/// The values of a dense f32 tensor in physical order, the batch outermost.
pub(super) fn dense(tensor: &FlexTensor) -> Option<&[f32]> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    let len = dense_len(tensor.layout())?;
    tensor.storage::<f32>().get(tensor.layout().start_offset()..)?.get(..len)
}

/// The values of a dense f32 tensor that nobody else holds, for writing.
pub(super) fn dense_mut(tensor: &mut FlexTensor) -> Option<&mut [f32]> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    let len = dense_len(tensor.layout())?;
    let start = tensor.layout().start_offset();
    tensor.try_storage_mut::<f32>()?.get_mut(start..)?.get_mut(..len)
}

/// Height and so on of a four-dimensional tensor.
pub(super) fn dims4(tensor: &FlexTensor) -> Option<[usize; 4]> {
    <[usize; 4]>::try_from(tensor.layout().shape().to_vec()).ok()
}

fn channels_last_strides([_, c, h, w]: [usize; 4]) -> [usize; 4] {
    [c * h * w, 1, w * c, c]
}

/// The order of a dense four-dimensional tensor. One that is both counts as
/// channels last.
pub(super) fn order(tensor: &FlexTensor) -> Option<Order> {
    let dims = dims4(tensor)?;
    let [_, c, h, w] = dims;
    let has = |strides: [usize; 4]| {
        let actual = tensor.layout().strides().iter();
        dims.iter()
            .zip(actual)
            .zip(strides)
            .all(|((size, actual), stride)| *size == 1 || usize::try_from(*actual) == Ok(stride))
    };
    if has(channels_last_strides(dims)) {
        Some(Order::ChannelsLast)
    } else {
        has([c * h * w, h * w, w, 1]).then_some(Order::Planes)
    }
}

/// The values of a four-dimensional f32 tensor, channels last; copied only where
/// they do not lie so.
pub(super) fn channels_last(tensor: &FlexTensor) -> Option<Cow<'_, [f32]>> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    let [_, c, h, w] = dims4(tensor)?;
    match (order(tensor), dense(tensor)) {
        (Some(Order::ChannelsLast), Some(values)) => Some(Cow::Borrowed(values)),
        (Some(Order::Planes), Some(values)) => Some(Cow::Owned(to_channels_last(values, c, h * w))),
        _ => {
            let copy = tensor.to_contiguous();
            Some(Cow::Owned(to_channels_last(dense(&copy)?, c, h * w)))
        }
    }
}

/// The values of a f32 tensor in the order of its shape.
pub(super) fn contiguous(tensor: &FlexTensor) -> Option<Cow<'_, [f32]>> {
    if tensor.dtype() != DType::F32 {
        return None;
    }
    match tensor.as_slice::<f32>() {
        Some(values) => Some(Cow::Borrowed(values)),
        None => Some(Cow::Owned(tensor.to_contiguous().as_slice::<f32>()?.to_vec())),
    }
}

/// A tensor of the given shape over channels-last values.
pub(super) fn from_channels_last(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    let strides = channels_last_strides(shape).iter().map(|s| *s as isize).collect();
    let layout = Layout::new(Shape::from(shape), strides, 0);
    FlexTensor::new(Bytes::from_elems(values), layout, DType::F32)
}

/// A contiguous tensor.
pub(super) fn from_contiguous<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape)), DType::F32)
}

/// Overwrites the values if nobody else holds them, else makes new ones that lie
/// as the original's do.
///
/// # Errors
/// The tensor itself if it is not dense f32.
pub(super) fn map(
    mut tensor: FlexTensor,
    in_place: impl FnOnce(&mut [f32]),
    fresh: impl FnOnce(&[f32]) -> Vec<f32>,
) -> Result<FlexTensor, FlexTensor> {
    if let Some(values) = dense_mut(&mut tensor) {
        in_place(values);
        return Ok(tensor);
    }
    let Some(values) = dense(&tensor) else { return Err(tensor) };
    let values = fresh(values);
    let layout = tensor.layout();
    let layout = Layout::new(layout.shape().clone(), layout.strides().to_vec(), 0);
    Ok(FlexTensor::new(Bytes::from_elems(values), layout, DType::F32))
}

/// Whether two dense tensors keep their values in the same order.
pub(super) fn same_order(a: &FlexTensor, b: &FlexTensor) -> bool {
    let (a, b) = (a.layout(), b.layout());
    a.shape() == b.shape()
        && a.shape()
            .iter()
            .zip(a.strides().iter().zip(b.strides()))
            .all(|(size, (a, b))| *size == 1 || a == b)
}
