//! Small multiples: which run lies where in a grid over two properties of runs,
//! as in figures 1 and 2 of *Do Wide and Deep Networks Learn the Same Things?*
//! Pure arithmetic over summaries; it opens no files and draws nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::axis::{Axis, AxisValue};
use super::manifest::RunManifest;
use super::store::RunSummary;

/// Why a run has no place in a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Its manifest or its analysis cannot be read.
    Unreadable,
    /// It was not analysed yet.
    NoAnalysis,
    /// It does not say where it lies on an axis.
    NoValue(Axis),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeftOut::Unreadable => f.write_str("unreadable"),
            LeftOut::NoAnalysis => f.write_str("without analysis"),
            LeftOut::NoValue(axis) => write!(f, "without {axis}"),
        }
    }
}

/// Which run lies where. Runs are named by their index in the list that the plan
/// was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GridPlan {
    axes: (Axis, Axis),
    rows: Vec<AxisValue>,
    cols: Vec<AxisValue>,
    /// Row by row; runs of a cell by seed, then by name.
    cells: Vec<Vec<usize>>,
    left_out: Vec<(usize, LeftOut)>,
}

impl GridPlan {
    /// Lays runs out by two axes: distinct values of each, ascending.
    pub fn new(runs: &[RunSummary], rows: Axis, cols: Axis) -> GridPlan {
        let mut places: BTreeMap<(AxisValue, AxisValue), Vec<usize>> = BTreeMap::new();
        let mut left_out = Vec::new();
        for (at, run) in runs.iter().enumerate() {
            match usable(run).and_then(|m| Ok((place(m, rows)?, place(m, cols)?))) {
                Ok(key) => places.entry(key).or_default().push(at),
                Err(why) => left_out.push((at, why)),
            }
        }
        let distinct = |values: BTreeSet<AxisValue>| values.into_iter().collect::<Vec<_>>();
        let row_values = distinct(places.keys().map(|(row, _)| *row).collect());
        let col_values = distinct(places.keys().map(|(_, col)| *col).collect());
        let mut cells = Vec::with_capacity(row_values.len() * col_values.len());
        for row in &row_values {
            for col in &col_values {
                let mut here = places.remove(&(*row, *col)).unwrap_or_default();
                here.sort_by_key(|at| {
                    let seed = runs[*at].manifest.as_ref().ok().and_then(|m| m.seed);
                    (seed.is_none(), seed, runs[*at].name.clone())
                });
                cells.push(here);
            }
        }
        GridPlan { axes: (rows, cols), rows: row_values, cols: col_values, cells, left_out }
    }

    /// The two axes on which the runs differ most: those with the most distinct
    /// values, in the order of [`Axis::ALL`].
    pub fn default_axes(runs: &[RunSummary]) -> (Axis, Axis) {
        let manifests: Vec<&RunManifest> = runs.iter().filter_map(|r| usable(r).ok()).collect();
        let distinct = |axis: Axis| {
            manifests.iter().filter_map(|m| axis.value(m)).collect::<BTreeSet<_>>().len()
        };
        let mut axes = Axis::ALL;
        // stable: of equals, the earlier
        axes.sort_by_key(|axis| std::cmp::Reverse(distinct(*axis)));
        let (a, b) = (axes[0], axes[1]);
        (a.min(b), a.max(b))
    }

    /// The axes of the rows and of the columns.
    pub fn axes(&self) -> (Axis, Axis) {
        self.axes
    }

    /// The values of the rows, ascending.
    pub fn rows(&self) -> &[AxisValue] {
        &self.rows
    }

    /// The values of the columns, ascending.
    pub fn cols(&self) -> &[AxisValue] {
        &self.cols
    }

