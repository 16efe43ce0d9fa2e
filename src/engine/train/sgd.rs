//! SGD with momentum as PyTorch defines it, whose velocities can be read and put back: a
//! resumed training goes on with the very same numbers. Knows no epochs.
//!
//! `v <- g + momentum v`, `w <- w - rate v`, where the gradient `g` of kernels has `decay w`
//! added before. No dampening, no Nesterov; the first velocity is the gradient itself.

use std::collections::{HashMap, HashSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};

use crate::domain::record::Recipe;
use crate::model::{HostTensor, Net, StateDict};

/// The optimiser and what it remembers.
pub(super) struct Sgd {
    momentum: f32,
    decay: f32,
    decayed: HashSet<ParamId>,
    /// By parameter, on the plain device.
    velocity: GradientsParams,
}

impl Sgd {
    /// One for `net` that remembers nothing yet.
    pub fn new(net: &Net, recipe: &Recipe) -> Sgd {
        Sgd {
            momentum: recipe.momentum as f32,
            decay: recipe.weight_decay as f32,
            decayed: net.decayed_ids().into_iter().collect(),
            velocity: GradientsParams::new(),
        }
    }

    /// One step along `gradients` at the learning rate `rate`.
    pub fn step(&mut self, rate: f64, net: Net, gradients: GradientsParams) -> Net {
        net.map(&mut Step { sgd: self, gradients, rate })
    }

    /// The velocities on the host, under the names of their parameters.
    ///
    /// # Errors
    /// The device's message if one cannot be read.
    pub fn velocities(&self, net: &Net) -> Result<StateDict, String> {
        let mut reader = Reader {
            names: net.trained_names(),
            velocity: &self.velocity,
            found: Ok(StateDict::default()),
        };
        net.visit(&mut reader);
        reader.found
    }

    /// Puts velocities back on `device`, the plain one.
    ///
    /// # Errors
    /// In words if they are not those of the parameters of `net`.
    pub fn restore(&mut self, net: &Net, state: &StateDict, device: &Device) -> Result<(), String> {
        let names = net.trained_names();
        let known: HashSet<&String> = names.values().collect();
        if let Some(name) = state.tensors.keys().find(|name| !known.contains(name)) {
            return Err(format!("a velocity of {name}, which this network does not train"));
        }
        let mut writer = Writer { names, state, device, sgd: self, failed: None };
        net.visit(&mut writer);
        writer.failed.map_or(Ok(()), Err)
    }
}

struct Step<'a> {
    sgd: &'a mut Sgd,
    gradients: GradientsParams,
    rate: f64,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = param.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let trained = tensor.is_require_grad();
        let value = tensor.inner();
        let gradient = match self.sgd.decayed.contains(&id) {
            true => value.clone().mul_scalar(self.sgd.decay).add(gradient),
            false => gradient,
        };
        let velocity = match self.sgd.velocity.remove::<D>(id) {
            Some(velocity) => gradient.add(velocity.mul_scalar(self.sgd.momentum)),
            None => gradient,
        };
        self.sgd.velocity.register(id, velocity.clone());
        let value = Tensor::from_inner(value - velocity.mul_scalar(self.rate));
        let value = if trained { value.require_grad() } else { value };
        Param::from_mapped_value(id, value, mapper)
    }
}

struct Reader<'a> {
    names: HashMap<ParamId, String>,
    velocity: &'a GradientsParams,
    found: Result<StateDict, String>,
}

impl ModuleVisitor for Reader<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (Some(name), Ok(found)) = (self.names.get(&param.id), &mut self.found) else { return };
        let Some(velocity) = self.velocity.get::<D>(param.id) else { return };
        let shape = velocity.dims().to_vec();
        let data = velocity.try_into_data().map_err(|e| format!("{e:?}"));
        match data.and_then(|data| data.try_into_vec::<f32>().map_err(|e| format!("{e:?}"))) {
            Ok(data) => drop(found.tensors.insert(name.clone(), HostTensor { shape, data })),
            Err(why) => self.found = Err(why),
        }
    }
}

struct Writer<'a> {
    names: HashMap<ParamId, String>,
    state: &'a StateDict,
    device: &'a Device,
    sgd: &'a mut Sgd,
    failed: Option<String>,
}

