//! One open run: which map, which layers, where the cursor is. Pure state; what keys
//! and the mouse do to it is in `keys` and `pointer`. Knows no other screen.
//!
//! The cursor is a pair of layers of the *full* list, so that changing the view
//! keeps it; views only round it to the nearest layer they show.
//!
//! - `place`: the cursor; `settings`: what is handed on to the next run
//! - `strip`: a curve along the columns of the map
//! - `structures`: detected blocks; `deletion`: deleted ones; `cuts`: the list of them
//! - `gallery`: the images that drive a layer, as pictures
//! - `form`: what to analyse; `files`: what is copied and exported

pub mod cuts;
mod deletion;
mod files;
pub mod form;
pub mod gallery;
mod keys;
mod layout;
mod place;
mod pointer;
mod settings;
pub mod strip;
mod structures;
mod tab;

use crate::domain::components::Components;
use crate::domain::{Layer, Map, Pooling, SimilarityMatrix, View};
use crate::runs::LoadedRun;

use super::album::Album;
use super::mode::MapMode;
use super::pooling::{self, pool, spread};
use super::pruning::Pruning;
use super::stages::{StageSpan, stage_spans};
use super::viewport::Viewport;

pub use layout::{ExplorerLayout, StripPlaces};
pub use settings::ExplorerMemory;
pub use structures::Structures;
pub use tab::Tab;

use cuts::CutList;
use form::Form;
use gallery::Gallery;
use pointer::Drag;
use settings::Settings;
use strip::Strip;

/// A rectangle of pixels, `(left, top, right, bottom)`, half open.
pub type Frame = (isize, isize, isize, isize);

/// Number of dominant images that are shown.
pub const SHOWN_IMAGES: usize = 8;

/// What is computed from the state whenever it changes.
#[derive(Debug, Clone, PartialEq)]
struct Derived {
    key: (View, MapMode, Pooling, (usize, usize, bool)),
    matrix: SimilarityMatrix,
    pooled: SimilarityMatrix,
    data_range: (f64, f64),
    undefined: bool,
}

/// An open run.
#[derive(Debug, Clone)]
pub struct Explorer {
    run: LoadedRun,
    settings: Settings,
    /// Indices into the full list that the view shows, ascending.
    indices: Vec<usize>,
    stages: Vec<StageSpan>,
    /// Layers of the full list: (row, column).
    cursor: (usize, usize),
    /// The marked cell, in the same way.
    mark: Option<(usize, usize)>,
    /// The cell under the pointer, in the same way.
    hover: Option<(usize, usize)>,
    /// Where the left button went down on the map.
    drag: Option<Drag>,
    viewport: Viewport,
    /// Cells of the map.
    area: (u16, u16),
    derived: Option<Derived>,
    /// Layers found by the last search, full-list indices, ascending.
    hits: Vec<usize>,
    structures: Structures,
    cut_list: CutList,
    form: Form,
    gallery: Option<Gallery>,
    /// Pictures of test images.
    pub album: Album,
    /// Deleted blocks.
    pub pruning: Pruning,
}

impl Explorer {
    /// Opens a run on a screen of `size` cells; `like` hands on the settings of
    /// the run that was open before.
    pub fn new(run: LoadedRun, size: (u16, u16), like: Option<&ExplorerMemory>) -> Explorer {
        // rows of other weights say nothing about these
        let own = run.manifest.weights_hash.as_ref();
        let fits = run.deletion.as_ref().filter(|d| d.record.weights_hash.as_ref() == own);
        let pruning = Pruning::new(fits.map(|d| d.table.clone()).unwrap_or_default());
        let wanted = like.map_or_else(Settings::default, |like| like.settings);
        let mut explorer = Explorer {
            settings: Settings { strip: Strip::Off, ..wanted },
            run,
            indices: Vec::new(),
            stages: Vec::new(),
            cursor: (0, 0),
            mark: None,
            hover: None,
            drag: None,
            viewport: Viewport::new(0, 0, (0, 0)),
            area: (0, 0),
            derived: None,
            hits: Vec::new(),
            structures: Structures::default(),
            cut_list: CutList::default(),
            form: Form::default(),
            gallery: None,
            album: Album::default(),
            pruning,
        };
        if explorer.full_map().is_none() {
            explorer.settings.mode = MapMode::CKA;
        }
        if let Some(like) = like.filter(|like| like.run == explorer.run.id) {
            let last = explorer.layers().len().saturating_sub(1);
            explorer.cursor = (like.cursor.0.min(last), like.cursor.1.min(last));
            explorer.mark = like.mark.filter(|(row, col)| *row.max(col) <= last);
        } else {
            let middle = explorer.layers().len() / 2;
            explorer.cursor = (middle, middle);
        }
        if explorer.has_strip(wanted.strip) {
            explorer.settings.strip = wanted.strip;
        }
        explorer.select();
        explorer.fit_screen(size);
        explorer
    }

    /// The run.
    pub fn run(&self) -> &LoadedRun {
        &self.run
    }

    /// Its analysis, if it has one.
    pub fn analysis(&self) -> Option<&Map> {
        self.run.cka()
    }

    /// The full layer list (empty without an analysis).
    pub fn layers(&self) -> &[Layer] {
        self.analysis().map_or(&[], Map::layers)
    }

    /// The open tab of the inspector.
    pub fn tab(&self) -> Tab {
        self.settings.tab
    }

