//! Values as bars of eighths that stand on the row below, one for each column of a
//! map, with a pointer to the one under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::heatmap::position;
use super::profile::EIGHTHS;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stem {
    /// Nothing was measured.
    Gap,
    /// It was, and is undefined.
    Undefined,
    /// A value.
    Value(f64),
}

/// Bars over the columns of a map.
#[derive(Debug, Clone, Copy)]
pub struct Stems<'a> {
    /// One per unit of the map, from the left.
    pub stems: &'a [Stem],
    /// Pixels of a unit.
    pub pixels: usize,
    /// Ends of the scale.
    pub range: (f64, f64),
    /// The unit under the cursor.
    pub cursor: Option<usize>,
    /// The bars.
    pub bars: Style,
    /// Dots of undefined values.
    pub undefined: Style,
    /// The pointer.
    pub mark: Style,
}

impl Stems<'_> {
    /// Eighths of a row that a value takes of `rows` rows; at least one, so that it
    /// is never invisible.
    fn eighths(&self, value: f64, rows: u16) -> usize {
        let height = position(value, self.range) * 8.0 * f64::from(rows);
        (height.round() as usize).max(1)
    }
}

impl Widget for Stems<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let (p, rows) = (self.pixels.max(1), area.height);
        if rows == 0 {
            return;
        }
        for x in 0..area.width {
            let Some(stem) = self.stems.get(usize::from(x) / p) else { break };
            let column = area.x + x;
            match stem {
                Stem::Gap => {}
                Stem::Undefined => {
                    buf.set_stringn(column, area.bottom() - 1, "·", 1, self.undefined);
                }
                Stem::Value(value) => {
                    let eighths = self.eighths(*value, rows);
                    for y in 0..rows {
                        let part = eighths.saturating_sub(8 * usize::from(y)).min(8);
                        if part > 0 {
                            let at = area.bottom() - 1 - y;
                            buf.set_stringn(column, at, EIGHTHS[part], 1, self.bars);
                        }
                    }
                }
            }
        }
        let Some(at) = self.cursor else { return };
        let x = at * p + (p - 1) / 2;
        let Some(stem) = self.stems.get(at).filter(|_| x < usize::from(area.width)) else { return };
        // right above the bar; in its top cell where that is the strip's
        let full = match stem {
            Stem::Gap => 0,
            Stem::Undefined => 1,
            Stem::Value(value) => self.eighths(*value, rows).div_ceil(8) as u16,
        };
        let y = area.bottom() - 1 - full.min(rows - 1);
        buf.set_stringn(area.x + x as u16, y, "▾", 1, self.mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(stems: &[Stem], pixels: usize, size: (u16, u16), cursor: usize) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        let widget = Stems {
            stems,
            pixels,
            range: (0.0, 1.0),
            cursor: Some(cursor),
            bars: Style::new(),
            undefined: Style::new(),
            mark: Style::new(),
        };
        widget.render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn bars_stand_over_their_columns_and_the_pointer_above_one() {
        use Stem::{Gap, Undefined, Value};
        let stems = [Value(0.0), Value(0.5), Value(1.0), Undefined, Gap, Value(0.75)];
        assert_eq!(draw(&stems, 1, (8, 2), 1), Buffer::with_lines([" ▾█  ▄  ", "▁██· █  "]));
        assert_eq!(draw(&stems, 1, (8, 2), 2), Buffer::with_lines(["  ▾  ▄  ", "▁██· █  "]));
        assert_eq!(draw(&stems, 1, (8, 2), 4), Buffer::with_lines(["  █  ▄  ", "▁██·▾█  "]));
        assert_eq!(draw(&stems[..2], 3, (7, 1), 0), Buffer::with_lines(["▁▾▁▄▄▄ "]));
        for (w, h) in [(0, 0), (1, 1), (3, 0)] {
            draw(&stems, 2, (w, h), 5);
        }
    }
}
