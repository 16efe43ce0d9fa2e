//! Small multiples: which run lies where in a grid over two properties of runs,
//! as in figures 1 and 2 of *Do Wide and Deep Networks Learn the Same Things?*
//! Pure arithmetic over summaries; it opens no files and draws nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::manifest::{RunManifest, RunState};
use super::store::RunSummary;
use crate::text::{edit_distance, one_line};

/// A property of runs along which a grid is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Axis {
    /// Depth of the network.
    Depth,
    /// Channel multiplier.
    Width,
    /// Share of the training images.
    Fraction,
    /// Seed of initial weights and data order.
    Seed,
    /// Epochs trained.
    Epoch,
}

impl Axis {
    /// All axes in the order in which keys cycle through them.
    pub const ALL: [Axis; 5] = [Axis::Depth, Axis::Width, Axis::Fraction, Axis::Seed, Axis::Epoch];

    /// The name on screen and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Axis::Depth => "depth",
            Axis::Width => "width",
            Axis::Fraction => "fraction",
            Axis::Seed => "seed",
            Axis::Epoch => "epoch",
        }
    }

    /// The axis after this one that is not `other`.
    pub fn next(self, other: Axis) -> Axis {
        let at = Axis::ALL.iter().position(|axis| *axis == self).unwrap_or(0);
        let mut after = Axis::ALL.iter().cycle().skip(at + 1).take(Axis::ALL.len());
        after.find(|axis| **axis != other).copied().unwrap_or(self)
    }

    /// Where a run lies on this axis; `None` if it does not say (imported
    /// weights have no seed and no epochs).
    pub fn value(self, manifest: &RunManifest) -> Option<AxisValue> {
        Some(match self {
            Axis::Depth => AxisValue::Depth(manifest.model.depth),
            Axis::Width => AxisValue::Width(manifest.model.width),
            Axis::Fraction => AxisValue::Fraction(manifest.data.fraction),
            Axis::Seed => AxisValue::Seed(manifest.seed?),
            Axis::Epoch => AxisValue::Epoch(match manifest.state {
                RunState::Training { epoch, .. } => epoch,
                RunState::Complete => manifest.recipe.as_ref()?.epochs,
            }),
        })
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is no axis; {}", one_line(.0), meant(.0))]
pub struct AxisError(String);

fn meant(text: &str) -> String {
    let names = Axis::ALL.map(Axis::name);
    let near = names.iter().min_by_key(|name| edit_distance(&text.to_lowercase(), name));
    match near {
        Some(name) if edit_distance(&text.to_lowercase(), name) <= 2 => {
            format!("did you mean {name:?}?")
        }
        _ => format!("there are {}", names.join(", ")),
    }
}

impl FromStr for Axis {
    type Err = AxisError;

    fn from_str(text: &str) -> Result<Axis, AxisError> {
        let wanted = text.trim().to_lowercase();
        Axis::ALL
            .into_iter()
            .find(|axis| axis.name() == wanted)
            .ok_or_else(|| AxisError(text.trim().to_string()))
    }
}

/// A condition on runs: `depth=38`, `fraction=1/64`, `data=cifar10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFilter {
    /// `None` is the kind of images.
    axis: Option<Axis>,
    value: String,
}

impl RunFilter {
    /// True if a run fulfils it.
    pub fn keeps(&self, run: &RunSummary) -> bool {
        let Ok(manifest) = &run.manifest else { return false };
        match self.axis {
            None => manifest.data.source == self.value,
            Some(axis) => axis.value(manifest).is_some_and(|value| {
                value.text() == self.value || self.value.parse().is_ok_and(|v| value.is(v))
            }),
        }
    }
}

impl FromStr for RunFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<RunFilter, String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err("a condition is KEY=VALUE, as depth=38 or data=cifar10".into());
        };
        let value = value.trim().to_string();
        match key.trim() {
            "data" => Ok(RunFilter { axis: None, value }),
            key => match key.parse() {
                Ok(axis) => Ok(RunFilter { axis: Some(axis), value }),
                Err(error) => Err(format!("{error}; or data")),
            },
        }
    }
}

/// A place on an axis. Real numbers are compared to nine decimals, so that the
/// same share written twice is one place.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)] // each is the axis of that name
pub enum AxisValue {
    Depth(usize),
    Width(f64),
    Fraction(f64),
    Seed(u64),
    Epoch(usize),
}

impl AxisValue {
    /// Its axis.
    pub fn axis(self) -> Axis {
        match self {
            AxisValue::Depth(_) => Axis::Depth,
            AxisValue::Width(_) => Axis::Width,
            AxisValue::Fraction(_) => Axis::Fraction,
            AxisValue::Seed(_) => Axis::Seed,
            AxisValue::Epoch(_) => Axis::Epoch,
        }
    }

