//! Accuracy without some residual blocks, for many sets of blocks at once.
//!
//! Sets share what they have in common: a batch goes through the whole network
//! once, and at the block where a set's first deletion lies, the rest of the
//! network runs from there without the set's blocks. Lesions of all blocks then
//! cost about half a pass each, and no more than a few activations are alive.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::evaluate::{BATCH, fits, score, upload};
use super::{Context, EngineError, Event, Task};
use crate::data::ImageSet;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::flips::Flips;
use crate::domain::network::NodeId;
use crate::domain::plan::Quantity;
use crate::domain::{Bypass, Network, ResidualBlock};
use crate::model::{Net, StateDict};

/// Images of a first estimate.
pub const QUICK: usize = 512;

/// A set of blocks to evaluate without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// How it came about.
    pub experiment: Experiment,
    /// The blocks.
    pub deleted: Bypass,
}

impl Variant {
    /// Blocks that somebody chose.
    pub fn chosen(deleted: Bypass) -> Variant {
        Variant { experiment: Experiment::Chosen, deleted }
    }
}

/// The whole network.
pub fn baseline() -> Variant {
    Variant { experiment: Experiment::Baseline, deleted: Bypass::none() }
}

/// Each block that can be deleted, alone.
pub fn lesions(network: &Network) -> Vec<Variant> {
    let alone = |block: ResidualBlock| [block].into_iter().collect();
    network
        .deletable()
        .into_iter()
        .map(|block| Variant { experiment: Experiment::Lesion, deleted: alone(block) })
        .collect()
}

/// A stage pruned backwards from its end, one block more at a time (the paper's
/// figure 5).
pub fn sweep(network: &Network, stage: usize) -> Vec<Variant> {
    let mut blocks = network.deletable();
    blocks.retain(|block| block.stage == stage);
    (1..=blocks.len())
        .map(|count| Variant {
            experiment: Experiment::Sweep,
            deleted: blocks.iter().rev().take(count).copied().collect(),
        })
        .collect()
}

/// A request to evaluate `state` over `images` without sets of blocks.
#[derive(Debug)]
pub struct DeletionRequest {
    /// The network.
    pub network: Arc<Network>,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
    /// How many of them, from the first on; all if `None`.
    pub examples: Option<usize>,
    /// The sets. With the whole network ([`baseline`]) among them, images that change are
    /// counted.
    pub variants: Vec<Variant>,
    /// Whether rows over the first [`QUICK`] images are reported on the way.
    pub quick: bool,
}

/// What deleting the sets costs.
#[derive(Debug, Clone, PartialEq)]
pub struct Deleted {
    /// A row for each set, in the request's order.
    pub rows: Vec<DeletionRow>,
    /// The device, in words.
    pub device: String,
}

/// Sums of one set.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    correct: usize,
    loss: f64,
    flips: Flips,
}

impl Tally {
    /// Adds a batch: loss by loss, or for the `whole` network the batch's sum, as it has
    /// always been rounded.
    /// `before` is how the whole network did.
    fn add(&mut self, scores: &Scores, before: Option<&Scores>, whole: bool) {
        self.correct += scores.iter().filter(|(hit, _)| *hit).count();
        let start = if whole { 0.0 } else { self.loss };
        let sum = scores.iter().fold(start, |sum, (_, nats)| sum + nats);
        self.loss = if whole { self.loss + sum } else { sum };
        for ((before, _), (after, _)) in before.into_iter().flatten().zip(scores) {
            self.flips.add(*before, *after);
        }
    }
}

/// Whether each image of a batch was right, and its loss in nats.
type Scores = Vec<(bool, f64)>;

impl Task for DeletionRequest {
    type Output = Deleted;

    fn run(self, context: &Context<'_>) -> Result<Deleted, EngineError> {
        run(&self, context)
    }
}

fn run(request: &DeletionRequest, context: &Context<'_>) -> Result<Deleted, EngineError> {
    fits(&request.network, &request.images)?;
    let available = request.images.len();
    let total = request.examples.unwrap_or(available);
    if total == 0 || total > available {
        let says = format!(" {total}: there are {available} test images");
        return Err(Quantity::Examples.unfit(says).into());
    }
    let net = context.network(&request.network, &request.state)?;
    let cuts: Vec<Cut> =
        request.variants.iter().map(|v| Cut::of(&net, &v.deleted)).collect::<Result<_, _>>()?;
    let mut tallies = vec![Tally::default(); request.variants.len()];
    let at_whole = request.variants.iter().position(|v| v.deleted.is_empty());
    let all: Vec<u32> = (0..total as u32).collect();
    let batch = |indices: &[u32]| match indices.is_empty() {
        true => Ok(Vec::new()),
        false => one_batch(&net, &cuts, request, indices, context),
    };
    // On the CPU two batches are under way at a time: what one of them does on one
    // thread the other fills. They are counted in order.
    let together = if context.device.cpu { 2 } else { 1 };
    let mut done = 0;
    while done < total {
        // the first estimate ends where it says it ends
        let stop = if request.quick && done < QUICK { QUICK.min(total) } else { total };
        let indices = &all[done..stop.min(done + together * BATCH)];
        let (first, second) = indices.split_at(BATCH.min(indices.len()));
        let (first, second) = rayon::join(|| batch(first), || batch(second));
        for scores in [first?, second?] {
            let whole = at_whole.and_then(|at| scores.get(at));
            for ((tally, variant), own) in tallies.iter_mut().zip(&request.variants).zip(&scores) {
                tally.add(own, whole, variant.deleted.is_empty());
            }
        }
        done += indices.len();
        context.progress(done, total, "images");
        if request.quick && done == QUICK && done < total {
            let rows = rows(&request.variants, &tallies, done);
            let _ = context.events.send(Event::Deletion(rows));
        }
    }
    let rows = rows(&request.variants, &tallies, total);
    Ok(Deleted { rows, device: context.device.label.clone() })
}

