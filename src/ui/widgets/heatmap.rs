//! A matrix as half blocks: a cell is one column wide and two rows of pixels
//! high, so pixels are about square. Writes straight into the buffer.
//!
//! ```text
//! ▀ foreground = upper pixel, background = lower pixel
//! ╳ both pixels undefined (one undefined pixel shows the screen through)
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::domain::SimilarityMatrix;

use super::super::colour::Lut;

/// The glyph of cells without a value.
pub const UNDEFINED: &str = "╳";

/// A window onto a matrix.
#[derive(Debug, Clone, Copy)]
pub struct Heatmap<'a> {
    /// One value per unit (already pooled).
    pub values: &'a SimilarityMatrix,
    /// Unit of the top left corner: (row, column).
    pub origin: (usize, usize),
    /// Pixels of a unit along each axis.
    pub pixels: usize,
    /// Colours.
    pub lut: &'a Lut,
    /// Ends of the scale.
    pub range: (f64, f64),
    /// The unit under the cursor: (row, column).
    pub cursor: Option<(usize, usize)>,
    /// The cursor where values are glyphs.
    pub cursor_style: Style,
    /// Cells without a value.
    pub undefined: Style,
}

/// What a pixel shows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pixel {
    Outside,
    Undefined,
    Level(usize),
}

/// Position on a scale, 0 to 1.
pub fn position(value: f64, (low, high): (f64, f64)) -> f64 {
    if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 }
}

impl Heatmap<'_> {
    fn unit(&self, row: usize, col: usize) -> Pixel {
        if row >= self.values.rows() || col >= self.values.cols() {
            return Pixel::Outside;
        }
        match self.values.get(row, col) {
            Some(v) => Pixel::Level(self.lut.level(position(v, self.range))),
            None => Pixel::Undefined,
        }
    }

    /// True for the pixels that mark the cursor: the middle of its unit.
    fn marked(&self, px: usize, py: usize) -> bool {
        let Some((row, col)) = self.cursor else { return false };
        let p = self.pixels.max(1);
        let size = match p {
            1 | 2 => p,
            _ if p % 2 == 1 => (p - 2).min(3),
            _ => 2,
        };
        let margin = (p - size) / 2;
        let hit = |at: usize, unit: usize, origin: usize| {
            unit >= origin && {
                let start = (unit - origin) * p + margin;
                (start..start + size).contains(&at)
            }
        };
        hit(py, row, self.origin.0) && hit(px, col, self.origin.1)
    }
}

impl Widget for Heatmap<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let p = self.pixels.max(1);
        let mut levels: Vec<(Pixel, Pixel)> = Vec::with_capacity(usize::from(area.width));
        let mut rows = (usize::MAX, usize::MAX);
        for y in 0..area.height {
            let (upper, lower) = (2 * usize::from(y), 2 * usize::from(y) + 1);
            let here = (self.origin.0 + upper / p, self.origin.0 + lower / p);
            if here != rows {
                rows = here;
                levels.clear();
                levels.extend((0..usize::from(area.width)).map(|x| {
                    let col = self.origin.1 + x / p;
                    (self.unit(here.0, col), self.unit(here.1, col))
                }));
            }
            for (x, pair) in levels.iter().enumerate() {
                let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y)) else { continue };
                let marks = (self.marked(x, upper), self.marked(x, lower));
                if self.lut.is_ramp() {
                    self.ramp_cell(cell, *pair, marks.0 || marks.1);
                } else {
                    self.colour_cell(cell, *pair, marks, x);
                }
            }
        }
    }
}

