//! A row of values as bars of eighths, one column per group of values, with a
//! mark below the column of interest.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::heatmap::position;

pub(super) const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Bars along the layers; undefined values are gaps with a dot.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    /// The values; `None` is undefined.
    pub values: &'a [Option<f64>],
    /// Ends of the scale.
    pub range: (f64, f64),
    /// Which value to mark below the bars.
    pub mark: Option<usize>,
    /// The bars.
    pub bars: Style,
    /// Dots of undefined values.
    pub undefined: Style,
    /// The mark.
    pub mark_style: Style,
}

impl Profile<'_> {
    /// Columns used of `width`, and values per column: a whole number of
    /// columns per value, or of values per column.
    pub fn fit(&self, width: usize) -> (usize, usize, usize) {
        let n = self.values.len();
        if n == 0 || width == 0 {
            return (0, 1, 1);
        }
        let per_column = n.div_ceil(width);
        let columns_each = if per_column == 1 { (width / n).clamp(1, 4) } else { 1 };
        (n.div_ceil(per_column) * columns_each, per_column, columns_each)
    }
}

impl Widget for Profile<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let bars = area.height.saturating_sub(1);
        let (columns, group, each) = self.fit(usize::from(area.width));
        for x in 0..columns {
            let slot = x / each;
            let members = self.values.iter().skip(slot * group).take(group).flatten();
            let (mut sum, mut count) = (0.0, 0usize);
            members.for_each(|v| {
                sum += v;
                count += 1;
            });
            let column = area.x + x as u16;
            if count == 0 {
                if bars > 0 {
                    buf.set_stringn(column, area.y + bars - 1, "·", 1, self.undefined);
                }
                continue;
            }
            // few steps: fewer cells change when the cursor goes to another row
            let steps = if bars >= 3 { 3 } else { 4 };
            let height = position(sum / count as f64, self.range) * f64::from(steps * bars);
            // a defined value is never invisible
            let eighths = (height.round() as usize).max(1) * 8 / usize::from(steps);
            for y in 0..bars {
                let part = eighths.saturating_sub(8 * usize::from(y)).min(8);
                if part > 0 {
                    buf.set_stringn(column, area.y + bars - 1 - y, EIGHTHS[part], 1, self.bars);
                }
            }
        }
        if let Some(at) = self.mark.filter(|m| *m < self.values.len()) {
            let x = at / group * each + (each - 1) / 2;
            if area.height > 0 && x < usize::from(area.width) {
                buf.set_stringn(area.x + x as u16, area.bottom() - 1, "▴", 1, self.mark_style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(values: &[Option<f64>], width: u16, height: u16) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let profile = Profile {
            values,
            range: (0.0, 1.0),
            mark: Some(2),
            bars: Style::new(),
            undefined: Style::new(),
            mark_style: Style::new(),
        };
        profile.render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn bars_gaps_and_the_mark() {
        let values = [Some(0.0), Some(0.5), Some(1.0), None, Some(0.75)];
        assert_eq!(draw(&values, 5, 3), Buffer::with_lines(["  █ ▄", "▂██·█", "  ▴  "]));
        assert_eq!(draw(&values, 3, 2), Buffer::with_lines(["▂█▆", " ▴ "]));
        draw(&values, 0, 0);
        draw(&[], 4, 2);
    }
}
