//! The stream of forward passes that feeds all probes, and what is measured on
//! it. Knows no choice of epochs.

use std::time::Instant;

use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{Chosen, ProbeRecipe, ProbeSeconds};
use crate::data::augment::crop_flip;
use crate::data::{ImageSet, Normaliser};
use crate::domain::probes::{TrainingSplit, probed_layers};
use crate::domain::softmax::{Moments, SoftmaxStack};
use crate::engine::evaluate::{BATCH, upload};
use crate::engine::{Context, EngineError};
use crate::kernels;
use crate::model::capture::flatten;
use crate::model::init::he_normal;
use crate::model::{Activation, Mode, Net, Wanted};

/// Streams of the seed's generator, one for each purpose, so that none depends
/// on how much another draws.
pub(super) mod purpose {
    pub const SPLIT: u64 = 1;
    pub const MEASURE: u64 = 2;
    pub const TRAIN: u64 = 3;
    /// The first layer's; the others follow.
    pub const INITIAL: u64 = 1 << 32;
}

/// Batches of training images over which features are measured.
pub(super) const MEASURED: usize = 4;

pub(super) fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

/// Forward passes of a network whose probed layers are looked at, with progress,
/// cancellation and time.
pub(super) struct Stream<'a> {
    net: &'a Net,
    pub(super) recipe: &'a ProbeRecipe,
    context: &'a Context<'a>,
    /// Indices of the probed layers.
    pub(super) layers: Vec<usize>,
    normaliser: Normaliser,
    pub(super) batch: usize,
    done: usize,
    total: usize,
    pub(super) seconds: ProbeSeconds,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        net: &'a Net,
        recipe: &'a ProbeRecipe,
        split: &TrainingSplit,
        test: usize,
        context: &'a Context<'a>,
    ) -> Stream<'a> {
        let network = net.network();
        let batch = recipe.batch.min(split.train.len()).max(1);
        let steps = split.train.len() / batch;
        let epoch = steps + split.held_out.len().div_ceil(BATCH);
        Stream {
            net,
            recipe,
            context,
            layers: probed_layers(&network.layers()),
            normaliser: Normaliser::new(network.input().mean, network.input().std),
            batch,
            done: 0,
            total: steps.min(MEASURED) + recipe.epochs * epoch + test.div_ceil(BATCH),
            seconds: ProbeSeconds::default(),
        }
    }

    /// Stacks at their start, over features measured on augmented images of
    /// `train`.
    pub(super) fn stacks(
        &mut self,
        images: &ImageSet,
        train: &[u32],
    ) -> Result<Vec<SoftmaxStack>, EngineError> {
        let list = self.net.network().layers();
        let features: Vec<usize> = self.layers.iter().map(|at| list[*at].features()).collect();
        let mut moments: Vec<Moments> = features.iter().map(|p| Moments::new(*p)).collect();
        let mut rng = generator(self.recipe.seed, purpose::MEASURE);
        let mut order = train.to_vec();
        order.shuffle(&mut rng);
        for indices in order.chunks_exact(self.batch).take(MEASURED) {
            let x = self.augmented(images, indices, &mut rng);
            self.pass(x, |probe, rows| moments[probe].add(rows))?;
        }
        let classes = self.net.network().classes();
        let ProbeRecipe { seed, learning_rates, momentum, .. } = self.recipe;
        let mut stacks = Vec::with_capacity(moments.len());
        for ((moments, p), at) in moments.into_iter().zip(features).zip(&self.layers) {
            let standardiser = moments.finish().ok_or_else(|| {
                EngineError::Request(format!(
                    "layer {} gives values that are not finite; check the weights",
                    list[*at].name
                ))
            })?;
            let mut rng = generator(*seed, purpose::INITIAL + *at as u64);
            let initial = he_normal(p, p * classes, &mut rng);
            let stack =
                SoftmaxStack::new(standardiser, &initial, classes, learning_rates, *momentum);
            stacks.push(stack);
        }
        Ok(stacks)
    }

    /// How many of `images` each chosen probe gets right.
    pub(super) fn test(
        &mut self,
        chosen: &[Chosen],
        images: &ImageSet,
    ) -> Result<Vec<usize>, EngineError> {
        let all: Vec<u32> = (0..images.len() as u32).collect();
        let mut right = vec![0; chosen.len()];
        for indices in all.chunks(BATCH) {
            let x = self.plain(images, indices);
            let labels = labels(images, indices);
            self.pass(x, |probe, rows| {
                right[probe] += chosen[probe].classifier.correct(rows, &labels);
            })?;
        }
        Ok(right)
    }

    pub(super) fn plain(&self, images: &ImageSet, indices: &[u32]) -> Tensor<4> {
        upload(self.net.network(), images, indices, &self.context.device.device)
    }

    /// A batch of images, each cropped and flipped at random as in training.
    pub(super) fn augmented(
        &self,
        images: &ImageSet,
        indices: &[u32],
        rng: &mut ChaCha8Rng,
    ) -> Tensor<4> {
        let [c, h, w] = images.shape();
        let mut crop = vec![0u8; c * h * w];
        let mut pixels = Vec::with_capacity(indices.len() * crop.len());
        for index in indices {
            crop_flip(images.image(*index as usize), [c, h, w], rng, &mut crop);
            self.normaliser.push(&crop, h * w, &mut pixels);
        }
        let data = TensorData::new(pixels, [indices.len(), c, h, w]);
        Tensor::from_data(data, &self.context.device.device)
    }

    /// Runs a batch; `each` gets every probe's number (by layer) and its rows,
    /// `n x features`.
    pub(super) fn pass(
        &mut self,
        x: Tensor<4>,
        mut each: impl FnMut(usize, &[f32]),
    ) -> Result<(), EngineError> {
        self.context.check_cancelled()?;
        let start = Instant::now();
        let mut spent = 0.0;
        let mut probe = 0;
        let layers = &self.layers;
        let cancel = self.context.cancel;
        self.net.forward_tapped(x, Mode::Evaluate, |layer, activation| {
            if layers.get(probe) != Some(&layer) {
                return Ok(Wanted::All);
            }
            if cancel.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            let start = Instant::now();
            with_host_rows(activation, |rows| each(probe, rows))?;
            probe += 1;
            spent += start.elapsed().as_secs_f64();
            Ok(Wanted::All)
        })?;
        self.seconds.probes += spent;
        self.seconds.forward += start.elapsed().as_secs_f64() - spent;
        self.done += 1;
        self.context.progress(self.done, self.total, "steps");
        Ok(())
    }
}

