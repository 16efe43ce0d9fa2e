//! The CIFAR ResNets of He et al. (2016): a 3x3 stem, three stages of basic blocks
//! (convolution, norm, ReLU, convolution, norm, sum, ReLU), channels doubled and sides
//! halved per stage, global pooling and one linear map.

use super::{Builder, Input, Network, NodeId, Op};
use crate::domain::layers::{Layer, Role};
use crate::domain::spec::{BASE_CHANNELS, ModelSpec, Shortcut};

impl ModelSpec {
    /// The network that is described.
    pub fn network(&self) -> Network {
        let ModelSpec { image, mean, std, .. } = self.clone();
        let input = Input { shape: image, mean, std };
        let mut family = Family { spec: self, build: Builder::new(self.title(), input) };
        family.stem();
        for stage in 1..=3 {
            family.build.stage(format!("stage {stage}"));
            for block in 0..self.blocks_in(stage) {
                family.block(stage, block);
            }
        }
        family.head();
        family.build.finish()
    }

    /// The full layer list in topological order.
    ///
    /// With `n` blocks per stage there are `21 n + 5` layers with padded shortcuts,
    /// `21 n + 7` with projections and `18 n + 5` without residual connections.
    pub fn layers(&self) -> Vec<Layer> {
        self.network().layers()
    }

    /// Residual blocks of stage 1, 2 or 3: `n` in `6n + 2`, or fewer in a pruned network.
    fn blocks_in(&self, stage: usize) -> usize {
        match self.blocks {
            Some(blocks) => stage.checked_sub(1).and_then(|s| blocks.get(s)).copied().unwrap_or(0),
            None => (self.depth - 2) / 6,
        }
    }

    /// Channels of stage 1, 2 or 3 (the stem has those of stage 1).
    fn channels(&self, stage: usize) -> usize {
        let stem = (BASE_CHANNELS as f64 * self.width).round() as usize;
        stem << stage.saturating_sub(1)
    }
}

/// A network that grows at its end.
struct Family<'a> {
    spec: &'a ModelSpec,
    build: Builder,
}

impl Family<'_> {
    fn conv(&mut self, name: String, role: Role, shape: [usize; 3], x: NodeId) -> NodeId {
        let [channels, kernel, stride] = shape;
        let (padding, bias) = (kernel / 2, self.spec.conv_bias);
        let op = Op::Conv { kernel, stride, padding, bias };
        self.build.push(name, role, op, channels, &[x])
    }

    fn norm(&mut self, name: String, role: Role, x: NodeId) -> NodeId {
        let (epsilon, momentum) = (self.spec.norm_epsilon, self.spec.norm_momentum);
        self.build.push(name, role, Op::Norm { epsilon, momentum }, 0, &[x])
    }

    fn stem(&mut self) {
        let (x, channels) = (NodeId::INPUT, self.spec.channels(1));
        let x = self.conv("conv1".into(), Role::Stem, [channels, 3, 1], x);
        let x = self.norm("bn1".into(), Role::Stem, x);
        self.build.push("relu1".into(), Role::Stem, Op::Relu, 0, &[x]);
    }

    /// A basic block; the first of stages 2 and 3 halves the sides and doubles the
    /// channels.
    fn block(&mut self, stage: usize, block: usize) {
        let channels = self.spec.channels(stage);
        let stride = if stage > 1 && block == 0 { 2 } else { 1 };
        let input = self.build.last();
        self.build.block(block);
        let name = |part: &str| format!("layer{stage}.{block}.{part}");
        let x = self.conv(name("conv1"), Role::Branch, [channels, 3, stride], input);
        let x = self.norm(name("bn1"), Role::Branch, x);
        let x = self.build.push(name("relu1"), Role::Branch, Op::Relu, 0, &[x]);
        let x = self.conv(name("conv2"), Role::Branch, [channels, 3, 1], x);
        let skip = match self.spec.shortcut {
            _ if !self.spec.residual => None,
            _ if stride == 1 => Some(input),
            Shortcut::Projection => {
                Some(self.conv(name("shortcut"), Role::Shortcut, [channels, 1, stride], input))
            }
            Shortcut::Pad => {
                let (name, op) = (name("shortcut"), Op::Pad { stride });
                Some(self.build.push(name, Role::Shortcut, op, channels, &[input]))
            }
        };
        let mut x = self.norm(name("bn2"), Role::BeforeAdd, x);
        if let Some(skip) = skip {
            x = self.build.push(name("add"), Role::Sum, Op::Add, 0, &[x, skip]);
        }
        self.build.push(name("relu2"), Role::BlockOutput, Op::Relu, 0, &[x]);
    }

    fn head(&mut self) {
        self.build.outside();
        let x = self.build.last();
        let x = self.build.push("avgpool".into(), Role::Head, Op::GlobalPool, 0, &[x]);
        self.build.push("linear".into(), Role::Head, Op::Linear, self.spec.classes, &[x]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;

    fn spec(depth: usize) -> ModelSpec {
        ModelSpec::new(Preset::He, depth, 1.0, 10, [3, 32, 32]).unwrap()
    }

    #[test]
    fn layer_counts_follow_the_closed_forms() {
        for n in [1, 3, 6, 9, 36] {
            let mut s = spec(6 * n + 2);
            assert_eq!(s.layers().len(), 21 * n + 5);
            s.shortcut = Shortcut::Projection;
            assert_eq!(s.layers().len(), 21 * n + 7);
            s.residual = false;
            assert_eq!(s.layers().len(), 18 * n + 5);
        }
    }

    #[test]
    fn resnet20_has_the_reference_names() {
        let layers = spec(20).layers();
        let names: Vec<&str> = layers.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names.len(), 68);
        assert_eq!(&names[..5], ["conv1", "bn1", "relu1", "layer1.0.conv1", "layer1.0.bn1"]);
        assert_eq!(&names[64..], ["layer3.2.add", "layer3.2.relu2", "avgpool", "linear"]);
        assert!(layers.iter().enumerate().all(|(i, l)| l.index == i));
    }

    #[test]
    fn projection_sits_just_before_the_last_norm() {
        let s = ModelSpec::new(Preset::Paper, 20, 2.0, 10, [3, 32, 32]).unwrap();
        let layers = s.layers();
        let at = layers.iter().position(|l| l.name == "layer2.0.shortcut").unwrap();
        assert_eq!(layers[at + 1].name, "layer2.0.bn2");
        assert_eq!(layers[at].shape, [64, 16, 16]);
    }

    #[test]
    fn parameter_counts_match_the_published_ones() {
        assert_eq!(spec(20).network().trained_values(), 269_722);
        assert_eq!(spec(56).network().trained_values(), 853_018);
        assert_eq!(spec(20).network().parameters().len(), 97);
    }
}