    /// Rows and columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows.len(), self.cols.len())
    }

    /// True if no run has a place.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The runs of a cell; none in one that no run fills or outside the grid.
    pub fn cell(&self, row: usize, col: usize) -> &[usize] {
        match row < self.rows.len() && col < self.cols.len() {
            true => &self.cells[row * self.cols.len() + col],
            false => &[],
        }
    }

    /// The cell of a run and its number there.
    pub fn find(&self, run: usize) -> Option<(usize, usize, usize)> {
        self.cells.iter().enumerate().find_map(|(at, cell)| {
            let nth = cell.iter().position(|r| *r == run)?;
            Some((at / self.cols.len(), at % self.cols.len(), nth))
        })
    }

    /// Runs that have a place.
    pub fn placed(&self) -> usize {
        self.cells.iter().map(Vec::len).sum()
    }

    /// Runs that have none, and why.
    pub fn left_out(&self) -> &[(usize, LeftOut)] {
        &self.left_out
    }

    /// `3 runs left out: 2 without analysis, 1 without seed`; nothing if none.
    pub fn left_out_text(&self) -> Option<String> {
        let mut counts: BTreeMap<LeftOut, usize> = BTreeMap::new();
        for (_, why) in &self.left_out {
            *counts.entry(*why).or_default() += 1;
        }
        let parts: Vec<String> = counts.iter().map(|(why, n)| format!("{n} {why}")).collect();
        let plural = if self.left_out.len() == 1 { "run" } else { "runs" };
        (!parts.is_empty())
            .then(|| format!("{} {plural} left out: {}", self.left_out.len(), parts.join(", ")))
    }
}

/// The manifest of a run that has a map.
fn usable(run: &RunSummary) -> Result<&RunManifest, LeftOut> {
    match (&run.manifest, run.analysis, &run.analysis_error) {
        (Err(_), ..) | (Ok(_), false, Some(_)) => Err(LeftOut::Unreadable),
        (Ok(_), false, None) => Err(LeftOut::NoAnalysis),
        (Ok(manifest), true, _) => Ok(manifest),
    }
}

fn place(manifest: &RunManifest, axis: Axis) -> Result<AxisValue, LeftOut> {
    axis.value(manifest).ok_or(LeftOut::NoValue(axis))
}

#[cfg(test)]
mod tests {
    use super::super::{RunId, fixtures};
    use super::*;
    use proptest::prelude::*;

    /// A run that was analysed.
    fn run(name: &str, depth: usize, width: f64, seed: Option<u64>) -> RunSummary {
        let mut manifest = fixtures::manifest(name);
        manifest.model.depth = depth;
        manifest.model.width = width;
        manifest.seed = seed;
        RunSummary {
            id: RunId::Embedded(name.into()),
            name: name.into(),
            manifest: Ok(manifest),
            analysis: true,
            analysis_error: None,
            preview: None,
        }
    }

    fn texts(values: &[AxisValue]) -> Vec<String> {
        values.iter().map(|v| v.label()).collect()
    }

    #[test]
    fn values_are_sorted_as_numbers_and_cells_keep_all_their_runs() {
        let runs = [
            run("a", 110, 1.0, Some(0)),
            run("c", 38, 10.0, Some(2)),
            run("b", 38, 10.0, Some(1)),
            run("d", 38, 2.0, None),
            run("e", 38, 2.0, Some(9)),
        ];
        let plan = GridPlan::new(&runs, Axis::Depth, Axis::Width);
        assert_eq!(texts(plan.rows()), ["depth 38", "depth 110"]);
        assert_eq!(texts(plan.cols()), ["width 1", "width 2", "width 10"]);
        assert_eq!(plan.cell(0, 2), [2, 1], "by seed");
        assert_eq!(plan.cell(0, 1), [4, 3], "without a seed last");
        assert_eq!(plan.cell(1, 0), [0]);
        assert_eq!((plan.cell(0, 0), plan.cell(7, 7)), (&[][..], &[][..]));
        assert_eq!((plan.shape(), plan.placed()), ((2, 3), 5));
        assert_eq!(plan.find(1), Some((0, 2, 1)));
        assert_eq!(plan.left_out_text(), None);
    }

