//! A page as a list of things to draw, in points (1/72 inch) from its top left corner:
//! what every layout makes and every kind of file is written from. Knows neither maps
//! nor file formats.

use super::font;
use crate::theme::Rgb;

/// Points per millimetre.
pub const POINTS_PER_MM: f64 = 72.0 / 25.4;
/// What text and lines are drawn with.
pub(crate) const INK: Rgb = Rgb(38, 38, 38);
/// What is less important is written with.
pub(crate) const SOFT: Rgb = Rgb(95, 95, 95);
/// The paper.
pub(crate) const PAPER: Rgb = Rgb(255, 255, 255);

/// A rectangle: left, top, width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width, at least 0.
    pub width: f64,
    /// Height, at least 0.
    pub height: f64,
}

impl Area {
    /// A rectangle from its corner and its size.
    pub fn new((x, y): (f64, f64), (width, height): (f64, f64)) -> Area {
        Area { x, y, width, height }
    }

    /// Right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    /// True if they share more than an edge; slivers of rounding do not count.
    pub fn overlaps(&self, other: &Area) -> bool {
        let (a, b) = (self, other);
        let more = 1e-6;
        a.x + more < b.right()
            && b.x + more < a.right()
            && a.y + more < b.bottom()
            && b.y + more < a.bottom()
    }

    /// True if `other` lies in it.
    pub fn holds(&self, other: &Area) -> bool {
        let more = 1e-6;
        self.x <= other.x + more
            && self.y <= other.y + more
            && other.right() <= self.right() + more
            && other.bottom() <= self.bottom() + more
    }
}

/// Where the point of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// At its start.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// A picture, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height x width` colours.
    pub pixels: Vec<Rgb>,
}

impl Picture {
    /// The same with several pixels for each, so that a viewer that smooths pictures
    /// whatever a file says blurs no more than the edges.
    pub(super) fn enlarged(&self) -> Picture {
        let times = (1024 / self.width.max(self.height).max(1)).clamp(1, 8);
        let mut pixels = Vec::with_capacity(self.pixels.len() * times * times);
        for row in self.pixels.chunks_exact(self.width.max(1)) {
            for _ in 0..times {
                pixels.extend(row.iter().flat_map(|pixel| std::iter::repeat_n(*pixel, times)));
            }
        }
        Picture { width: self.width * times, height: self.height * times, pixels }
    }
}

/// A text on one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it says; nothing hidden is in it.
    pub words: String,
    /// Its point on the baseline.
    pub at: (f64, f64),
    /// Size of the font.
    pub size: f64,
    /// Where the point is.
    pub anchor: Anchor,
    /// Turned, so that it reads from bottom to top.
    pub turned: bool,
    /// Its colour.
    pub colour: Rgb,
}

impl Text {
    /// Width in the font of the figures.
    pub fn width(&self) -> f64 {
        font::width(&self.words, self.size)
    }

    /// How far its start lies before its point.
    pub fn lead(&self) -> f64 {
        match self.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => self.width() / 2.0,
            Anchor::End => self.width(),
        }
    }
}

/// Something to draw.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A filled rectangle.
    Fill(Area, Rgb),
    /// A picture with hard edges between its pixels.
    Image(Area, Picture),
    /// Lines of one kind.
    Lines {
        /// Corners of each.
        paths: Vec<Vec<(f64, f64)>>,
        /// Whether each ends where it began.
        closed: bool,
        /// Their colour.
        colour: Rgb,
        /// Their width.
        width: f64,
        /// Length of dashes and of gaps between them; 0 draws them whole.
        dash: f64,
    },
    /// A disc: its centre, its radius, its colour.
    Disc((f64, f64), f64, Rgb),
    /// A text.
    Text(Text),
}

impl Item {
    /// What it covers; `None` if that is nothing.
    pub fn bounds(&self) -> Option<Area> {
        match self {
            Item::Fill(area, _) | Item::Image(area, _) => Some(*area),
            Item::Lines { paths, width, .. } => {
                let mut points = paths.iter().flatten();
                let first = points.next()?;
                let start = (first.0, first.0, first.1, first.1);
                let (l, r, t, b) = points.fold(start, |(l, r, t, b), (x, y)| {
                    (l.min(*x), r.max(*x), t.min(*y), b.max(*y))
                });
                let half = width / 2.0;
                Some(Area::new((l - half, t - half), (r - l + width, b - t + width)))
            }
            Item::Disc((x, y), r, _) => Some(Area::new((x - r, y - r), (2.0 * r, 2.0 * r))),
            Item::Text(text) => {
                let (up, down) = (font::ASCENT * text.size, font::DESCENT * text.size);
                let (length, height) = (text.width(), up + down);
                let ((x, y), lead) = (text.at, text.lead());
                Some(match text.turned {
                    false => Area::new((x - lead, y - up), (length, height)),
                    true => Area::new((x - up, y + lead - length), (height, length)),
                })
            }
        }
    }
}

