//! All-pairs CKA of a network over images: batches planned, run, captured and
//! summed.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::components::{MeasuredComponents, Pass};
use super::evaluate::{fits, upload};
use super::{Context, EngineError, PASSES, Task};
use crate::data::ImageSet;
use crate::domain::cka::{CkaAccumulator, CkaEstimate, PackedGrams};
use crate::domain::plan::{Batches, SamplePlan, SuitePlan};
use crate::domain::record::Seconds;
use crate::domain::suite::batches;
use crate::domain::{Bypass, Network};
use crate::model::capture::{CaptureError, GramTap};
use crate::model::{Activation, Mode, Net, StateDict};

/// A request for the all-pairs CKA of `state` over `images`.
#[derive(Debug)]
pub struct AnalyzeRequest {
    /// The network.
    pub network: Arc<Network>,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
    /// Which of them.
    pub plan: SamplePlan,
    /// Deleted blocks; their layers are undefined in the map.
    pub bypass: Bypass,
    /// The first-component suite of the same sample, if it is wanted too and its
    /// images are the first batches of the map: both then come from the same forward
    /// pass and Gram matrices.
    pub suite: Option<SuitePlan>,
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
    /// The suite; `None` if it was not asked for or needs a pass of its own, which
    /// is a request of its own.
    pub suite: Option<MeasuredComponents>,
}

impl Task for AnalyzeRequest {
    type Output = Measured;

    fn run(self, context: &Context<'_>) -> Result<Measured, EngineError> {
        run(&self, context)
    }
}

fn run(request: &AnalyzeRequest, context: &Context<'_>) -> Result<Measured, EngineError> {
    fits(&request.network, &request.images)?;
    let plan = request.plan.batches(request.images.len())?;
    let batch = request.plan.batch.min(request.images.len());
    // two batches are under way at a time, each with half a Gram matrix for every layer
    let grams = (request.network.layers().len() * batch).saturating_mul(2 * batch) as u64;
    let forward = request.network.forward_bytes(batch);
    context.check_room(forward.saturating_add(grams.saturating_mul(2)), || {
        format!("a map of {} in batches of {batch}", request.network.title())
    })?;
    let whole = context.network(&request.network, &request.state)?;
    let net = whole.without(&request.bypass).map_err(|e| EngineError::Request(e.to_string()))?;
    let list = request.network.layers();
    let absent: Vec<usize> =
        list.iter().filter(|l| request.bypass.contains_layer(l)).map(|l| l.index).collect();
    let layers = list.len();
    let job = Batched { request, context, net: &net, absent, layers, done: AtomicUsize::new(0) };
    if let Some(suite) = &request.suite {
        suite.check(request.images.len())?;
        if !request.bypass.is_empty() {
            return Err(EngineError::Request("the suite is of the whole network".into()));
        }
    }
    let total = layers * plan.batches.len();
    let mut sums = CkaAccumulator::new(layers);
    let mut seconds = Seconds::default();
    let start = Instant::now();
    let head = request.suite.as_ref().map_or(0, |suite| head(&plan, suite));
    let mut suite = None;
    if let (Some(wanted), 1..) = (&request.suite, head) {
        let chosen = plan.batches[..head].concat();
        let taken = Pass::run(&net, &request.images, wanted, &chosen, context, {
            |done| context.progress(done * head, total, PASSES)
        })?;
        job.done.store(layers * head, Ordering::Relaxed);
        let [forward, gram, leading] = taken.seconds;
        (seconds.forward, seconds.gram) = (forward, gram);
        let pairs = Instant::now();
        for grams in taken.grams() {
            sums.add(grams).map_err(CaptureError::from)?;
        }
        seconds.pairs += pairs.elapsed().as_secs_f64();
        let finish = Instant::now();
        let (components, maps) = taken.finish(&request.images, chosen);
        let own = leading + finish.elapsed().as_secs_f64();
        let device = context.device.label.clone();
        suite = Some(MeasuredComponents { components, maps, seconds: own, device });
    }
    let beside = suite.as_ref().map_or(0.0, |suite| suite.seconds);
    // On the CPU two batches are under way at a time: what one of them does on one
    // thread (centring, packing, waiting) the other fills.
    let together = if context.device.cpu { 2 } else { 1 };
    for batches in plan.batches[head..].chunks(together) {
        let pass = Instant::now();
        let (first, second) = rayon::join(
            || job.run(&batches[0], total),
            || batches.get(1).map(|indices| job.run(indices, total)),
        );
        let found: Vec<Captured> =
            std::iter::once(first).chain(second).collect::<Result<_, _>>()?;
        // of the wall clock, each part what it was of the batches' own time
        let wall = pass.elapsed().as_secs_f64();
        let [gram, forward] = [|c: &Captured| c.gram, |c: &Captured| c.forward]
            .map(|part| found.iter().map(part).sum::<f64>());
        seconds.gram += wall * gram / (gram + forward);
        seconds.forward += wall * forward / (gram + forward);
        let pairs = Instant::now();
        for captured in &found {
            sums.add(&captured.grams).map_err(CaptureError::from)?;
        }
        seconds.pairs += pairs.elapsed().as_secs_f64();
    }
    let finish = Instant::now();
    let estimate = sums.finish().map_err(CaptureError::from)?;
    seconds.pairs += finish.elapsed().as_secs_f64();
    seconds.total = start.elapsed().as_secs_f64() - beside;
    Ok(Measured {
        estimate,
        examples: plan.examples,
        dropped: plan.dropped,
        seconds,
        device: context.device.label.clone(),
        suite,
    })
}

