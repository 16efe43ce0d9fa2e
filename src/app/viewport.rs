//! Which part of a matrix is on screen, and at which factor.
//!
//! A *pixel* is half a character cell: one column wide, half a row high, and
//! so about square. Zoomed in, a layer takes `k x k` pixels; zoomed out,
//! `k x k` layers share a pixel. Factors are whole, so that equal layers look
//! equal and a symmetric map stays symmetric; only a map that shall fill its area
//! is resampled, to one pixel more or less per layer. Pure arithmetic.

use std::ops::Range;

/// A zoom factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// `k` layers per pixel along each axis; 1 is one to one.
    Out(usize),
    /// `k` pixels per layer along each axis, `k >= 2`.
    In(usize),
    /// So many pixels along the longer axis, the other one in proportion.
    Fill(usize),
}

/// Largest enlargement of a layer, in pixels.
pub const MAX_IN: usize = 16;

impl Scale {
    /// Layers that share a unit (a pooled cell), where that is the same everywhere.
    fn group(self) -> usize {
        match self {
            Scale::Out(k) => k.max(1),
            Scale::In(_) | Scale::Fill(_) => 1,
        }
    }

    /// Pixels of a unit along each axis.
    pub fn pixels(self) -> usize {
        match self {
            Scale::Out(_) | Scale::Fill(_) => 1,
            Scale::In(k) => k.max(1),
        }
    }

    fn step(self, by: isize) -> Scale {
        // ..., -2 = Out(3), -1 = Out(2), 0 = Out(1), 1 = In(2), 2 = In(3), ...
        let level = match self {
            Scale::Out(k) => -(k as isize - 1),
            Scale::In(k) => k as isize - 1,
            Scale::Fill(_) => 0,
        } + by;
        if level <= 0 {
            Scale::Out(1 + level.unsigned_abs())
        } else {
            Scale::In((1 + level as usize).min(MAX_IN))
        }
    }
}

/// A window onto a matrix of `rows x cols` layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewport {
    rows: usize,
    cols: usize,
    /// Cells of the map's area.
    area: (u16, u16),
    /// Rows of cells by which a fitted map may be higher than the area.
    spare: u16,
    /// `None` fits the map to the area.
    fixed: Option<Scale>,
    /// Whether a map that is fitted fills the area.
    fills: bool,
    /// Top left unit.
    origin: (usize, usize),
}

impl Viewport {
    /// A fitted window of `area = (width, height)` cells.
    pub fn new(rows: usize, cols: usize, area: (u16, u16)) -> Viewport {
        Viewport { rows, cols, area, spare: 0, fixed: None, fills: false, origin: (0, 0) }
    }

