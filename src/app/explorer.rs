//! The state of one open run: which map, which layers, where the cursor is.
//!
//! The cursor is a pair of layers of the *full* list, so that changing the view
//! keeps it; views only round it to the nearest layer they show.

use std::ops::Range;

use crate::domain::block_structure::StructureRule;
use crate::domain::components::Components;
use crate::domain::{Layer, Map, Pooling, SimilarityMatrix, View};
use crate::runs::LoadedRun;

use super::inspect::{Album, Tab};
use super::mode::MapMode;
use super::pruning::Pruning;
use super::strip::Strip;
use super::structures::Structures;
use super::viewport::Viewport;

/// Layers of one stage, as positions in the view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageSpan {
    /// 1, 2 or 3.
    pub stage: usize,
    /// Positions.
    pub span: Range<usize>,
}

/// The stages of a view's layers.
pub(super) fn stage_spans(shown: &[&Layer]) -> Vec<StageSpan> {
    (1..=3)
        .filter_map(|stage| {
            let inside = |l: &&Layer| l.stage == Some(stage);
            let start = shown.iter().position(inside)?;
            let end = shown.iter().rposition(inside)? + 1;
            Some(StageSpan { stage, span: start..end })
        })
        .collect()
}

/// What is computed from the state whenever it changes.
#[derive(Debug, Clone, PartialEq)]
struct Derived {
    key: (View, MapMode, Pooling, usize),
    matrix: SimilarityMatrix,
    pooled: SimilarityMatrix,
    data_range: (f64, f64),
    undefined: bool,
}

/// An open run.
#[derive(Debug, Clone)]
pub struct Explorer {
    pub(super) run: LoadedRun,
    pub(super) view: View,
    mode: MapMode,
    pooling: Pooling,
    auto_range: bool,
    /// Indices into the full list that the view shows, ascending.
    pub(super) indices: Vec<usize>,
    stages: Vec<StageSpan>,
    /// Layers of the full list: (row, column).
    pub(super) cursor: (usize, usize),
    pub(super) viewport: Viewport,
    /// Cells of the map.
    area: (u16, u16),
    derived: Option<Derived>,
    /// Layers found by the last search, full-list indices, ascending.
    pub(super) hits: Vec<usize>,
    /// The marked cell: layers of the full list, (row, column).
    pub(super) mark: Option<(usize, usize)>,
    /// The cell under the pointer, in the same way.
    pub(super) hover: Option<(usize, usize)>,
    /// The open tab of the inspector.
    pub tab: Tab,
    /// Pictures of test images.
    pub album: Album,
    /// Deleted blocks.
    pub pruning: Pruning,
    /// The curve above the map.
    pub(super) strip: Strip,
    /// Whether detected blocks are outlined.
    pub(super) outlined: bool,
    pub(super) tau: f64,
    pub(super) structures: Structures,
}

impl Explorer {
    /// Opens a run on a screen of `size` cells; `like` hands on the settings of
    /// the run that was open before.
    pub fn new(run: LoadedRun, size: (u16, u16), like: Option<&Explorer>) -> Explorer {
        let mut explorer = Explorer {
            run,
            view: like.map_or_else(View::default, |e| e.view),
            mode: like.map_or_else(MapMode::default, |e| e.mode),
            pooling: like.map_or_else(Pooling::default, |e| e.pooling),
            auto_range: like.is_some_and(|e| e.auto_range),
            indices: Vec::new(),
            stages: Vec::new(),
            cursor: (0, 0),
            viewport: Viewport::new(0, 0, (0, 0)),
            area: (0, 0),
            derived: None,
            hits: Vec::new(),
            mark: None,
            hover: None,
            tab: like.map_or_else(Tab::default, |e| e.tab),
            album: Album::default(),
            pruning: Pruning::default(),
            strip: Strip::Off,
            outlined: like.is_some_and(|e| e.outlined),
            tau: like.map_or(StructureRule::of(View::All).tau, |e| e.tau),
            structures: Structures::default(),
        };
        // rows of other weights say nothing about these
        let own = explorer.run.manifest.weights_hash.as_ref();
        let fits = explorer.run.deletion.as_ref().filter(|d| d.record.weights_hash.as_ref() == own);
        let table = fits.map(|d| d.table.clone());
        explorer.pruning = Pruning::new(table.unwrap_or_default());
        if explorer.mode.map(&explorer.run, &explorer.pruning).is_none() {
            explorer.mode = MapMode::CKA;
        }
        if let Some(like) = like.filter(|e| e.run.id == explorer.run.id) {
            let last = explorer.layers().len().saturating_sub(1);
            explorer.cursor = (like.cursor.0.min(last), like.cursor.1.min(last));
            explorer.mark = like.mark.filter(|(row, col)| *row.max(col) <= last);
        } else {
            let middle = explorer.layers().len() / 2;
            explorer.cursor = (middle, middle);
        }
        let strip = like.map_or(Strip::Off, |e| e.strip);
        if explorer.has_strip(strip) {
            explorer.strip = strip;
        }
        explorer.select();
        explorer.resize(size);
        explorer
    }

