//! The tensors that a network expects, under PyTorch's names.

use super::{Network, Node, NodeId, Op};

/// What a tensor is to its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParameterKind {
    /// `weight` of a convolution, `[out, in, side, side]`, or of a linear map,
    /// `[out, in]`.
    Kernel,
    /// `bias` of a convolution or a linear map.
    Bias,
    /// `weight` of a norm.
    Scale,
    /// `bias` of a norm.
    Shift,
    /// `running_mean` of a norm.
    Mean,
    /// `running_var` of a norm.
    Variance,
}

/// How a tensor begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initial {
    /// He-normal for outputs of so many inputs.
    HeNormal {
        /// Values that make one output.
        fan_in: usize,
    },
    /// All ones.
    One,
    /// All zeros.
    Zero,
}

/// A tensor that a node needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `layer2.0.conv1.weight`.
    pub name: String,
    /// Extent of every axis.
    pub shape: Vec<usize>,
    /// What it is.
    pub kind: ParameterKind,
    /// Whose it is.
    pub node: NodeId,
}

impl ParameterKind {
    /// The end of the tensor's name.
    pub fn suffix(self) -> &'static str {
        match self {
            ParameterKind::Kernel | ParameterKind::Scale => "weight",
            ParameterKind::Bias | ParameterKind::Shift => "bias",
            ParameterKind::Mean => "running_mean",
            ParameterKind::Variance => "running_var",
        }
    }

    /// True for what gradients change; running statistics are no such thing.
    pub fn is_trained(self) -> bool {
        !matches!(self, ParameterKind::Mean | ParameterKind::Variance)
    }

    /// True for what weight decay acts on (the paper's recipe: kernels alone).
    pub fn decays(self) -> bool {
        self == ParameterKind::Kernel
    }
}

impl Parameter {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True if it holds no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it begins.
    pub fn initial(&self) -> Initial {
        match self.kind {
            ParameterKind::Kernel => {
                Initial::HeNormal { fan_in: self.shape.iter().skip(1).product() }
            }
            ParameterKind::Scale | ParameterKind::Variance => Initial::One,
            ParameterKind::Bias | ParameterKind::Shift | ParameterKind::Mean => Initial::Zero,
        }
    }
}

impl Network {
    /// Every tensor, trained and running, in the order of the nodes.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.each().flat_map(|(id, node)| self.parameters_of(id, node)).collect()
    }

    /// Number of trained values (running statistics not counted).
    pub fn trained_values(&self) -> usize {
        let trained = self.parameters().into_iter().filter(|p| p.kind.is_trained());
        trained.map(|p| p.len()).sum()
    }

    fn parameters_of(&self, id: NodeId, node: &Node) -> Vec<Parameter> {
        use ParameterKind::{Bias, Kernel, Mean, Scale, Shift, Variance};
        let out = node.shape.first().copied().unwrap_or(0);
        let input = || {
            let before = node.inputs.first().map(|id| &self.node(*id).shape);
            before.and_then(|shape| shape.first()).copied().unwrap_or(0)
        };
        let parts: Vec<(ParameterKind, Vec<usize>)> = match node.op {
            Op::Conv { kernel, bias, .. } => {
                let weight = (Kernel, vec![out, input(), kernel, kernel]);
                std::iter::once(weight).chain(bias.then(|| (Bias, vec![out]))).collect()
            }
            Op::Norm { .. } => [Scale, Shift, Mean, Variance].map(|kind| (kind, vec![out])).into(),
            Op::Linear => vec![(Kernel, vec![out, input()]), (Bias, vec![out])],
            Op::Input | Op::Relu | Op::Add | Op::Pad { .. } | Op::GlobalPool => Vec::new(),
        };
        let name = |kind: ParameterKind| format!("{}.{}", node.name, kind.suffix());
        parts
            .into_iter()
            .map(|(kind, shape)| Parameter { name: name(kind), shape, kind, node: id })
            .collect()
    }
}
