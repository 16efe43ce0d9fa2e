//! The layer list: every intermediate representation of a network in
//! topological order, and the views that filter it.
//!
//! Names follow PyTorch module paths (`layer2.3.conv1`). Views select indices
//! of the list; they never recompute anything.

use serde::{Deserialize, Serialize};

/// What a layer computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerKind {
    /// A convolution (3x3, or the 1x1 of a projection shortcut).
    Conv,
    /// Batch normalisation.
    Norm,
    /// A rectified linear unit.
    Relu,
    /// The sum of residual branch and shortcut, before its ReLU.
    Add,
    /// Global average pooling.
    Pool,
    /// The output of the final linear layer.
    Logits,
}

impl LayerKind {
    /// The lower-case name used in files and on screen.
    pub fn name(self) -> &'static str {
        match self {
            LayerKind::Conv => "conv",
            LayerKind::Norm => "norm",
            LayerKind::Relu => "relu",
            LayerKind::Add => "add",
            LayerKind::Pool => "pool",
            LayerKind::Logits => "logits",
        }
    }
}

/// One representation of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Position in the full list, from 0.
    pub index: usize,
    /// PyTorch module path, for example `layer2.3.bn1`.
    pub name: String,
    /// What the layer computes.
    pub kind: LayerKind,
    /// Stage 1, 2 or 3; `None` for the stem and the head.
    pub stage: Option<usize>,
    /// Residual block within the stage, from 0; `None` outside the stages.
    pub block: Option<usize>,
    /// Shape of one example's activation: `[channels, height, width]`, or
    /// `[features]` after pooling.
    pub shape: Vec<usize>,
    /// True after the residual connection (the add and the ReLU behind it).
    pub post_residual: bool,
}

impl Layer {
    /// Number of features of one example (the product of [`Layer::shape`]).
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }

    /// `64x8x8` or `10`.
    pub fn shape_text(&self) -> String {
        let parts: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        parts.join("x")
    }

    /// True for the last layer of a residual block (the ReLU after the add).
    pub fn is_block_output(&self) -> bool {
        self.kind == LayerKind::Relu && self.block.is_some() && self.name.ends_with(".relu2")
    }
}

/// A filter of the layer list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// Every layer.
    #[default]
    All,
    /// The stem's ReLU and the output of every residual block.
    BlockOutputs,
    /// Convolutions only.
    Convs,
}

impl View {
    /// All views in the order in which a key cycles through them.
    pub const ALL: [View; 3] = [View::All, View::BlockOutputs, View::Convs];

    /// The name shown on screen.
    pub fn name(self) -> &'static str {
        match self {
            View::All => "all layers",
            View::BlockOutputs => "block outputs",
            View::Convs => "convs",
        }
    }

    /// The view after this one.
    pub fn next(self) -> View {
        match self {
            View::All => View::BlockOutputs,
            View::BlockOutputs => View::Convs,
            View::Convs => View::All,
        }
    }

    /// True if the view shows `layer`.
    pub fn shows(self, layer: &Layer) -> bool {
        match self {
            View::All => true,
            View::BlockOutputs => {
                layer.is_block_output() || (layer.kind == LayerKind::Relu && layer.stage.is_none())
            }
            View::Convs => layer.kind == LayerKind::Conv,
        }
    }

    /// Indices into `layers` that the view shows, ascending.
    pub fn select(self, layers: &[Layer]) -> Vec<usize> {
        layers.iter().enumerate().filter(|(_, layer)| self.shows(layer)).map(|(i, _)| i).collect()
    }
}
