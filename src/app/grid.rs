//! The grid of small multiples: one map per place on two axes of the runs, all
//! on one fixed scale. State and what keys do to it; knows no terminal, and no
//! files: maps are asked for with effects, a few at a time, and those that were
//! not looked at for longest are let go of again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::domain::{Layer, Pooling, SimilarityMatrix, View};
use crate::runs::{Axis, GridPlan, RunId, RunSummary};

use super::action::Action;
use super::explorer::pool;
use super::layout::Area;
use super::mode::MapMode;
use super::state::{App, Effect, Screen};
use super::viewport::{Scale, Viewport};

/// Maps asked for at a time, so that other requests need not wait for long.
const ASKED: usize = 4;
/// Cells of full maps that are kept (8 bytes each).
const KEPT_CELLS: usize = 8 << 20;
/// Maps that are kept as they were last drawn.
const KEPT_SHOWN: usize = 256;
/// Sides of a multiple in pixels that keys step through.
const SIDES: [u16; 10] = [8, 12, 16, 24, 32, 48, 64, 96, 128, 192];
/// Least and greatest side that a grid is fitted to; if less is needed, it scrolls.
const FITTED: (u16, u16) = (12, 128);
/// Columns between two maps: the frame of the one, and that of the other.
const GAP: u16 = 2;

/// The maps that the grid shows: those whose values are similarities.
pub const MODES: [MapMode; 4] =
    [MapMode::Cka, MapMode::PcSimilarity, MapMode::WithoutPc1, MapMode::WithoutDominant];

/// A run's map, as it was read for the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct GridMap {
    /// The layers of its rows and columns.
    pub layers: Vec<Layer>,
    /// The values of all pairs.
    pub values: SimilarityMatrix,
}

/// What a figure of the grid needs.
#[derive(Debug, Clone, PartialEq)]
pub struct GridRequest {
    /// Name of the files without extension.
    pub stem: String,
    /// Where to.
    pub directory: PathBuf,
    /// The axes of rows and columns.
    pub axes: (Axis, Axis),
    /// Which layers.
    pub view: View,
    /// Which map.
    pub mode: MapMode,
    /// Name of the colour map.
    pub colormap: String,
}

/// Everything that a drawn map depends on, beside its run.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Key {
    view: View,
    pooling: Pooling,
    side: u16,
}

/// A map as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// One value per unit.
    pub pooled: SimilarityMatrix,
    /// Its whole factor.
    pub scale: Scale,
    /// Layers in the view.
    pub layers: usize,
}

/// A map, or what is known instead.
#[derive(Debug, Clone, Default)]
struct Entry {
    asked: bool,
    failed: Option<String>,
    full: Option<GridMap>,
    shown: Option<(Key, Shown)>,
    /// When it was last on screen.
    used: u64,
}

/// What a place of the grid shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Multiple<'a> {
    /// There is no run.
    Missing,
    /// Its map is being read.
    Loading,
    /// Its map cannot be read, or it has none: one line.
    Failed(&'a str),
    /// Its map.
    Map(&'a Shown),
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
    entries: BTreeMap<(RunId, MapMode), Entry>,
    size: (u16, u16),
    clock: u64,
    /// Whether the run on screen was opened from here.
    pub(super) inside: bool,
}

/// The places of the grid's screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GridLayout {
    /// Program and device.
    pub top: Area,
    /// What is shown.
    pub status: Area,
    /// Values of the columns.
    pub columns: Area,
    /// Values of the rows.
    pub rows: Area,
    /// The maps, with a frame's width of air around them.
    pub maps: Area,
    /// The colour scale.
    pub legend: Area,
    /// The selected run; also messages.
    pub readout: Area,
    /// Keys.
    pub hints: Area,
}

