//! A network on a device: the parameters of every node of a [`Network`], as a Burn
//! module, and the operators that use them.
//!
//! How they are made is in `build`, how they are run in `forward`. Knows no family of
//! networks.

use std::collections::HashMap;
use std::sync::Arc;

use burn::module::{Module, Param, ParamId};
use burn::nn::BatchNorm;
use burn::tensor::Tensor;

use crate::domain::bypass::{Bypass, BypassError};
use crate::domain::network::{Network, NodeId, Parameter, ParameterKind};
use crate::kernels;

/// Which statistics batch norm uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics, which stay as they are. For analysis and tests.
    Evaluate,
    /// The batch's statistics, which update the running ones. The network and
    /// its input have to live on an autodiff device.
    Train,
}

/// The parameters of a convolution.
#[derive(Module, Debug)]
pub struct Conv {
    pub(super) weight: Param<Tensor<4>>,
    pub(super) bias: Option<Param<Tensor<1>>>,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Conv {
    pub(super) fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let bias = self.bias.as_ref().map(Param::val);
        kernels::conv2d(x, self.weight.val(), bias, self.stride, self.padding)
    }

    /// Weights and bias with an affine map of the outputs folded in.
    fn folded(&self, Affine { scale, shift }: Affine) -> (Tensor<4>, Tensor<1>) {
        let shift = match &self.bias {
            Some(bias) => shift + bias.val() * scale.clone(),
            None => shift,
        };
        (self.weight.val() * scale.reshape([-1, 1, 1, 1]), shift)
    }

    /// `affine(conv(x))` in one pass.
    pub(super) fn forward_affine(&self, x: Tensor<4>, affine: Affine) -> Tensor<4> {
        let (weight, shift) = self.folded(affine);
        kernels::conv2d(x, weight, Some(shift), self.stride, self.padding)
    }

    /// `relu(affine(conv(x)) + skip)` in one pass.
    pub(super) fn forward_relu(
        &self,
        x: Tensor<4>,
        affine: Affine,
        skip: Option<Tensor<4>>,
    ) -> Tensor<4> {
        let (weight, shift) = self.folded(affine);
        kernels::conv2d_relu(x, weight, shift, skip, self.stride, self.padding)
    }
}

/// A factor and a summand per channel.
#[derive(Debug)]
pub(super) struct Affine {
    pub(super) scale: Tensor<1>,
    pub(super) shift: Tensor<1>,
}

/// Batch norm with its parameters kept as Burn's, evaluated as one affine pass.
#[derive(Module, Debug)]
pub struct Norm {
    pub(super) inner: BatchNorm,
}

impl Norm {
    /// Normalises by the batch's statistics and updates the running ones.
    pub(super) fn forward_train(&self, x: Tensor<4>) -> Tensor<4> {
        let norm = &self.inner;
        let (y, mean, variance) =
            kernels::batch_norm_train(x, norm.gamma.val(), norm.beta.val(), norm.epsilon);
        for (running, batch) in [(&norm.running_mean, mean), (&norm.running_var, variance)] {
            let old = running.value_sync();
            let batch = if old.device().is_autodiff() { Tensor::from_inner(batch) } else { batch };
            let kept = old.mul_scalar(1.0 - norm.momentum);
            running.update((kept + batch.mul_scalar(norm.momentum)).detach());
        }
        y
    }

    /// `y = x scale + shift` per channel, from the running statistics.
    pub(super) fn affine(&self) -> Affine {
        let mean = self.inner.running_mean.value_sync();
        let var = self.inner.running_var.value_sync();
        let scale = self.inner.gamma.val() / (var + self.inner.epsilon).sqrt();
        let shift = self.inner.beta.val() - mean * scale.clone();
        Affine { scale, shift }
    }
}

/// A linear map; the weight is PyTorch's `[out, in]`.
#[derive(Module, Debug)]
pub struct Linear {
    pub(super) weight: Param<Tensor<2>>,
    pub(super) bias: Param<Tensor<1>>,
}

