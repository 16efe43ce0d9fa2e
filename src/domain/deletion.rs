//! What deleting residual blocks costs: rows of accuracies, and their interval.
//!
//! The experiment of Nguyen et al. (ICLR 2021, section 4.3; science notes §1.6):
//! blocks are bypassed and the network is evaluated without retraining.

use serde::{Deserialize, Serialize};

use super::bypass::{Bypass, ResidualBlock};

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

/// All evaluations of a run without blocks, one row per set of blocks and
/// experiment, ordered by experiment and blocks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletionTable {
    rows: Vec<DeletionRow>,
}

impl DeletionTable {
    /// The rows.
    pub fn rows(&self) -> &[DeletionRow] {
        &self.rows
    }

    /// Adds rows; one of the same experiment and blocks gives way unless it was
    /// evaluated on more images.
    pub fn merge(&mut self, rows: impl IntoIterator<Item = DeletionRow>) {
        for row in rows {
            let same =
                |r: &&mut DeletionRow| r.experiment == row.experiment && r.deleted == row.deleted;
            match self.rows.iter_mut().find(same) {
                Some(old) if old.examples > row.examples => {}
                Some(old) => *old = row,
                None => self.rows.push(row),
            }
        }
        self.rows.sort_by(|a, b| {
            let key = |r: &DeletionRow| {
                (r.experiment, r.deleted.first().map(|f| f.stage), r.deleted.len())
            };
            key(a).cmp(&key(b)).then_with(|| a.deleted.iter().cmp(b.deleted.iter()))
        });
    }

    /// The full network's row.
    pub fn baseline(&self) -> Option<&DeletionRow> {
        self.rows.iter().find(|r| r.experiment == Experiment::Baseline)
    }

    /// The best evaluated row with exactly these blocks deleted.
    pub fn of(&self, deleted: &Bypass) -> Option<&DeletionRow> {
        self.rows.iter().filter(|r| r.deleted == *deleted).max_by_key(|r| r.examples)
    }

    /// The lesion of one block.
    pub fn lesion(&self, block: ResidualBlock) -> Option<&DeletionRow> {
        let alone: Bypass = [block].into_iter().collect();
        self.rows.iter().find(|r| r.experiment == Experiment::Lesion && r.deleted == alone)
    }
}

/// The Wilson score interval of a proportion at 95 % (Wilson 1927).
///
/// With no trial it is `(0, 1)`.
pub fn wilson(successes: usize, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let z = 1.959_963_984_540_054_f64;
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
        DeletionRow { experiment, deleted, examples, correct: examples / 2, loss: 1.0 }
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
}
