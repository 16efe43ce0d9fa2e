//! Frames around squares on the diagonal of a map: lines in the cells along the
//! edge, on the colour that the cell's upper half has.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::super::colour::Lut;

/// Frames over a drawn map.
#[derive(Debug, Clone, Copy)]
pub struct Outline<'a> {
    /// Pixels of the window, `(left, top, right, bottom)`, half open; may reach
    /// beyond it.
    pub frames: &'a [(isize, isize, isize, isize)],
    /// The map's colours.
    pub lut: &'a Lut,
    /// Lines where the map has no colours.
    pub style: Style,
}

impl Widget for Outline<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let (w, h) = (area.width as isize, area.height as isize);
        for (left, top, right, bottom) in self.frames {
            // cells, both ends included
            let (x0, x1) = (*left, right - 1);
            let (y0, y1) = (top.div_euclid(2), (bottom - 1).div_euclid(2));
            if x1 < x0 || y1 < y0 {
                continue;
            }
            for y in y0.max(0)..=y1.min(h - 1) {
                for x in x0.max(0)..=x1.min(w - 1) {
                    let symbol = match (x == x0, x == x1, y == y0, y == y1) {
                        (true, true, ..) | (.., true, true) => "▣",
                        (true, _, true, _) => "┏",
                        (_, true, true, _) => "┓",
                        (true, _, _, true) => "┗",
                        (_, true, _, true) => "┛",
                        (true, ..) | (_, true, ..) => "┃",
                        (_, _, true, _) | (.., true) => "━",
                        _ => continue,
                    };
                    self.cell(buf, (area.x + x as u16, area.y + y as u16), symbol);
                }
            }
        }
    }
}

impl Outline<'_> {
    fn cell(&self, buf: &mut Buffer, at: (u16, u16), symbol: &str) {
        let Some(cell) = buf.cell_mut(at) else { return };
        let below = cell.fg;
        cell.set_symbol(symbol);
        if self.lut.is_ramp() {
            cell.set_style(self.style);
        } else {
            cell.set_bg(below).set_fg(self.lut.contrast_to(below));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::ColourDepth;

    #[test]
    fn frames_are_clipped_at_the_window() {
        let lut = Lut::new(None, ColourDepth::Mono);
        let draw = |frame| {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 3));
            let outline = Outline { frames: &[frame], lut: &lut, style: Style::new() };
            outline.render(buffer.area, &mut buffer);
            buffer
        };
        assert_eq!(draw((1, 0, 5, 6)), Buffer::with_lines([" ┏━━┓ ", " ┃  ┃ ", " ┗━━┛ "]));
        assert_eq!(draw((-3, -4, 3, 4)), Buffer::with_lines(["  ┃   ", "━━┛   ", "      "]));
        assert_eq!(draw((2, 2, 3, 4)), Buffer::with_lines(["      ", "  ▣   ", "      "]));
        assert_eq!(draw((9, 9, 20, 20)), Buffer::empty(Rect::new(0, 0, 6, 3)));
    }
}