impl GridLayout {
    /// Lays out `w x h` cells.
    pub fn new((w, h): (u16, u16)) -> GridLayout {
        let air = u16::from(h >= 30);
        let gutter = if w >= 60 { 13 } else { 9 };
        let above = 3 + 2 * air;
        let maps_h = h.saturating_sub(above + 3 + air);
        let maps_w = w.saturating_sub(gutter + 1);
        let line = |y: u16| Area::new(1, y, w.saturating_sub(2), 1);
        GridLayout {
            top: Area::new(0, 0, w, 1),
            status: line(1 + air),
            columns: Area::new(gutter, above - 1, maps_w, 1),
            rows: Area::new(0, above, gutter, maps_h),
            maps: Area::new(gutter, above, maps_w, maps_h),
            legend: line(h.saturating_sub(3)),
            readout: line(h.saturating_sub(2)),
            hints: line(h.saturating_sub(1)),
        }
    }

    /// The largest even side of which one multiple fits.
    fn largest(&self) -> u16 {
        let side = self.maps.w.saturating_sub(GAP).min(2 * self.maps.h.saturating_sub(2));
        (side & !1).max(2)
    }

    /// Whole multiples that fit: rows and columns, at least one.
    fn fits(&self, side: u16) -> (usize, usize) {
        let rows = self.maps.h.saturating_sub(1) / (side / 2 + 1);
        let cols = self.maps.w / (side + GAP);
        (usize::from(rows.max(1)), usize::from(cols.max(1)))
    }
}

