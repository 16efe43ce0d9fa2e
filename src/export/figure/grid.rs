//! Many maps as one figure, as the paper shows them: rows and columns are values
//! of two axes, ticks mark where stages begin and end, and one colour bar serves
//! all.

use super::axis::stages;
use super::map::{cells, undefined_note};
use super::page::{Anchor, Area, INK, Page};
use super::scale::Bar;
use super::{Style, font, head};
use crate::domain::{Layer, SimilarityMatrix};
use crate::export::{ExportError, MapExport};
use crate::theme::Colormap;

/// Smallest side of a map.
const LEAST: f64 = 12.0;
/// Share of the page that labels of rows may take where they are not turned.
const LABELS: f64 = 0.14;

/// One map of a figure.
#[derive(Debug, Clone)]
pub struct Multiple {
    /// The layers of its rows and columns.
    pub layers: Vec<Layer>,
    /// Its values.
    pub values: SimilarityMatrix,
    /// A line below it: as many parts as fit, the most important first.
    pub caption: Vec<String>,
}

/// A figure of many maps.
#[derive(Debug, Clone)]
pub struct GridExport<'a> {
    /// First line.
    pub title: String,
    /// Second line.
    pub subtitle: String,
    /// Labels of the rows.
    pub rows: Vec<String>,
    /// Labels of the columns.
    pub cols: Vec<String>,
    /// The maps, row by row; `None` where there is no run.
    pub cells: Vec<Option<Multiple>>,
    /// What the values are.
    pub quantity: String,
    /// The colours.
    pub colormap: &'a Colormap,
    /// The values that take the first and the last colour, of all maps.
    pub range: (f64, f64),
}

impl GridExport<'_> {
    fn check(&self) -> Result<(), ExportError> {
        let found = (self.rows.len(), self.cols.len());
        if self.cells.is_empty() || found.0 * found.1 != self.cells.len() {
            return Err(ExportError::Shape { found, layers: (self.cells.len(), 1) });
        }
        self.cells.iter().flatten().try_for_each(|m| self.map(m).check())
    }

    fn map<'a>(&'a self, multiple: &'a Multiple) -> MapExport<'a> {
        MapExport {
            title: String::new(),
            subtitle: String::new(),
            rows: &multiple.layers,
            cols: &multiple.layers,
            values: &multiple.values,
            se: None,
            quantity: self.quantity.clone(),
            axes: Default::default(),
            outlines: None,
            colormap: self.colormap,
            range: self.range,
        }
    }
}

/// The figure's page.
///
/// # Errors
/// [`ExportError::Shape`] if labels, layers and maps do not belong together,
/// [`ExportError::Room`] if the width has no room for so many.
pub fn page(grid: &GridExport, style: &Style) -> Result<Page, ExportError> {
    grid.check()?;
    let (small, gap, thin) = (style.small(), style.gap(), style.thin());
    let mut page = Page::new(style.width(), &grid.title);
    let head = head::head(&mut page, style, &grid.title, &grid.subtitle);
    let bar = Bar { colormap: grid.colormap, range: grid.range, label: &grid.quantity };
    let (rows, cols) = (grid.rows.len(), grid.cols.len());
    let line = font::LINE * small;
    let widest = |texts: &[String]| font::widest(texts.iter().map(String::as_str), small);
    // labels of rows lie where they are short, and are turned where they are long
    let turned_rows = widest(&grid.rows) > LABELS * style.width();
    let label = if turned_rows { line } else { widest(&grid.rows) };
    let (tick, between) = (0.8 * gap, 1.4 * style.font_size);
    let left = style.margin() + label + gap + 2.0 * tick;
    let right = 2.0 * gap + bar.width(style) + style.margin();
    let side = (style.width() - left - right + between) / cols as f64 - between;
    style.room("so many columns of maps", side, LEAST)?;
    // turned labels of columns need the height of a line
    let turned_cols = widest(&grid.cols) > side + 0.6 * between;
    let above = if turned_cols { widest(&grid.cols).min(side.max(60.0)) } else { line };
    let top = head + above + gap + 2.0 * tick;
    let pitch = (side + between, side + 2.0 * tick + line + 1.2 * gap);
    let corner = |at: usize| {
        let (row, col) = ((at / cols) as f64, (at % cols) as f64);
        (left + col * pitch.0, top + row * pitch.1)
    };
    for (col, text) in grid.cols.iter().enumerate() {
        let middle = corner(col).0 + side / 2.0;
        let base = top - 2.0 * tick - gap;
        match turned_cols {
            false => page.text(text, (middle, base - font::DESCENT * small), small, Anchor::Middle),
            true if pitch.0 >= line => {
                let text = font::fitted(text, small, above);
                page.turned(&text, (middle + font::MIDDLE * small, base), small, Anchor::Start);
            }
            true => {}
        }
    }
    for (row, text) in grid.rows.iter().enumerate() {
        let middle = corner(row * cols).1 + side / 2.0;
        let edge = left - 2.0 * tick - gap;
        match turned_rows {
            false => {
                page.text(text, (edge, middle + font::MIDDLE * small), small, Anchor::End);
            }
            true => {
                let text = font::fitted(text, small, pitch.1 - gap);
                let x = edge - font::DESCENT * small;
                page.turned(&text, (x, middle), small, Anchor::Middle);
            }
        }
    }
    for (at, cell) in grid.cells.iter().enumerate() {
        let area = Area::new(corner(at), (side, side));
        let Some(multiple) = cell else {
            let words = font::fitted("no run", small, side);
            let middle = (area.x + side / 2.0, area.y + side / 2.0 + font::MIDDLE * small);
            page.soft(&words, middle, small, Anchor::Middle);
            continue;
        };
        cells(&mut page, &grid.map(multiple), area);
        page.frame(area, thin, INK);
        let count = multiple.layers.len() as f64;
        let mut ticks: Vec<usize> =
            stages(&multiple.layers).iter().flat_map(|(_, a, b)| [*a, *b]).collect();
        ticks.dedup();
        for at in ticks {
            let along = at as f64 * side / count;
            let (x, y) = (area.x + along, area.y + along);
            let (near, far) = (0.3 * tick, 1.5 * tick);
            page.line((x, area.y - near), (x, area.y - far), thin, INK);
            page.line((area.x - near, y), (area.x - far, y), thin, INK);
        }
        let caption = font::joined(&multiple.caption, small, side + gap);
        let base = area.bottom() + 0.5 * gap + font::ASCENT * small;
        page.soft(&caption, (area.x, base), small, Anchor::Start);
    }
    let maps = (rows - 1) as f64 * pitch.1 + side;
    let x = left + cols as f64 * pitch.0 - between + 2.0 * gap;
    // as tall as the maps, but no tower
    bar.draw(&mut page, style, (x, top), maps.min(style.width()));
    let mut y = top + maps + 0.5 * gap + line;
    if grid.cells.iter().flatten().any(|m| grid.map(m).has_undefined()) {
        y = undefined_note(&mut page, style, y + gap);
    }
    page.height = y + style.margin();
    Ok(page)
}
