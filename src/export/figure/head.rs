//! What stands above and below every figure: its title, how its values were made, notes.

use super::page::{Anchor, Page};
use super::{Style, font};

/// Lines of a title and of a subtitle, at most.
const LINES: [usize; 2] = [3, 3];
/// Lines of a note, at most.
pub(super) const NOTE_LINES: usize = 4;

/// Writes title and subtitle and returns where what follows may start.
pub(super) fn head(page: &mut Page, style: &Style, title: &str, subtitle: &str) -> f64 {
    let (left, room) = (style.margin(), page.width - 2.0 * style.margin());
    let mut y = style.margin();
    for line in font::wrapped(&crate::text::one_line(title), style.font_size, room, LINES[0]) {
        page.text(
            &line,
            (left, y + font::ASCENT * style.font_size),
            style.font_size,
            Anchor::Start,
        );
        y += font::LINE * style.font_size;
    }
    let small = style.small();
    for line in font::wrapped(&crate::text::one_line(subtitle), small, room, LINES[1]) {
        page.soft(&line, (left, y + font::ASCENT * small), small, Anchor::Start);
        y += font::LINE * small;
    }
    // a figure without a title starts at its top
    if y > style.margin() { y + 0.5 * style.font_size } else { y }
}

/// Writes a note from `left` at `y` and returns where what follows may start.
pub(super) fn note(page: &mut Page, style: &Style, words: &str, (left, y): (f64, f64)) -> f64 {
    let (small, mut y) = (style.small(), y);
    let room = page.width - style.margin() - left;
    for line in font::wrapped(words, small, room, NOTE_LINES) {
        page.soft(&line, (left, y + font::ASCENT * small), small, Anchor::Start);
        y += font::LINE * small;
    }
    y
}
