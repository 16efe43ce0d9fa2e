//! The first-component suite of a network: one forward pass of `n` examples, from
//! which every layer gives its leading components and its batches' Gram matrices.
//!
//! All examples go through the network together, since components are those of
//! all of them at a layer: about four activations of `n` examples are alive at a
//! time (64 MiB each for 1,024 examples and 16,384 features), some 300 vectors of
//! `n` values for the components (2 MiB), and one packed Gram matrix a layer and
//! batch (0.5 MiB a layer for 1,024 examples) for the pairs.

use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::evaluate::{fits, upload};
use super::{Context, EngineError};
use crate::data::ImageSet;
use crate::domain::components::Components;
use crate::domain::pca::MIN_EXAMPLES;
use crate::domain::suite::SuiteSums;
use crate::domain::{Bypass, LayerKind, ModelSpec};
use crate::model::capture::CaptureError;
use crate::model::{ComponentTap, Mode, ResNet, StateDict, Wanted};
use crate::runs::Sample;

/// Examples unless told otherwise.
pub const DEFAULT_EXAMPLES: usize = 1_024;

/// A request for the first-component suite of `state` over `images`.
#[derive(Debug)]
pub struct ComponentsRequest {
    /// The network.
    pub spec: ModelSpec,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
    /// How many of them.
    pub examples: usize,
    /// Which of them.
    pub sample: Sample,
    /// Seed of a random sample.
    pub seed: u64,
    /// Leading components whose share is kept.
    pub components: usize,
    /// Share of the examples that counts as dominant.
    pub dominant_share: f64,
}

/// The suite and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredComponents {
    /// The results.
    pub components: Components,
    /// Seconds of wall clock.
    pub seconds: f64,
    /// The device, in words.
    pub device: String,
}

/// The chosen images, in order.
fn choose(request: &ComponentsRequest) -> Result<Vec<u32>, EngineError> {
    let (n, available) = (request.examples, request.images.len());
    if n > available {
        return Err(EngineError::Request(format!(
            "--pc-examples {n}: there are only {available} test images"
        )));
    }
    if n < MIN_EXAMPLES {
        return Err(EngineError::Request(format!(
            "--pc-examples {n} is too few: at least {MIN_EXAMPLES} are needed"
        )));
    }
    let mut order: Vec<u32> = (0..available as u32).collect();
    if request.sample == Sample::Random {
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(request.seed));
    }
    order.truncate(n);
    Ok(order)
}

pub(super) fn run(
    request: &ComponentsRequest,
    context: &Context<'_>,
) -> Result<MeasuredComponents, EngineError> {
    fits(&request.spec, &request.images)?;
    let chosen = choose(request)?;
    let start = Instant::now();
    let device = &context.device.device;
    let net = ResNet::from_state(&request.spec, &request.state, device)?;
    let layers = request.spec.layers();
    let n = chosen.len();
    let mut sums = SuiteSums::new(layers.len(), n, request.components, request.dominant_share)
        .map_err(|e| EngineError::Request(e.to_string()))?;
    let mut norms = ndarray::Array2::<f32>::from_elem((layers.len(), n), f32::NAN);
    let mut zeros = vec![None; layers.len()];
    let mut tap = ComponentTap::new(&mut sums);
    let x = upload(&request.spec, &request.images, &chosen, device);
    let logits = net
        .forward_tapped(x, Mode::Evaluate, &Bypass::none(), |layer, activation| {
            if context.cancel.is_cancelled() {
                return Err(CaptureError::Cancelled);
            }
            let found = tap.take(layer, activation)?;
            norms.row_mut(layer).assign(&ndarray::aview1(&found.norms));
            if layers[layer].kind == LayerKind::Relu {
                zeros[layer] = Some(found.zeros);
            }
            context.progress(layer + 1, layers.len(), "layers");
            Ok(Wanted::All)
        })
        .map_err(|error| match error {
            CaptureError::Cancelled => EngineError::Cancelled,
            error => error.into(),
        })?;
    tracing::debug!("{} of {} layers took the whole Gram matrix", tap.exact(), layers.len());
    let logits = logits.try_into_data().map_err(|e| EngineError::Lost(format!("{e:?}")))?;
    let logits = logits.try_into_vec::<f32>().map_err(|e| EngineError::Lost(format!("{e:?}")))?;
    let predictions = logits.chunks_exact(request.spec.classes).map(best).collect();
    context.check_cancelled()?;
    let suite = sums.finish();
    Ok(MeasuredComponents {
        components: Components {
            labels: chosen.iter().map(|i| request.images.label(*i as usize)).collect(),
            predictions,
            images: chosen,
            shares: suite.shares,
            scores: suite.scores,
            norms,
            zeros,
            similarity: suite.similarity,
            cka_without_pc1: suite.cka_without_pc1,
            cka_without_dominant: suite.cka_without_dominant,
        },
        seconds: start.elapsed().as_secs_f64(),
        device: context.device.label.clone(),
    })
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
