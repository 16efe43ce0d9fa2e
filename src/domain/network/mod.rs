//! A network as data: nodes in topological order, each with its operation, its inputs,
//! its output's shape, its place and its role.
//!
//! Families of networks are functions that return one ([`cifar`]). Everything else is
//! derived from it: the layer list ([`Network::layers`]), the tensors that it expects
//! ([`parameters`]), its residual blocks ([`blocks`]), what is left when some of these are
//! deleted ([`rewrite`]), and, in `model`, construction, initial weights and the forward
//! pass with its taps. Nothing but a family spells an order of layers.
//!
//! Knows no weights, no device and no file format.

mod blocks;
pub mod cifar;
mod memory;
mod parameters;
mod rewrite;

use super::layers::{Layer, LayerKind, Role};

pub use blocks::BlockSpan;
pub use parameters::{Initial, Parameter, ParameterKind};

/// A node's place in [`Network::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

impl NodeId {
    /// The input of every network.
    pub const INPUT: NodeId = NodeId(0);

    /// Index in [`Network::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// What a node computes. Activations are `[n, channels, height, width]` (maps) or
/// `[n, features]` (vectors); shapes here leave the batch out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Op {
    /// The network's input.
    Input,
    /// A square convolution: `floor((side + 2 padding - kernel) / stride) + 1`.
    Conv {
        /// Side of the kernel.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
        /// Zeros added on all four sides.
        padding: usize,
        /// Whether a bias per channel is added.
        bias: bool,
    },
    /// Batch normalisation with scale and shift per channel.
    Norm {
        /// Added to the variance.
        epsilon: f64,
        /// Share of the old running statistics kept at each update (0.99 in Keras;
        /// PyTorch's `momentum` is one minus this).
        momentum: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// The sum of two maps of one shape.
    Add,
    /// Every `stride`-th pixel, channels padded with zeros on both sides, of which the
    /// larger half comes last (He et al. 2016, option A).
    Pad {
        /// Step in both directions.
        stride: usize,
    },
    /// The mean over height and width: a map becomes a vector.
    GlobalPool,
    /// `x W' + b` of a vector, `W` as `[features out, features in]`.
    Linear,
}

impl Op {
    /// What kind of layer its output is; `None` where it only rearranges another one
    /// (padding adds nothing but zeros) or is the input.
    fn kind(self) -> Option<LayerKind> {
        match self {
            Op::Input | Op::Pad { .. } => None,
            Op::Conv { .. } => Some(LayerKind::Conv),
            Op::Norm { .. } => Some(LayerKind::Norm),
            Op::Relu => Some(LayerKind::Relu),
            Op::Add => Some(LayerKind::Add),
            Op::GlobalPool => Some(LayerKind::Pool),
            Op::Linear => Some(LayerKind::Logits),
        }
    }
}

/// Where a node lies: in which stage, and in which of its blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The stage, from 1.
    pub stage: usize,
    /// The block within the stage, from 0.
    pub block: usize,
}

/// One value of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// PyTorch module path (`layer2.3.conv1`), which its parameters' names begin with.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The nodes that it reads, all before it.
    pub inputs: Vec<NodeId>,
    /// Shape of one example's output: `[channels, height, width]` or `[features]`.
    pub shape: Vec<usize>,
    /// Its stage and block; `None` for stem and head.
    pub place: Option<Place>,
    /// What it is to the network.
    pub role: Role,
    /// Its index in the layer list of the whole network (deleting blocks leaves the
    /// others' as they are); `None` if it is no layer.
    pub layer: Option<usize>,
}

/// What a network takes: images of one shape, and what is done to them before.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// `[channels, height, width]`.
    pub shape: [usize; 3],
    /// Subtracted from pixels in `[0, 1]`, per channel.
    pub mean: [f32; 3],
    /// Divides what is left, per channel.
    pub std: [f32; 3],
}

/// A stage: a run of blocks whose outputs have one shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What it is called: free text, `stage 2`.
    pub label: String,
}

/// A network: nodes in topological order, the last of which is its output.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    title: String,
    input: Input,
    nodes: Vec<Node>,
    stages: Vec<Stage>,
}

