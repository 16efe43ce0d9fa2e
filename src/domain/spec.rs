//! What a CIFAR ResNet is: depth, width, shortcuts and preprocessing.
//!
//! The networks are those of He et al. (2016), as used by Nguyen et al. (ICLR 2021):
//! depth `6n + 2`, three stages of `n` basic blocks, channels doubled per stage. This is
//! what a run keeps of one; `network::cifar` makes the network of it.

use serde::{Deserialize, Serialize};

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

impl Preset {
    /// All presets.
    pub const ALL: [Preset; 2] = [Preset::He, Preset::Paper];

    /// The name as an option's value.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Paper => "paper",
            Preset::He => "he",
        }
    }
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