impl Heatmap<'_> {
    fn colour_cell(
        &self,
        cell: &mut ratatui::buffer::Cell,
        pair: (Pixel, Pixel),
        marks: (bool, bool),
        x: usize,
    ) {
        use Pixel::{Level, Outside, Undefined};
        match pair {
            (Outside, _) => return,
            (Undefined, Undefined | Outside) => {
                cell.set_symbol(UNDEFINED).set_style(self.undefined);
            }
            (Undefined, Level(b)) => {
                cell.set_symbol("▄").set_fg(self.lut.colour(b));
            }
            (Level(a), Undefined | Outside) => {
                cell.set_symbol("▀").set_fg(self.lut.colour(a));
            }
            (Level(a), Level(b)) => {
                cell.set_symbol("▀").set_fg(self.lut.colour(a)).set_bg(self.lut.colour(b));
            }
        }
        let contrast = |pixel: Pixel| match pixel {
            Level(l) => Some(self.lut.contrast(l)),
            _ => None,
        };
        match (marks, pair) {
            ((false, false), _) => {}
            // a unit of 2 x 2 pixels is two cells: keep its colour around a dot
            (_, (Level(a), _)) if self.pixels == 2 => {
                let left = self.cursor.is_some_and(|(_, col)| (col - self.origin.1) * 2 == x);
                cell.set_symbol(if left { "▐" } else { "▌" });
                cell.set_fg(self.lut.contrast(a)).set_bg(self.lut.colour(a));
            }
            ((true, true), (Level(a), _)) => {
                cell.set_symbol("▀").set_fg(self.lut.contrast(a)).set_bg(self.lut.contrast(a));
            }
            ((true, false), (Level(a), lower)) => {
                cell.set_fg(self.lut.contrast(a));
                if lower == Outside {
                    cell.set_symbol("▀");
                }
            }
            ((false, true), (upper, Level(b))) => {
                let c = self.lut.contrast(b);
                match contrast(upper) {
                    Some(_) => cell.set_bg(c),
                    None => cell.set_fg(c),
                };
            }
            _ => {
                cell.set_symbol("┼").set_style(self.cursor_style);
            }
        }
    }

    fn ramp_cell(&self, cell: &mut ratatui::buffer::Cell, pair: (Pixel, Pixel), marked: bool) {
        use Pixel::{Level, Outside, Undefined};
        let symbol = match pair {
            (Outside, _) => return,
            (Level(a), Level(b)) => self.lut.glyph((a + b) / 2),
            (Level(a), _) | (_, Level(a)) => self.lut.glyph(a),
            (Undefined, _) => UNDEFINED,
        };
        cell.set_symbol(symbol);
        if symbol == UNDEFINED {
            cell.set_style(self.undefined);
        }
        if marked {
            cell.set_symbol("┼").set_style(self.cursor_style);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ColourDepth;
    use crate::theme::{Colormap, Rgb};
    use ndarray::array;
    use ratatui::style::Color;

    fn lut(depth: ColourDepth) -> Lut {
        let map =
            Colormap::new("grey", vec![Rgb(0, 0, 0), Rgb(255, 255, 255)], vec![16, 231]).unwrap();
        Lut::new(Some(&map), depth)
    }

    fn draw(
        values: &SimilarityMatrix,
        pixels: usize,
        cursor: Option<(usize, usize)>,
        lut: &Lut,
    ) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 3));
        let map = Heatmap {
            values,
            origin: (0, 0),
            pixels,
            lut,
            range: (0.0, 1.0),
            cursor,
            cursor_style: Style::new(),
            undefined: Style::new().fg(Color::Red),
        };
        map.render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn upper_and_lower_pixels_are_foreground_and_background() {
        let values = SimilarityMatrix::new(array![[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
        let lut = lut(ColourDepth::Truecolor);
        let buffer = draw(&values, 1, None, &lut);
        let (black, white) = (Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255));
        assert_eq!((buffer[(0, 0)].fg, buffer[(0, 0)].bg), (black, white));
        assert_eq!((buffer[(1, 0)].fg, buffer[(1, 0)].bg), (white, black));
        assert_eq!(
            (buffer[(0, 1)].fg, buffer[(0, 1)].bg),
            (white, Color::Reset),
            "no third row below"
        );
        assert_eq!(buffer[(2, 0)].symbol(), " ", "nothing beside the matrix");
        assert_eq!(buffer[(0, 2)].symbol(), " ");
    }

    #[test]
    fn undefined_cells_are_glyphs_and_never_a_colour_of_the_scale() {
        let n = f64::NAN;
        let values = SimilarityMatrix::new(array![[n, 1.0, n], [n, n, 1.0]]);
        let buffer = draw(&values, 1, None, &lut(ColourDepth::Truecolor));
        assert_eq!((buffer[(0, 0)].symbol(), buffer[(0, 0)].fg), (UNDEFINED, Color::Red));
        assert_eq!((buffer[(1, 0)].symbol(), buffer[(1, 0)].bg), ("▀", Color::Reset));
        assert_eq!((buffer[(2, 0)].symbol(), buffer[(2, 0)].bg), ("▄", Color::Reset));
    }

    #[test]
    fn the_cursor_changes_its_own_unit_only() {
        let values = SimilarityMatrix::new(array![[0.2, 0.4], [0.6, 0.8]]);
        for depth in ColourDepth::ALL {
            let lut = lut(depth);
            for pixels in 1..=3 {
                let plain = draw(&values, pixels, None, &lut);
                let marked = draw(&values, pixels, Some((1, 0)), &lut);
                let changed: Vec<(u16, u16)> =
                    plain.diff(&marked).iter().map(|(x, y, _)| (*x, *y)).collect();
                assert!(!changed.is_empty(), "{depth:?} {pixels}");
                let p = pixels as u16;
                assert!(
                    changed.iter().all(|(x, y)| *x < p && (2 * y + 1 >= p && 2 * y < 2 * p)),
                    "{changed:?}"
                );
            }
        }
    }

    #[test]
    fn without_colours_values_are_glyphs() {
        let values = SimilarityMatrix::new(array![[0.0, 0.5, 1.0], [0.0, 0.5, 1.0]]);
        let buffer = draw(&values, 1, None, &lut(ColourDepth::Mono));
        let row: String = (0..3).map(|x| buffer[(x, 0)].symbol()).collect();
        assert_eq!(row, " ▒█");
    }
}