    /// The run.
    pub fn run(&self) -> &LoadedRun {
        &self.run
    }

    /// Its main map, if it has one.
    pub fn analysis(&self) -> Option<&Map> {
        self.run.cka()
    }

    /// The full layer list (empty without an analysis).
    pub fn layers(&self) -> &[Layer] {
        self.analysis().map_or(&[], Map::layers)
    }

    /// The chosen view.
    pub fn view(&self) -> View {
        self.view
    }

    /// The chosen map.
    pub fn mode(&self) -> MapMode {
        self.mode
    }

    /// How cells are pooled.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// True if the scale follows the data.
    pub fn auto_range(&self) -> bool {
        self.auto_range
    }

    /// The window onto the map.
    pub fn viewport(&self) -> &Viewport {
        &self.viewport
    }

    /// Number of layers in the view.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// True if there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The layer at a position of the view.
    pub fn layer(&self, position: usize) -> Option<&Layer> {
        self.layers().get(*self.indices.get(position)?)
    }

    /// Stages of the view.
    pub fn stages(&self) -> &[StageSpan] {
        &self.stages
    }

    /// The cursor as positions in the view: the layers nearest to it.
    pub fn position(&self) -> (usize, usize) {
        (self.nearest(self.cursor.0), self.nearest(self.cursor.1))
    }

    /// The view's map, one cell per pair of layers.
    pub fn matrix(&self) -> Option<&SimilarityMatrix> {
        self.derived.as_ref().map(|d| &d.matrix)
    }

    /// Standard errors of the view's map, where they were estimated.
    pub fn errors(&self) -> Option<SimilarityMatrix> {
        Some(self.full_errors()?.select(&self.indices, &self.indices))
    }

    /// Standard errors of the full map, where they were estimated.
    pub fn full_errors(&self) -> Option<&SimilarityMatrix> {
        match self.mode.is_error() {
            true => None,
            false => self.mode.source(&self.run, &self.pruning)?.error.as_ref(),
        }
    }

    /// The full map in the chosen mode.
    pub fn full_map(&self) -> Option<&SimilarityMatrix> {
        self.mode.map(&self.run, &self.pruning)
    }

    /// The full map in another mode, if the run has it.
    pub fn full_map_in(&self, mode: MapMode) -> Option<&SimilarityMatrix> {
        mode.map(&self.run, &self.pruning)
    }

    /// The first-component suite, if it is of the same layers as the map.
    pub fn components(&self) -> Option<&Components> {
        let suite = self.run.components.as_ref()?;
        (suite.record.layers.len() == self.layers().len()).then_some(&suite.components)
    }

    /// Indices into the full layer list that the view shows.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// The layer whose pictures the inspector shows, if it shows any.
    pub fn pictured(&self) -> Option<usize> {
        let shown = self.tab == Tab::Layer && !self.album.is_empty();
        self.layer(self.position().0).filter(|_| shown).map(|layer| layer.index)
    }

    /// Shows the map again after its values changed.
    pub fn refresh(&mut self) {
        self.derived = None;
        self.derive();
    }

    /// Chooses a map, if the run has it.
    pub fn set_mode(&mut self, mode: MapMode) {
        if mode.map(&self.run, &self.pruning).is_some() {
            self.mode = mode;
            self.derive();
        }
    }

