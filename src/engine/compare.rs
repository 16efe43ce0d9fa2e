//! CKA between the layers of any number of models over the same images, in one
//! pass: per batch every model runs once, and all pairs take its Gram matrices.
//!
//! Alive at a time: one model's activation chain, the packed Gram matrices of
//! one batch for every model (`layers x b(b-1)/2` f32 values, twice that with
//! the maps without first components) and the sums, which are bounded. Nothing
//! grows with the number of examples.

use std::sync::Arc;
use std::time::Instant;

use super::evaluate::{fits, upload};
use super::{Context, EngineError, PASSES, Task};
use crate::data::ImageSet;
use crate::domain::cka::{CkaAccumulator, CkaEstimate, CrossAccumulator, MAX_GROUPS, PackedGrams};
use crate::domain::pca::{ComponentSums, MIN_EXAMPLES};
use crate::domain::plan::SamplePlan;
use crate::domain::record::Seconds;
use crate::domain::{Network, SimilarityMatrix};
use crate::model::capture::{CaptureError, GramTap, grams};
use crate::model::{Mode, Net, StateDict, Wanted};

/// Bytes that the sums of all pairs may take, as long as the jackknife has
/// [`FEWEST_GROUPS`] groups of batches.
const SUMS_LIMIT: usize = 512 << 20;
/// Fewer groups give no standard error worth the name.
const FEWEST_GROUPS: usize = 8;

/// One of the models.
#[derive(Debug, Clone)]
pub struct ComparedModel {
    /// The network.
    pub network: Arc<Network>,
    /// Its weights.
    pub state: Arc<StateDict>,
}

/// A request for the maps of pairs of models over `images`.
#[derive(Debug)]
pub struct CompareRequest {
    /// The models; those in no pair are not run.
    pub models: Vec<ComparedModel>,
    /// The images that all see.
    pub images: Arc<ImageSet>,
    /// Which of them, in which batches.
    pub plan: SamplePlan,
    /// Pairs of indices in `models` (rows, columns). A model with itself gives
    /// its own map.
    pub pairs: Vec<(usize, usize)>,
    /// Whether each pair is also compared with every layer's first component
    /// removed. Batches below 16 examples are left out of that map.
    pub without_pc1: bool,
}

/// The map of one pair.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedPair {
    /// The models, as in the request.
    pub pair: (usize, usize),
    /// CKA of every layer of the first with every layer of the second.
    pub estimate: CkaEstimate,
    /// The same without first components, if it was asked for.
    pub without_pc1: Option<SimilarityMatrix>,
}

/// The maps and how they came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// One per pair, in the request's order.
    pub pairs: Vec<ComparedPair>,
    /// Images per pass.
    pub examples: usize,
    /// Images per pass left out.
    pub dropped: usize,
    /// Where the time went, over all models and pairs.
    pub seconds: Seconds,
    /// The device, in words.
    pub device: String,
}

/// A batch of one model: its Gram matrices and those without first components.
struct Captured {
    whole: PackedGrams,
    without: Option<PackedGrams>,
}

/// Sums of one pair.
enum Sums {
    Within(CkaAccumulator),
    Between(CrossAccumulator),
}

impl Sums {
    fn new(layers: &[usize], (a, b): (usize, usize), groups: usize) -> Sums {
        match a == b {
            true => Sums::Within(CkaAccumulator::with_groups(layers[a], groups)),
            false => Sums::Between(CrossAccumulator::with_groups(layers[a], layers[b], groups)),
        }
    }

    fn add(&mut self, a: &PackedGrams, b: &PackedGrams) -> Result<(), EngineError> {
        let added = match self {
            Sums::Within(sums) => sums.add(a),
            Sums::Between(sums) => sums.add(a, b),
        };
        Ok(added.map_err(CaptureError::from)?)
    }

