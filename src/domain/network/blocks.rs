//! The residual blocks of a network, found by their places: what goes in, what comes
//! out, and whether one can be deleted.

use super::{Network, NodeId, Op, Place};
use crate::domain::bypass::{Bypass, BypassError, ResidualBlock};
use crate::domain::layers::Role;

/// The nodes of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockSpan {
    /// Which block.
    pub block: ResidualBlock,
    /// The first of its nodes.
    pub first: NodeId,
    /// The value that it reads: the output of what is before it.
    pub input: NodeId,
    /// The sum of branch and skip; `None` in a network without residual connections.
    pub sum: Option<NodeId>,
    /// Its output.
    pub output: NodeId,
}

impl From<Place> for ResidualBlock {
    fn from(place: Place) -> ResidualBlock {
        ResidualBlock { stage: place.stage, block: place.block }
    }
}

impl Network {
    /// Every block in network order.
    pub fn blocks(&self) -> Vec<BlockSpan> {
        let mut found: Vec<BlockSpan> = Vec::new();
        for (id, node) in self.each() {
            let Some(block) = node.place.map(ResidualBlock::from) else { continue };
            let known = found.last_mut().filter(|span| span.block == block);
            match known {
                None => {
                    let input = node.inputs.first().copied().unwrap_or(id);
                    let sum = (node.role == Role::Sum).then_some(id);
                    found.push(BlockSpan { block, first: id, input, sum, output: id });
                }
                Some(span) => {
                    span.output = id;
                    if node.role == Role::Sum {
                        span.sum = Some(id);
                    }
                }
            }
        }
        found
    }

    /// The blocks that can be deleted, in order.
    pub fn deletable(&self) -> Vec<ResidualBlock> {
        let spans = self.blocks();
        spans.iter().filter(|s| self.check_span(s).is_ok()).map(|s| s.block).collect()
    }

    /// Checks that every block of `deleted` exists and can be deleted.
    ///
    /// # Errors
    /// [`BypassError`] for the first that cannot.
    pub fn check_deleted(&self, deleted: &Bypass) -> Result<(), BypassError> {
        if deleted.is_empty() {
            return Ok(());
        }
        let spans = self.blocks();
        deleted.iter().try_for_each(|block| self.check_span(self.span(&spans, block)?))
    }

    /// The span of a block.
    pub(super) fn span<'a>(
        &self,
        spans: &'a [BlockSpan],
        block: ResidualBlock,
    ) -> Result<&'a BlockSpan, BypassError> {
        if let Some(span) = spans.iter().find(|span| span.block == block) {
            return Ok(span);
        }
        let stages = self.stages().len();
        let text = if block.stage == 0 || block.stage > stages {
            let all: Vec<String> = (1..=stages).map(|stage| stage.to_string()).collect();
            match &all[..] {
                [] => "this network has no residual blocks".to_string(),
                [only] => format!("the only stage is {only}"),
                [before @ .., last] => format!("stages are {} and {last}", before.join(", ")),
            }
        } else {
            let of_stage = |span: &&BlockSpan| span.block.stage == block.stage;
            match spans.iter().rev().find(of_stage) {
                None => format!("stage {} has no residual blocks", block.stage),
                Some(last) => {
                    format!("stage {0} has blocks {0}.0 to {0}.{1}", block.stage, last.block.block)
                }
            }
        };
        Err(BypassError::Unknown(block, text))
    }

    /// Checks that a block adds its input, unchanged, to its branch.
    pub(super) fn check_span(&self, span: &BlockSpan) -> Result<(), BypassError> {
        let Some(sum) = span.sum else { return Err(BypassError::NoResidual(span.block)) };
        let (before, after) = (self.node(span.input), self.node(span.output));
        if before.shape != after.shape || !self.node(sum).inputs.contains(&span.input) {
            return Err(BypassError::ChangesShape(
                span.block,
                shape_text(&before.shape),
                shape_text(&after.shape),
            ));
        }
        Ok(())
    }

    /// True if the node's value is never negative, so that a ReLU leaves it as it is.
    pub(super) fn is_rectified(&self, id: NodeId) -> bool {
        matches!(self.node(id).op, Op::Relu)
    }
}

fn shape_text(shape: &[usize]) -> String {
    let parts: Vec<String> = shape.iter().map(usize::to_string).collect();
    parts.join("x")
}