impl ModuleVisitor for Writer<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(name) = self.names.get(&param.id) else { return };
        let Some(tensor) = self.state.tensors.get(name) else {
            self.failed = Some(format!("the velocity of {name} is missing"));
            return;
        };
        if tensor.shape != param.val().dims() {
            self.failed = Some(format!("the velocity of {name} is of another shape"));
            return;
        }
        let data = TensorData::new(tensor.data.clone(), tensor.shape.clone());
        self.sgd.velocity.register(param.id, Tensor::<D>::from_data(data, self.device));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::module::ParamGroup;
    use burn::optim::decay::WeightDecayConfig;
    use burn::optim::momentum::MomentumConfig;
    use burn::optim::{ModuleOptimizer, SgdConfig};
    use burn::tensor::Distribution;

    use super::*;
    use crate::domain::{ModelSpec, Preset};
    use crate::model::Mode;
    use crate::model::init::initial_state;

    fn recipe() -> Recipe {
        Recipe {
            epochs: 1,
            batch: 4,
            learning_rate: 0.1,
            momentum: 0.9,
            weight_decay: 1e-2,
            ..Recipe::default()
        }
    }

    fn net(device: &Device) -> Net {
        let spec = ModelSpec::new(Preset::Paper, 8, 0.25, 3, [3, 8, 8]).unwrap();
        let network = Arc::new(spec.network());
        Net::from_state(&network, &initial_state(&network, 5), device).unwrap()
    }

    fn gradients(net: &Net, x: &Tensor<4>) -> GradientsParams {
        let loss = net.forward(x.clone(), Mode::Train).powf_scalar(2.0).mean();
        GradientsParams::from_grads(loss.backward(), net)
    }

    /// Burn's optimiser of the same recipe.
    fn burns(net: &Net, recipe: &Recipe) -> ModuleOptimizer {
        let momentum = MomentumConfig::new().with_momentum(recipe.momentum).with_dampening(0.0);
        let plain = SgdConfig::new().with_momentum(Some(momentum));
        let decay = Some(WeightDecayConfig::new(recipe.weight_decay as f32));
        let kernels = ParamGroup::from_ids(net.decayed_ids());
        plain.init().with_group(kernels, plain.clone().with_weight_decay(decay).build(), None)
    }

    #[test]
    fn steps_are_those_of_burns_optimiser_bit_for_bit_also_after_a_restart() {
        let plain = Device::flex();
        let device = plain.clone().autodiff();
        let (mut ours, mut theirs) = (net(&device), net(&device));
        let recipe = recipe();
        let (mut sgd, mut reference) = (Sgd::new(&ours, &recipe), burns(&theirs, &recipe));
        for step in 0..10 {
            let rate = 0.1 / (1.0 + f64::from(step));
            let x = Tensor::<4>::random([4, 3, 8, 8], Distribution::Default, &device);
            let (a, b) = (gradients(&ours, &x), gradients(&theirs, &x));
            ours = sgd.step(rate, ours, a);
            theirs = reference.step(rate, theirs, b);
            assert_eq!(ours.to_state().unwrap(), theirs.to_state().unwrap(), "step {step}");
            if step == 4 {
                // everything anew from what is on the host
                let velocities = sgd.velocities(&ours).unwrap();
                assert_eq!(velocities.tensors.len(), ours.trained_names().len());
                ours = Net::from_state(ours.network(), &ours.to_state().unwrap(), &device).unwrap();
                sgd = Sgd::new(&ours, &recipe);
                sgd.restore(&ours, &velocities, &plain).unwrap();
            }
        }
    }

    #[test]
    fn velocities_of_another_network_are_refused() {
        let plain = Device::flex();
        let net = net(&plain.clone().autodiff());
        let mut sgd = Sgd::new(&net, &recipe());
        let text = |sgd: &mut Sgd, state: &StateDict| sgd.restore(&net, state, &plain).unwrap_err();
        assert!(text(&mut sgd, &StateDict::default()).contains("is missing"));
        let one = |name: &str| {
            let tensor = HostTensor { shape: vec![1], data: vec![0.0] };
            StateDict { tensors: [(name.to_string(), tensor)].into() }
        };
        assert!(text(&mut sgd, &one("x.weight")).contains("x.weight"));
        let mut all = StateDict::default();
        for name in net.trained_names().into_values() {
            all.tensors.extend(one(&name).tensors);
        }
        assert!(text(&mut sgd, &all).contains("another shape"));
    }
}