    /// The chosen view.
    pub fn view(&self) -> View {
        self.settings.view
    }

    /// The chosen map.
    pub fn mode(&self) -> MapMode {
        self.settings.mode
    }

    /// How cells are pooled.
    pub fn pooling(&self) -> Pooling {
        self.settings.pooling
    }

    /// True if the scale follows the data.
    pub fn auto_range(&self) -> bool {
        self.settings.auto_range
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
        match self.settings.mode.is_error() {
            true => None,
            false => self.settings.mode.source(&self.run, &self.pruning)?.error.as_ref(),
        }
    }

    /// The full map in the chosen mode.
    pub fn full_map(&self) -> Option<&SimilarityMatrix> {
        self.settings.mode.map(&self.run, &self.pruning)
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

    /// The layer whose images the inspector shows, if it shows any.
    pub fn pictured(&self) -> Option<usize> {
        let shown = self.settings.tab == Tab::Layer;
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
            self.settings.mode = mode;
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
            Some(d) if self.settings.auto_range => d.data_range,
            _ => self.settings.mode.fixed_range(),
        }
    }

    /// Gives the map its place on a screen of `size` cells.
    fn fit_screen(&mut self, size: (u16, u16)) {
        let places = self.places(size);
        self.viewport.set_spare(places.strip.map_or(0, |strip| strip.cost));
        self.fit_to((places.map.w, places.map.h));
    }

    /// Chooses the curve above the map.
    fn show_strip(&mut self, strip: Strip, size: (u16, u16)) {
        self.settings.strip = strip;
        self.fit_screen(size);
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

    /// The next view; the cursor stays on its layers or goes to the nearest.
    pub fn next_view(&mut self) {
        self.set_view(self.settings.view.next());
    }

    /// Chooses a view; the cursor stays on its layers or goes to the nearest.
    pub fn set_view(&mut self, view: View) {
        self.settings.view = view;
        self.viewport.fit();
        self.select();
    }

    /// The next map.
    pub fn next_mode(&mut self) {
        let modes = MapMode::available(&self.run, &self.pruning);
        let after = modes.iter().find(|mode| **mode > self.settings.mode).or(modes.first());
        self.settings.mode = after.copied().unwrap_or_default();
        self.derive();
    }

    /// Mean or maximum.
    pub fn next_pooling(&mut self) {
        self.settings.pooling = pooling::next(self.settings.pooling);
        self.derive();
    }

    /// Fixed scale or scale to the data.
    pub fn toggle_range(&mut self) {
        self.settings.auto_range = !self.settings.auto_range;
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

    /// From any factor to the whole map, and from there to a map that fills its area.
    pub fn fit_or_fill(&mut self) {
        match self.viewport.is_fitted() {
            true => self.viewport.toggle_fill(),
            false => self.viewport.fit(),
        }
        self.viewport.show(self.position());
        self.derive();
    }

    /// The whole map of the view within `area` cells, where one zoomed in to a part of it,
    /// and that part as pixels of it: `(left, top, right, bottom)`, half open.
    pub fn overview(&self, area: (u16, u16)) -> Option<(SimilarityMatrix, Frame)> {
        let partly = !self.viewport.is_fitted() && !self.viewport.is_whole();
        let matrix = self.matrix().filter(|_| partly)?;
        let mut whole = Viewport::new(self.len(), self.len(), area);
        whole.toggle_fill();
        let pixels = whole.scale().pixels();
        let pooled = pool(matrix, &whole, self.settings.pooling);
        let ((row, col), (rows, cols)) = (self.viewport.origin(), self.viewport.visible());
        let edge = |layer| (whole.row_edge(layer) * pixels) as isize;
        let (top, left) =
            (self.viewport.row_layers(row).start, self.viewport.col_layers(col).start);
        let bottom = self.viewport.row_layers((row + rows).saturating_sub(1)).end;
        let right = self.viewport.col_layers((col + cols).saturating_sub(1)).end;
        let spread = match pixels {
            1 => pooled,
            _ => SimilarityMatrix::new(ndarray::Array2::from_shape_fn(
                (pooled.rows() * pixels, pooled.cols() * pixels),
                |(i, j)| pooled.get(i / pixels, j / pixels).unwrap_or(f64::NAN),
            )),
        };
        Some((spread, (edge(left), edge(top), edge(right), edge(bottom))))
    }

    fn select(&mut self) {
        self.indices = self.settings.view.select(self.layers());
        let shown: Vec<&Layer> =
            self.indices.iter().filter_map(|i| self.layers().get(*i)).collect();
        self.stages = stage_spans(&shown);
        self.detect();
        self.fit_to(self.area);
    }

    /// Recomputes what is drawn, if the state that it depends on has changed.
    fn derive(&mut self) {
        let grid = self.viewport.grid();
        let key = (self.settings.view, self.settings.mode, self.settings.pooling, grid);
        if self.derived.as_ref().is_some_and(|d| d.key == key) {
            return;
        }
        let Some(source) = self.full_map() else { return };
        let matrix = source.select(&self.indices, &self.indices);
        let pooled = match (matrix.rows(), matrix.cols()) == self.viewport.units() {
            true => matrix.clone(),
            false => pool(&matrix, &self.viewport, self.settings.pooling),
        };
        let (data_range, undefined) = spread(&matrix, self.settings.mode.fixed_range());
        self.derived = Some(Derived { key, matrix, pooled, data_range, undefined });
    }
}
