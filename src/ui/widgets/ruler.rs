//! The rulers beside a map: an edge with ticks at the boundaries of stages, and
//! labels in the gutter. No lines through the data.
//!
//! ```text
//!           ┌──┴ stage 1 ─────────┴ stage 2 ──
//!   stage 1 ┤▀▄▀▄
//!         ▸ │▀▄▀▄
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::super::pen::width;

/// On which side of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Above: one row.
    Top,
    /// Left: as wide as its area, the last column is the edge.
    Left,
}

/// A labelled stretch along the axis, in pixels from the area's start; it may
/// begin before and end after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First pixel (negative if scrolled out).
    pub start: isize,
    /// Behind its last pixel.
    pub end: isize,
    /// The label, longest form first.
    pub labels: [String; 2],
}

/// A ruler.
#[derive(Debug, Clone)]
pub struct Ruler<'a> {
    /// Where it is.
    pub side: Side,
    /// Pixels of the map along this axis.
    pub extent: usize,
    /// Stages, in order.
    pub spans: &'a [Span],
    /// The cursor's pixel (left rulers mark it).
    pub cursor: Option<usize>,
    /// The edge.
    pub line: Style,
    /// Ticks and labels.
    pub label: Style,
    /// The cursor's mark.
    pub mark: Style,
}

impl Ruler<'_> {
    /// Cells where stages begin or end, inside the map, with the label's span.
    fn ticks(&self, per_cell: usize) -> Vec<(usize, Option<&Span>)> {
        let mut ticks: Vec<(usize, Option<&Span>)> = Vec::new();
        for span in self.spans {
            if span.start > 0 && (span.start as usize) < self.extent {
                ticks.retain(|(at, _)| *at != span.start as usize / per_cell);
                ticks.push((span.start as usize / per_cell, Some(span)));
            }
            if span.end > 0 && (span.end as usize) < self.extent {
                ticks.push((span.end as usize / per_cell, None));
            }
        }
        ticks
    }
}

impl Widget for Ruler<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.is_empty() || self.extent == 0 {
            return;
        }
        match self.side {
            Side::Top => self.top(area, buf),
            Side::Left => self.left(area, buf),
        }
    }
}

impl Ruler<'_> {
    fn top(&self, area: Rect, buf: &mut Buffer) {
        let length = self.extent.min(usize::from(area.width)) as u16;
        for x in 0..length {
            buf.set_stringn(area.x + x, area.y, "─", 1, self.line);
        }
        let ticks = self.ticks(1);
        for (at, _) in &ticks {
            buf.set_stringn(area.x + *at as u16, area.y, "┴", 1, self.line);
        }
        for span in self.spans {
            let start = usize::try_from(span.start).map_or(0, |s| s + 1);
            let end = (span.end.max(0) as usize).min(usize::from(length));
            let room = end.saturating_sub(start);
            let label = span.labels.iter().find(|l| width(l) + 2 <= room);
            if let Some(label) = label {
                let text = format!(" {label} ");
                buf.set_stringn(area.x + start as u16, area.y, text, room, self.label);
            }
        }
    }

    fn left(&self, area: Rect, buf: &mut Buffer) {
        let length = self.extent.div_ceil(2).min(usize::from(area.height)) as u16;
        let edge = area.right() - 1;
        for y in 0..length {
            buf.set_stringn(edge, area.y + y, "│", 1, self.line);
        }
        for (at, _) in self.ticks(2) {
            if at < usize::from(length) {
                buf.set_stringn(edge, area.y + at as u16, "┤", 1, self.line);
            }
        }
        let room = usize::from(area.width).saturating_sub(4);
        let mut free = 0;
        for span in self.spans {
            let first = span.start.max(0) as usize / 2;
            let last = (span.end.max(0) as usize).min(self.extent).div_ceil(2);
            let at = first.max(free);
            let label = span.labels.iter().find(|l| width(l) <= room);
            if let (Some(label), true) = (label, at < last && at < usize::from(length)) {
                let x = area.x + 1 + (room - width(label)) as u16;
                buf.set_stringn(x, area.y + at as u16, label, room, self.label);
                free = at + 1;
            }
        }
        if let Some(y) = self.cursor.map(|c| c / 2).filter(|y| *y < usize::from(length))
            && area.width >= 2
        {
            buf.set_stringn(edge - 1, area.y + y as u16, "▸", 1, self.mark);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans() -> Vec<Span> {
        let span = |start, end, n: usize| Span {
            start,
            end,
            labels: [format!("stage {n}"), n.to_string()],
        };
        vec![span(2, 14, 1), span(14, 18, 2), span(18, 22, 3)]
    }

    fn render(side: Side, width: u16, height: u16, extent: usize) -> Buffer {
        let spans = spans();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let ruler = Ruler {
            side,
            extent,
            spans: &spans,
            cursor: Some(5),
            line: Style::new(),
            label: Style::new(),
            mark: Style::new(),
        };
        ruler.render(buffer.area, &mut buffer);
        buffer
    }

    #[test]
    fn labels_take_the_longest_form_that_fits() {
        let buffer = render(Side::Top, 26, 1, 24);
        assert_eq!(buffer, Buffer::with_lines(["──┴ stage 1 ──┴ 2 ┴ 3 ┴─  "]));
    }

    #[test]
    fn the_left_ruler_marks_the_cursor_and_the_boundaries() {
        let buffer = render(Side::Left, 6, 12, 24);
        let rows = [
            "     │",
            "  1  ┤",
            "    ▸│",
            "     │",
            "     │",
            "     │",
            "     │",
            "  2  ┤",
            "     │",
            "  3  ┤",
            "     │",
            "     ┤",
        ];
        assert_eq!(buffer, Buffer::with_lines(rows));
    }

    #[test]
    fn any_area_is_fine() {
        for w in 0..12 {
            for h in 0..6 {
                for extent in [0, 1, 5, 40] {
                    render(Side::Left, w, h, extent);
                    render(Side::Top, w, h, extent);
                }
            }
        }
    }
}