    /// The view's map pooled by the zoom factor: what is drawn.
    pub fn pooled(&self) -> Option<&SimilarityMatrix> {
        self.derived.as_ref().map(|d| &d.pooled)
    }

    /// True if some cell of the view's map is undefined.
    pub fn has_undefined(&self) -> bool {
        self.derived.as_ref().is_some_and(|d| d.undefined)
    }

    /// Ends of the colour scale.
    pub fn range(&self) -> (f64, f64) {
        match &self.derived {
            Some(d) if self.auto_range => d.data_range,
            _ => self.mode.fixed_range(),
        }
    }

    /// Position in the view of the layer nearest to a full-list index (the
    /// earlier one of two that are equally near).
    pub(super) fn nearest(&self, index: usize) -> usize {
        let after = self.indices.partition_point(|i| *i < index);
        let before = after.saturating_sub(1);
        match (self.indices.get(before), self.indices.get(after)) {
            (Some(b), Some(a)) if a - index < index.saturating_sub(*b) || *b > index => after,
            (Some(_), _) => before,
            _ => 0,
        }
    }

    /// Puts the cursor on positions of the view, clamped.
    pub fn move_to(&mut self, row: usize, col: usize) {
        let last = self.len().saturating_sub(1);
        let at = |p: usize| self.indices.get(p.min(last)).copied().unwrap_or(0);
        self.cursor = (at(row), at(col));
        self.viewport.show(self.position());
    }

    /// Moves the cursor by layers of the view, clamped at the edges.
    pub fn move_by(&mut self, rows: isize, cols: isize) {
        let (row, col) = self.position();
        self.move_to(row.saturating_add_signed(rows), col.saturating_add_signed(cols));
    }

    /// Moves both coordinates to the layer `by` after (or before) the row's.
    pub fn move_layer(&mut self, by: isize) {
        let to = self.position().0.saturating_add_signed(by);
        self.move_to(to, to);
    }

    /// Moves both coordinates to the start of the next stage (the last layer
    /// after the last stage), or of this or the previous stage.
    pub fn move_stage(&mut self, forward: bool) {
        let row = self.position().0;
        let mut starts = self.stages.iter().map(|s| s.span.start);
        let to = if forward {
            let head = self.stages.last().map_or(0, |s| s.span.end);
            starts.find(|s| *s > row).unwrap_or(if row < head { head } else { self.len() })
        } else {
            starts.rfind(|s| *s < row).unwrap_or(0)
        };
        self.move_to(to, to);
    }

    /// Puts the cursor on the diagonal at a layer of the full list.
    pub fn jump(&mut self, index: usize) {
        let at = self.nearest(index);
        self.move_to(at, at);
    }

    /// The next (or previous) search result after the row's layer, wrapping.
    pub fn next_hit(&mut self, forward: bool) -> bool {
        let row = self.indices.get(self.position().0).copied().unwrap_or(0);
        let shown: Vec<usize> =
            self.hits.iter().copied().filter(|h| self.indices.contains(h)).collect();
        let found = if forward {
            shown.iter().find(|h| **h > row).or(shown.first())
        } else {
            shown.iter().rev().find(|h| **h < row).or(shown.last())
        };
        match found.copied() {
            Some(index) => {
                self.jump(index);
                true
            }
            None => false,
        }
    }

    /// Follows a new screen size.
    pub fn resize(&mut self, size: (u16, u16)) {
        let places = self.places(size);
        self.viewport.set_spare(places.strip.map_or(0, |strip| strip.cost));
        self.fit_to((places.map.w, places.map.h));
    }

    /// Chooses the curve above the map.
    pub(super) fn show_strip(&mut self, strip: Strip, size: (u16, u16)) {
        self.strip = strip;
        self.resize(size);
    }

    /// Gives the map an area of `(columns, rows)` cells.
    pub fn fit_to(&mut self, area: (u16, u16)) {
        self.area = area;
        let n = self.len();
        self.viewport.resize(n, n, area, self.position());
        self.derive();
    }

    /// Shows the same window as another map of the same layers.
    pub(super) fn look_like(&mut self, other: &Viewport) {
        if other.shape() == self.viewport.shape() {
            self.viewport = other.clone();
            self.viewport.show(self.position());
            self.derive();
        }
    }

