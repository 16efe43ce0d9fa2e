//! Which residual blocks of a network are deleted.
//!
//! A deleted block computes `relu(x)`: its residual branch is dropped and its
//! skip kept (Nguyen et al., ICLR 2021, section 4.3; science notes §1.6). A
//! block that changes shape has no identity to fall back on and stays. Knows
//! neither weights nor devices.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::layers::Layer;
use super::spec::ModelSpec;

/// A residual block: stage 1 to 3 and position in it from 0. Written `2.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResidualBlock {
    /// Stage 1, 2 or 3.
    pub stage: usize,
    /// Position within the stage, from 0.
    pub block: usize,
}

/// Why a block cannot be deleted, or its name not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BypassError {
    /// Not of the form `2.3`.
    #[error("{0:?} is no residual block: write stage.block, as 2.3 (blocks count from 0)")]
    Syntax(String),
    /// The network has no such block.
    #[error("there is no residual block {0}: {1}")]
    Unknown(ResidualBlock, String),
    /// The block changes shape.
    #[error(
        "residual block {0} cannot be deleted: it changes the shape from {1} to {2}, so its input cannot stand in for its output"
    )]
    ChangesShape(ResidualBlock, String, String),
    /// The network has no skip to keep.
    #[error(
        "residual block {0} cannot be deleted: this network has no residual connections, so there is no skip to keep"
    )]
    NoResidual(ResidualBlock),
}

impl fmt::Display for ResidualBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.stage, self.block)
    }
}

impl FromStr for ResidualBlock {
    type Err = BypassError;

    fn from_str(text: &str) -> Result<ResidualBlock, BypassError> {
        let number = |part: &str| {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<usize>().ok()).flatten()
        };
        text.split_once('.')
            .and_then(|(stage, block)| {
                Some(ResidualBlock { stage: number(stage)?, block: number(block)? })
            })
            .ok_or_else(|| BypassError::Syntax(text.to_string()))
    }
}

/// A set of deleted blocks, in network order. Written `2.3,2.4`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Bypass(BTreeSet<ResidualBlock>);

impl Bypass {
    /// Nothing deleted.
    pub fn none() -> Bypass {
        Bypass::default()
    }

    /// True if nothing is deleted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of deleted blocks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if the block is deleted.
    pub fn contains(&self, block: ResidualBlock) -> bool {
        self.0.contains(&block)
    }

    /// True if the layer belongs to a deleted block.
    pub fn contains_layer(&self, layer: &Layer) -> bool {
        ResidualBlock::of(layer).is_some_and(|block| self.contains(block))
    }

    /// Deletes a block, or takes it back.
    pub fn toggle(&mut self, block: ResidualBlock) {
        if !self.0.remove(&block) {
            self.0.insert(block);
        }
    }

    /// The deleted blocks in network order.
    pub fn iter(&self) -> impl Iterator<Item = ResidualBlock> + '_ {
        self.0.iter().copied()
    }

    /// The first deleted block in network order.
    pub fn first(&self) -> Option<ResidualBlock> {
        self.0.first().copied()
    }

    /// Checks that every block exists in `spec` and can be deleted.
    ///
    /// # Errors
    /// [`BypassError`] for the first that cannot.
    pub fn check(&self, spec: &ModelSpec) -> Result<(), BypassError> {
        self.iter().try_for_each(|block| block.check(spec))
    }
}

impl FromIterator<ResidualBlock> for Bypass {
    fn from_iter<T: IntoIterator<Item = ResidualBlock>>(blocks: T) -> Bypass {
        Bypass(blocks.into_iter().collect())
    }
}

impl fmt::Display for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, block) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            write!(f, "{block}")?;
        }
        Ok(())
    }
}

impl FromStr for Bypass {
    type Err = BypassError;

    fn from_str(text: &str) -> Result<Bypass, BypassError> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect()
    }
}

impl ResidualBlock {
    /// The residual block that a layer belongs to; none for the stem and the head.
    pub fn of(layer: &Layer) -> Option<ResidualBlock> {
        Some(ResidualBlock { stage: layer.stage?, block: layer.block? })
    }

    /// Every block of a network, in order.
    pub fn all(spec: &ModelSpec) -> Vec<ResidualBlock> {
        (1..=3)
            .flat_map(|stage| {
                (0..spec.blocks_in(stage)).map(move |block| ResidualBlock { stage, block })
            })
            .collect()
    }

    /// Every block that can be deleted, in order.
    pub fn deletable(spec: &ModelSpec) -> Vec<ResidualBlock> {
        ResidualBlock::all(spec).into_iter().filter(|block| block.check(spec).is_ok()).collect()
    }

    /// Checks that the block exists in `spec` and can be deleted.
    ///
    /// # Errors
    /// [`BypassError`] saying why not.
    pub fn check(self, spec: &ModelSpec) -> Result<(), BypassError> {
        if !(1..=3).contains(&self.stage) {
            return Err(BypassError::Unknown(self, "stages are 1, 2 and 3".into()));
        }
        let blocks = spec.blocks_in(self.stage);
        if self.block >= blocks {
            let range = match blocks {
                0 => format!("stage {} has no residual blocks", self.stage),
                n => format!("stage {} has blocks {1}.0 to {1}.{2}", self.stage, self.stage, n - 1),
            };
            return Err(BypassError::Unknown(self, range));
        }
        if !spec.residual {
            return Err(BypassError::NoResidual(self));
        }
        if spec.changes_shape(self.stage, self.block) {
            let shape = |stage: usize| {
                let (h, w) = spec.side(stage);
                format!("{}x{h}x{w}", spec.channels(stage))
            };
            return Err(BypassError::ChangesShape(self, shape(self.stage - 1), shape(self.stage)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Preset;

    #[test]
    fn sets_are_written_and_read_in_network_order() {
        let set: Bypass = " 3.1, 2.3,2.10,".parse().unwrap();
        assert_eq!(set.to_string(), "2.3,2.10,3.1");
        assert_eq!(set.first(), Some(ResidualBlock { stage: 2, block: 3 }));
        assert_eq!("".parse::<Bypass>().unwrap(), Bypass::none());
        for bad in ["2", "2.", ".3", "a.b", "2.3.4", "+2.3", "2.99999999999999999999"] {
            assert!(bad.parse::<Bypass>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_blocks_with_an_identity_can_go() {
        let mut spec = ModelSpec::new(Preset::He, 20, 1.0, 10, [3, 32, 32]).unwrap();
        let names: Vec<String> =
            ResidualBlock::deletable(&spec).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
        let text = |t: &str, s: &ModelSpec| {
            t.parse::<ResidualBlock>().unwrap().check(s).unwrap_err().to_string()
        };
        assert!(text("2.0", &spec).contains("16x32x32 to 32x16x16"));
        assert!(text("2.3", &spec).contains("blocks 2.0 to 2.2"));
        assert!(text("4.0", &spec).contains("stages are"));
        spec.residual = false;
        assert!(text("1.1", &spec).contains("no residual"));
    }
}
