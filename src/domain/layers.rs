//! The layer list: every intermediate representation of a network in
//! topological order, and the views that filter it.
//!
//! Names follow PyTorch module paths (`layer2.3.conv1`). Views select indices
//! of the list; they never recompute anything.

use serde::{Deserialize, Deserializer, Serialize};

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

/// What a layer is to its network, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Before the first stage.
    Stem,
    /// Inside a block, on the way to its sum.
    #[default]
    Branch,
    /// The end of a block's branch: what is added to the skip, or would be.
    BeforeAdd,
    /// On the way around the branch.
    Shortcut,
    /// The sum of branch and skip.
    Sum,
    /// A block's output.
    BlockOutput,
    /// Behind the last stage.
    Head,
}

/// One representation of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Layer {
    /// Position in the full list, from 0.
    pub index: usize,
    /// PyTorch module path, for example `layer2.3.bn1`.
    pub name: String,
    /// What the layer computes.
    pub kind: LayerKind,
    /// The stage, from 1; `None` for the stem and the head.
    pub stage: Option<usize>,
    /// Residual block within the stage, from 0; `None` outside the stages.
    pub block: Option<usize>,
    /// Shape of one example's activation: `[channels, height, width]`, or
    /// `[features]` after pooling.
    pub shape: Vec<usize>,
    /// True after the residual connection (the add and the ReLU behind it).
    pub post_residual: bool,
    /// What it is to the network.
    pub role: Role,
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

    /// True for the last layer of a residual block.
    pub fn is_block_output(&self) -> bool {
        self.role == Role::BlockOutput
    }
}

/// A layer as files have it: those from before format 2 know no roles.
#[derive(Deserialize)]
struct Stored {
    index: usize,
    name: String,
    kind: LayerKind,
    stage: Option<usize>,
    block: Option<usize>,
    shape: Vec<usize>,
    post_residual: bool,
    #[serde(default, deserialize_with = "present")]
    role: Option<Role>,
}

/// A role that is there: RON would have `Some` around it otherwise.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Role>, D::Error> {
    Role::deserialize(from).map(Some)
}

impl Stored {
    /// The role that the one family of format 1 tells by its names.
    fn old_role(&self) -> Role {
        let ends = |part: &str| self.name.ends_with(part);
        match (self.kind, self.block) {
            (LayerKind::Pool | LayerKind::Logits, _) => Role::Head,
            (_, None) => Role::Stem,
            (LayerKind::Add, _) => Role::Sum,
            (LayerKind::Relu, _) if ends(".relu2") => Role::BlockOutput,
            (LayerKind::Norm, _) if ends(".bn2") => Role::BeforeAdd,
            (LayerKind::Conv, _) if ends(".shortcut") => Role::Shortcut,
            _ => Role::Branch,
        }
    }
}

impl From<Stored> for Layer {
    fn from(stored: Stored) -> Layer {
        let role = stored.role.unwrap_or_else(|| stored.old_role());
        let Stored { index, name, kind, stage, block, shape, post_residual, .. } = stored;
        Layer { index, name, kind, stage, block, shape, post_residual, role }
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
                layer.is_block_output()
                    || (layer.kind == LayerKind::Relu && layer.role == Role::Stem)
            }
            View::Convs => layer.kind == LayerKind::Conv,
        }
    }

    /// Indices into `layers` that the view shows, ascending.
    pub fn select(self, layers: &[Layer]) -> Vec<usize> {
        layers.iter().enumerate().filter(|(_, layer)| self.shows(layer)).map(|(i, _)| i).collect()
    }
}