    /// The cursor as layers of the full list: (row, column).
    pub fn cursor(&self) -> (usize, usize) {
        let (row, col) = self.position();
        let index = |p: usize| self.indices.get(p).copied().unwrap_or(0);
        (index(row), index(col))
    }

    /// Puts the cursor on layers of the full list (the nearest that the view shows).
    pub fn put(&mut self, row: usize, col: usize) {
        self.cursor = (row, col);
        self.viewport.show(self.position());
    }

    /// The next view; the cursor stays on its layers or goes to the nearest.
    pub fn next_view(&mut self) {
        self.set_view(self.view.next());
    }

    /// Chooses a view; the cursor stays on its layers or goes to the nearest.
    pub fn set_view(&mut self, view: View) {
        self.view = view;
        self.viewport.fit();
        self.select();
    }

    /// The next map.
    pub fn next_mode(&mut self) {
        let modes = MapMode::available(&self.run, &self.pruning);
        let after = modes.iter().find(|mode| **mode > self.mode).or(modes.first());
        self.mode = after.copied().unwrap_or_default();
        self.derive();
    }

    /// Mean or maximum.
    pub fn next_pooling(&mut self) {
        self.pooling = match self.pooling {
            Pooling::Mean => Pooling::Max,
            Pooling::Max => Pooling::Mean,
        };
        self.derive();
    }

    /// Fixed scale or scale to the data.
    pub fn toggle_range(&mut self) {
        self.auto_range = !self.auto_range;
    }

    /// Zooms by whole factors; `None` fits.
    pub fn zoom(&mut self, by: Option<isize>) {
        match by {
            Some(by) => self.viewport.zoom(by, self.position()),
            None => {
                self.viewport.fit();
                self.viewport.show(self.position());
            }
        }
        self.derive();
    }

    fn select(&mut self) {
        self.indices = self.view.select(self.layers());
        let shown: Vec<&Layer> =
            self.indices.iter().filter_map(|i| self.layers().get(*i)).collect();
        self.stages = stage_spans(&shown);
        self.detect();
        self.fit_to(self.area);
    }

    /// Recomputes what is drawn, if the state that it depends on has changed.
    fn derive(&mut self) {
        let group = self.viewport.scale().group();
        let key = (self.view, self.mode, self.pooling, group);
        if self.derived.as_ref().is_some_and(|d| d.key == key) {
            return;
        }
        let Some(source) = self.full_map() else { return };
        let matrix = source.select(&self.indices, &self.indices);
        let pooled = if group == 1 { matrix.clone() } else { pool(&matrix, group, self.pooling) };
        let (data_range, undefined) = spread(&matrix, self.mode.fixed_range());
        self.derived = Some(Derived { key, matrix, pooled, data_range, undefined });
    }
}

/// Every `group x group` cells as one.
pub(super) fn pool(matrix: &SimilarityMatrix, group: usize, how: Pooling) -> SimilarityMatrix {
    let shape = (matrix.rows().div_ceil(group), matrix.cols().div_ceil(group));
    let value = |(i, j)| matrix.pooled(i, j, group, how).value.unwrap_or(f64::NAN);
    SimilarityMatrix::new(ndarray::Array2::from_shape_fn(shape, value))
}

/// First and 99th percentile of the defined cells, and whether some are not.
pub(super) fn spread(matrix: &SimilarityMatrix, fallback: (f64, f64)) -> ((f64, f64), bool) {
    let mut values: Vec<f64> = matrix.view().iter().copied().filter(|v| v.is_finite()).collect();
    let undefined = values.len() < matrix.rows() * matrix.cols();
    if values.is_empty() {
        return (fallback, undefined);
    }
    let low = values.len() / 100;
    let high = values.len() - 1 - low;
    let mut at = |i: usize| *values.select_nth_unstable_by(i, f64::total_cmp).1;
    let (low, high) = (at(low), at(high));
    // a constant map still needs a scale with two ends
    if high - low < 1e-9 {
        ((low - 0.5e-3, high + 0.5e-3), undefined)
    } else {
        ((low, high), undefined)
    }
}