    fn finish(&self) -> Result<CkaEstimate, EngineError> {
        let found = match self {
            Sums::Within(sums) => sums.finish(),
            Sums::Between(sums) => sums.finish(),
        };
        Ok(found.map_err(CaptureError::from)?)
    }
}

impl Task for CompareRequest {
    type Output = Compared;

    fn run(self, context: &Context<'_>) -> Result<Compared, EngineError> {
        run(&self, context)
    }
}

fn run(request: &CompareRequest, context: &Context<'_>) -> Result<Compared, EngineError> {
    let models = &request.models;
    check(request)?;
    let plan = request.plan.batches(request.images.len())?;
    let device = &context.device.device;
    let needed = |k: usize| request.pairs.iter().any(|(a, b)| [*a, *b].contains(&k));
    let layers: Vec<usize> = models.iter().map(|m| m.network.layers().len()).collect();
    let mut nets = Vec::new();
    for (k, model) in models.iter().enumerate() {
        let net = match needed(k) {
            true => Some(Net::from_state(&model.network, &model.state, device)?),
            false => None,
        };
        nets.push(net);
    }
    let per_batch: usize = (0..models.len()).filter(|k| needed(*k)).map(|k| layers[k]).sum();
    let total = per_batch * plan.batches.len();
    let new = |groups: usize| {
        request.pairs.iter().map(|pair| Sums::new(&layers, *pair, groups)).collect::<Vec<_>>()
    };
    let mut sums = new(groups(&layers, &request.pairs));
    // The maps without first components have no errors, so one group will do.
    let mut reduced = request.without_pc1.then(|| new(1));
    let mut seconds = Seconds::default();
    let (start, mut done) = (Instant::now(), 0);
    for indices in &plan.batches {
        let mut batch: Vec<Option<Captured>> = Vec::new();
        for net in &nets {
            let captured = match net {
                Some(net) => {
                    let without = request.without_pc1 && indices.len() >= MIN_EXAMPLES;
                    let report = |layer: usize| context.progress(done + layer + 1, total, PASSES);
                    let found = capture(
                        net,
                        &request.images,
                        indices,
                        without,
                        context,
                        report,
                        &mut seconds,
                    )?;
                    done += found.whole.layers();
                    Some(found)
                }
                None => None,
            };
            batch.push(captured);
        }
        let pairs = Instant::now();
        for (at, (a, b)) in request.pairs.iter().enumerate() {
            context.check_cancelled()?;
            let (Some(a), Some(b)) = (&batch[*a], &batch[*b]) else { continue };
            sums[at].add(&a.whole, &b.whole)?;
            if let (Some(sums), Some(a), Some(b)) = (&mut reduced, &a.without, &b.without) {
                sums[at].add(a, b)?;
            }
        }
        seconds.pairs += pairs.elapsed().as_secs_f64();
    }
    let finish = Instant::now();
    let mut pairs = Vec::new();
    for (at, pair) in request.pairs.iter().enumerate() {
        let without_pc1 = match &reduced {
            Some(sums) => Some(sums[at].finish()?.cka),
            None => None,
        };
        pairs.push(ComparedPair { pair: *pair, estimate: sums[at].finish()?, without_pc1 });
    }
    seconds.pairs += finish.elapsed().as_secs_f64();
    seconds.total = start.elapsed().as_secs_f64();
    Ok(Compared {
        pairs,
        examples: plan.examples,
        dropped: plan.dropped,
        seconds,
        device: context.device.label.clone(),
    })
}

/// Groups of batches that the jackknife may keep apart, so that the sums of all
/// pairs stay within [`SUMS_LIMIT`].
fn groups(layers: &[usize], pairs: &[(usize, usize)]) -> usize {
    let cells: usize = pairs.iter().map(|(a, b)| layers[*a] * (layers[*b] + 2)).sum();
    (SUMS_LIMIT / (8 * cells.max(1))).clamp(FEWEST_GROUPS, MAX_GROUPS)
}