impl Grid {
    /// The grid of a list of runs, with the settings of the last one, if any.
    pub fn new(runs: Vec<RunSummary>, size: (u16, u16), like: Option<&Grid>) -> Grid {
        let axes = match like.filter(|g| !g.plan.is_empty()) {
            Some(grid) => grid.plan.axes(),
            None => GridPlan::default_axes(&runs),
        };
        let mut grid = Grid {
            plan: GridPlan::new(&[], axes.0, axes.1),
            runs,
            nth: Vec::new(),
            cursor: (0, 0),
            origin: (0, 0),
            side: like.and_then(|g| g.side),
            view: like.map_or_else(View::default, |g| g.view),
            mode: like.map_or_else(MapMode::default, |g| g.mode),
            pooling: like.map_or_else(Pooling::default, |g| g.pooling),
            entries: BTreeMap::new(),
            size,
            clock: 0,
            inside: false,
        };
        let selected = like.and_then(Grid::selection).map(|run| run.id.clone());
        grid.lay_out(axes, selected.as_ref());
        grid
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
        let key = self.key();
        match self.entries.get(&(run.id.clone(), self.mode)) {
            Some(Entry { failed: Some(why), .. }) => Multiple::Failed(why),
            Some(Entry { shown: Some((have, shown)), .. }) if *have == key => Multiple::Map(shown),
            _ => Multiple::Loading,
        }
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

    /// Takes a new list of runs; maps of runs that are still there stay.
    fn relist(&mut self, runs: Vec<RunSummary>) {
        let selected = self.selection().map(|run| run.id.clone());
        let axes = match self.plan.is_empty() {
            true => GridPlan::default_axes(&runs),
            false => self.plan.axes(),
        };
        self.entries.retain(|(id, _), entry| {
            entry.failed.is_none() && runs.iter().any(|run| run.id == *id)
        });
        self.runs = runs;
        self.lay_out(axes, selected.as_ref());
    }

    /// A map arrived, or in one line why there is none.
    fn take(&mut self, id: RunId, mode: MapMode, result: Result<Box<GridMap>, String>) {
        // a run that is gone meanwhile
        let Some(entry) = self.entries.get_mut(&(id, mode)) else { return };
        entry.asked = false;
        match result {
            Ok(map) => entry.full = Some(*map),
            Err(why) => entry.failed = Some(why),
        }
    }

    /// Draws what is on screen from the maps that are there, asks for others and
    /// lets go of what was not on screen for longest.
    fn refresh(&mut self) -> Vec<Effect> {
        self.clock += 1;
        let key = self.key();
        let (rows, cols) = self.visible();
        let places = rows.flat_map(|r| cols.clone().map(move |c| (r, c)));
        let wanted: Vec<RunId> =
            places.filter_map(|(r, c)| self.run(r, c)).map(|run| run.id.clone()).collect();
        let mut asked = self.entries.values().filter(|entry| entry.asked).count();
        let mut effects = Vec::new();
        for id in wanted {
            let entry = self.entries.entry((id.clone(), self.mode)).or_default();
            entry.used = self.clock;
            if entry.shown.as_ref().is_some_and(|(have, _)| *have == key) {
                continue;
            }
            if let Some(full) = &entry.full {
                entry.shown = Some((key, show(full, key)));
            } else if !entry.asked && entry.failed.is_none() && asked < ASKED {
                entry.asked = true;
                asked += 1;
                effects.push(Effect::LoadMap(id, self.mode));
            }
        }
        self.forget();
        effects
    }

    /// Cells of the full maps that are held.
    pub fn kept_cells(&self) -> usize {
        self.entries.values().filter_map(|e| e.full.as_ref()).map(|m| m.values.view().len()).sum()
    }

    /// Full maps go first: what is drawn of them stays.
    fn forget(&mut self) {
        let mut kept = self.kept_cells();
        while kept > KEPT_CELLS {
            let oldest = self.entries.values_mut().filter(|e| e.full.is_some());
            let Some(entry) = oldest.min_by_key(|e| e.used) else { break };
            kept -= entry.full.take().map_or(0, |m| m.values.view().len());
        }
        let clock = self.clock;
        while self.entries.len() > KEPT_SHOWN {
            let idle = self.entries.iter().filter(|(_, e)| !e.asked && e.used < clock);
            let Some(key) = idle.min_by_key(|(_, e)| e.used).map(|(key, _)| key.clone()) else {
                break;
            };
            self.entries.remove(&key);
        }
    }
}

/// A map in a view, pooled by the whole factor that fits a multiple.
fn show(map: &GridMap, key: Key) -> Shown {
    let indices = key.view.select(&map.layers);
    let n = indices.len();
    let scale = Viewport::new(n, n, (key.side, key.side / 2)).fit_scale();
    let matrix = map.values.select(&indices, &indices);
    let pooled = match scale.group() {
        1 => matrix,
        group => pool(&matrix, group, key.pooling),
    };
    Shown { pooled, scale, layers: n }
}

/// Opens the grid over the list of runs.
pub(super) fn open(app: &mut App) -> Vec<Effect> {
    let Some(runs) = &app.home.runs else {
        app.complain("the list of runs is still being read");
        return Vec::new();
    };
    let mut grid = Grid::new(runs.clone(), app.size, app.grid.as_ref());
    if app.grid.is_none()
        && let Some(id) = app.home.selection().map(|run| run.id.clone())
    {
        grid.lay_out(grid.plan.axes(), Some(&id));
    }
    app.grid = Some(grid);
    app.screen = Screen::Grid;
    refresh(app)
}

/// What the screen needs after anything changed.
pub(super) fn refresh(app: &mut App) -> Vec<Effect> {
    match (&mut app.grid, app.screen) {
        (Some(grid), Screen::Grid) => grid.refresh(),
        _ => Vec::new(),
    }
}

/// The screen has another size.
pub(super) fn resize(app: &mut App) -> Vec<Effect> {
    let size = app.size;
    if let Some(grid) = &mut app.grid {
        grid.size = size;
        grid.scroll();
    }
    refresh(app)
}

/// The list of runs was read again.
pub(super) fn relist(app: &mut App) -> Vec<Effect> {
    if let (Some(grid), Some(runs)) = (&mut app.grid, &app.home.runs) {
        grid.relist(runs.clone());
    }
    refresh(app)
}

/// A map arrived.
pub(super) fn arrived(
    app: &mut App,
    id: RunId,
    mode: MapMode,
    result: Result<Box<GridMap>, String>,
) -> Vec<Effect> {
    if let Some(grid) = &mut app.grid {
        grid.take(id, mode, result);
    }
    refresh(app)
}

/// A run is about to be shown.
pub(super) fn entered(app: &mut App) {
    if let Some(grid) = &mut app.grid {
        grid.inside = app.screen == Screen::Grid;
    }
}

/// Where `Esc` in a run leads: the grid that it was opened from, else the list.
pub(super) fn screen_behind(app: &mut App) -> Screen {
    match &mut app.grid {
        Some(grid) if grid.inside => {
            grid.inside = false;
            Screen::Grid
        }
        _ => Screen::Home,
    }
}

/// The commands of the grid.
pub(super) fn act(app: &mut App, action: Action, count: Option<usize>) -> Vec<Effect> {
    let times = count.unwrap_or(1);
    let colormap = app.look.colormap().to_string();
    let Some(grid) = &mut app.grid else {
        app.screen = Screen::Home;
        return Vec::new();
    };
    let (row, col) = grid.cursor;
    let half = (grid.visible().0.len() / 2).max(1).saturating_mul(times);
    match action {
        Action::Back => {
            // settings and place are kept, maps are not
            grid.entries.clear();
            app.screen = Screen::Home;
            app.loading = None;
            return Vec::new();
        }
        Action::Left => grid.move_to(row, col.saturating_sub(times)),
        Action::Right => grid.move_to(row, col.saturating_add(times)),
        Action::Up => grid.move_to(row.saturating_sub(times), col),
        Action::Down => grid.move_to(row.saturating_add(times), col),
        Action::HalfPageUp => grid.move_to(row.saturating_sub(half), col),
        Action::HalfPageDown => grid.move_to(row.saturating_add(half), col),
        Action::First => grid.move_to(count.map_or(0, |n| n.saturating_sub(1)), col),
        Action::Last => grid.move_to(count.map_or(usize::MAX, |n| n.saturating_sub(1)), col),
        Action::FirstColumn => grid.move_to(row, 0),
        Action::LastColumn => grid.move_to(row, usize::MAX),
        Action::NextInCell => grid.turn(times as isize),
        Action::PreviousInCell => grid.turn(-(times as isize)),
        Action::RowAxis => grid.next_axis(true),
        Action::ColumnAxis => grid.next_axis(false),
        Action::SwapAxes => {
            let (rows, cols) = grid.plan.axes();
            grid.set_axes((cols, rows));
        }
        Action::ZoomIn => grid.resize_multiples(true),
        Action::ZoomOut => grid.resize_multiples(false),
        Action::ZoomFit => {
            grid.side = None;
            grid.scroll();
        }
        Action::View => grid.view = grid.view.next(),
        Action::Mode => {
            let at = MODES.iter().position(|m| *m == grid.mode).map_or(0, |at| at + 1);
            grid.mode = MODES[at % MODES.len()];
        }
        Action::Pooling => {
            grid.pooling = match grid.pooling {
                Pooling::Mean => Pooling::Max,
                Pooling::Max => Pooling::Mean,
            };
        }
        Action::Open => {
            let Some(run) = grid.selection() else {
                app.complain("no run lies here");
                return Vec::new();
            };
            let id = run.id.clone();
            app.loading = Some(id.clone());
            return vec![Effect::LoadRun(id)];
        }
        Action::Refresh => {
            app.tell("reading the list of runs");
            return vec![Effect::ListRuns];
        }
        Action::Export if grid.plan.is_empty() => app.complain("there is no map to export"),
        Action::Export => {
            let request = grid.request(colormap);
            app.tell("exporting");
            return vec![Effect::ExportGrid(Box::new(request))];
        }
        _ => {}
    }
    refresh(app)
}

impl Grid {
    fn request(&self, colormap: String) -> GridRequest {
        let axes = self.plan.axes();
        let view = self.view.name().replace(' ', "-");
        GridRequest {
            stem: format!("grid-{}-{}-{view}-{}", axes.0, axes.1, self.mode.stem()),
            directory: PathBuf::from("."),
            axes,
            view: self.view,
            mode: self.mode,
            colormap,
        }
    }
}

/// A click selects; on the selected place it opens.
pub(super) fn click(app: &mut App, at: (u16, u16)) -> Vec<Effect> {
    let Some(grid) = &mut app.grid else { return Vec::new() };
    let Some(place) = grid.place_at(at) else { return Vec::new() };
    if place == grid.cursor {
        return act(app, Action::Open, None);
    }
    grid.move_to(place.0, place.1);
    refresh(app)
}
