//! Deleting blocks of the open run: which are deleted, what that cost, undo and
//! redo, and the jobs that measure it. Pure: jobs are effects.

use crate::domain::Map;
use crate::domain::deletion::{Cost, DeletionRow, DeletionTable};
use crate::domain::{Bypass, ResidualBlock};

/// Steps that can be undone.
const HISTORY: usize = 200;

/// Deletions of a run.
#[derive(Debug, Clone, Default)]
pub struct Pruning {
    deleted: Bypass,
    undo: Vec<Bypass>,
    redo: Vec<Bypass>,
    table: DeletionTable,
    map: Option<(Bypass, Box<Map>)>,
}

impl Pruning {
    /// Nothing deleted; `table` is what is known already.
    pub fn new(table: DeletionTable) -> Pruning {
        Pruning { table, ..Pruning::default() }
    }

    /// A network without `deleted`, which nobody changes.
    pub fn fixed(deleted: Bypass, table: DeletionTable) -> Pruning {
        Pruning { deleted, table, ..Pruning::default() }
    }

    /// The deleted blocks.
    pub fn deleted(&self) -> &Bypass {
        &self.deleted
    }

    /// What deletions cost, as far as it was measured.
    pub fn table(&self) -> &DeletionTable {
        &self.table
    }

    /// The map of the pruned network, if it was computed, and without what.
    pub fn map(&self) -> Option<(&Bypass, &Map)> {
        self.map.as_ref().map(|(deleted, map)| (deleted, map.as_ref()))
    }

    /// Deletes a block, or takes it back.
    pub fn toggle(&mut self, block: ResidualBlock) {
        let mut next = self.deleted.clone();
        next.toggle(block);
        self.change(next);
    }

    /// Deletes these blocks and no others.
    pub fn set(&mut self, blocks: Bypass) {
        if blocks != self.deleted {
            self.change(blocks);
        }
    }

    /// Takes everything back; false if nothing was deleted.
    pub fn restore(&mut self) -> bool {
        let some = !self.deleted.is_empty();
        if some {
            self.change(Bypass::none());
        }
        some
    }

    fn change(&mut self, next: Bypass) {
        self.redo.clear();
        if self.undo.len() == HISTORY {
            self.undo.remove(0);
        }
        self.undo.push(std::mem::replace(&mut self.deleted, next));
    }

    /// One step back (or forward again); false if there is none.
    pub fn step(&mut self, back: bool) -> bool {
        let (from, to) = match back {
            true => (&mut self.undo, &mut self.redo),
            false => (&mut self.redo, &mut self.undo),
        };
        match from.pop() {
            None => false,
            Some(next) => {
                to.push(std::mem::replace(&mut self.deleted, next));
                true
            }
        }
    }

    /// Takes accuracies.
    pub fn measured(&mut self, rows: Vec<DeletionRow>) {
        self.table.merge(rows);
    }

    /// Takes the map of a pruned network.
    pub fn mapped(&mut self, deleted: Bypass, map: Box<Map>) {
        self.map = Some((deleted, map));
    }

    /// The measured cost of deleting `blocks`.
    pub fn cost(&self, blocks: &Bypass) -> Option<Cost> {
        self.table.cost_of(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_back_and_forth_and_a_new_one_forgets_what_was_undone() {
        let block = |t: &str| t.parse::<ResidualBlock>().unwrap();
        let mut p = Pruning::default();
        p.toggle(block("2.1"));
        p.toggle(block("2.2"));
        p.toggle(block("2.1"));
        assert_eq!(p.deleted().to_string(), "2.2");
        assert!(p.step(true) && p.step(true));
        assert_eq!(p.deleted().to_string(), "2.1");
        assert!(p.step(false));
        assert_eq!(p.deleted().to_string(), "2.1,2.2");
        p.toggle(block("3.1"));
        assert!(!p.step(false));
        assert!(p.restore() && !p.restore());
        assert!(p.step(true) && p.deleted().len() == 3);
    }
}
