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

/// A residual block: its stage and its position in it. Written `2.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ResidualBlock {
    /// The stage, from 1.
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
