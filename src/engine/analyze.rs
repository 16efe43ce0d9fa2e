//! All-pairs CKA of a network over images: batches planned, run, captured and
//! summed.

use std::sync::Arc;
use std::time::Instant;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::evaluate::{fits, upload};
use super::{Context, EngineError};
use crate::data::ImageSet;
use crate::domain::cka::{CkaAccumulator, CkaEstimate, MIN_BATCH, PackedGrams};
use crate::domain::{Bypass, ModelSpec};
use crate::model::capture::{CaptureError, GramTap};
use crate::model::{Mode, ResNet, StateDict};
use crate::runs::{Sample, Seconds};

/// Which images make which batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplePlan {
    /// Images per pass; all if `None`.
    pub examples: Option<usize>,
    /// Images per batch.
    pub batch: usize,
    /// Passes over the images.
    pub passes: usize,
    /// First in order, or shuffled anew for each pass.
    pub sample: Sample,
    /// Seed of the shuffle.
    pub seed: u64,
}

/// Batches of image indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batches {
    /// Indices of every batch, over all passes.
    pub batches: Vec<Vec<u32>>,
    /// Images per pass.
    pub examples: usize,
    /// Images per pass left out because the last batch was below 4.
    pub dropped: usize,
}

impl SamplePlan {
    /// Plans batches over `available` images.
    ///
    /// # Errors
    /// One line if the plan asks for a batch below 4, no pass, or more images
    /// than there are.
    pub fn batches(&self, available: usize) -> Result<Batches, EngineError> {
        let refuse = |text: String| Err(EngineError::Request(text));
        let examples = self.examples.unwrap_or(available);
        if self.batch < MIN_BATCH {
            return refuse(format!(
                "--batch {} is too small: unbiased HSIC needs at least {MIN_BATCH} examples",
                self.batch
            ));
        }
        if examples > available {
            return refuse(format!(
                "--examples {examples}: there are only {available} test images"
            ));
        }
        if examples < MIN_BATCH {
            return refuse(format!(
                "--examples {examples} is too few: unbiased HSIC needs at least {MIN_BATCH}"
            ));
        }
        if self.passes == 0 {
            return refuse("--passes 0: at least one pass is needed".into());
        }
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut order: Vec<u32> = (0..available as u32).collect();
        let mut batches = Vec::new();
        let rest = examples % self.batch;
        let dropped = if rest < MIN_BATCH { rest } else { 0 };
        for _ in 0..self.passes {
            if self.sample == Sample::Random {
                order.shuffle(&mut rng);
            }
            let kept = &order[..examples - dropped];
            batches.extend(kept.chunks(self.batch).map(<[u32]>::to_vec));
        }
        Ok(Batches { batches, examples, dropped })
    }
}

/// A request for the all-pairs CKA of `state` over `images`.
#[derive(Debug)]
pub struct AnalyzeRequest {
    /// The network.
    pub spec: ModelSpec,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
    /// Which of them.
    pub plan: SamplePlan,
    /// Deleted blocks; their layers are undefined in the map.
    pub bypass: Bypass,
}

/// The estimate and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// CKA and its standard errors.
    pub estimate: CkaEstimate,
    /// Images per pass.
    pub examples: usize,
    /// Images per pass left out.
    pub dropped: usize,
    /// Where the time went.
    pub seconds: Seconds,
    /// The device, in words.
    pub device: String,
}

pub(super) fn run(
    request: &AnalyzeRequest,
    context: &Context<'_>,
) -> Result<Measured, EngineError> {
    fits(&request.spec, &request.images)?;
    let plan = request.plan.batches(request.images.len())?;
    let device = &context.device.device;
    let net = ResNet::from_state(&request.spec, &request.state, device)?;
    request.bypass.check(&request.spec).map_err(|e| EngineError::Request(e.to_string()))?;
    let list = request.spec.layers();
    let absent: Vec<usize> =
        list.iter().filter(|l| request.bypass.contains_layer(l)).map(|l| l.index).collect();
    let layers = list.len();
    let total = layers * plan.batches.len();
    let mut sums = CkaAccumulator::new(layers);
    let mut seconds = Seconds::default();
    let start = Instant::now();
    for (at, indices) in plan.batches.iter().enumerate() {
        let mut grams = PackedGrams::new(layers, indices.len()).map_err(CaptureError::from)?;
        absent.iter().for_each(|layer| grams.mark_absent(*layer));
        let pass = Instant::now();
        let x = upload(&request.spec, &request.images, indices, device);
        let mut tap = GramTap::new(&mut grams);
        net.forward_tapped(x, Mode::Evaluate, &request.bypass, |layer, activation| {
            if context.cancel.is_cancelled() {
                return Err(CaptureError::Cancelled);
            }
            let wanted = tap.take(layer, activation)?;
            context.progress(at * layers + layer + 1, total, "layers");
            Ok(wanted)
        })
        .map_err(|error| match error {
            CaptureError::Cancelled => EngineError::Cancelled,
            error => error.into(),
        })?;
        let gram = tap.spent();
        seconds.gram += gram.as_secs_f64();
        seconds.forward += (pass.elapsed() - gram).as_secs_f64();
        let pairs = Instant::now();
        sums.add(&grams).map_err(CaptureError::from)?;
        seconds.pairs += pairs.elapsed().as_secs_f64();
    }
    let finish = Instant::now();
    let estimate = sums.finish().map_err(CaptureError::from)?;
    seconds.pairs += finish.elapsed().as_secs_f64();
    seconds.total = start.elapsed().as_secs_f64();
    Ok(Measured {
        estimate,
        examples: plan.examples,
        dropped: plan.dropped,
        seconds,
        device: context.device.label.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(examples: usize, batch: usize, passes: usize, sample: Sample) -> SamplePlan {
        SamplePlan { examples: Some(examples), batch, passes, sample, seed: 1 }
    }

    #[test]
    fn the_last_batch_stays_from_four_examples_on() {
        let b = plan(1000, 256, 1, Sample::First).batches(10_000).unwrap();
        let sizes: Vec<usize> = b.batches.iter().map(Vec::len).collect();
        assert_eq!((sizes, b.dropped), (vec![256, 256, 256, 232], 0));
        let b = plan(515, 256, 2, Sample::First).batches(10_000).unwrap();
        assert_eq!((b.batches.len(), b.dropped), (4, 3));
        let b = plan(16, 256, 1, Sample::First).batches(16).unwrap();
        assert_eq!(b.batches, [(0..16).collect::<Vec<u32>>()]);
    }

    #[test]
    fn a_pass_samples_without_replacement_and_passes_differ() {
        let b = plan(100, 25, 2, Sample::Random).batches(100).unwrap();
        let pass = |k: usize| {
            let mut all: Vec<u32> = b.batches[k * 4..(k + 1) * 4].concat();
            all.sort_unstable();
            all
        };
        assert_eq!(pass(0), (0..100).collect::<Vec<u32>>());
        assert_eq!(pass(1), pass(0));
        assert_ne!(b.batches[..4], b.batches[4..]);
        assert_eq!(b, plan(100, 25, 2, Sample::Random).batches(100).unwrap());
    }

    #[test]
    fn senseless_plans_get_one_line() {
        for (p, available) in [
            (plan(100, 3, 1, Sample::First), 100),
            (plan(101, 25, 1, Sample::First), 100),
            (plan(3, 25, 1, Sample::First), 100),
            (plan(100, 25, 0, Sample::First), 100),
        ] {
            let text = p.batches(available).unwrap_err().to_string();
            assert!(text.starts_with("--") && !text.contains('\n'), "{text}");
        }
    }
}
