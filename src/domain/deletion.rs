//! What deleting residual blocks costs: rows of accuracies, and their interval.
//!
//! The experiment of Nguyen et al. (ICLR 2021, section 4.3; science notes §1.6):
//! blocks are bypassed and the network is evaluated without retraining.

use serde::{Deserialize, Serialize};

use super::bypass::{Bypass, ResidualBlock};
use super::flips::{Flips, Z};

/// How a set of deleted blocks came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Experiment {
    /// Nothing deleted.
    Baseline,
    /// One block alone.
    Lesion,
    /// A stage from its end backwards, one block more per row.
    Sweep,
    /// Blocks that someone chose.
    Chosen,
}

impl Experiment {
    /// The name in files and on screen.
    pub fn name(self) -> &'static str {
        match self {
            Experiment::Baseline => "baseline",
            Experiment::Lesion => "lesion",
            Experiment::Sweep => "sweep",
            Experiment::Chosen => "chosen",
        }
    }
}

/// One evaluation without some blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct DeletionRow {
    /// How it came about.
    pub experiment: Experiment,
    /// What was deleted.
    pub deleted: Bypass,
    /// Images evaluated (the first of the test split).
    pub examples: usize,
    /// Images whose largest logit is their label.
    pub correct: usize,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Images that change against the whole network on the same images; `None` for the
    /// whole network itself, and for rows of before this was counted.
    pub flips: Option<Flips>,
}

/// A cost below this is called small, as a change of accuracy.
pub const SMALL_COST: f64 = 0.01;

/// What deleting blocks costs: a difference on the same images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Change of accuracy, -1 to 1; negative where accuracy falls.
    pub change: f64,
    /// Its interval at 95 % ([`Flips::interval`]), if the images were paired.
    pub interval: Option<(f64, f64)>,
    /// Images it was measured on.
    pub examples: usize,
}

impl Cost {
    /// Whether accuracy falls by less than `limit`, certain to 97.5 %.
    pub fn is_surely_under(&self, limit: f64) -> bool {
        self.interval.is_some_and(|(low, _)| low > -limit)
    }
}

impl DeletionRow {
    /// Share of correct images, 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.examples.max(1) as f64
    }

    /// Its Wilson interval at 95 %.
    pub fn interval(&self) -> (f64, f64) {
        wilson(self.correct, self.examples)
    }
}

/// All evaluations of a run without blocks, ordered by experiment and blocks: one row
/// per set of blocks and experiment, and one of the whole network per number of images,
/// since a cost is a difference on the same images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletionTable {
    rows: Vec<DeletionRow>,
}

impl DeletionTable {
    /// The rows.
    pub fn rows(&self) -> &[DeletionRow] {
        &self.rows
    }

    /// Adds rows. A set of blocks has one value, whatever experiments it is part of: that
    /// on most images, and of those the one that came last. Blocks that were chosen are
    /// no row of their own where another experiment deletes the same.
    pub fn merge(&mut self, rows: impl IntoIterator<Item = DeletionRow>) {
        for row in rows {
            self.take(row);
        }
        let rows = &mut self.rows;
        let planned: Vec<Bypass> = rows
            .iter()
            .filter(|r| r.experiment != Experiment::Chosen)
            .map(|r| r.deleted.clone())
            .collect();
        rows.retain(|r| r.experiment != Experiment::Chosen || !planned.contains(&r.deleted));
        rows.sort_by(|a, b| {
            let key = |r: &DeletionRow| {
                (r.experiment, r.deleted.first().map(|f| f.stage), r.deleted.len(), r.examples)
            };
            key(a).cmp(&key(b)).then_with(|| a.deleted.iter().cmp(b.deleted.iter()))
        });
    }

    fn take(&mut self, mut row: DeletionRow) {
        if row.deleted.is_empty() {
            row.experiment = Experiment::Baseline;
            let same = |r: &DeletionRow| r.deleted.is_empty() && r.examples == row.examples;
            self.rows.retain(|r| !same(r));
            self.rows.push(row);
            return;
        }
        if row.experiment == Experiment::Chosen && row.deleted.len() == 1 {
            row.experiment = Experiment::Lesion;
        }
        if let Some(best) = self.of(&row.deleted)
            && (best.examples, best.flips.is_some()) > (row.examples, row.flips.is_some())
        {
            row = DeletionRow { experiment: row.experiment, ..best.clone() };
        }
        let mut found = false;
        for old in self.rows.iter_mut().filter(|old| old.deleted == row.deleted) {
            let experiment = old.experiment;
            found |= experiment == row.experiment;
            *old = DeletionRow { experiment, ..row.clone() };
        }
        if !found {
            self.rows.push(row);
        }
    }

