//! Deleting residual blocks: `x + f(x)` becomes `x`, and what nobody reads any more
//! goes (Nguyen et al., ICLR 2021, section 4.3; science notes §1.6).

use super::{Network, Node, NodeId, Op};
use crate::domain::bypass::{Bypass, BypassError};

impl Network {
    /// The network without the blocks of `deleted`. The nodes that are left keep their
    /// names, places and layer indices; a block whose output is a ReLU behind the sum
    /// becomes `relu(x)`, which is `x` where that comes from a ReLU itself.
    ///
    /// # Errors
    /// [`BypassError`] for the first block that does not exist or cannot be deleted.
    pub fn without(&self, deleted: &Bypass) -> Result<Network, BypassError> {
        self.check_deleted(deleted)?;
        // what stands in for each node: the node itself, or what a deleted block read
        let mut stand_in: Vec<NodeId> = self.each().map(|(id, _)| id).collect();
        let mut nodes = self.nodes.clone();
        let spans = self.blocks();
        for span in spans.iter().filter(|span| deleted.contains(span.block)) {
            let input = stand_in[span.input.0];
            if let Some(sum) = span.sum {
                stand_in[sum.0] = input;
            }
            let rectifies = self.is_rectified(span.output);
            if !rectifies || self.is_rectified(input) {
                stand_in[span.output.0] = input;
            } else {
                // it stays, as no layer of the list
                nodes[span.output.0].layer = None;
            }
        }
        for node in &mut nodes {
            node.inputs.iter_mut().for_each(|id| *id = stand_in[id.0]);
        }
        Ok(Network { nodes: live(nodes), ..self.clone() })
    }
}

/// The nodes that the last one needs, and the input, with new ids.
fn live(nodes: Vec<Node>) -> Vec<Node> {
    let mut needed = vec![false; nodes.len()];
    needed[nodes.len() - 1] = true;
    for at in (0..nodes.len()).rev() {
        needed[at] |= nodes[at].op == Op::Input;
        if needed[at] {
            nodes[at].inputs.iter().for_each(|id| needed[id.0] = true);
        }
    }
    let mut place = vec![NodeId(0); nodes.len()];
    let mut kept: Vec<Node> = Vec::new();
    for (at, mut node) in nodes.into_iter().enumerate() {
        if needed[at] {
            node.inputs.iter_mut().for_each(|id| *id = place[id.0]);
            place[at] = NodeId(kept.len());
            kept.push(node);
        }
    }
    kept
}
