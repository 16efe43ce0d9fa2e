//! Networks from host tensors and back.
//!
//! Parameters are always built from host tensors: nothing is drawn lazily, and
//! no two networks share running statistics (Burn's `RunningState` is shared
//! between clones).

use std::sync::Arc;

use burn::module::{Param, RunningState};
use burn::nn::BatchNorm;
use burn::tensor::{Device, Tensor, TensorData};

use super::net::{Conv, Linear, Net, Norm, Route, Slot};
use super::state::{HostTensor, Mismatch, StateDict};
use crate::domain::network::{Network, Node, Op, Parameter, ParameterKind};

struct Builder<'a> {
    state: &'a StateDict,
    device: &'a Device,
}

impl Builder<'_> {
    fn tensor(&self, node: &Node, kind: ParameterKind) -> TensorData {
        // `check` came first, so that a missing tensor cannot happen; an empty
        // one would be refused by Burn's shape checks.
        let empty = HostTensor { shape: vec![0], data: Vec::new() };
        let name = format!("{}.{}", node.name, kind.suffix());
        let tensor = self.state.tensors.get(&name).unwrap_or(&empty);
        TensorData::new(tensor.data.clone(), tensor.shape.clone())
    }

    fn param<const D: usize>(&self, node: &Node, kind: ParameterKind) -> Param<Tensor<D>> {
        Param::from_data(self.tensor(node, kind), self.device)
    }

    fn norm(&self, node: &Node, epsilon: f64, momentum: f64) -> Norm {
        let running =
            |kind| RunningState::new(Tensor::from_data(self.tensor(node, kind), self.device));
        Norm {
            inner: BatchNorm {
                gamma: self.param(node, ParameterKind::Scale),
                beta: self.param(node, ParameterKind::Shift),
                training: Param::from_bool(true),
                running_mean: running(ParameterKind::Mean),
                running_var: running(ParameterKind::Variance),
                momentum: 1.0 - momentum,
                epsilon,
            },
        }
    }
}

impl Net {
    /// Builds the network on `device` from host tensors.
    ///
    /// # Errors
    /// [`Mismatch`] if the tensors do not fit `network`.
    pub fn from_state(
        network: &Arc<Network>,
        state: &StateDict,
        device: &Device,
    ) -> Result<Net, Mismatch> {
        state.check(network)?;
        let build = Builder { state, device };
        let (mut convs, mut norms, mut linears) = (Vec::new(), Vec::new(), Vec::new());
        let mut slot = |node: &Node| match node.op {
            Op::Conv { stride, padding, bias, .. } => {
                let weight = build.param(node, ParameterKind::Kernel);
                let bias = bias.then(|| build.param(node, ParameterKind::Bias));
                convs.push(Conv { weight, bias, stride, padding });
                Slot::Conv(convs.len() - 1)
            }
            Op::Norm { epsilon, momentum } => {
                norms.push(build.norm(node, epsilon, momentum));
                Slot::Norm(norms.len() - 1)
            }
            Op::Linear => {
                let weight = build.param(node, ParameterKind::Kernel);
                linears.push(Linear { weight, bias: build.param(node, ParameterKind::Bias) });
                Slot::Linear(linears.len() - 1)
            }
            Op::Input | Op::Relu | Op::Add | Op::Pad { .. } | Op::GlobalPool => Slot::None,
        };
        let slots = network.nodes().iter().map(&mut slot).collect();
        let route = Arc::new(Route::new(Arc::clone(network), slots));
        Ok(Net { convs, norms, linears, route })
    }

    /// Reads every tensor back to the host, running statistics up to date.
    ///
    /// # Errors
    /// The device's message if a tensor cannot be read (a lost device).
    pub fn to_state(&self) -> Result<StateDict, String> {
        let mut state = StateDict::default();
        for parameter in self.network().parameters() {
            let data = self.read(&parameter)?;
            let Parameter { name, shape, .. } = parameter;
            state.tensors.insert(name, HostTensor { shape, data });
        }
        Ok(state)
    }

    fn read(&self, parameter: &Parameter) -> Result<Vec<f32>, String> {
        use ParameterKind::{Bias, Kernel, Mean, Scale, Shift, Variance};
        let unknown = || format!("no tensor {}", parameter.name);
        match (self.route.slots[parameter.node.index()], parameter.kind) {
            (Slot::Conv(at), Kernel) => host(self.convs[at].weight.val()),
            (Slot::Conv(at), Bias) => host(self.convs[at].bias.as_ref().ok_or_else(unknown)?.val()),
            (Slot::Norm(at), Scale) => host(self.norms[at].inner.gamma.val()),
            (Slot::Norm(at), Shift) => host(self.norms[at].inner.beta.val()),
            (Slot::Norm(at), Mean) => host(self.norms[at].inner.running_mean.value_sync()),
            (Slot::Norm(at), Variance) => host(self.norms[at].inner.running_var.value_sync()),
            (Slot::Linear(at), Kernel) => host(self.linears[at].weight.val()),
            (Slot::Linear(at), Bias) => host(self.linears[at].bias.val()),
            _ => Err(unknown()),
        }
    }
}

fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    let data = tensor.try_into_data().map_err(|e| format!("{e:?}"))?;
    data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))
}