impl Network {
    /// A short description such as `ResNet-38 x2`.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What it takes.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// Every node; each reads only nodes before it. The first is the input.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes with their ids.
    pub fn each(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node))
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The node of that name.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.name == name).map(NodeId)
    }

    /// The node whose value the network gives: the logits.
    pub fn output(&self) -> NodeId {
        NodeId(self.nodes.len() - 1)
    }

    /// Number of classes (features of the output).
    pub fn classes(&self) -> usize {
        self.node(self.output()).shape.iter().product()
    }

    /// The stages in order; nodes count them from 1.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How many nodes read each node; the output counts as read once.
    pub fn users(&self) -> Vec<usize> {
        let mut users = vec![0; self.nodes.len()];
        for id in self.nodes.iter().flat_map(|node| &node.inputs) {
            users[id.0] += 1;
        }
        users[self.output().0] += 1;
        users
    }

    /// The layer list: every representation in topological order, except what only
    /// rearranges another. Without blocks that were deleted, the list has gaps in its
    /// indices.
    pub fn layers(&self) -> Vec<Layer> {
        let layer = |node: &Node| {
            Some(Layer {
                index: node.layer?,
                name: node.name.clone(),
                kind: node.op.kind()?,
                stage: node.place.map(|place| place.stage),
                block: node.place.map(|place| place.block),
                shape: node.shape.clone(),
                post_residual: self.is_post_residual(node),
                role: node.role,
            })
        };
        self.nodes.iter().filter_map(layer).collect()
    }

    /// True for a sum and for a block's output that is one behind its ReLU.
    fn is_post_residual(&self, node: &Node) -> bool {
        let behind_sum = || node.inputs.iter().any(|input| self.nodes[input.0].role == Role::Sum);
        match node.role {
            Role::Sum => true,
            Role::BlockOutput => behind_sum(),
            _ => false,
        }
    }
}

/// Puts nodes together and derives their shapes; what families are written with.
///
/// A family gives operations that fit each other; where channels or sides do not, shapes
/// are those of the first input, and the checks of tensors against [`Network::parameters`]
/// and the tests of the family tell.
#[derive(Debug)]
pub struct Builder {
    network: Network,
    place: Option<Place>,
    layers: usize,
}

impl Builder {
    /// A network of the given title that takes `input`.
    pub fn new(title: String, input: Input) -> Builder {
        let node = Node {
            name: "input".into(),
            op: Op::Input,
            inputs: Vec::new(),
            shape: input.shape.to_vec(),
            place: None,
            role: Role::Stem,
            layer: None,
        };
        let network = Network { title, input, nodes: vec![node], stages: Vec::new() };
        Builder { network, place: None, layers: 0 }
    }

    /// The node that was added last.
    pub fn last(&self) -> NodeId {
        self.network.output()
    }

    /// Begins a stage; the blocks that follow are its.
    pub fn stage(&mut self, label: impl Into<String>) {
        self.network.stages.push(Stage { label: label.into() });
        self.place = None;
    }

    /// Begins a block of the current stage; nodes that follow belong to it.
    pub fn block(&mut self, block: usize) {
        self.place = Some(Place { stage: self.network.stages.len(), block });
    }

    /// Ends the stages: nodes that follow belong to no block.
    pub fn outside(&mut self) {
        self.place = None;
    }

    /// Adds a node that keeps the shape of its first input, or changes it as its
    /// operation says; `features` are the channels or features of the output of those
    /// that choose them (convolution, padding, linear).
    pub fn push(
        &mut self,
        name: String,
        role: Role,
        op: Op,
        features: usize,
        inputs: &[NodeId],
    ) -> NodeId {
        let before = inputs.first().map_or(&[][..], |id| &self.network.nodes[id.0].shape);
        let sides = |side: fn(usize, usize, usize, usize) -> usize, kernel, stride, padding| {
            before.iter().skip(1).map(move |n| side(*n, kernel, stride, padding))
        };
        let shape: Vec<usize> = match op {
            Op::Conv { kernel, stride, padding, .. } => {
                std::iter::once(features).chain(sides(conv_side, kernel, stride, padding)).collect()
            }
            Op::Pad { stride } => {
                std::iter::once(features).chain(sides(conv_side, 1, stride, 0)).collect()
            }
            Op::GlobalPool => before.first().copied().into_iter().collect(),
            Op::Linear => vec![features],
            Op::Input | Op::Norm { .. } | Op::Relu | Op::Add => before.to_vec(),
        };
        let layer = op.kind().map(|_| self.layers);
        self.layers += usize::from(layer.is_some());
        let (inputs, place) = (inputs.to_vec(), self.place);
        self.network.nodes.push(Node { name, op, inputs, shape, place, role, layer });
        self.network.output()
    }

    /// The network; its last node is the output.
    pub fn finish(self) -> Network {
        self.network
    }
}

/// Pixels along one side of a convolution's output.
fn conv_side(side: usize, kernel: usize, stride: usize, padding: usize) -> usize {
    (side + 2 * padding).saturating_sub(kernel) / stride.max(1) + 1
}

#[cfg(test)]
mod tests;
