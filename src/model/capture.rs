//! Activation capture: the Gram matrix of a layer is taken when the layer is
//! reached and the activation is dropped, so memory does not grow with depth
//! times activation size.
//!
//! On the CPU the activation's storage is read as it lies (the order of features
//! does not matter to a Gram matrix); on a GPU the product is taken on the
//! device and only `batch x batch` numbers come back. Knows no data set and no
//! job.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::forward::{Activation, Wanted};
use crate::domain::cka::{CkaError, PackedGrams};
use crate::domain::paired::paired_products;
use crate::domain::product::{Centre, Symmetric, symmetric_product};
use crate::kernels;

/// Why a capture fails.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// The estimator refused the batch.
    #[error(transparent)]
    Cka(#[from] CkaError),
    /// The device failed to give a result back.
    #[error("the device failed while layer {layer} was read: {reason}")]
    Device {
        /// Index of the layer.
        layer: usize,
        /// What the device said.
        reason: String,
    },
    /// Another estimator refused a layer; in its words.
    #[error("{0}")]
    Estimator(String),
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
}

/// Takes every offered layer's Gram matrix.
#[derive(Debug)]
pub struct GramTap<'a> {
    grams: &'a mut PackedGrams,
    spent: Duration,
}

impl<'a> GramTap<'a> {
    /// A tap that fills `grams`.
    pub fn new(grams: &'a mut PackedGrams) -> GramTap<'a> {
        GramTap { grams, spent: Duration::ZERO }
    }

    /// Time spent in Gram matrices so far. On a GPU it includes waiting for the
    /// forward pass that the read-back forces.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// Takes the Gram matrix of `activation` as that of `layer`.
    ///
    /// # Errors
    /// [`CaptureError`] if the device fails or the estimator refuses the batch.
    pub fn take(
        &mut self,
        layer: usize,
        activation: Activation<'_>,
    ) -> Result<Wanted, CaptureError> {
        let start = Instant::now();
        if let Activation::BeforeNorm { map, scale, norm, .. } = activation
            && let Some(both) = pair(map, scale, Centre::Pilot)
            // else each is taken by itself, as large as it is
            && both.iter().all(Symmetric::is_sound)
        {
            self.grams.set_grams([layer, norm], &both)?;
            self.spent += start.elapsed();
            return Ok(Wanted::NotTheNorm);
        }
        let grams = &mut *self.grams;
        let on_cpu = match activation {
            Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => {
                kernels::with_rows(x, |rows| grams.set_rows(layer, rows))
            }
            Activation::Vector(x) => kernels::with_rows(x, |rows| grams.set_rows(layer, rows)),
        };
        match on_cpu {
            Some(done) => done?,
            None => {
                let gram = device_gram(flatten(activation))
                    .map_err(|reason| CaptureError::Device { layer, reason })?;
                grams.set_gram(layer, &gram)?;
            }
        }
        self.spent += start.elapsed();
        Ok(Wanted::All)
    }
}

/// The Gram matrix of a layer's centred features and, where both came from one
/// product, that of the norm behind it with its index.
///
/// # Errors
/// [`CaptureError::Device`] if the device fails.
pub fn grams(
    layer: usize,
    activation: Activation<'_>,
) -> Result<(Symmetric, Option<(usize, Symmetric)>), CaptureError> {
    if let Activation::BeforeNorm { map, scale, norm, .. } = activation
        && let Some([own, behind]) = pair(map, scale, Centre::Columns)
        && own.is_sound()
        && behind.is_sound()
    {
        return Ok((own, Some((norm, behind))));
    }
    let on_cpu = with_activation(activation, |rows, n| symmetric_product(rows, n, Centre::Columns));
    match on_cpu {
        Some(gram) => Ok((gram, None)),
        None => device_gram(flatten(activation))
            .map(|gram| (gram, None))
            .map_err(|reason| CaptureError::Device { layer, reason }),
    }
}

/// What a layer's activations are like beside their Gram matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Euclidean norm of each example's activation.
    pub norms: Vec<f32>,
    /// Share of values that are zero, 0 to 1.
    pub zeros: f64,
}