impl Linear {
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weight.val().transpose()) + self.bias.val().unsqueeze()
    }
}

/// Where a node's parameters are in a [`Net`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// It has none.
    None,
    /// Index among the convolutions.
    Conv(usize),
    /// Index among the norms.
    Norm(usize),
    /// Index among the linear maps.
    Linear(usize),
}

/// What a forward pass goes along: a network, and for each of its nodes the place of its
/// parameters.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) network: Arc<Network>,
    pub(super) slots: Vec<Slot>,
    /// The one node that reads each node, where there is just one.
    pub(super) only_readers: Vec<Option<NodeId>>,
}

impl Route {
    pub(super) fn new(network: Arc<Network>, slots: Vec<Slot>) -> Route {
        let users = network.users();
        let mut only_readers = vec![None; users.len()];
        for (id, node) in network.each() {
            for input in node.inputs.iter().filter(|input| users[input.index()] == 1) {
                only_readers[input.index()] = Some(id);
            }
        }
        Route { network, slots, only_readers }
    }
}

/// A network with its parameters on a device.
#[derive(Module, Debug)]
pub struct Net {
    pub(super) convs: Vec<Conv>,
    pub(super) norms: Vec<Norm>,
    pub(super) linears: Vec<Linear>,
    #[module(skip)]
    pub(super) route: Arc<Route>,
}

impl Net {
    /// The network.
    pub fn network(&self) -> &Arc<Network> {
        &self.route.network
    }

    /// The same parameters, shared, along the network without some residual blocks.
    ///
    /// # Errors
    /// [`BypassError`] if one of them does not exist or cannot be deleted.
    pub fn without(&self, deleted: &Bypass) -> Result<Net, BypassError> {
        let network = self.network().without(deleted)?;
        let slot = |name: &str| {
            let id = self.network().find(name);
            id.map_or(Slot::None, |id| self.route.slots[id.index()])
        };
        let slots = network.nodes().iter().map(|node| slot(&node.name)).collect();
        let route = Arc::new(Route::new(Arc::new(network), slots));
        Ok(Net { route, ..self.clone() })
    }

    /// Names of the parameters that training moves, by their ids. Running statistics are
    /// none of them.
    pub fn trained_names(&self) -> HashMap<ParamId, String> {
        use ParameterKind::{Bias, Kernel, Mean, Scale, Shift, Variance};
        let id = |parameter: &Parameter| match (
            self.route.slots[parameter.node.index()],
            parameter.kind,
        ) {
            (Slot::Conv(at), Kernel) => Some(self.convs[at].weight.id),
            (Slot::Conv(at), Bias) => self.convs[at].bias.as_ref().map(|bias| bias.id),
            (Slot::Norm(at), Scale) => Some(self.norms[at].inner.gamma.id),
            (Slot::Norm(at), Shift) => Some(self.norms[at].inner.beta.id),
            (Slot::Linear(at), Kernel) => Some(self.linears[at].weight.id),
            (Slot::Linear(at), Bias) => Some(self.linears[at].bias.id),
            (_, Mean | Variance) | (_, Kernel | Bias | Scale | Shift) => None,
        };
        let parameters = self.network().parameters();
        parameters.into_iter().filter_map(|p| Some((id(&p)?, p.name))).collect()
    }

    /// Ids of the parameters that weight decay acts on
    /// ([`ParameterKind::decays`](crate::domain::network::ParameterKind::decays)).
    pub fn decayed_ids(&self) -> Vec<ParamId> {
        let decayed = self.network().parameters().into_iter().filter(|p| p.kind.decays());
        let id = |node: NodeId| match self.route.slots[node.index()] {
            Slot::Conv(at) => Some(self.convs[at].weight.id),
            Slot::Linear(at) => Some(self.linears[at].weight.id),
            Slot::Norm(_) | Slot::None => None,
        };
        decayed.filter_map(|parameter| id(parameter.node)).collect()
    }
}