fn rows(variants: &[Variant], tallies: &[Tally], examples: usize) -> Vec<DeletionRow> {
    let paired = variants.iter().any(|v| v.deleted.is_empty());
    let row = |(variant, tally): (&Variant, &Tally)| DeletionRow {
        experiment: variant.experiment,
        deleted: variant.deleted.clone(),
        examples,
        correct: tally.correct,
        loss: tally.loss / examples as f64,
        flips: (paired && !variant.deleted.is_empty()).then_some(tally.flips),
    };
    variants.iter().zip(tallies).map(row).collect()
}

/// The network without a set of blocks.
struct Cut {
    /// The first of them; `None` for the whole network.
    first: Option<ResidualBlock>,
    /// What the first reads, in `net`.
    from: NodeId,
    net: Net,
}

impl Cut {
    fn of(whole: &Net, deleted: &Bypass) -> Result<Cut, EngineError> {
        let net = whole.without(deleted).map_err(|e| EngineError::Request(e.to_string()))?;
        let network = whole.network();
        let first = deleted.first();
        let span = network.blocks().into_iter().find(|span| Some(span.block) == first);
        let read = span.and_then(|span| net.network().find(&network.node(span.input).name));
        Ok(Cut { first, from: read.unwrap_or(NodeId::INPUT), net })
    }
}

/// Runs a batch and scores it without each set.
fn one_batch(
    net: &Net,
    cuts: &[Cut],
    request: &DeletionRequest,
    batch: &[u32],
    context: &Context<'_>,
) -> Result<Vec<Scores>, EngineError> {
    let labels: Vec<usize> =
        batch.iter().map(|i| usize::from(request.images.label(*i as usize))).collect();
    let mut found: Vec<Scores> = vec![Scores::new(); cuts.len()];
    let x = upload(&request.network, &request.images, batch, &context.device.device);
    let whole = request.variants.iter().any(|v| v.deleted.is_empty());
    let last = cuts.iter().filter_map(|cut| cut.first).max();
    let outcome = net.forward_by_blocks(x, |block, x| {
        context.check_cancelled().map_err(Stop::Failed)?;
        for (cut, found) in cuts.iter().zip(found.iter_mut()) {
            if cut.first == Some(block) {
                context.check_cancelled().map_err(Stop::Failed)?;
                let logits = cut.net.forward_from(cut.from, x.clone());
                *found = scores(logits, &labels).map_err(Stop::Failed)?;
            }
        }
        // behind the last deletion the whole network is of no use to anyone
        match !whole && last.is_none_or(|last| block >= last) {
            true => Err(Stop::Enough),
            false => Ok(()),
        }
    });
    match outcome {
        Err(Stop::Failed(error)) => return Err(error),
        Err(Stop::Enough) => {}
        Ok(logits) => {
            let whole = scores(logits, &labels)?;
            for (cut, found) in cuts.iter().zip(found.iter_mut()) {
                if cut.first.is_none() {
                    found.clone_from(&whole);
                }
            }
        }
    }
    Ok(found)
}

enum Stop {
    Enough,
    Failed(EngineError),
}

fn scores(logits: Tensor<2>, labels: &[usize]) -> Result<Scores, EngineError> {
    let lost = |e: String| EngineError::Lost(e);
    let classes = logits.dims()[1];
    let data = logits.try_into_data().map_err(|e| lost(format!("{e:?}")))?;
    let rows = data.try_into_vec::<f32>().map_err(|e| lost(format!("{e:?}")))?;
    Ok(rows.chunks_exact(classes).zip(labels).map(|(row, label)| score(row, *label)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ModelSpec, Preset};

    #[test]
    fn sweeps_go_backwards_and_spare_the_block_that_changes_shape() {
        let spec = ModelSpec::new(Preset::He, 20, 1.0, 10, [3, 32, 32]).unwrap().network();
        let text =
            |v: Vec<Variant>| -> Vec<String> { v.iter().map(|v| v.deleted.to_string()).collect() };
        assert_eq!(text(sweep(&spec, 1)), ["1.2", "1.1,1.2", "1.0,1.1,1.2"]);
        assert_eq!(text(sweep(&spec, 2)), ["2.2", "2.1,2.2"]);
        assert_eq!(text(lesions(&spec)), ["1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
        assert!(sweep(&spec, 4).is_empty());
    }
}
