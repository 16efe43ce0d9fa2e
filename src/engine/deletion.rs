//! Accuracy without some residual blocks, for many sets of blocks at once.
//!
//! Sets share what they have in common: a batch goes through the whole network
//! once, and at the block where a set's first deletion lies, the rest of the
//! network runs from there without the set's blocks. Lesions of all blocks then
//! cost about half a pass each, and no more than a few activations are alive.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::evaluate::{BATCH, fits, score, upload};
use super::{Context, EngineError, Event};
use crate::data::ImageSet;
use crate::domain::deletion::{DeletionRow, Experiment};
use crate::domain::network::NodeId;
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
    /// The sets.
    pub variants: Vec<Variant>,
    /// Whether rows over the first [`QUICK`] images are reported on the way.
    pub quick: bool,
}

/// Sums of one set.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    correct: usize,
    loss: f64,
}

pub(super) fn run(
    request: &DeletionRequest,
    context: &Context<'_>,
) -> Result<Vec<DeletionRow>, EngineError> {
    fits(&request.network, &request.images)?;
    let available = request.images.len();
    let total = request.examples.unwrap_or(available);
    if total == 0 || total > available {
        return Err(EngineError::Request(format!(
            "--examples {total}: there are {available} test images"
        )));
    }
    let net = Net::from_state(&request.network, &request.state, &context.device.device)?;
    let cuts: Vec<Cut> =
        request.variants.iter().map(|v| Cut::of(&net, &v.deleted)).collect::<Result<_, _>>()?;
    let mut tallies = vec![Tally::default(); request.variants.len()];
    let all: Vec<u32> = (0..total as u32).collect();
    let mut done = 0;
    while done < total {
        // the first estimate ends where it says it ends
        let stop = if request.quick && done < QUICK { QUICK.min(total) } else { total };
        let batch = &all[done..stop.min(done + BATCH)];
        one_batch(&net, &cuts, request, batch, &mut tallies, context)?;
        done += batch.len();
        context.progress(done, total, "images");
        if request.quick && done == QUICK && done < total {
            let rows = rows(&request.variants, &tallies, done);
            let _ = context.events.send(Event::Deletion(rows));
        }
    }
    Ok(rows(&request.variants, &tallies, total))
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

fn one_batch(
    net: &Net,
    cuts: &[Cut],
    request: &DeletionRequest,
    batch: &[u32],
    tallies: &mut [Tally],
    context: &Context<'_>,
) -> Result<(), EngineError> {
    let labels: Vec<usize> =
        batch.iter().map(|i| usize::from(request.images.label(*i as usize))).collect();
    let x = upload(&request.network, &request.images, batch, &context.device.device);
    let whole = request.variants.iter().any(|v| v.deleted.is_empty());
    let last = cuts.iter().filter_map(|cut| cut.first).max();
    let outcome = net.forward_by_blocks(x, |block, x| {
        context.check_cancelled().map_err(Stop::Failed)?;
        for (cut, tally) in cuts.iter().zip(tallies.iter_mut()) {
            if cut.first == Some(block) {
                context.check_cancelled().map_err(Stop::Failed)?;
                let logits = cut.net.forward_from(cut.from, x.clone());
                count(logits, &labels, tally).map_err(Stop::Failed)?;
            }
        }
        // behind the last deletion the whole network is of no use to anyone
        match !whole && last.is_none_or(|last| block >= last) {
            true => Err(Stop::Enough),
            false => Ok(()),
        }
    });
    match outcome {
        Err(Stop::Failed(error)) => Err(error),
        Err(Stop::Enough) => Ok(()),
        Ok(logits) => {
            let mut tally = Tally::default();
            count(logits, &labels, &mut tally)?;
            for (variant, sum) in request.variants.iter().zip(tallies) {
                if variant.deleted.is_empty() {
                    sum.correct += tally.correct;
                    sum.loss += tally.loss;
                }
            }
            Ok(())
        }
    }
}

enum Stop {
    Enough,
    Failed(EngineError),
}

fn count(logits: Tensor<2>, labels: &[usize], tally: &mut Tally) -> Result<(), EngineError> {
    let lost = |e: String| EngineError::Lost(e);
    let classes = logits.dims()[1];
    let data = logits.try_into_data().map_err(|e| lost(format!("{e:?}")))?;
    let rows = data.try_into_vec::<f32>().map_err(|e| lost(format!("{e:?}")))?;
    for (row, label) in rows.chunks_exact(classes).zip(labels) {
        let (hit, nats) = score(row, *label);
        tally.correct += usize::from(hit);
        tally.loss += nats;
    }
    Ok(())
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