    /// Layers along the rows and the columns.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.cols)
    }

    /// Pixels of the area: `(width, height)`.
    pub fn pixels(&self) -> (usize, usize) {
        (usize::from(self.area.0), 2 * usize::from(self.area.1))
    }

    /// Lets a fitted map be `rows` cells higher than the area: something above it
    /// then takes rows out of sight and does not make the map smaller.
    pub fn set_spare(&mut self, rows: u16) {
        self.spare = rows;
    }

    /// The factor that shows every column as large as fits, and every row but the
    /// spare ones.
    pub fn fit_scale(&self) -> Scale {
        self.scale_for(self.spare)
    }

    /// The factor that shows everything as large as fits.
    fn whole_scale(&self) -> Scale {
        self.scale_for(0)
    }

    fn scale_for(&self, spare: u16) -> Scale {
        let (w, h) = self.pixels();
        let h = if h == 0 { 0 } else { h + 2 * usize::from(spare) };
        if w == 0 || h == 0 || self.rows == 0 || self.cols == 0 {
            return Scale::Out(1);
        }
        let enlarge = (w / self.cols).min(h / self.rows);
        if enlarge >= 2 {
            Scale::In(enlarge.min(MAX_IN))
        } else {
            Scale::Out(self.cols.div_ceil(w).max(self.rows.div_ceil(h)))
        }
    }

    /// The factor in use.
    pub fn scale(&self) -> Scale {
        match self.fixed {
            Some(scale) => scale,
            None if self.fills => self.fill_scale(),
            None => self.fit_scale(),
        }
    }

    /// The factor that makes the map as large as its area, if it is not that already.
    fn fill_scale(&self) -> Scale {
        let (w, h) = self.pixels();
        let longest = self.rows.max(self.cols);
        if w == 0 || h == 0 || self.rows == 0 || self.cols == 0 {
            return Scale::Out(1);
        }
        // along both axes in proportion
        let units = (w * longest / self.cols).min(h * longest / self.rows).max(1);
        let units = units.min(longest * MAX_IN);
        match (units.is_multiple_of(longest), longest.is_multiple_of(units)) {
            (true, _) if units > longest => Scale::In(units / longest),
            (_, true) => Scale::Out(longest / units),
            _ => Scale::Fill(units),
        }
    }

    /// Units of an axis of so many layers.
    fn units_of(&self, layers: usize) -> usize {
        match self.scale() {
            Scale::Fill(units) if layers > 0 => {
                (layers * units / self.rows.max(self.cols).max(1)).max(1)
            }
            scale => layers.div_ceil(scale.group()),
        }
    }

    /// The first unit of an axis of `layers` that shows a layer.
    fn unit_of(&self, layer: usize, layers: usize) -> usize {
        match self.scale() {
            Scale::Fill(_) if layers > 0 => {
                let units = self.units_of(layers);
                match units > layers {
                    true => (layer * units).div_ceil(layers),
                    false => ((layer + 1) * units - 1) / layers,
                }
            }
            scale => layer / scale.group(),
        }
    }

    /// The layers that a unit of an axis of `layers` shows.
    fn layers_of(&self, unit: usize, layers: usize) -> Range<usize> {
        match self.scale() {
            Scale::Fill(_) => {
                let units = self.units_of(layers).max(1);
                let first = (unit * layers / units).min(layers);
                first..((unit + 1) * layers / units).max(first + 1).min(layers)
            }
            scale => {
                let g = scale.group();
                (unit * g).min(layers)..((unit + 1) * g).min(layers)
            }
        }
    }

    /// The unit of a pair of layers `(row, col)`.
    pub fn unit(&self, (row, col): (usize, usize)) -> (usize, usize) {
        (self.row_unit(row), self.col_unit(col))
    }

    /// The unit of a layer along the rows.
    pub fn row_unit(&self, row: usize) -> usize {
        self.unit_of(row, self.rows)
    }

    /// The unit of a layer along the columns.
    pub fn col_unit(&self, col: usize) -> usize {
        self.unit_of(col, self.cols)
    }

    /// The first unit along the rows that shows nothing before a layer.
    pub fn row_edge(&self, row: usize) -> usize {
        self.edge(row, self.rows)
    }

    /// The same along the columns.
    pub fn col_edge(&self, col: usize) -> usize {
        self.edge(col, self.cols)
    }

    fn edge(&self, layer: usize, layers: usize) -> usize {
        if layer >= layers {
            return self.units_of(layers);
        }
        let unit = self.unit_of(layer, layers);
        unit + usize::from(self.layers_of(unit, layers).start < layer)
    }

    /// The layers of a unit along the rows.
    pub fn row_layers(&self, unit: usize) -> Range<usize> {
        self.layers_of(unit, self.rows)
    }

    /// The layers of a unit along the columns.
    pub fn col_layers(&self, unit: usize) -> Range<usize> {
        self.layers_of(unit, self.cols)
    }

    /// What pooling depends on: two windows with the same one show the same units.
    pub fn grid(&self) -> (usize, usize, bool) {
        let (rows, cols) = self.units();
        (rows, cols, matches!(self.scale(), Scale::Fill(_)))
    }

    /// True if several layers share a unit.
    pub fn is_pooled(&self) -> bool {
        let (rows, cols) = self.units();
        rows < self.rows || cols < self.cols
    }

    /// Resamples the fitted map to its area, or no longer.
    pub fn toggle_fill(&mut self) {
        self.fills = !self.fills;
        self.origin = (0, 0);
    }

    /// True while a fitted map fills its area.
    pub fn fills(&self) -> bool {
        self.fills && self.is_fitted()
    }

    /// True while the map is fitted to its area.
    pub fn is_fitted(&self) -> bool {
        self.fixed.is_none()
    }

    /// The top left unit, `(row, col)`.
    pub fn origin(&self) -> (usize, usize) {
        self.origin
    }

    /// Units of the whole matrix, `(rows, cols)`.
    pub fn units(&self) -> (usize, usize) {
        (self.units_of(self.rows), self.units_of(self.cols))
    }

    /// Units on screen, `(rows, cols)`; one that is cut off counts.
    pub fn visible(&self) -> (usize, usize) {
        let (w, h) = self.pixels();
        let p = self.scale().pixels();
        let (rows, cols) = self.units();
        (
            h.div_ceil(p).min(rows - self.origin.0.min(rows)),
            w.div_ceil(p).min(cols - self.origin.1.min(cols)),
        )
    }

    /// Pixels that the visible part covers, `(width, height)`.
    pub fn extent(&self) -> (usize, usize) {
        let (w, h) = self.pixels();
        let p = self.scale().pixels();
        let (rows, cols) = self.visible();
        ((cols * p).min(w), (rows * p).min(h))
    }

    /// Changes the matrix or the area and keeps `cursor` (row, col) in sight.
    pub fn resize(&mut self, rows: usize, cols: usize, area: (u16, u16), cursor: (usize, usize)) {
        (self.rows, self.cols, self.area) = (rows, cols, area);
        // never zoom out past the whole map
        let fit = self.fit_scale();
        if let (Some(Scale::Out(k)), Scale::Out(whole)) = (self.fixed, self.whole_scale())
            && (k > whole || fit == Scale::Out(k))
        {
            self.fixed = None;
        }
        self.show(cursor);
    }

    /// Zooms one factor in (`+1`) or out (`-1`), about the cursor.
    pub fn zoom(&mut self, by: isize, cursor: (usize, usize)) {
        let (fit, whole) = (self.fit_scale(), self.whole_scale());
        let next = match self.scale() {
            // from the whole factor at or below the resampled one
            Scale::Fill(_) if by < 0 => whole,
            Scale::Fill(_) => whole.step(by),
            scale => scale.step(by),
        };
        self.fills = false;
        let level = |s: Scale| s.pixels() as f64 / s.group() as f64;
        let next = if level(next) > level(whole) { next } else { whole };
        self.fixed = (next != fit).then_some(next);
        self.centre(cursor);
    }

    /// Fits the map to its area by a whole factor.
    pub fn fit(&mut self) {
        (self.fixed, self.fills) = (None, false);
        self.origin = (0, 0);
    }

    /// Scrolls as little as needed to have `cursor` (row, col) fully in sight.
    pub fn show(&mut self, cursor: (usize, usize)) {
        let (rows, cols) = self.whole_units();
        let (urows, ucols) = self.units();
        let (row, col) = self.unit(cursor);
        self.origin.0 = scroll(self.origin.0, row, rows, urows);
        self.origin.1 = scroll(self.origin.1, col, cols, ucols);
    }

    /// True if the whole matrix is in sight, so that there is nothing to scroll.
    pub fn is_whole(&self) -> bool {
        let ((rows, cols), (urows, ucols)) = (self.whole_units(), self.units());
        urows <= rows && ucols <= cols
    }

    /// Scrolls to a top left unit, or as near to it as there is no empty space.
    pub fn pan_to(&mut self, (row, col): (isize, isize)) {
        let ((rows, cols), (urows, ucols)) = (self.whole_units(), self.units());
        let clamp = |at: isize, len: usize, total: usize| {
            usize::try_from(at).unwrap_or(0).min(total.saturating_sub(len))
        };
        self.origin = (clamp(row, rows, urows), clamp(col, cols, ucols));
    }

    /// The pair of layers nearest to `cursor` (row, col) that is fully in sight.
    pub fn nearest_in_sight(&self, cursor: (usize, usize)) -> (usize, usize) {
        let (rows, cols) = self.whole_units();
        let near = |at: usize, first: usize, len: usize, layers: usize| {
            let (low, high) =
                (self.layers_of(first, layers), self.layers_of(first + len - 1, layers));
            let last = if high.is_empty() { layers } else { high.end };
            at.max(low.start).min(last.saturating_sub(1))
        };
        (
            near(cursor.0, self.origin.0, rows, self.rows),
            near(cursor.1, self.origin.1, cols, self.cols),
        )
    }

    fn centre(&mut self, cursor: (usize, usize)) {
        let (rows, cols) = self.whole_units();
        let (row, col) = self.unit(cursor);
        self.origin = (row.saturating_sub(rows / 2), col.saturating_sub(cols / 2));
        self.show(cursor);
    }

    /// Units that fit completely, at least one along each axis.
    fn whole_units(&self) -> (usize, usize) {
        let (w, h) = self.pixels();
        let p = self.scale().pixels();
        ((h / p).max(1), (w / p).max(1))
    }

    /// Half of what is on screen, in layers of the rows.
    pub fn half_page(&self) -> usize {
        let shown = self.whole_units().0.min(self.units().0);
        (self.layers_of(shown.saturating_sub(1), self.rows).end / 2).max(1)
    }

    /// The top left pixel of a layer along the rows (`y`), if it is on screen.
    pub fn row_pixel(&self, row: usize) -> Option<usize> {
        self.axis_pixel(row, self.rows, self.origin.0, self.pixels().1)
    }

    /// The top left pixel of a layer along the columns (`x`), if on screen.
    pub fn col_pixel(&self, col: usize) -> Option<usize> {
        self.axis_pixel(col, self.cols, self.origin.1, self.pixels().0)
    }

    fn axis_pixel(&self, layer: usize, layers: usize, origin: usize, len: usize) -> Option<usize> {
        if layer >= layers {
            return None;
        }
        let unit = self.unit_of(layer, layers).checked_sub(origin)?;
        Some(unit * self.scale().pixels()).filter(|px| *px < len)
    }

    /// The cell that shows a pair of layers: `(x, y)` relative to the area.
    pub fn cell_of(&self, (row, col): (usize, usize)) -> Option<(u16, u16)> {
        let (x, y) = (self.col_pixel(col)?, self.row_pixel(row)? / 2);
        Some((u16::try_from(x).ok()?, u16::try_from(y).ok()?))
    }

    /// The first pair of layers that a cell's upper half shows; the inverse of
    /// [`Viewport::cell_of`] up to the layers that share the cell.
    pub fn layer_at(&self, (x, y): (u16, u16)) -> Option<(usize, usize)> {
        if x >= self.area.0 || y >= self.area.1 {
            return None;
        }
        let p = self.scale().pixels();
        let row = self.row_layers(self.origin.0 + 2 * usize::from(y) / p);
        let col = self.col_layers(self.origin.1 + usize::from(x) / p);
        (!row.is_empty() && !col.is_empty()).then_some((row.start, col.start))
    }
}

/// The smallest change of `origin` that shows `unit` in a window of `len`
/// units out of `total`, without empty space behind the last.
fn scroll(origin: usize, unit: usize, len: usize, total: usize) -> usize {
    let shown = origin.max((unit + 1).saturating_sub(len)).min(unit);
    shown.min(total.saturating_sub(len))
}

#[cfg(test)]
mod tests;
