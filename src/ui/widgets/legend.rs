//! The colour scale with its ends: `0 ▇▇▇▇▇▇ 1`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::super::colour::Lut;
use super::super::pen::width;

/// A horizontal colour scale.
#[derive(Debug, Clone, Copy)]
pub struct Legend<'a> {
    /// Colours.
    pub lut: &'a Lut,
    /// Ends of the scale.
    pub range: (f64, f64),
    /// The numbers.
    pub text: Style,
}

/// A number of the scale, short but exact enough to tell the ends apart.
pub fn end(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}").trim_end_matches('0').to_string()
    }
}

impl Legend<'_> {
    /// Columns that the legend takes with a bar of `bar` cells.
    pub fn columns(&self, bar: usize) -> usize {
        width(&end(self.range.0)) + width(&end(self.range.1)) + 2 + bar
    }
}

impl Widget for Legend<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let (low, high) = (end(self.range.0), end(self.range.1));
        let bar = usize::from(area.width).saturating_sub(self.columns(0));
        if area.height == 0 || bar == 0 {
            return;
        }
        let (x, _) =
            buf.set_stringn(area.x, area.y, format!("{low} "), usize::from(area.width), self.text);
        for i in 0..bar {
            let t = i as f64 / (bar.max(2) - 1) as f64;
            let Some(cell) = buf.cell_mut((x + i as u16, area.y)) else { return };
            let level = self.lut.level(t);
            if self.lut.is_ramp() {
                cell.set_symbol(self.lut.glyph(level));
            } else {
                cell.set_symbol(" ").set_bg(self.lut.colour(level));
            }
        }
        buf.set_stringn(x + bar as u16, area.y, format!(" {high}"), width(&high) + 1, self.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_short() {
        assert_eq!(
            [end(0.0), end(1.0), end(0.05), end(0.1234567), end(-0.5)],
            ["0", "1", "0.05", "0.123", "-0.5"]
        );
    }
}
