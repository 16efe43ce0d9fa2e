//! Which map is shown.

use crate::domain::SimilarityMatrix;
use crate::runs::LoadedRun;

use super::pruning::Pruning;

/// What the map shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum MapMode {
    /// Centred kernel alignment of every pair of layers.
    #[default]
    Cka,
    /// Squared cosine of the first principal components.
    PcSimilarity,
    /// CKA with the first components removed.
    WithoutPc1,
    /// CKA over the examples that are not dominant.
    WithoutDominant,
    /// CKA of the network without the deleted blocks.
    Pruned,
    /// The standard error of CKA.
    StandardError,
}

impl MapMode {
    /// All modes in the order in which a key cycles through them.
    pub const ALL: [MapMode; 6] = [
        MapMode::Cka,
        MapMode::PcSimilarity,
        MapMode::WithoutPc1,
        MapMode::WithoutDominant,
        MapMode::Pruned,
        MapMode::StandardError,
    ];

    /// The name on screen.
    pub fn name(self) -> &'static str {
        match self {
            MapMode::Cka => "CKA",
            MapMode::PcSimilarity => "PC1 similarity",
            MapMode::WithoutPc1 => "CKA without PC1",
            MapMode::WithoutDominant => "CKA without dominant",
            MapMode::Pruned => "CKA, pruned",
            MapMode::StandardError => "standard error",
        }
    }

    /// The name in file names.
    pub fn stem(self) -> &'static str {
        match self {
            MapMode::Cka => "cka",
            MapMode::PcSimilarity => "pc1-similarity",
            MapMode::WithoutPc1 => "cka-without-pc1",
            MapMode::WithoutDominant => "cka-without-dominant",
            MapMode::Pruned => "cka-pruned",
            MapMode::StandardError => "cka-se",
        }
    }

    /// The scale that makes runs comparable.
    pub fn fixed_range(self) -> (f64, f64) {
        match self {
            MapMode::StandardError => (0.0, 0.05),
            _ => (0.0, 1.0),
        }
    }

    /// The full map of a run in this mode, if there is one.
    pub fn map<'a>(self, run: &'a LoadedRun, pruning: &'a Pruning) -> Option<&'a SimilarityMatrix> {
        let analysis = run.analysis.as_ref()?;
        let components = run
            .components
            .as_ref()
            .filter(|c| c.record.layers.len() == analysis.record.layers.len())
            .map(|c| &c.components);
        match self {
            MapMode::Cka => Some(&analysis.cka),
            MapMode::StandardError => Some(&analysis.se),
            MapMode::PcSimilarity => components.map(|c| &c.similarity),
            MapMode::WithoutPc1 => components.map(|c| &c.cka_without_pc1),
            MapMode::WithoutDominant => components.map(|c| &c.cka_without_dominant),
            MapMode::Pruned => pruning.map().map(|(_, map)| &map.cka),
        }
    }
}
