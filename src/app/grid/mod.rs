//! The grid of small multiples: one map per place on two axes of the runs, all
//! on one fixed scale. State and what keys do to it; knows no terminal, and no
//! files: maps are asked for with effects, a few at a time, and those that were
//! not looked at for longest are let go of again.

mod keys;
mod layout;
mod maps;

use crate::domain::{Map, Pooling, View};
use crate::runs::{Axis, GridPlan, RunId, RunSummary};

use super::layout::Area;
use super::mode::MapMode;

pub use layout::GridLayout;
pub use maps::{Multiple, Shown};

use layout::GAP;
use maps::{Key, Maps};

/// Sides of a multiple in pixels that keys step through.
const SIDES: [u16; 10] = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192];
/// Least and greatest side that a grid is fitted to; if less is needed, it scrolls.
const FITTED: (u16, u16) = (14, 128);

/// The maps that the grid shows: those whose values are similarities.
pub fn modes() -> Vec<MapMode> {
    MapMode::of_whole_networks()
}

/// How a grid was left, for the next one.
#[derive(Debug, Clone)]
pub struct GridMemory {
    axes: Option<(Axis, Axis)>,
    selected: Option<RunId>,
    side: Option<u16>,
    view: View,
    mode: MapMode,
    pooling: Pooling,
}

/// The open grid.
#[derive(Debug, Clone)]
pub struct Grid {
    runs: Vec<RunSummary>,
    plan: GridPlan,
    /// Which run of each cell is shown, row by row.
    nth: Vec<usize>,
    cursor: (usize, usize),
    origin: (usize, usize),
    /// A side chosen by key; else the largest that fits.
    side: Option<u16>,
    view: View,
    mode: MapMode,
    pooling: Pooling,
    maps: Maps,
    size: (u16, u16),
}

impl Grid {
    /// The grid of a list of runs as the last one was left, if any, with the run
    /// `selected` there; else with the two axes on which the runs differ most, turned
    /// so that maps are largest.
    pub fn new(
        runs: Vec<RunSummary>,
        size: (u16, u16),
        like: Option<&GridMemory>,
        selected: Option<&RunId>,
    ) -> Grid {
        let known = like.and_then(|like| like.axes);
        let axes = known.unwrap_or_else(|| GridPlan::default_axes(&runs));
        let mut grid = Grid {
            plan: GridPlan::new(&[], axes.0, axes.1),
            runs,
            nth: Vec::new(),
            cursor: (0, 0),
            origin: (0, 0),
            side: like.and_then(|like| like.side),
            view: like.map_or_else(View::default, |like| like.view),
            mode: like.map_or_else(MapMode::default, |like| like.mode),
            pooling: like.map_or_else(Pooling::default, |like| like.pooling),
            maps: Maps::default(),
            size,
        };
        let selected = like.map_or(selected, |like| like.selected.as_ref());
        grid.lay_out(axes, selected);
        if known.is_none() {
            grid.turn_to_fit();
        }
        grid
    }

    /// What the next grid shall be like.
    pub(super) fn memory(&self) -> GridMemory {
        GridMemory {
            axes: (!self.plan.is_empty()).then(|| self.plan.axes()),
            selected: self.selection().map(|run| run.id.clone()),
            side: self.side,
            view: self.view,
            mode: self.mode,
            pooling: self.pooling,
        }
    }

    /// Swaps the axes if that makes fitted maps larger: screens are wider than high.
    fn turn_to_fit(&mut self) {
        let (rows, cols) = self.plan.axes();
        let side = self.side();
        self.set_axes((cols, rows));
        if self.side() <= side {
            self.set_axes((rows, cols));
        }
    }

    /// Lays the runs out anew and selects a run, if it has a place.
    fn lay_out(&mut self, (rows, cols): (Axis, Axis), select: Option<&RunId>) {
        self.plan = GridPlan::new(&self.runs, rows, cols);
        let (h, w) = self.plan.shape();
        self.nth = vec![0; h * w];
        let at = select.and_then(|id| self.runs.iter().position(|run| run.id == *id));
        match at.and_then(|at| self.plan.find(at)) {
            Some((row, col, nth)) => {
                self.cursor = (row, col);
                self.nth[row * w + col] = nth;
            }
            None => self.cursor = (0, 0),
        }
        self.scroll();
    }

    /// Which run lies where.
    pub fn plan(&self) -> &GridPlan {
        &self.plan
    }

    /// Which layers are shown.
    pub fn view(&self) -> View {
        self.view
    }

    /// Which map is shown.
    pub fn mode(&self) -> MapMode {
        self.mode
    }

    /// How cells are pooled.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// The selected place: row and column.
    pub fn cursor(&self) -> (usize, usize) {
        self.cursor
    }

    /// The run that a place shows.
    pub fn run(&self, row: usize, col: usize) -> Option<&RunSummary> {
        let nth = *self.nth.get(row * self.plan.shape().1 + col)?;
        self.runs.get(*self.plan.cell(row, col).get(nth)?)
    }

    /// Which of its runs a place shows, from 0.
    pub fn nth(&self, row: usize, col: usize) -> usize {
        self.nth.get(row * self.plan.shape().1 + col).copied().unwrap_or(0)
    }

    /// The run of the selected place.
    pub fn selection(&self) -> Option<&RunSummary> {
        self.run(self.cursor.0, self.cursor.1)
    }

