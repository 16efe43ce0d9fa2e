//! A network beside itself without some of its blocks: the whole one left, the
//! pruned one right. Both have the same layers; those of deleted blocks are
//! undefined in the pruned one's map.

use crate::app::explorer::Explorer;
use crate::app::pruning::Pruning;
use crate::domain::deletion::DeletionRow;
use crate::domain::{Bypass, Layer, Map, MapKey};
use crate::runs::{LoadedRun, RunId, RunMaps};

use super::{Compare, Pane};

impl Compare {
    /// The open run beside what its pruned map shows; `None` until that map was
    /// computed. View, pooling, scale and cursor are those of the open run.
    pub(in crate::app) fn with_pruned(e: &Explorer, size: (u16, u16)) -> Option<Compare> {
        let (deleted, map) = e.pruning.map()?;
        // it stands in the place of a main map there
        let main = Map { key: MapKey::cka(), ..map.clone() };
        let mut manifest = e.run().manifest.clone();
        manifest.name = format!("{} without {deleted}", manifest.name);
        // first components and probes are those of the whole network
        let pruned =
            LoadedRun::new(e.run().id.clone(), manifest, RunMaps::new(vec![main], Vec::new()));
        let mut compare = Compare::new(e.run().clone(), pruned, None, size);
        compare.sides[0].album = e.album.clone();
        compare.sides[1].pruning = Pruning::fixed(deleted.clone(), e.pruning.table().clone());
        compare.both(|side| {
            side.set_view(e.view());
            if side.pooling() != e.pooling() {
                side.next_pooling();
            }
            if side.auto_range() != e.auto_range() {
                side.toggle_range();
            }
        });
        let (row, col) = e.cursor();
        compare.sides[0].put(row, col);
        compare.follow();
        Some(compare)
    }

    /// Takes accuracies of the open run; they are news to its pruned side alone.
    pub(in crate::app) fn measured(&mut self, rows: &[DeletionRow]) {
        let pruned = |side: &&mut Explorer| !side.pruning.deleted().is_empty();
        if let Some(side) = self.sides.iter_mut().find(pruned) {
            side.pruning.measured(rows.to_vec());
        }
    }

    /// The two runs, unless one side is the other one pruned.
    pub(in crate::app) fn runs(&self) -> Option<[RunId; 2]> {
        let ids = || [0, 1].map(|side: usize| self.sides[side].run().id.clone());
        self.pruned().is_none().then(ids)
    }

    /// What the pruned side lacks, if one of them is the other one pruned.
    pub fn pruned(&self) -> Option<&Bypass> {
        self.sides.iter().map(|side| side.pruning.deleted()).find(|deleted| !deleted.is_empty())
    }

    /// True if a layer of a side belongs to a block that it lacks.
    pub fn lacks(&self, side: &Explorer, layer: &Layer) -> bool {
        side.pruning.deleted().contains_layer(layer)
    }

    /// A side's name: that of its run, or what it lacks.
    pub fn name(&self, pane: Pane) -> String {
        let side = self.side(pane);
        match side.pruning.deleted() {
            deleted if deleted.is_empty() => side.run().manifest.name.clone(),
            deleted => format!("without {deleted}"),
        }
    }
}
