//! Deleting blocks of the open run: which are deleted, what that cost, undo and
//! redo, and the jobs that measure it. Pure: jobs are effects.

use crate::domain::Map;
use crate::domain::deletion::{DeletionRow, DeletionTable};
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

    /// What deleting `blocks` together would cost if their single costs added
    /// up (to no less than accuracy zero), as a change of accuracy; `None` until all
    /// of them were measured.
    pub fn predicted(&self, blocks: &Bypass) -> Option<f64> {
        let whole = self.table.baseline()?.accuracy();
        let costs = blocks.iter().map(|b| Some(self.table.lesion(b)?.accuracy() - whole));
        costs.sum::<Option<f64>>().map(|sum| sum.max(-whole))
    }

    /// The measured change of accuracy without `blocks`.
    pub fn cost(&self, blocks: &Bypass) -> Option<f64> {
        Some(self.table.of(blocks)?.accuracy() - self.table.baseline()?.accuracy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::deletion::Experiment;

    fn row(experiment: Experiment, deleted: &str, correct: usize) -> DeletionRow {
        let deleted = deleted.parse().unwrap();
        DeletionRow { experiment, deleted, examples: 100, correct, loss: 1.0 }
    }

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

    #[test]
    fn predicted_costs_are_sums_of_lesions() {
        let mut p = Pruning::default();
        let both: Bypass = "2.1,2.2".parse().unwrap();
        assert_eq!(p.predicted(&both), None);
        p.measured(vec![
            row(Experiment::Baseline, "", 80),
            row(Experiment::Lesion, "2.1", 78),
            row(Experiment::Lesion, "2.2", 75),
            row(Experiment::Chosen, "2.1,2.2", 70),
        ]);
        assert!((p.predicted(&both).unwrap() + 0.07).abs() < 1e-12);
        assert!((p.cost(&both).unwrap() + 0.10).abs() < 1e-12);
        // costs that add up to more than there is
        p.measured(vec![row(Experiment::Lesion, "2.1", 10), row(Experiment::Lesion, "2.2", 10)]);
        assert!((p.predicted(&both).unwrap() + 0.80).abs() < 1e-12);
    }
}