/// How many of the map's first batches are all that the suite takes: 0 unless they
/// are cut as the suite cuts them.
fn head(plan: &Batches, suite: &SuitePlan) -> usize {
    let cut = batches(suite.examples);
    let same = cut.iter().map(Range::len).eq(plan.batches.iter().take(cut.len()).map(Vec::len));
    let all = cut.iter().map(Range::len).sum::<usize>() == suite.examples;
    // a pass is a permutation of its own
    let within = suite.examples <= plan.examples - plan.dropped;
    if same && all && within { cut.len() } else { 0 }
}

/// What all batches share.
struct Batched<'a> {
    request: &'a AnalyzeRequest,
    context: &'a Context<'a>,
    net: &'a Net,
    absent: Vec<usize>,
    layers: usize,
    /// Layers of batches done.
    done: AtomicUsize,
}

/// The Gram matrices of a batch and the seconds that they took.
struct Captured {
    grams: PackedGrams,
    gram: f64,
    forward: f64,
}

impl Batched<'_> {
    /// Runs a batch and takes every layer's Gram matrix.
    fn run(&self, indices: &[u32], total: usize) -> Result<Captured, EngineError> {
        let Batched { request, context, .. } = self;
        let mut grams = PackedGrams::new(self.layers, indices.len()).map_err(CaptureError::from)?;
        self.absent.iter().for_each(|layer| grams.mark_absent(*layer));
        let pass = Instant::now();
        let x = upload(&request.network, &request.images, indices, &context.device.device);
        let mut tap = GramTap::new(&mut grams);
        let mut offered = 0;
        let forward = |layer: usize, activation: Activation<'_>| {
            context.check_cancelled().map_err(|_| CaptureError::Cancelled)?;
            let wanted = tap.take(layer, activation)?;
            // layers that are fused or absent are counted with the next one
            let more = layer + 1 - std::mem::replace(&mut offered, layer + 1);
            let done = self.done.fetch_add(more, Ordering::Relaxed) + more;
            context.progress(done, total, PASSES);
            Ok(wanted)
        };
        self.net.forward_tapped(x, Mode::Evaluate, forward).map_err(|error| match error {
            CaptureError::Cancelled => EngineError::Cancelled,
            error => error.into(),
        })?;
        let gram = tap.spent().as_secs_f64();
        Ok(Captured { grams, gram, forward: pass.elapsed().as_secs_f64() - gram })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::record::Sample;

    fn plan(examples: usize, batch: usize, passes: usize, sample: Sample) -> SamplePlan {
        SamplePlan { examples: Some(examples), batch, passes, sample, seed: 1 }
    }

    #[test]
    fn the_suite_takes_whole_batches_of_the_first_pass() {
        let suite = |examples| SuitePlan { examples, components: 5, dominant_share: 0.01 };
        for (examples, batch, passes, wanted, expected) in [
            (10_000, 256, 1, 1_024, 4),
            (1_024, 256, 3, 1_024, 4),
            (1_000, 256, 1, 1_000, 4),
            // the suite's last batch would be a part of the map's
            (10_000, 256, 1, 1_000, 0),
            (10_000, 128, 1, 1_024, 0),
            // beyond the first pass
            (512, 256, 2, 1_024, 0),
            // three examples in no batch
            (515, 256, 1, 515, 0),
            (100, 256, 1, 100, 1),
        ] {
            let batches = plan(examples, batch, passes, Sample::First).batches(10_000).unwrap();
            let found = head(&batches, &suite(wanted));
            assert_eq!(found, expected, "{examples} {batch} {passes} {wanted}");
        }
    }
}