    /// The whole network on the most images.
    pub fn baseline(&self) -> Option<&DeletionRow> {
        self.rows.iter().filter(|r| r.deleted.is_empty()).max_by_key(|r| r.examples)
    }

    /// The whole network on the same images as a row.
    pub fn baseline_of(&self, row: &DeletionRow) -> Option<&DeletionRow> {
        self.rows.iter().find(|r| r.deleted.is_empty() && r.examples == row.examples)
    }

    /// What a row's blocks cost; `None` for the whole network, and if that was not
    /// evaluated on the same images.
    pub fn cost(&self, row: &DeletionRow) -> Option<Cost> {
        if row.deleted.is_empty() {
            return None;
        }
        let examples = row.examples;
        match row.flips {
            Some(flips) => Some(Cost {
                change: flips.change(examples),
                interval: Some(flips.interval(examples)),
                examples,
            }),
            None => {
                let change = row.accuracy() - self.baseline_of(row)?.accuracy();
                Some(Cost { change, interval: None, examples })
            }
        }
    }

    /// The evaluation with exactly these blocks deleted.
    pub fn of(&self, deleted: &Bypass) -> Option<&DeletionRow> {
        self.rows.iter().filter(|r| r.deleted == *deleted).max_by_key(|r| r.examples)
    }

    /// What deleting exactly these blocks costs.
    pub fn cost_of(&self, deleted: &Bypass) -> Option<Cost> {
        self.cost(self.of(deleted)?)
    }

    /// The evaluation without one block.
    pub fn lesion(&self, block: ResidualBlock) -> Option<&DeletionRow> {
        self.of(&[block].into_iter().collect())
    }

    /// Sets of blocks with their costs, each once, in the order of the rows.
    pub fn costs(&self) -> Vec<(&DeletionRow, Option<Cost>)> {
        let mut once: Vec<&DeletionRow> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.deleted.is_empty()) {
            if !once.iter().any(|known| known.deleted == row.deleted) {
                once.push(row);
            }
        }
        once.into_iter().map(|row| (row, self.cost(row))).collect()
    }

    /// The blocks that alone cost surely less than `limit`.
    pub fn cheap(&self, limit: f64) -> Bypass {
        let alone = self.costs().into_iter().filter(|(row, _)| row.deleted.len() == 1);
        alone
            .filter(|(_, cost)| cost.is_some_and(|cost| cost.is_surely_under(limit)))
            .filter_map(|(row, _)| row.deleted.first())
            .collect()
    }

    /// What deleting `blocks` together costs if their single costs add up (to no less
    /// than accuracy zero), as a change of accuracy; `None` until all were measured.
    pub fn predicted(&self, blocks: &Bypass) -> Option<f64> {
        let costs: Option<Vec<(f64, f64)>> = blocks
            .iter()
            .map(|block| {
                let row = self.lesion(block)?;
                let change = self.cost(row)?.change;
                Some((change, row.accuracy() - change))
            })
            .collect();
        let costs = costs?;
        let whole = costs.iter().map(|(_, whole)| *whole).fold(f64::NAN, f64::max);
        (!costs.is_empty()).then(|| costs.iter().map(|(change, _)| change).sum::<f64>().max(-whole))
    }
}