    /// True if it is that number.
    fn is(self, number: f64) -> bool {
        match self {
            AxisValue::Depth(n) | AxisValue::Epoch(n) => n as f64 == number,
            AxisValue::Seed(n) => n as f64 == number,
            AxisValue::Width(v) | AxisValue::Fraction(v) => (v - number).abs() < 5e-10,
        }
    }

    fn key(self) -> i128 {
        let real = |v: f64| (v * 1e9).round() as i128;
        match self {
            AxisValue::Depth(n) | AxisValue::Epoch(n) => n as i128,
            AxisValue::Width(v) | AxisValue::Fraction(v) => real(v),
            AxisValue::Seed(n) => i128::from(n),
        }
    }

    /// The value alone: `38`, `0.25`, `1/64`, `all`.
    pub fn text(self) -> String {
        match self {
            AxisValue::Depth(n) | AxisValue::Epoch(n) => n.to_string(),
            AxisValue::Seed(n) => n.to_string(),
            AxisValue::Width(v) => short(v),
            AxisValue::Fraction(v) if v >= 1.0 => "all".into(),
            AxisValue::Fraction(v) => {
                let inverse = 1.0 / v;
                match (inverse - inverse.round()).abs() < 1e-6 {
                    true => format!("1/{inverse:.0}"),
                    false => short(v),
                }
            }
        }
    }

    /// With its name: `depth 38`, `data 1/64`.
    pub fn label(self) -> String {
        match self {
            AxisValue::Fraction(_) => format!("data {}", self.text()),
            _ => format!("{} {}", self.axis().name(), self.text()),
        }
    }
}

/// At most three decimals, no trailing zeros.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

impl PartialEq for AxisValue {
    fn eq(&self, other: &AxisValue) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for AxisValue {}

impl PartialOrd for AxisValue {
    fn partial_cmp(&self, other: &AxisValue) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AxisValue {
    fn cmp(&self, other: &AxisValue) -> Ordering {
        (self.axis(), self.key()).cmp(&(other.axis(), other.key()))
    }
}

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

    #[test]
    fn names_parse_and_typing_errors_are_answered_with_a_guess() {
        assert_eq!(" Depth".parse(), Ok(Axis::Depth));
        let error = |text: &str| text.parse::<Axis>().unwrap_err().to_string();
        assert_eq!(error("dept"), "\"dept\" is no axis; did you mean \"depth\"?");
        assert_eq!(error("epochs"), "\"epochs\" is no axis; did you mean \"epoch\"?");
        let far = error("colour\n");
        assert_eq!(far, "\"colour\" is no axis; there are depth, width, fraction, seed, epoch");
    }

    #[test]
    fn values_print_as_people_write_them() {
        let text = |v: AxisValue| v.label();
        assert_eq!(text(AxisValue::Fraction(1.0 / 64.0)), "data 1/64");
        assert_eq!(text(AxisValue::Fraction(1.0)), "data all");
        assert_eq!(text(AxisValue::Fraction(0.3)), "data 0.3");
        assert_eq!(text(AxisValue::Width(0.25)), "width 0.25");
        assert_eq!(text(AxisValue::Epoch(300)), "epoch 300");
        let mut manifest = fixtures::manifest("a");
        assert_eq!(Axis::Epoch.value(&manifest), Some(AxisValue::Epoch(100)));
        manifest.state = RunState::Training { epoch: 7, epochs: 100 };
        assert_eq!(Axis::Epoch.value(&manifest), Some(AxisValue::Epoch(7)));
        assert_eq!(AxisValue::Fraction(0.1 + 0.2), AxisValue::Fraction(0.3));
        assert_ne!(AxisValue::Seed(u64::MAX), AxisValue::Seed(u64::MAX - 1));
    }

    #[test]
    fn filters_compare_numbers_and_names() {
        let mut half = run("a", 38, 0.5, Some(3));
        half.manifest.as_mut().unwrap().data.fraction = 1.0 / 64.0;
        let keeps = |text: &str| text.parse::<RunFilter>().unwrap().keeps(&half);
        for text in ["depth=38", "width=0.50", "fraction=1/64", "fraction=0.015625", "seed = 3"] {
            assert!(keeps(text), "{text}");
        }
        for text in ["depth=3", "width=1", "fraction=all", "seed=x", "data=shapes", "epoch="] {
            assert!(!keeps(text), "{text}");
        }
        assert!(keeps("data=cifar10"));
        let error = |text: &str| text.parse::<RunFilter>().unwrap_err();
        assert!(error("depth").contains("KEY=VALUE"));
        assert!(error("widht=2").contains("did you mean \"width\"?"), "{}", error("widht=2"));
        half.manifest = Err("broken".into());
        assert!(!"depth=38".parse::<RunFilter>().unwrap().keeps(&half));
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