/// Norms and zeros of a layer.
///
/// # Errors
/// [`CaptureError::Device`] if the device fails.
pub fn statistics(layer: usize, activation: Activation<'_>) -> Result<Statistics, CaptureError> {
    if let Some(found) = with_activation(activation, row_statistics) {
        return Ok(found);
    }
    let x = flatten(activation);
    let read = |x: Tensor<2>| {
        let data = x.try_into_data().map_err(|e| format!("{e:?}"))?;
        data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))
    };
    let [n, p] = x.dims();
    let zeros = read(x.clone().equal_elem(0.0).float().mean_dim(1));
    let norms = read((x.clone() * x).sum_dim(1).sqrt());
    norms
        .and_then(|norms| {
            let zeros = zeros?;
            let share = zeros.iter().map(|v| f64::from(*v)).sum::<f64>() / n.max(1) as f64;
            Ok(Statistics { norms, zeros: if p == 0 { 0.0 } else { share } })
        })
        .map_err(|reason| CaptureError::Device { layer, reason })
}

fn with_activation<R>(activation: Activation<'_>, f: impl FnOnce(&[f32], usize) -> R) -> Option<R> {
    match activation {
        Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => {
            kernels::with_rows(x, |rows| f(rows, x.dims()[0]))
        }
        Activation::Vector(x) => kernels::with_rows(x, |rows| f(rows, x.dims()[0])),
    }
}

/// [`Statistics`] of `n` rows, summed in f64.
pub(super) fn row_statistics(rows: &[f32], n: usize) -> Statistics {
    let p = (rows.len() / n.max(1)).max(1);
    let (norms, zeros): (Vec<f32>, Vec<usize>) = rows
        .par_chunks_exact(p)
        .map(|row| {
            // f32 within a stretch that is short enough to lose nothing
            let squares: f64 =
                row.chunks(64).map(|part| f64::from(part.iter().map(|v| v * v).sum::<f32>())).sum();
            (squares.sqrt() as f32, row.iter().filter(|v| **v == 0.0).count())
        })
        .unzip();
    let share = zeros.iter().sum::<usize>() as f64 / rows.len().max(1) as f64;
    Statistics { norms, zeros: share }
}

/// The Gram matrices of a layer and of the norm behind it from one product, on
/// the CPU and where the channels allow it.
fn pair(map: &Tensor<4>, scale: &Tensor<1>, centre: Centre) -> Option<[Symmetric; 2]> {
    let n = map.dims()[0];
    let factors = kernels::with_rows(scale, <[f32]>::to_vec)?;
    kernels::with_channels_last_rows(map, |rows| paired_products(rows, n, &factors, centre))?
}

/// `[n, p]` with the features in the order in which a GPU keeps them (channels
/// last), so that no copy is needed there.
pub(crate) fn flatten(activation: Activation<'_>) -> Tensor<2> {
    match activation {
        Activation::Vector(x) => x.clone(),
        Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => {
            let [n, c, h, w] = x.dims();
            x.clone().permute([0, 2, 3, 1]).reshape([n, c * h * w])
        }
    }
}

/// The Gram matrix of centred features on the tensor's device. The features are
/// cut into slices whose products are summed: a GEMM with few rows and very many
/// columns would leave most of a GPU idle, and short f32 sums are more exact.
fn device_gram(x: Tensor<2>) -> Result<Symmetric, String> {
    let [n, p] = x.dims();
    let slices = slices(p);
    let centred = x.clone() - x.mean_dim(0);
    let cut = centred.reshape([n, slices, p / slices]).swap_dims(0, 1);
    let gram: Tensor<3> = cut.clone().matmul(cut.swap_dims(1, 2)).sum_dim(0);
    let data = gram.try_into_data().map_err(|e| format!("{e:?}"))?;
    let values = data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))?;
    Ok(Symmetric::from_full(n, values.into_iter().map(f64::from).collect()))
}

/// The largest divisor of `p` up to 64 that leaves slices of at least 128
/// features.
fn slices(p: usize) -> usize {
    (1..=64).rev().find(|s| p.is_multiple_of(*s) && p / s >= 128).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn slices_divide_the_features() {
        assert_eq!(slices(16_384), 64);
        assert_eq!(slices(10), 1);
        assert_eq!(slices(64), 1);
        assert_eq!(slices(12_000), 60);
        assert!((1..3000).all(|p| p % slices(p) == 0));
    }

    #[test]
    fn the_device_path_agrees_with_the_host_path() {
        let device = Device::flex();
        let (n, p) = (6, 640);
        let values: Vec<f32> = (0..n * p).map(|i| ((i * 7919) % 101) as f32 / 50.0 + 3.0).collect();
        let tensor = Tensor::<2>::from_data(TensorData::new(values.clone(), [n, p]), &device);
        let device = device_gram(tensor).unwrap();
        let host = symmetric_product(&values, n, Centre::Columns);
        for i in 0..n {
            for j in 0..=i {
                assert!((device.get(i, j) - host.get(i, j)).abs() < 2e-3, "{i},{j}");
            }
        }
    }
}