/// A page of a size, with things on white paper.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What it is called where files have a name of their own.
    pub title: String,
    /// What is on it, the lowest first.
    pub items: Vec<Item>,
}

impl Page {
    /// An empty page of a width; its height grows with what is put on it.
    pub(super) fn new(width: f64, title: &str) -> Page {
        Page { width, height: 0.0, title: crate::text::one_line(title), items: Vec::new() }
    }

    /// The whole of it.
    pub fn area(&self) -> Area {
        Area::new((0.0, 0.0), (self.width, self.height))
    }

    /// The texts on it.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.items.iter().filter_map(|item| match item {
            Item::Text(text) => Some(text),
            _ => None,
        })
    }

    /// Puts a text on it.
    pub(super) fn text(&mut self, words: &str, at: (f64, f64), size: f64, anchor: Anchor) {
        self.write(words, at, size, anchor, false, INK);
    }

    /// Puts a less important text on it.
    pub(super) fn soft(&mut self, words: &str, at: (f64, f64), size: f64, anchor: Anchor) {
        self.write(words, at, size, anchor, false, SOFT);
    }

    /// Puts a text that reads from bottom to top on it.
    pub(super) fn turned(&mut self, words: &str, at: (f64, f64), size: f64, anchor: Anchor) {
        self.write(words, at, size, anchor, true, INK);
    }

    fn write(
        &mut self,
        words: &str,
        at: (f64, f64),
        size: f64,
        anchor: Anchor,
        turned: bool,
        colour: Rgb,
    ) {
        let words = crate::text::one_line(words);
        if !words.trim().is_empty() {
            self.items.push(Item::Text(Text { words, at, size, anchor, turned, colour }));
        }
    }

    /// Puts a straight line on it.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, colour: Rgb) {
        self.lines(vec![vec![from, to]], width, colour);
    }

    /// Puts lines on it.
    pub(super) fn lines(&mut self, paths: Vec<Vec<(f64, f64)>>, width: f64, colour: Rgb) {
        if !paths.is_empty() {
            self.items.push(Item::Lines { paths, closed: false, colour, width, dash: 0.0 });
        }
    }

    /// Puts the edge of a rectangle on it.
    pub(super) fn frame(&mut self, of: Area, width: f64, colour: Rgb) {
        let corners =
            vec![(of.x, of.y), (of.right(), of.y), (of.right(), of.bottom()), (of.x, of.bottom())];
        self.items.push(Item::Lines {
            paths: vec![corners],
            closed: true,
            colour,
            width,
            dash: 0.0,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_follow_anchor_and_turn() {
        let text = |anchor, turned| {
            let words = "abc".to_string();
            Item::Text(Text { words, at: (50.0, 50.0), size: 10.0, anchor, turned, colour: INK })
        };
        let width = font::width("abc", 10.0);
        let end = text(Anchor::End, false).bounds().unwrap();
        assert!((end.right() - 50.0).abs() < 1e-9 && (end.width - width).abs() < 1e-9);
        assert!(end.y < 43.0 && end.bottom() > 52.0);
        // read from bottom to top, a text that starts at its point lies above it
        let up = text(Anchor::Start, true).bounds().unwrap();
        assert!((up.bottom() - 50.0).abs() < 1e-9 && (up.height - width).abs() < 1e-9);
        let up = text(Anchor::End, true).bounds().unwrap();
        assert!((up.y - 50.0).abs() < 1e-9 && up.x < 43.0);
        let a = Area::new((0.0, 0.0), (10.0, 10.0));
        assert!(a.overlaps(&Area::new((9.0, 9.0), (5.0, 5.0))));
        assert!(!a.overlaps(&Area::new((10.0, 0.0), (5.0, 5.0))));
        assert!(a.holds(&a) && !a.holds(&Area::new((5.0, 5.0), (6.0, 1.0))));
    }
}