    /// What a place shows.
    pub fn multiple(&self, row: usize, col: usize) -> Multiple<'_> {
        let Some(run) = self.run(row, col) else { return Multiple::Missing };
        self.maps.get(&run.id, self.mode, self.key())
    }

    /// Side of a multiple in pixels: even, so that it ends with a cell.
    pub fn side(&self) -> u16 {
        let places = GridLayout::new(self.size);
        let side = self.side.unwrap_or_else(|| {
            let (rows, cols) = self.plan.shape();
            let (rows, cols) = (rows.max(1) as u16, cols.max(1) as u16);
            let high = 2 * (places.maps.h.saturating_sub(1) / rows).saturating_sub(1);
            let wide = (places.maps.w / cols).saturating_sub(GAP);
            high.min(wide).clamp(FITTED.0, FITTED.1)
        });
        side.min(places.largest()) & !1
    }

    /// True while the multiples are as large as fits.
    pub fn is_fitted(&self) -> bool {
        self.side.is_none()
    }

    /// The rows and columns on screen.
    pub fn visible(&self) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (h, w) = self.plan.shape();
        let (rows, cols) = GridLayout::new(self.size).fits(self.side());
        let (r, c) = self.origin;
        (r.min(h)..(r + rows).min(h), c.min(w)..(c + cols).min(w))
    }

    /// The cells of a place's map, if it is on screen.
    pub fn area(&self, row: usize, col: usize) -> Option<Area> {
        let (rows, cols) = self.visible();
        let maps = GridLayout::new(self.size).maps;
        let side = self.side();
        let at = |i: usize, shown: &std::ops::Range<usize>| {
            shown.contains(&i).then(|| (i - shown.start) as u16)
        };
        let (r, c) = (at(row, &rows)?, at(col, &cols)?);
        let (x, y) = (maps.x + 1 + c * (side + GAP), maps.y + 1 + r * (side / 2 + 1));
        Some(Area::new(x, y, side, side / 2))
    }

    /// The place under a cell of the screen.
    fn place_at(&self, at: (u16, u16)) -> Option<(usize, usize)> {
        let (rows, cols) = self.visible();
        rows.flat_map(|r| cols.clone().map(move |c| (r, c)))
            .find(|(r, c)| self.area(*r, *c).is_some_and(|area| area.contains(at)))
    }

    fn key(&self) -> Key {
        Key { view: self.view, pooling: self.pooling, side: self.side() }
    }

    /// Keeps the cursor in the grid and on screen.
    fn scroll(&mut self) {
        let (h, w) = self.plan.shape();
        let (rows, cols) = GridLayout::new(self.size).fits(self.side());
        self.cursor =
            (self.cursor.0.min(h.saturating_sub(1)), self.cursor.1.min(w.saturating_sub(1)));
        let show = |origin: usize, at: usize, fits: usize, all: usize| {
            origin.max((at + 1).saturating_sub(fits)).min(at).min(all.saturating_sub(fits))
        };
        self.origin = (
            show(self.origin.0, self.cursor.0, rows, h),
            show(self.origin.1, self.cursor.1, cols, w),
        );
    }

    fn move_to(&mut self, row: usize, col: usize) {
        self.cursor = (row, col);
        self.scroll();
    }

    /// The next or the previous run of the selected place.
    fn turn(&mut self, by: isize) {
        let (row, col) = self.cursor;
        let runs = self.plan.cell(row, col).len();
        let at = row * self.plan.shape().1 + col;
        if let Some(nth) = self.nth.get_mut(at).filter(|_| runs > 0) {
            *nth = (*nth as isize + by).rem_euclid(runs as isize) as usize;
        }
    }

    /// The next larger or smaller multiples.
    fn resize_multiples(&mut self, larger: bool) {
        let now = self.side();
        let largest = GridLayout::new(self.size).largest();
        let next = match larger {
            true => SIDES.into_iter().find(|s| *s > now).unwrap_or(now).min(largest),
            false => SIDES.into_iter().rev().find(|s| *s < now).unwrap_or(now),
        };
        self.side = Some(next);
        self.scroll();
    }

    fn next_axis(&mut self, of_rows: bool) {
        let (rows, cols) = self.plan.axes();
        let axes = match of_rows {
            true => (rows.next(cols), cols),
            false => (rows, cols.next(rows)),
        };
        self.set_axes(axes);
    }

    fn set_axes(&mut self, axes: (Axis, Axis)) {
        let selected = self.selection().map(|run| run.id.clone());
        self.lay_out(axes, selected.as_ref());
    }

    /// Takes a new list of runs; maps of runs that did not change stay.
    pub(super) fn relist(&mut self, runs: Vec<RunSummary>) {
        let selected = self.selection().map(|run| run.id.clone());
        let was_empty = self.plan.is_empty();
        let axes = match was_empty {
            true => GridPlan::default_axes(&runs),
            false => self.plan.axes(),
        };
        let old = std::mem::take(&mut self.runs);
        self.maps.keep(|id| {
            let of = |runs: &[RunSummary]| runs.iter().position(|run| run.id == *id);
            matches!((of(&old), of(&runs)), (Some(a), Some(b)) if same(&old[a], &runs[b]))
        });
        self.runs = runs;
        self.lay_out(axes, selected.as_ref());
        if was_empty {
            self.turn_to_fit();
        }
    }

    /// A map arrived, or in one line why there is none.
    pub(super) fn arrived(&mut self, id: RunId, mode: MapMode, result: Result<Box<Map>, String>) {
        self.maps.take(id, mode, result);
    }

    /// Cells of the full maps that are held.
    pub fn kept_cells(&self) -> usize {
        self.maps.kept_cells()
    }
}

/// True if two summaries are of a run with the same map, as far as they tell.
fn same(a: &RunSummary, b: &RunSummary) -> bool {
    let bits = |run: &RunSummary| {
        run.preview.as_ref().map(|p| p.view().iter().map(|v| v.to_bits()).collect::<Vec<_>>())
    };
    a.manifest == b.manifest && a.analysis == b.analysis && bits(a) == bits(b)
}
