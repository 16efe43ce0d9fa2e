//! What a network is: depth, width, shortcuts and preprocessing, and the layer
//! list that follows from them.
//!
//! The networks are the CIFAR ResNets of He et al. (2016), as used by Nguyen et
//! al. (ICLR 2021): depth `6n + 2`, three stages of `n` basic blocks, channels
//! doubled per stage. This module describes them; `model` builds them.

use serde::{Deserialize, Serialize};

use super::layers::{Layer, LayerKind};

/// Smallest supported depth (one block per stage).
pub const MIN_DEPTH: usize = 8;
/// Largest supported depth (36 blocks per stage).
pub const MAX_DEPTH: usize = 218;
/// Channels of the stem and the first stage at width 1.
pub const BASE_CHANNELS: usize = 16;

/// How a residual block that changes shape carries its input across.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shortcut {
    /// A 1x1 convolution with stride 2 and no norm (the paper's code).
    Projection,
    /// Every second pixel, channels padded with zeros on both sides (He et al.,
    /// option A). No parameters.
    Pad,
}

/// A family of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The paper's code: inputs in `[0, 1]`, convolutions with bias, projection
    /// shortcuts, batch norm with epsilon 1e-3 and momentum 0.99.
    Paper,
    /// He et al. as most PyTorch checkpoints have it: ImageNet mean and
    /// deviation, convolutions without bias, padded shortcuts, epsilon 1e-5.
    He,
}

/// Why a model description is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SpecError {
    /// The depth is not `6n + 2` or outside the supported range.
    #[error(
        "depth {0} is not 6n+2 between {MIN_DEPTH} and {MAX_DEPTH}; nearest: {near}",
        near = nearest_depth(*.0)
    )]
    Depth(usize),
    /// The width multiplier is not a positive finite number, or leaves no channel.
    #[error(
        "width {0} must be a positive number that leaves at least one channel (and at most 16,384)"
    )]
    Width(f64),
    /// Too few classes.
    #[error("a classifier needs at least 2 classes, not {0}")]
    Classes(usize),
    /// Blocks per stage that no pruning of the depth leaves.
    #[error(
        "{0:?} blocks per stage do not come from pruning stages of {1} (stages 2 and 3 keep their first)"
    )]
    Blocks([usize; 3], usize),
    /// An image size that the two strides cannot halve.
    #[error("image size {0}x{1} must be at least 4x4 and at most 1024x1024")]
    Image(usize, usize),
}

fn nearest_depth(depth: usize) -> usize {
    let n = (depth.saturating_sub(2) as f64 / 6.0).round() as usize;
    (6 * n + 2).clamp(MIN_DEPTH, MAX_DEPTH)
}

/// Everything that fixes a network's structure and preprocessing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSpec {
    /// `6n + 2`, from 8 to 218.
    pub depth: usize,
    /// Channel multiplier; stage `s` has `round(16 width) 2^(s-1)` channels.
    pub width: f64,
    /// Whether blocks add their input.
    pub residual: bool,
    /// Shortcut of blocks that change shape.
    pub shortcut: Shortcut,
    /// The preset that the other fields started from.
    pub preset: Preset,
    /// Whether convolutions have a bias.
    pub conv_bias: bool,
    /// Batch norm's epsilon.
    pub norm_epsilon: f64,
    /// Share of the old running statistics kept at each update (0.99 in Keras;
    /// PyTorch's `momentum` is one minus this).
    pub norm_momentum: f64,
    /// Number of classes.
    pub classes: usize,
    /// `[channels, height, width]` of an input image.
    pub image: [usize; 3],
    /// Subtracted from pixels in `[0, 1]`, per channel.
    pub mean: [f32; 3],
    /// Divides what is left, per channel.
    pub std: [f32; 3],
    /// Residual blocks per stage of a pruned network; `None` for the `n` of
    /// `6n + 2` in each. `depth` stays that of the network it was cut from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks: Option<[usize; 3]>,
}

impl ModelSpec {
    /// A checked description with the preset's defaults.
    ///
    /// # Errors
    /// [`SpecError`] if depth, width, classes or image are out of range.
    pub fn new(
        preset: Preset,
        depth: usize,
        width: f64,
        classes: usize,
        image: [usize; 3],
    ) -> Result<ModelSpec, SpecError> {
        let spec = match preset {
            Preset::Paper => ModelSpec {
                depth,
                width,
                residual: true,
                shortcut: Shortcut::Projection,
                preset,
                conv_bias: true,
                norm_epsilon: 1e-3,
                norm_momentum: 0.99,
                classes,
                image,
                mean: [0.0; 3],
                std: [1.0; 3],
                blocks: None,
            },
            Preset::He => ModelSpec {
                depth,
                width,
                residual: true,
                shortcut: Shortcut::Pad,
                preset,
                conv_bias: false,
                norm_epsilon: 1e-5,
                norm_momentum: 0.9,
                classes,
                image,
                mean: [0.485, 0.456, 0.406],
                std: [0.229, 0.224, 0.225],
                blocks: None,
            },
        };
        spec.check()?;
        Ok(spec)
    }

