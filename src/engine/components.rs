//! The first-component suite of a network: one forward pass of `n` examples, from
//! which every layer gives its leading components and its batches' Gram matrices.
//!
//! All examples go through the network together, since components are those of
//! all of them at a layer: about four activations of `n` examples are alive at a
//! time (64 MiB each for 1,024 examples and 16,384 features), some 300 vectors of
//! `n` values for the components (2 MiB), and one packed Gram matrix a layer and
//! batch (0.5 MiB a layer for 1,024 examples) for the pairs. Where the images are
//! the map's first batches, `analyze` takes both from one pass.

use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::evaluate::{fits, upload};
use super::{Context, EngineError, Task};
use crate::data::ImageSet;
use crate::domain::cka::PackedGrams;
use crate::domain::components::Components;
use crate::domain::plan::SuitePlan;
use crate::domain::record::Sample;
use crate::domain::suite::{SuiteMaps, SuiteSums};
use crate::domain::{LayerKind, Network};
use crate::model::capture::CaptureError;
use crate::model::{Activation, ComponentTap, Mode, Net, StateDict};

/// A request for the first-component suite of `state` over `images`.
#[derive(Debug)]
pub struct ComponentsRequest {
    /// The network.
    pub network: Arc<Network>,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
    /// Which of them.
    pub sample: Sample,
    /// Seed of a random sample.
    pub seed: u64,
    /// What to take of them.
    pub plan: SuitePlan,
}

/// The suite and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredComponents {
    /// The results.
    pub components: Components,
    /// The maps that were made with them.
    pub maps: SuiteMaps,
    /// Seconds of wall clock; only what they cost beyond the map, if both were taken
    /// from one stream.
    pub seconds: f64,
    /// The device, in words.
    pub device: String,
}

/// The chosen images, in order.
fn choose(request: &ComponentsRequest) -> Result<Vec<u32>, EngineError> {
    request.plan.check(request.images.len())?;
    let mut order: Vec<u32> = (0..request.images.len() as u32).collect();
    if request.sample == Sample::Random {
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(request.seed));
    }
    order.truncate(request.plan.examples);
    Ok(order)
}

impl Task for ComponentsRequest {
    type Output = MeasuredComponents;

    fn run(self, context: &Context<'_>) -> Result<MeasuredComponents, EngineError> {
        run(&self, context)
    }
}

fn run(
    request: &ComponentsRequest,
    context: &Context<'_>,
) -> Result<MeasuredComponents, EngineError> {
    fits(&request.network, &request.images)?;
    let chosen = choose(request)?;
    let start = Instant::now();
    let net = context.network(&request.network, &request.state)?;
    let layers = request.network.layers().len();
    let pass = Pass::run(&net, &request.images, &request.plan, &chosen, context, {
        |done| context.progress(done, layers, "layers")
    })?;
    context.check_cancelled()?;
    let (components, maps) = pass.finish(&request.images, chosen);
    let seconds = start.elapsed().as_secs_f64();
    Ok(MeasuredComponents { components, maps, seconds, device: context.device.label.clone() })
}

/// What a forward pass of all examples has given.
pub(super) struct Pass {
    sums: SuiteSums,
    norms: ndarray::Array2<f32>,
    zeros: Vec<Option<f64>>,
    predictions: Vec<u16>,
    /// Seconds of the pass itself, of the batches' Gram matrices and of the
    /// components. The latter two run side by side: they share the wall clock as
    /// they shared the time.
    pub(super) seconds: [f64; 3],
}

impl Pass {
    /// Runs the `chosen` images through the network; `progress` hears how many
    /// layers are done.
    pub(super) fn run(
        net: &Net,
        images: &ImageSet,
        plan: &SuitePlan,
        chosen: &[u32],
        context: &Context<'_>,
        progress: impl Fn(usize),
    ) -> Result<Pass, EngineError> {
        let (layers, n) = (net.network().layers(), chosen.len());
        let mut sums = SuiteSums::new(layers.len(), n, plan.components, plan.dominant_share)
            .map_err(|e| EngineError::Request(e.to_string()))?;
        let start = Instant::now();
        let mut tap = ComponentTap::new(&mut sums);
        let x = upload(net.network(), images, chosen, &context.device.device);
        let take = |layer: usize, activation: Activation<'_>| {
            context.check_cancelled().map_err(|_| CaptureError::Cancelled)?;
            let wanted = tap.take(layer, activation)?;
            progress(layer + 1);
            Ok(wanted)
        };
        let logits = net.forward_tapped(x, Mode::Evaluate, take);
        let logits = logits.map_err(|error| match error {
            CaptureError::Cancelled => EngineError::Cancelled,
            error => error.into(),
        })?;
        tracing::debug!("{} of {} layers took the whole Gram matrix", tap.exact(), layers.len());
        let spent = tap.spent();
        let mut norms = ndarray::Array2::<f32>::from_elem((layers.len(), n), f32::NAN);
        let mut zeros = vec![None; layers.len()];
        for (layer, found) in layers.iter().zip(tap.into_statistics()) {
            let Some(found) = found else { continue };
            norms.row_mut(layer.index).assign(&ndarray::aview1(&found.norms));
            if layer.kind == LayerKind::Relu {
                zeros[layer.index] = Some(found.zeros);
            }
        }
        let logits = logits.try_into_data().map_err(|e| EngineError::Lost(format!("{e:?}")))?;
        let logits =
            logits.try_into_vec::<f32>().map_err(|e| EngineError::Lost(format!("{e:?}")))?;
        let predictions = logits.chunks_exact(net.network().classes()).map(best).collect();
        let [wall, grams, leading] =
            [spent.wall, spent.grams, spent.leading].map(|part| part.as_secs_f64());
        let forward = start.elapsed().as_secs_f64() - wall;
        // where the parts are not told apart there is nothing but the map's
        let share = if grams + leading > 0.0 { leading / (grams + leading) } else { 0.0 };
        let seconds = [forward, wall * (1.0 - share), wall * share];
        Ok(Pass { sums, norms, zeros, predictions, seconds })
    }

    /// The batches' matrices, of which the map is made.
    pub(super) fn grams(&self) -> &[PackedGrams] {
        self.sums.grams()
    }

    /// The suite of the images that were `chosen`.
    pub(super) fn finish(self, images: &ImageSet, chosen: Vec<u32>) -> (Components, SuiteMaps) {
        let suite = self.sums.finish();
        let components = Components {
            labels: chosen.iter().map(|i| images.label(*i as usize)).collect(),
            predictions: self.predictions,
            images: chosen,
            shares: suite.shares,
            scores: suite.scores,
            norms: self.norms,
            zeros: self.zeros,
        };
        (components, suite.maps)
    }
}

/// Place of the largest logit, the first of equals.
fn best(logits: &[f32]) -> u16 {
    let mut best = 0;
    for (at, v) in logits.iter().enumerate() {
        if *v > logits[best] {
            best = at;
        }
    }
    best as u16
}