/// The Wilson score interval of a proportion at 95 % (Wilson 1927).
///
/// With no trial it is `(0, 1)`.
pub fn wilson(successes: usize, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let z = Z;
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let centre = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(experiment: Experiment, deleted: &str, examples: usize) -> DeletionRow {
        let deleted = deleted.parse().unwrap();
        DeletionRow { experiment, deleted, examples, correct: examples / 2, loss: 1.0, flips: None }
    }

    fn paired(experiment: Experiment, deleted: &str, examples: usize, lost: usize) -> DeletionRow {
        let flips = Some(Flips { lost, won: 0 });
        DeletionRow { correct: examples / 2 - lost, flips, ..row(experiment, deleted, examples) }
    }

    #[test]
    fn wilson_agrees_with_published_values() {
        // Newcombe 1998, table I: 81 of 263, and 0 of 20
        let (lo, hi) = wilson(81, 263);
        assert!((lo - 0.2553).abs() < 5e-5 && (hi - 0.3662).abs() < 5e-5, "{lo} {hi}");
        let (lo, hi) = wilson(0, 20);
        assert!(lo == 0.0 && (hi - 0.1611).abs() < 5e-5, "{hi}");
        assert_eq!(wilson(0, 0), (0.0, 1.0));
    }

    #[test]
    fn rows_merge_by_blocks_and_keep_the_better_evaluation() {
        let mut table = DeletionTable::default();
        table.merge([row(Experiment::Lesion, "2.1", 512), row(Experiment::Baseline, "", 10)]);
        table.merge([row(Experiment::Lesion, "2.1", 10_000), row(Experiment::Lesion, "1.1", 10)]);
        table.merge([row(Experiment::Lesion, "2.1", 512)]);
        let shown: Vec<_> =
            table.rows().iter().map(|r| (r.deleted.to_string(), r.examples)).collect();
        assert_eq!(shown, [("".into(), 10), ("1.1".into(), 10), ("2.1".into(), 10_000)]);
        assert!(table.lesion("2.1".parse().unwrap()).is_some());
        assert!(table.baseline().is_some());
    }

    #[test]
    fn a_cost_is_a_difference_on_its_own_images() {
        let mut table = DeletionTable::default();
        let whole =
            |examples, correct| DeletionRow { correct, ..row(Experiment::Baseline, "", examples) };
        let old = DeletionRow { correct: 900, ..row(Experiment::Lesion, "2.1", 2_500) };
        table.merge([whole(2_500, 1_000), old.clone()]);
        let cost = table.cost_of(&old.deleted).unwrap();
        assert!((cost.change + 0.04).abs() < 1e-12 && cost.interval.is_none());
        // more images for another set, and for the whole network, change nothing here
        table.merge([whole(10_000, 5_000), paired(Experiment::Chosen, "2.1,2.2", 10_000, 7)]);
        assert_eq!(table.cost_of(&old.deleted), Some(cost));
        let cost = table.cost_of(&"2.1,2.2".parse().unwrap()).unwrap();
        assert!((cost.change + 0.0007).abs() < 1e-12 && cost.examples == 10_000);
        assert!(cost.is_surely_under(0.01) && !cost.is_surely_under(0.0007));
        // without the whole network on these images there is no cost
        table.merge([row(Experiment::Lesion, "3.1", 77)]);
        assert_eq!(table.cost_of(&"3.1".parse().unwrap()), None);
        assert_eq!(table.baseline().unwrap().examples, 10_000);
    }

    #[test]
    fn a_set_of_blocks_has_one_value_whatever_experiments_it_is_part_of() {
        let mut table = DeletionTable::default();
        table.merge([row(Experiment::Lesion, "2.2", 500), row(Experiment::Sweep, "2.2", 500)]);
        table.merge([row(Experiment::Sweep, "2.1,2.2", 500)]);
        table.merge([
            paired(Experiment::Chosen, "2.2", 10_000, 3),
            paired(Experiment::Chosen, "2.1,2.2", 10_000, 9),
        ]);
        let shown: Vec<_> = table
            .rows()
            .iter()
            .map(|r| (r.experiment.name(), r.deleted.to_string(), r.examples))
            .collect();
        let row = |name, blocks: &str| (name, blocks.to_string(), 10_000);
        assert_eq!(shown, [row("lesion", "2.2"), row("sweep", "2.2"), row("sweep", "2.1,2.2")]);
        assert_eq!(table.costs().len(), 2, "each set once");
        assert_eq!(table.cheap(0.01).to_string(), "2.2");
        // an experiment that comes later on fewer images takes what is known
        table.merge([paired(Experiment::Lesion, "2.2", 500, 100)]);
        assert_eq!(table.lesion("2.2".parse().unwrap()).unwrap().examples, 10_000);
    }

    #[test]
    fn predicted_costs_are_sums_of_lesions() {
        let mut table = DeletionTable::default();
        let both: Bypass = "2.1,2.2".parse().unwrap();
        assert_eq!(table.predicted(&both), None);
        let row =
            |experiment, deleted, correct| DeletionRow { correct, ..row(experiment, deleted, 100) };
        table.merge([
            row(Experiment::Baseline, "", 80),
            row(Experiment::Lesion, "2.1", 78),
            row(Experiment::Lesion, "2.2", 75),
            row(Experiment::Chosen, "2.1,2.2", 70),
        ]);
        assert!((table.predicted(&both).unwrap() + 0.07).abs() < 1e-12);
        assert!((table.cost_of(&both).unwrap().change + 0.10).abs() < 1e-12);
        // costs that add up to more than there is
        table.merge([row(Experiment::Lesion, "2.1", 10), row(Experiment::Lesion, "2.2", 10)]);
        assert!((table.predicted(&both).unwrap() + 0.80).abs() < 1e-12);
    }
}