    /// Checks every field's range.
    ///
    /// # Errors
    /// [`SpecError`] naming the first field that is out of range.
    pub fn check(&self) -> Result<(), SpecError> {
        let depth_ok = (MIN_DEPTH..=MAX_DEPTH).contains(&self.depth) && self.depth % 6 == 2;
        if !depth_ok {
            return Err(SpecError::Depth(self.depth));
        }
        let stem = (BASE_CHANNELS as f64 * self.width).round();
        if !self.width.is_finite() || !(1.0..=16384.0).contains(&stem) {
            return Err(SpecError::Width(self.width));
        }
        if let Some(blocks) = self.blocks {
            let most = (self.depth - 2) / 6;
            // the first blocks of stages 2 and 3 change shape and cannot go
            if blocks.iter().any(|n| *n > most) || blocks[1] == 0 || blocks[2] == 0 {
                return Err(SpecError::Blocks(blocks, most));
            }
        }
        if self.classes < 2 {
            return Err(SpecError::Classes(self.classes));
        }
        let [_, h, w] = self.image;
        if !(4..=1024).contains(&h) || !(4..=1024).contains(&w) {
            return Err(SpecError::Image(h, w));
        }
        Ok(())
    }

    /// Residual blocks of stage 1, 2 or 3: `n` in `6n + 2`, or fewer in a
    /// pruned network.
    pub fn blocks_in(&self, stage: usize) -> usize {
        match self.blocks {
            Some(blocks) => stage.checked_sub(1).and_then(|s| blocks.get(s)).copied().unwrap_or(0),
            None => (self.depth - 2) / 6,
        }
    }

    /// Channels of stage 1, 2 or 3 (the stem has those of stage 1).
    pub fn channels(&self, stage: usize) -> usize {
        let stem = (BASE_CHANNELS as f64 * self.width).round() as usize;
        stem << (stage.saturating_sub(1))
    }

    /// Height and width of stage 1, 2 or 3: halved (rounded up) per stage.
    pub fn side(&self, stage: usize) -> (usize, usize) {
        let [_, mut h, mut w] = self.image;
        for _ in 1..stage {
            h = h.div_ceil(2);
            w = w.div_ceil(2);
        }
        (h, w)
    }

    /// True if the block changes shape, so that it cannot be bypassed.
    pub fn changes_shape(&self, stage: usize, block: usize) -> bool {
        stage > 1 && block == 0
    }

    /// True if the block carries a 1x1 projection convolution.
    pub fn has_projection(&self, stage: usize, block: usize) -> bool {
        self.residual && self.shortcut == Shortcut::Projection && self.changes_shape(stage, block)
    }

    /// A short description such as `ResNet-38 x2`.
    pub fn title(&self) -> String {
        let plain = if self.residual { "" } else { " no residual" };
        match self.blocks {
            None => format!("ResNet-{} x{}{plain}", self.depth, self.width),
            Some([a, b, c]) => {
                format!("ResNet-{} x{}{plain} cut to {a}+{b}+{c} blocks", self.depth, self.width)
            }
        }
    }

    /// The full layer list in topological order.
    ///
    /// With `n` blocks per stage there are `21 n + 5` layers with padded
    /// shortcuts, `21 n + 7` with projections and `18 n + 5` without residual
    /// connections.
    pub fn layers(&self) -> Vec<Layer> {
        let mut list = ListBuilder::default();
        let (h, w) = self.side(1);
        let stem = vec![self.channels(1), h, w];
        list.push("conv1", LayerKind::Conv, None, &stem, false);
        list.push("bn1", LayerKind::Norm, None, &stem, false);
        list.push("relu1", LayerKind::Relu, None, &stem, false);
        for stage in 1..=3 {
            let (h, w) = self.side(stage);
            let shape = vec![self.channels(stage), h, w];
            for block in 0..self.blocks_in(stage) {
                let at = Some((stage, block));
                let base = format!("layer{stage}.{block}");
                let mut push = |part: &str, kind, post| {
                    list.push(&format!("{base}.{part}"), kind, at, &shape, post);
                };
                push("conv1", LayerKind::Conv, false);
                push("bn1", LayerKind::Norm, false);
                push("relu1", LayerKind::Relu, false);
                push("conv2", LayerKind::Conv, false);
                if self.has_projection(stage, block) {
                    push("shortcut", LayerKind::Conv, false);
                }
                push("bn2", LayerKind::Norm, false);
                if self.residual {
                    push("add", LayerKind::Add, true);
                }
                push("relu2", LayerKind::Relu, self.residual);
            }
        }
        list.push("avgpool", LayerKind::Pool, None, &[self.channels(3)], false);
        list.push("linear", LayerKind::Logits, None, &[self.classes], false);
        list.layers
    }
}

#[derive(Default)]
struct ListBuilder {
    layers: Vec<Layer>,
}

impl ListBuilder {
    fn push(
        &mut self,
        name: &str,
        kind: LayerKind,
        at: Option<(usize, usize)>,
        shape: &[usize],
        post_residual: bool,
    ) {
        self.layers.push(Layer {
            index: self.layers.len(),
            name: name.to_string(),
            kind,
            stage: at.map(|(stage, _)| stage),
            block: at.map(|(_, block)| block),
            shape: shape.to_vec(),
            post_residual,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn bad_descriptions_are_refused_with_the_nearest_remedy() {
        let new = |d, w| ModelSpec::new(Preset::Paper, d, w, 10, [3, 32, 32]);
        assert_eq!(new(21, 1.0), Err(SpecError::Depth(21)));
        assert!(new(21, 1.0).unwrap_err().to_string().contains("nearest: 20"));
        assert!(new(2, 1.0).is_err());
        assert!(new(224, 1.0).is_err());
        assert!(new(20, 0.0).is_err());
        assert!(new(20, -1.0).is_err());
        assert!(new(20, f64::NAN).is_err());
        assert!(new(20, 1e9).is_err());
        assert!(new(20, 0.5).is_ok());
    }
}
