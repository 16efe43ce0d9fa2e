//! A map with its rulers, whatever it shows: used for one run and for several
//! side by side. Knows no run.

use ratatui::buffer::Buffer;
use ratatui::widgets::Widget;

use crate::app::layout::{Area, MapPlaces};
use crate::app::stages::StageSpan;
use crate::app::viewport::{Scale, Viewport};
use crate::domain::SimilarityMatrix;
use crate::theme::Role;

use crate::ui::Skin;
use crate::ui::colour::Lut;
use crate::ui::pen::{Pen, rect};
use crate::ui::widgets::{Heatmap, Ruler, Side, Span};

/// A window onto a map.
#[derive(Debug, Clone, Copy)]
pub struct MapView<'a> {
    /// One value per unit (already pooled).
    pub values: &'a SimilarityMatrix,
    /// Which part of it is seen.
    pub window: &'a Viewport,
    /// The cursor as layers of the view: (row, column).
    pub position: (usize, usize),
    /// Stages along the rows and along the columns.
    pub stages: [&'a [StageSpan]; 2],
    /// Ends of the scale.
    pub range: (f64, f64),
    /// Colours.
    pub lut: &'a Lut,
}

impl MapView<'_> {
    /// Draws the cells.
    pub fn map(&self, places: &MapPlaces, skin: &Skin, buffer: &mut Buffer) {
        let scale = self.window.scale();
        let (row, col) = self.position;
        let heatmap = Heatmap {
            values: self.values,
            origin: self.window.origin(),
            pixels: scale.pixels(),
            lut: self.lut,
            range: self.range,
            cursor: Some(self.window.unit((row, col))),
            cursor_style: skin.style(Role::Cursor),
            undefined: skin.style(Role::Undefined),
        };
        heatmap.render(rect(places.map), buffer);
    }

    /// Draws the rulers and, if `marked`, the cursor's marks on them.
    pub fn rulers(&self, marked: bool, places: &MapPlaces, skin: &Skin, buffer: &mut Buffer) {
        let (scale, origin) = (self.window.scale(), self.window.origin());
        let (w, h) = self.window.extent();
        let (row, col) = self.position;
        // the middle of a unit
        let middle = (scale.pixels() - 1) / 2;
        let ruler = |side, extent, spans, cursor: Option<usize>| Ruler {
            side,
            extent,
            spans,
            cursor: cursor.map(|c| c + middle),
            line: skin.style(Role::Ruler),
            label: skin.style(Role::StageLine),
            mark: skin.style(Role::RulerMark),
        };
        let window = self.window;
        let row_unit = |layer| window.row_edge(layer) as isize - origin.0 as isize;
        let col_unit = |layer| window.col_edge(layer) as isize - origin.1 as isize;
        let rows = spans(self.stages[0], row_unit, scale);
        let columns = spans(self.stages[1], col_unit, scale);
        ruler(Side::Top, w, &columns, None).render(rect(places.columns), buffer);
        let cursor = self.window.row_pixel(row).filter(|_| marked);
        ruler(Side::Left, h, &rows, cursor).render(rect(places.rows), buffer);
        if places.rows.w > 0 && w > 0 {
            let corner = Area::new(places.rows.x + places.rows.w - 1, places.columns.y, 1, 1);
            Pen::new(buffer, corner, 0).put("┌", skin.style(Role::Ruler));
        }
        self.more(places, skin, buffer);
        if let Some(x) = self.window.col_pixel(col).filter(|_| marked).map(|x| x + middle) {
            // right below the map, which may be smaller than its area
            let y = places.map.y + h.div_ceil(2) as u16;
            Pen::new(buffer, Area { y, ..places.marks }, 0)
                .skip(x)
                .put("▴", skin.style(Role::RulerMark));
        }
    }
}

impl MapView<'_> {
    /// Arrows on the rulers where the map goes on beyond the window.
    fn more(&self, places: &MapPlaces, skin: &Skin, buffer: &mut Buffer) {
        let window = self.window;
        let ((row, col), (rows, cols)) = (window.origin(), window.visible());
        let (all_rows, all_cols) = window.units();
        let (w, h) = window.extent();
        let style = skin.style(Role::RulerMark);
        let mut arrow = |there: bool, sign: &str, x: u16, y: u16| {
            if there {
                Pen::new(buffer, Area::new(x, y, 1, 1), 0).put(sign, style);
            }
        };
        if places.rows.w > 0 && h > 0 {
            let x = places.rows.x + places.rows.w - 1;
            let last = places.rows.y + (h.div_ceil(2) as u16).min(places.rows.h).saturating_sub(1);
            arrow(row > 0, "↑", x, places.rows.y);
            arrow(row + rows < all_rows, "↓", x, last);
        }
        if places.columns.h > 0 && w > 0 {
            let last = places.columns.x + (w as u16).min(places.columns.w).saturating_sub(1);
            arrow(col > 0, "←", places.columns.x, places.columns.y);
            arrow(col + cols < all_cols, "→", last, places.columns.y);
        }
    }
}

/// Stages as pixels of the window along one axis.
fn spans(stages: &[StageSpan], unit: impl Fn(usize) -> isize, scale: Scale) -> Vec<Span> {
    let pixel = |layer: usize| unit(layer) * scale.pixels() as isize;
    let span = |s: &StageSpan| Span {
        start: pixel(s.span.start),
        end: pixel(s.span.end),
        labels: s.labels.clone(),
    };
    stages.iter().map(span).collect()
}
