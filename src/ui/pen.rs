//! Writing text into a buffer, clipped, and cut with an ellipsis where needed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::layout::Area;
pub use crate::text::width;

/// An area as ratatui has it.
pub fn rect(area: Area) -> Rect {
    Rect::new(area.x, area.y, area.w, area.h)
}

/// The text in at most `columns`, its end replaced by `…` if it is longer.
pub fn fit(text: &str, columns: usize) -> String {
    cut(text, columns, false)
}

/// Like [`fit`], but keeps the end, which tells layer names apart.
pub fn fit_end(text: &str, columns: usize) -> String {
    cut(text, columns, true)
}

fn cut(text: &str, columns: usize, keep_end: bool) -> String {
    if width(text) <= columns {
        return text.to_string();
    }
    let mut kept = String::new();
    let mut used = 1;
    let mut chars: Vec<char> = text.chars().collect();
    if keep_end {
        chars.reverse();
    }
    for c in chars {
        used += width(c.encode_utf8(&mut [0; 4]));
        if used > columns {
            break;
        }
        kept.push(c);
    }
    match (columns, keep_end) {
        (0, _) => String::new(),
        (_, true) => std::iter::once('…').chain(kept.chars().rev()).collect(),
        (_, false) => kept + "…",
    }
}

/// Writes along a row.
#[derive(Debug)]
pub struct Pen<'a> {
    buffer: &'a mut Buffer,
    x: u16,
    y: u16,
    end: u16,
}

impl<'a> Pen<'a> {
    /// A pen at the start of row `row` of an area.
    pub fn new(buffer: &'a mut Buffer, area: Area, row: u16) -> Pen<'a> {
        let bounds = buffer.area.intersection(rect(area));
        let y = area.y.saturating_add(row);
        let inside = row < area.h && y < bounds.bottom();
        Pen { x: bounds.x, y, end: if inside { bounds.right() } else { bounds.x }, buffer }
    }

    /// Columns left.
    pub fn left(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// Writes a text, clipped.
    pub fn put(&mut self, text: &str, style: Style) -> &mut Self {
        if self.left() > 0 {
            (self.x, _) = self.buffer.set_stringn(self.x, self.y, text, self.left(), style);
        }
        self
    }

    /// Writes a text, cut with an ellipsis.
    pub fn fit(&mut self, text: &str, style: Style) -> &mut Self {
        let text = fit(text, self.left());
        self.put(&text, style)
    }

    /// Writes a text in a field of fixed width, on its left.
    pub fn field(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let text = fit(text, columns);
        let pad = columns.saturating_sub(width(&text));
        self.put(&text, style).put(&" ".repeat(pad), style)
    }

    /// Writes a text in a field of fixed width, on its right.
    pub fn number(&mut self, text: &str, columns: usize, style: Style) -> &mut Self {
        let text = fit(text, columns);
        let pad = columns.saturating_sub(width(&text));
        self.put(&" ".repeat(pad), style).put(&text, style)
    }

    /// Leaves columns out.
    pub fn skip(&mut self, columns: usize) -> &mut Self {
        self.x = self.x.saturating_add(columns.min(self.left()) as u16);
        self
    }

    /// Writes a text at the right end, if it fits behind what is there.
    pub fn right(&mut self, text: &str, style: Style) -> &mut Self {
        let columns = width(text);
        if columns <= self.left() {
            let skip = self.left() - columns;
            self.skip(skip).put(text, style);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_by_columns_not_by_bytes() {
        assert_eq!(fit("layer3.2.conv1", 8), "layer3.…");
        assert_eq!(fit_end("layer3.2.conv1", 8), "…2.conv1");
        assert_eq!(fit("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("abc", 1), "…");
    }

    #[test]
    fn a_pen_never_leaves_its_area_or_the_buffer() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 10, 2));
        Pen::new(&mut buffer, Area::new(2, 0, 4, 1), 0).put("abcdefgh", Style::new());
        Pen::new(&mut buffer, Area::new(2, 0, 4, 1), 1).put("no", Style::new());
        Pen::new(&mut buffer, Area::new(8, 1, 40, 9), 0).put("xyz", Style::new());
        Pen::new(&mut buffer, Area::new(50, 50, 40, 9), 3).put("xyz", Style::new());
        assert_eq!(buffer, Buffer::with_lines(["  abcd    ", "        xy"]));
    }
}
