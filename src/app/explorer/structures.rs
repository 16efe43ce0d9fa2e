//! The detected blocks of an open run: found when the view or the threshold
//! changes, outlined, and walked along.

use crate::domain::block_structure::{BlockStructure, StructureRule, TAUS, detect, sensitivity};
use crate::domain::{Bypass, ResidualBlock};

use crate::report;

use super::{Explorer, Tab};

/// The detected blocks of the view's CKA map.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structures {
    /// Those at the chosen threshold.
    pub found: Vec<BlockStructure>,
    /// Those at every threshold of [`TAUS`].
    pub by_tau: Vec<(f64, Vec<BlockStructure>)>,
}

impl Explorer {
    /// The detected blocks of the view.
    pub fn structures(&self) -> &Structures {
        &self.structures
    }

    /// Whether they are outlined on the map.
    pub fn outlined(&self) -> bool {
        self.settings.outlined
    }

    /// The rule that finds them.
    pub fn rule(&self) -> StructureRule {
        StructureRule { tau: self.settings.tau, ..StructureRule::of(self.settings.view) }
    }

    /// What the view's map says about block structure, in a sentence.
    pub fn verdict(&self) -> String {
        let components = self.components();
        report::verdict(
            &self.structures.found,
            &self.structures.by_tau,
            self.rule(),
            |at| self.layer(at).map_or("?", |layer| layer.name.as_str()),
            |at| components?.share(*self.indices.get(at)?),
        )
    }

    /// Outlines the blocks, or no longer, and opens their tab.
    pub fn toggle_structures(&mut self) {
        self.settings.outlined = !self.settings.outlined;
        if self.settings.outlined {
            self.settings.tab = Tab::Blocks;
        }
    }

    /// The next lower or higher threshold.
    pub fn step_tau(&mut self, up: bool) {
        let near = |t: &f64| (t - self.settings.tau).abs() < 1e-9;
        let at = TAUS.iter().position(near).unwrap_or(TAUS.len() / 2);
        let to = if up { (at + 1).min(TAUS.len() - 1) } else { at.saturating_sub(1) };
        self.settings.tau = TAUS[to];
        self.detect();
    }

    /// Moves to the start of the next block (or of this or the previous one);
    /// false if there is none.
    pub fn move_structure(&mut self, forward: bool) -> bool {
        let row = self.position().0;
        let mut starts = self.structures.found.iter().map(|b| *b.span.start());
        let to = match forward {
            true => starts.find(|s| *s > row),
            false => starts.rfind(|s| *s < row),
        };
        to.inspect(|to| self.move_to(*to, *to)).is_some()
    }

    /// The residual block of the cursor's row.
    pub fn residual_block_at_cursor(&self) -> Option<ResidualBlock> {
        ResidualBlock::of(self.layer(self.position().0)?)
    }

    /// The residual blocks that can be deleted and whose layers all lie in a structure.
    pub fn blocks_inside(&self, structure: &BlockStructure) -> Bypass {
        let index = |position: &usize| self.indices.get(*position).copied();
        let (first, last) = (index(structure.span.start()), index(structure.span.end()));
        let within = |block: &ResidualBlock| {
            let mut layers = self.layers().iter().filter(|l| ResidualBlock::of(l) == Some(*block));
            layers.all(|l| first <= Some(l.index) && Some(l.index) <= last)
        };
        let network = self.run.manifest.model.network();
        network.deletable().into_iter().filter(within).collect()
    }

    /// Finds the blocks again after the view or the threshold changed.
    pub(super) fn detect(&mut self) {
        let Some(main) = self.run.cka() else { return };
        let map = main.values.select(&self.indices, &self.indices);
        let rule = self.rule();
        self.structures =
            Structures { found: detect(&map, rule), by_tau: sensitivity(&map, rule.min_len) };
    }
}