    #[test]
    fn what_has_no_place_is_listed_with_the_reason() {
        let mut bare = run("bare", 14, 1.0, Some(0));
        bare.analysis = false;
        let mut torn = bare.clone();
        torn.analysis_error = Some("cka.npy: missing".into());
        let mut broken = bare.clone();
        broken.manifest = Err("run.ron:3:14".into());
        let runs = [run("a", 14, 1.0, Some(0)), bare, torn, broken, run("import", 20, 1.0, None)];
        let plan = GridPlan::new(&runs, Axis::Depth, Axis::Seed);
        assert_eq!(
            plan.left_out(),
            [
                (1, LeftOut::NoAnalysis),
                (2, LeftOut::Unreadable),
                (3, LeftOut::Unreadable),
                (4, LeftOut::NoValue(Axis::Seed))
            ]
        );
        assert_eq!(
            plan.left_out_text().unwrap(),
            "4 runs left out: 2 unreadable, 1 without analysis, 1 without seed"
        );
        assert_eq!(plan.find(4), None);
        let none = GridPlan::new(&runs[1..4], Axis::Depth, Axis::Width);
        assert!(none.is_empty() && none.shape() == (0, 0));
    }

    #[test]
    fn default_axes_are_those_on_which_runs_differ_most() {
        let widths = [1.0, 2.0, 4.0].map(|w| run("w", 14, w, Some(0)));
        assert_eq!(GridPlan::default_axes(&widths), (Axis::Depth, Axis::Width));
        let seeds = [0, 1, 2].map(|s| run("s", 14 + 6 * s as usize, 1.0, Some(s)));
        assert_eq!(GridPlan::default_axes(&seeds), (Axis::Depth, Axis::Seed));
        assert_eq!(GridPlan::default_axes(&[]), (Axis::Depth, Axis::Width));
        assert_eq!(Axis::Depth.next(Axis::Width), Axis::Fraction);
        assert_eq!(Axis::Epoch.next(Axis::Width), Axis::Depth);
    }

    proptest! {
        #[test]
        fn every_run_has_one_place_or_one_reason(
            specs in prop::collection::vec((1usize..6, 1u8..5, prop::option::of(0u64..4), 0u8..6), 0..40),
            axes in (0usize..5, 0usize..5),
        ) {
            let runs: Vec<RunSummary> = specs
                .iter()
                .enumerate()
                .map(|(i, (n, w, seed, state))| {
                    let mut run = run(&format!("r{i}"), 6 * n + 2, f64::from(*w) / 4.0, *seed);
                    run.analysis = *state > 0;
                    if *state == 1 {
                        run.manifest = Err("broken".into());
                    }
                    run
                })
                .collect();
            let (rows, cols) = (Axis::ALL[axes.0], Axis::ALL[axes.1]);
            let plan = GridPlan::new(&runs, rows, cols);
            prop_assert_eq!(plan.placed() + plan.left_out().len(), runs.len());
            prop_assert!(plan.rows().is_sorted_by(|a, b| a < b));
            prop_assert!(plan.cols().is_sorted_by(|a, b| a < b));
            for (i, run) in runs.iter().enumerate() {
                match plan.find(i) {
                    Some((r, c, nth)) => {
                        let manifest = run.manifest.as_ref().unwrap();
                        prop_assert_eq!(rows.value(manifest), Some(plan.rows()[r]));
                        prop_assert_eq!(cols.value(manifest), Some(plan.cols()[c]));
                        prop_assert_eq!(plan.cell(r, c)[nth], i);
                        prop_assert!(run.analysis);
                    }
                    None => prop_assert!(plan.left_out().iter().any(|(at, _)| *at == i)),
                }
            }
            // no empty row and no empty column
            let (h, w) = plan.shape();
            prop_assert!((0..h).all(|r| (0..w).any(|c| !plan.cell(r, c).is_empty())));
            prop_assert!((0..w).all(|c| (0..h).any(|r| !plan.cell(r, c).is_empty())));
        }
    }
}
