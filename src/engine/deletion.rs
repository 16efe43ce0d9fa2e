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
use crate::domain::plan::Quantity;
use crate::domain::{Bypass, ModelSpec, ResidualBlock};
use crate::model::{ResNet, StateDict};

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
pub fn lesions(spec: &ModelSpec) -> Vec<Variant> {
    let alone = |block: ResidualBlock| [block].into_iter().collect();
    ResidualBlock::deletable(spec)
        .into_iter()
        .map(|block| Variant { experiment: Experiment::Lesion, deleted: alone(block) })
        .collect()
}

/// A stage pruned backwards from its end, one block more at a time (the paper's
/// figure 5).
pub fn sweep(spec: &ModelSpec, stage: usize) -> Vec<Variant> {
    let mut blocks = ResidualBlock::deletable(spec);
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
    pub spec: ModelSpec,
    /// Its weights.
    pub state: Arc<StateDict>,
    /// The images.
    pub images: Arc<ImageSet>,
    /// How many of them, from the first on; all if `None`.
    pub examples: Option<usize>,
    /// The sets.
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
}

impl Tally {
    /// Adds a batch: loss by loss, or for the `whole` network the batch's sum, as it has
    /// always been rounded.
    fn add(&mut self, scores: Scores, whole: bool) {
        self.correct += scores.iter().filter(|(hit, _)| *hit).count();
        let start = if whole { 0.0 } else { self.loss };
        let sum = scores.iter().fold(start, |sum, (_, nats)| sum + nats);
        self.loss = if whole { self.loss + sum } else { sum };
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
    fits(&request.spec, &request.images)?;
    for variant in &request.variants {
        let check = variant.deleted.check(&request.spec);
        check.map_err(|e| EngineError::Request(e.to_string()))?;
    }
    let available = request.images.len();
    let total = request.examples.unwrap_or(available);
    if total == 0 || total > available {
        let says = format!(" {total}: there are {available} test images");
        return Err(Quantity::Examples.unfit(says).into());
    }
    let net = context.network(&request.spec, &request.state)?;
    let mut tallies = vec![Tally::default(); request.variants.len()];
    let all: Vec<u32> = (0..total as u32).collect();
    let batch = |indices: &[u32]| match indices.is_empty() {
        true => Ok(Vec::new()),
        false => one_batch(&net, request, indices, context),
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
            for ((tally, variant), scores) in tallies.iter_mut().zip(&request.variants).zip(scores)
            {
                tally.add(scores, variant.deleted.is_empty());
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
    let row = |(variant, tally): (&Variant, &Tally)| DeletionRow {
        experiment: variant.experiment,
        deleted: variant.deleted.clone(),
        examples,
        correct: tally.correct,
        loss: tally.loss / examples as f64,
    };
    variants.iter().zip(tallies).map(row).collect()
}

/// Runs a batch and scores it without each set.
fn one_batch(
    net: &ResNet,
    request: &DeletionRequest,
    batch: &[u32],
    context: &Context<'_>,
) -> Result<Vec<Scores>, EngineError> {
    let labels: Vec<usize> =
        batch.iter().map(|i| usize::from(request.images.label(*i as usize))).collect();
    let mut found: Vec<Scores> = vec![Scores::new(); request.variants.len()];
    let x = upload(&request.spec, &request.images, batch, &context.device.device);
    let whole = request.variants.iter().any(|v| v.deleted.is_empty());
    let last = request.variants.iter().filter_map(|v| v.deleted.first()).max();
    let outcome = net.forward_by_blocks(x, |block, x| {
        context.check_cancelled().map_err(Stop::Failed)?;
        for (variant, found) in request.variants.iter().zip(found.iter_mut()) {
            if variant.deleted.first() == Some(block) {
                context.check_cancelled().map_err(Stop::Failed)?;
                let logits = net.forward_from(block, x.clone(), &variant.deleted);
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
            for (variant, found) in request.variants.iter().zip(found.iter_mut()) {
                if variant.deleted.is_empty() {
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
    use crate::domain::Preset;

    #[test]
    fn sweeps_go_backwards_and_spare_the_block_that_changes_shape() {
        let spec = ModelSpec::new(Preset::He, 20, 1.0, 10, [3, 32, 32]).unwrap();
        let text =
            |v: Vec<Variant>| -> Vec<String> { v.iter().map(|v| v.deleted.to_string()).collect() };
        assert_eq!(text(sweep(&spec, 1)), ["1.2", "1.1,1.2", "1.0,1.1,1.2"]);
        assert_eq!(text(sweep(&spec, 2)), ["2.2", "2.1,2.2"]);
        assert_eq!(text(lesions(&spec)), ["1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
        assert!(sweep(&spec, 4).is_empty());
    }
}