/// Lends an activation as rows on the host: as it lies on the CPU, read back,
/// channels last, from another device.
fn with_host_rows(
    activation: Activation<'_>,
    mut each: impl FnMut(&[f32]),
) -> Result<(), EngineError> {
    let lent = match activation {
        Activation::Map(x) | Activation::BeforeNorm { map: x, .. } => {
            kernels::with_rows(x, &mut each)
        }
        Activation::Vector(x) => kernels::with_rows(x, &mut each),
    };
    if lent.is_none() {
        let data = flatten(activation).try_into_data();
        let data = data.map_err(|e| EngineError::Lost(format!("{e:?}")))?;
        each(&data.try_into_vec::<f32>().map_err(|e| EngineError::Lost(format!("{e:?}")))?);
    }
    Ok(())
}

pub(super) fn labels(images: &ImageSet, indices: &[u32]) -> Vec<u16> {
    indices.iter().map(|index| images.label(*index as usize)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn rows(x: &Tensor<4>) -> Vec<f32> {
        let mut rows = Vec::new();
        with_host_rows(Activation::Map(x), |r| rows = r.to_vec()).unwrap();
        rows
    }

    #[test]
    fn activations_that_cannot_be_lent_are_read_back_channels_last() {
        let [n, c, h, w] = [2, 3, 2, 4];
        let values: Vec<f32> = (0..48u8).map(f32::from).collect();
        // Examples are not outermost here, so that the tensor cannot be lent.
        let data = TensorData::new(values.clone(), [c, n, h, w]);
        let x = Tensor::<4>::from_data(data, &Device::flex()).swap_dims(0, 1);
        assert!(kernels::with_rows(&x, |_| ()).is_none());
        let mut expected = Vec::new();
        for (i, y, x) in (0..n * h * w).map(|at| (at / (h * w), at / w % h, at % w)) {
            expected.extend((0..c).map(|k| values[((k * n + i) * h + y) * w + x]));
        }
        assert_eq!(rows(&x), expected);
        // What can be lent comes as it lies.
        let data = TensorData::new(values.clone(), [n, c, h, w]);
        assert_eq!(rows(&Tensor::from_data(data, &Device::flex())), values);
    }
}