fn check(request: &CompareRequest) -> Result<(), EngineError> {
    let refuse = |text: String| Err(EngineError::Request(text));
    if request.pairs.is_empty() {
        return refuse("there are no models to compare".into());
    }
    for (a, b) in &request.pairs {
        for k in [*a, *b] {
            match request.models.get(k) {
                Some(model) => fits(&model.network, &request.images)?,
                None => return refuse(format!("there is no model {k} to compare")),
            }
        }
    }
    let plan = request.plan;
    let largest = plan.batch.min(plan.examples.unwrap_or(request.images.len()));
    if request.without_pc1 && largest < MIN_EXAMPLES {
        return refuse(format!(
            "batches of {largest} are too small to remove first components: at least {MIN_EXAMPLES} examples are needed"
        ));
    }
    Ok(())
}

/// Runs one model over one batch.
fn capture(
    net: &Net,
    images: &ImageSet,
    indices: &[u32],
    without: bool,
    context: &Context<'_>,
    report: impl Fn(usize),
    seconds: &mut Seconds,
) -> Result<Captured, EngineError> {
    let pass = Instant::now();
    let (layers, n) = (net.network().layers().len(), indices.len());
    let mut whole = PackedGrams::new(layers, n).map_err(CaptureError::from)?;
    let x = upload(net.network(), images, indices, &context.device.device);
    let cancelled = || match context.cancel.is_cancelled() {
        true => Err(CaptureError::Cancelled),
        false => Ok(()),
    };
    let failed = |error: CaptureError| match error {
        CaptureError::Cancelled => EngineError::Cancelled,
        error => error.into(),
    };
    let (gram, reduced) = if without {
        let refused = |e: crate::domain::pca::PcaError| CaptureError::Estimator(e.to_string());
        let mut kept = ComponentSums::new(layers, n).map_err(refused)?;
        let mut spent = 0.0;
        let mut ready = None;
        net.forward_tapped(x, Mode::Evaluate, |layer, activation| {
            cancelled()?;
            let begin = Instant::now();
            let gram = match ready.take() {
                Some((at, gram)) if at == layer => gram,
                _ => {
                    let (own, behind) = grams(layer, activation)?;
                    ready = behind;
                    own
                }
            };
            whole.set_gram(layer, &gram)?;
            kept.set_gram(layer, &gram).map_err(refused)?;
            spent += begin.elapsed().as_secs_f64();
            report(layer);
            // A norm that is computed again costs little beside the components.
            Ok(Wanted::All)
        })
        .map_err(failed)?;
        let begin = Instant::now();
        let reduced = kept.without_first().map_err(CaptureError::from)?;
        (spent + begin.elapsed().as_secs_f64(), Some(reduced))
    } else {
        let mut tap = GramTap::new(&mut whole);
        net.forward_tapped(x, Mode::Evaluate, |layer, activation| {
            cancelled()?;
            let wanted = tap.take(layer, activation)?;
            report(layer);
            Ok(wanted)
        })
        .map_err(failed)?;
        (tap.spent().as_secs_f64(), None)
    };
    seconds.gram += gram;
    seconds.forward += pass.elapsed().as_secs_f64() - gram;
    Ok(Captured { whole, without: reduced })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stay_within_their_limit() {
        assert_eq!(groups(&[68, 194], &[(0, 1)]), MAX_GROUPS);
        // All pairs of twenty deep networks.
        let layers = [383; 20];
        let pairs: Vec<_> = (0..20).flat_map(|a| (a..20).map(move |b| (a, b))).collect();
        assert_eq!(groups(&layers, &pairs), FEWEST_GROUPS);
        let pairs = &pairs[..20];
        let most = groups(&layers, pairs);
        assert!((FEWEST_GROUPS..MAX_GROUPS).contains(&most));
        assert!(most * 8 * 20 * 383 * 385 <= SUMS_LIMIT);
    }
}
